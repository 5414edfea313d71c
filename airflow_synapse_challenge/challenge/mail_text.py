"""The form of a mail's text: a Jinja template whose first line is ``Subject: …``, the rest its body."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

LARGEST = 64 * 1024
SUBJECT = "Subject:"

VARIABLES = (
    "queue",
    "queue_id",
    "submission_id",
    "name",
    "errors",
    "scores",
    "folder_url",
    "run_url",
    "summary",
    "detail",
)


class BadTemplateError(ValueError):
    """A text that makes no mail; the message says why and how to mend it."""


def environment() -> ImmutableSandboxedEnvironment:
    """
    Return the environment of mail texts: plain text, sandboxed, every variable must exist.

    What participants write enters as values only and is never itself read as a template.
    """
    # Mails are plain text, which has nothing to escape.
    return ImmutableSandboxedEnvironment(
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def split(text: str) -> tuple[str, str]:
    """
    Return the subject's and the body's template.

    :raises BadTemplateError: the first line is no subject.
    """
    first, _, body = text.partition("\n")
    if not first.startswith(SUBJECT) or not first.removeprefix(SUBJECT).strip():
        raise BadTemplateError('its first line is no subject; begin the file with "Subject: …"')
    return first.removeprefix(SUBJECT).strip(), body.lstrip("\r\n")


def check(text: str) -> None:
    """
    Refuse a text that could not become a mail.

    :raises BadTemplateError: too long, no subject, a syntax error or an unknown variable.
    """
    if len(text.encode()) > LARGEST:
        raise BadTemplateError(f"it is longer than {LARGEST // 1024}KiB")
    split(text)
    try:
        tree = environment().parse(text)
        environment().from_string(text)
    except TemplateSyntaxError as error:
        raise BadTemplateError(f"line {error.lineno}: {error.message}") from None
    unknown = sorted(meta.find_undeclared_variables(tree) - set(VARIABLES))
    if unknown:
        close = get_close_matches(unknown[0], VARIABLES, n=1)
        question = f'; did you mean "{close[0]}"?' if close else ""
        raise BadTemplateError(f'"{unknown[0]}" is no variable; allowed: {", ".join(VARIABLES)}{question}')


def render(text: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """
    Return subject and body.

    :raises BadTemplateError: the template fails on these values.
    """
    subject, body = split(text)
    try:
        made = [environment().from_string(part).render(**values) for part in (subject, body)]
    except TemplateError as error:
        raise BadTemplateError(str(error)) from None
    return made[0], made[1]
