"""
Run a program in a container of a pod, with bytes in and out (``pods/exec`` over a WebSocket).

The client library's own reader keeps all output in memory and waits on the socket below TLS; this one does neither.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from airflow_synapse_challenge.containers import kubernetes_helper
from airflow_synapse_challenge.containers.archive import Refusal
from airflow_synapse_challenge.errors import TransientError

if TYPE_CHECKING:
    from kubernetes.client import CoreV1Api

STDIN, STDOUT, STDERR, STATUS = range(4)
FRAME = 256 * 1024
#: Seconds without a byte in either direction after which a connection counts as broken.
SILENCE = 300
#: Bytes of a helper's complaint that are kept.
COMPLAINT = 4096


class NoRoom(Refusal):
    """A folder has no room for what should go into it."""


@dataclass(frozen=True)
class Place:
    """Where a program runs: a container of a pod."""

    pod: str
    container: str

    def __str__(self) -> str:
        return f"{self.container} of {self.pod}"


def run_in(
    core: CoreV1Api, namespace: str, place: Place, command: Sequence[str], stdin: Iterable[bytes] | None = None
) -> Iterator[bytes]:
    """
    Yield what a helper's program prints while it runs.

    :param stdin: what it reads; an end mark follows by itself.
    :raises Refusal: it says so by its exit code; the text is what it complained of.
    :raises TransientError: it did not come to such an end.
    """
    socket = _connect(core, namespace, place, command, writes=stdin is not None)
    try:
        socket.settimeout(SILENCE)
        if stdin is not None:
            _send(socket, stdin)
        complaint, status = b"", b""
        for channel, data in _frames(socket):
            if channel == STDOUT:
                yield data
            elif channel == STDERR:
                complaint = (complaint + data)[:COMPLAINT]
            elif channel == STATUS:
                status += data
    finally:
        socket.close()
    _judge(status, complaint.decode(errors="replace").strip(), place)


def _connect(core: CoreV1Api, namespace: str, place: Place, command: Sequence[str], *, writes: bool) -> Any:
    """
    Open the WebSocket.

    The library's way swaps a method of the client meanwhile, which would break what other threads send; a client of
    its own makes the same request, with the same login.
    """
    from kubernetes.client import ApiClient, CoreV1Api
    from kubernetes.stream.ws_client import create_websocket, get_websocket_url

    configuration = core.api_client.configuration
    client = ApiClient(configuration)
    client.request = lambda _method, url, *, query_params, headers, **_: create_websocket(
        configuration, get_websocket_url(url, query_params), headers
    )
    return CoreV1Api(client).connect_get_namespaced_pod_exec(
        place.pod,
        namespace,
        container=place.container,
        command=list(command),
        stdin=writes,
        stdout=True,
        stderr=True,
        tty=False,
        _preload_content=False,
    )


def _send(socket: Any, pieces: Iterable[bytes]) -> None:
    """Send all, or as much as the program reads: what it complains of comes back afterwards."""
    from websocket import WebSocketException

    stream = chain(pieces, [kubernetes_helper.END])
    while (piece := next(stream, None)) is not None:
        try:
            _send_piece(socket, piece)
        except (WebSocketException, OSError):
            return


def _send_piece(socket: Any, piece: bytes) -> None:
    from websocket import ABNF

    for begin in range(0, len(piece), FRAME):
        socket.send(bytes([STDIN]) + piece[begin : begin + FRAME], opcode=ABNF.OPCODE_BINARY)


def _frames(socket: Any) -> Iterator[tuple[int, bytes]]:
    from websocket import ABNF

    while True:
        kind, frame = socket.recv_data_frame(control_frame=True)
        if kind == ABNF.OPCODE_CLOSE:
            return
        if kind in (ABNF.OPCODE_TEXT, ABNF.OPCODE_BINARY) and frame.data:
            yield frame.data[0], frame.data[1:]


def _judge(status: bytes, complaint: str, where: Place) -> None:
    """Read how a program ended: an object ``Status``, with the exit code as text among its causes."""
    try:
        found = json.loads(status)
    except ValueError as error:
        raise TransientError(f"The connection to the helper {where} broke.") from error
    if found.get("status") == "Success":
        return
    causes = (found.get("details") or {}).get("causes") or ()
    code = next((cause.get("message") for cause in causes if cause.get("reason") == "ExitCode"), None)
    if code == str(kubernetes_helper.REFUSED):
        raise Refusal(complaint)
    if code == str(kubernetes_helper.FULL):
        raise NoRoom(complaint)
    raise TransientError(f"The helper {where} failed: {complaint or found.get('message')}")
