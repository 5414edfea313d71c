"""
The one tree of errors. The class says who has to act; nothing else decides about retries or mails.

::

    SynapseChallengeError
    ├── TransientError        nobody: trying again may help (outage, throttling, an engine that is away)
    ├── PermanentError        whoever runs the service: trying again cannot help (no permission, not found)
    │   └── ConfigurationError    whoever wrote challenge.yaml or the operator's arguments
    ├── ParticipantFault      the participant: the submission is invalid, with the reasons
    └── OrganiserFault        the organisers: their script or image is broken; participants get a neutral text
"""

from __future__ import annotations

from collections.abc import Sequence


class SynapseChallengeError(Exception):
    """Base of every error that this package raises on purpose."""


class TransientError(SynapseChallengeError):
    """Trying again may help."""


class PermanentError(SynapseChallengeError):
    """Trying again cannot help; somebody who runs the service has to act."""


class ConfigurationError(PermanentError):
    """A configuration is wrong; the text says what, where and how to mend it."""


class ParticipantFault(SynapseChallengeError):
    """
    The submission is invalid.

    :param reasons: sentences for the participant, in the order in which they were found; at least one.
    :param kind: one word for what happened, for example ``out_of_memory``; empty where the reasons say all.
    """

    def __init__(self, reasons: Sequence[str], kind: str = "") -> None:
        self.reasons = tuple(reasons)
        self.kind = kind
        super().__init__("; ".join(self.reasons))


class OrganiserFault(SynapseChallengeError):
    """
    The organisers' script or image is broken.

    :param summary: one sentence without any content of the log; safe to store and to mail.
    :param detail: what the organisers need to mend it, for example the end of the log with the traceback.
        Never shown to participants.
    """

    def __init__(self, summary: str, detail: str = "") -> None:
        self.summary = summary
        self.detail = detail
        super().__init__(summary)
