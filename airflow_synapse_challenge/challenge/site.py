"""Where on Synapse a challenge lives, and what its host gives to evaluations."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from airflow_synapse_challenge.challenge.section import (
    DNS_LABEL,
    DNS_NAME,
    IMAGE,
    PLATFORM,
    REGISTRY_HOST,
    WIKI_TEMPLATE,
    Principal,
    Problems,
    Section,
    SynId,
    Whole,
)
from airflow_synapse_challenge.challenge.step import GIB
from airflow_synapse_challenge.challenge.units import Duration, Memory

RegistryHost = Annotated[str, Field(pattern=REGISTRY_HOST)]


class Teams(Section):
    """The challenge's four teams on Synapse."""

    participants: Principal | None = Field(None, description="Who may submit.")
    organizers: Principal | None = Field(None, description="Who prepares the challenge and sees everything.")
    administrators: Principal | None = Field(None, description="Who may change the challenge itself.")
    preregistrants: Principal | None = Field(None, description="Who asked to be told when it opens.")


class SynapseSite(Section):
    """Where on Synapse the challenge lives."""

    connection: str = Field(
        "synapse_default", min_length=1, description="Airflow connection of type `synapse`; its password is a token."
    )
    live_project: SynId | None = Field(None, description="Project that participants see; else made by `apply`.")
    staging_project: SynId | None = Field(None, description="Project that organisers edit; else made by `apply`.")
    teams: Teams = Field(default_factory=Teams, description="Teams of the challenge; else made by `apply`.")
    logs_folder: SynId | None = Field(
        None, description="Folder or project for logs and results (WORKFLOW_OUTPUT_ROOT_ENTITY_ID)."
    )
    administrators: tuple[Principal, ...] = Field(
        (), max_length=50, description="Users and teams that get problem reports (NOTIFICATION_PRINCIPAL_ID)."
    )
    docker_registry: RegistryHost = Field(
        "docker.synapse.org", description="Registry of submitted images; it gets the connection's token as password."
    )
    wiki_template: str = Field(
        "dream", pattern=WIKI_TEMPLATE, description="The bundled DREAM wiki, or a project's synID."
    )


class Kubernetes(Section):
    """
    The cluster that runs containers, and what its administrators promise about it.

    The first three of the promises have to be given: Kubernetes itself neither guarantees nor tells them.
    """

    namespace: str = Field(pattern=DNS_LABEL, description="Namespace for the pods of challenges, and for nothing else.")
    connection: str | None = Field(
        None,
        min_length=1,
        description="Airflow connection of type `kubernetes`; else the cluster that Airflow runs in.",
    )
    network_policy_enforced: bool = Field(
        False, description="true: the cluster has a controller that enforces network policies."
    )
    pids_limited: bool = Field(False, description="true: its nodes limit processes of a pod (kubelet: podPidsLimit).")
    core_dumps_off: bool = Field(False, description="true: its nodes keep no core dumps of containers.")
    user_namespaces: bool = Field(
        False, description="true: its nodes map users; needed for `allow_root`, and used for every pod."
    )
    runtime_class: str | None = Field(
        None, pattern=DNS_NAME, description="Runtime class of pods, for example of gVisor or Kata."
    )
    seccomp_profile: str | None = Field(
        None, min_length=1, description="Seccomp profile on the nodes (localhostProfile); else the runtime's own."
    )
    pull_secret: str | None = Field(
        None, pattern=DNS_NAME, description="Secret of the namespace with the logins of registries."
    )
    helper_image: str | None = Field(
        None, pattern=IMAGE, description="Image with python3 for inputs and results; else compute.evaluation_image."
    )
    data_claim: str | None = Field(
        None, pattern=DNS_NAME, description="Persistent volume claim that `input_dir` folders lie in."
    )
    host_paths: bool = Field(False, description="true: `input_dir` folders lie on the nodes themselves.")
    node_selector: dict[str, str] = Field(
        default_factory=dict, max_length=20, description="Labels of the nodes that run pods."
    )
    tolerated_taints: tuple[str, ...] = Field(
        (), max_length=20, description="Keys of taints of those nodes, for example nvidia.com/gpu."
    )
    platform: str = Field("linux/amd64", pattern=PLATFORM, description="What those nodes run.")
    start_within: Duration = Field(
        timedelta(minutes=15), description="How long a pod may wait for a node and for its images."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.data_claim and self.host_paths:
            Problems.raise_for([(("host_paths",), "goes not together with `data_claim`; keep one of the two keys")])
        return self


class Compute(Section):
    """What the host gives to evaluations."""

    memory: Memory = Field(4 * GIB, description="Memory for evaluations; the challenge's pool has a slot for each GiB.")
    max_concurrent_submissions: Whole = Field(10, ge=1, le=10_000, description="Submissions in work at one time.")
    engine: Literal["docker", "kubernetes", "process"] = Field(
        "docker",
        description="What runs containers; `process` runs organisers' scripts on a host without any.",
    )
    kubernetes: Kubernetes | None = Field(None, description="The cluster, for `engine: kubernetes`.")
    docker_connection: str | None = Field(
        None, min_length=1, description="Airflow connection of type `docker`; else the environment's Docker engine."
    )
    other_registries: tuple[RegistryHost, ...] = Field(
        (),
        max_length=20,
        description="More registries that submitted images may come from. `docker_connection` logs in to its own.",
    )
    evaluation_image: str = Field(
        "airflow-synapse-challenge/evaluation:latest",
        pattern=IMAGE,
        description="Image that scripts beside this file run in.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.engine == "kubernetes" and self.kubernetes is None:
            Problems.raise_for(
                [(("kubernetes",), "the key is missing; `engine: kubernetes` needs at least its `namespace`")]
            )
        return self

    @property
    def kubernetes_is_used(self) -> bool:
        """Whether containers are pods."""
        return self.engine == "kubernetes"

    @property
    def memory_gib(self) -> int:
        """Slots of the challenge's pool: whole GiB, at least one."""
        return max(1, self.memory // GIB)
