"""Folders that outlive pods: what a model leaves in them, what the next stage finds, and what hostile models try."""

from __future__ import annotations

import os
import time
from datetime import timedelta

import pytest

from airflow_synapse_challenge.containers.archive import Refusal
from airflow_synapse_challenge.containers.holding import HeldFile, HeldFolder, Holding
from airflow_synapse_challenge.containers.spec import ImageFacts
from airflow_synapse_challenge.errors import OrganiserFault, PermanentError, TransientError

MODEL = f"registry.test/team/model@sha256:{'b' * 64}"
FOLDERS = (HeldFolder("output", 1_000_000, 20), HeldFolder("model", 1_000_000, 20))


@pytest.fixture
def holding():
    return Holding("run-1", "ignored", FOLDERS, timedelta(hours=1), {"suite": "containers"})


@pytest.fixture
def holder(kubernetes_engine, holding, fake_cluster):
    holder = kubernetes_engine.holder(holding)
    holder.ensure()
    yield holder
    fake_cluster.node.orders.clear()
    holder.release()


@pytest.fixture
def stage_of(spec_of, holding, fake_cluster):
    """Return the spec of one stage of a model, whose folders are below its root."""

    def stage_of(code, *, last=False, **changes):
        held = (holding.mount("output", "/output"), holding.mount("model", "/model", read_only=last))
        code = f"import os, sys; output, model = sys.argv[1:]\n{code}"
        return spec_of(
            code,
            author="participant",
            image=MODEL,
            facts=ImageFacts(),
            held=held,
            results=(),
            command=("python3", "/input/script.py", "/output", "/model"),
            **changes,
        )

    return stage_of


def test_what_one_stage_leaves_the_next_one_finds(kubernetes_engine, holder, stage_of, tmp_path):
    train = stage_of(
        "os.makedirs(model + '/deep'); open(model + '/deep/weights', 'w').write('learned')\n"
        "os.symlink('deep/weights', model + '/latest'); open(output + '/log', 'w').write('trained')",
        name="train",
    )
    assert kubernetes_engine.run(train).exit_code == 0
    infer = stage_of(
        "open(output + '/predictions.csv', 'w').write(open(model + '/latest').read() + open(output + '/log').read())",
        name="infer",
        last=True,
    )
    assert kubernetes_engine.run(infer).exit_code == 0
    assert holder.look("output", "predictions.csv") == HeldFile("predictions.csv", "plain file", 14)
    assert holder.look("model", "latest").kind == "symbolic link"
    assert holder.look("output", "none") is None
    assert {file.name for file in holder.files("output", 20)} == {"log", "predictions.csv"}
    assert holder.copy("output", "predictions.csv", tmp_path / "p.csv")
    assert (tmp_path / "p.csv").read_text() == "learnedtrained"
    assert not holder.copy("output", "none", tmp_path / "none")


def test_a_run_that_is_tried_again_replaces_what_it_left(kubernetes_engine, holder, stage_of):
    for name in ("first", "second"):
        kubernetes_engine.run(stage_of(f"open(output + '/{name}', 'w').write('x')\nos.mkdir(output + '/d{name}')"))
    names = {file.name for file in holder.files("output", 20)}
    # The second try found what the first one left, as it does on any engine.
    assert names == {"first", "dfirst", "second", "dsecond"}


def test_a_model_that_failed_leaves_nothing(kubernetes_engine, holder, stage_of):
    outcome = kubernetes_engine.run(stage_of("open(output + '/half', 'w').write('x'); raise SystemExit(3)"))
    assert outcome.exit_code == 3
    assert holder.files("output", 20) == []


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("for n in range(21): open(f'{output}/{n}', 'w')", "more than 20 files"),
        ("open(output + '/big', 'w').write('x' * 1_000_001)", "larger than 1000000 bytes"),
        ("f = open(output + '/sparse', 'w'); f.truncate(2**40)", "larger than 1000000 bytes"),
    ],
    ids=["many", "big", "sparse"],
)
def test_more_than_the_folder_holds_is_refused(kubernetes_engine, holder, stage_of, code, words):
    outcome = kubernetes_engine.run(stage_of(code))
    assert words in outcome.refused


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("os.symlink('/etc/shadow', output + '/result')", "symbolic link"),
        ("os.symlink('../../../../../../etc/passwd', output + '/result')", "symbolic link"),
        ("os.mkfifo(output + '/result')", "pipe"),
        ("os.mkdir(output + '/result')", "folder"),
        ("import socket; socket.socket(socket.AF_UNIX).bind('result')", None),
    ],
    ids=["shadow", "up", "pipe", "folder", "nothing"],
)
def test_a_result_that_is_no_plain_file(kubernetes_engine, holder, stage_of, tmp_path, code, kind):
    assert kubernetes_engine.run(stage_of(code)).exit_code == 0
    found = holder.look("output", "result")
    assert (found and found.kind) == kind
    if kind:
        with pytest.raises(Refusal, match=kind):
            holder.copy("output", "result", tmp_path / "result")
        assert not (tmp_path / "result").exists()


def test_names_that_are_not_utf8_and_files_that_are_closed(kubernetes_engine, holder, stage_of, tmp_path):
    code = (
        "open(output.encode() + b'/\\xff\\xfe', 'w').write('odd')\n"
        "open(output + '/closed', 'w').write('x'); os.chmod(output + '/closed', 0)\n"
        "os.mkdir(output + '/shut'); open(output + '/shut/in', 'w').write('y'); os.chmod(output + '/shut', 0)\n"
    )
    assert kubernetes_engine.run(stage_of(code)).exit_code == 0
    names = {file.name for file in holder.files("output", 20)}
    assert names == {"\udcff\udcfe", "closed", "shut", "shut/in"}
    assert holder.copy("output", "closed", tmp_path / "closed")
    assert (tmp_path / "closed").read_text() == "x"


def test_a_second_holder_is_the_first_one(kubernetes_engine, holder, holding, fake_cluster):
    kubernetes_engine.holder(holding).ensure()
    assert len(fake_cluster.created) == 1
    assert not holder.is_full("output")


def test_results_that_the_cluster_lost(kubernetes_engine, holder, stage_of, tmp_path):
    holder.release()
    for ask in (
        lambda: holder.look("output", "x"),
        lambda: holder.files("output", 1),
        lambda: holder.is_full("output"),
        lambda: holder.copy("output", "x", tmp_path / "x"),
    ):
        with pytest.raises(TransientError, match="lost"):
            ask()
    with pytest.raises(TransientError):
        kubernetes_engine.run(stage_of("pass"))


def test_a_holder_ends_by_itself(kubernetes_engine, fake_cluster):
    short = Holding("short", "ignored", FOLDERS, timedelta(seconds=4), {"suite": "containers"})
    holder = kubernetes_engine.holder(short)
    holder.ensure()
    time.sleep(4.5)
    assert not holder.holds()
    holder.release()


def test_a_holder_whose_image_is_not_there(kubernetes_engine, holding, fake_cluster):
    message = {"reason": "ErrImagePull", "message": "not found"}
    fake_cluster.play("run-1", holder={"waiting": message})
    with pytest.raises(OrganiserFault, match="not available"):
        kubernetes_engine.holder(holding).ensure()


def test_a_holder_is_proved_too(kubernetes_engine, holding, fake_cluster):
    with (
        fake_cluster.mutated(lambda pod: pod["spec"].update(hostNetwork=True)),
        pytest.raises(PermanentError, match="no network"),
    ):
        kubernetes_engine.holder(holding).ensure()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a file system of its own size")
def test_a_folder_that_is_full(kubernetes_engine, holder, holding, fake_cluster):
    import subprocess

    pod = next(pod for name, pod in fake_cluster.node.alive().items() if "run-1" in name)
    folder = pod.folder / "root" / "held" / "output"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=True)
    try:
        assert not holder.is_full("output")
        (folder / "big").write_bytes(b"x" * 65536)
        assert holder.is_full("output")
    finally:
        subprocess.run(["umount", folder], check=True)


def code_ended_in(cluster, name):
    """Wait until the code in a pod has ended by itself."""
    pod = cluster.node.alive()[name]
    while "terminated" not in pod.container("main").state:
        time.sleep(0.05)
    return pod


def test_a_pod_can_be_collected_again_and_uses_nothing_meanwhile(kubernetes_engine, holder, stage_of, fake_cluster):
    """The task that collects may die before the next one knows; a pod that holds a node's processors would be dear."""
    spec = stage_of("open(output + '/result', 'w').write('1'); print('done')", name="again")
    kubernetes_engine.launch(spec)
    pod = code_ended_in(fake_cluster, "again")
    first = kubernetes_engine.collect(spec)
    assert pod.stored["status"]["phase"] == "Failed"
    assert all("terminated" in one.state for one in pod.main)
    assert holder.look("output", "result").size_bytes == 1
    assert kubernetes_engine.has(spec)
    assert kubernetes_engine.launch(spec)
    second = kubernetes_engine.collect(spec)
    for outcome in (first, second):
        assert (outcome.exit_code, outcome.timed_out, outcome.cancelled, outcome.log) == (0, False, False, "done\n")
    assert kubernetes_engine.kill(spec.name)


def test_results_that_nobody_collected_in_time_are_made_again(kubernetes_engine, holder, stage_of, fake_cluster):
    """The pod's own deadline ended it after its code had ended well: that is not a model that wrote nothing."""
    spec = stage_of("open(output + '/result', 'w').write('1')", name="late")
    kubernetes_engine.launch(spec)
    pod = code_ended_in(fake_cluster, "late")
    pod.stored["spec"]["activeDeadlineSeconds"] = 1
    while pod.stored["status"]["phase"] != "Failed":
        time.sleep(0.05)
    with pytest.raises(TransientError, match="in time"):
        kubernetes_engine.collect(spec)
    assert not kubernetes_engine.has(spec)
    assert kubernetes_engine.run(spec).exit_code == 0
    assert holder.look("output", "result").size_bytes == 1
