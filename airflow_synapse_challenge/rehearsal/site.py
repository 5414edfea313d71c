"""A challenge's site on a local Synapse, made through synapseclient as organisers would."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from airflow_synapse_challenge.challenge.config import Challenge, Queue, load_challenge
from airflow_synapse_challenge.local_synapse.server import LocalSynapse
from airflow_synapse_challenge.rehearsal.plan import Plan

if TYPE_CHECKING:
    from synapseclient import Synapse

#: The seeded account that organises and that Airflow works as.
SERVICE = "challenge-service"
READER = ["READ", "DOWNLOAD"]


@dataclass(frozen=True)
class Site:
    """
    What was made.

    :param challenge: with every id filled in.
    :param challenges_folder: folder that holds the filled copy of the challenge.
    :param project: synID of the project that participants see.
    :param participants: principal ids by name.
    :param teams: principal ids by name.
    """

    challenge: Challenge
    challenges_folder: Path
    project: str
    participants: dict[str, int]
    teams: dict[str, int]


def log_in(server: LocalSynapse, user_name: str, cache: Path) -> Synapse:
    """Return a synapseclient of a user, with a cache of its own."""
    import synapseclient

    synapse = synapseclient.Synapse(
        repoEndpoint=server.endpoints["repo"],
        authEndpoint=server.endpoints["auth"],
        fileHandleEndpoint=server.endpoints["file"],
        portalEndpoint=server.url,
        configPath=str(cache / "no-config"),
        cache_root_dir=str(cache),
        cache_client=False,
        skip_checks=True,
        silent=True,
    )
    synapse.login(authToken=server.token(user_name), silent=True)
    return synapse


def build_site(server: LocalSynapse, plan: Plan, example: Path, work: Path, engine: str) -> Site:
    """
    Make participants, teams, projects and queues, and a copy of the challenge's folder that names them all.

    :param example: folder with ``challenge.yaml``.
    :param work: folder for the copy and for caches.
    :param engine: ``docker`` or ``process``.
    """
    from synapseclient.models import Folder

    challenge = load_challenge(example / "challenge.yaml")
    organiser = log_in(server, SERVICE, work / "cache" / SERVICE)
    people = {name: server.create_user(name, first_name=name.title()).principal_id for name in plan.participants}
    everybody = _team(organiser, f"{challenge.title} Participants")
    for name in people:
        _join(log_in(server, name, work / "cache" / name), everybody)
    project = _project(organiser, challenge.title, readers=[everybody])
    registration = organiser.restPOST("/challenge", _json(projectId=project, participantTeamId=str(everybody)))
    teams = {}
    for name, members in plan.teams.items():
        leader = log_in(server, members[0], work / "cache" / members[0])
        teams[name] = _team(leader, name)
        for member in members[1:]:
            _join(log_in(server, member, work / "cache" / member), teams[name])
        leader.restPOST(
            f"/challenge/{registration['id']}/challengeTeam",
            _json(challengeId=registration["id"], teamId=str(teams[name])),
        )
    content: dict[str, Any] = yaml.safe_load((example / "challenge.yaml").read_text(encoding="utf-8"))
    content["compute"] = {**(content.get("compute") or {}), "engine": engine}
    content["synapse"] = {
        **(content.get("synapse") or {}),
        "live_project": project,
        "logs_folder": Folder(name="Logs", parent_id=project).store(synapse_client=organiser).id,
        "teams": {"participants": everybody},
    }
    if server.docker_registry:
        content["synapse"]["docker_registry"] = server.registry
    private = _project(organiser, f"{challenge.title} (organizers only)", readers=[])
    target = work / "challenges" / challenge.challenge
    for queue, entry in zip(challenge.queues, content["queues"], strict=True):
        entry["id"] = _evaluation(organiser, queue, project, everybody)
        if queue.name in plan.gold_standards:
            entry["gold_standard"] = _file(organiser, example / plan.gold_standards[queue.name], private)
    folders = {there: str((target / here).resolve()) for there, here in plan.host_folders.items()}
    content["queues"] = _replaced(content["queues"], folders)
    return Site(
        challenge=_copy(example, target, content, plan.host_folders.values()),
        challenges_folder=work / "challenges",
        project=project,
        participants=people,
        teams=teams,
    )


def _replaced(content: Any, folders: Mapping[str, str]) -> Any:
    """Return the part of a challenge.yaml with other folders of the host."""
    if isinstance(content, dict):
        return {key: _replaced(value, folders) for key, value in content.items()}
    if isinstance(content, list):
        return [_replaced(value, folders) for value in content]
    return folders.get(content, content) if isinstance(content, str) else content


def _copy(example: Path, target: Path, content: dict[str, Any], host_folders: Iterable[str]) -> Challenge:
    shutil.copytree(example, target, ignore=shutil.ignore_patterns("submissions", "models", "__pycache__"))
    for folder in host_folders:
        # A model runs as an ordinary user, and git leaves to the umask who may read a file.
        for path in (target / folder, *(target / folder).rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
    (target / "challenge.yaml").write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    return load_challenge(target / "challenge.yaml")


def _team(synapse: Synapse, name: str) -> int:
    from synapseclient.models import Team

    return int(Team(name=name, can_public_join=True).create(synapse_client=synapse).id)


def _join(synapse: Synapse, team: int) -> None:
    synapse.restPUT(f"/team/{team}/member/{synapse.credentials.owner_id}")


def _project(synapse: Synapse, name: str, *, readers: list[int]) -> str:
    from synapseclient.models import Project

    project = Project(name=name).store(synapse_client=synapse)
    for reader in readers:
        project.set_permissions(principal_id=reader, access_type=READER, synapse_client=synapse)
    return str(project.id)


def _evaluation(synapse: Synapse, queue: Queue, project: str, everybody: int) -> int:
    from synapseclient.models import Evaluation

    evaluation = Evaluation(
        name=queue.name,
        description=queue.name,
        content_source=project,
        submission_instructions_message=queue.instructions or "Submit a file.",
        submission_receipt_message=queue.receipt or "Received.",
    ).store(synapse_client=synapse)
    evaluation.update_acl(principal_id=everybody, access_type=["READ", "SUBMIT"], synapse_client=synapse)
    return int(evaluation.id)


def _file(synapse: Synapse, path: Path, parent: str) -> str:
    from synapseclient.models import File

    return str(File(path=str(path), parent_id=parent).store(synapse_client=synapse).id)


def _json(**values: str) -> str:
    import json

    return json.dumps(values)
