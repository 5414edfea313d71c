"""Where on Synapse a challenge lives, and what its host gives to evaluations."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from airflow_synapse_challenge.challenge.section import (
    IMAGE,
    REGISTRY_HOST,
    WIKI_TEMPLATE,
    Principal,
    Section,
    SynId,
    Whole,
)
from airflow_synapse_challenge.challenge.step import GIB
from airflow_synapse_challenge.challenge.units import Memory

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


class Compute(Section):
    """What the host gives to evaluations."""

    memory: Memory = Field(4 * GIB, description="Memory for evaluations; the challenge's pool has a slot for each GiB.")
    max_concurrent_submissions: Whole = Field(10, ge=1, le=10_000, description="Submissions in work at one time.")
    engine: Literal["docker", "kubernetes", "process"] = Field(
        "docker", description="What runs containers; `process` runs organisers' scripts on a host without any."
    )
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

    @property
    def memory_gib(self) -> int:
        """Slots of the challenge's pool: whole GiB, at least one."""
        return max(1, self.memory // GIB)
