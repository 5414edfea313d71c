"""Who may do what: effective principals and access control lists."""

from __future__ import annotations

from collections.abc import Iterable

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


def principals_of(store: Store, user: int) -> set[int]:
    """Return the principals whose rights a user has (G-14)."""
    own = {user, PUBLIC}
    if user != ANONYMOUS:
        own.add(AUTHENTICATED)
        own.update(row["team"] for row in store.all("SELECT team FROM member WHERE user = ?", user))
        if is_certified(store, user):
            own.add(CERTIFIED)
    return own


def is_admin(store: Store, user: int) -> bool:
    """Administrators pass every check."""
    return store.one("SELECT 1 FROM member WHERE team = ? AND user = ?", ADMINISTRATORS, user) is not None


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


def read_acl(store: Store, kind: str, object_id: int, public_id: str) -> Json | None:
    """Return a list as Synapse shows it."""
    row = store.one("SELECT etag, doc FROM acl WHERE kind = ? AND object = ?", kind, object_id)
    if row is None:
        return None
    return {**load(row["doc"]), "id": public_id, "etag": row["etag"]}


def write_acl(store: Store, kind: str, object_id: int, entries: Iterable[Json]) -> None:
    """Store a list."""
    doc = {
        "creationDate": store.timestamp(),
        "resourceAccess": [
            {"principalId": int(entry["principalId"]), "accessType": list(entry["accessType"])} for entry in entries
        ],
    }
    store.run("INSERT OR REPLACE INTO acl VALUES (?, ?, ?, ?)", kind, object_id, new_etag(), dump(doc))


def check_acl(store: Store, kind: str, user: int, entries: list[Json]) -> None:
    """Refuse what no list may hold (V-12)."""
    mine: set[str] = set()
    own = principals_of(store, user)
    for entry in entries:
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
        if principal in own:
            mine.update(kinds)
    if "CHANGE_PERMISSIONS" not in mine and kind != "team" and not is_admin(store, user):
        raise Invalid("Caller is trying to revoke their own ACL editing permissions.")
