"""Shapes of the request bodies that the queues take."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from airflow_synapse_challenge.local_synapse.core.bodies import Body

#: Synapse's integers have 64 bits, and so have the database's.
Whole = Annotated[int, Field(ge=-(2**63), lt=2**63)]


def moment(text: Any) -> datetime:
    """
    Return a time, in UTC.

    :raises ValueError: it is none.
    """
    if not isinstance(text, str):
        raise ValueError("a time is a text")
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text} is beyond the calendar") from error


Moment = Annotated[datetime, BeforeValidator(moment)]
LimitType = Literal["TOTAL", "DAILY", "WEEKLY", "MONTHLY"]
Status = Literal[
    "OPEN", "CLOSED", "SCORED", "INVALID", "VALIDATED", "EVALUATION_IN_PROGRESS", "RECEIVED", "REJECTED", "ACCEPTED"
]


class SubmissionQuota(Body, total=False):
    """The deprecated form of rounds."""

    firstRoundStart: Moment
    roundDurationMillis: Whole
    numberOfRounds: Whole
    submissionLimit: Whole


class Evaluation(Body, total=False):
    """A queue."""

    id: str
    etag: str
    name: str
    description: str
    contentSource: str
    submissionInstructionsMessage: str
    submissionReceiptMessage: str
    quota: SubmissionQuota


class EvaluationRoundLimit(Body, total=False):
    """How many submissions a round takes from each submitter."""

    limitType: LimitType
    maximumSubmissions: Whole


class EvaluationRound(Body, total=False):
    """A time in which a queue takes submissions."""

    id: str
    etag: str
    evaluationId: str
    roundStart: Moment
    roundEnd: Moment
    limits: list[EvaluationRoundLimit]


class EvaluationRoundListRequest(Body, total=False):
    """Which page of rounds."""

    nextPageToken: str


class SubmissionContributor(Body, total=False):
    """Somebody who took part in a submission."""

    principalId: str
    createdOn: Moment


class Submission(Body, total=False):
    """What is handed in."""

    submitterAlias: str
    evaluationId: str
    evaluationRoundId: str
    entityId: str
    versionNumber: Whole
    dockerDigest: str
    name: str
    teamId: str
    contributors: list[SubmissionContributor]


class StringAnnotation(Body, total=False):
    """An annotation of the older generation that is a text."""

    key: str
    isPrivate: bool
    value: str


class LongAnnotation(Body, total=False):
    """An annotation of the older generation that is a whole number."""

    key: str
    isPrivate: bool
    value: Whole


class DoubleAnnotation(Body, total=False):
    """An annotation of the older generation that is a number."""

    key: str
    isPrivate: bool
    value: float


class OlderAnnotations(Body, total=False):
    """Annotations of the older generation."""

    stringAnnos: list[StringAnnotation]
    longAnnos: list[LongAnnotation]
    doubleAnnos: list[DoubleAnnotation]


class AnnotationsValue(Body, total=False):
    """The values of one annotation; its own rules say which are good (U-08)."""

    type: str
    value: list[Any]


class Annotations(Body, total=False):
    """Annotations of the newer generation."""

    annotations: dict[str, AnnotationsValue]


class SubmissionStatus(Body, total=False):
    """The state of a submission."""

    id: str
    etag: str
    status: Status
    statusVersion: Whole
    score: float
    report: str
    canCancel: bool
    cancelRequested: bool
    annotations: OlderAnnotations
    submissionAnnotations: Annotations


class SubmissionStatusBatch(Body, total=False):
    """Many states at once."""

    isFirstBatch: bool
    isLastBatch: bool
    batchToken: str
    statuses: list[SubmissionStatus]


class Challenge(Body, total=False):
    """What makes a project a challenge."""

    id: str
    etag: str
    projectId: str
    participantTeamId: str


class ChallengeTeam(Body, total=False):
    """A team that takes part in a challenge."""

    id: str
    etag: str
    challengeId: str
    teamId: str
    message: str
