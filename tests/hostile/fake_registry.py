"""A registry that serves what no honest one would, to the product's client and to a real engine."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
MIB = 1024**2


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class FakeRegistry:
    """
    Answers ``GET /v2/…`` with what was put into it.

    ``requests`` lists the paths that were asked for, with the ``Authorization`` header.
    """

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.kinds: dict[str, str] = {}
        self.answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        self.requests: list[tuple[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def put(self, content: bytes | dict, kind: str = "application/octet-stream", digest: str = "") -> str:
        """Keep a blob or manifest; return its digest, or file it under a wrong one."""
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        digest = digest or digest_of(raw)
        self.content[digest] = raw
        self.kinds[digest] = kind
        return digest

    def image(
        self, *, layers: list[bytes] | None = None, config: object = None, changes: dict | None = None, **settings
    ) -> str:
        """
        Keep an image; return the digest of its manifest.

        :param config: the whole configuration; else one with ``settings`` in its ``config``.
        :param changes: to the manifest.
        """
        layers = [tar_gz({})] if layers is None else layers
        diff_ids = [unpacked_digest(layer) for layer in layers]
        if config is None:
            config = {
                "os": "linux",
                "architecture": "amd64",
                "rootfs": {"type": "layers", "diff_ids": diff_ids},
                "config": {"Cmd": ["/model"], **settings},
            }
        about = {"mediaType": CONFIG, "size": len(json.dumps(config)), "digest": self.put(config, CONFIG)}
        found = [{"mediaType": LAYER, "size": len(layer), "digest": self.put(layer, LAYER)} for layer in layers]
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": about, "layers": found, **(changes or {})}
        return self.put(manifest, MANIFEST)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def do_HEAD(self):
                self.do_GET()

            def do_GET(self):
                registry.requests.append((self.path, self.headers.get("Authorization", "")))
                digest = self.path.rpartition("/")[2]
                if answer := registry.answers.get(digest):
                    answer(self)
                elif digest in registry.content:
                    self.give(200, registry.content[digest], registry.kinds[digest], digest)
                else:
                    self.give(200 if self.path == "/v2/" else 404, b"{}", "application/json")

            def give(self, status, body, kind, digest=""):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                if digest:
                    self.send_header("Docker-Content-Digest", digest)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

        return Handler


def unpacked_digest(layer: bytes) -> str:
    """Return what an image says of a layer; of one that is not small it is made up, and found out too late to help."""
    try:
        return digest_of(gzip.decompress(layer)) if len(layer) < MIB else digest_of(layer)
    except (OSError, EOFError):
        return digest_of(layer)


def tar_gz(files: dict[str, bytes]) -> bytes:
    """Return a small layer."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def bomb(mebibytes: int) -> bytes:
    """Return a layer with one file of zeros, about a thousandth of its size: the same compressed piece many times."""
    member = tarfile.TarInfo("zeros")
    member.size = mebibytes * MIB
    piece = gzip.compress(bytes(16 * MIB), 9)
    return gzip.compress(member.tobuf()) + piece * (mebibytes // 16) + gzip.compress(bytes(2 * tarfile.BLOCKSIZE))


def many_files(count: int) -> bytes:
    """Return a layer with empty files."""

    def headers() -> Iterator[bytes]:
        for number in range(count):
            yield tarfile.TarInfo(f"many/{number % 997}/{number}").tobuf()

    return gzip.compress(b"".join(headers()) + bytes(2 * tarfile.BLOCKSIZE), 1)
