"""The folder that keeps everything: one process at a time has it, and it can be emptied."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: What a local Synapse keeps there; nothing else is touched when it is emptied.
OWN = ("synapse.db", "synapse.db-wal", "synapse.db-shm", "files", "docker")


@contextmanager
def claimed(data: Path) -> Iterator[None]:
    """
    Have a data folder to oneself; the claim ends with the process, however it ends.

    :raises SystemExit: another process has it.
    """
    data.mkdir(parents=True, exist_ok=True)
    with (data / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            raise SystemExit(
                f"{data} is in use by another local Synapse (process {lock.read().strip() or 'unknown'}); "
                "stop that one, or choose another folder with --data."
            ) from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def empty(data: Path) -> None:
    """Remove what a local Synapse keeps in a folder."""
    for name in OWN:
        path = data / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
