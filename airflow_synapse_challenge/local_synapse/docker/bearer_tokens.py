"""The token service: what a user may do in the registry follows from the permissions in this Synapse (D-06)."""

from __future__ import annotations

import base64
import binascii

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from airflow_synapse_challenge.local_synapse.content import entities
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, InvalidToken, NotAllowed, require
from airflow_synapse_challenge.local_synapse.core.http import ANONYMOUS, Context, error_response, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, tables
from airflow_synapse_challenge.local_synapse.people import access
from airflow_synapse_challenge.local_synapse.queues import evaluations
from airflow_synapse_challenge.local_synapse.queues import submissions as _submissions  # noqa: F401  has the table below

from . import repositories, signing

tables(
    """
    CREATE INDEX IF NOT EXISTS submission_entity ON submission (entity, evaluation);
    CREATE TABLE IF NOT EXISTS docker_pusher (name TEXT PRIMARY KEY, user INTEGER NOT NULL);
    """
)


@operation("GET", "/docker/v1/bearerToken", scopes=(), writes=True)
def bearer_token(context: Context) -> Json:
    """Return a token for the registry that allows what the caller asks for and may do (D-06)."""
    store = context.store
    user, scopes = _caller(context)
    service = context.query.get("service")
    require(service, "service")
    wanted = [scope for value in context.every("scope") for scope in value.split()]
    granted = [_grant(store, user, scopes, str(service), scope) for scope in wanted]
    return {"token": signing.signed_token(store.folder, str(service), str(user), granted)}


def routes() -> list[Route]:
    """
    Return what answers engines that ask for a token by POST first, as OAuth does, and Synapse cannot.

    They ask by GET when they are told that the method is wrong.
    """

    async def refuse(request: Request) -> Response:
        return error_response(405, f"Request method '{request.method}' not supported")

    return [Route("/docker/v1/bearerToken", refuse, methods=["POST"])]


def _caller(context: Context) -> tuple[int, list[str]]:
    """
    Return who asks and what their access token allows.

    Docker sends the token as a password; the user name beside it is not looked at, as the token says whose it is.
    """
    kind, _, given = context.headers.get("authorization", "").partition(" ")
    token = given if kind.lower() == "bearer" else context.headers.get("sessiontoken")
    if kind.lower() == "basic":
        token = _password(given)
    if token is None:
        return ANONYMOUS, []
    row = context.store.one(
        "SELECT token.principal, token.scopes, principal.agreed FROM token JOIN principal "
        "ON principal.id = token.principal WHERE token.token = ?",
        token,
    )
    if row is None:
        raise InvalidToken("Invalid access token")
    if not row["agreed"]:
        raise NotAllowed("Terms of use have not been signed.")
    return int(row["principal"]), row["scopes"].split()


def _password(given: str) -> str:
    try:
        return base64.b64decode(given, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidToken("Invalid Authorization header for basic authentication") from error


def _grant(store: Store, user: int, scopes: list[str], service: str, wanted: str) -> Json:
    """Return the part of a scope, ``type:name:action,action``, that a user gets."""
    kind, _, rest = wanted.partition(":")
    name, _, actions = rest.rpartition(":")
    if not (kind and name and actions):
        raise Invalid(f"A scope has the form type:name:actions, not {wanted}")
    asked = actions.split(",")
    if service != repositories.registry_host(store):
        allowed: set[str] = set()
    elif kind == "repository":
        allowed = _allowed_in_repository(store, user, scopes, name, asked)
    elif (kind, name) == ("registry", "catalog") and access.is_admin(store, user):
        allowed = {"*"}
    else:
        allowed = set()
    return {"type": kind, "name": name, "actions": [action for action in asked if action in allowed]}


def _allowed_in_repository(store: Store, user: int, scopes: list[str], path: str, asked: list[str]) -> set[str]:
    name = repositories.name_of(store, path)
    row = repositories.managed(store, name)
    if row is None:
        may_push = _may_create(store, user, path)
        # Docker looks for layers before it sends them, and here there is nothing yet to hide.
        may_pull = may_push and "push" in asked
    else:
        may_push = entities.passes(store, row["id"], user, "UPDATE")
        may_pull = _may_pull(store, user, row["id"])
    allowed = set()
    if may_push and "modify" in scopes:
        allowed.add("push")
    if may_pull and "download" in scopes:
        allowed.add("pull")
    if row is None and "push" in allowed and "push" in asked:
        _remember(store, name, user)
    return allowed


def _remember(store: Store, name: str, user: int) -> None:
    """Keep who makes a repository, for the case that the registry's word of it gets lost (see ``recovery``)."""
    store.run("INSERT OR REPLACE INTO docker_pusher VALUES (?, ?)", name, user)


def _may_create(store: Store, user: int, path: str) -> bool:
    project = repositories.project_of(path)
    kind = store.value("SELECT type FROM entity WHERE id = ?", project)
    return kind == entities.PROJECT and project is not None and entities.passes(store, project, user, "CREATE")


def _may_pull(store: Store, user: int, entity: int) -> bool:
    """Tell whether a user may pull: by DOWNLOAD, or as an organiser to whom the repository was submitted."""
    if entities.may(store, entity, user, "DOWNLOAD"):
        return True
    queues = store.all("SELECT DISTINCT evaluation FROM submission WHERE entity = ?", entity)
    return any(evaluations.may(store, row["evaluation"], user, "READ_PRIVATE_SUBMISSION") for row in queues)
