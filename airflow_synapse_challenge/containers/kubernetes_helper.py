"""
The organisers' end inside a pod: take inputs, hold folders, give results. Its text runs there as ``python3 -I -c``.

It stands alone: the standard library of any Python from 3.8 on, nothing of this package. Strangers made what it reads,
so it follows no link, waits for no file and stops at its bounds.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

CHUNK = 1024 * 1024
#: Exit codes: what is there cannot be taken, and there is no room for it.
REFUSED, FULL = 3, 4
#: Ends a stream that comes in: the connection has no other way to say so.
END = b"\0end of stream\0\n"


class Refused(Exception):
    """What is there cannot be taken; the text says why."""


def gate(marker: str, seconds: str) -> int:
    """Wait until :func:`open_gate` was called; fail after some seconds."""
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        if Path(marker).exists():
            return 0
        time.sleep(0.1)
    return 1


def open_gate(marker: str) -> int:
    """Let the container behind the gate begin."""
    Path(marker).touch()
    return 0


def hold(seconds: str) -> int:
    """Be there, so that the folders of the pod are."""
    time.sleep(float(seconds))
    return 0


def pack(folder: str, name: str, most_bytes: str, most_files: str) -> int:
    """
    Write a folder as a tar stream, the folder itself first.

    :param name: of the folder in the stream.
    """
    top = Path(folder)
    with _outgoing() as archive:
        archive.addfile(_member(top, name))
        size = 0
        for count, path in enumerate(_below(top), start=1):
            member = _member(path, f"{name}/{path.relative_to(top)}")
            size += member.size
            if count > int(most_files):
                raise Refused(f"there are more than {most_files} files")
            if size > int(most_bytes):
                raise Refused(f"the files are larger than {most_bytes} bytes")
            _add(archive, member, path)
    return 0


def pack_file(path: str, most_bytes: str) -> int:
    """Write what stands under a path as a tar stream."""
    member = _member(Path(path), Path(path).name)
    if member.size > int(most_bytes):
        raise Refused(f"{member.name} is larger than {most_bytes} bytes")
    with _outgoing() as archive:
        _add(archive, member, Path(path))
    return 0


def _outgoing() -> tarfile.TarFile:
    return tarfile.open(fileobj=sys.stdout.buffer, mode="w|", errors="surrogateescape")


def _add(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    if member.isreg():
        with _opened(path) as content:
            archive.addfile(member, content)
    else:
        archive.addfile(member)


def _below(folder: Path) -> Iterator[Path]:
    """Yield what lies in a folder, each folder before what lies in it."""
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        if current != folder:  # its maker, who is this user, may have closed it
            current.chmod(0o700)
        with os.scandir(current) as entries:
            for entry in entries:
                yield Path(entry.path)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))


def _member(path: Path, name: str) -> tarfile.TarInfo:
    about = path.lstat()
    kinds = {
        stat.S_IFREG: tarfile.REGTYPE,
        stat.S_IFDIR: tarfile.DIRTYPE,
        stat.S_IFLNK: tarfile.SYMTYPE,
        stat.S_IFCHR: tarfile.CHRTYPE,
        stat.S_IFBLK: tarfile.BLKTYPE,
    }
    member = tarfile.TarInfo(name)
    member.mode = stat.S_IMODE(about.st_mode)
    member.type = kinds.get(stat.S_IFMT(about.st_mode), tarfile.FIFOTYPE)
    if member.isreg():
        member.size = about.st_size
    if member.issym():
        member.linkname = os.readlink(path)  # noqa: PTH115  Path.readlink came with Python 3.9
    return member


def _opened(path: Path) -> IO[bytes]:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        return os.fdopen(os.open(path, flags), "rb")
    except PermissionError:
        path.chmod(0o600)
        return os.fdopen(os.open(path, flags), "rb")


class _Incoming:
    """What comes in, up to :data:`END`. Never waits for more than there is."""

    def __init__(self) -> None:
        self._file = os.fdopen(sys.stdin.fileno(), "rb", buffering=0, closefd=False)
        self._last = b""

    def read(self, size: int) -> bytes:
        piece: bytes = self._file.read(size)
        self._last = (self._last + piece)[-len(END) :]
        return piece

    def drain(self) -> None:
        """Read to the end: whoever sends would otherwise never learn how it went."""
        while self._last != END and self.read(CHUNK):
            pass


def unpack(top: str, *allowed: str) -> int:
    """
    Read a tar stream and write what it holds below a folder.

    :param allowed: names directly below it; nothing goes anywhere else.
    """
    incoming = _Incoming()
    try:
        with tarfile.open(fileobj=incoming, mode="r|", errors="surrogateescape") as archive:  # type: ignore[call-overload]
            for member in archive:
                parts = Path(member.name).parts
                if not parts or parts[0] not in allowed or ".." in parts:
                    raise Refused(f"{member.name!r} lies outside of {', '.join(allowed)}")
                _write(archive, member, Path(top), parts)
    finally:
        incoming.drain()
    return 0


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, top: Path, parts: tuple[str, ...]) -> None:
    path = top.joinpath(*parts)
    if any(top.joinpath(*parts[:depth]).is_symlink() for depth in range(1, len(parts))):
        raise Refused(f"{member.name!r} lies behind a link")
    mode = member.mode & 0o777
    if len(parts) == 1:
        return  # the mounted folder itself, which belongs to the node
    if member.isdir():
        path.mkdir(exist_ok=True)
        path.chmod(mode | 0o700)
    elif member.issym():
        path.symlink_to(member.linkname)
    elif member.isreg():
        content = archive.extractfile(member)
        assert content is not None
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
            for piece in iter(lambda: content.read(CHUNK), b""):
                file.write(piece)
        path.chmod(mode)
    else:
        os.mkfifo(path)  # devices cannot be made here; what counts is that it is no plain file


def clear(folder: str) -> int:
    """Remove what lies in a folder."""
    for path in reversed(list(_below(Path(folder)))):
        if stat.S_ISDIR(path.lstat().st_mode):
            path.rmdir()
        else:
            path.unlink()
    return 0


def look(folder: str, name: str) -> int:
    """Print what stands under a name, ``null`` for nothing."""
    try:
        print(json.dumps(_description(Path(folder) / name, name)))
    except FileNotFoundError:
        print("null")
    return 0


def listing(folder: str, most: str) -> int:
    """Print the first things in a folder."""
    found = []
    for path in _below(Path(folder)):
        found.append(_description(path, str(path.relative_to(folder))))
        if len(found) >= int(most):
            break
    print(json.dumps(found))
    return 0


def _description(path: Path, name: str) -> dict[str, Any]:
    member = _member(path, name)
    return {"name": name, "type": member.type.decode(), "size": member.size}


def room(folder: str) -> int:
    """Print whether a folder has room for one more block and one more file."""
    about = os.statvfs(folder)
    print(json.dumps(about.f_bavail > 0 and about.f_favail > 0))
    return 0


VERBS: dict[str, Callable[..., int]] = {
    "gate": gate,
    "open_gate": open_gate,
    "hold": hold,
    "pack": pack,
    "pack_file": pack_file,
    "unpack": unpack,
    "clear": clear,
    "look": look,
    "listing": listing,
    "room": room,
}


def main(arguments: list[str]) -> int:
    """Do what the first argument names with the others."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
    try:
        return VERBS[arguments[0]](*arguments[1:])
    except Refused as refused:
        print(refused, file=sys.stderr)
        return REFUSED
    except tarfile.TarError as error:
        print(f"the archive is damaged: {error}", file=sys.stderr)
        return REFUSED
    except OSError as error:
        print(f"{error.filename!r}: {error.strerror}", file=sys.stderr)
        return FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else REFUSED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
