"""Values that make sense in a world: for the places of a path, the parameters of a query, the fields of a body."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from .world import MODEL, World

#: What an id is of, by the name of its field or placeholder.
KIND_OF_FIELD = {
    "activityId": "activity",
    "associateObjectId": "entity",
    "attachmentFileHandleIds": "fileHandle",
    "batch": "entity",
    "challengeId": "challenge",
    "challengeTeamId": "challengeTeam",
    "columnIds": "column",
    "contentSource": "project",
    "dataFileHandleId": "fileHandle",
    "entityId": "entity",
    "evaluationId": "evaluation",
    "fileAssociateId": "entity",
    "fileHandleId": "fileHandle",
    "fileHandleIds": "fileHandle",
    "forumId": "forum",
    "generatedBy": "activity",
    "handleId": "fileHandle",
    "icon": "fileHandle",
    "idList": "entity",
    "ids": "user",
    "inviteeId": "user",
    "list": "user",
    "markdownFileHandleId": "fileHandle",
    "messageId": "message",
    "messageKey": "messageKey",
    "name": "fresh",
    "objectId": "entity",
    "objectIds": "entity",
    "oldFileHandleId": "fileHandle",
    "newFileHandleId": "fileHandle",
    "ownerId": "entity",
    "parentId": "project",
    "participantId": "user",
    "participantTeamId": "team",
    "principalId": "user",
    "profileId": "user",
    "projectId": "project",
    "recipients": "user",
    "replyId": "reply",
    "scopeIds": "evaluation",
    "storageLocationId": "storageLocation",
    "tableId": "table",
    "targetId": "entity",
    "targetVersionNumber": "version",
    "teamId": "team",
    "threadId": "thread",
    "uploadFileHandleId": "fileHandle",
    "uploadId": "multipart",
    "userId": "user",
    "versionNumber": "version",
    "wikiId": "wiki",
    "wikiVersion": "wikiVersion",
}
#: What an id in a path is of, by the part of the path before it, where that does not say it itself.
KIND_OF_PART = {
    "add": "partNumber",
    "count": "team",
    "file": "fileHandle",
    "fileHandle": "fileHandle",
    "member": "user",
    "projectSettings": "project",
    "purge": "entity",
    "restore": "entity",
    "teamMembers": "team",
    "trash": "entity",
    "uploadDestination": "storageLocation",
    "userProfile": "user",
    "wiki2": "wiki",
}
#: Fields that are lists.
LISTS = {
    "attachmentFileHandleIds", "changes", "columnIds", "copyRequests", "fileHandleIds", "idList", "ids", "includeTypes",
    "limits", "list", "locations", "objectIds", "partNumbers", "recipients", "references", "requestedFiles",
    "resourceAccess", "scopeIds", "statuses", "used",
}  # fmt: skip
#: Where the current state of what has no address of its own is read.
READ_AT = {
    "/repo/v1/team": "/repo/v1/team/{team}",
    "/repo/v1/team/acl": "/repo/v1/team/{team}/acl",
    "/repo/v1/evaluation/acl": "/repo/v1/evaluation/{evaluation}/acl",
}
#: Other values.
WORDS: dict[str, list[Any]] = {
    "accessType": ["READ"],
    "alias": ["a_friendly_name"],
    "bucketName": ["a-bucket"],
    "columnType": ["STRING"],
    "contentMD5Hex": ["0" * 32],
    "contentMd5": ["0" * 32],
    "contentSize": [7],
    "contentType": ["text/csv"],
    "description": ["About it"],
    "digest": ["sha256:" + "0" * 64],
    "entityType": ["project"],
    "expiresOn": ["2100-01-01T00:00:00.000Z"],
    "externalURL": ["https://example.org/data.csv"],
    "fileAssociateType": ["FileEntity"],
    "fileName": ["data.csv"],
    "fileSizeBytes": [6 * 2**20],
    "filter": ["NO_FILTER"],
    "fragment": ["World"],
    "inboxFilter": ["UNREAD"],
    "includeFileHandles": [True],
    "includeTypes": ["project", "folder", "file"],
    "isFirstBatch": [True],
    "isLastBatch": [True],
    "key": ["a/key"],
    "limits": [{"limitType": "TOTAL", "maximumSubmissions": 3}],
    "locations": [1],
    "markdown": ["# Hello"],
    "mask": [63],
    "messageMarkdown": ["Hello"],
    "orderBy": ["SEND_DATE"],
    "partMD5Hex": ["0" * 32],
    "partMask": [1023],
    "partNumbers": [1],
    "partSizeBytes": [5 * 2**20],
    "prefix": ["World"],
    "repositoryName": ["example.org/another"],
    "restrictableObjectType": ["ENTITY"],
    "roundEnd": ["2101-02-01T00:00:00.000Z"],
    "roundStart": ["2101-01-01T00:00:00.000Z"],
    "settingsType": ["upload"],
    "status": ["RECEIVED"],
    "subject": ["About it"],
    "tag": ["latest"],
    "title": ["A title"],
    "type": ["USER_NAME"],
    "viewEntityType": ["entityview"],
}


class Likely:
    """
    Values that make sense for one request.

    :param template: the path of its operation.
    """

    def __init__(self, world: World, template: str) -> None:
        self.world = world
        self._template = template
        #: What the path of the request has been given, by kind.
        self.chosen: dict[str, Any] = {}

    def place(self, placeholder: str) -> list[Any]:
        """Return known values for a placeholder of the path."""
        kind = self._kind(placeholder)
        if kind == "job":
            return [token for path, token in self.world.jobs.items() if self._asks_for(path)]
        return self.world.ids.get(kind, [])

    def choose(self, placeholder: str, value: Any) -> None:
        """Remember what a placeholder of the path has been given: bodies often repeat it."""
        self.chosen[self._kind(placeholder)] = value

    def field(self, name: str) -> list[Any]:
        """Return values for a field of a body or a parameter of a query."""
        kind = KIND_OF_FIELD.get(name, "")
        if kind == "entity" and "table" in self.chosen:
            kind = "table"
        if kind in self.chosen and name not in LISTS:
            return [self.chosen[kind]]
        if kind == "fresh":
            return [self.world.fresh()]
        return self.world.ids.get(kind, []) or self._made(name) or WORDS.get(name, [])

    def whole(self, fields: Iterable[str]) -> dict[str, Any]:
        """Return a body in which all fields that are known here have a value that makes sense."""
        values = {name: self.field(name) for name in fields}
        return {name: found if name in LISTS else found[0] for name, found in values.items() if found}

    def current(self, path: str) -> Any:
        """Return what can be read under a path now, ``None`` if nothing."""
        if path in READ_AT:
            path = READ_AT[path].format(**{kind: ids[0] for kind, ids in self.world.ids.items()})
        answer = self.world.owner.get(path)
        try:
            return answer.json() if answer.is_success else None
        except ValueError:
            return None

    def _kind(self, placeholder: str) -> str:
        before = re.search(r"([^/]*)/\{" + re.escape(placeholder) + r"[^}]*\}", self._template)
        part = before[1] if before else ""
        if part == "get":
            return "job"
        if part.startswith("wiki") and "/evaluation/" in self._template:
            return "evaluationWiki"
        if part == "entity" and "/docker" in self._template:
            return "image"
        if part == "entity" and re.search(r"/(table|column)\b", self._template):
            return "table"
        kind = KIND_OF_PART.get(part, part)
        return kind if kind in self.world.ids else KIND_OF_FIELD.get(placeholder, "")

    def _asks_for(self, path: str) -> bool:
        template = self._template.rpartition("/")[0]
        return re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", template), path) is not None

    def _made(self, name: str) -> list[Any]:
        """Return values that are made of what the world has."""
        ids = {kind: found[-1] for kind, found in self.world.ids.items()}
        file = {
            "fileHandleId": ids["fileHandle"],
            "associateObjectId": ids["entity"],
            "associateObjectType": "FileEntity",
        }
        match name:
            case "entityName":
                return [f"{self.world.name} Folder"]
            case "requestedFiles":
                return [file]
            case "copyRequests":
                return [{"originalFile": file}]
            case "references":
                return [{"targetId": ids["entity"], "targetVersionNumber": 1}]
            case "resourceAccess":
                return [{"principalId": int(self.world.ids["user"][0]), "accessType": ["READ", "CHANGE_PERMISSIONS"]}]
            case "entity":
                return [
                    {
                        "concreteType": f"{MODEL}.Folder",
                        "name": self.world.fresh(),
                        "parentId": self.world.ids["project"][0],
                    }
                ]
            case "sql" | "definingSQL" | "query":
                sql = f"select * from {ids['table']}"
                return [{"sql": sql}] if name == "query" else [sql]
            case "viewScope":
                return [{"scope": self.world.ids["project"], "viewEntityType": "entityview", "viewTypeMask": 1}]
            case "statuses":
                return [self.world.ask("GET", f"/repo/v1/evaluation/submission/{ids['submission']}/status")]
        return []
