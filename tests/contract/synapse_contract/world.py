"""Something of everything in a local Synapse, so that made-up requests find what they ask for."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

import httpx

MODEL = "org.sagebionetworks.repo.model"
UPLOAD = {
    "concreteType": f"{MODEL}.file.MultipartUploadRequest",
    "fileName": "data.csv",
    "contentType": "text/csv",
    "partSizeBytes": 5 * 2**20,
}
_numbers = itertools.count(1)


class World:
    """
    A project with content, a queue with a submission, a team, a challenge, a forum, wikis, tables and a message.

    :param owner: whose all of it is, as an HTTP client.
    """

    def __init__(self, owner: httpx.Client) -> None:
        self.owner = owner
        self.name = f"World {next(_numbers)}"
        user = self.ask("GET", "/repo/v1/userProfile")
        #: Known ids of each kind.
        self.ids: dict[str, list[Any]] = {"user": [user["ownerId"], "273948"], "version": [1], "storageLocation": [1]}
        self.ids |= {"partNumber": [1], "wikiVersion": [0], "name": [self.name], "alias": [user["userName"]]}
        #: Jobs that were started, by the path that asks for their results.
        self.jobs: dict[str, str] = {}
        self._content()
        self._queue()
        self._people()
        self._pages()
        self._tables()

    def fresh(self) -> str:
        """Return a name that nothing has."""
        return f"{self.name} {next(_numbers)}"

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Return the answer of a request of the owner's that has to succeed."""
        answer = self.owner.request(method, path, json=body, params=query)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def _made(self, path: str, body: Any) -> str:
        return str(self.ask("POST", path, body)["id"])

    def _entity(self, kind: str, **fields: Any) -> str:
        body = {"concreteType": f"{MODEL}.{kind}", "name": f"{self.name} {kind.rpartition('.')[2]}", **fields}
        return self._made("/repo/v1/entity", body)

    def _file(self) -> str:
        """Upload a file; another upload stays unfinished."""
        unfinished = UPLOAD | {"fileSizeBytes": 6 * 2**20, "contentMD5Hex": "0" * 32}
        self.ids["multipart"] = [self.ask("POST", "/file/v1/file/multipart", unfinished, forceRestart=True)["uploadId"]]
        content = f"a,b\n{self.name},2\n".encode()
        digest = hashlib.md5(content).hexdigest()
        wish = UPLOAD | {"fileSizeBytes": len(content), "contentMD5Hex": digest}
        path = f"/file/v1/file/multipart/{self.ask('POST', '/file/v1/file/multipart', wish)['uploadId']}"
        parts = self.ask("POST", f"{path}/presigned/url/batch", {"partNumbers": [1]})["partPresignedUrls"]
        httpx.put(parts[0]["uploadPresignedUrl"], content=content).raise_for_status()
        self.ask("PUT", f"{path}/add/1", partMD5Hex=digest)
        return str(self.ask("PUT", f"{path}/complete")["resultFileHandleId"])

    def _content(self) -> None:
        project = self._entity("Project")
        folder = self._entity("Folder", parentId=project)
        self.ids["fileHandle"] = [self._file()]
        file = self._entity("FileEntity", parentId=folder, dataFileHandleId=self.ids["fileHandle"][0])
        image = self._entity("docker.DockerRepository", parentId=project, repositoryName="example.org/image")
        activity = self._made("/repo/v1/activity", {"name": self.name})
        self.ask("PUT", f"/repo/v1/entity/{file}/generatedBy", generatedBy=activity)
        self.ids |= {"project": [project], "entity": [project, folder, image, file], "image": [image]}
        self.ids["activity"] = [activity]

    def _queue(self) -> None:
        project, file = self.ids["project"][0], self.ids["entity"][-1]
        queue = self._made("/repo/v1/evaluation", {"name": self.name, "contentSource": project})
        entity = self.ask("GET", f"/repo/v1/entity/{file}")
        wish = {"evaluationId": queue, "entityId": file, "versionNumber": 1}
        submission = self.ask("POST", "/repo/v1/evaluation/submission", wish, etag=entity["etag"])["id"]
        dates = {"roundStart": "2100-01-01T00:00:00.000Z", "roundEnd": "2100-02-01T00:00:00.000Z"}
        turn = self._made(f"/repo/v1/evaluation/{queue}/round", {"evaluationId": queue, **dates})
        self.ids |= {"evaluation": [queue], "submission": [submission], "round": [turn]}

    def _people(self) -> None:
        picture = self.ids["fileHandle"][0]
        profile = self.ask("GET", "/repo/v1/userProfile") | {"profilePicureFileHandleId": picture}
        self.ask("PUT", "/repo/v1/userProfile", profile)
        team = self._made("/repo/v1/team", {"name": self.name, "canPublicJoin": True, "icon": picture})
        wish = {"projectId": self.ids["project"][0], "participantTeamId": team}
        challenge = self._made("/repo/v1/challenge", wish)
        registered = {"challengeId": challenge, "teamId": team}
        entry = self._made(f"/repo/v1/challenge/{challenge}/challengeTeam", registered)
        invitation = self._made("/repo/v1/membershipInvitation", {"teamId": team, "inviteeEmail": "ada@example.org"})
        self.ids |= {"team": [team], "challenge": [challenge], "challengeTeam": [entry]}
        self.ids["membershipInvitation"] = [invitation]

    def _pages(self) -> None:
        project, handle = self.ids["project"][0], self.ids["fileHandle"][0]
        page = {"title": self.name, "markdown": "# Hello", "attachmentFileHandleIds": [handle]}
        self.ids["wiki"] = [self._made(f"/repo/v1/entity/{project}/wiki", page)]
        self.ids["evaluationWiki"] = [self._made(f"/repo/v1/evaluation/{self.ids['evaluation'][0]}/wiki", page)]
        forum = self.ask("GET", f"/repo/v1/project/{project}/forum")["id"]
        talk = {"forumId": forum, "title": self.name, "messageMarkdown": "Hello"}
        thread = self.ask("POST", "/repo/v1/thread", talk)
        reply = self._made("/repo/v1/reply", {"threadId": thread["id"], "messageMarkdown": "Hello"})
        letter = {"recipients": self.ids["user"][:1], "subject": self.name, "fileHandleId": handle}
        self.ids |= {"message": [self._made("/repo/v1/message", letter)], "reply": [reply]}
        self.ids |= {"forum": [forum], "thread": [thread["id"]], "messageKey": [thread["messageKey"]]}

    def _tables(self) -> None:
        project, queue = self.ids["project"][0], self.ids["evaluation"][0]
        columns = [self._made("/repo/v1/column", {"name": name, "columnType": "STRING"}) for name in ("a", "b")]
        table = self._entity("table.TableEntity", parentId=project, columnIds=columns)
        names = {
            "parentId": project,
            "columnIds": [self._made("/repo/v1/column", {"name": "id", "columnType": "ENTITYID"})],
        }
        view = self._entity("table.EntityView", scopeIds=[project], viewTypeMask=1, **names)
        names["columnIds"] = [self._made("/repo/v1/column", {"name": "id", "columnType": "SUBMISSIONID"})]
        self._entity("table.SubmissionView", scopeIds=[queue], **names)
        self.ids |= {"column": columns, "table": [table], "view": [view]}
        rows = {"concreteType": f"{MODEL}.table.PartialRowSet", "tableId": table}
        rows["rows"] = [{"values": [{"key": columns[0], "value": "1"}, {"key": columns[1], "value": "2"}]}]
        change = {"concreteType": f"{MODEL}.table.AppendableRowSetRequest", "entityId": table, "toAppend": rows}
        sql = f"select * from {table}"
        scope = {"scope": [project], "viewEntityType": "entityview", "viewTypeMask": 1}
        of_table = f"/repo/v1/entity/{table}/table"
        self._start(f"{of_table}/transaction", {"entityId": table, "changes": [change]})
        self._start(f"{of_table}/append", change)
        self._start(f"{of_table}/query", {"entityId": table, "query": {"sql": sql}, "partMask": 1})
        self._start(f"{of_table}/download/csv", {"entityId": table, "sql": sql})
        self._start("/repo/v1/table/download/csv", {"entityId": table, "sql": sql})
        self._start("/repo/v1/table/upload/csv/preview", {"uploadFileHandleId": self.ids["fileHandle"][0]})
        self._start(f"{of_table}/upload/csv", {"tableId": table, "uploadFileHandleId": self.ids["fileHandle"][0]})
        self._start("/repo/v1/column/view/scope", {"viewScope": scope})

    def _start(self, path: str, wish: dict[str, Any]) -> None:
        self.jobs[f"{path}/async/get"] = self.ask("POST", f"{path}/async/start", wish)["token"]
