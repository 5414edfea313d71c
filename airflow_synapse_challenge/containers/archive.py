"""Files into and out of containers as tar streams; nothing that a container wrote is ever unpacked to disk."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, cast

from airflow_synapse_challenge.containers.logs import harmless
from airflow_synapse_challenge.containers.policy import Policy
from airflow_synapse_challenge.containers.spec import OUTPUT, ContainerSpec, Input
from airflow_synapse_challenge.errors import OrganiserFault

CHUNK = 1024**2
#: What a tar stream may hold for each member besides its content: headers for the longest names.
MEMBER_OVERHEAD = 16 * 1024


class Refusal(Exception):
    """A result is not what may leave a container; the text says why."""


def pack(spec: ContainerSpec) -> Iterator[bytes]:
    """
    Yield a tar stream, to be unpacked at ``/``, with the inputs and the folder for results.

    All of it belongs to root; everybody may read the inputs and write below ``/output``. Large files are read while
    the stream is.

    :raises OrganiserFault: a local file is away, or changed while it was read.
    """
    begun = [Input(f"{OUTPUT}/{name}", content, 0o666) for name, content in spec.begun.items()]
    mounts = [f"{mount.path}/content" for mount in spec.mounts]
    for folder in _folders_of([f"{OUTPUT}/content", *mounts, *(item.path for item in [*begun, *spec.inputs])]):
        yield _header(folder, tarfile.DIRTYPE, 0o777 if _is_output(folder) else 0o755)
    for item in [*begun, *spec.inputs]:
        yield from _file(item)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _folders_of(paths: Iterable[str]) -> list[str]:
    """Return the folders that files lie in, each after the one that it lies in."""
    parents = {parent for path in paths for parent in PurePosixPath(path).parents}
    return sorted(str(parent) for parent in parents if str(parent) != "/")


def _is_output(path: str) -> bool:
    return PurePosixPath(path).is_relative_to(OUTPUT)


def _header(path: str, kind: bytes, mode: int, size: int = 0) -> bytes:
    member = tarfile.TarInfo(path.strip("/"))
    member.type, member.mode, member.size = kind, mode, size
    return member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _file(item: Input) -> Iterator[bytes]:
    if isinstance(item.source, bytes):
        size = len(item.source)
        yield _header(item.path, tarfile.REGTYPE, item.mode, size)
        yield item.source
    else:
        size = item.source.stat().st_size
        yield _header(item.path, tarfile.REGTYPE, item.mode, size)
        yield from _content(item.source, size)
    yield bytes(-size % tarfile.BLOCKSIZE)


def _content(path: Path, size: int) -> Iterator[bytes]:
    left = size
    with path.open("rb") as file:
        while left:
            piece = file.read(min(CHUNK, left))
            if not piece:
                raise OrganiserFault(f"The input {path.name} changed while it was read.", str(path))
            left -= len(piece)
            yield piece


def read_results(stream: Iterable[bytes], wanted: Collection[str], policy: Policy) -> dict[str, bytes]:
    """
    Return the wanted files out of the tar stream of a folder, which is read no further than its bounds allow.

    :param stream: the folder itself comes first, as Docker's archive call sends it.
    :param wanted: paths relative to that folder; those that are not there are left out.
    :raises Refusal: more bytes or members than the policy allows, a wanted path that is no plain file or lies behind
        a link, or a damaged archive.
    """
    found: dict[str, bytes] = {}
    size = 0
    for count, (member, content) in enumerate(members(stream, policy), start=1):
        size += member.size
        if count > policy.output_files:
            raise Refusal(f"there are more than {policy.output_files} files")
        if size > policy.output_bytes:
            raise Refusal(f"the files are larger than {policy.output_bytes} bytes (at {printable(member.name)})")
        _refuse_odd(member, wanted)
        if member.name in wanted:
            found[member.name] = content()
    return found


def members(stream: Iterable[bytes], policy: Policy) -> Iterator[tuple[tarfile.TarInfo, Callable[[], bytes]]]:
    """
    Yield what a folder holds, named relative to it, each with a function that reads its content.

    :raises Refusal: the stream is larger than what the policy allows, or damaged.
    """
    limit = policy.output_bytes + (policy.output_files + 2) * MEMBER_OVERHEAD + tarfile.RECORDSIZE
    bounded = cast("IO[bytes]", _Bounded(stream, limit))
    try:
        with tarfile.open(fileobj=bounded, mode="r|", errors="surrogateescape") as archive:
            for member in archive:
                if name := _relative(member.name):
                    yield member.replace(name=name), partial(_read, archive, member)
    except (tarfile.TarError, EOFError, UnicodeError, ValueError) as error:
        raise Refusal(f"the archive of the results is damaged: {error}") from error


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    content = archive.extractfile(member)
    assert content is not None
    return content.read()


def copy_plain_file(stream: Iterable[bytes], name: str, target: Path, limit: int) -> None:
    """
    Write the one file of a tar stream to a local path.

    :param stream: the file, as Docker's archive call sends it.
    :param limit: bytes.
    :raises Refusal: it is no plain file, too large, or the archive is damaged.
    """
    with _plain_file(stream, name, limit) as content, target.open("xb") as file:
        shutil.copyfileobj(content, file, CHUNK)


def plain_content(stream: Iterable[bytes], name: str, limit: int) -> bytes:
    """Return the content of the one file of a tar stream; as :func:`copy_plain_file`."""
    with _plain_file(stream, name, limit) as content:
        return content.read()


@contextmanager
def _plain_file(stream: Iterable[bytes], name: str, limit: int) -> Iterator[IO[bytes]]:
    bounded = cast("IO[bytes]", _Bounded(stream, limit + 2 * MEMBER_OVERHEAD + tarfile.RECORDSIZE))
    try:
        with tarfile.open(fileobj=bounded, mode="r|", errors="surrogateescape") as archive:
            member = archive.next()
            if member is None or not member.isreg() or member.issparse():
                raise Refusal(f"{printable(name)} is a {kind_of(member) if member else 'folder'}, not a plain file")
            if member.size > limit:
                raise Refusal(f"{printable(name)} is larger than {limit} bytes")
            content = archive.extractfile(member)
            assert content is not None
            yield content
    except (tarfile.TarError, EOFError, UnicodeError, ValueError) as error:
        raise Refusal(f"the archive of the results is damaged: {error}") from error


def printable(name: str) -> str:
    """Return a name that a stranger chose, short, without what cannot be shown and without what log viewers obey."""
    shown = name.encode("utf-8", "replace").decode()
    return harmless("".join(char if char.isprintable() else "?" for char in shown[:100]))


def _relative(name: str) -> str:
    return name.strip("/").partition("/")[2]


def _refuse_odd(member: tarfile.TarInfo, wanted: Collection[str]) -> None:
    name = member.name
    if name in wanted and (not member.isreg() or member.issparse()):
        raise Refusal(f"{name} is a {kind_of(member)}, not a plain file")
    if not member.isdir() and any(path.startswith(f"{name}/") for path in wanted):
        raise Refusal(f"{printable(name)} is a {kind_of(member)}, not a folder")


def kind_of(member: tarfile.TarInfo) -> str:
    """Return what a member is, in a word or two."""
    kinds = {
        tarfile.REGTYPE: "plain file",
        tarfile.SYMTYPE: "symbolic link",
        tarfile.LNKTYPE: "hard link",
        tarfile.DIRTYPE: "folder",
        tarfile.CHRTYPE: "device",
        tarfile.BLKTYPE: "device",
        tarfile.FIFOTYPE: "pipe",
    }
    return "sparse file" if member.issparse() else kinds.get(member.type, "special file")


class _Bounded:
    """A stream of chunks as the file that the tar reader reads blocks from, up to a number of bytes."""

    def __init__(self, chunks: Iterable[bytes], limit: int) -> None:
        self._chunks = iter(chunks)
        self._left = limit
        self._buffer = b""

    def read(self, size: int) -> bytes:
        parts: list[bytes] = []
        missing = size
        while missing:
            if not self._buffer:
                self._buffer = next(self._chunks, b"")
                self._left -= len(self._buffer)
                if not self._buffer:
                    break
                if self._left < 0:
                    raise Refusal("the archive of the results is larger than its bounds")
            part = self._buffer[:missing]
            self._buffer = self._buffer[missing:]
            missing -= len(part)
            parts.append(part)
        return b"".join(parts)
