"""Who may do what: effective principals and access control lists."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from airflow_synapse_challenge.local_synapse.core.bodies import Body, Long
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, NotAllowed
from airflow_synapse_challenge.local_synapse.core.http import ANONYMOUS
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, load, new_etag, tables

tables(
    """
    CREATE TABLE IF NOT EXISTS acl (kind TEXT, object INTEGER, etag TEXT NOT NULL, doc TEXT NOT NULL,
        PRIMARY KEY (kind, object));
    """
)

ADMINISTRATORS = 2
CERTIFIED = 3
TRUSTED_SENDERS = 4
ACCESS_AND_COMPLIANCE = 464532
AUTHENTICATED = 273948
PUBLIC = 273949

ENTITY_ADMIN = ["READ", "DOWNLOAD", "UPDATE", "DELETE", "CREATE", "CHANGE_PERMISSIONS", "CHANGE_SETTINGS", "MODERATE"]
EVALUATION_ADMIN = [
    "CREATE",
    "READ",
    "SUBMIT",
    "READ_PRIVATE_SUBMISSION",
    "UPDATE_SUBMISSION",
    "CHANGE_PERMISSIONS",
    "UPDATE",
    "DELETE",
    "DELETE_SUBMISSION",
]
TEAM_ADMIN = ["READ", "SEND_MESSAGE", "UPDATE", "DELETE", "TEAM_MEMBERSHIP_UPDATE"]
TEAM_MESSENGER = ["READ", "SEND_MESSAGE"]

AccessType = Literal[
    "CREATE", "READ", "UPDATE", "DELETE", "CHANGE_PERMISSIONS", "DOWNLOAD", "UPLOAD", "PARTICIPATE", "SUBMIT",
    "READ_PRIVATE_SUBMISSION", "UPDATE_SUBMISSION", "DELETE_SUBMISSION", "TEAM_MEMBERSHIP_UPDATE", "SEND_MESSAGE",
    "CHANGE_SETTINGS", "MODERATE", "REVIEW_SUBMISSIONS", "EXEMPTION_ELIGIBLE",
]  # fmt: skip


class ResourceAccess(Body, total=False):
    """What a principal may do."""

    principalId: Long
    accessType: list[AccessType]


class AccessControlList(Body, total=False):
    """Who may do what to something."""

    id: str
    etag: str
    resourceAccess: list[ResourceAccess]


def principals_of(store: Store, user: int) -> set[int]:
    """Return the principals whose rights a user has (G-14)."""
    own = {user, PUBLIC}
    if user != ANONYMOUS:
        own.add(AUTHENTICATED)
        own.update(row["team"] for row in store.all("SELECT team FROM member WHERE user = ?", user))
        if is_certified(store, user):
            own.add(CERTIFIED)
    return own


def is_member(store: Store, team: int, user: int) -> bool:
    """Tell whether a user is in a team or a group."""
    return store.one("SELECT 1 FROM member WHERE team = ? AND user = ?", team, user) is not None


def is_admin(store: Store, user: int) -> bool:
    """Administrators pass every check (G-14)."""
    return is_member(store, ADMINISTRATORS, user)


def is_certified(store: Store, user: int) -> bool:
    """Only certified users create content other than projects (E-07)."""
    return bool(store.value("SELECT certified FROM principal WHERE id = ?", user))


def require_certified(store: Store, user: int) -> None:
    """Refuse a user who is not certified (E-07)."""
    if not (is_certified(store, user) or is_admin(store, user)):
        raise NotAllowed(
            "Only certified users may create or update content in Synapse.", code="USER_CERTIFICATION_REQUIRED"
        )


def allowed(store: Store, kind: str, object_id: int, user: int, access: str) -> bool:
    """Tell whether a list gives a user an access type."""
    if is_admin(store, user):
        return True
    row = store.one("SELECT doc FROM acl WHERE kind = ? AND object = ?", kind, object_id)
    if row is None:
        return False
    mine = principals_of(store, user)
    return any(
        int(entry["principalId"]) in mine and access in entry["accessType"]
        for entry in load(row["doc"])["resourceAccess"]
    )


def holders(store: Store, kind: str, object_id: int, access: str) -> list[int]:
    """Return the principals to whom a list gives an access type by name."""
    row = store.one("SELECT doc FROM acl WHERE kind = ? AND object = ?", kind, object_id)
    entries = load(row["doc"])["resourceAccess"] if row else []
    return [int(entry["principalId"]) for entry in entries if access in entry["accessType"]]


def read_acl(store: Store, kind: str, object_id: int, public_id: str) -> Json | None:
    """Return a list as Synapse shows it."""
    row = store.one("SELECT etag, doc FROM acl WHERE kind = ? AND object = ?", kind, object_id)
    if row is None:
        return None
    return {**load(row["doc"]), "id": public_id, "etag": row["etag"]}


def write_acl(store: Store, kind: str, object_id: int, entries: Iterable[Json]) -> None:
    """Store a list; it keeps the date on which the object got its first."""
    created_on = store.value(
        "SELECT json_extract(doc, '$.creationDate') FROM acl WHERE kind = ? AND object = ?", kind, object_id
    )
    doc = {
        "creationDate": created_on or store.timestamp(),
        "resourceAccess": [
            {"principalId": int(entry["principalId"]), "accessType": list(entry["accessType"])} for entry in entries
        ],
    }
    store.run("INSERT OR REPLACE INTO acl VALUES (?, ?, ?, ?)", kind, object_id, new_etag(), dump(doc))


def check_acl(store: Store, kind: str, user: int, entries: list[Json], owner: int | None = None) -> None:
    """
    Refuse what no list may hold (V-12).

    :param owner: who made the object: they may give away their own right to change the list.
    """
    mine: set[str] = set()
    own = principals_of(store, user)
    for entry in entries:
        _check_entry(kind, entry)
        if int(entry["principalId"]) in own:
            mine.update(entry["accessType"])
        if int(entry["principalId"]) == AUTHENTICATED and "DOWNLOAD" in entry["accessType"]:
            require_certified(store, user)
    if "CHANGE_PERMISSIONS" not in mine and kind != "team" and user != owner and not is_admin(store, user):
        raise Invalid("Caller is trying to revoke their own ACL editing permissions.")


def _check_entry(kind: str, entry: Json) -> None:
    if entry.get("principalId") is None:
        raise Invalid("principalId is required.")
    principal, kinds = int(entry["principalId"]), entry.get("accessType") or []
    if not kinds:
        raise Invalid("No access types specified.")
    if principal == ANONYMOUS:
        raise Invalid(
            "Cannot assign permissions to anonymous. To share resources with anonymous users, "
            "use the PUBLIC group id (273949)"
        )
    if principal == PUBLIC and kinds != ["READ"]:
        raise Invalid("Only READ permissions can be assigned to the public group")
    if principal == AUTHENTICATED and kind == "evaluation" and kinds != ["READ"]:
        raise Invalid("Only read access on an evaluation can be granted to all authenticated Synapse users.")
