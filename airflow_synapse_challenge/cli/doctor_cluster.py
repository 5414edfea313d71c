"""Can this Kubernetes cluster run containers under the policy? Found out by running one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from airflow_synapse_challenge.challenge.config import Challenge
from airflow_synapse_challenge.cli.doctor import Finding
from airflow_synapse_challenge.containers.policy import MIB, Policy
from airflow_synapse_challenge.containers.spec import ContainerSpec

PROBE = "import sys; open(sys.argv[1], 'w').write('{}')"
RESULT = "results.json"
#: A cluster that has no room or no image for this long is told about.
PATIENCE = timedelta(minutes=3)


def examine_cluster(challenge: Challenge) -> Iterator[Finding]:
    """Look at the promises, then run a small pod: created, proved, filled, collected and removed as any other."""
    from airflow_synapse_challenge.hooks.engines import cluster_settings
    from airflow_synapse_challenge.hooks.kubernetes import kubernetes_engine

    settings = cluster_settings(challenge.compute)
    policy = Policy(memory_bytes=64 * MIB, tmp_bytes=MIB, shm_bytes=MIB, output_bytes=MIB, timeout=timedelta(minutes=1))
    missing = settings.undeclared(policy)
    yield Finding(
        "cluster: "
        + (f"nobody promises {', '.join(rule.value for rule in missing)}" if missing else "all is promised"),
        f"Where the cluster does so, say {', '.join(f'`{name}: true`' for name in missing.values())} in "
        "`compute: {kubernetes: …}`; docs/kubernetes.md tells what each takes."
        if missing
        else "",
    )
    if missing or challenge.compute.kubernetes is None:
        return
    patient = replace(settings, start_within=min(settings.start_within, PATIENCE))
    spec = ContainerSpec(
        name=f"doctor-{uuid.uuid4().hex[:12]}",
        image=settings.helper_image,
        command=("python3", "-c", PROBE, f"/output/{RESULT}"),
        policy=policy,
        results=(RESULT,),
        labels={"challenge": challenge.challenge},
    )
    outcome = kubernetes_engine(challenge.compute.kubernetes.connection, patient).run(spec)
    ran = outcome.exit_code == 0 and RESULT in outcome.results
    yield Finding(
        f"cluster: a closed pod {'ran and gave its result' if ran else f'ended with {outcome.exit_code}'} "
        f"in namespace {settings.namespace}",
        "" if ran else f"Its log: {outcome.log or 'empty'}",
    )
