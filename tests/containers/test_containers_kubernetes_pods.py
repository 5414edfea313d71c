"""Pods that any spec becomes: valid by Kubernetes' own schemas, closed, and exactly what was asked for."""

from __future__ import annotations

from datetime import timedelta

from fake_kubernetes.node import expanded
from fake_kubernetes.objects import amount, check, defaulted
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_synapse_challenge.containers import kubernetes_pods as pods
from airflow_synapse_challenge.containers.holding import HeldFolder, Holding
from airflow_synapse_challenge.containers.kubernetes_policy import check_described
from airflow_synapse_challenge.containers.kubernetes_settings import ClusterSettings, label_value, pod_name
from airflow_synapse_challenge.containers.policy import GIB, Policy
from airflow_synapse_challenge.containers.spec import ContainerSpec, HostFolder, ImageFacts, Input

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
words = st.text("abcXYZ019 $()%{}-_./:+é", min_size=1, max_size=30)
folder_names = st.text("abcz09._-", min_size=1, max_size=12).filter(lambda name: name.strip(".") != "")
sizes = st.integers(1, 64 * GIB)

policies = st.builds(
    Policy,
    memory_bytes=sizes,
    cpus=st.floats(0.001, 128),
    gpus=st.integers(0, 8),
    timeout=st.integers(1, 10**6).map(lambda seconds: timedelta(seconds=seconds)),
    shm_bytes=sizes,
    tmp_bytes=sizes,
    output_bytes=sizes,
    user=st.integers(1, 2**31 - 1).map(lambda number: f"{number}:{number}"),
)
facts = st.builds(
    ImageFacts,
    user=st.sampled_from(["", "root", "0", "1000", "1000:1000", "7:0", "99999999999", "nobody:users"]),
    volumes=st.lists(folder_names.map(lambda name: f"/{name}"), max_size=4, unique=True).map(tuple),
)
specs = st.builds(
    ContainerSpec,
    name=words,
    image=st.just(f"registry.test/team/model@sha256:{'c' * 64}"),
    command=st.lists(words, max_size=4).map(tuple),
    policy=policies,
    inputs=st.lists(folder_names.map(lambda name: Input(f"/input/files/{name}", b"x")), max_size=3).map(tuple),
    labels=st.dictionaries(st.sampled_from(["challenge", "queue", "run", "dag"]), texts, max_size=4),
    mounts=st.lists(folder_names, max_size=2, unique=True).map(
        lambda names: tuple(HostFolder(f"/input/{name}", f"/srv/{name}") for name in names)
    ),
    environment=st.dictionaries(st.text("ABCZ_", min_size=1, max_size=8), words, max_size=3),
    author=st.just("participant"),
    facts=facts,
)
clusters = st.builds(
    ClusterSettings,
    namespace=st.just("challenge"),
    helper_image=st.just("registry.test/evaluation:1"),
    runtime_class=st.sampled_from([None, "gvisor"]),
    pull_secret=st.sampled_from([None, "login"]),
    data_claim=st.sampled_from([None, "data"]),
    host_paths=st.just(True),
    user_namespaces=st.booleans(),
    node_selector=st.dictionaries(st.just("kubernetes.io/os"), st.just("linux"), max_size=1),
    tolerated_taints=st.sampled_from([(), ("nvidia.com/gpu",)]),
)


@settings(max_examples=60)
@given(specs, clusters)
def test_any_spec_becomes_a_closed_pod_that_kubernetes_takes(spec, cluster):
    pod = pods.pod_of(spec, cluster)
    check(pod)
    # What the API server makes of it is still what was asked for.
    check_described(pod, defaulted(pod, "challenge"), [pods.network_policy()])
    body = pod["spec"]
    containers = [*body["initContainers"], *body["containers"]]
    assert [one["name"] for one in containers] == ["load", "results", "main"]
    for one in containers:
        context = one["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] > 0
        assert context["runAsGroup"] > 0
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False
        assert one["resources"]["limits"] == one["resources"]["requests"]
        assert {"cpu", "memory", "ephemeral-storage"} <= set(one["resources"]["limits"])
    assert body["automountServiceAccountToken"] is False
    assert body["activeDeadlineSeconds"] >= spec.policy.timeout.total_seconds()


@settings(max_examples=60)
@given(specs, clusters)
def test_the_code_gets_what_it_was_promised_and_nothing_more(spec, cluster):
    body = pods.pod_of(spec, cluster)["spec"]
    main = next(one for one in body["containers"] if one["name"] == "main")
    limits = main["resources"]["limits"]
    assert amount(limits["memory"]) == spec.policy.memory_bytes
    assert abs(float(amount(limits["cpu"])) - spec.policy.cpus) <= 0.001
    assert int(limits.get("nvidia.com/gpu", 0)) == spec.policy.gpus
    volumes = {volume["name"]: volume for volume in body["volumes"]}
    paths = {mount["mountPath"]: volumes[mount["name"]] for mount in main["volumeMounts"]}
    read_only = {mount["mountPath"] for mount in main["volumeMounts"] if mount.get("readOnly")}
    assert read_only == {"/input", *(mount.path for mount in spec.mounts)}
    for path in set(paths) - read_only:
        folder = paths[path]["emptyDir"]
        wanted = {"/output": spec.policy.output_bytes, "/dev/shm": spec.policy.shm_bytes}
        assert folder["medium"] == "Memory"
        assert int(folder["sizeLimit"]) == wanted.get(path, spec.policy.tmp_bytes)
    assert set(paths) >= {"/tmp", "/dev/shm", "/output", *spec.facts.volumes}
    assert [expanded(word) for word in [*main.get("command", ()), *main.get("args", ())]] == list(spec.command)
    variables = {one["name"]: expanded(one["value"]) for one in main["env"]}
    assert variables == {"HOME": "/tmp", "TMPDIR": "/tmp", "LANG": "C.UTF-8", **spec.environment}


@given(
    st.lists(
        st.tuples(st.text("abcz", min_size=1, max_size=8), sizes), min_size=1, max_size=3, unique_by=lambda f: f[0]
    ),
    clusters,
    texts,
)
def test_folders_are_held_by_a_closed_pod(folders, cluster, name):
    held = tuple(HeldFolder(folder, size, 10) for folder, size in folders)
    holding = Holding(name, "ignored", held, timedelta(hours=3), {"run": name})
    pod = pods.holder_pod(holding, cluster)
    check(pod)
    check_described(pod, defaulted(pod, "challenge"), [pods.network_policy()])
    holder = pod["spec"]["containers"][0]
    assert amount(holder["resources"]["limits"]["memory"]) >= sum(size for _, size in folders)
    assert pod["spec"]["activeDeadlineSeconds"] == 3 * 3600


@given(texts, texts)
def test_different_names_stay_different(one, other):
    assert (pod_name(one) == pod_name(other)) == (one == other)
    assert (label_value(one) == label_value(other)) == (one == other)


def test_everything_closed_is_denied_all_traffic():
    policy = pods.network_policy()
    check(policy)
    assert policy["spec"] == {
        "podSelector": {"matchLabels": {"airflow-synapse-challenge.closed": "true"}},
        "policyTypes": ["Ingress", "Egress"],
    }


def test_data_comes_from_a_claim_or_from_nodes_never_from_anywhere_else():
    import pytest

    from airflow_synapse_challenge.errors import ConfigurationError

    image = f"registry.test/model@sha256:{'c' * 64}"
    mounts = (HostFolder("/input", "/train/patients"),)
    spec = ContainerSpec("model", image, results=(), mounts=mounts, author="participant", facts=ImageFacts())
    cluster = ClusterSettings("challenge", "evaluation", data_claim="data")
    body = pods.pod_of(spec, cluster)["spec"]
    main = next(one for one in body["containers"] if one["name"] == "main")
    place = {"name": "data", "mountPath": "/input", "readOnly": True, "subPath": "train/patients"}
    assert place in main["volumeMounts"]
    assert {"name": "data", "persistentVolumeClaim": {"claimName": "data", "readOnly": True}} in body["volumes"]
    assert all("/input" not in [m["mountPath"] for m in one["volumeMounts"]] for one in body["initContainers"])
    body = pods.pod_of(spec, ClusterSettings("challenge", "evaluation", host_paths=True))["spec"]
    assert {"path": "/train/patients", "type": "Directory"} in [volume.get("hostPath") for volume in body["volumes"]]
    with pytest.raises(ConfigurationError, match="data_claim"):
        pods.pod_of(spec, ClusterSettings("challenge", "evaluation"))
