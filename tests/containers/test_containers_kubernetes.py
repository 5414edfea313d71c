"""How pods begin and end: adopted, ended, refused, lost, and who is told what."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from airflow_synapse_challenge.containers.engine import Owner
from airflow_synapse_challenge.containers.kubernetes_engine import KubernetesEngine
from airflow_synapse_challenge.containers.kubernetes_watch import WatchedCluster
from airflow_synapse_challenge.containers.outcome import Observed
from airflow_synapse_challenge.containers.policy import MIB
from airflow_synapse_challenge.containers.spec import ImageFacts
from airflow_synapse_challenge.errors import OrganiserFault, ParticipantFault, PermanentError, TransientError

MODEL = f"registry.test/team/model@sha256:{'b' * 64}"
SLEEP = "import time; print('here', flush=True); time.sleep(600)"
WRITE = "open('{}/results.json', 'w').write('{{}}')"
GONE = 'failed to pull and unpack image "registry.test/team/model": not found'
DISK = {"phase": "Failed", "reason": "Evicted"}


class WorkerDied(Exception):
    """Ends the waiting without a chance to tidy up."""


def die():
    raise WorkerDied


@pytest.fixture
def model_of(spec_of):
    """Return the spec of a participant's container."""

    def model_of(code, **changes):
        known = {"author": "participant", "image": MODEL, "facts": ImageFacts(user="1000:1000")}
        return spec_of(code, **{**known, **changes})

    return model_of


@pytest.fixture
def engine_with(kubernetes_cluster, kubernetes_settings):
    """Return an engine with other settings."""

    def engine_with(**changes):
        return KubernetesEngine(kubernetes_cluster, replace(kubernetes_settings, **changes))

    return engine_with


def test_a_model_runs_as_the_user_of_its_image(kubernetes_engine, fake_cluster, model_of):
    outcome = kubernetes_engine.run(model_of("print('ran')"))
    assert (outcome.exit_code, outcome.log, outcome.adopted) == (0, "ran\n", False)
    assert outcome.image_digest.startswith("registry.test/team/model@sha256:")
    users = {one["securityContext"]["runAsUser"] for one in fake_cluster.created[0]["spec"]["containers"]}
    assert users == {1000}


def test_the_kernel_ended_it_for_its_memory(kubernetes_engine, fake_cluster, model_of):
    fake_cluster.play("test", main={"terminated": {"exitCode": 137, "reason": "OOMKilled"}})
    outcome = kubernetes_engine.run(model_of("print('much')"))
    assert (outcome.oom_killed, outcome.exit_code, outcome.timed_out) == (True, 137, False)


def test_137_alone_is_no_lack_of_memory(kubernetes_engine, fake_cluster, model_of):
    outcome = kubernetes_engine.run(model_of("raise SystemExit(137)"))
    assert (outcome.oom_killed, outcome.exit_code) == (False, 137)


def test_its_time_is_over_although_nobody_watched(kubernetes_engine, fake_cluster, model_of):
    """The cluster ends what a lost worker left; whoever comes later is told of the time-out."""
    spec = model_of(SLEEP, seconds=1)
    assert kubernetes_engine.launch(spec) is False
    time.sleep(2.5)
    fake_cluster.node.alive()[fake_cluster.pods()[0]].stored["spec"]["activeDeadlineSeconds"] = 1
    outcome = kubernetes_engine.run(spec)
    assert (outcome.timed_out, outcome.cancelled, outcome.adopted) == (True, False, True)
    assert outcome.log == "here\n"


def test_cancelled_by_somebody_who_died_before_he_could_say_so(kubernetes_engine, model_of):
    spec = model_of(SLEEP)
    kubernetes_engine.launch(spec)
    kubernetes_engine.end(spec.name)
    outcome = kubernetes_engine.run(spec)
    assert (outcome.timed_out, outcome.cancelled) == (False, True)


def test_an_ended_pod_keeps_what_it_printed(kubernetes_engine, model_of):
    spec = model_of("import signal, time; signal.signal(signal.SIGTERM, lambda *_: exit(print('ended'))); " + SLEEP)
    kubernetes_engine.launch(spec)
    while kubernetes_engine.log(spec) != "here\n":
        time.sleep(0.1)
    began = time.monotonic()
    kubernetes_engine.end(spec.name)
    assert time.monotonic() - began < 10
    lines = []
    outcome = kubernetes_engine.finish(spec, Observed(cancelled=True, peak_memory_bytes=5 * MIB), lines.append)
    assert (outcome.cancelled, outcome.timed_out, outcome.peak_memory_bytes) == (True, False, 5 * MIB)
    assert outcome.log == "here\nended\n"
    assert lines == ["here", "ended"]


@pytest.mark.parametrize(
    "message",
    [
        "Pod ephemeral local storage usage exceeds the total limit of containers 144Mi. ",
        'Container main exceeded its local ephemeral storage limit "128Mi". ',
        'Usage of EmptyDir volume "at-tmp" exceeds the limit "1Gi". ',
    ],
)
def test_it_filled_its_share_of_the_disk(kubernetes_engine, fake_cluster, model_of, message):
    fake_cluster.play("test", pod={**DISK, "message": message})
    outcome = kubernetes_engine.run(model_of(SLEEP))
    assert outcome.storage_full
    assert not outcome.cancelled


@pytest.mark.parametrize(
    "status",
    [
        {**DISK, "message": "The node was low on resource: memory."},
        {"reason": "Terminated", "message": "Pod was terminated in response to imminent node shutdown."},
        {"reason": "NodeLost", "message": "Node n1 which was running pod p is unresponsive"},
        {"phase": "Running", "conditions": [{"type": "DisruptionTarget", "status": "True", "message": "preempted"}]},
    ],
    ids=["pressure", "shutdown", "lost", "preempted"],
)
def test_what_the_cluster_took_away_is_tried_again(kubernetes_engine, fake_cluster, model_of, status):
    fake_cluster.play("test", pod=status)
    spec = model_of("import os, time; time.sleep(2)")
    with pytest.raises(TransientError, match="took the pod"):
        kubernetes_engine.run(spec)
    fake_cluster.node.orders.clear()
    outcome = kubernetes_engine.run(spec)
    assert (outcome.exit_code, outcome.adopted) == (0, False)


def test_a_node_that_never_lets_go_is_nobodys_fault(kubernetes_engine, fake_cluster, model_of, monkeypatch):
    from airflow_synapse_challenge.containers import kubernetes_storage

    monkeypatch.setattr(kubernetes_storage, "GONE_WITHIN", 1.0)
    fake_cluster.play("test", never_goes=True)
    spec = model_of(SLEEP)
    kubernetes_engine.launch(spec)
    kubernetes_engine.kill(spec.name)
    with pytest.raises(TransientError, match="does not go away"):
        kubernetes_engine.run(spec)


@pytest.mark.parametrize(
    ("reason", "message", "fault", "words"),
    [
        ("ErrImagePull", GONE, ParticipantFault, "not there any more"),
        ("ErrImagePull", "manifest unknown", ParticipantFault, "not there any more"),
        ("InvalidImageName", "couldn't parse image reference", ParticipantFault, "not there any more"),
        ("ErrImagePull", "pull access denied", PermanentError, "pull_secret"),
        ("ImagePullBackOff", "Back-off pulling image: ErrImagePull: 401 Unauthorized", PermanentError, "pull_secret"),
        ("RunContainerError", 'exec: "/run.sh": permission denied', ParticipantFault, "cannot be executed"),
        ("CreateContainerConfigError", 'secret "x" not found', PermanentError, "cannot make"),
    ],
)
def test_a_model_that_cannot_start(kubernetes_engine, fake_cluster, model_of, reason, message, fault, words):
    fake_cluster.play("test", main={"waiting": {"reason": reason, "message": message}})
    with pytest.raises(fault, match=words):
        kubernetes_engine.launch(model_of("pass"))


def test_an_entrypoint_that_is_not_in_the_image(kubernetes_engine, fake_cluster, model_of):
    message = 'failed to create containerd task: exec: "/model": executable file not found in $PATH'
    fake_cluster.play("test", main={"never_ran": {"reason": "StartError", "message": message}})
    with pytest.raises(ParticipantFault, match="is not in the image"):
        kubernetes_engine.launch(model_of("pass"))


def test_a_node_that_was_too_busy_to_start_it_is_tried_again(kubernetes_engine, fake_cluster, model_of):
    """What a node has given up it never starts: the next try makes another pod."""
    message = "failed to create containerd task: context deadline exceeded"
    fake_cluster.play("test", main={"never_ran": {"reason": "StartError", "message": message}})
    spec = model_of("print('well')")
    with pytest.raises(TransientError, match="could not start"):
        kubernetes_engine.run(spec)
    fake_cluster.node.orders.clear()
    outcome = kubernetes_engine.run(spec)
    assert (outcome.exit_code, outcome.adopted, outcome.log) == (0, False, "well\n")


@pytest.mark.parametrize("container", ["main", "load"])
def test_an_image_of_the_organisers_that_is_not_there(kubernetes_engine, fake_cluster, spec_of, container):
    fake_cluster.play("test", **{container: {"waiting": {"reason": "ErrImagePull", "message": GONE}}})
    with pytest.raises(OrganiserFault, match="is not available") as error:
        kubernetes_engine.run(spec_of("pass"))
    assert "pull_secret" in error.value.detail


def test_a_registry_that_is_away_is_waited_for_and_then_tried_again(engine_with, fake_cluster, model_of):
    """Between its attempts a node only says that it waits; what it said before counts."""
    waiting = {"reason": "ErrImagePull", "message": "dial tcp: i/o timeout"}
    fake_cluster.play("test", main={"waiting": waiting})
    spec = model_of("pass")

    def back_off():
        waiting.update(reason="ImagePullBackOff", message=f'Back-off pulling image "{MODEL}"')

    timer = threading.Timer(1.5, back_off)
    timer.start()
    engine = engine_with(start_within=timedelta(seconds=3))
    with pytest.raises(TransientError, match="ImagePullBackOff"):
        engine.launch(spec)
    assert len(fake_cluster.pods()) == 1  # it stays, and the next try waits on
    engine.kill(spec.name)


def test_a_cluster_without_room_says_what_is_missing(engine_with, fake_cluster, model_of):
    message = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    fake_cluster.play("test", load={"waiting": {"reason": "PodInitializing"}})
    with (
        fake_cluster.mutated(lambda pod: pod["status"].update(conditions=[condition])),
        pytest.raises(TransientError, match="3 Insufficient"),
    ):
        engine_with(start_within=timedelta(seconds=1)).launch(model_of("pass"))


def test_a_missing_claim_is_told_from_the_events(engine_with, fake_cluster, model_of):
    fake_cluster.play("test", load={"waiting": {"reason": "ContainerCreating"}})
    with (
        fake_cluster.mutated(
            lambda pod: fake_cluster.events.append(
                {"involvedObject": {"name": pod["metadata"]["name"]}, "message": "persistentvolumeclaim data not found"}
            )
        ),
        pytest.raises(TransientError, match="persistentvolumeclaim data not found"),
    ):
        engine_with(start_within=timedelta(seconds=1)).launch(model_of("pass"))


@pytest.mark.parametrize("ended", [False, True])
def test_a_pod_is_adopted(kubernetes_engine, fake_cluster, spec_of, ended):
    code = (
        "import sys, time; print('first', flush=True); time.sleep(3); print('last', flush=True); "
        "open(sys.argv[1], 'w').write('{}')"
    )
    spec = spec_of(code)
    with pytest.raises(WorkerDied):
        kubernetes_engine.run(spec, cancelled=die)
    if ended:
        time.sleep(4)
    assert kubernetes_engine.has(spec)
    outcome = kubernetes_engine.run(spec)
    assert outcome.adopted
    assert outcome.log == "first\nlast\n"
    assert outcome.results == {"results.json": b"{}"}
    assert len(fake_cluster.created) == 1


def test_a_pod_of_another_spec_is_not_adopted(kubernetes_engine, fake_cluster, spec_of):
    with pytest.raises(WorkerDied):
        kubernetes_engine.run(spec_of(SLEEP, environment={"VERSION": "1"}), cancelled=die)
    other = spec_of("import sys; open(sys.argv[1], 'w').write('2')", environment={"VERSION": "2"})
    outcome = kubernetes_engine.run(other)
    assert not outcome.adopted
    assert outcome.results == {"results.json": b"2"}


def test_a_pod_whose_gate_never_opened_is_made_anew(kubernetes_engine, fake_cluster, spec_of):
    """The worker died between making the pod and opening its gate: nothing of the code has run."""
    fake_cluster.fail("GET", "networkpolicies", 403)
    spec = spec_of("print('ran')")
    with pytest.raises(PermanentError):
        kubernetes_engine.run(spec)
    assert kubernetes_engine.run(spec).log == "ran\n"


def test_a_pod_that_somebody_removed(kubernetes_engine, model_of):
    spec = model_of(SLEEP)
    kubernetes_engine.launch(spec)
    assert kubernetes_engine.kill(spec.name)
    while kubernetes_engine.kill(spec.name):
        time.sleep(0.1)
    outcome = kubernetes_engine.finish(spec)
    assert (outcome.exit_code, outcome.cancelled) == (None, True)


def test_a_sweep_takes_only_what_carries_its_labels(kubernetes_engine, fake_cluster, model_of):
    """Texts that look alike as labels are told apart by their annotations."""
    mine = model_of(SLEEP, name="mine", labels={"run": "manual__2026-01-01T00:00:00+00:00", "dag": "a"})
    other = model_of(SLEEP, name="other", labels={"run": "scheduled__2026", "dag": "a"})
    for spec in (mine, other):
        kubernetes_engine.launch(spec)
    with pytest.raises(PermanentError, match="label"):
        kubernetes_engine.sweep({})
    assert kubernetes_engine.sweep({"run": "manual__2026-01-01T00:00:00 00:00"}) == []
    assert kubernetes_engine.sweep({"run": "manual__2026-01-01T00:00:00+00:00"}) == ["mine"]
    asked = []
    assert kubernetes_engine.remove_orphans({"dag": "a"}, lives=asked.append) == ["other"]
    assert asked == [Owner("a", "scheduled__2026")]


def test_orphans_of_living_runs_stay(kubernetes_engine, fake_cluster, model_of):
    spec = model_of(SLEEP, labels={"dag": "a", "run": "r"})
    kubernetes_engine.launch(spec)
    assert kubernetes_engine.remove_orphans({"dag": "a"}, lives=lambda _: True) == []
    assert kubernetes_engine.kill(spec.name)


def test_peak_memory_comes_from_the_metrics_server(kubernetes_engine, fake_cluster, model_of):
    fake_cluster.memory = "123Mi"
    assert kubernetes_engine.run(model_of("import time; time.sleep(1)")).peak_memory_bytes == 123 * MIB


@pytest.mark.parametrize(
    ("status", "message", "error", "words"),
    [
        (403, "pods is forbidden: User cannot create", PermanentError, "role"),
        (403, "pods is forbidden: exceeded quota: compute", TransientError, "exceeded quota"),
        (422, "spec is invalid", PermanentError, "refuses"),
        (500, "etcdserver: leader changed", None, ""),
    ],
)
def test_what_the_api_server_answers(kubernetes_engine, fake_cluster, spec_of, status, message, error, words):
    fake_cluster.fail("POST", "/pods", status, message)
    if error is None:
        assert kubernetes_engine.run(spec_of("print('ran')")).log == "ran\n"
        return
    with pytest.raises(error, match=words):
        kubernetes_engine.run(spec_of("print('ran')"))


def test_a_short_outage_is_waited_out(kubernetes_engine, fake_cluster, spec_of):
    for _ in range(3):
        fake_cluster.fail("GET", "/pods/", 503)
    assert kubernetes_engine.run(spec_of("print('ran')")).log == "ran\n"


def test_a_log_that_broke_off_is_read_again(kubernetes_engine, fake_cluster, spec_of):
    fake_cluster.fail("GET", "/log", 500)
    assert kubernetes_engine.run(spec_of("print('ran')")).log == "ran\n"


def test_the_api_server_is_away(kubernetes_settings, spec_of):
    from kubernetes.client import ApiClient, Configuration, CoreV1Api

    from airflow_synapse_challenge.containers.kubernetes_cluster import Cluster

    core = CoreV1Api(ApiClient(Configuration(host="http://127.0.0.1:9")))
    engine = KubernetesEngine(Cluster(core, None, "challenge"), kubernetes_settings)
    with pytest.raises(TransientError, match="away"):
        engine.run(spec_of(""))


def test_a_watcher_sees_what_runs_and_ends_it(kubernetes_engine, kubernetes_cluster, fake_cluster, model_of):
    watched = WatchedCluster(kubernetes_cluster)
    fake_cluster.memory = "7Mi"
    spec = model_of(SLEEP, seconds=300)
    kubernetes_engine.launch(spec)
    assert watched.running() == {watched.own_name(spec.name)}
    assert watched.runs(spec.name)
    assert 290 < watched.seconds_left(spec.name, 300) <= 300
    assert watched.memory(spec.name) == 7 * MIB
    watched.stop(spec.name)
    assert not watched.runs(spec.name)
    assert watched.running() == frozenset()
    outcome = kubernetes_engine.collect(spec, Observed(cancelled=True))
    assert (outcome.cancelled, outcome.log) == (True, "here\n")
    watched.kill(spec.name)
    watched.kill("nothing of this name")
    assert watched.seconds_left("nothing of this name", 300) is None
    assert not watched.runs("nothing of this name")


def test_what_the_cluster_takes_away_does_not_run_any_more(
    kubernetes_engine, kubernetes_cluster, fake_cluster, model_of
):
    gone = [{"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager"}]
    spec = model_of(SLEEP)
    kubernetes_engine.launch(spec)
    fake_cluster.node.alive()[fake_cluster.pods()[0]].stored["status"]["conditions"] = gone
    assert not WatchedCluster(kubernetes_cluster).runs(spec.name)
    with pytest.raises(TransientError, match="DeletionByTaintManager"):
        kubernetes_engine.collect(spec)
    assert kubernetes_engine.kill(spec.name)
