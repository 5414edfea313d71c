"""challengeutils 4.3.0 with submissions: what it asks, changes, annotates, fetches and judges."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

pytestmark = pytest.mark.rule("P-16")
PREDICTIONS = "id,p\n1,0.5\n"


@pytest.fixture
def submission(participant, queue):
    """A submission of a file: its id, who made it, what was submitted."""
    somebody = participant()
    file = somebody.create_file(PREDICTIONS, somebody.project, "predictions.csv")
    return somebody.submit(queue, file), somebody, file


def annotate(somebody, submission, state=None, **texts):
    """Set older annotations, readable by all, over plain HTTP."""
    found = somebody.status(submission)
    found["annotations"] = {
        "stringAnnos": [{"key": key, "value": value, "isPrivate": False} for key, value in texts.items()]
    }
    found["status"] = state or found["status"]
    somebody.rest("PUT", f"/evaluation/submission/{submission}/status", found)


def older(found):
    """The older annotations of a status: value and privacy by key."""
    found = found.get("annotations", {})
    kinds = ("stringAnnos", "longAnnos", "doubleAnnos")
    return {one["key"]: (one["value"], one["isPrivate"]) for kind in kinds for one in found.get(kind, [])}


def test_query_writes_a_table_of_submissions(organiser, submission, queue):
    number, somebody, _ = submission
    organiser.challengeutils("query", f"select * from evaluation_{queue}", "--outputfile", "all.csv", "--limit", 1)
    [row] = csv.DictReader(io.StringIO(organiser.read("all.csv")))
    assert (row["objectId"], row["status"], row["submitterId"]) == (number, "RECEIVED", str(somebody.id))
    said = organiser.challengeutils(
        "query", f"select objectId, submitterId, createdOn from evaluation_{queue}", "--render"
    )
    assert re.search(rf"^{number},{somebody.id},20\d\d-\d\d-\d\d .*,{somebody.name}$", said, re.MULTILINE)


def test_change_status(organiser, submission):
    number, _, _ = submission
    organiser.challengeutils("change-status", number, "VALIDATED")
    assert organiser.status(number)["status"] == "VALIDATED"
    assert "400 Client Error" in organiser.challengeutils("change-status", number, "FINISHED", code=1)


def test_annotate_submission_in_both_stores_with_privacy(organiser, submission):
    number, somebody, _ = submission
    organiser.write("scores.json", {"auc": 0.75, "rank": 3, "note": "well done", "empty": [], "none": None})
    organiser.challengeutils("annotate-submission", number, "scores.json")
    found = organiser.status(number)
    assert older(found) == {"auc": (0.75, True), "rank": (3, True), "note": ("well done", True)}
    assert not older(somebody.status(number))
    newer = found["submissionAnnotations"]["annotations"]
    assert {key: (value["type"], value["value"]) for key, value in newer.items()} == {
        "auc": ("DOUBLE", ["0.75"]),
        "rank": ("LONG", ["3"]),
        "note": ("STRING", ["well done"]),
    }
    organiser.write("open.json", {"auc": 0.8})
    refusal = organiser.challengeutils("annotate-submission", number, "open.json", "--to_public", code=1)
    assert "You are trying to change the ACL of these annotation key(s): auc" in refusal
    organiser.challengeutils("annotate-submission", number, "open.json", "--to_public", "--force")
    assert older(organiser.status(number))["auc"] == (0.8, False)
    assert older(somebody.status(number)) == {"auc": (0.8, False)}


def test_annotate_submission_begins_anew_after_a_conflict(organiser, server, submission):
    number, _, _ = submission
    organiser.write("scores.json", {"auc": 0.75})
    server.fault(operation="PUT /repo/v1/evaluation/submission/{id}/status", status=412, count=1)
    server.reset_calls()
    organiser.challengeutils("annotate-submission", number, "scores.json")
    assert server.calls()["PUT /repo/v1/evaluation/submission/{id}/status"] == 2
    assert older(organiser.status(number)) == {"auc": (0.75, True)}


def test_download_submission_of_a_file(organiser, submission, queue):
    number, _, file = submission
    organiser.challengeutils("download-submission", number, "--output", "submission.json")
    assert organiser.read(f"submission-{number}") == PREDICTIONS
    told = json.loads(organiser.read("submission.json"))
    assert (told["entity_id"], told["entity_version"], told["evaluation_id"]) == (file, 1, queue)
    assert told["entity_type"] == "org.sagebionetworks.repo.model.FileEntity"
    assert told["docker_digest"] is None


def test_download_submission_of_an_image(organiser, participant, queue):
    somebody, digest = participant(), f"sha256:{'ab' * 32}"
    repository = somebody.create(
        "docker.DockerRepository", None, somebody.project, repositoryName="quay.example.org/team/model"
    )
    somebody.rest("POST", f"/entity/{repository}/dockerCommit", {"tag": "final", "digest": digest})
    number = somebody.submit(queue, repository, dockerDigest=digest)
    organiser.challengeutils("download-submission", number, "--output", "submission.json")
    told = json.loads(organiser.read("submission.json"))
    assert (told["docker_repository"], told["docker_digest"]) == ("quay.example.org/team/model", digest)
    assert not (organiser.home / f"submission-{number}").exists()


def test_delete_submission(organiser, submission):
    number, _, _ = submission
    organiser.challengeutils("delete-submission", number)
    assert organiser.ask("GET", f"/evaluation/submission/{number}").status_code == 404


def test_the_leading_submission_is_downloaded(organiser, submission, queue):
    """The newest of the same submitter that was scored and has met the cut-off."""
    first, somebody, file = submission
    second, third = somebody.submit(queue, file), somebody.submit(queue, file)
    for number, met in ((first, "false"), (second, "true")):
        annotate(organiser, number, prediction_file_status="SCORED", met_cutoff=met)
    said = organiser.challengeutils("download-current-lead-submission", "-i", third, "-s", "VALIDATED", "-v")
    assert "Downloading no file" not in said
    assert organiser.read("previous_submission.csv") == PREDICTIONS
    said = organiser.challengeutils(
        "download-current-lead-submission", "-i", third, "-s", "VALIDATED", "-a", "other_cutoff"
    )
    assert "Downloading no file" in said


def test_submissions_over_quota_are_told_to_stop(organiser, submission, queue, project):
    prefix = "orgSagebionetworksSynapseWorkflowOrchestrator"
    slow, somebody, file = submission
    quick, waiting = somebody.submit(queue, file), somebody.submit(queue, file)
    started = 1_700_000_000_000
    for number, minutes in ((slow, 90), (quick, 5)):
        found = organiser.status(number)
        times = {"ExecutionStarted": started, "WorkflowLastUpdated": started + minutes * 60_000}
        newer = {f"{prefix}{key}": {"type": "LONG", "value": [str(value)]} for key, value in times.items()}
        found |= {"status": "EVALUATION_IN_PROGRESS", "submissionAnnotations": {"annotations": newer}}
        organiser.rest("PUT", f"/evaluation/submission/{number}/status", found)
    view = organiser.program("submission_view", parent=project, queue=queue)["view"]
    organiser.challengeutils("stop-submission-over-quota", view, 3_600_000)
    remaining = [older(organiser.status(number)).get(f"{prefix}TimeRemaining") for number in (slow, quick, waiting)]
    assert remaining == [(0, False), None, None]


def test_write_ups_are_attached_to_submissions(organiser, submission, queue, project, unique):
    number, somebody, _ = submission
    body = {"name": unique("Write-ups"), "contentSource": project}
    writeups = organiser.rest("POST", "/evaluation", body)["id"]
    organiser.share(f"/evaluation/{writeups}", somebody.id, "READ", "SUBMIT")
    writeup = somebody.submit(writeups, somebody.project)
    annotate(organiser, writeup, writeup_status="VALIDATED", archived="syn4711")
    annotate(organiser, number, prediction_file_status="SCORED")
    organiser.challengeutils("attach-writeup", writeups, queue)
    assert older(somebody.status(number)) == {
        "prediction_file_status": ("SCORED", False),
        "writeUp": (somebody.project, False),
        "archivedWriteUp": ("syn4711", False),
    }


def test_a_project_is_validated_and_archived(organiser, participant, queue, project):
    somebody = participant()
    somebody.create_file("method\n", somebody.project, "method.md")
    somebody.rest("POST", f"/entity/{somebody.project}/wiki", {"title": "", "markdown": "Our method"})
    number = somebody.submit(queue, somebody.project)

    def verdict(*options):
        organiser.challengeutils("validate-project", number, project, *options, "-o", "verdict.json")
        return json.loads(organiser.read("verdict.json"))

    # Organisers see what was submitted through the submission, its sharing not.
    refused = verdict("--public")
    assert refused == {"submission_errors": "Your project is not publicly available.", "submission_status": "INVALID"}
    assert f"Writeup should be shared with {organiser.name}" in verdict("--admin", organiser.name)["submission_errors"]
    somebody.share(f"/entity/{somebody.project}", organiser.id, "READ", "DOWNLOAD")
    assert verdict("--admin", organiser.name) == {"submission_errors": "", "submission_status": "VALIDATED"}
    organiser.challengeutils("archive-project", number, organiser.name, "-o", "archived.json")
    archive = json.loads(organiser.read("archived.json"))["archived"]
    found = organiser.rest("GET", f"/entity/{archive}")
    assert re.fullmatch(rf"Archived Home of {somebody.name} \d+ {number} {somebody.project}", found["name"])
    assert organiser.rest("GET", f"/entity/{archive}/wiki")["markdown"] == "Our method"
    children = organiser.rest("POST", "/entity/children", {"parentId": archive, "includeTypes": ["file"]})["page"]
    assert [child["name"] for child in children] == ["method.md"]


def test_cheat_detection_finds_who_submits_alike_files(organiser, server, participant, queue):
    """Two of three have files of nearly one name, and together more submissions on a day than one may make."""
    one, other, third = participant(), participant(), participant()
    daily = [{"limitType": "DAILY", "maximumSubmissions": 1}]
    times = {"roundStart": "2040-01-01T00:00:00.000Z", "roundEnd": "2040-12-31T00:00:00.000Z"}
    organiser.rest("POST", f"/evaluation/{queue}/round", {"evaluationId": queue, "limits": daily, **times})
    server.set_clock(now="2040-05-05T12:00:00Z")
    for somebody, name in ((one, "predictions_v1.csv"), (other, "predictions_v2.csv"), (third, "QQ.txt")):
        number = somebody.submit(queue, somebody.create_file(PREDICTIONS, somebody.project, name))
        organiser.rest(
            "PUT", f"/evaluation/submission/{number}/status", organiser.status(number) | {"status": "ACCEPTED"}
        )
    report = organiser.challengeutils("cheat-detection", queue).partition("REPORT SUMMARY")[2]
    pairs = re.findall(r"^\| (\S+) +\| (\S+) +\|.*\|$", report.partition("CLUSTER")[0], re.MULTILINE)
    assert pairs == [tuple(sorted((one.name, other.name)))]


def test_send_email(organiser, newcomer):
    somebody, other = newcomer(), newcomer()
    organiser.challengeutils(
        *("send-email", "--userids", somebody.id, other.id),
        *("--subject", "Round 2", "--message", "It begins.\\nGood luck!"),
    )
    for reader in (somebody, other):
        [mail] = organiser.server.mailbox(reader.id)
        assert (mail["subject"], mail["body"]) == ("Round 2", "It begins.<br>Good luck!")


def test_validate_docker_wants_the_password_that_synapse_has_abolished(organiser, submission):
    number, _, _ = submission
    config = organiser.read(".synapseConfig")
    said = organiser.challengeutils("validate-docker", number, "-o", "verdict.json", code=1)
    assert "No section: 'authentication'" in said
    organiser.write(".synapseConfig", config + "[authentication]\nusername = challenge-service\n")
    organiser.challengeutils("validate-docker", number, "-o", "verdict.json")
    assert json.loads(organiser.read("verdict.json")) == {
        "submission_errors": "Synapse config file must have username and password",
        "submission_status": "INVALID",
    }
