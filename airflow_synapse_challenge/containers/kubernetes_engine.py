"""
Containers as pods of a Kubernetes cluster.

Worker and cluster need not share a file system, and nobody is asked to log in anywhere: inputs go in and results come
out through the API server.

::

    look for the name ──▶ same labels, past its gate? ──▶ adopt
          │ no
          ▼
    create the pod ▶ prove the policy, outside and inside ▶ fill ▶ open the gate ▶ wait ▶ collect ▶ remove

The calls are those of :class:`~airflow_synapse_challenge.containers.docker_engine.DockerEngine`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from airflow_synapse_challenge.containers import kubernetes_inside, kubernetes_policy, kubernetes_storage
from airflow_synapse_challenge.containers import kubernetes_pods as pods
from airflow_synapse_challenge.containers.archive import Refusal
from airflow_synapse_challenge.containers.engine import Cancelled, Owner
from airflow_synapse_challenge.containers.holding import Holding
from airflow_synapse_challenge.containers.kubernetes_cluster import Cluster
from airflow_synapse_challenge.containers.kubernetes_exec import Place
from airflow_synapse_challenge.containers.kubernetes_faults import image_fault, pull_problem, start_fault
from airflow_synapse_challenge.containers.kubernetes_settings import ClusterSettings, label_selector, pod_name
from airflow_synapse_challenge.containers.kubernetes_status import KEPT, PodView
from airflow_synapse_challenge.containers.kubernetes_storage import KubernetesHolder
from airflow_synapse_challenge.containers.kubernetes_watch import (
    Ending,
    OutputReader,
    ended_by,
    last_output,
    stop,
    wait,
)
from airflow_synapse_challenge.containers.logs import BoundedLog
from airflow_synapse_challenge.containers.outcome import UNOBSERVED, Observed, Outcome
from airflow_synapse_challenge.containers.policy import Policy, Rule
from airflow_synapse_challenge.containers.spec import LABEL_PREFIX, ContainerSpec
from airflow_synapse_challenge.errors import PermanentError, TransientError

#: Exit codes of a process that was told to end.
STOPPED = (137, 143)


class KubernetesEngine:
    """
    Run containers as pods.

    :param cluster: the namespace.
    :param settings: what the configuration says about it.
    """

    name = "kubernetes"

    def __init__(self, cluster: Cluster, settings: ClusterSettings) -> None:
        self._cluster = cluster
        self._settings = settings

    @property
    def enforces(self) -> frozenset[Rule]:
        """The rules that the cluster enforces, as far as it was promised to; each is proved on each pod."""
        return frozenset(Rule) - frozenset(self._settings.undeclared(Policy()))

    def run(
        self,
        spec: ContainerSpec,
        *,
        on_log: Callable[[str], None] | None = None,
        cancelled: Cancelled | None = None,
    ) -> Outcome:
        """
        Run, or adopt, a pod; see :class:`~airflow_synapse_challenge.containers.engine.Engine`.

        A pod outlives the worker that waits for it, so that the next try can adopt it; it is removed as soon as its
        outcome is known.
        """
        adopted = self.launch(spec)
        try:
            return self._follow(spec, on_log, cancelled, adopted=adopted)
        except KeyboardInterrupt:
            self.kill(spec.name)
            raise

    def launch(self, spec: ContainerSpec) -> bool:
        """
        Start a pod and come back when its code runs; tell whether an earlier try had started it.

        :raises OrganiserFault: the image cannot be used. :class:`ParticipantFault` if it is a participant's.
        :raises TransientError: the cluster is away, or has no room.
        :raises PermanentError: a rule of the policy cannot be enforced here.
        """
        adopted = self.has(spec)
        try:
            if not adopted:
                self._prepare(spec)
        except BaseException:
            self.kill(spec.name)
            raise
        try:
            self._wait_until_started(spec)
        except TransientError:
            raise  # the next try waits on
        except BaseException:
            self.kill(spec.name)
            raise
        return adopted

    def has(self, spec: ContainerSpec) -> bool:
        """Tell whether exactly this pod was let run and is not collected; clear away anything else of its name."""
        seen = self._cluster.read(pod_name(spec.name))
        if seen is None:
            return False
        view = PodView(seen.pod)
        found = seen.pod["metadata"].get("annotations") or {}
        same = all(found.get(key) == value for key, value in spec.full_labels.items())
        if same and view.gate_open and not (view.lost or view.leaving or view.uncollected):
            return True
        kubernetes_storage.remove(self._cluster, view.name)
        return False

    def log(self, spec: ContainerSpec) -> str:
        """Return the head and the tail of what a launched container has printed so far."""
        return last_output(self._cluster, spec).text()

    def end(self, name: str) -> None:
        """Tell a container to end, and end it a little later; what it printed stays to be collected."""
        stop(self._cluster, pod_name(name))

    def follow(
        self,
        spec: ContainerSpec,
        *,
        on_log: Callable[[str], None] | None = None,
        cancelled: Cancelled | None = None,
    ) -> Outcome:
        """
        Wait for the end of a launched container, or bring it about, and collect it as :meth:`finish` does.

        :param on_log: receives harmless lines while it runs.
        :param cancelled: asked about every second; a true answer ends the container.
        """
        return self._follow(spec, on_log, cancelled, adopted=True)

    def finish(
        self,
        spec: ContainerSpec,
        observed: Observed = UNOBSERVED,
        on_log: Callable[[str], None] | None = None,
    ) -> Outcome:
        """Collect the outcome of a launched container as :meth:`collect` does, and remove it."""
        outcome = self.collect(spec, observed, on_log)
        self.kill(spec.name)
        return outcome

    def collect(
        self,
        spec: ContainerSpec,
        observed: Observed = UNOBSERVED,
        on_log: Callable[[str], None] | None = None,
    ) -> Outcome:
        """
        Return the outcome of a launched container, ended here if it still runs; it stays, to be collected again.

        What it left in held folders is where they are held afterwards, and the pod uses nothing of its node any more.

        :param observed: what whoever watched it saw of its end.
        :param on_log: receives the harmless lines of its log.
        """
        name = pod_name(spec.name)
        ending = ended_by(self._cluster, name, observed)
        log = last_output(self._cluster, spec, on_log)
        outcome = self._collect(spec, ending, log, adopted=True)
        if spec.holds_output and ending.seen and not PodView(ending.seen.pod).over:
            stop(self._cluster, name, {KEPT: "true"})
        return outcome

    def holder(self, holding: Holding) -> KubernetesHolder:
        """Return what holds the folders of a run; it begins with ``ensure()``."""
        return KubernetesHolder(self._cluster, self._settings, holding)

    def kill(self, name: str) -> bool:
        """Tell a pod to end and to go, without waiting for it; tell whether there was one."""
        there = self._cluster.read(pod_name(name)) is not None
        if there:
            self._cluster.delete(pod_name(name))
        return there

    def sweep(self, labels: Mapping[str, str]) -> list[str]:
        """
        End and remove every pod that carries all of these labels; return their names.

        :param labels: as in the spec; at least one, so that nothing is swept by mistake.
        """
        return self.remove_orphans(labels, lives=lambda _: False)

    def remove_orphans(self, labels: Mapping[str, str], *, lives: Callable[[Owner], bool]) -> list[str]:
        """
        Remove the pods of runs that live no more; return their names.

        :param labels: only what carries all of these is judged; at least one.
        :param lives: asked once for each run.
        """
        if not labels:
            raise PermanentError("A sweep needs at least one label; without any it would remove every container.")
        known: dict[Owner, bool] = {}
        removed = []
        for pod in self._cluster.pods(label_selector(labels)):
            carried = pod["metadata"].get("annotations") or {}
            same = all(carried.get(f"{LABEL_PREFIX}{key}") == value for key, value in labels.items())
            if not same or PodView(pod).leaving:
                continue
            owner = Owner(carried.get(f"{LABEL_PREFIX}dag", ""), carried.get(f"{LABEL_PREFIX}run", ""))
            if owner not in known:
                known[owner] = lives(owner)
            if not known[owner]:
                self._cluster.delete(pod["metadata"]["name"])
                removed.append(pod["metadata"]["name"])
        return sorted(removed)

    def _prepare(self, spec: ContainerSpec) -> None:
        """Create the pod, fill and prove it, and open its gate."""
        kubernetes_policy.check_promises(spec.policy, self._settings)
        kubernetes_policy.check_known(spec)
        asked = pods.pod_of(spec, self._settings)
        place = Place(asked["metadata"]["name"], pods.LOAD)
        self._cluster.close()
        self._cluster.create(asked)
        view = kubernetes_storage.wait_until_running(self._cluster, self._settings, place.pod, pods.LOAD)
        kubernetes_policy.check_described(asked, view.pod, self._cluster.network_policies())
        folders = [mount["mountPath"] for mount in asked["spec"]["initContainers"][0]["volumeMounts"]]
        kubernetes_inside.check_seen(asked, self._cluster.witness(place, *folders), self._settings)
        kubernetes_storage.load(self._cluster, spec)
        self._cluster.ask(place, "open_gate", pods.MARKER)

    def _wait_until_started(self, spec: ContainerSpec) -> None:
        said = ""

        def look(view: PodView) -> bool:
            nonlocal said
            said = pull_problem(view, pods.MAIN, said)
            fault = (image_fault(spec.image, said, spec.author) if said else None) or start_fault(view, spec)
            if fault:
                # A pod that did not start never will, whoever is to blame.
                self.kill(spec.name)
                raise fault
            return view.runs(pods.MAIN) or view.ended

        kubernetes_storage.wait_until(self._cluster, self._settings, pod_name(spec.name), look)

    def _follow(
        self,
        spec: ContainerSpec,
        on_log: Callable[[str], None] | None,
        cancelled: Cancelled | None,
        *,
        adopted: bool,
    ) -> Outcome:
        output = OutputReader(self._cluster, pod_name(spec.name), spec.policy.log_bytes, on_log)
        ending = wait(self._cluster, spec, cancelled)
        log = output.log if output.finish() else last_output(self._cluster, spec)
        outcome = self._collect(spec, ending, log, adopted=adopted)
        self.kill(spec.name)
        return outcome

    def _collect(self, spec: ContainerSpec, ending: Ending, log: BoundedLog, *, adopted: bool) -> Outcome:
        view = PodView(ending.seen.pod) if ending.seen else None
        seconds = view.seconds(ending.seen.now) if view and ending.seen else 0.0
        results: dict[str, bytes] = {}
        refused = None
        if view and not view.over:
            results, refused = self._results(spec, view)
        # Somebody may have stopped it and died before it could say why; what had ended by itself was only put away.
        stopped = bool(view and view.past_deadline and view.exit_code in (None, *STOPPED))
        late = stopped and not (ending.timed_out or ending.cancelled)
        over_time = seconds >= spec.policy.timeout.total_seconds()
        return Outcome(
            exit_code=view.exit_code if view else None,
            oom_killed=bool(view and view.oom_killed),
            timed_out=ending.timed_out or (late and over_time),
            cancelled=ending.cancelled or (late and not over_time),
            seconds=seconds,
            image_digest=(view and view.image_digest) or spec.image,
            log=log.text(),
            log_bytes_total=log.total,
            results=results,
            refused=refused,
            adopted=adopted,
            peak_memory_bytes=ending.peak_memory_bytes,
            storage_full=bool(view and view.storage_full),
        )

    def _results(self, spec: ContainerSpec, view: PodView) -> tuple[dict[str, bytes], str | None]:
        """Read result files, or keep what a container that ended well left in held folders."""
        try:
            kubernetes_storage.wait_until_running(self._cluster, self._settings, view.name, pods.RESULTS)
            if spec.held and view.exit_code == 0:
                kubernetes_storage.keep(self._cluster, spec)
            return kubernetes_storage.results(self._cluster, spec) if spec.results else {}, None
        except Refusal as refusal:
            return {}, str(refusal)
