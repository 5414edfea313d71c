"""Images whose harm is in the image: in files that the engine reads itself, in settings, in labels and volumes."""

from __future__ import annotations

import threading

import pytest
from yard import EVALUATION_IMAGE, GIB

from airflow_synapse_challenge.containers.docker_images import DockerImages
from airflow_synapse_challenge.containers.image_check import ImageLimits
from airflow_synapse_challenge.containers.registry import ImageName

pytestmark = pytest.mark.docker


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ("RUN rm /etc/passwd && mkfifo /etc/passwd", "/etc/passwd is a pipe"),
        ("RUN rm /etc/group && mkfifo /pipe && ln -s ../pipe /etc/group", "/etc/group is a pipe"),
        ("RUN rm /etc/passwd && mknod /etc/passwd c 1 5", "/etc/passwd is a device"),
        ("RUN rm /etc/passwd && mkdir /etc/passwd", "/etc/passwd is a folder"),
        ("RUN ln -sf /etc/b /etc/a && ln -sf /etc/a /etc/b && rm /etc/passwd && ln -s /etc/a /etc/passwd", "link"),
        ("RUN yes user:x:1000:1000::/:/bin/sh | head -c 3000000 >/etc/passwd", "/etc/passwd is larger than"),
        ("RUN echo 4321:x:0: >>/etc/group", "/etc/group has a group with the name 4321"),
    ],
    ids=["pipe", "link to a pipe", "device", "folder", "loop of links", "huge", "group of root"],
)
def test_accounts_that_the_engine_would_read(yard, recipe, words):
    """
    The engine opens them as root on its host: a pipe hung it for ever, 15 MB cost it 350 MB of memory, and a group
    whose name is a number made a model a member of root's group.
    """
    yard.attack("told", recipe).is_invalid("start", words)


def test_image_without_accounts(yard):
    assert set(yard.attack("told", "RUN rm /etc/passwd /etc/group").is_ok().report["ids"]) == {1000}


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("root", 65534),
        ("0", 65534),
        ("0:0", 65534),
        ("4321", 4321),
        ("4321:0", 4321),
        ("4294967296", 65534),
        ("4294967295", 65534),
        ("99999999999999999999", 65534),
        ("nobody-of-that-name", 65534),
    ],
)
def test_user_that_an_image_asks_for(yard, user, expected):
    """It is never root and never root's group, whatever the number means to the kernel."""
    assert set(yard.attack("told", user=user).is_ok().report["ids"]) == {expected}


@pytest.mark.parametrize("user", ["nobody-of-that-name", "4294967296"])
def test_user_that_cannot_be_had(yard, user):
    yard.attack("told", user=user, model={"allow_root": True}).is_invalid("start", "user")


@pytest.mark.parametrize(
    "volume", ["//data", "data", "/data/../other", "/", "/proc/sys", "/sys/fs/cgroup", "/dev", "/data//more"]
)
def test_volume_that_would_escape_its_cover(yard, volume):
    """Docker cleans such a path and makes a volume on its disk, without bounds, beside the cover of the other path."""
    yard.attack("told", f'VOLUME ["{volume}"]').is_invalid("image", "volume", volume)


def test_more_volumes_than_can_be_covered(yard):
    volumes = ", ".join(f'"/volume{number}"' for number in range(60))
    yard.attack("told", f"VOLUME [{volumes}]").is_invalid("image", "60 volumes")


@pytest.mark.parametrize(
    ("recipe", "fault"),
    [
        ("RUN ln -s /proc /output", "start"),
        ("RUN touch /output", "start"),
        ("RUN rm -rf /tmp && ln -s /proc/self/root /tmp", "start"),
        ("RUN ln -s /etc /output", None),
        ("RUN mkdir /output && touch /output/predictions.csv && chmod 777 /output", None),
    ],
)
def test_something_else_where_a_folder_belongs(yard, recipe, fault):
    """Either it cannot be mounted over, or it is hidden: nothing of the image is ever taken for a result."""
    found = yard.attack("told", recipe)
    if fault:
        found.is_invalid(fault, "a file or link stands in it")
    else:
        assert found.is_ok().result == b"id,probability\n1,0.5\n"


@pytest.mark.parametrize(
    ("recipe", "fault", "words"),
    [
        ("FROM scratch\nLABEL a=b\n", "image", "neither an entrypoint nor a command"),
        ('FROM {base}\nENTRYPOINT ["/not/there"]\n', "exit_code", "127 (its command was not found)"),
        ('FROM {base}\nENTRYPOINT ["/attacks"]\n', "exit_code", "126 (its command could not be executed)"),
        ('FROM {base}\nENTRYPOINT ["/attacks/told.py"]\n', "exit_code", "126 (its command could not be executed)"),
    ],
    ids=["nothing", "not there", "folder", "not executable"],
)
def test_entrypoint(yard, recipe, fault, words):
    yard.attack_by(yard.builder.raw(recipe)).is_invalid(fault, words)


def test_huge_environment_and_labels(yard):
    """Beyond a quarter of a MiB nobody reads them."""
    settings = "\n".join(f'ENV V{number}="{"x" * 60_000}"\nLABEL l{number}="{"y" * 60_000}"' for number in range(3))
    yard.attack("told", settings).is_invalid("image", "larger than 256 KiB")


def test_large_environment(yard):
    """What is allowed arrives; a single text that is longer than the kernel takes is told."""
    found = yard.attack("told", f'ENV MUCH="{"x" * 60_000}"').is_ok()
    assert found.found["log_excerpt"]
    much = [f"MUCH={'x' * 140_000}"]
    tag = yard.builder.configured(Env=much, Entrypoint=["python3", "/attacks/told.py"], User="1000")
    found = yard.attack_by(tag).is_invalid("exit_code")
    assert "argument list too long" in found.found["log_excerpt"]


def test_variables_that_engines_obey(yard):
    """NVIDIA's runtime gives processors to whoever asks for them in a variable; a container's own ones win."""
    recipe = 'ENV NVIDIA_VISIBLE_DEVICES=all HOME=/root TMPDIR=/root HDF5_USE_FILE_LOCKING=TRUE\nHEALTHCHECK CMD "sh"'
    found = yard.attack("told", recipe).is_ok().report["variables"]
    assert found["NVIDIA_VISIBLE_DEVICES"] == "void"
    assert found["HDF5_USE_FILE_LOCKING"] == "FALSE"
    assert (found["HOME"], found["TMPDIR"]) == ("/tmp", "/tmp")


LABELS = (
    "LABEL airflow-synapse-challenge.reserved-bytes=9000000000000000000 airflow-synapse-challenge.process=x.1 "
    "airflow-synapse-challenge.submission=1 airflow-synapse-challenge.challenge=other traefik.enable=true"
)


def test_labels_that_this_package_or_others_obey(yard, registry):
    """While it runs, its labels reserve no disk: another image is pulled. Its container has none of their values."""
    tag = yard.builder.image("sleeper", LABELS, SECONDS=8)
    images = DockerImages(yard.client, EVALUATION_IMAGE)
    thread = threading.Thread(target=yard.run, args=(tag,))
    thread.start()
    try:
        labels = _labels_of_the_running(yard)
        name = ImageName(registry.host, "an/image", registry.image())
        limits, own = ImageLimits(total_bytes=GIB), {"suite": "hostile"}
        owned = images.pull(name, "hostile.1", compressed_bytes=1000, limits=limits, login=None, labels=own)
        images.remove(owned)
    finally:
        thread.join()
        yard.builder.remove(tag)
    assert labels["traefik.enable"] == labels["airflow-synapse-challenge.reserved-bytes"] == ""
    assert labels["airflow-synapse-challenge.challenge"] == "hostile"
    yard.require_nothing_left()


def _labels_of_the_running(yard):
    import time

    for _ in range(100):
        for found in yard.client.containers(filters={"label": "airflow-synapse-challenge.step"}):
            if "hostile" in found["Names"][0] and "traefik.enable" in found["Labels"]:
                return found["Labels"]
        time.sleep(0.1)
    raise AssertionError("the model does not run")
