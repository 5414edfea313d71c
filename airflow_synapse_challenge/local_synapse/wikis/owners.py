"""What a wiki belongs to: an entity or an evaluation, whose list says who may read and write it (K-04)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from airflow_synapse_challenge.local_synapse.content import entities
from airflow_synapse_challenge.local_synapse.core.errors import NotAllowed, Refused
from airflow_synapse_challenge.local_synapse.core.http import Context, operation
from airflow_synapse_challenge.local_synapse.core.store import Store
from airflow_synapse_challenge.local_synapse.people import access
from airflow_synapse_challenge.local_synapse.queues import evaluations

ENTITY = "ENTITY"
EVALUATION = "EVALUATION"


@dataclass(frozen=True)
class Owner:
    """
    An object that has a wiki.

    :param kind: Synapse's ``ObjectType``: ``ENTITY`` or ``EVALUATION``.
    """

    kind: str
    number: int

    @property
    def public_id(self) -> str:
        """Its id as Synapse shows it (G-11)."""
        return f"syn{self.number}" if self.kind == ENTITY else str(self.number)

    def __str__(self) -> str:
        return f"ownerId: {self.public_id} and ownerType: {self.kind}"


def require(store: Store, owner: Owner, user: int, kind: str) -> None:
    """Refuse who lacks an access type on the owner: existence first, then permission (K-04, E-19)."""
    if not _allowed(store, owner, user, kind):
        raise NotAllowed(
            f"User is not authorized to '{kind}' a WikiPage with an ownerId: '{owner.public_id}' of type: "
            f"'{owner.kind}'"
        )


def may_read(store: Store, owner: Owner, user: int) -> bool:
    """Tell whether a user may read the wiki; nobody may of an owner that is gone."""
    try:
        return _allowed(store, owner, user, "READ")
    except Refused:
        return False


def _allowed(store: Store, owner: Owner, user: int, kind: str) -> bool:
    if owner.kind == EVALUATION:
        evaluations.row_of(store, owner.number)
        return evaluations.may(store, owner.number, user, kind)
    row = entities.row_of(store, owner.number)
    if kind in ("CREATE", "UPDATE") and row["type"] != entities.PROJECT:
        access.require_certified(store, user)
    return entities.may(store, owner.number, user, kind)


WikiHandler = Callable[[Context, Owner], Any]

#: Where the wikis of each kind of owner are in Synapse's paths.
ROOTS = {ENTITY: "/repo/v1/entity/{ownerId}", EVALUATION: "/repo/v1/evaluation/{ownerId}"}


def wiki_operation(
    method: str, path: str, status: int = 200, *, kinds: tuple[str, ...] = (ENTITY, EVALUATION), **traits: Any
) -> Callable[[WikiHandler], WikiHandler]:
    """
    Register an operation on the wiki of each kind of owner; it gets the owner beside the context.

    :param path: what follows the owner's id.
    :param traits: more of what :func:`~.core.http.operation` takes.
    """

    def register(handler: WikiHandler) -> WikiHandler:
        for kind in kinds:
            operation(method, f"{ROOTS[kind]}/{path}", status, **traits)(partial(_with_owner, handler, kind))
        return handler

    return register


def _with_owner(handler: WikiHandler, kind: str, context: Context) -> Any:
    return handler(context, Owner(kind, context.number("ownerId")))
