"""Folders that are there when one needs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from airflow_synapse_challenge.synapse import entities
from airflow_synapse_challenge.synapse.client import SynapseClient
from airflow_synapse_challenge.synapse.errors import NameTaken

Acl = Mapping[int, Iterable[str]]


@dataclass(frozen=True)
class EnsuredFolder:
    """
    A folder.

    :param id: its synID.
    :param created: it was made by this call.
    """

    id: str
    created: bool


def ensure_folder(
    client: SynapseClient,
    parent_id: str,
    name: str,
    *,
    acl: Acl | Callable[[], Acl] | None = None,
    probably_new: bool = False,
) -> EnsuredFolder:
    """
    Return a folder, made if need be.

    :param acl: access types by principal for a new folder, or what makes them once a folder has to be made; the
        sharing of an existing one is never changed.
    :param probably_new: make it first and look for it only if the name is taken: saves a request for new folders.
    """
    if not probably_new and (found := client.send(entities.child(parent_id, name))):
        return EnsuredFolder(found, created=False)
    sharing = acl() if callable(acl) else acl
    try:
        made = client.send(entities.create(entities.FOLDER, name, parent_id, sharing=sharing))
        return EnsuredFolder(made, created=True)
    except NameTaken:
        found = client.send(entities.child(parent_id, name))
        if found is None:
            raise
        return EnsuredFolder(found, created=False)
