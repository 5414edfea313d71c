"""What a challenge.yaml may say about a Kubernetes cluster."""

from __future__ import annotations

import pytest

from airflow_synapse_challenge.errors import ConfigurationError

WHOLE = """
    namespace: challenges
    connection: cluster
    network_policy_enforced: true
    pids_limited: true
    core_dumps_off: true
    user_namespaces: true
    runtime_class: gvisor
    pull_secret: synapse-registry
    helper_image: registry.test/helper:1
    data_claim: patients
    node_selector: {pool: models}
    tolerated_taints: [nvidia.com/gpu]
    platform: linux/arm64
    start_within: 30m
"""


def text_of(cluster, model=""):
    return f"""challenge: c
compute:
  engine: kubernetes
  memory: 16GiB
  kubernetes:{cluster}
queues:
  - id: 1
    kind: docker_image
    input_dir: /train
    model: {{{model}}}
    score: {{image: scorer}}
"""


def test_everything_can_be_said(load):
    challenge = load(text_of(WHOLE, model="allow_root: true"))
    cluster = challenge.compute.kubernetes
    assert (cluster.namespace, cluster.connection, cluster.data_claim) == ("challenges", "cluster", "patients")
    assert cluster.node_selector == {"pool": "models"}
    assert cluster.start_within.total_seconds() == 1800
    assert type(challenge).model_validate(challenge.model_dump(mode="json", by_alias=True)).compute == challenge.compute


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (text_of(" {namespace: Challenges, host_paths: true}"), 'kubernetes.namespace: "Challenges" is no name in'),
        (text_of(" {pids_limited: true}"), "kubernetes.namespace: the key is missing"),
        (text_of(" {namespace: a, host_paths: true, data_claim: b}"), "goes not together with `data_claim`"),
        (text_of(" {namespace: a}"), 'queues[0].input_dir: "/train" lies nowhere in the cluster'),
        (text_of(" {namespace: a, host_paths: true, platform: amd64}"), 'platform: "amd64" is no platform'),
        (text_of(" {namespace: a, host_paths: true, pidslimited: true}"), 'did you mean "pids_limited"?'),
        (
            text_of(" {namespace: a, data_claim: b}", model="allow_root: true"),
            "queues[0].model.allow_root: needs compute.kubernetes.user_namespaces: true",
        ),
        (
            text_of(" {namespace: a, data_claim: b}").replace("  kubernetes: {namespace: a, data_claim: b}\n", ""),
            "compute.kubernetes: the key is missing; `engine: kubernetes` needs at least its `namespace`",
        ),
        (
            text_of(" {namespace: a}", model="canary: {input_dir: /small}").replace("    input_dir: /train\n", ""),
            'queues[0].model.canary.input_dir: "/small" lies nowhere in the cluster',
        ),
    ],
)
def test_what_cannot_work_is_said_before_anything_runs(load, text, words):
    with pytest.raises(ConfigurationError) as refusal:
        load(text)
    assert words in str(refusal.value)
