"""Somebody at a shell, in whose home the clients run."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from pathlib import Path

import httpx

HERE = Path(__file__).parent
#: What scripts/clients.sh makes: a virtual environment for each client.
CLIENTS = HERE.parents[1] / ".cache" / "clients"
PROGRAMS = HERE / "programs"
#: The environment that each program belongs to, and how many words of its command line name the command.
COMMANDS = {"synapse": ("synapseclient", 1), "challengeutils": ("challengeutils", 1), "cnb-tools": ("cnb-tools", 2)}
#: Nothing listens there: what a client asks of any other host is refused at once.
NOWHERE = "http://127.0.0.1:9"
SECONDS = 120
MODEL = "org.sagebionetworks.repo.model"


def script(client, name):
    """A program in the virtual environment of a client."""
    return CLIENTS / client / "bin" / name


class Account:
    """
    Somebody at a shell: a home with a `.synapseConfig` that the local Synapse wrote, in which clients run.

    :param succeeded: gets the commands that ended well.
    """

    def __init__(self, server, name, home, succeeded):
        self.server, self.name, self.home, self._succeeded = server, name, home, succeeded
        server.write_config(home / ".synapseConfig", name)
        self.token = server.token(name)
        self._http = httpx.Client(
            base_url=server.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=30, trust_env=False
        )
        self.id = int(self.rest("GET", "/userProfile")["ownerId"])

    @property
    def environment(self):
        """What a process of theirs finds in its environment."""
        return {
            "HOME": str(self.home),
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "COLUMNS": "200",
            "https_proxy": NOWHERE,
            "http_proxy": NOWHERE,
            "no_proxy": "127.0.0.1",
        }

    def run(self, command, *, typed="", code=0, environment=None):
        """
        Run a command line in the home.

        :param typed: what is typed while it runs.
        :param code: the exit code that it has to end with.
        :return: what it printed, standard output first.
        """
        done = subprocess.run(
            [str(word) for word in command],
            cwd=self.home,
            env=self.environment | (environment or {}),
            input=typed,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        said = f"{done.stdout}\n{done.stderr}"
        assert done.returncode == code, f"$ {' '.join(map(str, command))}\nended with {done.returncode}:\n{said}"
        return said

    def _client(self, program, arguments, *, code=0, **options):
        environment, words = COMMANDS[program]
        said = self.run([script(environment, program), *arguments], code=code, **options)
        if code == 0:
            self._succeeded.add((program, *arguments[:words]))
        return said

    def synapse(self, *arguments, **options):
        """Run synapseclient's command line."""
        return self._client("synapse", arguments, **options)

    def challengeutils(self, *arguments, **options):
        return self._client("challengeutils", arguments, **options)

    def cnb_tools(self, *arguments, **options):
        return self._client("cnb-tools", arguments, **options)

    def program(self, name, /, client="synapseclient", **given):
        """
        Run a program of the folder `programs` with a client's Python.

        :param given: what it gets, as JSON.
        :return: what it prints as RESULT, which is JSON.
        """
        said = self.run([script(client, "python"), PROGRAMS / f"{name}.py", json.dumps(given)])
        return json.loads(re.search(r"^RESULT (.*)$", said, re.MULTILINE)[1])

    def ask(self, method, path, body=None, service="repo", **params):
        """The answer to a request over plain HTTP."""
        return self._http.request(method, f"/{service}/v1{path}", json=body, params=params)

    def rest(self, method, path, body=None, service="repo", **params):
        """What a request that has to succeed is answered."""
        answer = self.ask(method, path, body, service, **params)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def upload(self, content, name="data.csv"):
        """Upload a text over plain HTTP; returns its file handle."""
        raw = content.encode()
        body = {
            "fileName": name,
            "contentType": "text/csv",
            "contentMD5Hex": hashlib.md5(raw).hexdigest(),
            "fileSizeBytes": len(raw),
            "partSizeBytes": 5 * 2**20,
        }
        status = self.rest("POST", "/file/multipart", body, "file")
        if status["state"] == "UPLOADING":
            path = f"/file/multipart/{status['uploadId']}"
            [part] = self.rest("POST", f"{path}/presigned/url/batch", {"partNumbers": [1]}, "file")["partPresignedUrls"]
            httpx.put(part["uploadPresignedUrl"], content=raw, timeout=30, trust_env=False).raise_for_status()
            self.rest("PUT", f"{path}/add/1", None, "file", partMD5Hex=body["contentMD5Hex"])
            status = self.rest("PUT", f"{path}/complete", None, "file")
        return status["resultFileHandleId"]

    def create(self, kind, name, parent=None, **fields):
        """Make an entity over plain HTTP; returns its synID."""
        body = {"concreteType": f"{MODEL}.{kind}", "name": name} | ({"parentId": parent} if parent else {}) | fields
        return self.rest("POST", "/entity", body)["id"]

    def create_file(self, content, parent, name="data.csv"):
        return self.create("FileEntity", name, parent, dataFileHandleId=self.upload(content, name))

    def submit(self, queue, entity, **fields):
        """Submit over plain HTTP; returns the submission's id."""
        found = self.rest("GET", f"/entity/{entity}")
        body = {"evaluationId": queue, "entityId": entity, "versionNumber": found.get("versionNumber", 1), **fields}
        return self.rest("POST", "/evaluation/submission", body, etag=found["etag"])["id"]

    def share(self, path, principal, *rights):
        """Give a principal access types on an entity or an evaluation, beside what others have."""
        acl = self.rest("GET", f"{path}/acl")
        acl["resourceAccess"].append({"principalId": int(principal), "accessType": list(rights)})
        self.rest("PUT", "/evaluation/acl" if path.startswith("/evaluation") else f"{path}/acl", acl)

    def rights(self, path):
        """The access types that each principal has on an entity or an evaluation."""
        return {one["principalId"]: set(one["accessType"]) for one in self.rest("GET", f"{path}/acl")["resourceAccess"]}

    def status(self, submission):
        """The status of a submission as they see it."""
        return self.rest("GET", f"/evaluation/submission/{submission}/status")

    def annotations(self, entity):
        """The values of an entity's annotations by key."""
        found = self.rest("GET", f"/entity/{entity}/annotations2")["annotations"]
        return {key: value["value"] for key, value in found.items()}

    def child(self, parent, *names):
        """The entity at the end of a path of names."""
        for name in names:
            parent = self.rest("POST", "/entity/child", {"parentId": parent, "entityName": name})["id"]
        return parent

    def pages(self, owner):
        """The pages of a wiki by title."""
        headers = self.rest("GET", f"/entity/{owner}/wikiheadertree")["results"]
        return {one["title"]: self.rest("GET", f"/entity/{owner}/wiki/{one['id']}") for one in headers}

    def queues(self, project):
        """The evaluations of a project by name."""
        return {one["name"]: one["id"] for one in self.rest("GET", f"/entity/{project}/evaluation")["results"]}

    def write(self, name, content):
        """Write a file of the home; JSON unless it is a text."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def read(self, name):
        return (self.home / name).read_text()
