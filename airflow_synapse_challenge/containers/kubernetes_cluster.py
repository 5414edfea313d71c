"""
The few calls to a Kubernetes API server that this package makes, and their errors in its own words.

Pods are described as plain JSON: a typed client would leave out what it does not know, and that may be what matters.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from airflow_synapse_challenge.containers import kubernetes_pods as pods
from airflow_synapse_challenge.containers.kubernetes_exec import Place, run_in
from airflow_synapse_challenge.containers.kubernetes_volumes import Manifest
from airflow_synapse_challenge.errors import PermanentError, TransientError

if TYPE_CHECKING:
    from kubernetes.client import CoreV1Api

TRIES = 4
CHUNK = 64 * 1024
#: Seconds for a connection to the API server.
CONNECT = 10
#: What the API server answers that another try may change.
PASSING = (404, 408, 409, 429)


class PodMaker(Protocol):
    """What makes and deletes pods: Airflow's ``PodManager``, with its retries."""

    def create_pod(self, pod: Any) -> Any: ...

    def delete_pod(self, pod: Any) -> None: ...


@dataclass(frozen=True)
class Described:
    """
    A pod as the API server describes it.

    :param pod: plain JSON.
    :param now: the API server's clock.
    """

    pod: Mapping[str, Any]
    now: datetime


@contextmanager
def cluster_errors() -> Iterator[None]:
    """
    Say in this package's errors what the client and the connections below it raise.

    :raises PermanentError: the API server refuses the request (4xx).
    :raises TransientError: it failed (5xx), has no room now, or is away.
    """
    from kubernetes.client.exceptions import ApiException, OpenApiException
    from urllib3.exceptions import HTTPError
    from websocket import WebSocketException

    try:
        yield
    except ApiException as error:
        text = _message(error)
        if error.status in (401, 403) and "exceeded quota" not in text:
            raise PermanentError(
                f"The Kubernetes API server does not let us: {text}. See docs/kubernetes.md for the role."
            ) from error
        if 400 <= int(error.status or 0) < 500 and error.status not in (*PASSING, 403):
            raise PermanentError(f"The Kubernetes API server refuses: {text}") from error
        raise TransientError(f"The Kubernetes API server failed: {text}") from error
    except (OpenApiException, HTTPError, WebSocketException, OSError) as error:
        raise TransientError(f"The Kubernetes API server is away: {error}. Is the connection right?") from error


def _message(error: Any) -> str:
    try:
        return str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        return f"{error.status} {error.reason}"


class Cluster:
    """
    One namespace of a cluster.

    :param core: client of the core API, for example ``KubernetesHook(...).core_v1_client``.
    :param maker: for example ``PodManager(core)``.
    """

    def __init__(self, core: CoreV1Api, maker: PodMaker, namespace: str) -> None:
        self._core = core
        self._maker = maker
        self._namespace = namespace

    def create(self, manifest: Manifest) -> None:
        """Make a pod."""
        placed = {**manifest, "metadata": {**manifest["metadata"], "namespace": self._namespace}}
        with cluster_errors():
            answer = SimpleNamespace(data=json.dumps(placed))
            self._maker.create_pod(self._core.api_client.deserialize(answer, "V1Pod"))

    def delete(self, name: str) -> None:
        """Tell a pod to end and to go, if there is one."""
        pod = SimpleNamespace(metadata=SimpleNamespace(name=name, namespace=self._namespace))
        with cluster_errors():
            self._maker.delete_pod(pod)

    def read(self, name: str) -> Described | None:
        """Return a pod, ``None`` when there is none of that name."""
        try:
            pod, headers = self._get(self._core.read_namespaced_pod, name, self._namespace)
        except _NotThere:
            return None
        return Described(pod, parsedate_to_datetime(headers["Date"]))

    def pods(self, selector: str) -> list[Mapping[str, Any]]:
        """Return the pods that a label selector selects."""
        found, _ = self._get(self._core.list_namespaced_pod, self._namespace, label_selector=selector)
        return list(found["items"])

    def end_now(self, name: str, annotations: Mapping[str, str]) -> bool:
        """
        Have the kubelet end what runs in a pod; the pod and what it printed stay. Tell whether there was one.

        A pod's deadline may be changed in one direction: to an earlier one.

        :param annotations: put on the pod together with that.
        """
        from kubernetes.client.exceptions import ApiException

        changes = {"metadata": {"annotations": dict(annotations)}, "spec": {"activeDeadlineSeconds": 1}}
        with cluster_errors():
            try:
                self._core.patch_namespaced_pod(name, self._namespace, changes)
            except ApiException as error:
                if error.status == 404:
                    return False
                raise
        return True

    def output(self, name: str, container: str, *, follow: bool) -> Iterator[bytes]:
        """Yield what a container prints, or has printed."""
        with cluster_errors():
            answer = self._core.read_namespaced_pod_log(
                name,
                self._namespace,
                container=container,
                follow=follow,
                _preload_content=False,
                # A program may be silent for hours.
                _request_timeout=(CONNECT, None if follow else 60),
            )
            try:
                yield from answer.stream(CHUNK)
            finally:
                answer.close()

    def run(self, place: Place, *arguments: str, stdin: Iterable[bytes] | None = None) -> Iterator[bytes]:
        """
        Yield what a helper's program prints; see :mod:`.kubernetes_helper`.

        :raises Refusal: the helper refuses what it found, or has no room.
        """
        yield from self._run(place, [*pods.RUN_HELPER, *arguments], stdin)

    def ask(self, place: Place, *arguments: str, stdin: Iterable[bytes] | None = None) -> Any:
        """Run a helper's program to its end, and return the JSON that it prints, if any."""
        return _json(self.run(place, *arguments, stdin=stdin))

    def witness(self, place: Place, *folders: str) -> dict[str, Any]:
        """Return what a helper sees of its kernel and network; see :mod:`.kubernetes_witness`."""
        found: dict[str, Any] = _json(self._run(place, [*pods.RUN_WITNESS, *folders], None))
        return found

    def _run(self, place: Place, command: Sequence[str], stdin: Iterable[bytes] | None) -> Iterator[bytes]:
        with cluster_errors():
            yield from run_in(self._core, self._namespace, place, command, stdin)

    def close(self) -> None:
        """Make the network policy that closes our pods, unless it is there."""
        from kubernetes.client import NetworkingV1Api

        wanted = pods.network_policy()
        if all(policy["metadata"]["name"] != wanted["metadata"]["name"] for policy in self.network_policies()):
            with cluster_errors():
                NetworkingV1Api(self._core.api_client).create_namespaced_network_policy(self._namespace, wanted)

    def network_policies(self) -> list[Mapping[str, Any]]:
        """Return all network policies of the namespace."""
        from kubernetes.client import NetworkingV1Api

        found, _ = self._get(NetworkingV1Api(self._core.api_client).list_namespaced_network_policy, self._namespace)
        return list(found["items"])

    def warning(self, name: str) -> str:
        """Return the last warning about a pod; empty without one, or without the right to see it."""
        try:
            found, _ = self._get(
                self._core.list_namespaced_event,
                self._namespace,
                field_selector=f"involvedObject.name={name},type=Warning",
            )
        except (PermanentError, TransientError):
            return ""
        messages = [str(event.get("message", "")) for event in found["items"]]
        return messages[-1] if messages else ""

    def memory(self, name: str, container: str) -> int:
        """Return the memory that a container uses now, 0 where the cluster has no metrics server."""
        from kubernetes.client import CustomObjectsApi
        from kubernetes.client.exceptions import ApiException
        from kubernetes.utils.quantity import parse_quantity

        metrics = CustomObjectsApi(self._core.api_client)
        with cluster_errors():
            try:
                found = metrics.get_namespaced_custom_object("metrics.k8s.io", "v1beta1", self._namespace, "pods", name)
            except ApiException as error:
                if error.status in (403, 404, 503):
                    return 0
                raise
        sizes = [one["usage"]["memory"] for one in found["containers"] if one["name"] == container]
        return int(parse_quantity(sizes[0])) if sizes else 0

    def _get(
        self, call: Callable[..., Any], *arguments: str, **options: Any
    ) -> tuple[dict[str, Any], Mapping[str, str]]:
        """Send a call that only reads, again if need be, and return its JSON and its headers."""
        from kubernetes.client.exceptions import ApiException

        for attempt in Retrying(
            stop=stop_after_attempt(TRIES),
            wait=wait_random_exponential(0.5, max=5),
            retry=retry_if_exception_type(TransientError),
            reraise=True,
        ):
            with attempt, cluster_errors():
                try:
                    answer = call(*arguments, **options, _preload_content=False)
                except ApiException as error:
                    if error.status == 404:
                        raise _NotThere(_message(error)) from error
                    raise
                return json.loads(answer.data), answer.headers
        raise AssertionError("unreachable")


def _json(printed: Iterable[bytes]) -> Any:
    whole = b"".join(printed)
    return json.loads(whole) if whole else None


class _NotThere(PermanentError):
    """There is no such thing (404)."""
