"""What the local Synapse refuses, with Synapse's HTTP statuses (rule G-04)."""

from __future__ import annotations

from collections.abc import Sequence


class Refused(Exception):
    """
    A request is answered with an error.

    :param reason: Synapse's ``reason``.
    :param code: Synapse's ``errorCode``, which few errors have.
    """

    status = 500

    def __init__(self, reason: str, code: str | None = None) -> None:
        self.reason = reason
        self.code = code
        super().__init__(reason)


class Invalid(Refused):
    """400: an argument or a body is wrong."""

    status = 400


class InvalidToken(Refused):
    """401: the access token is unknown."""

    status = 401


class NotAllowed(Refused):
    """403: the caller lacks a permission."""

    status = 403


class MissingScope(NotAllowed):
    """
    403: the token does not allow it (G-02).

    :param scopes: what the operation needs.
    """

    def __init__(self, scopes: Sequence[str]) -> None:
        self.description = f"Request lacks scope(s) required by this service: {', '.join(scopes)}"
        super().__init__(f"insufficient_scope {self.description}")


class Missing(Refused):
    """404: no such object, or one that must look like none."""

    status = 404


class NameTaken(Refused):
    """409: names are unique here."""

    status = 409


class Gone(Refused):
    """410: Synapse has removed this service."""

    status = 410


class Stale(Refused):
    """412: the etag is not the current one."""

    status = 412


class UnsupportedType(Refused):
    """415: the body is no JSON."""

    status = 415


class TooMany(Refused):
    """429: slow down."""

    status = 429


class NotServed(Refused):
    """501: Synapse has this operation, the local one does not."""

    status = 501


def require(value: object, name: str) -> None:
    """Refuse a missing argument with Synapse's words (G-07)."""
    if value is None:
        raise Invalid(f"{name} is required.")
    if value == "":
        raise Invalid(f"{name} is required and must not be the empty string.")
