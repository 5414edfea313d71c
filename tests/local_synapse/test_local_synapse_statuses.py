"""Statuses: replaced as a whole, under their etag, one by one and in batches."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

STATUSES = (
    "OPEN", "CLOSED", "SCORED", "INVALID", "VALIDATED", "EVALUATION_IN_PROGRESS", "RECEIVED", "REJECTED", "ACCEPTED",
)  # fmt: skip


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


@pytest.mark.rule("U-01", "U-02")
def test_the_words_of_refusals(organiser, submission, path):
    body = organiser.ok("GET", path)
    for change, status, reason in (
        ({"id": "1"}, 400, f"Submission ID does not match requested ID: {submission}"),
        ({"etag": None}, 400, "eTag is required."),
        ({"status": None}, 400, "Submission status is required."),
        ({"statusVersion": None}, 400, "Status version is required."),
        ({"score": 1.5}, 400, "Scores must be between 0 and 1. Received score = 1.5"),
        (
            {"etag": "old"},
            412,
            f"Submission Status: {submission} was updated since you last fetched it, retrieve it again and reapply "
            "the update",
        ),
    ):
        assert organiser.refused("PUT", path, body | change) == (status, reason)
    unknown = "/evaluation/submission/1/status"
    assert organiser.refused("PUT", unknown, body | {"id": "1"})[0] == 404
    assert organiser.refused("GET", unknown)[0] == 404


@pytest.mark.rule("U-06")
@pytest.mark.parametrize("score", [0, 1, 0.25, "0.5"])
def test_scores_within_bounds(organiser, path, score):
    assert organiser.ok("PUT", path, organiser.ok("GET", path) | {"score": score})["score"] == float(score)


@pytest.mark.rule("G-06", "U-05")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("statusVersion", "many"),
        ("score", "high"),
        ("canCancel", "perhaps"),
        ("annotations", []),
        ("annotations", {"longAnnos": [{"key": "a", "value": "x"}]}),
        ("submissionAnnotations", {"annotations": []}),
        ("submissionAnnotations", {"annotations": {"a": {"type": "STRING", "value": "x"}}}),
    ],
)
def test_ill_typed_statuses(organiser, path, field, value):
    assert organiser.refused("PUT", path, organiser.ok("GET", path) | {field: value})[0] == 400


@pytest.mark.rule("G-06", "U-05")
def test_unknown_fields_are_not_kept(organiser, path):
    body = organiser.ok("GET", path) | {"mood": "good", "cancelControl": {"canCancel": True}}
    assert not {"mood", "cancelControl"} & set(organiser.ok("PUT", path, body))
    assert not {"mood", "cancelControl"} & set(organiser.ok("GET", path))


@pytest.mark.rule("U-07", "G-06")
def test_values_that_json_has_no_numbers_for(organiser, path):
    """Python's clients write them all the same; they come back as texts."""
    body = organiser.ok("GET", path)
    body["annotations"] = {"doubleAnnos": [{"key": "a", "value": "NaN"}, {"key": "b", "value": "-Infinity"}]}
    text = organiser.http.put(f"/repo/v1{path}", json=body).json()
    values = [entry["value"] for entry in text["annotations"]["doubleAnnos"]]
    assert values == ["NaN", "-Infinity"]


TYPES = {
    "STRING": st.text(max_size=20),
    "LONG": st.integers(-(2**63), 2**63 - 1),
    "DOUBLE": st.floats(allow_nan=False, allow_infinity=False),
    "TIMESTAMP_MS": st.integers(0, 2**41),
    "BOOLEAN": st.booleans(),
}
KEYS = st.text("abcdefgh_.ABC123", min_size=1, max_size=10)
ENTRIES = st.sampled_from(sorted(TYPES)).flatmap(
    lambda kind: st.fixed_dictionaries({"type": st.just(kind), "value": st.lists(TYPES[kind], max_size=4)})
)


def text_of(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.rule("U-08", "U-09", "P-10")
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(annotations=st.dictionaries(KEYS, ENTRIES, max_size=6))
def test_values_come_back_as_texts(organiser, path, annotations):
    """And an empty set of annotations does not come back at all."""
    body = organiser.ok("GET", path) | {"submissionAnnotations": {"annotations": annotations}}
    organiser.ok("PUT", path, body)
    found = organiser.ok("GET", path).get("submissionAnnotations", {}).get("annotations")
    expected = {
        key: {"type": entry["type"], "value": [text_of(value) for value in entry["value"]]}
        for key, entry in annotations.items()
    }
    assert found == (expected or None)


@pytest.mark.rule("U-03", "U-04")
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.sampled_from(STATUSES), min_size=1, max_size=6))
def test_versions_count_whatever_follows_whatever(organiser, path, names):
    version = organiser.ok("GET", path)["statusVersion"]
    etags = set()
    for name in names:
        found = organiser.ok("PUT", path, organiser.ok("GET", path) | {"status": name})
        version += 1
        assert (found["status"], found["statusVersion"]) == (name, version)
        etags.add(found["etag"])
    assert len(etags) == len(names)


@pytest.mark.rule("L-02")
def test_the_private_parts_need_the_right(organiser, person, queue, path, share):
    """READ_PRIVATE_SUBMISSION shows everything, READ neither private entries nor the newer store."""
    entries = {"longAnnos": [{"key": "open", "value": 1, "isPrivate": False}, {"key": "closed", "value": 2}]}
    body = organiser.ok("GET", path) | {"annotations": entries, "submissionAnnotations": double(1)}
    organiser.ok("PUT", path, body)
    reader = person()
    assert reader.refused("GET", path) == (403, f"User lacks READ access to Evaluation {queue}")
    share(organiser, f"/evaluation/{queue}", reader.id, "READ")
    seen = reader.ok("GET", path)
    assert [entry["key"] for entry in seen["annotations"]["longAnnos"]] == ["open"]
    assert "submissionAnnotations" not in seen
    share(organiser, f"/evaluation/{queue}", reader.id, "READ", "READ_PRIVATE_SUBMISSION")
    assert reader.ok("GET", path) == organiser.ok("GET", path)


@pytest.mark.rule("U-10")
def test_each_store_is_written_by_itself(organiser, path):
    body = organiser.ok("GET", path) | {"submissionAnnotations": double(0.5)}
    assert "annotations" not in organiser.ok("PUT", path, body)
    body = organiser.ok("GET", path) | {
        "submissionAnnotations": None,
        "annotations": {"doubleAnnos": [{"key": "auc", "value": 0.5}]},
    }
    assert "submissionAnnotations" not in organiser.ok("PUT", path, body)
