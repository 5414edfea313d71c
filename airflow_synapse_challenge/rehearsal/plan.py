"""``rehearsal.yaml``: who takes part in a rehearsal, who submits what, and what has to come of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from airflow_synapse_challenge.challenge.units import Duration
from airflow_synapse_challenge.errors import ConfigurationError


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PlannedSubmission(_Part):
    """
    One submission.

    :param by: a participant, or a team in whose name its first member submits.
    :param file: what is submitted, beside ``rehearsal.yaml``.
    :param junk: bytes of noise to submit instead of a file.
    :param image: folder with the Dockerfile of what is submitted instead.
    :param queue: name of the queue; may be left out when there is one only.
    :param valid: it must be accepted with these scores, to six digits.
    :param invalid: it must be invalid for a reason with these words.
    """

    by: str
    file: str | None = None
    junk: int | None = None
    image: str | None = None
    queue: str | None = None
    valid: dict[str, float] | None = None
    invalid: str | None = None

    @property
    def name(self) -> str:
        """Name of the submitted file or image."""
        source = self.image or self.file
        return Path(source).name if source else "junk.bin"

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if [self.file, self.junk, self.image].count(None) != 2:
            raise ValueError("give one of `file`, `junk` and `image`")
        if (self.valid is None) == (self.invalid is None):
            raise ValueError("give either `valid` or `invalid`")
        return self


class PlannedRank(_Part):
    """Who has to stand at a place of the leaderboard, and with which file or image."""

    submitter: str
    file: str


class Plan(_Part):
    """
    A rehearsal.

    :param gold_standards: file by name of the queue.
    :param host_folders: folder beside ``rehearsal.yaml`` that stands in for one of the engine's host which
        ``challenge.yaml`` names.
    :param teams: members by name; they are participants.
    :param over: time over which the submissions are spread.
    :param leaderboard: the final one of the first queue, best first.
    """

    gold_standards: dict[str, str] = {}
    host_folders: dict[str, str] = {}
    participants: tuple[str, ...]
    teams: dict[str, tuple[str, ...]] = {}
    over: Duration = timedelta(seconds=60)
    submissions: tuple[PlannedSubmission, ...] = Field(min_length=1)
    leaderboard: tuple[PlannedRank, ...] = ()

    @property
    def has_images(self) -> bool:
        """Whether somebody submits an image."""
        return any(planned.image for planned in self.submissions)

    @model_validator(mode="after")
    def _everybody_takes_part(self) -> Self:
        known = {*self.participants, *self.teams}
        for name in [*(entry.by for entry in self.submissions), *(m for team in self.teams.values() for m in team)]:
            if name not in known:
                raise ValueError(f"{name!r} is neither a participant nor a team")
        return self


def load_plan(folder: Path) -> Plan:
    """
    Read ``rehearsal.yaml``.

    :raises ConfigurationError: it is not there, or not usable.
    """
    path = folder / "rehearsal.yaml"
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Plan.model_validate(content)
    except FileNotFoundError:
        raise ConfigurationError(f"There is no {path}; a rehearsal needs it beside challenge.yaml.") from None
    except (yaml.YAMLError, ValidationError) as error:
        raise ConfigurationError(f"{path} cannot be used:\n{error}") from error
