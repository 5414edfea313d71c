"""Plants what a seed file holds: each part as the request of the user who would make it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow_synapse_challenge.local_synapse.core.errors import NameTaken
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, as_text
from airflow_synapse_challenge.local_synapse.people import access, principals

from .content_planting import ContentPlanter, annotation
from .models import Annotations, Queue, Round, Seeds, Submission, Team, User, moment
from .requests import clock_at, next_id
from .site import ADMINISTRATOR, Site, at

OLDER_LISTS = {bool: "stringAnnos", str: "stringAnnos", int: "longAnnos", float: "doubleAnnos"}


class Planter:
    """
    Plants seeds, inside the caller's transaction.

    :param folder: where the files are that they name.
    """

    def __init__(self, store: Store, seeds: Seeds, folder: Path) -> None:
        self._store = store
        self._seeds = seeds
        self._site = Site(store, folder)

    def plant(self) -> None:
        """Plant everything: users first, submissions last and in the order of their times."""
        seeds, site = self._seeds, self._site
        # Nothing may be younger than what was handed in to it, and rounds cannot be made when they have begun.
        begin = min([site.now, *seeds.moments(site.now)]) - timedelta(seconds=1)
        with clock_at(self._store, begin):
            for position, user in enumerate(seeds.users):
                self._user(user, "users", position)
            for position, team in enumerate(seeds.teams):
                self._team(team, "teams", position)
            content = ContentPlanter(site)
            for position, project in enumerate(seeds.projects):
                content.project(project, ("projects", position))
            for position, queue in enumerate(seeds.queues):
                self._queue(queue, "queues", position)
        created = [moment(entry.created, site.now) for entry in seeds.submissions]
        for position in sorted(range(len(created)), key=lambda position: created[position]):
            with clock_at(self._store, created[position]):
                self._submission(seeds.submissions[position], "submissions", position)

    def _user(self, user: User, *path: str | int) -> None:
        with at(*path), next_id(self._store, "principal", user.id):
            principal, _ = principals.create_user(
                self._store,
                user.name,
                first_name=user.first_name,
                last_name=user.last_name,
                certified=user.certified,
            )
        if user.token:
            with at(*path, "token"):
                if self._store.one("SELECT 1 FROM token WHERE token = ?", user.token):
                    raise NameTaken("this token belongs to somebody already")
                self._store.run("UPDATE token SET token = ? WHERE principal = ?", user.token, principal)

    def _team(self, team: Team, *path: str | int) -> None:
        request = self._site.request
        managers = [self._site.user(name, *path, "managers", at_) for at_, name in enumerate(team.managers)]
        members = [self._site.user(name, *path, "members", at_) for at_, name in enumerate(team.members)]
        body = {"name": team.name, "description": team.description, "canPublicJoin": team.public}
        with at(*path), next_id(self._store, "principal", team.id):
            made = request(managers[0], "POST", "/repo/v1/team", body)
        with at(*path):
            for user in dict.fromkeys([*managers[1:], *members]):
                request(ADMINISTRATOR, "PUT", f"/repo/v1/team/{made['id']}/member/{user}")
            if managers[1:]:
                acl = request(managers[0], "GET", f"/repo/v1/team/{made['id']}/acl")
                acl["resourceAccess"] += [
                    {"principalId": user, "accessType": access.TEAM_ADMIN} for user in managers[1:]
                ]
                request(managers[0], "PUT", "/repo/v1/team/acl", acl)

    def _queue(self, queue: Queue, *path: str | int) -> None:
        request = self._site.request
        project = self._site.entity(queue.project, *path, "project")
        owner = self._owner(queue, project, *path)
        body = {
            "name": queue.name,
            "contentSource": project,
            "description": queue.description,
            "submissionInstructionsMessage": queue.instructions,
            "submissionReceiptMessage": queue.receipt,
        }
        with at(*path), next_id(self._store, "evaluation", queue.id):
            made = request(owner, "POST", "/repo/v1/evaluation", {key: text for key, text in body.items() if text})
        if queue.sharing:
            with at(*path, "sharing"):
                acl = request(owner, "GET", f"/repo/v1/evaluation/{made['id']}/acl")
                acl["resourceAccess"] += self._site.rights(queue.sharing, *path, "sharing")
                request(owner, "PUT", "/repo/v1/evaluation/acl", acl)
        for position, entry in enumerate(queue.rounds):
            with at(*path, "rounds", position):
                request(owner, "POST", f"/repo/v1/evaluation/{made['id']}/round", self._round(made["id"], entry))

    def _owner(self, queue: Queue, project: str, *path: str | int) -> int:
        if queue.owner:
            return self._site.user(queue.owner, *path, "owner")
        with at(*path, "project"):
            return int(self._site.request(ADMINISTRATOR, "GET", f"/repo/v1/entity/{project}")["createdBy"])

    def _round(self, evaluation: str, entry: Round) -> Json:
        start, end = (as_text(moment(text, self._site.now)) for text in (entry.start, entry.end))
        limits = [{"limitType": kind.upper(), "maximumSubmissions": most} for kind, most in entry.limits.items()]
        return {"evaluationId": evaluation, "roundStart": start, "roundEnd": end} | (
            {"limits": limits} if limits else {}
        )

    def _submission(self, entry: Submission, *path: str | int) -> None:
        request = self._site.request
        user = self._site.user(entry.by, *path, "by")
        queue = self._site.queue(entry.queue, *path, "queue")
        file = self._site.entity(entry.file, *path, "file")
        with at(*path, "file"):
            found = request(user, "GET", f"/repo/v1/entity/{file}")
        body: Json = {"entityId": file, "versionNumber": found.get("versionNumber", 1), "evaluationId": str(queue)}
        body |= {"name": entry.name} if entry.name else {}
        body |= {"submitterAlias": entry.alias} if entry.alias else {}
        query = {"etag": found["etag"]}
        with at(*path):
            if entry.team:
                team = self._site.team(entry.team, *path, "team")
                address = f"/repo/v1/evaluation/{queue}/team/{team}/submissionEligibility"
                query["submissionEligibilityHash"] = str(request(user, "GET", address)["eligibilityStateHash"])
                names = enumerate(entry.contributors)
                others = [self._site.user(name, *path, "contributors", at_) for at_, name in names]
                body["teamId"] = str(team)
                body["contributors"] = [{"principalId": str(other)} for other in dict.fromkeys([user, *others])]
            made = request(user, "POST", "/repo/v1/evaluation/submission", body, **query)
            self._status(entry, queue, made["id"])

    def _status(self, entry: Submission, queue: int, submission: str) -> None:
        annotations = entry.annotations
        if entry.status == "RECEIVED" and not annotations.public and not annotations.private:
            return
        request, address = self._site.request, f"/repo/v1/evaluation/submission/{submission}/status"
        owner = int(request(ADMINISTRATOR, "GET", f"/repo/v1/evaluation/{queue}")["ownerId"])
        status = request(owner, "GET", address) | {"status": entry.status}
        if annotations.public or annotations.private:
            status["annotations"] = older(annotations)
        if annotations.public:
            newer = {name: annotation([value]) for name, value in annotations.public.items()}
            status["submissionAnnotations"] = {"id": submission, "etag": status["etag"], "annotations": newer}
        request(owner, "PUT", address, status)


def older(annotations: Annotations) -> Json:
    """Return annotations as Synapse's older generation has them."""
    lists: dict[str, list[dict[str, Any]]] = {}
    for values, private in ((annotations.public, False), (annotations.private, True)):
        for name, value in values.items():
            text = str(value).lower() if isinstance(value, bool) else value
            lists.setdefault(OLDER_LISTS[type(value)], []).append({"key": name, "value": text, "isPrivate": private})
    return lists
