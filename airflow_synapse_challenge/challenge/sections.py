"""The smaller parts of a queue: scores, mails, logs, rounds and annotations."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from airflow_synapse_challenge.challenge.section import (
    KEY_PREFIX,
    AnnotationKey,
    Number,
    Problems,
    Section,
    Whole,
)
from airflow_synapse_challenge.challenge.units import Duration, Moment, Size, at_least
from airflow_synapse_challenge.challenge.yaml_lines import Path

Event = Literal["started", "valid", "invalid", "scored", "failed", "admin_failed", "admin_withheld"]

# The orchestrator's SUBMITTER_NOTIFICATION_MASK. An ended workflow is what we call scored; cancelled (8) and timed
# out (16) are failures to the person who reads the mail.
MASK_STARTED, MASK_COMPLETE, MASK_FAILED = 1, 2, 4 | 8 | 16


class Metric(Section):
    """A number that the score script reports, and which end of it is the better one."""

    metric: AnnotationKey = Field(description="Key of the number in the score script's result.")
    order: Literal["ascending", "descending"] = Field(
        "descending", description="descending: the largest is first; ascending: the smallest is first."
    )


class Ties(Section):
    """When two entries count as equally good."""

    method: Literal["equal", "bootstrap"] = Field(
        "equal", description="equal: same numbers only; bootstrap: too close to tell apart by resampling."
    )
    bayes_factor: Number = Field(
        3.0, ge=1, description="bootstrap: two entries tie when the Bayes factor between them is not above this."
    )


class Scores(Section):
    """Who sees the scores, and how they rank."""

    visibility: Literal["immediate", "withheld", "hybrid"] = Field(
        "immediate", description="Who sees scores: all at once, nobody yet, or nobody yet in rounds marked final."
    )
    private_annotations: tuple[AnnotationKey, ...] = Field(
        ("submission_errors",),
        description="Keys of the scripts' results that only organisers see: private annotations, not in mails.",
    )
    primary: Metric | None = Field(None, description="What the leaderboard is sorted by.")
    secondary: Metric | None = Field(None, description="What decides between equal primary metrics.")
    keep: Literal["best", "latest", "all"] = Field("best", description="Which entries of a submitter rank.")
    ties: Ties = Field(default_factory=Ties, description="When two entries share a rank.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        found: list[tuple[Path, str]] = []
        if self.secondary and not self.primary:
            found.append((("secondary",), "needs `primary` beside it; a single metric is the primary one"))
        elif self.secondary and self.primary and self.secondary.metric == self.primary.metric:
            found.append((("secondary", "metric"), "is the primary metric too; name another or leave `secondary` out"))
        Problems.raise_for(found)
        return self


class MailSwitches(Section):
    """Which mails submitters get, and their texts."""

    started: bool = Field(False, description="Mail when the evaluation starts.")
    invalid: bool = Field(True, description="Mail with the reasons when a submission is invalid.")
    valid: bool = Field(False, description="Mail when a submission is valid.")
    scored: bool = Field(True, description="Mail with the scores, as far as they are visible.")
    failed: bool = Field(True, description="Neutral mail when the evaluation failed through no fault of the submitter.")
    errors_only: bool | None = Field(None, description="Another way to say `valid`: true means valid: false.")
    mask: Whole | None = Field(
        None, ge=0, le=31, description="The orchestrator's SUBMITTER_NOTIFICATION_MASK; the other keys go before it."
    )
    templates: dict[Event, str] = Field(
        default_factory=dict,
        description="Texts of your own: event to a file beside this one (Jinja, first line Subject).",
    )
    # Filled when the file is loaded: a mail is made without reading anything.
    _texts: dict[str, str] = PrivateAttr(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _aliases(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        given = dict(data)
        mask, errors_only = given.get("mask"), given.get("errors_only")
        if isinstance(mask, int):
            given.setdefault("started", bool(mask & MASK_STARTED))
            given.setdefault("scored", bool(mask & MASK_COMPLETE))
            given.setdefault("failed", bool(mask & MASK_FAILED))
        if isinstance(errors_only, bool):
            given.setdefault("valid", not errors_only)
        return given

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.errors_only is not None and self.errors_only == self.valid:
            said = str(self.errors_only).lower()
            Problems.raise_for([(("errors_only",), f"{said} contradicts `valid: {said}`; keep one of the two keys")])
        return self

    def text_of(self, event: Event) -> str | None:
        """Return the queue's own text for an event, ``None`` for the text that comes with the product."""
        return self._texts.get(event)


class Logs(Section):
    """What happens with the scripts' logs."""

    share: bool = Field(True, description="true: submitters can read their logs; false: only organisers can.")
    upload_every: Annotated[Duration, AfterValidator(at_least(timedelta(minutes=1)))] = Field(
        timedelta(minutes=30), description="How often a running model's log is uploaded; at least 1m."
    )
    limit: Size = Field(50_000, description="Bytes of a log that are kept: its head and its tail.")


class Limits(Section):
    """How often a submitter may submit in a round. Days, weeks and months are those of UTC."""

    total: Whole | None = Field(None, ge=0, description="In the whole round.")
    daily: Whole | None = Field(None, ge=0, description="On one day, from 00:00 UTC.")
    weekly: Whole | None = Field(None, ge=0, description="In one week, from Monday 00:00 UTC.")
    monthly: Whole | None = Field(None, ge=0, description="In one month, from its first day 00:00 UTC.")


class Round(Section):
    """A time in which the queue takes submissions."""

    name: str = Field(min_length=1, max_length=256, description="Name of the round, unique in its queue.")
    start: Moment = Field(description="First moment of the round, with its zone.")
    end: Moment = Field(description="First moment after the round, with its zone.")
    limits: Limits = Field(default_factory=Limits, description="How often a submitter may submit.")
    final: bool = Field(False, description="Final round: `visibility: hybrid` withholds its scores.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.end <= self.start:
            Problems.raise_for([(("end",), f"lies not after the start ({self.start:%Y-%m-%dT%H:%M:%SZ})")])
        return self


class AnnotationNames(Section):
    """Under which names results are annotated."""

    orchestrator_names: bool = Field(
        False, description="Write the names of the Synapse Workflow Orchestrator too, for dashboards that read them."
    )
    prefix: str = Field(
        "",
        pattern=KEY_PREFIX,
        description="Put before every key that a script reports, for queues that share one view.",
    )


def overlaps(rounds: tuple[Round, ...]) -> Iterator[tuple[Path, str]]:
    """Yield rounds of one queue that share a moment or a name (Synapse refuses the overlap)."""
    for index, later in enumerate(rounds):
        for earlier in rounds[:index]:
            if later.name == earlier.name:
                yield (index, "name"), f'"{later.name}" is the name of another round too; give each its own'
            # Half-open, as Synapse tests it: a round may start where another ends.
            if later.start < earlier.end and earlier.start < later.end:
                yield (
                    (index, "start"),
                    f'the round "{later.name}" overlaps with "{earlier.name}" '
                    f"({earlier.start:%Y-%m-%dT%H:%M:%SZ} to {earlier.end:%Y-%m-%dT%H:%M:%SZ}); "
                    "let it start where the other ends",
                )
