"""What is refused on Kubernetes: missing promises, changed pods, open networks, nodes that do not keep a rule."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_synapse_challenge.containers.kubernetes_engine import KubernetesEngine
from airflow_synapse_challenge.containers.policy import Rule
from airflow_synapse_challenge.containers.spec import ImageFacts
from airflow_synapse_challenge.errors import PermanentError

PRIVILEGED = {"privileged": True}


def container(pod, name):
    return next(one for one in pod["spec"]["initContainers"] + pod["spec"]["containers"] if one["name"] == name)


def context(name="main", **changes):
    return lambda pod: container(pod, name)["securityContext"].update(changes)


def body(**changes):
    return lambda pod: pod["spec"].update(changes)


def in_main(**changes):
    return lambda pod: container(pod, "main").update(changes)


def resource(kind, **amounts):
    changes = {name.replace("_", "-"): text for name, text in amounts.items()}
    return lambda pod: container(pod, "main")["resources"][kind].update(changes)


def volume(name, **changes):
    def mutate(pod):
        found = next(one for one in pod["spec"]["volumes"] if one["name"].startswith(name))
        source = changes.pop("source", None)
        if source:
            found.pop("emptyDir")
            found.update(source)
        else:
            found["emptyDir"].update(changes)

    return mutate


def mounted(path):
    def mutate(pod):
        pod["spec"]["volumes"].append({"name": "more", "emptyDir": {}})
        container(pod, "main")["volumeMounts"].append({"name": "more", "mountPath": path})

    return mutate


def writable_input(pod):
    for mount in container(pod, "main")["volumeMounts"]:
        mount.pop("readOnly", None)


def token(pod):
    source = {"sources": [{"serviceAccountToken": {"path": "token"}}]}
    pod["spec"]["volumes"].append({"name": "kube-api-access", "projected": source})


MUTATIONS = [
    (body(hostNetwork=True), Rule.NO_NETWORK),
    (body(dnsPolicy="ClusterFirst"), Rule.NO_NETWORK),
    (lambda pod: pod["metadata"]["labels"].pop("airflow-synapse-challenge.closed"), Rule.NO_NETWORK),
    (in_main(ports=[{"containerPort": 80, "hostPort": 80}]), Rule.NO_NETWORK),
    (context(capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]}), Rule.NO_CAPABILITIES),
    (context(capabilities={}), Rule.NO_CAPABILITIES),
    (context("results", privileged=True), Rule.NO_CAPABILITIES),
    (context(allowPrivilegeEscalation=True), Rule.NO_NEW_PRIVILEGES),
    (context(seccompProfile={"type": "Unconfined"}), Rule.SYSTEM_CALLS),
    (context(procMount="Unmasked"), Rule.OWN_NAMESPACES),
    (body(hostPID=True), Rule.OWN_NAMESPACES),
    (body(shareProcessNamespace=True), Rule.OWN_NAMESPACES),
    (body(runtimeClassName="other"), Rule.OWN_NAMESPACES),
    (resource("limits", **{"nvidia.com/gpu": "1"}), Rule.NO_DEVICES),
    (in_main(volumeDevices=[{"name": "disk", "devicePath": "/dev/sda"}]), Rule.NO_DEVICES),
    (context(runAsUser=0), Rule.NON_ROOT),
    (context(runAsGroup=0), Rule.NON_ROOT),
    (context(runAsNonRoot=False), Rule.NON_ROOT),
    (body(securityContext={"supplementalGroups": [0]}), Rule.NON_ROOT),
    (context(readOnlyRootFilesystem=False), Rule.READ_ONLY_ROOT),
    (writable_input, Rule.READ_ONLY_INPUT),
    (mounted("/more"), Rule.NO_OTHER_STORAGE),
    (token, Rule.NO_OTHER_STORAGE),
    (volume("at-tmp", source={"hostPath": {"path": "/"}}), Rule.NO_OTHER_STORAGE),
    (volume("at-tmp", sizeLimit="100Gi"), Rule.SIZED_TMP),
    (volume("at-tmp", medium=""), Rule.SIZED_TMP),
    (volume("at-output", sizeLimit="100Gi"), Rule.SIZED_OUTPUT),
    (volume("at-dev-shm", sizeLimit="100Gi"), Rule.SIZED_SHM),
    (resource("limits", memory="100Gi"), Rule.MEMORY),
    (resource("requests", memory="1Mi"), Rule.MEMORY),
    (lambda pod: pod["status"].update(qosClass="Burstable"), Rule.NO_SWAP),
    (resource("limits", cpu="64"), Rule.CPUS),
    (body(activeDeadlineSeconds=10**6), Rule.WALL_CLOCK),
    (resource("limits", ephemeral_storage="1Ti"), Rule.LOG),
    (in_main(image="other"), Rule.IMAGE),
    (in_main(lifecycle={"postStart": {"exec": {"command": ["sh"]}}}), Rule.IMAGE),
    (in_main(livenessProbe={"exec": {"command": ["sh"]}}), Rule.IMAGE),
    (body(automountServiceAccountToken=True), Rule.NO_CREDENTIALS),
    (in_main(envFrom=[{"secretRef": {"name": "login"}}]), Rule.NO_CREDENTIALS),
    (lambda pod: container(pod, "main")["env"].append({"name": "TOKEN", "value": "x"}), Rule.NO_CREDENTIALS),
]

FACTS = [
    ({"reachable": ["10.96.0.1:443"]}, Rule.NO_NETWORK),
    ({"capabilities": 1 << 21}, Rule.NO_CAPABILITIES),
    ({"no_new_privileges": 0}, Rule.NO_NEW_PRIVILEGES),
    ({"seccomp": 0}, Rule.SYSTEM_CALLS),
    ({"user": 0}, Rule.NON_ROOT),
    ({"root_read_only": False}, Rule.READ_ONLY_ROOT),
    ({"sizes": {}}, Rule.SIZED_OUTPUT),
    ({"sizes": {"/tmp": 2**40}}, Rule.SIZED_OUTPUT),
    ({"memory": "max"}, Rule.MEMORY),
    ({"memory": None}, Rule.MEMORY),
    ({"cpu": "max"}, Rule.CPUS),
    ({"open_files": -1}, Rule.OPEN_FILES),
]

OTHER_POLICIES = [
    {"podSelector": {}, "egress": [{}], "policyTypes": ["Egress"]},
    {"podSelector": {"matchLabels": {"airflow-synapse-challenge.suite": "containers"}}, "ingress": [{"from": []}]},
    {
        "podSelector": {"matchExpressions": [{"key": "airflow-synapse-challenge.suite", "operator": "Exists"}]},
        "egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}],
    },
    {
        "podSelector": {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]},
        "egress": [{}],
    },
]


@pytest.fixture
def started(tmp_path):
    """A file that the code would make."""
    return tmp_path / "started"


def refusal(engine, spec_of, started, **changes):
    """Return the text with which the engine refuses, after proving that nothing of the code ran and nothing is left."""
    with pytest.raises(PermanentError) as error:
        engine.run(spec_of(f"open('{started}', 'w')", **changes))
    assert not started.exists()
    return str(error.value)


@pytest.mark.parametrize(("mutation", "rule"), MUTATIONS)
def test_a_pod_that_admission_changed_never_runs(kubernetes_engine, fake_cluster, spec_of, started, mutation, rule):
    with fake_cluster.mutated(mutation):
        assert rule.value in refusal(kubernetes_engine, spec_of, started)


def test_an_injected_sidecar_is_refused(kubernetes_engine, fake_cluster, spec_of, started):
    proxy = {"name": "istio-proxy", "image": "proxy", "resources": {}, "securityContext": {}}
    with fake_cluster.mutated(lambda pod: pod["spec"]["containers"].append(dict(proxy))):
        assert "istio-proxy" in refusal(kubernetes_engine, spec_of, started)


@pytest.mark.parametrize(("facts", "rule"), FACTS)
def test_a_node_that_does_not_keep_a_rule_is_refused(
    kubernetes_engine, fake_cluster, spec_of, started, monkeypatch, facts, rule
):
    """The API server describes the pod as asked; what counts is what a helper sees on the node."""
    from fake_kubernetes import node

    honest = node.facts_of
    monkeypatch.setattr(node, "facts_of", lambda stored: honest(stored) | facts)
    assert rule.value in refusal(kubernetes_engine, spec_of, started)


@pytest.mark.parametrize("other", OTHER_POLICIES)
def test_a_network_policy_that_allows_anything_is_refused(kubernetes_engine, fake_cluster, spec_of, started, other):
    fake_cluster.policies["other"] = {"metadata": {"name": "other"}, "spec": other}
    assert Rule.NO_NETWORK.value in refusal(kubernetes_engine, spec_of, started)


def test_network_policies_of_other_pods_are_none_of_our_business(kubernetes_engine, fake_cluster, spec_of):
    for selector in ({"matchLabels": {"app": "web"}}, {"matchExpressions": [{"key": "app", "operator": "Exists"}]}):
        name = str(len(fake_cluster.policies))
        fake_cluster.policies[name] = {"metadata": {"name": name}, "spec": {"podSelector": selector, "egress": [{}]}}
    assert kubernetes_engine.run(spec_of("print('ran')")).log == "ran\n"
    assert fake_cluster.policies["airflow-synapse-challenge.closed"]["spec"]["policyTypes"] == ["Ingress", "Egress"]


@pytest.mark.parametrize(
    ("setting", "rule"),
    [("network_policy_enforced", Rule.NO_NETWORK), ("pids_limited", Rule.PIDS), ("core_dumps_off", Rule.NO_CORE)],
)
def test_what_nobody_promises_is_refused(
    kubernetes_cluster, kubernetes_settings, fake_cluster, spec_of, started, setting, rule
):
    engine = KubernetesEngine(kubernetes_cluster, replace(kubernetes_settings, **{setting: False}))
    text = refusal(engine, spec_of, started)
    assert rule.value in text
    assert setting in text
    assert rule not in engine.enforces
    assert fake_cluster.created == []


def test_root_needs_user_namespaces(kubernetes_cluster, kubernetes_settings, fake_cluster, spec_of, started):
    root = {"policy": {"allow_root": True}}
    engine = KubernetesEngine(kubernetes_cluster, kubernetes_settings)
    assert Rule.NON_ROOT.value in refusal(engine, spec_of, started, **root)
    engine = KubernetesEngine(kubernetes_cluster, replace(kubernetes_settings, user_namespaces=True))
    assert engine.run(spec_of("print('ran')", **root)).log == "ran\n"
    assert fake_cluster.created[0]["spec"]["hostUsers"] is False
    with fake_cluster.mutated(lambda pod: pod["spec"].pop("hostUsers")):
        assert Rule.OWN_NAMESPACES.value in refusal(engine, spec_of, started, **root)


def test_a_participants_image_has_to_be_looked_up_first(kubernetes_engine, fake_cluster, spec_of, started):
    digest = f"registry.test/model@sha256:{'b' * 64}"
    for image, facts in (("registry.test/model:latest", ImageFacts()), (digest, None)):
        assert "digest" in refusal(kubernetes_engine, spec_of, started, author="participant", image=image, facts=facts)
    assert fake_cluster.created == []


def test_a_kernel_of_its_own_need_not_tell_what_linux_tells(
    kubernetes_cluster, kubernetes_settings, fake_cluster, spec_of, monkeypatch
):
    from fake_kubernetes import node

    honest = node.facts_of
    silent = {"no_new_privileges": None, "seccomp": None, "memory": None, "cpu": None}
    monkeypatch.setattr(node, "facts_of", lambda stored: honest(stored) | silent)
    engine = KubernetesEngine(kubernetes_cluster, replace(kubernetes_settings, runtime_class="gvisor"))
    assert engine.run(spec_of("print('ran')")).log == "ran\n"
    assert fake_cluster.created[0]["spec"]["runtimeClassName"] == "gvisor"
