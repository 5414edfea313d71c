"""Something of everything in a local Synapse, so that made-up requests find what they ask for."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable
from typing import Any

import httpx

MODEL = "org.sagebionetworks.repo.model"
_numbers = itertools.count(1)

#: What an id is of, by the name of its field or placeholder.
KIND_OF_FIELD = {
    "activityId": "activity",
    "associateObjectId": "entity",
    "attachmentFileHandleIds": "fileHandle",
    "challengeId": "challenge",
    "challengeTeamId": "challengeTeam",
    "columnIds": "column",
    "contentSource": "project",
    "dataFileHandleId": "fileHandle",
    "entityId": "entity",
    "batch": "entity",
    "evaluationId": "evaluation",
    "fileAssociateId": "entity",
    "fileHandleId": "fileHandle",
    "fileHandleIds": "fileHandle",
    "forumId": "forum",
    "generatedBy": "activity",
    "handleId": "fileHandle",
    "handleIdToCopyFrom": "fileHandle",
    "ids": "user",
    "inviteeId": "user",
    "list": "user",
    "markdownFileHandleId": "fileHandle",
    "memberId": "user",
    "messageId": "message",
    "ownerId": "entity",
    "parentId": "project",
    "parentWikiId": "wiki",
    "participantId": "user",
    "participantTeamId": "team",
    "principalId": "user",
    "profileId": "user",
    "projectId": "project",
    "recipients": "user",
    "replyId": "reply",
    "scopeIds": "evaluation",
    "storageLocationId": "storageLocation",
    "targetId": "entity",
    "targetVersionNumber": "version",
    "teamId": "team",
    "threadId": "thread",
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
    "get": "job",
    "member": "user",
    "name": "name",
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
    "columnIds", "copyRequests", "fileHandleIds", "idList", "ids", "includeTypes", "limits", "list", "partNumbers",
    "recipients", "requestedFiles", "resourceAccess", "scopeIds", "statuses", "used", "attachmentFileHandleIds",
}  # fmt: skip
#: Values that make sense for other fields and parameters.
WORDS: dict[str, list[Any]] = {
    "accessType": ["READ"],
    "contentMD5Hex": ["0" * 32],
    "contentMd5": ["0" * 32],
    "contentType": ["text/csv"],
    "description": ["About it"],
    "digest": ["sha256:" + "0" * 64],
    "expiresOn": ["2100-01-01T00:00:00.000Z"],
    "externalURL": ["https://example.org/data.csv"],
    "fileName": ["data.csv"],
    "fileSizeBytes": [6 * 2**20],
    "filter": ["NO_FILTER"],
    "fragment": ["World"],
    "fileAssociateType": ["FileEntity"],
    "inboxFilter": ["UNREAD"],
    "includeFileHandles": [True],
    "includeTypes": ["project", "folder", "file"],
    "isFirstBatch": [True],
    "isLastBatch": [True],
    "limits": [{"limitType": "TOTAL", "maximumSubmissions": 3}],
    "markdown": ["# Hello"],
    "messageMarkdown": ["Hello"],
    "mask": [63],
    "orderBy": ["SEND_DATE"],
    "partMD5Hex": ["0" * 32],
    "partNumbers": [1],
    "partSizeBytes": [5 * 2**20],
    "prefix": ["World"],
    "repositoryName": ["example.org/another"],
    "roundEnd": ["2101-02-01T00:00:00.000Z"],
    "roundStart": ["2101-01-01T00:00:00.000Z"],
    "status": ["RECEIVED"],
    "subject": ["About it"],
    "tag": ["latest"],
    "type": ["USER_NAME"],
}


class World:
    """
    A project with content, a queue with a submission, a team, a challenge, a forum, wikis and a message.

    :param owner: whose all of it is, as an HTTP client.
    """

    def __init__(self, owner: httpx.Client) -> None:
        self.owner = owner
        self._name = f"World {next(_numbers)}"
        user = self._ask("GET", "/repo/v1/userProfile")
        #: Known ids of each kind.
        self.ids: dict[str, list[Any]] = {"user": [user["ownerId"], "273948"], "version": [1], "storageLocation": [1]}
        self.ids |= {"partNumber": [1], "wikiVersion": [0], "name": [self._name], "alias": [user["userName"]]}
        self._content()
        self._queue()
        self._people()
        self._pages()

    def of_path(self, template: str, placeholder: str) -> list[Any]:
        """Return known values for a placeholder of a path."""
        before = re.search(r"([^/]*)/\{" + re.escape(placeholder) + r"[^}]*\}", template)
        part = before[1] if before else ""
        if part.startswith("wiki") and "/evaluation/" in template:
            return self.ids["evaluationWiki"]
        if part == "entity" and "/docker" in template:
            return self.ids["image"]
        kind = KIND_OF_PART.get(part, part)
        return self.ids.get(kind if kind in self.ids else KIND_OF_FIELD.get(placeholder, ""), [])

    def of_field(self, name: str) -> list[Any]:
        """Return values that make sense for a field of a body or a parameter of a query."""
        return self.ids.get(KIND_OF_FIELD.get(name, ""), []) or self._words().get(name, [])

    def whole(self, properties: Iterable[str]) -> dict[str, Any]:
        """Return a body in which all fields that are known here have a value that makes sense."""
        values = {name: self.of_field(name) for name in properties}
        return {name: found if name in LISTS else found[0] for name, found in values.items() if found}

    def current(self, path: str) -> Any:
        """Return what can be read under a path now, ``None`` if nothing."""
        answer = self.owner.get(path)
        try:
            return answer.json() if answer.is_success else None
        except ValueError:
            return None

    def _words(self) -> dict[str, list[Any]]:
        fresh = f"{self._name} {next(_numbers)}"
        file = {
            "fileHandleId": self.ids["fileHandle"][0],
            "associateObjectId": self.ids["entity"][-1],
            "associateObjectType": "FileEntity",
        }
        right = {"principalId": int(self.ids["user"][0]), "accessType": ["READ", "CHANGE_PERMISSIONS"]}
        folder = {"concreteType": f"{MODEL}.Folder", "name": fresh, "parentId": self.ids["project"][0]}
        return WORDS | {
            "alias": self.ids["alias"],
            "name": [fresh],
            "entityName": [f"{self._name} Folder"],
            "title": [fresh],
            "requestedFiles": [file],
            "resourceAccess": [right],
            "entity": [folder],
            "messageKey": self.ids["messageKey"],
            "copyRequests": [{"originalFile": file}],
            "idList": self.ids["entity"],
        }

    def _ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        answer = self.owner.request(method, path, json=body, params=query)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def _made(self, path: str, body: Any) -> str:
        return str(self._ask("POST", path, body)["id"])

    def _entity(self, kind: str, **fields: Any) -> str:
        body = {"concreteType": f"{MODEL}.{kind}", "name": f"{self._name} {kind.rpartition('.')[2]}", **fields}
        return self._made("/repo/v1/entity", body)

    def _file(self) -> str:
        """Upload a file; another upload stays unfinished."""
        content = b"a,b\n1,2\n"
        upload = {key: WORDS[key][0] for key in ("fileName", "contentType", "contentMD5Hex", "partSizeBytes")}
        upload |= {"concreteType": f"{MODEL}.file.MultipartUploadRequest", "fileSizeBytes": 6 * 2**20}
        self.ids["multipart"] = [self._ask("POST", "/file/v1/file/multipart", upload, forceRestart=True)["uploadId"]]
        digest = hashlib.md5(content).hexdigest()
        upload |= {"fileSizeBytes": len(content), "contentMD5Hex": digest}
        path = f"/file/v1/file/multipart/{self._ask('POST', '/file/v1/file/multipart', upload)['uploadId']}"
        parts = self._ask("POST", f"{path}/presigned/url/batch", {"partNumbers": [1]})["partPresignedUrls"]
        httpx.put(parts[0]["uploadPresignedUrl"], content=content).raise_for_status()
        self._ask("PUT", f"{path}/add/1", partMD5Hex=digest)
        return str(self._ask("PUT", f"{path}/complete")["resultFileHandleId"])

    def _content(self) -> None:
        project = self._entity("Project")
        folder = self._entity("Folder", parentId=project)
        self.ids["fileHandle"] = [self._file()]
        file = self._entity("FileEntity", parentId=folder, dataFileHandleId=self.ids["fileHandle"][0])
        image = self._entity("docker.DockerRepository", parentId=project, repositoryName="example.org/image")
        activity = self._made("/repo/v1/activity", {"name": self._name})
        self._ask("PUT", f"/repo/v1/entity/{file}/generatedBy", generatedBy=activity)
        self.ids |= {"project": [project], "entity": [project, folder, image, file], "image": [image]}
        self.ids["activity"] = [activity]

    def _queue(self) -> None:
        project = self.ids["project"][0]
        queue = self._made("/repo/v1/evaluation", {"name": self._name, "contentSource": project})
        file = self.ids["entity"][-1]
        entity = self._ask("GET", f"/repo/v1/entity/{file}")
        wish = {"evaluationId": queue, "entityId": file, "versionNumber": 1}
        submission = self._ask("POST", "/repo/v1/evaluation/submission", wish, etag=entity["etag"])["id"]
        dates = {"roundStart": "2100-01-01T00:00:00.000Z", "roundEnd": "2100-02-01T00:00:00.000Z"}
        turn = self._made(f"/repo/v1/evaluation/{queue}/round", {"evaluationId": queue, **dates})
        self.ids |= {"evaluation": [queue], "submission": [submission], "round": [turn]}

    def _people(self) -> None:
        picture = self.ids["fileHandle"][0]
        profile = self._ask("GET", "/repo/v1/userProfile") | {"profilePicureFileHandleId": picture}
        self._ask("PUT", "/repo/v1/userProfile", profile)
        team = self._made("/repo/v1/team", {"name": self._name, "canPublicJoin": True, "icon": picture})
        wish = {"projectId": self.ids["project"][0], "participantTeamId": team}
        challenge = self._made("/repo/v1/challenge", wish)
        registered = {"challengeId": challenge, "teamId": team}
        entry = self._made(f"/repo/v1/challenge/{challenge}/challengeTeam", registered)
        invitation = self._made("/repo/v1/membershipInvitation", {"teamId": team, "inviteeEmail": "ada@example.org"})
        self.ids |= {"team": [team], "challenge": [challenge], "challengeTeam": [entry]}
        self.ids["membershipInvitation"] = [invitation]

    def _pages(self) -> None:
        project, handle = self.ids["project"][0], self.ids["fileHandle"][0]
        page = {"title": self._name, "markdown": "# Hello", "attachmentFileHandleIds": [handle]}
        self.ids["wiki"] = [self._made(f"/repo/v1/entity/{project}/wiki", page)]
        self.ids["evaluationWiki"] = [self._made(f"/repo/v1/evaluation/{self.ids['evaluation'][0]}/wiki", page)]
        forum = self._ask("GET", f"/repo/v1/project/{project}/forum")["id"]
        talk = {"forumId": forum, "title": self._name, "messageMarkdown": "Hello"}
        thread = self._ask("POST", "/repo/v1/thread", talk)
        reply = self._made("/repo/v1/reply", {"threadId": thread["id"], "messageMarkdown": "Hello"})
        letter = {"recipients": self.ids["user"][:1], "subject": self._name, "fileHandleId": handle}
        self.ids |= {"message": [self._made("/repo/v1/message", letter)], "reply": [reply]}
        self.ids |= {"forum": [forum], "thread": [thread["id"]], "messageKey": [thread["messageKey"]]}
