"""A Docker engine on a host that lacks something: the real one, behind a proxy that changes what it says of itself."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Engine(http.client.HTTPConnection):
    def __init__(self, address):
        super().__init__("engine", timeout=60)
        self.address = address

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.address)


class _Proxy(BaseHTTPRequestHandler):
    """Passes requests on, one after the other; what a connection that is upgraded sends back is passed on as it is."""

    address = ""
    lacks: dict = {}

    def _pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        engine = _Engine(self.address)
        if self.headers.get("Upgrade"):
            self._pass_on_raw(engine, body)
            return
        kept = {key: value for key, value in self.headers.items() if key.lower() not in ("host", "connection")}
        engine.request(self.command, self.path, body, kept)
        answer = engine.getresponse()
        content = answer.read()
        if self.path.endswith("/info"):
            content = json.dumps(json.loads(content) | self.lacks).encode()
        self.send_response(answer.status)
        for key, value in answer.getheaders():
            if key.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        engine.close()

    def _pass_on_raw(self, engine, body):
        head = "".join(f"{key}: {value}\r\n" for key, value in self.headers.items())
        engine.connect()
        engine.sock.sendall(f"{self.command} {self.path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        while piece := engine.sock.recv(2**16):
            self.wfile.write(piece)
        engine.close()
        self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _pass_on  # noqa: N815  as http.server calls them

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def weak_engine(docker_host, **lacks):
    """Yield the address of an engine that says other things of itself than it should."""
    assert docker_host.startswith("unix://")
    handler = type("Proxy", (_Proxy,), {"address": docker_host.removeprefix("unix://"), "lacks": lacks})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"tcp://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
