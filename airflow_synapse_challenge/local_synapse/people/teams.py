"""Teams: made, found, changed, deleted, and their access control lists."""

from __future__ import annotations

from datetime import datetime

from airflow_synapse_challenge.local_synapse.core.bodies import Body
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, NotAllowed, Stale, require
from airflow_synapse_challenge.local_synapse.core.http import ANONYMOUS, Context, Redirect, as_id, operation, paginated
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, load, new_etag, tables
from airflow_synapse_challenge.local_synapse.files import handles

from . import access
from .principals import LAST_CHARACTER, IdList, checked_name, require_free_name
from .query import check_redirect, cut_page, sorting, token_page

# `is_admin` repeats what the team's list says, so that members can be paged by it.
tables(
    """
    CREATE TABLE IF NOT EXISTS member (team INTEGER, user INTEGER, is_admin INTEGER NOT NULL, PRIMARY KEY (team, user));
    CREATE INDEX IF NOT EXISTS member_user ON member (user);
    """
)

SERVER_FIELDS = ("id", "etag", "createdOn", "modifiedOn", "createdBy", "modifiedBy")
EDITABLE = ("name", "description", "icon", "canPublicJoin", "canRequestMembership")
CONCRETE_TYPE = "org.sagebionetworks.repo.model.Team"
MOST_TEAMS = 50
NOT_A_MANAGER = "You must be a team manager to perform this operation."
NO_MANAGER_LEFT = "Team must have at least one team manager."


class Team(Body, total=False):
    """A team, as a client sends it."""

    id: str
    name: str
    description: str
    icon: str
    canPublicJoin: bool
    canRequestMembership: bool
    etag: str
    createdOn: datetime
    modifiedOn: datetime
    createdBy: str
    modifiedBy: str


def team_doc(store: Store, team: int) -> Json:
    """Return a team as Synapse shows it."""
    row = store.one("SELECT doc FROM principal WHERE id = ? AND kind = 'team'", team)
    if row is None:
        raise Missing(f"Team with id {team} does not exist")
    return load(row["doc"])


def members_of(store: Store, team: int) -> list[int]:
    """Return the users in a team."""
    return [row["user"] for row in store.all("SELECT user FROM member WHERE team = ? ORDER BY user", team)]


def is_manager(store: Store, team: int, user: int) -> bool:
    """Managers have TEAM_MEMBERSHIP_UPDATE in the team's list."""
    return access.allowed(store, "team", team, user, "TEAM_MEMBERSHIP_UPDATE")


def require_manager(store: Store, team: int, user: int) -> None:
    """Refuse who does not manage a team that is there."""
    team_doc(store, team)
    if not is_manager(store, team, user):
        raise NotAllowed(NOT_A_MANAGER)


def managers_of(store: Store, team: int) -> list[int]:
    """Return the members who manage a team."""
    return [row["user"] for row in store.all("SELECT user FROM member WHERE team = ? AND is_admin ORDER BY user", team)]


def require_user(context: Context) -> None:
    """Refuse the anonymous user."""
    if context.user == ANONYMOUS:
        raise NotAllowed("Anonymous users may not perform this action.")


def create_team(store: Store, creator: int, doc: Json, team: int | None = None) -> int:
    """
    Make a team whose creator manages it (M-01).

    :param team: its id, for a team that is known by number.
    """
    require_free_name(store, checked_name("team", doc["name"]))
    _require_own_icon(store, creator, doc.get("icon"), None)
    team = store.next_id("principal") if team is None else team
    now = store.timestamp()
    stored = {key: doc[key] for key in EDITABLE if key in doc} | {
        "id": str(team),
        "etag": new_etag(),
        "createdOn": now,
        "modifiedOn": now,
        "createdBy": str(creator),
        "modifiedBy": str(creator),
    }
    store.run("INSERT INTO principal VALUES (?, 'team', ?, 0, 1, ?)", team, doc["name"], dump(stored))
    store.run("INSERT INTO member VALUES (?, ?, 1)", team, creator)
    write_list(
        store,
        team,
        [
            {"principalId": creator, "accessType": access.TEAM_ADMIN},
            {"principalId": team, "accessType": access.TEAM_MESSENGER},
        ],
    )
    return team


def _require_own_icon(store: Store, user: int, handle: str | None, old: str | None) -> None:
    if handle in (None, old):
        return
    if store.value("SELECT creator FROM file_handle WHERE id = ?", as_id(handle)) != user:
        raise NotAllowed(f"Only the creator of a FileHandle can use it as an icon. FileHandle {handle}")


def write_list(store: Store, team: int, entries: list[Json]) -> None:
    """Store the list of a team, which says who manages it (M-03)."""
    access.write_acl(store, "team", team, entries)
    managers = access.holders(store, "team", team, "TEAM_MEMBERSHIP_UPDATE")
    store.run(
        "UPDATE member SET is_admin = user IN (SELECT value FROM json_each(?)) WHERE team = ?", dump(managers), team
    )
    if not managers:
        raise Invalid(NO_MANAGER_LEFT)


@operation("POST", "/repo/v1/team", 201, body=Team, scopes=("view", "modify"))
def post_team(context: Context) -> Json:
    """Make a team (M-01)."""
    for name in SERVER_FIELDS:
        if name in context.body:
            raise Invalid(f"'{name}' field is not user specifiable.")
    require(context.body.get("name"), "name")
    require_user(context)
    return team_doc(context.store, create_team(context.store, context.user, context.body))


@operation("GET", "/repo/v1/team/{id}")
def get_team(context: Context) -> Json:
    """A team."""
    return team_doc(context.store, context.number("id"))


@operation("PUT", "/repo/v1/team", body=Team, scopes=("view", "modify"))
def put_team(context: Context) -> Json:
    """Change a team under its etag (M-01)."""
    store, body = context.store, context.body
    for name in ("id", "etag", "name"):
        if name not in body:
            raise Invalid(f"'{name}' field is missing.")
    team = as_id(body["id"])
    doc = team_doc(store, team)
    if not access.allowed(store, "team", team, context.user, "UPDATE"):
        raise NotAllowed("Cannot update Team.")
    if body["etag"] != doc["etag"]:
        raise Stale(f"Team {team} was updated since you last fetched it, retrieve it again and re-apply the update")
    require_free_name(store, checked_name("team", body["name"]), but=team)
    _require_own_icon(store, context.user, body.get("icon"), doc.get("icon"))
    kept = {key: value for key, value in doc.items() if key not in EDITABLE}
    changed = kept | {key: body[key] for key in EDITABLE if key in body}
    changed |= {"etag": new_etag(), "modifiedOn": store.timestamp(), "modifiedBy": str(context.user)}
    store.run("UPDATE principal SET name = ?, doc = ? WHERE id = ?", changed["name"], dump(changed), team)
    return changed


@operation("DELETE", "/repo/v1/team/{id}", 204)
def delete_team(context: Context) -> None:
    """Remove a team that nothing refers to (M-04); nothing happens when there is none."""
    store, team = context.store, context.number("id")
    if not store.one("SELECT 1 FROM principal WHERE id = ? AND kind = 'team'", team):
        return
    if not access.allowed(store, "team", team, context.user, "DELETE"):
        raise NotAllowed("Cannot delete Team.")
    if _is_referenced(store, team):
        raise Invalid(
            f"Can't delete the team {team}, most likely because it is referenced by a submission, a challenge or an "
            "access control list."
        )
    for statement in (
        "DELETE FROM member WHERE team = ?",
        "DELETE FROM membership_request WHERE team = ?",
        "DELETE FROM principal WHERE id = ?",
        "DELETE FROM acl WHERE kind = 'team' AND object = ?",
    ):
        store.run(statement, team)


def _is_referenced(store: Store, team: int) -> bool:
    """Tell whether a submission, a challenge or a list other than its own names a team (M-04)."""
    in_a_list = (
        "SELECT 1 FROM acl, json_each(acl.doc, '$.resourceAccess') AS entry "
        "WHERE json_extract(entry.value, '$.principalId') = ? AND NOT (kind = 'team' AND object = ?)"
    )
    return store.one(in_a_list, team, team) is not None or any(
        store.one(f"SELECT 1 FROM {table} WHERE team = ?", team)
        for table in ("submission", "challenge", "challenge_team")
    )


@operation("GET", "/repo/v1/teams")
def list_teams(context: Context) -> Json:
    """Teams by the beginning of their name (M-05)."""
    offset, limit = context.page(most=MOST_TEAMS)
    fragment = context.query.get("fragment", "")
    rows = context.store.all(
        "SELECT doc FROM principal WHERE name >= ? AND name < ? AND kind = 'team' ORDER BY name LIMIT ? OFFSET ?",
        fragment,
        fragment + LAST_CHARACTER,
        limit,
        offset,
    )
    return paginated([load(row["doc"]) for row in rows], offset, limit)


@operation("POST", "/repo/v1/teamList", body=IdList, scopes=("view",), writes=False)
def list_by_id(context: Context) -> Json:
    """Several teams by id; ids that no team has are left out."""
    require(context.body.get("list"), "list")
    rows = context.store.all(
        "SELECT doc FROM principal WHERE kind = 'team' AND id IN (SELECT value FROM json_each(?)) ORDER BY id",
        dump(context.body["list"]),
    )
    return {"concreteType": CONCRETE_TYPE, "list": [load(row["doc"]) for row in rows]}


@operation("GET", "/repo/v1/user/{id}/team")
def teams_of_user(context: Context) -> Json:
    """The teams that a user is in."""
    offset, limit = context.page(most=MOST_TEAMS)
    rows = context.store.all(
        "SELECT doc FROM principal JOIN member ON team = id WHERE user = ? AND kind = 'team' "
        "ORDER BY id LIMIT ? OFFSET ?",
        context.number("id"),
        limit,
        offset,
    )
    return paginated([load(row["doc"]) for row in rows], offset, limit)


@operation("GET", "/repo/v1/user/{id}/team/id")
def team_ids_of_user(context: Context) -> Json:
    """The ids of the teams that a user is in, page by page (G-09)."""
    offset, limit = token_page(context)
    order = {None: "id", ("TEAM_NAME", True): "name", ("TEAM_NAME", False): "name DESC"}[
        sorting(context, ["TEAM_NAME"])
    ]
    rows = context.store.all(
        "SELECT id FROM principal JOIN member ON team = id WHERE user = ? AND kind = 'team' "
        f"ORDER BY {order} LIMIT ? OFFSET ?",
        context.number("id"),
        limit + 1,
        offset,
    )
    page, token = cut_page([str(row["id"]) for row in rows], offset, limit)
    return {"teamIds": page, "nextPageToken": token}


@operation("GET", "/repo/v1/team/{id}/icon", scopes=("download",))
def get_icon(context: Context) -> Redirect:
    """Find the icon of a team."""
    team = context.number("id")
    check_redirect(context)
    icon = team_doc(context.store, team).get("icon")
    if icon is None:
        raise Missing(f"Team {team} has no icon")
    return Redirect(handles.download_url(context.store, context.base, int(icon)))


@handles.association("TeamAttachment")
def _is_icon(store: Store, user: int, handle: int, team: int) -> bool:
    return team_doc(store, team).get("icon") == str(handle)


@operation("GET", "/repo/v1/team/{id}/acl")
def get_list(context: Context) -> Json:
    """The access control list of a team."""
    team = context.number("id")
    team_doc(context.store, team)
    return access.read_acl(context.store, "team", team, str(team)) or {}


@operation("PUT", "/repo/v1/team/acl", body=access.AccessControlList, scopes=("view", "modify"))
def put_list(context: Context) -> Json:
    """Change the access control list of a team; it says who manages the team (M-03)."""
    store, body = context.store, context.body
    for name in ("id", "resourceAccess"):
        require(body.get(name), name)
    team = as_id(body["id"])
    require_manager(store, team, context.user)
    current = access.read_acl(store, "team", team, str(team))
    if current is None or current["etag"] != body.get("etag"):
        raise Stale(
            f"ACL of team {team} was updated since you last fetched it, retrieve it again and re-apply the update"
        )
    access.check_acl(store, "team", context.user, body["resourceAccess"])
    write_list(store, team, body["resourceAccess"])
    return access.read_acl(store, "team", team, str(team)) or {}
