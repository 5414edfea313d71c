"""A local Synapse in the third week of a challenge, and a browser that looks at it."""

from __future__ import annotations

import hashlib
import random
import shutil
import subprocess
from functools import cached_property
from pathlib import Path

import httpx
import pytest

from airflow_synapse_challenge.local_synapse.server import LocalSynapse

HERE = Path(__file__).parent
SEED = HERE / "world.yaml"
MODEL = "org.sagebionetworks.repo.model"
CHALLENGE = "Breast Cancer Diagnosis Challenge"
HOSTILE = """\
<script>window.harmed = 1</script>

<img src="x" onerror="window.harmed = 2">

<iframe src="javascript:window.parent.harmed = 3"></iframe>

<a href="javascript:window.harmed = 4">bait</a> <b onmouseover="window.harmed = 5">bold words</b>

<style>body { display: none }</style>

[bait](javascript:window.harmed=6) [bait](JaVaScRiPt:window.harmed=7) [bait](data:text/html,<script>alert(1)</script>)
[bait](vbscript:x) <javascript:window.harmed=8>

<svg/onload=window.harmed=9>

![x](http://pictures.invalid/beacon.png) ![x" onerror="window.harmed=10](y)

${image?fileName=x" onerror="window.harmed=11&align=" onload="window.harmed=12}

${buttonlink?text=<b>bait</b>&url=javascript:window.harmed=13}

${buttonlink?text=bait&url=%01java%09script:window.harmed=14}

${"><script>window.harmed=15</script>?a=b}

${jointeam?teamId=9999999999&text=<script>window.harmed=16</script>}

${nosuchwidget?words=<img src=x onerror=window.harmed=17>}

${synapsetable?query=select * from syn1; drop table principal}

| a | b |
|---|--:|
| <script>window.harmed=18</script> | ${toc} |

# <img src=x onerror=window.harmed=19> heading

The words stay."""
HOSTILE_NAME = '<script>window.harmed=20</script> & "Sons" <img src=x onerror=window.harmed=21>'


class Client:
    """A user of the server, by plain HTTP."""

    def __init__(self, server: LocalSynapse, name: str) -> None:
        self.name = name
        headers = {"Authorization": f"Bearer {server.token(name)}"}
        self._http = httpx.Client(base_url=server.url, headers=headers, timeout=30)

    def ask(self, method, path, body=None, service="repo", **query):
        answer = self._http.request(method, f"/{service}/v1{path}", json=body, params=query)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    @cached_property
    def id(self):
        return int(self.ask("GET", "/userProfile")["ownerId"])

    def find(self, *names):
        """The synID of what has a name, in what has another name."""
        found = None
        for name in names:
            wish = {"entityName": name} | ({"parentId": found} if found else {})
            found = self.ask("POST", "/entity/child", wish)["id"]
        return found

    def upload(self, name, content, content_type):
        wish = {
            "fileName": name,
            "contentType": content_type,
            "contentMD5Hex": (digest := hashlib.md5(content).hexdigest()),
            "fileSizeBytes": len(content),
            "partSizeBytes": 5 * 2**20,
        }
        status = self.ask("POST", "/file/multipart", wish, "file")
        if status["state"] == "COMPLETED":
            return status["resultFileHandleId"]
        path = f"/file/multipart/{status['uploadId']}"
        urls = self.ask("POST", f"{path}/presigned/url/batch", {"partNumbers": [1]}, "file")
        httpx.put(urls["partPresignedUrls"][0]["uploadPresignedUrl"], content=content, timeout=30).raise_for_status()
        self.ask("PUT", f"{path}/add/1", None, "file", partMD5Hex=digest)
        return self.ask("PUT", f"{path}/complete", None, "file")["resultFileHandleId"]

    def write_to(self, recipients, subject, text, content_type="text/plain"):
        handle = self.upload("message.txt", text.encode(), content_type)
        wish = {"recipients": [str(r) for r in recipients], "subject": subject, "fileHandleId": handle}
        return self.ask("POST", "/message", wish)


class World:
    """What the tests look for, by name."""

    def __init__(self, server: LocalSynapse) -> None:
        self.server = server
        self.hostile_name = HOSTILE_NAME
        self.organiser, self.marie, self.john, self.rosalind = (
            Client(server, name) for name in ("challenge-service", "marie", "john", "rosalind")
        )
        self.project = self.organiser.find(CHALLENGE)
        queues = self.organiser.ask("GET", f"/entity/{self.project}/evaluation")["results"]
        self.queue, self.closed_queue = (
            next(queue["id"] for queue in queues if queue["name"] == name)
            for name in ("Diagnosis", "Rehearsal for organisers")
        )
        bundles = self.organiser.ask("GET", f"/evaluation/{self.queue}/submission/bundle/all", limit=100)["results"]
        self.submissions = {bundle["submission"]["name"]: bundle["submission"]["id"] for bundle in bundles}
        self.training = self.organiser.find(CHALLENGE, "Data", "training.csv")
        self.truth = self.organiser.find(CHALLENGE, "Gold standard", "truth.csv")
        self.leaderboard = self._leaderboard()
        self._history()
        self._wiki()
        self._talk()
        self._docker()
        self._mail()
        self._hostile()

    def _entity(self, owner, kind, **fields):
        return owner.ask("POST", "/entity", {"concreteType": f"{MODEL}.{kind}", **fields})["id"]

    def _leaderboard(self):
        columns = [
            self.organiser.ask("POST", "/column", {"name": name, "columnType": kind})["id"]
            for name, kind in (
                ("submitterid", "USERID"), ("auc_roc", "DOUBLE"), ("auc_pr", "DOUBLE"), ("status", "STRING"),
                ("name", "STRING"), ("id", "SUBMISSIONID"), ("createdOn", "DATE"), ("entityid", "ENTITYID"),
            )
        ]  # fmt: skip
        fields = {"parentId": self.project, "columnIds": columns, "scopeIds": [self.queue], "name": "Leaderboard"}
        return self._entity(self.organiser, "table.SubmissionView", **fields)

    def _history(self):
        """A second version of the training data, made by a script from something elsewhere."""
        file = self.organiser.ask("GET", f"/entity/{self.training}")
        content = b"id,radius_mean,texture_mean,diagnosis\n" + b"".join(
            b"S%04d,%.2f,%.2f,%s\n" % (row, 11 + row % 9, 14 + row % 7, b"MB"[row % 2 : row % 2 + 1])
            for row in range(1, 60)
        )
        file["dataFileHandleId"] = self.organiser.upload("training.csv", content, "text/csv")
        file["versionComment"] = "59 patients instead of 4"
        self.organiser.ask("PUT", f"/entity/{self.training}", file, newVersion="true")
        used = [
            {
                "concreteType": f"{MODEL}.provenance.UsedURL",
                "name": "Wisconsin cytology",
                "url": "https://example.org/wdbc",
                "wasExecuted": False,
            },
            {
                "concreteType": f"{MODEL}.provenance.UsedEntity",
                "reference": {"targetId": self.truth},
                "wasExecuted": False,
            },
        ]
        wish = {"name": "Split by patient", "description": "Half of the patients for training", "used": used}
        activity = self.organiser.ask("POST", "/activity", wish)["id"]
        self.organiser.ask("PUT", f"/entity/{self.training}/generatedBy", generatedBy=activity)

    def _wiki(self):
        """Fill in what the seed file cannot know, and attach a picture."""
        headers = self.organiser.ask("GET", f"/entity/{self.project}/wikiheadertree2")["results"]
        self.wiki = {header.get("title", ""): header["id"] for header in headers}
        challenge = self.organiser.ask("GET", f"/entity/{self.project}/challenge")
        self.participants = challenge["participantTeamId"]
        known = {
            "PARTICIPANTS": self.participants,
            "CHALLENGE": challenge["id"],
            "PROJECT": self.project,
            "LEADERBOARD": f"select submitterid, auc_roc, auc_pr from {self.leaderboard} where status = 'ACCEPTED' "
            "order by auc_roc desc",
            "evaluation_QUEUE": f"evaluation_{self.queue}",
            "TRAINING": self.training,
            "wiki/DATA": f"wiki/{self.wiki['Data']}",
            "wiki/SUBMIT": f"wiki/{self.wiki['How to submit']}",
            "wiki/RESULTS": f"wiki/{self.wiki['Results']}",
        }
        picture = self.organiser.upload("nuclei.svg", scatter(), "image/svg+xml")
        for title, page in self.wiki.items():
            path = f"/entity/{self.project}/wiki/{page}"
            found = self.organiser.ask("GET", path)
            for name, value in known.items():
                found["markdown"] = found["markdown"].replace(name, value)
            if title == "Data":
                found["attachmentFileHandleIds"] = [picture]
            self.organiser.ask("PUT", path, found)

    def _talk(self):
        forum = self.organiser.ask("GET", f"/project/{self.project}/forum")["id"]
        wish = {"forumId": forum, "title": "Are the radii in µm?", "messageMarkdown": "In *training.csv*, I mean."}
        self.thread = self.marie.ask("POST", "/thread", wish)["id"]
        answer = "They are in pixels; see [Data](#!Synapse:PROJECT/wiki/PAGE).".replace("PROJECT", self.project)
        answer = answer.replace("PAGE", self.wiki["Data"])
        self.organiser.ask("POST", "/reply", {"threadId": self.thread, "messageMarkdown": answer})
        pinned = {"forumId": forum, "title": "Read this first", "messageMarkdown": "Be kind."}
        self.organiser.ask("PUT", f"/thread/{self.organiser.ask('POST', '/thread', pinned)['id']}/pin")

    def _docker(self):
        name = "example.org/breast-cancer/baseline"
        fields = {"parentId": self.project, "repositoryName": name}
        self.repository = self._entity(self.organiser, "docker.DockerRepository", **fields)
        for tag in ("v1", "v2"):
            digest = f"sha256:{hashlib.sha256(tag.encode()).hexdigest()}"
            self.organiser.ask("POST", f"/entity/{self.repository}/dockerCommit", {"tag": tag, "digest": digest})

    def _mail(self):
        scored = "Hello {},\n\nyour submission has been scored:\n\n  auc_roc  0.998\n  auc_pr   0.997\n\nThe organisers"
        self.organiser.write_to([self.rosalind.id], "Submission scored", scored.format("rosalind"))
        self.organiser.write_to([self.marie.id], "Submission scored", scored.format("marie"))
        html = "<p>Hello marie,</p><p>column <b>probability</b> is missing.<script>window.harmed=30</script></p>"
        self.organiser.write_to([self.marie.id], "Submission invalid", html, "text/html")

    def _hostile(self):
        """A project of somebody who means harm, and words of theirs where other people look."""
        john = self.john
        self.hostile = self._entity(john, "Project", name="Harmless looking", description=HOSTILE_NAME)
        acl = john.ask("GET", f"/entity/{self.hostile}/acl")
        acl["resourceAccess"].append({"principalId": 273949, "accessType": ["READ"]})
        john.ask("PUT", f"/entity/{self.hostile}/acl", acl)
        self.hostile_wiki = john.ask("POST", f"/entity/{self.hostile}/wiki", {"title": "x", "markdown": HOSTILE})["id"]
        page = {"title": HOSTILE_NAME, "markdown": HOSTILE, "parentWikiId": self.hostile_wiki}
        self.hostile_page = john.ask("POST", f"/entity/{self.hostile}/wiki", page)["id"]
        forum = john.ask("GET", f"/project/{self.hostile}/forum")["id"]
        wish = {"forumId": forum, "title": HOSTILE_NAME, "messageMarkdown": HOSTILE}
        self.hostile_thread = john.ask("POST", "/thread", wish)["id"]
        annotations = john.ask("GET", f"/entity/{self.hostile}/annotations2")
        annotations["annotations"] = {"note": {"type": "STRING", "value": [HOSTILE_NAME]}}
        john.ask("PUT", f"/entity/{self.hostile}/annotations2", annotations)
        john.write_to([self.marie.id], HOSTILE_NAME, f"<p>{HOSTILE}</p>", "text/html")


def scatter() -> bytes:
    """A picture of two groups of points, as SVG."""
    generator = random.Random(7)
    points = []
    for colour, x, y in (("#176359", 230, 190), ("#c2571a", 400, 120)):
        for _ in range(90):
            at = generator.gauss(x, 48), generator.gauss(y, 34)
            points.append(f'<circle cx="{at[0]:.0f}" cy="{at[1]:.0f}" r="4.2" fill="{colour}" fill-opacity=".62"/>')
    axes = '<path d="M60 20V270H600" stroke="#526468" fill="none"/>'
    words = (
        '<text x="540" y="292">radius</text><text x="10" y="30">texture</text>'
        '<text x="470" y="50" fill="#c2571a">malignant</text><text x="110" y="250" fill="#176359">benign</text>'
    )
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 620 300" font-family="sans-serif" font-size="14">'
    return f"{head}{axes}{''.join(points)}{words}</svg>".encode()


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    with LocalSynapse.start(tmp_path_factory.mktemp("website"), seed=SEED) as server:
        yield World(server)


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium; without one the tests fail, for the pages are made for browsers."""
    from playwright.sync_api import sync_playwright

    script = HERE.parents[1] / "scripts" / "chromium.sh"
    found = subprocess.run([script], capture_output=True, text=True, check=False)
    program = shutil.which(found.stdout.strip() or "chromium")
    assert program, f"There is no browser: {found.stderr.strip()}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--headless", "--disable-background-networking"]
        )
        yield browser
        browser.close()


@pytest.fixture
def look(browser, world):
    """Opens the start page in a new browser, of a size and in colours, in which somebody has been chosen to look."""
    contexts = []

    def look(viewer=None, **traits):
        context = browser.new_context(base_url=world.server.url, **traits)
        contexts.append(context)
        context.set_default_timeout(10_000)
        if viewer:
            context.add_cookies([{"name": "local_synapse_viewer", "value": viewer, "url": world.server.url}])
        page = context.new_page()
        page.goto("/")
        return page

    yield look
    for context in contexts:
        context.close()


@pytest.fixture
def choose():
    """Chooses in a page who looks from now on."""

    def choose(page, viewer):
        page.locator("details.viewer > summary").click()
        page.locator("details.viewer").get_by_role("button", name=viewer, exact=True).click()
        page.locator("details.viewer strong", has_text=viewer).wait_for()

    return choose
