"""
The files of an image that the engine itself reads, as root and outside of the container, when it starts one.

It looks the user up in ``/etc/passwd`` and ``/etc/group``, whatever these are: a pipe there would hang it for ever, a
device would be opened on the host, a file of a gigabyte would cost it many times as much memory, and a group whose name
is a number would be taken for the group of that number, so that a container could get the group of root.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import closing
from typing import TYPE_CHECKING

from airflow_synapse_challenge.containers import archive
from airflow_synapse_challenge.containers.policy import MIB
from airflow_synapse_challenge.errors import ParticipantFault

if TYPE_CHECKING:
    from docker import APIClient

GROUPS = "/etc/group"
ACCOUNTS = ("/etc/passwd", GROUPS)
LARGEST = MIB
#: What the kernel follows at most.
MOST_LINKS = 40
NUMBER_AS_NAME = re.compile(rb"^\s*([0-9]+)\s*:", re.MULTILINE)


def refuse_odd_accounts(client: APIClient, container: str) -> None:
    """
    Look at an image's accounts through a container that was created from it and has not started.

    :raises ParticipantFault: they are nothing that the engine should read.
    """
    for path in ACCOUNTS:
        content = _plain_file(client, container, path)
        if path == GROUPS and (found := NUMBER_AS_NAME.search(content)):
            raise ParticipantFault(
                [f"The image's {path} has a group with the name {found[1].decode()[:20]}; names must not be numbers."]
            )


def _plain_file(client: APIClient, container: str, path: str) -> bytes:
    """Return the content of a file, nothing where there is none; reading a pipe's entry in an archive does not wait."""
    from docker.errors import NotFound

    place = path
    for _ in range(MOST_LINKS):
        try:
            stream, about = client.get_archive(container, place)
        except NotFound:
            return b""
        with closing(stream):
            if target := about["linkTarget"]:
                place = target
                continue
            return _content(stream, path)
    raise ParticipantFault([f"The image's {path} is a link that leads nowhere."])


def _content(stream: Iterable[bytes], path: str) -> bytes:
    try:
        return archive.plain_content(stream, path, LARGEST)
    except archive.Refusal as refusal:
        raise ParticipantFault([f"The image cannot be started: its {refusal}."]) from refusal
