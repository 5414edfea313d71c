"""
The files of an image that the engine itself reads, as root and outside of the container, when it starts one.

It looks the user up in ``/etc/passwd`` and ``/etc/group``, whatever these are: a pipe there would hang it for ever, a
device would be opened on the host, a file of a gigabyte would cost it many times as much memory, and a group whose name
is a number would be taken for the group of that number, so that a container could get the group of root.
"""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING

from airflow_synapse_challenge.containers import archive
from airflow_synapse_challenge.containers.docker_files import PLAIN, look_at
from airflow_synapse_challenge.containers.policy import MIB
from airflow_synapse_challenge.errors import ParticipantFault

if TYPE_CHECKING:
    from docker import APIClient

GROUPS = "/etc/group"
ACCOUNTS = ("/etc/passwd", GROUPS)
LARGEST = MIB
NUMBER_AS_NAME = re.compile(rb"^\s*([0-9]+)\s*:", re.MULTILINE)


def refuse_odd_accounts(client: APIClient, container: str) -> None:
    """
    Look at an image's accounts through a container that was created from it and has not started.

    :raises ParticipantFault: they are nothing that the engine should read.
    """
    places = plain_accounts(client, container)
    # Read only now: whoever makes an archive of one may look into the other.
    if place := places[GROUPS]:
        stream, _ = client.get_archive(container, place)
        with closing(stream):
            found = NUMBER_AS_NAME.search(archive.plain_content(stream, GROUPS, LARGEST))
        if found:
            name = found[1].decode()[:20]
            raise ParticipantFault(
                [f"The image's {GROUPS} has a group with the name {name}; names must not be numbers."]
            )


def plain_accounts(client: APIClient, container: str) -> dict[str, str | None]:
    """
    Return where the files of an image's accounts really are, ``None`` for those that are not there.

    :raises ParticipantFault: they are not small plain files.
    """
    return {path: _place(client, container, path) for path in ACCOUNTS}


def _place(client: APIClient, container: str, path: str) -> str | None:
    """Return where a small plain file really is, ``None`` where there is none."""
    place, found = path, look_at(client, container, path)
    if found and found.target:
        place, found = found.target, look_at(client, container, found.target)
    if found is None:
        return None
    if found.kind != PLAIN:
        raise ParticipantFault([f"The image cannot be started: its {path} is a {found.kind}, not a plain file."])
    if found.size > LARGEST:
        raise ParticipantFault([f"The image cannot be started: its {path} is larger than {LARGEST} bytes."])
    return place
