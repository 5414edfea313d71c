"""Whose fault it was, in a form that one task can leave for another."""

from __future__ import annotations

import traceback
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from airflow_synapse_challenge.errors import (
    ConfigurationError,
    OrganiserFault,
    ParticipantFault,
    SynapseChallengeError,
)

Owner = Literal["participant", "organiser", "infrastructure"]

LONGEST_SUMMARY = 1000
LONGEST_DETAIL = 20_000


@dataclass(frozen=True)
class Fault:
    """
    Why a run failed.

    :param owner: who has to mend it. A participant's is told to the participant, the others to the administrators.
    :param summary: what happened, without anything from a log.
    :param detail: what the one who mends it needs, such as a traceback; shown to administrators only. A
        participant's fault has its reasons here, one on each line.
    :param kind: one word for what happened, for example ``out_of_memory``.
    """

    owner: Owner
    summary: str
    detail: str = ""
    kind: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return JSON for the next task."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Fault:
        """
        Read what :meth:`to_dict` made.

        :raises ValueError: no known owner.
        """
        if values["owner"] not in get_args(Owner):
            raise ValueError(f"{values['owner']!r} owns no fault; allowed: {', '.join(get_args(Owner))}")
        return cls(
            owner=values["owner"],
            summary=values["summary"],
            detail=values.get("detail", ""),
            kind=values.get("kind", ""),
        )

    @classmethod
    def from_exception(cls, error: BaseException) -> Fault:
        """
        Attribute an exception.

        A wrong configuration is the organisers' fault; whatever is not one of this package's errors is the
        infrastructure's, and its text, which may hold anything, goes to the detail only.
        """
        if isinstance(error, ParticipantFault):
            detail = _head("\n".join(error.reasons), LONGEST_DETAIL)
            return cls("participant", _head(str(error), LONGEST_SUMMARY), detail, error.kind)
        if isinstance(error, OrganiserFault):
            return cls("organiser", _head(error.summary, LONGEST_SUMMARY), _tail(error.detail, LONGEST_DETAIL))
        detail = _tail("".join(traceback.format_exception(error)), LONGEST_DETAIL)
        if isinstance(error, ConfigurationError):
            return cls("organiser", "The configuration of the challenge is wrong.", detail)
        if isinstance(error, SynapseChallengeError):
            return cls("infrastructure", _head(str(error), LONGEST_SUMMARY), detail)
        return cls("infrastructure", f"The evaluation was stopped by an unexpected {type(error).__name__}.", detail)


def _head(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _tail(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"…{text[-(limit - 1) :]}"
