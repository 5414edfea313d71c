"""Images that a registry serves: documents of every wrong kind, bombs, and addresses that nobody should ask."""

from __future__ import annotations

import gzip
import json
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from fake_registry import CONFIG, INDEX, LAYER, MANIFEST, bomb, digest_of, many_files, tar_gz
from yard import EVALUATION_IMAGE, GIB, MIB, Host, Watch

from airflow_synapse_challenge.challenge.config import load_challenge
from airflow_synapse_challenge.containers.docker_images import DockerImages
from airflow_synapse_challenge.containers.image_check import ImageLimits
from airflow_synapse_challenge.containers.registry import ImageName, Registry
from airflow_synapse_challenge.errors import ParticipantFault, PermanentError
from airflow_synapse_challenge.steps.check_image import check_image
from airflow_synapse_challenge.synapse.submissions import Submission

pytestmark = pytest.mark.docker

CHALLENGE = """
challenge: hostile
title: Hostile
compute: {{memory: 8GiB}}
synapse: {{logs_folder: syn1, docker_registry: "{host}"}}
queues:
  - {{id: 1, name: hostile, kind: docker_image, model: {{image_limit: 1GiB}}, validate: {{script: validate.py}}}}
"""
#: Documents are refused before anything is pulled: no more than what a few questions to a registry take.
SOON = 10


@pytest.fixture
def check(docker_client, registry, tmp_path):
    """Check an image as the task of a submission does; remove what was pulled."""
    (tmp_path / "validate.py").write_text("")
    (tmp_path / "challenge.yaml").write_text(CHALLENGE.format(host=registry.host))
    challenge = load_challenge(tmp_path / "challenge.yaml")
    images = DockerImages(docker_client, EVALUATION_IMAGE)

    def check(digest, repository="", login=("challenge", "password")):
        submission = Submission(
            id="1",
            user_id="1",
            evaluation_id="1",
            entity_id="syn1",
            created_on="2026-01-01T00:00:00.000Z",
            docker_repository_name=repository or f"{registry.host}/syn1/model",
            docker_digest=digest,
        )
        checked = check_image(
            submission,
            challenge,
            challenge.queues[0],
            images=images,
            login=lambda host: login,
            own_name="hostile.1.1",
            labels={"suite": "hostile"},
            note=lambda text: None,
        )
        images.remove(checked.owned)
        return checked

    yield check
    assert docker_client.containers(all=True, filters={"label": "airflow-synapse-challenge.suite=hostile"}) == []


def refused(check, *arguments, kind="image", **options):
    """The participant is told in a few words that can be shown, and soon."""
    begin = time.monotonic()
    with pytest.raises(ParticipantFault) as raised:
        check(*arguments, **options)
    assert time.monotonic() - begin < SOON
    assert raised.value.kind == kind
    for reason in raised.value.reasons:
        assert len(reason) < 400
        assert reason.isprintable()
        assert reason.endswith(".")
    return " ".join(raised.value.reasons)


def test_honest_image(check, registry):
    checked = check(registry.image(layers=[tar_gz({"a": b"b"})]))
    assert checked.compressed_bytes > 0


MANIFESTS = {
    "no object": ([1, 2], "no JSON object"),
    "no JSON": (b"\x00\xff", "no JSON"),
    "deep": (b"[" * 100_000, "no JSON"),
    "empty": ({}, "no layers"),
    "an index of texts": ({"manifests": ["a", "b"]}, "index is damaged"),
    "an index that is a number": ({"manifests": 7}, "index is damaged"),
    "a platform that is a list": (
        {"manifests": [{"digest": digest_of(b""), "platform": ["linux"]}]},
        "index is damaged",
    ),
    "layers that are a text": ({"layers": "many"}, "no layers"),
    "a layer that is a text": ({"layers": ["x"], "config": {"digest": digest_of(b"")}}, "manifest is damaged"),
    "a size that is a text": ({"layers": [{"size": "1"}], "config": {"digest": digest_of(b"")}}, "manifest is damaged"),
    "a size without end": (
        b'{"layers": [{"size": 1e999}], "config": {"digest": "%s"}}' % digest_of(b"").encode(),
        "manifest is damaged",
    ),
    "a negative size": ({"layers": [{"size": -1}], "config": {"digest": digest_of(b"")}}, "manifest is damaged"),
    "a huge size": ({"layers": [{"size": 10**30}], "config": {"digest": digest_of(b"")}}, "manifest is damaged"),
    "no config": ({"layers": []}, "manifest is damaged"),
    "a config that is a list": ({"layers": [], "config": []}, "manifest is damaged"),
    "a digest with a way out": ({"layers": [], "config": {"digest": "../../../x"}}, "manifest is damaged"),
    "a key in two cases": (b'{"layers": [], "Layers": [{"size": 1}], "config": {}}', "stands twice"),
    "a chart": ({"mediaType": "application/vnd.cncf.helm.config.v1+json", "layers": []}, "no layers"),
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_manifest_of_the_wrong_kind(check, registry, name):
    document, words = MANIFESTS[name]
    assert words in refused(check, registry.put(document, MANIFEST))


CONFIGURATIONS = {
    "os that is a map": {"os": {}, "architecture": "amd64"},
    "os that is a novel": {"os": "x" * 1_000_000, "architecture": "amd64"},
    "settings that are a list": {"os": "linux", "architecture": "amd64", "config": ["a"]},
    "variables that are numbers": {"os": "linux", "architecture": "amd64", "config": {"Cmd": ["x"], "Env": [1]}},
    "volumes that are a number": {"os": "linux", "architecture": "amd64", "config": {"Cmd": ["x"], "Volumes": 3}},
    "labels that are a list": {"os": "linux", "architecture": "amd64", "config": {"Cmd": ["x"], "Labels": ["a"]}},
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_configuration_of_the_wrong_kind(check, registry, name):
    assert "configuration is damaged" in refused(check, registry.image(config=CONFIGURATIONS[name]))


def test_settings_in_another_case(check, registry):
    """Docker reads ``volumes`` where this program looks for ``Volumes``: what the engine has made of it counts."""
    layer = tar_gz({"a": b"b"})
    digests = {"type": "layers", "diff_ids": [digest_of(gzip.decompress(layer))]}
    config = {
        "os": "linux",
        "architecture": "amd64",
        "rootfs": digests,
        "config": {"Cmd": ["x"], "volumes": {"//x": {}}},
    }
    assert "volume //x" in refused(check, registry.image(layers=[layer], config=config))


def test_index(check, registry):
    """An index without the platform, one that leads to an index, and one that says what the image is not."""
    image = registry.image()
    arm = {"os": "linux", "architecture": "arm64"}
    ours = {"os": "linux", "architecture": "amd64"}
    other = registry.put({"mediaType": INDEX, "manifests": [{"digest": image, "platform": arm}]}, INDEX)
    assert "its index offers linux/arm64" in refused(check, other)
    nested = registry.put({"mediaType": INDEX, "manifests": [{"digest": other, "platform": ours}]}, INDEX)
    assert "no layers" in refused(check, nested)
    nothing = registry.put({"mediaType": INDEX, "manifests": []}, INDEX)
    assert "offers nothing" in refused(check, nothing)
    liar = registry.image(config={"os": "linux", "architecture": "s390x", "config": {"Cmd": ["x"]}})
    lying = registry.put({"mediaType": INDEX, "manifests": [{"digest": liar, "platform": ours}]}, INDEX)
    assert "linux/s390x" in refused(check, lying)


def test_manifest_without_end(check, registry):
    digest = digest_of(b"endless")

    def endless(handler: BaseHTTPRequestHandler):
        handler.send_response(200)
        handler.end_headers()
        for _ in range(1000):
            handler.wfile.write(b" " * MIB)

    registry.answers[digest] = endless
    assert "larger than" in refused(check, digest)


def test_content_that_is_not_what_was_asked_for(check, registry):
    digest = registry.put({"layers": []}, MANIFEST, digest=digest_of(b"something else"))
    assert "another content" in refused(check, digest)


@pytest.mark.parametrize(
    ("digest", "repository"),
    [
        ("sha256:" + "0" * 64, "{host}/syn1/../syn2/secret"),
        ("sha256:" + "0" * 64, "{host}/syn1/model?x=y"),
        ("sha256:" + "0" * 64, "{host}/" + "a/" * 200 + "a"),
        ("sha256:../../x", "{host}/syn1/model"),
        ("sha256:" + "0" * 64, "{host}/syn1/\x1b[2Jmodel\n::error::x"),
    ],
)
def test_name_that_leads_elsewhere(check, registry, digest, repository):
    assert "names no Docker image" in refused(check, digest, repository.format(host=registry.host))
    assert registry.requests == []


class Bystander:
    """A service that nobody has reason to ask."""

    def __init__(self):
        self.asked = []
        bystander = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments):
                pass

            def do_GET(self):
                bystander.asked.append((self.path, self.headers.get("Authorization", "")))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"internal secret")

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.host = f"127.0.0.1:{self._server.server_port}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def bystander():
    found = Bystander()
    yield found
    found.close()


def test_another_registry_is_never_asked(check, bystander):
    """The name is a stranger's: whoever it names would be asked by this host, and get its login."""
    reason = refused(check, digest_of(b""), f"{bystander.host}/internal/model")
    assert "taken from" in reason
    assert bystander.asked == []


def test_layers_that_lie_elsewhere(check, registry, bystander):
    """Some engines fetch them from there."""
    layer = {"mediaType": LAYER, "size": 10, "digest": digest_of(b"x"), "urls": [f"http://{bystander.host}/metadata"]}
    digest = registry.image(changes={"layers": [layer]})
    assert "outside of the registry" in refused(check, digest)
    assert bystander.asked == []


def test_login_does_not_follow_a_redirect(check, registry, bystander):
    """What the other host answers is no image, and neither it nor the reason gets anything secret."""
    digest = digest_of(b"redirected")

    def redirect(handler: BaseHTTPRequestHandler):
        handler.send_response(307)
        handler.send_header("Location", f"http://{bystander.host}/metadata")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    registry.answers[digest] = redirect
    reason = refused(check, digest)
    assert "internal secret" not in reason
    assert all(not login for _, login in bystander.asked)


def test_token_service_without_encryption_gets_no_password(check, registry):
    digest = digest_of(b"locked")

    def locked(handler: BaseHTTPRequestHandler):
        handler.send_response(401)
        handler.send_header("WWW-Authenticate", 'Bearer realm="http://192.0.2.1/token",service="x"')
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    registry.answers[digest] = locked
    with pytest.raises(PermanentError, match="without encryption"):
        check(digest)
    assert all(not login for _, login in registry.requests)


DAMAGED = {
    "no archive": {"layers": [gzip.compress(b"no archive" * 1000)]},
    "no compression": {"layers": [b"\x1f\x8b garbage" * 1000]},
    "other layers than it says": {"config": {"os": "linux", "architecture": "amd64", "config": {"Cmd": ["x"]}}},
    "a day that is none": {
        "config": {
            "created": "yesterday",
            "os": "linux",
            "architecture": "amd64",
            "config": {"Cmd": ["x"]},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(b"x")]},
        }
    },
}


@pytest.mark.parametrize("name", DAMAGED)
def test_image_that_cannot_be_unpacked(check, registry, name):
    """Its maker is told; nobody tries it again for an hour."""
    assert "damaged" in refused(check, registry.image(**DAMAGED[name]))


def test_layer_with_a_way_out(check, registry):
    """Its files end in the image, wherever they say that they lie."""
    name = f"escaped-{uuid.uuid4().hex}"
    layer = tar_gz({f"../../../../../../../../tmp/{name}": b"x", f"/tmp/{name}-2": b"x"})
    check(registry.image(layers=[layer]))
    assert list(Path("/tmp").glob(f"{name}*")) == []


def test_layer_that_is_another(check, registry):
    good = json.loads(registry.content[registry.image()])
    good["layers"][0]["digest"] = registry.put(b"another", LAYER, digest=digest_of(b"a wrong one"))
    assert "damaged" in refused(check, registry.put(good, MANIFEST))
    good["layers"][0]["digest"] = digest_of(b"nowhere")
    assert "damaged" in refused(check, registry.put(good, MANIFEST))


def test_more_layers_than_an_engine_stacks(check, registry):
    digest = registry.image(layers=[tar_gz({f"file{number}": b""}) for number in range(130)])
    assert "130 layers; 125 is the most" in refused(check, digest)


def test_no_entrypoint(check, registry):
    assert "nothing can be started" in refused(check, registry.image(Cmd=None))


def test_no_docker_image(check):
    assert "must be a Docker image" in refused(check, "")


@pytest.fixture
def pull(docker_client, registry):
    """Pull with limits of a size that this machine can take."""
    images = DockerImages(docker_client, EVALUATION_IMAGE)

    def pull(digest, limits, claimed=None):
        name = ImageName(registry.host, "syn1/model", digest)
        size = Registry().manifest(name, "linux/amd64").total_bytes if claimed is None else claimed
        images.pull(name, "hostile.2", compressed_bytes=size, limits=limits, login=None, labels={"suite": "hostile"})

    return pull


def test_layer_bomb(yard, pull, registry):
    """Four MB that unpack to 4 GiB where 256 MiB are the most; the engine reports no progress meanwhile."""
    watch, limits = Watch(yard.client, yard.root), ImageLimits(total_bytes=256 * MIB)
    digest = registry.image(layers=[bomb(4096)])
    with watch.watching(), pytest.raises(ParticipantFault, match=r"more than 0\.25 GiB once it is unpacked"):
        pull(digest, limits)
    watch.require_calm(disk=5 * GIB // 2)
    assert _gives_back(yard.root, watch.begin)
    yard.require_nothing_left()
    yard.require_next_runs()


def test_layer_of_many_files(yard, pull, registry):
    """Empty files: no bytes, but an inode of the host's disk each."""
    watch = Watch(yard.client, yard.root)
    digest = registry.image(layers=[many_files(200_000)])
    with watch.watching(), pytest.raises(ParticipantFault, match="more than 20000 files"):
        pull(digest, ImageLimits(files=20_000))
    assert watch.begin.files - watch.worst.files < 250_000
    yard.require_next_runs()


def test_layer_that_is_larger_than_the_manifest_says(yard, pull, registry):
    """The manifest is a stranger's word: sizes that it makes up change nothing."""
    layer = bomb(4096)
    manifest = json.loads(registry.content[registry.image(layers=[layer])])
    manifest["layers"][0]["size"] = 1
    with pytest.raises(ParticipantFault, match="once it is unpacked"):
        pull(registry.put(manifest, MANIFEST), ImageLimits(total_bytes=256 * MIB))
    assert manifest["config"]["mediaType"] == CONFIG
    yard.require_next_runs()


def _gives_back(root, begin):
    for _ in range(50):
        if begin.disk - Host.now(root).disk < GIB // 2:
            return True
        time.sleep(0.2)
    return False
