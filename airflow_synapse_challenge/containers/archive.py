"""Files into and out of containers as tar streams; nothing that a container wrote is ever unpacked to disk."""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, cast

from airflow_synapse_challenge.containers.spec import Input

CHUNK = 64 * 1024
#: Largest archive that is kept in memory before it goes to a temporary file.
IN_MEMORY = 8 * 1024**2
#: What a tar archive may hold besides the content of its one file.
TAR_OVERHEAD = 64 * 1024


class Refusal(Exception):
    """A result is not what may leave a container; the text says why."""


def pack(inputs: Iterable[Input], root: str) -> IO[bytes]:
    """
    Return a tar archive of input files, all owned by root and readable by everybody.

    :param root: folder in the container that the archive is unpacked in; paths become relative to it.
    """
    archive = cast("IO[bytes]", tempfile.SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115
    with tarfile.open(fileobj=archive, mode="w|", format=tarfile.GNU_FORMAT) as target:
        folders: set[str] = set()
        for item in inputs:
            relative = item.path.removeprefix(root).lstrip("/")
            for folder in reversed(list(Path(relative).parents)[:-1]):
                if str(folder) not in folders:
                    folders.add(str(folder))
                    target.addfile(_member(str(folder), tarfile.DIRTYPE, 0o755))
            _add(target, relative, item.source)
    archive.seek(0)
    return archive


def writable_folder(path: str) -> bytes:
    """Return an archive that, unpacked at the root, makes a folder writable for every user."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as target:
        target.addfile(_member(path.lstrip("/"), tarfile.DIRTYPE, 0o777))
    return buffer.getvalue()


def _add(target: tarfile.TarFile, name: str, source: Path | bytes) -> None:
    member = _member(name, tarfile.REGTYPE, 0o644)
    if isinstance(source, bytes):
        member.size = len(source)
        target.addfile(member, io.BytesIO(source))
    else:
        member.size = source.stat().st_size
        with source.open("rb") as content:
            target.addfile(member, content)


def _member(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type = kind
    member.mode = mode
    return member


def read_one_file(stream: Iterable[bytes], name: str, limit: int) -> bytes:
    """
    Return the content of the one regular file in a tar stream.

    :param limit: bytes of content that are allowed.
    :raises Refusal: it is no plain file, too large, or the archive is damaged.
    """
    collected = io.BytesIO()
    for chunk in stream:
        collected.write(chunk)
        if collected.tell() > limit + TAR_OVERHEAD:
            raise Refusal(f"{name} is larger than {limit} bytes")
    collected.seek(0)
    try:
        with tarfile.open(fileobj=collected, mode="r:") as archive:
            member = archive.next()
            if member is None:
                raise Refusal(f"{name} is missing from the archive")
            if not member.isreg() or member.issparse():
                raise Refusal(f"{name} is a {kind_of(member)}, not a plain file")
            if member.size > limit:
                raise Refusal(f"{name} is larger than {limit} bytes")
            content = archive.extractfile(member)
            assert content is not None
            return content.read(limit)
    except tarfile.TarError as error:
        raise Refusal(f"{name} cannot be read from its archive: {error}") from error


def kind_of(member: tarfile.TarInfo) -> str:
    """Return what a member is, in a word."""
    kinds = {
        tarfile.SYMTYPE: "symbolic link",
        tarfile.LNKTYPE: "hard link",
        tarfile.DIRTYPE: "folder",
        tarfile.CHRTYPE: "device",
        tarfile.BLKTYPE: "device",
        tarfile.FIFOTYPE: "pipe",
    }
    return "sparse file" if member.issparse() else kinds.get(member.type, "special file")


def chunks(source: IO[bytes]) -> Iterator[bytes]:
    """Yield the rest of a file piece by piece."""
    while piece := source.read(CHUNK):
        yield piece
