"""Folders that are there when one needs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from airflow_synapse_challenge.synapse import entities
from airflow_synapse_challenge.synapse.client import SynapseClient
from airflow_synapse_challenge.synapse.errors import NameTaken


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
    acl: Mapping[int, Iterable[str]] | None = None,
    probably_new: bool = False,
) -> EnsuredFolder:
    """
    Return a folder, made if need be.

    :param acl: access types by principal for a new folder; the sharing of an existing one is never changed.
    :param probably_new: make it first and look for it only if the name is taken: saves a request for new folders.
    """
    if not probably_new and (found := client.send(entities.child(parent_id, name))):
        return EnsuredFolder(found, created=False)
    try:
        return EnsuredFolder(client.send(entities.create(entities.FOLDER, name, parent_id, sharing=acl)), created=True)
    except NameTaken:
        found = client.send(entities.child(parent_id, name))
        if found is None:
            raise
        return EnsuredFolder(found, created=False)
