"""
What Synapse, or the way to it, can answer instead of a result.

::

    SynapseChallengeError
    ├── TransientError
    │   ├── SynapseUnavailable     no answer, 429, 5xx: nothing is known to have happened, trying again may help
    │   └── StaleEtag              412: somebody else wrote in between, reading and writing again may help
    └── PermanentError
        └── SynapseRejected        Synapse understood and refused
            ├── BadRequest         400
            ├── Unauthorized       401
            ├── Forbidden          403
            ├── NotFound           404
            └── NameTaken          409
"""

from __future__ import annotations

from airflow_synapse_challenge.errors import PermanentError, TransientError


class SynapseUnavailable(TransientError):
    """
    Synapse gave no usable answer.

    :param request: the request in words.
    :param reason: what happened.
    :param status: HTTP status, ``None`` when there was no answer at all.
    """

    def __init__(self, request: str, reason: str, status: int | None = None) -> None:
        self.request = request
        self.reason = reason
        self.status = status
        super().__init__(f"Synapse did not answer while trying to {request}: {_told(status, reason)}")


class StaleEtag(TransientError):
    """
    412: somebody else wrote since the document was read.

    :param request: the request in words.
    :param reason: Synapse's own ``reason``.
    :param status: HTTP status.
    """

    def __init__(self, request: str, reason: str, status: int = 412) -> None:
        self.request = request
        self.reason = reason
        self.status = status
        super().__init__(f"Somebody else wrote while trying to {request}: {_told(status, reason)}")


class SynapseRejected(PermanentError):
    """
    Synapse refused a request.

    :param request: the request in words.
    :param reason: Synapse's own ``reason``.
    :param status: HTTP status.
    """

    hint = ""

    def __init__(self, request: str, reason: str, status: int) -> None:
        self.request = request
        self.reason = reason
        self.status = status
        hint = f" {self.hint}" if self.hint else ""
        super().__init__(f"Synapse refused to {request}: {_told(status, reason)}{hint}")


class BadRequest(SynapseRejected):
    """400."""


class Unauthorized(SynapseRejected):
    """401."""

    hint = "Check the personal access token of the connection."


class Forbidden(SynapseRejected):
    """403."""

    hint = "Give the token's owner that access, or a token with the scopes view, modify and download."


class NotFound(SynapseRejected):
    """404."""


class NameTaken(SynapseRejected):
    """409."""


BY_STATUS: dict[int, type[SynapseRejected | StaleEtag]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: NameTaken,
    412: StaleEtag,
}


def _told(status: int | None, reason: str) -> str:
    return f"HTTP {status}, {reason}" if status else reason
