"""The HTTP face: pods with their logs and programs, network policies, events, metrics."""

from __future__ import annotations

import asyncio
import json
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from fake_kubernetes.node import Mutation, Node, Pod, answer, is_witness
from fake_kubernetes.objects import Invalid, check, defaulted, selects

TOKEN = "token-of-the-service-account"
PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
MERGES = ("application/merge-patch+json", "application/strategic-merge-patch+json")
STDIN, STDOUT, STDERR, STATUS = range(4)


class FakeKubernetes:
    """
    A cluster.

    :ivar created: the manifest of every pod that was asked for, in their order.
    :ivar mutations: what admission plugins make of every pod.
    :ivar policies: network policies by name.
    :ivar failures: statuses that the next requests get, by method and a part of the path; each once.
    :ivar events: warnings about pods.
    :ivar memory: what the metrics server says of every container; ``None`` for no metrics server.
    """

    def __init__(self, folder: Path) -> None:
        self.node = Node(folder)
        self.created: list[dict[str, Any]] = []
        self.mutations: list[Mutation] = []
        self.policies: dict[str, dict[str, Any]] = {}
        self.failures: list[tuple[str, str, int, str]] = []
        self.events: list[dict[str, Any]] = []
        self.memory: str | None = None
        self.requests: list[str] = []
        self._server = uvicorn.Server(
            uvicorn.Config(self._app(), host="127.0.0.1", port=0, log_level="error", ws="websockets-sansio")
        )
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self.node.stop()
        self._server.should_exit = True
        self._thread.join(10)

    @property
    def url(self) -> str:
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def kube_config(self) -> dict[str, Any]:
        """Return the configuration with which a client finds this cluster."""
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "fake", "cluster": {"server": self.url}}],
            "users": [{"name": "us", "user": {"token": TOKEN}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "us"}}],
            "current-context": "fake",
        }

    def play(self, part_of_name: str, **order: Any) -> None:
        """Order what happens to pods with a part in their names; see :class:`fake_kubernetes.node.Pod`."""
        self.node.orders.insert(0, (part_of_name, order))

    def fail(self, method: str, part_of_path: str, status: int, message: str = "ordered by the test") -> None:
        """Let the next such request fail."""
        self.failures.append((method, part_of_path, status, message))

    @contextmanager
    def mutated(self, mutation: Mutation) -> Iterator[None]:
        """Let an admission plugin change every pod meanwhile."""
        self.mutations.append(mutation)
        try:
            yield
        finally:
            self.mutations.remove(mutation)

    def reset(self) -> None:
        """Forget orders, policies and requests."""
        self.node.orders.clear()
        for memory in (self.created, self.mutations, self.policies, self.failures, self.events, self.requests):
            memory.clear()
        self.memory = None

    def pods(self) -> list[str]:
        """Return the names of the pods that are there."""
        return sorted(
            name for name, pod in self.node.alive().items() if "deletionTimestamp" not in pod.stored["metadata"]
        )

    def _app(self) -> Starlette:
        pods = "/api/v1/namespaces/{namespace}/pods"
        policies = "/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies"
        return Starlette(
            routes=[
                Route(pods, self._with_failures(self._pods), methods=["GET", "POST"]),
                Route(pods + "/{name}", self._with_failures(self._pod), methods=["GET", "PATCH", "DELETE"]),
                Route(pods + "/{name}/log", self._with_failures(self._log)),
                WebSocketRoute(pods + "/{name}/exec", self._exec),
                Route(policies, self._with_failures(self._policies), methods=["GET", "POST"]),
                Route("/api/v1/namespaces/{namespace}/events", self._with_failures(self._events)),
                Route(
                    "/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods/{name}",
                    self._with_failures(self._metrics),
                ),
            ]
        )

    def _with_failures(self, handler: Any) -> Any:
        async def handle(request: Request) -> Response:
            self.requests.append(f"{request.method} {request.url.path}")
            if request.headers.get("authorization") != f"Bearer {TOKEN}":
                return failure(401, "Unauthorized")
            for found in self.failures:
                method, part, status, message = found
                if method == request.method and part in request.url.path:
                    self.failures.remove(found)
                    return failure(status, message)
            answered: Response = await handler(request)
            return answered

        return handle

    async def _pods(self, request: Request) -> Response:
        if request.method == "GET":
            selector = request.query_params.get("labelSelector", "")
            found = [pod.described() for pod in self.node.alive().values()]
            items = [pod for pod in found if selects(selector, pod["metadata"].get("labels") or {})]
            return JSONResponse({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items})
        manifest = await request.json()
        self.created.append(manifest)
        try:
            check(manifest)
        except Invalid as error:
            return failure(422, str(error))
        if manifest["metadata"]["name"] in self.node.alive():
            return failure(409, "already exists")
        stored = defaulted(manifest, request.path_params["namespace"])
        for mutation in self.mutations:
            mutation(stored)
        self.node.begin(stored)
        return JSONResponse(stored, 201)

    async def _pod(self, request: Request) -> Response:
        pod = self.node.alive().get(request.path_params["name"])
        if pod is None:
            return failure(404, "pods not found")
        if request.method == "DELETE":
            pod.delete()
        if request.method == "PATCH":
            if request.headers["content-type"] not in MERGES:
                return failure(415, "the body of the request was in an unknown format")
            body = await request.json()
            changes = body["spec"]
            if set(changes) != {"activeDeadlineSeconds"} or set(body.get("metadata", {})) - {"annotations", "labels"}:
                return failure(422, "pod updates may not change other fields")
            if changes["activeDeadlineSeconds"] > pod.stored["spec"]["activeDeadlineSeconds"]:
                return failure(422, "must be less than or equal to previous value")
            pod.stored["metadata"]["annotations"] |= body["metadata"]["annotations"]
            pod.stored["spec"] |= changes
        return JSONResponse(pod.described())

    async def _log(self, request: Request) -> Response:
        pod = self.node.alive().get(request.path_params["name"])
        if pod is None:
            return failure(404, "pods not found")
        container = pod.container(request.query_params["container"])
        if "waiting" in container.state or not container.log.exists():
            return failure(400, "container is waiting to start")
        follow = request.query_params.get("follow") in ("true", "True")

        async def stream() -> AsyncIterator[bytes]:
            with container.log.open("rb") as log:
                while True:
                    ended = "terminated" in container.state or pod.gone.is_set()
                    while piece := log.read(1024 * 1024):
                        yield piece
                    if ended or not follow:
                        return
                    await asyncio.sleep(0.05)

        return StreamingResponse(stream(), media_type="text/plain")

    async def _policies(self, request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse({"kind": "NetworkPolicyList", "items": list(self.policies.values())})
        manifest = await request.json()
        try:
            check(manifest)
        except Invalid as error:
            return failure(422, str(error))
        self.policies[manifest["metadata"]["name"]] = manifest
        return JSONResponse(defaulted(manifest, request.path_params["namespace"]), 201)

    async def _events(self, request: Request) -> Response:
        selector = dict(term.split("=") for term in request.query_params.get("fieldSelector", "").split(","))
        items = [event for event in self.events if event["involvedObject"]["name"] == selector["involvedObject.name"]]
        return JSONResponse({"kind": "EventList", "items": items})

    async def _metrics(self, request: Request) -> Response:
        pod = self.node.alive().get(request.path_params["name"])
        if self.memory is None or pod is None:
            return failure(404, "the server could not find the requested resource")
        usage = {"cpu": "1n", "memory": self.memory}
        return JSONResponse({"containers": [{"name": one.spec["name"], "usage": usage} for one in pod.main]})

    async def _exec(self, socket: WebSocket) -> None:
        pod = self.node.alive().get(socket.path_params["name"])
        query = socket.query_params
        if socket.headers.get("authorization") != f"Bearer {TOKEN}" or pod is None:
            await socket.close()
            return
        container = pod.container(query["container"])
        if "running" not in container.state:
            await socket.close()
            return
        offered = [one.strip() for one in socket.headers.get("sec-websocket-protocol", "").split(",")]
        await socket.accept(subprotocol=next(one for one in PROTOCOLS if one in offered))
        command = query.getlist("command")
        if is_witness(command):
            await socket.send_bytes(bytes([STDOUT]) + answer(pod))
            await _finish(socket, 0)
            return
        await _run(socket, container.run(command), writes=query.get("stdin") in ("true", "True"))


async def _run(socket: WebSocket, process: subprocess.Popen[bytes], *, writes: bool) -> None:
    """Carry bytes between a WebSocket and a program, as a kubelet does: nothing tells the program of an end."""
    assert process.stdin
    assert process.stdout
    assert process.stderr
    outputs = [_carry(socket, STDOUT, process.stdout), _carry(socket, STDERR, process.stderr)]
    feeding = asyncio.create_task(_feed(socket, process, writes=writes))
    try:
        await asyncio.gather(*outputs)
        code = await asyncio.to_thread(process.wait)
        await _finish(socket, code)
    except (WebSocketDisconnect, RuntimeError):
        process.kill()
    finally:
        feeding.cancel()
        for file in (process.stdin, process.stdout, process.stderr):
            with suppress(BrokenPipeError):
                file.close()


async def _carry(socket: WebSocket, channel: int, file: Any) -> None:
    while piece := await asyncio.to_thread(file.read1, 32768):
        await socket.send_bytes(bytes([channel]) + piece)


async def _feed(socket: WebSocket, process: subprocess.Popen[bytes], *, writes: bool) -> None:
    while True:
        frame = await socket.receive()
        if frame["type"] == "websocket.disconnect":
            process.kill()
            return
        data = frame.get("bytes") or (frame.get("text") or "").encode()
        if writes and data[:1] == bytes([STDIN]):
            try:
                await asyncio.to_thread(process.stdin.write, data[1:])  # type: ignore[union-attr]
                await asyncio.to_thread(process.stdin.flush)  # type: ignore[union-attr]
            except (BrokenPipeError, ValueError):
                continue


async def _finish(socket: WebSocket, code: int) -> None:
    status: dict[str, Any] = {"metadata": {}, "status": "Success"}
    if code:
        cause = {"reason": "ExitCode", "message": str(code)}
        status |= {"status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": [cause]}}
    await socket.send_bytes(bytes([STATUS]) + json.dumps(status).encode())
    await socket.close()


def failure(code: int, message: str) -> JSONResponse:
    """Return an error as Kubernetes words it."""
    return JSONResponse({"kind": "Status", "status": "Failure", "message": message, "code": code}, code)


__all__ = ["FakeKubernetes", "Pod"]
