"""Everything that can keep a challenge from running, looked at one by one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

import httpx

from airflow_synapse_challenge.challenge.config import Challenge, Queue
from airflow_synapse_challenge.cli.airflow import hook_of, read_pools
from airflow_synapse_challenge.errors import ConfigurationError, SynapseChallengeError
from airflow_synapse_challenge.synapse import acls, entities, evaluations
from airflow_synapse_challenge.synapse.client import SynapseClient

GIB = 1024**3
FREE_DISK = 5 * GIB
MOST_SKEW = 60.0
#: Everybody, with and without an account (rule P-02).
PUBLIC_PRINCIPALS = {273948, 273949}


@dataclass(frozen=True)
class Finding:
    """
    One thing that was looked at.

    :param what: what it is, and how it is.
    :param mend: what to do about it; empty when it is healthy.
    """

    what: str
    mend: str = ""

    @property
    def healthy(self) -> bool:
        """Whether nothing has to be done."""
        return not self.mend


def examine(challenge: Challenge) -> Iterator[Finding]:
    """Look at connection, rights, pool, engine, images, disk and clock of a challenge, one after the other."""
    yield from _guarded("connection", partial(_synapse, challenge))
    yield from _guarded("pool", partial(_pool, challenge))
    if challenge.compute.engine == "docker":
        yield from _guarded("Docker engine", partial(_docker, challenge))
    if challenge.compute.kubernetes_is_used:
        from airflow_synapse_challenge.cli.doctor_cluster import examine_cluster

        yield from _guarded("Kubernetes cluster", partial(examine_cluster, challenge))
    yield _disk()


def _guarded(what: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """A look that fails is a finding too, and the others go on."""
    try:
        yield from look()
    except SynapseChallengeError as error:
        yield Finding(f"{what} cannot be looked at", str(error))


def _synapse(challenge: Challenge) -> Iterator[Finding]:
    hook = hook_of(challenge)
    connected, message = hook.test_connection()
    if not connected:
        yield Finding(f"connection {challenge.synapse.connection}", message)
        return
    yield Finding(message)
    yield _clock(hook.endpoints.repo)
    with hook.get_conn() as client:
        for queue in challenge.queues:
            yield from _guarded(f"queue {queue.name}", partial(_queue, client, queue))
        if challenge.synapse.logs_folder:
            yield from _guarded("logs folder", partial(_logs_folder, client, challenge.synapse.logs_folder))


def _queue(client: SynapseClient, queue: Queue) -> Iterator[Finding]:
    if queue.id is None:
        yield Finding(f"queue {queue.name} has no id", "Give the evaluation's id as `id`; nothing listens without it.")
        return
    rights = client.send(evaluations.permissions(str(queue.id)))
    wanted = {
        "READ": rights.can_view,
        "READ_PRIVATE_SUBMISSION": rights.can_view_private_submission_status_annotations,
        "UPDATE_SUBMISSION": rights.can_edit_submission_statuses,
    }
    missing = [name for name, has in wanted.items() if not has]
    yield Finding(
        f"queue {queue.name} ({queue.id}): " + (f"no right to {', '.join(missing)}" if missing else "rights are there"),
        "Share the evaluation with the token's owner as admin, on its page or with "
        f"`challengeutils set-evaluation-acl {queue.id} <user> admin`."
        if missing
        else "",
    )
    if queue.gold_standard:
        yield from _guarded("gold standard", partial(_gold_standard, client, queue.gold_standard))


def _gold_standard(client: SynapseClient, entity_id: str) -> Iterator[Finding]:
    rights = client.send(entities.permissions(entity_id))
    if not rights.can_download:
        yield Finding(
            f"gold standard {entity_id}: no right to download it", "Give the token's owner `Can download` on it."
        )
        return
    acl = client.send(acls.of_entity(client.send(acls.benefactor(entity_id))))
    readers = {row.principal_id for row in acl.resource_access} & PUBLIC_PRINCIPALS
    yield Finding(
        f"gold standard {entity_id}: " + ("everybody can see it" if readers else "readable, and not public"),
        "Take the public and all registered users out of its sharing settings." if readers else "",
    )


def _logs_folder(client: SynapseClient, folder: str) -> Iterator[Finding]:
    rights = client.send(entities.permissions(folder))
    able = rights.can_add_child and rights.can_change_permissions
    yield Finding(
        f"logs folder {folder}: " + ("folders can be made and shared in it" if able else "no right to write and share"),
        "" if able else "Give the token's owner `Administrator` on it.",
    )


def _clock(repo: str) -> Finding:
    try:
        there = parsedate_to_datetime(httpx.get(f"{repo}/version", timeout=30).headers["Date"])
    except (httpx.HTTPError, KeyError, ValueError) as error:
        return Finding("clock: Synapse did not tell its time", f"Try again: {error}")
    skew = abs((datetime.now(UTC) - there).total_seconds())
    return Finding(
        f"clock: {skew:.0f} s from Synapse's", "" if skew <= MOST_SKEW else "Synchronize this host's clock (NTP)."
    )


def _pool(challenge: Challenge) -> Iterator[Finding]:
    pool = read_pools().get(challenge.challenge)
    wanted = challenge.compute.memory_gib
    has = "is missing" if pool is None else f"has {pool['slots']} slots"
    counts = pool is None or bool(pool.get("include_deferred"))
    yield Finding(
        f"pool {challenge.challenge} {has}, challenge.yaml says {wanted}"
        + ("" if counts else "; it does not count deferred tasks, whose models run all the same"),
        ""
        if pool and counts and int(pool["slots"]) == wanted
        else "Run `synapse-challenge init-airflow` on this file.",
    )


def _docker(challenge: Challenge) -> Iterator[Finding]:
    from docker.errors import APIError, ImageNotFound

    from airflow_synapse_challenge.containers.docker_calls import engine_errors
    from airflow_synapse_challenge.hooks.docker import docker_client

    with engine_errors():
        client: Any = docker_client(challenge.compute.docker_connection)
        about = client.info()
        yield Finding(f"Docker engine {about['ServerVersion']} answers")
        lacking = [name for name in ("MemoryLimit", "SwapLimit", "CpuCfsQuota", "PidsLimit") if not about.get(name)]
        if not any("name=seccomp" in option for option in about.get("SecurityOptions") or []):
            lacking.append("seccomp")
        yield Finding(
            f"engine enforces {'not ' + ', '.join(lacking) if lacking else 'every limit'}",
            "Turn these on in the host's kernel (cgroups, swap accounting); containers are refused without them."
            if lacking
            else "",
        )
        yield _memory(challenge, about["MemTotal"])
        for image in _images(challenge):
            try:
                client.inspect_image(image)
                yield Finding(f"image {image} is there")
            except ImageNotFound:
                yield Finding(f"image {image} is not on the engine", _mend_image(challenge, image))
            except APIError as error:
                raise ConfigurationError(f"The engine cannot use the image name {image}: {error}") from error


def _memory(challenge: Challenge, total: int) -> Finding:
    wanted = challenge.compute.memory
    return Finding(
        f"engine's host has {total / GIB:.1f} GiB, challenge.yaml gives {wanted / GIB:.1f} GiB to evaluations",
        "" if wanted <= total else "Lower `compute: {memory: …}` below what the host has.",
    )


def _images(challenge: Challenge) -> list[str]:
    found = [
        step.image or challenge.compute.evaluation_image for queue in challenge.queues for step in queue.steps.values()
    ]
    return list(dict.fromkeys(found))


def _mend_image(challenge: Challenge, image: str) -> str:
    if image == challenge.compute.evaluation_image:
        return "Build docker/evaluation, or name an image with python3 in `compute: {evaluation_image: …}`."
    return f"It is pulled when it is first needed; to be sure, run `docker pull {image}` now."


def _disk() -> Finding:
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    return Finding(
        f"disk: {free / GIB:.1f} GiB free in {folder}",
        "" if free >= FREE_DISK else f"Free some, or set TMPDIR to a disk with more than {FREE_DISK // GIB} GiB.",
    )
