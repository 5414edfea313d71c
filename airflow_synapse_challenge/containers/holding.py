"""
Folders that outlive a container: sized, in memory, held by a container that only sleeps.

A model's results have to be bounded while it writes them, and have to be there when it has ended. A file system in
memory has a size and a number of files that the kernel enforces, but it goes with the last container that mounts it;
so one holds it until the results are filed. It ends by itself, so that a lost worker leaves nothing for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from airflow_synapse_challenge.containers.spec import HeldMount, safe_name
from airflow_synapse_challenge.errors import ConfigurationError

#: Where a holder sees its folders.
HELD = "/held"


@dataclass(frozen=True)
class HeldFolder:
    """
    One folder.

    :param name: a short word, for example ``output``.
    :param size_bytes: of all files together; they count as memory of the container that writes them.
    :param files: files and folders.
    """

    name: str
    size_bytes: int
    files: int


@dataclass(frozen=True)
class Holding:
    """
    Folders for the containers of one run.

    :param name: the same in every try, so that a retry finds what an earlier one left.
    :param image: any image with the command ``sleep``; never a participant's.
    :param folders: what is held.
    :param lifetime: when it ends if nobody ends it.
    :param labels: say whose it is.
    """

    name: str
    image: str
    folders: tuple[HeldFolder, ...]
    lifetime: timedelta
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def safe_name(self) -> str:
        """Name of the container that holds."""
        return f"{safe_name(self.name)}.holder"

    def folder(self, name: str) -> HeldFolder:
        """Return one of the folders."""
        for folder in self.folders:
            if folder.name == name:
                return folder
        raise ConfigurationError(f"{self.name!r} holds no folder {name!r}.")

    def path(self, name: str) -> str:
        """Return where the holder sees a folder."""
        return f"{HELD}/{self.folder(name).name}"

    def volume(self, name: str) -> str:
        """Return the name of a folder's volume."""
        return f"{self.safe_name}.{self.folder(name).name}"

    def mount(self, name: str, path: str, *, read_only: bool = False) -> HeldMount:
        """Return the mount of a folder for a container that uses it."""
        folder = self.folder(name)
        return HeldMount(path, self.volume(name), folder.size_bytes, folder.files, read_only)


@dataclass(frozen=True)
class HeldFile:
    """
    Something in a held folder.

    :param name: relative to the folder, as it was written; anything a stranger chose.
    :param kind: ``plain file``, ``symbolic link``, ``folder`` …
    :param size_bytes: of a plain file.
    """

    name: str
    kind: str
    size_bytes: int
