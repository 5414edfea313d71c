"""
What mails say, and who wants them.

A mail's text is a template: one of those that come with the product, or the queue's own (``mail: {templates: …}``).
Participants write team names and cause error texts; these enter a mail as values only, on one line each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from airflow_synapse_challenge.challenge import mail_text
from airflow_synapse_challenge.challenge.annotations import STATUS, withheld
from airflow_synapse_challenge.challenge.config import Queue
from airflow_synapse_challenge.challenge.sections import Event
from airflow_synapse_challenge.challenge.text import clean, cut, one_line
from airflow_synapse_challenge.errors import ConfigurationError

__all__ = ["Event", "Mail", "MailContext", "render", "wanted"]

LONGEST_SUBJECT = 250
LONGEST_NAME = 200
LONGEST_BODY = 50_000


@dataclass(frozen=True)
class Mail:
    """
    A mail as Synapse sends it (``POST /message``): plain text.

    :param subject: one line.
    :param body: text.
    """

    subject: str
    body: str


@dataclass(frozen=True)
class MailContext:
    """
    What a mail can tell.

    :param queue: the queue's name.
    :param submission_id: the submission.
    :param name: how the recipient is addressed; the team's or user's name.
    :param errors: reasons for the participant.
    :param scores: what the score script reported; what the queue hides is left out here.
    :param folder_url: where the submission's folder can be seen.
    :param run_url: where administrators see the run.
    :param summary: what failed, in one sentence.
    :param detail: end of the log with the traceback; for administrators only.
    :param final_round: whether the submission belongs to a round marked final.
    """

    queue: str
    submission_id: int | str
    name: str = ""
    errors: Sequence[str] = ()
    scores: Mapping[str, Any] = field(default_factory=dict)
    folder_url: str = ""
    run_url: str = ""
    summary: str = ""
    detail: str = ""
    final_round: bool = False


def wanted(event: Event, queue: Queue) -> bool:
    """Tell whether a queue wants a mail for an event; administrators are always told of theirs."""
    return _for_administrators(event) or bool(getattr(queue.mail, event))


def render(event: Event, queue: Queue, context: MailContext) -> Mail:
    """
    Return the mail for an event.

    :raises ConfigurationError: the queue's own text fails on these values, or was never loaded.
    """
    own = queue.mail.text_of(event)
    if own is None and event in queue.mail.templates:
        raise ConfigurationError(
            f"The mail text {queue.mail.templates[event]!r} of queue {queue.name!r} was not loaded; use load_challenge."
        )
    try:
        subject, body = mail_text.render(own or _bundled(event), _values(event, queue, context))
    except mail_text.BadTemplateError as error:
        source = queue.mail.templates.get(event, f"{event}.txt")
        raise ConfigurationError(f"The mail text {source!r} of queue {queue.name!r} fails: {error}.") from error
    return Mail(cut(one_line(subject), LONGEST_SUBJECT), f"{cut(clean(body).strip(), LONGEST_BODY)}\n")


def _for_administrators(event: Event) -> bool:
    return event.startswith("admin_")


@cache
def _bundled(event: Event) -> str:
    return (resources.files(__package__) / "templates" / f"{event}.txt").read_text(encoding="utf-8")


def _values(event: Event, queue: Queue, context: MailContext) -> dict[str, Any]:
    for_administrators = _for_administrators(event)
    return {
        "queue": one_line(context.queue),
        "queue_id": queue.id or "",
        "submission_id": str(context.submission_id),
        "name": cut(one_line(context.name), LONGEST_NAME) or "participant",
        "errors": [shown for error in context.errors if (shown := one_line(error))],
        "scores": {} if for_administrators else _visible(queue, context),
        "folder_url": context.folder_url if for_administrators or queue.logs.share else "",
        # What only administrators may read never reaches another mail's text, not even one that asks for it.
        "run_url": context.run_url if for_administrators else "",
        "summary": one_line(context.summary) if for_administrators else "",
        "detail": clean(context.detail) if for_administrators else "",
    }


def _visible(queue: Queue, context: MailContext) -> dict[str, str]:
    if withheld(queue, final_round=context.final_round):
        return {}
    hidden = {STATUS, *queue.scores.private_annotations}
    return {one_line(key): _shown(value) for key, value in context.scores.items() if key not in hidden}


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(_shown(item) for item in value)
    return one_line(str(value))
