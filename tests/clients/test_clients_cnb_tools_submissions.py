"""cnb-tools 0.7.0 with submissions: annotating, statuses, downloads, summaries."""

from __future__ import annotations

import json
import re

import pytest

PREDICTIONS = "id,p\n1,0.5\n"
DIGEST = f"sha256:{'cd' * 32}"


@pytest.fixture
def entry(participant):
    """Somebody with a file to submit."""
    somebody = participant()
    somebody.file = somebody.create_file(PREDICTIONS, somebody.project, "predictions.csv")
    return somebody


def image(somebody):
    """A Docker repository that lies elsewhere, with a commit."""
    repository = somebody.create(
        "docker.DockerRepository", None, somebody.project, repositoryName="quay.example.org/team/model"
    )
    somebody.rest("POST", f"/entity/{repository}/dockerCommit", {"tag": "latest", "digest": DIGEST})
    return repository


def test_annotate(organiser, entry, queue):
    numbers = [entry.submit(queue, entry.file) for _ in range(2)]
    organiser.write("scores.json", {"auc": 0.75, "rank": 3, "passed": True, "empty": [], "none": None})
    said = organiser.cnb_tools("submission", "annotate", *numbers, "-f", "scores.json", "--verbose")
    assert said.count('"auc": [\n    0.75\n  ]') == 2
    for number in numbers:
        found = organiser.status(number)
        assert {key: one["value"] for key, one in found["submissionAnnotations"]["annotations"].items()} == {
            "auc": ["0.75"],
            "rank": ["3"],
            "passed": ["true"],
        }
        assert not found.get("annotations", {}).get("doubleAnnos")
    organiser.write("more.json", {"rank": 4})
    organiser.cnb_tools("submission", "annotate", numbers[0], "-f", "more.json", "--legacy")
    found = organiser.status(numbers[0])
    assert found["annotations"]["longAnnos"] == [{"key": "rank", "value": 4, "isPrivate": True}]
    newer = found["submissionAnnotations"]["annotations"]
    assert (newer["rank"]["value"], newer["auc"]["value"]) == (["4"], ["0.75"])


def test_statuses_change_and_are_reset(organiser, entry, queue):
    numbers = [entry.submit(queue, entry.file) for _ in range(2)]
    organiser.cnb_tools("submission", "change-status", *numbers, "SCORED")
    assert [organiser.status(number)["status"] for number in numbers] == ["SCORED", "SCORED"]
    assert "Submission '1' does not exist" in organiser.cnb_tools("submission", "change-status", 1, "SCORED", code=1)
    # With several ids it logs in once for each thread, and one that comes too early calls a submission unknown.
    said = organiser.cnb_tools("submission", "change-status", 1, "SCORED", "--skip-errors")
    assert "Unknown submission ID: 1 - skipping" in said
    organiser.cnb_tools("submission", "reset", numbers[0])
    assert [organiser.status(number)["status"] for number in numbers] == ["RECEIVED", "SCORED"]


def test_get_tells_who_submitted_what(organiser, entry, project, queue):
    number = entry.submit(queue, entry.file, name="Mine")
    name = organiser.rest("GET", f"/entity/{project}")["name"]
    said = organiser.cnb_tools("submission", "get", number, "--verbose")
    assert re.findall(r"^ *(ID|Challenge|Submitter|Status): +(.+)$", said, re.MULTILINE) == [
        ("ID", number),
        ("Challenge", name),
        ("Submitter", entry.name),
        ("Status", "RECEIVED"),
    ]
    said = organiser.cnb_tools("submission", "get", number, "--json")
    found = json.loads(re.search(r"^\{$.*^\}$", said, re.MULTILINE | re.DOTALL)[0])
    assert (found["entity_id"], found["name"], found["evaluation_id"]) == (entry.file, "Mine", queue)


def test_contributors_of_a_team_s_submission(organiser, entry, newcomer, queue):
    colleague = newcomer()
    team = entry.rest("POST", "/team", {"name": f"Team of {entry.name}", "canPublicJoin": True})
    colleague.rest("PUT", f"/team/{team['id']}/member/{colleague.id}")
    eligible = entry.rest("GET", f"/evaluation/{queue}/team/{team['id']}/submissionEligibility")
    found = entry.rest("GET", f"/entity/{entry.file}")
    body = {
        "evaluationId": queue,
        "entityId": entry.file,
        "versionNumber": 1,
        "teamId": team["id"],
        "contributors": [{"principalId": str(one.id)} for one in (entry, colleague)],
    }
    number = entry.rest(
        "POST",
        "/evaluation/submission",
        body,
        etag=found["etag"],
        submissionEligibilityHash=eligible["eligibilityStateHash"],
    )["id"]
    said = organiser.cnb_tools("submission", "get-contributors", number)
    assert set(re.findall(r"^  (\d+)$", said, re.MULTILINE)) == {str(entry.id), str(colleague.id)}
    assert f"Team: {team['id']}" in said
    said = organiser.cnb_tools("submission", "get-contributors", number, "--pretty-print")
    assert f"Team: {team['name']}" in said
    assert set(re.findall(r"^  (newcomer\S+)$", said, re.MULTILINE)) == {entry.name, colleague.name}


def test_download(organiser, entry, queue):
    number = entry.submit(queue, entry.file)
    organiser.cnb_tools("submission", "download", number, "--dest", "down")
    assert organiser.read("down/predictions.csv") == PREDICTIONS
    number = entry.submit(queue, image(entry), dockerDigest=DIGEST)
    said = organiser.cnb_tools("submission", "download", number)
    assert f"docker pull quay.example.org/team/model@{DIGEST}" in said


def test_batch_download(organiser, entry, participant, queue):
    other = participant()
    other.file = other.create_file("id,p\n1,0.9\n", other.project, "mine.txt")
    first, second = entry.submit(queue, entry.file), other.submit(queue, other.file)
    container = entry.submit(queue, image(entry), dockerDigest=DIGEST)
    said = organiser.cnb_tools("submission", "batch-download", queue, "--dest", "all")
    assert f"Skipping submission {container}" in said
    assert "2 file(s) downloaded" in said
    assert organiser.read(f"all/{entry.name}/{first}.csv") == PREDICTIONS
    assert organiser.read(f"all/{other.name}/{second}.txt") == "id,p\n1,0.9\n"
    path = f"/evaluation/submission/{second}/status"
    organiser.rest("PUT", path, organiser.status(second) | {"status": "SCORED"})
    organiser.cnb_tools("submission", "batch-download", queue, "-d", "scored", "-s", "SCORED")
    assert [path.name for path in (organiser.home / "scored").rglob("*.*")] == [f"{second}.txt"]


def test_delete(organiser, entry, queue):
    number = entry.submit(queue, entry.file)
    assert "No deletion was done" in organiser.cnb_tools("submission", "delete", number, typed="n\n")
    assert organiser.rest("GET", f"/evaluation/submission/{number}")["id"] == number
    organiser.cnb_tools("submission", "delete", number, "--force")
    assert organiser.ask("GET", f"/evaluation/submission/{number}").status_code == 404


def rows(said):
    """The rows of a chart: what is counted, how many, how many of a hundred."""
    found = re.findall(r"^ +(\S.*?) {2,}█* *(\d+) +([\d.]+) *$", said, re.MULTILINE)
    return [(what, int(count), share) for what, count, share in found]


def test_summaries(organiser, server, participant, project, queue, unique):
    """Two days of one week, three sectors."""
    team = organiser.rest("POST", "/team", {"name": unique("Participants"), "canPublicJoin": True})["id"]
    organiser.rest("POST", "/challenge", {"projectId": project, "participantTeamId": team})
    empty = organiser.rest("POST", "/evaluation", {"name": unique("Queue"), "contentSource": project})
    name = organiser.rest("GET", f"/evaluation/{queue}")["name"]
    scholar, builder = participant(), participant()
    for somebody, company in ((scholar, "University of Somewhere"), (builder, "Predictions Inc")):
        profile = somebody.rest("GET", "/userProfile")
        somebody.rest("PUT", "/userProfile", profile | {"company": company})
        somebody.rest("PUT", f"/team/{team}/member/{somebody.id}")
    for day, submitters in (("2040-03-05", (scholar,)), ("2040-03-07", (scholar, builder, builder))):
        server.set_clock(now=f"{day}T12:00:00Z")
        for somebody in submitters:
            somebody.submit(queue, somebody.project)
    by_day = rows(organiser.cnb_tools("summarize", "submissions", project))
    assert by_day == [("2040-03-05", 1, "25.0"), ("2040-03-07", 3, "75.0")]
    assert rows(organiser.cnb_tools("summarize", "submissions", project, "--weekly")) == [("2040-W10", 4, "100.0")]
    assert rows(organiser.cnb_tools("summarize", "queues", project)) == [(name, 4, "100.0"), (empty["name"], 0, "0.0")]
    assert rows(organiser.cnb_tools("summarize", "participants", project, "--ignore-empty")) == [
        ("Academia", 1, "33.3"),
        ("Industry / For-profit", 1, "33.3"),
        ("Not specified", 1, "33.3"),
    ]
