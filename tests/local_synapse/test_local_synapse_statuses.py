"""Statuses: replaced as a whole, under their etag, one by one and in batches."""

from __future__ import annotations

import pytest


def double(*values):
    return {"annotations": {"auc": {"type": "DOUBLE", "value": list(values)}}}


@pytest.fixture
def path(submission):
    return f"/evaluation/submission/{submission}/status"


@pytest.mark.rule("P-10", "U-10")
def test_synapseclient_annotates_in_both_stores(organiser, submission):
    """P-10, U-10: each store keeps to itself."""
    from synapseclient.models import SubmissionStatus

    status = SubmissionStatus(id=submission).get(synapse_client=organiser.synapse)
    status.status = "SCORED"
    status.submission_annotations = {"auc": [0.5], "rank": [1], "note": ["good"]}
    status.annotations = {"secret": ["hush"]}
    status.private_status_annotations = True
    status.store(synapse_client=organiser.synapse)
    found = SubmissionStatus(id=submission).get(synapse_client=organiser.synapse)
    assert found.status == "SCORED"
    assert found.submission_annotations == {"auc": [0.5], "rank": [1], "note": ["good"]}
    raw = organiser.ok("GET", f"/evaluation/submission/{submission}/status")
    assert [entry["key"] for entry in raw["annotations"]["stringAnnos"]] == ["secret"]
    assert "secret" not in raw["submissionAnnotations"]["annotations"]


@pytest.mark.rule("U-05")
def test_a_put_replaces_everything(organiser, path):
    """U-05."""
    full = organiser.ok("GET", path) | {
        "score": 0.5,
        "report": "r",
        "canCancel": True,
        "annotations": {"longAnnos": [{"key": "n", "value": 1, "isPrivate": False}]},
        "submissionAnnotations": double(0.5),
    }
    written = organiser.ok("PUT", path, full)
    assert (written["score"], written["report"], written["canCancel"]) == (0.5, "r", True)
    assert written["submissionAnnotations"]["annotations"]["auc"] == {"type": "DOUBLE", "value": ["0.5"]}
    bare = {name: written[name] for name in ("id", "etag", "status", "statusVersion")}
    organiser.ok("PUT", path, bare)
    left = organiser.ok("GET", path)
    for erased in ("score", "report", "canCancel", "annotations", "submissionAnnotations"):
        assert erased not in left


@pytest.mark.rule("U-03")
def test_every_put_counts(organiser, server, path):
    """U-03: a new etag, version and time, even when nothing changed."""
    first = organiser.ok("GET", path)
    server.set_clock(offset_seconds=60)
    second = organiser.ok("PUT", path, first)
    assert second["etag"] != first["etag"]
    assert second["statusVersion"] == first["statusVersion"] + 1
    assert second["modifiedOn"] > first["modifiedOn"]


@pytest.mark.rule("U-02")
def test_the_loser_of_two_writers_writes_nothing(organiser, path):
    """U-02: the etag decides, the version does not."""
    seen = organiser.ok("GET", path)
    won = organiser.ok("PUT", path, seen | {"status": "ACCEPTED", "statusVersion": 99})
    status, reason = organiser.refused("PUT", path, seen | {"status": "INVALID", "statusVersion": 1})
    assert (status, "was updated since you last fetched it" in reason) == (412, True)
    left = organiser.ok("GET", path)
    assert (left["status"], left["etag"], left["statusVersion"]) == ("ACCEPTED", won["etag"], 1)


@pytest.mark.rule("U-02")
@pytest.mark.parametrize(
    ("field", "words"),
    [("etag", "eTag is required."), ("status", "Submission status is"), ("statusVersion", "Status version is")],
)
def test_what_a_put_has_to_carry(organiser, path, field, words):
    """U-02."""
    body = organiser.ok("GET", path)
    del body[field]
    status, reason = organiser.refused("PUT", path, body)
    assert (status, words in reason) == (400, True)


@pytest.mark.rule("U-04")
def test_any_status_may_follow_any_other(organiser, path):
    """U-04."""
    for name in ("SCORED", "RECEIVED", "INVALID", "EVALUATION_IN_PROGRESS", "RECEIVED", "OPEN", "CLOSED"):
        assert organiser.ok("PUT", path, organiser.ok("GET", path) | {"status": name})["status"] == name
    assert organiser.refused("PUT", path, organiser.ok("GET", path) | {"status": "GOOD"})[0] == 400


@pytest.mark.rule("U-01")
def test_who_may_write(organiser, person, submitter, queue, path, share):
    """U-01: both rights are needed."""
    body = organiser.ok("GET", path)
    assert submitter.refused("PUT", path, body)[0] == 403
    scorer = person()
    for kinds in (("READ", "READ_PRIVATE_SUBMISSION"), ("READ", "UPDATE_SUBMISSION")):
        share(organiser, f"/evaluation/{queue}", scorer.id, *kinds)
        assert scorer.refused("PUT", path, body)[0] == 403
    share(organiser, f"/evaluation/{queue}", scorer.id, "READ", "READ_PRIVATE_SUBMISSION", "UPDATE_SUBMISSION")
    assert scorer.ok("PUT", path, body)["statusVersion"] == 1


@pytest.mark.rule("U-01")
def test_path_and_body_name_the_same(organiser, path):
    """U-01."""
    status, reason = organiser.refused("PUT", path, organiser.ok("GET", path) | {"id": "1"})
    assert (status, "does not match requested ID" in reason) == (400, True)


@pytest.mark.rule("U-06")
@pytest.mark.parametrize("score", [-0.1, 1.1])
def test_legacy_scores_have_bounds(organiser, path, score):
    """U-06."""
    assert organiser.refused("PUT", path, organiser.ok("GET", path) | {"score": score})[0] == 400


@pytest.mark.rule("L-03")
def test_the_entity_comes_back_if_it_was_sent(organiser, path):
    """L-03."""
    body = organiser.ok("GET", path)
    assert organiser.ok("PUT", path, body)["entityId"] == body["entityId"]
    body = organiser.ok("GET", path)
    for name in ("entityId", "versionNumber"):
        del body[name]
    assert not {"entityId", "versionNumber"} & set(organiser.ok("PUT", path, body))


@pytest.mark.rule("L-02")
def test_what_readers_see(organiser, submitter, path):
    """L-02: without READ_PRIVATE_SUBMISSION no private entries and nothing of the newer store."""
    entries = [
        {"key": "open", "value": "1", "isPrivate": False},
        {"key": "closed", "value": "2", "isPrivate": True},
        {"key": "unsaid", "value": "3"},
    ]
    body = organiser.ok("GET", path) | {"annotations": {"stringAnnos": entries}, "submissionAnnotations": double(1)}
    organiser.ok("PUT", path, body)
    seen = submitter.ok("GET", path)
    assert [entry["key"] for entry in seen["annotations"]["stringAnnos"]] == ["open"]
    assert "submissionAnnotations" not in seen
    assert len(organiser.ok("GET", path)["annotations"]["stringAnnos"]) == 3


@pytest.mark.rule("L-04")
def test_lists_hide_as_well(organiser, submitter, queue, path):
    """L-04."""
    entries = [{"key": "closed", "value": 0.5, "isPrivate": True}]
    body = organiser.ok("GET", path) | {"annotations": {"doubleAnnos": entries}, "submissionAnnotations": double(1)}
    organiser.ok("PUT", path, body)
    by_list = submitter.ok("GET", f"/evaluation/{queue}/submission/status/all")["results"][0]
    by_bundle = submitter.ok("GET", f"/evaluation/{queue}/submission/bundle")["results"][0]["submissionStatus"]
    for seen in (by_list, by_bundle):
        assert not seen["annotations"].get("doubleAnnos")
        assert "submissionAnnotations" not in seen


@pytest.mark.rule("U-07")
def test_the_older_store(organiser, submission, queue, path):
    """U-07: private unless told, one key once, ids filled in."""
    body = organiser.ok("GET", path)
    lists = {"stringAnnos": [{"key": "a", "value": "x"}], "longAnnos": [{"key": "b", "value": 2}]}
    found = organiser.ok("PUT", path, body | {"annotations": lists})["annotations"]
    assert found["stringAnnos"] == [{"key": "a", "value": "x", "isPrivate": True}]
    assert (found["objectId"], found["scopeId"]) == (submission, queue)
    twice = {"stringAnnos": [{"key": "a", "value": "x"}], "doubleAnnos": [{"key": "a", "value": 0.5}]}
    status, reason = organiser.refused("PUT", path, organiser.ok("GET", path) | {"annotations": twice})
    assert (status, "Duplicate annotations found for key: a" in reason) == (400, True)


@pytest.mark.rule("U-08", "U-09")
def test_the_newer_store(organiser, submission, path):
    """U-08, U-09: values become texts; the ids inside are the server's; an empty set is none."""
    body = organiser.ok("GET", path) | {"submissionAnnotations": double(0.5, 1) | {"id": "9", "etag": "x"}}
    found = organiser.ok("PUT", path, body)
    assert found["submissionAnnotations"]["annotations"]["auc"]["value"] == ["0.5", "1"]
    assert (found["submissionAnnotations"]["id"], found["submissionAnnotations"]["etag"]) == (
        submission,
        found["etag"],
    )
    emptied = organiser.ok("PUT", path, found | {"submissionAnnotations": {"annotations": {}}})
    assert "submissionAnnotations" not in emptied
    bad = organiser.ok("GET", path) | {
        "submissionAnnotations": {"annotations": {"a b": double(1)["annotations"]["auc"]}}
    }
    assert organiser.refused("PUT", path, bad)[0] == 400


class TestBatches:
    """Section B."""

    @pytest.fixture
    def statuses(self, organiser, submitter, submit):
        """The statuses of three submissions."""
        ids = [submit(submitter)["id"] for _ in range(3)]
        return [organiser.ok("GET", f"/evaluation/submission/{number}/status") for number in ids]

    @pytest.fixture
    def put(self, organiser, queue):
        def put(statuses, first=True, last=True, token=None, by=None, evaluation=None):
            body = {"isFirstBatch": first, "isLastBatch": last, "statuses": statuses} | (
                {"batchToken": token} if token else {}
            )
            return (by or organiser)("PUT", f"/evaluation/{evaluation or queue}/statusBatch", body)

        return put

    @pytest.fixture
    def now(self, organiser, queue):
        return lambda: [
            status["status"] for status in organiser.ok("GET", f"/evaluation/{queue}/submission/status/all")["results"]
        ]

    @pytest.mark.rule("B-05")
    def test_one_batch(self, statuses, put, now):
        """B-05: the last one gives no token."""
        assert put([status | {"status": "SCORED"} for status in statuses]).json() == {}
        assert now() == ["SCORED"] * 3

    @pytest.mark.rule("B-04")
    def test_several_batches(self, statuses, put, now):
        """B-04."""
        scored = [status | {"status": "SCORED"} for status in statuses]
        token = put(scored[:1], last=False).json()["nextUploadToken"]
        token = put(scored[1:2], first=False, last=False, token=token).json()["nextUploadToken"]
        assert put(scored[2:], first=False, token=token).json() == {}
        assert now() == ["SCORED"] * 3

    @pytest.mark.rule("B-04")
    def test_somebody_writes_in_between(self, organiser, statuses, put, now):
        """B-04: any write breaks the sequence."""
        token = put(statuses[:1], last=False).json()["nextUploadToken"]
        path = f"/evaluation/submission/{statuses[2]['id']}/status"
        organiser.ok("PUT", path, organiser.ok("GET", path))
        answer = put(statuses[1:2], first=False, token=token)
        assert (answer.status_code, "batch token is out of date" in answer.json()["reason"]) == (412, True)
        assert put(statuses[1:2], first=False).status_code == 400

    @pytest.mark.rule("B-06")
    def test_all_or_nothing(self, statuses, put, now):
        """B-06."""
        scored = [status | {"status": "SCORED"} for status in statuses]
        scored[2]["etag"] = "00000000-0000-0000-0000-000000000000"
        assert put(scored).status_code == 412
        assert now() == ["RECEIVED"] * 3

    @pytest.mark.rule("B-01", "B-02", "B-06")
    def test_batches_that_are_refused(self, organiser, statuses, put, queue, project, unique):
        """B-01, B-02, B-06."""
        other = organiser.ok("POST", "/evaluation", {"name": unique("Q"), "contentSource": project})["id"]
        assert put([]).status_code == 400
        assert put([statuses[0]] * 501).status_code == 400
        assert put([statuses[0], statuses[0]]).status_code == 400
        assert put(statuses, evaluation=other).status_code == 400
        assert put([statuses[0] | {"id": "1"}]).status_code == 404
        assert organiser("PUT", f"/evaluation/{queue}/statusBatch", {"statuses": statuses}).status_code == 400

    @pytest.mark.rule("B-03")
    def test_who_may(self, organiser, person, submitter, queue, statuses, put, share):
        """B-03: UPDATE_SUBMISSION is enough."""
        assert put(statuses, by=submitter).status_code == 403
        scorer = person()
        share(organiser, f"/evaluation/{queue}", scorer.id, "UPDATE_SUBMISSION")
        assert put(statuses, by=scorer).status_code == 200
