"""The manifests in docs/kubernetes.md are valid, and its role allows exactly what the engine does."""

from __future__ import annotations

import re
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from fake_kubernetes.objects import RELEASES

from airflow_synapse_challenge.challenge.site import Compute
from airflow_synapse_challenge.containers.kubernetes_watch import WatchedCluster
from airflow_synapse_challenge.containers.outcome import Observed
from airflow_synapse_challenge.containers.spec import ImageFacts
from airflow_synapse_challenge.hooks.engines import cluster_settings

PAGE = Path(__file__).parents[2] / "docs" / "kubernetes.md"
BLOCKS = [
    yaml.safe_load(re.sub(r"^ {3}", "", block, flags=re.MULTILINE))
    for block in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
]
METHODS = {"GET": "get", "POST": "create", "PATCH": "patch", "DELETE": "delete"}


@pytest.mark.parametrize("release", RELEASES)
def test_objects_are_valid(release):
    objects = [block for block in BLOCKS if "apiVersion" in block]
    assert {one["kind"] for one in objects} == {"Namespace", "Role"}
    for one in objects:
        kubernetes_validate.validate(one, release, strict=True)


def test_the_configuration_is_one():
    (said,) = [block for block in BLOCKS if "compute" in block]
    settings = cluster_settings(Compute.model_validate(said["compute"]))
    assert settings.helper_image == said["compute"]["evaluation_image"]
    assert settings.data_claim == "patients"


def test_the_role_allows_what_the_engine_asks_for_and_nothing_more(
    kubernetes_engine, kubernetes_cluster, fake_cluster, spec_of
):
    (role,) = [block for block in BLOCKS if block.get("kind") == "Role"]
    allowed = {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    image = f"registry.test/model@sha256:{'b' * 64}"
    spec = spec_of("import time; time.sleep(60)", author="participant", image=image, facts=ImageFacts())
    kubernetes_engine.launch(spec)
    WatchedCluster(kubernetes_cluster).running()
    WatchedCluster(kubernetes_cluster).memory(spec.name)
    kubernetes_cluster.warning("some-pod")
    kubernetes_engine.finish(spec, Observed(cancelled=True))
    asked = {access(request) for request in fake_cluster.requests} | {("", "pods/exec", "get")}
    assert asked <= allowed
    assert allowed - asked == {("", "pods/exec", "create")}  # what some releases ask for instead of `get`


def access(request):
    """Return group, resource and verb of a request, as a role names them."""
    method, path = request.split(" ")
    parts = path.strip("/").split("/")
    group = "" if parts[0] == "api" else parts[1]
    resource, *rest = parts[parts.index("namespaces") + 2 :]
    name, sub = [*rest, "", ""][:2]
    verb = "list" if method == "GET" and not name else METHODS[method]
    return group, f"{resource}/{sub}" if sub else resource, verb
