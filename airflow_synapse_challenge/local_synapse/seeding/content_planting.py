"""Plants projects with what is in them: folders, files, annotations, sharing, wikis."""

from __future__ import annotations

import mimetypes
from typing import Any

from airflow_synapse_challenge.local_synapse.content import entities
from airflow_synapse_challenge.local_synapse.files import handles
from airflow_synapse_challenge.local_synapse.people import access

from .models import Challenge, File, Folder, Project, WikiPage
from .requests import next_id
from .site import ADMINISTRATOR, Site, at

Path = tuple[str | int, ...]


class ContentPlanter:
    """Plants content; what lies in a project is its owner's."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._store = site.store

    def project(self, project: Project, path: Path) -> None:
        """Make a project and everything in it."""
        owner = self._site.user(project.owner, *path, "owner")
        with at(*path), next_id(self._store, "entity", project.id):
            made = self._site.request(
                owner, "POST", "/repo/v1/entity", {"concreteType": entities.PROJECT, "name": project.name}
            )
        entity = made["id"]
        with at(*path, "sharing"):
            acl = self._site.request(owner, "GET", f"/repo/v1/entity/{entity}/acl")
            acl["resourceAccess"] += self._site.rights(project.sharing, *path, "sharing")
            self._site.request(owner, "PUT", f"/repo/v1/entity/{entity}/acl", acl)
        self._annotate(owner, entity, project.annotations, path)
        if project.challenge:
            self._challenge(owner, entity, project.challenge, (*path, "challenge"))
        if project.wiki:
            self._page(owner, entity, project.wiki, None, (*path, "wiki"))
        self._inside(owner, entity, project, path)

    def _inside(self, owner: int, parent: str, folder: Folder, path: Path) -> None:
        for position, file in enumerate(folder.files):
            self._file(owner, parent, file, (*path, "files", position))
        for position, inner in enumerate(folder.folders):
            place = (*path, "folders", position)
            entity = self._entity(owner, parent, inner, {"concreteType": entities.FOLDER}, place)
            self._inside(owner, entity, inner, place)

    def _file(self, owner: int, parent: str, file: File, path: Path) -> None:
        content = self._site.content(file.path, *path, "path") if file.path else str(file.content).encode()
        content_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        handle = handles.add_content(self._store, owner, file.name, content_type, content)
        self._entity(owner, parent, file, {"concreteType": entities.FILE, "dataFileHandleId": str(handle)}, path)

    def _entity(self, owner: int, parent: str, wish: Folder | File, body: dict[str, Any], path: Path) -> str:
        with at(*path), next_id(self._store, "entity", wish.id):
            made = self._site.request(owner, "POST", "/repo/v1/entity", {**body, "name": wish.name, "parentId": parent})
        entity = str(made["id"])
        self._annotate(owner, entity, wish.annotations, path)
        if wish.sharing:
            own = {"principalId": owner, "accessType": access.ENTITY_ADMIN}
            entries = [own, *self._site.rights(wish.sharing, *path, "sharing")]
            with at(*path, "sharing"):
                self._site.request(
                    owner, "POST", f"/repo/v1/entity/{entity}/acl", {"id": entity, "resourceAccess": entries}
                )
        return entity

    def _annotate(self, owner: int, entity: str, values: dict[str, list[Any]], path: Path) -> None:
        if not values:
            return
        with at(*path, "annotations"):
            address = f"/repo/v1/entity/{entity}/annotations2"
            doc = self._site.request(owner, "GET", address)
            doc["annotations"] = {name: annotation(several) for name, several in values.items()}
            self._site.request(owner, "PUT", address, doc)

    def _challenge(self, owner: int, entity: str, challenge: Challenge, path: Path) -> None:
        request = self._site.request
        body = {"projectId": entity, "participantTeamId": str(self._site.team(challenge.participants, *path))}
        with at(*path), next_id(self._store, "challenge", challenge.id):
            made = request(owner, "POST", "/repo/v1/challenge", body)
        for position, name in enumerate(challenge.teams):
            place = (*path, "teams", position)
            team = self._site.team(name, *place)
            with at(*place):
                manager = int(request(ADMINISTRATOR, "GET", f"/repo/v1/team/{team}")["createdBy"])
                body = {"challengeId": made["id"], "teamId": str(team)}
                request(manager, "POST", f"/repo/v1/challenge/{made['id']}/challengeTeam", body)

    def _page(self, owner: int, entity: str, page: WikiPage, parent: str | None, path: Path) -> None:
        text = page.markdown
        if page.file:
            text = self._site.content(page.file, *path, "file").decode(errors="replace")
        body = {"title": page.title, "markdown": text, "parentWikiId": parent}
        with at(*path), next_id(self._store, "wiki", page.id):
            made = self._site.request(
                owner,
                "POST",
                f"/repo/v1/entity/{entity}/wiki",
                {key: value for key, value in body.items() if value is not None},
            )
        for position, inner in enumerate(page.pages):
            self._page(owner, entity, inner, made["id"], (*path, "pages", position))


def annotation(values: list[Any]) -> dict[str, Any]:
    """Return values as Synapse's newer generation of annotations has them."""
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        kind = "BOOLEAN"
    elif kinds == {int}:
        kind = "LONG"
    elif kinds and kinds <= {int, float}:
        kind = "DOUBLE"
    else:
        kind = "STRING"
    return {"type": kind, "value": [str(value).lower() if isinstance(value, bool) else str(value) for value in values]}
