"""What a seed file may hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from airflow_synapse_challenge.local_synapse.people import access

#: Who organises where a file does not say who.
ORGANISER = "challenge-service"

ENTITY_LEVELS = {
    "view": ["READ"],
    "download": ["READ", "DOWNLOAD"],
    "moderate": ["READ", "DOWNLOAD", "MODERATE"],
    "edit": ["READ", "DOWNLOAD", "UPDATE", "CREATE"],
    "edit_and_delete": ["READ", "DOWNLOAD", "UPDATE", "CREATE", "DELETE"],
    "admin": access.ENTITY_ADMIN,
}
QUEUE_LEVELS = {
    "view": ["READ"],
    "submit": ["READ", "SUBMIT"],
    "score": ["READ", "UPDATE_SUBMISSION", "READ_PRIVATE_SUBMISSION"],
    "admin": access.EVALUATION_ADMIN,
}
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
RELATIVE = re.compile(r"([+-]\d{1,6})([smhdw])")


def moment(text: str, now: datetime) -> datetime:
    """Return the time that a text means: ISO 8601 (UTC where it names no zone), ``now``, or such as ``-7d``."""
    if text == "now":
        return now
    if relative := RELATIVE.fullmatch(text):
        return now + timedelta(**{UNITS[relative[2]]: int(relative[1])})
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _moment(text: str) -> str:
    try:
        moment(text, datetime.now(UTC))
    except ValueError as error:
        raise ValueError("must be a time such as 2026-05-01T12:00:00Z, now, -7d or +36h (s, m, h, d, w)") from error
    return text


def _rights(levels: dict[str, list[str]]) -> Callable[[Any], Any]:
    kinds = {kind for rights in levels.values() for kind in rights}

    def rights(value: Any) -> Any:
        if isinstance(value, str) and value in levels:
            return levels[value]
        if isinstance(value, list) and value and all(kind in kinds for kind in value):
            return value
        raise ValueError(f"must be one of {', '.join(levels)}, or a list of {', '.join(sorted(kinds))}")

    return rights


def _number(value: Any) -> Any:
    """Return the number of an id that is written with Synapse's prefix."""
    return int(value[3:]) if isinstance(value, str) and re.fullmatch(r"syn\d{1,15}", value) else value


Moment = Annotated[str, AfterValidator(_moment)]
Known = Annotated[int, BeforeValidator(_number), Field(gt=0)]
Name = Annotated[str, Field(min_length=1)]
#: Names of users and teams, ``public`` and ``authenticated``, each with what they may do.
EntitySharing = dict[str, Annotated[list[str], BeforeValidator(_rights(ENTITY_LEVELS))]]
QueueSharing = dict[str, Annotated[list[str], BeforeValidator(_rights(QUEUE_LEVELS))]]
Scalar = bool | int | float | str


def _value(value: Any) -> Any:
    if not isinstance(value, Scalar):
        raise ValueError("must be a text, a number, true or false")
    return value


def _values(value: Any) -> Any:
    return [_value(item) for item in value] if isinstance(value, list) else [_value(value)]


Value = Annotated[Any, BeforeValidator(_value)]
#: A value or several.
Values = Annotated[list[Any], BeforeValidator(_values)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class User(_Part):
    """
    Somebody with a token.

    :param id: principal id, where a script needs one that it knows.
    :param token: personal access token; a random one otherwise.
    """

    name: Name
    id: Known | None = None
    first_name: str = ""
    last_name: str = ""
    certified: bool = True
    token: Annotated[str, Field(min_length=8, pattern=r"^[\w.~+/=-]+$")] | None = None


class Team(_Part):
    """
    A team.

    :param public: anybody may join.
    :param managers: users; the first makes the team.
    """

    name: Name
    id: Known | None = None
    description: str = ""
    public: bool = False
    managers: Annotated[list[Name], Field(min_length=1)] = [ORGANISER]
    members: list[Name] = []


class WikiPage(_Part):
    """
    A page and the pages below it.

    :param file: markdown beside the seed file, instead of ``markdown``.
    """

    id: Known | None = None
    title: str = ""
    markdown: str = ""
    file: Name | None = None
    pages: list[WikiPage] = []

    @model_validator(mode="after")
    def _one_text(self) -> Self:
        if self.markdown and self.file:
            raise ValueError("give the text as markdown or as file, not both")
        return self


class File(_Part):
    """
    A file with content, from here or from a file beside the seed file.

    :param sharing: its own; inherited where none is given.
    """

    name: Name
    id: Known | None = None
    content: Annotated[str, Field(min_length=1)] | None = None
    path: Name | None = None
    sharing: EntitySharing = {}
    annotations: dict[str, Values] = {}

    @model_validator(mode="after")
    def _one_content(self) -> Self:
        if (self.content is None) == (self.path is None):
            raise ValueError("give either content (the text itself) or path (a file beside the seed file)")
        return self


class Folder(_Part):
    """
    A folder with what is in it.

    :param sharing: its own; inherited where none is given.
    """

    name: Name
    id: Known | None = None
    sharing: EntitySharing = {}
    annotations: dict[str, Values] = {}
    files: list[File] = []
    folders: list[Folder] = []


class Challenge(_Part):
    """
    What makes a project a challenge.

    :param participants: team of those who have registered.
    :param teams: teams that take part; their members have to be participants to submit.
    """

    id: Known | None = None
    participants: Name
    teams: list[Name] = []


class Project(Folder):
    """
    A project with what is in it.

    :param owner: who makes it and all in it, and may do everything there.
    """

    owner: Name = ORGANISER
    challenge: Challenge | None = None
    wiki: WikiPage | None = None


class Round(_Part):
    """A round of a queue; times may lie in the past."""

    start: Moment
    end: Moment
    limits: dict[Literal["total", "daily", "weekly", "monthly"], Annotated[int, Field(ge=0)]] = {}


class Queue(_Part):
    """
    An evaluation queue.

    :param project: name or id.
    :param owner: who makes it and may do everything with it; the project's creator where none is given.
    """

    name: Name
    id: Known | None = None
    project: Name
    owner: Name | None = None
    description: str = ""
    instructions: str = ""
    receipt: str = ""
    sharing: QueueSharing = {}
    rounds: list[Round] = []


class Annotations(_Part):
    """
    What a scored submission says.

    :param public: in both generations of annotations, so that views show them too.
    :param private: in the older generation only, marked private: views would show them to every reader.
    """

    public: dict[str, Value] = {}
    private: dict[str, Value] = {}


Status = Literal[
    "OPEN", "CLOSED", "SCORED", "INVALID", "VALIDATED", "EVALUATION_IN_PROGRESS", "RECEIVED", "REJECTED", "ACCEPTED"
]


class Submission(_Part):
    """
    A submission.

    :param by: user who submits.
    :param team: in whose name.
    :param contributors: users who have contributed beside the submitter, for a team.
    :param file: ``project/folder/file`` by names, or an id.
    """

    by: Name
    team: Name | None = None
    contributors: list[Name] = []
    queue: Name
    file: Name
    name: str | None = None
    alias: str | None = None
    created: Moment = "now"
    status: Status = "RECEIVED"
    annotations: Annotations = Annotations()


class Seeds(_Part):
    """A seed file."""

    users: list[User] = []
    teams: list[Team] = []
    projects: list[Project] = []
    queues: list[Queue] = []
    submissions: list[Submission] = []

    def moments(self, now: datetime) -> list[datetime]:
        """Return all times that the file names."""
        texts = [entry.created for entry in self.submissions]
        texts += [entry.start for queue in self.queues for entry in queue.rounds]
        return [moment(text, now) for text in texts]
