"""Who may do what, in words."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_synapse_challenge.local_synapse.core.store import Json

#: What somebody does who has an access type; the first that they have says it.
OF_ENTITY = (
    ("CHANGE_PERMISSIONS", "administers"),
    ("DELETE", "edits and deletes"),
    ("UPDATE", "edits"),
    ("MODERATE", "moderates"),
    ("DOWNLOAD", "downloads"),
    ("READ", "views"),
)
OF_QUEUE = (
    ("CHANGE_PERMISSIONS", "administers"),
    ("UPDATE_SUBMISSION", "scores"),
    ("READ_PRIVATE_SUBMISSION", "reads everything"),
    ("SUBMIT", "submits"),
    ("READ", "views"),
)
#: What the permissions of a queue tell, in words.
RIGHTS_OF_QUEUE = {
    "canView": "see the queue",
    "canSubmit": "submit",
    "canViewPrivateSubmissionStatusAnnotations": "see all submissions and what is private",
    "canEditSubmissionStatuses": "score",
    "canDeleteSubmissions": "delete submissions",
    "canEdit": "change the queue",
    "canChangePermissions": "share it",
}
RIGHTS_OF_ENTITY = {
    "canView": "see this",
    "canDownload": "download",
    "canAddChild": "add to it",
    "canEdit": "change it",
    "canDelete": "delete it",
    "canModerate": "moderate its forum",
    "canChangePermissions": "share it",
}


@dataclass(frozen=True)
class Share:
    """
    What a principal may do.

    :param kinds: access types.
    """

    principal: int
    does: str
    kinds: str


def shares(acl: Json | None, words: tuple[tuple[str, str], ...]) -> list[Share]:
    """Return an access control list in words, those who may most first."""
    found = [(_position(entry["accessType"], words), entry) for entry in (acl or {}).get("resourceAccess", [])]
    return [
        Share(entry["principalId"], words[at][1] if at < len(words) else "has rights", ", ".join(entry["accessType"]))
        for at, entry in sorted(found, key=lambda pair: (pair[0], pair[1]["principalId"]))
    ]


def _position(kinds: list[str], words: tuple[tuple[str, str], ...]) -> int:
    return next((at for at, (kind, _) in enumerate(words) if kind in kinds), len(words))


def granted(permissions: Json | None, words: dict[str, str]) -> list[str]:
    """Return what permissions allow, in words."""
    return [text for name, text in words.items() if (permissions or {}).get(name)]
