"""Lists of submissions, page by page, while the queue changes."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

STATUSES = (
    "OPEN", "CLOSED", "SCORED", "INVALID", "VALIDATED", "EVALUATION_IN_PROGRESS", "RECEIVED", "REJECTED", "ACCEPTED",
)  # fmt: skip


@pytest.fixture
def new_queue(organiser, project, unique, share):
    """Makes a queue that somebody may submit to; returns its id."""

    def new_queue(*submitters):
        made = organiser.ok("POST", "/evaluation", {"name": unique("Q"), "contentSource": project})["id"]
        for somebody in submitters:
            share(organiser, f"/evaluation/{made}", somebody.id, "READ", "SUBMIT")
        return made

    return new_queue


@pytest.fixture
def fill(submitter):
    """Submits so many times to a queue; returns the ids."""

    def fill(queue, times, somebody=submitter):
        entity = somebody.ok("GET", f"/entity/{somebody.home}")
        body = {"entityId": entity["id"], "versionNumber": 1, "evaluationId": queue}
        made = [somebody.ok("POST", "/evaluation/submission", body, etag=entity["etag"]) for _ in range(times)]
        return [submission["id"] for submission in made]

    return fill


@pytest.fixture
def set_status(organiser):
    def set_status(submission, status, **fields):
        path = f"/evaluation/submission/{submission}/status"
        organiser.ok("PUT", path, organiser.ok("GET", path) | {"status": status} | fields)

    return set_status


def id_of(item):
    return item.get("submission", item)["id"]


CHANGES = st.one_of(
    st.just(("submit", 0, "")),
    st.tuples(st.just("status"), st.integers(0, 9), st.sampled_from(("SCORED", "INVALID", "RECEIVED"))),
    st.tuples(st.just("delete"), st.integers(0, 9), st.just("")),
)
LISTS = ("submission/all", "submission/bundle/all", "submission/status/all", "submission", "submission/bundle")


@pytest.mark.rule("L-05", "L-06", "L-08", "G-08")
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(CHANGES, max_size=14), limit=st.integers(1, 4), path=st.sampled_from(LISTS))
def test_pages_hold_what_is_there_in_the_order_of_the_ids(
    organiser, submitter, new_queue, fill, set_status, changes, limit, path
):
    """Whatever was submitted, moved and removed before: each page is that part of the whole list."""
    queue = new_queue(submitter)
    model = dict.fromkeys(fill(queue, 3), "RECEIVED")
    for kind, which, status in changes:
        if kind == "submit":
            model |= dict.fromkeys(fill(queue, 1), "RECEIVED")
        elif model:
            chosen = list(model)[which % len(model)]
            if kind == "status":
                set_status(chosen, status)
                model[chosen] = status
            else:
                organiser("DELETE", f"/evaluation/submission/{chosen}").raise_for_status()
                del model[chosen]
    reader = organiser if path.endswith("all") else submitter
    wishes = [{}] + ([{"status": status} for status in ("RECEIVED", "SCORED")] if path.endswith("all") else [])
    for wish in wishes:
        expected = [key for key, status in model.items() if not wish or status == wish["status"]]
        for offset in range(len(expected) + 2):
            page = reader.ok("GET", f"/evaluation/{queue}/{path}", limit=limit, offset=offset, **wish)
            part = expected[offset : offset + limit]
            assert [id_of(item) for item in page["results"]] == part
            assert page["totalNumberOfResults"] == offset + len(part) + (len(part) == limit)
    assert organiser("GET", f"/evaluation/{queue}/submission/count").text == str(len(model))


@pytest.mark.rule("L-05")
def test_long_lists_page_alike_everywhere(organiser, submitter, new_queue, fill, set_status):
    """Far beyond the first block of ids."""
    queue = new_queue(submitter)
    made = fill(queue, 600)
    for submission in made[::50]:
        set_status(submission, "SCORED")
    for path in LISTS[:3]:
        for offset in (0, 1, 255, 256, 257, 511, 599):
            page = organiser.ok("GET", f"/evaluation/{queue}/{path}", limit=3, offset=offset)["results"]
            assert [id_of(item) for item in page] == made[offset : offset + 3]
        scored = organiser.ok("GET", f"/evaluation/{queue}/{path}", limit=100, status="SCORED")["results"]
        assert [id_of(item) for item in scored] == made[::50]
        last = organiser.ok("GET", f"/evaluation/{queue}/{path}", limit=100, offset=10, status="SCORED")["results"]
        assert [id_of(item) for item in last] == made[::50][10:]
        assert organiser.ok("GET", f"/evaluation/{queue}/{path}", offset=600)["results"] == []


@pytest.mark.rule("L-05", "G-10")
def test_limits_and_what_comes_without_one(organiser, submitter, person, new_queue, fill):
    """The page is judged before the caller."""
    queue = new_queue(submitter)
    fill(queue, 12)
    assert len(organiser.ok("GET", f"/evaluation/{queue}/submission/all")["results"]) == 10
    assert organiser.ok("GET", f"/evaluation/{queue}/submission/all", limit=0)["results"] == []
    stranger = person()
    for path in LISTS:
        for query, words in (
            ({"limit": 101}, "limit must be between 0 and 100"),
            ({"limit": -1}, "limit must be between 0 and 100"),
            ({"offset": -1}, "'offset' may not be negative"),
            ({"limit": "many"}, "limit"),
            ({"offset": 10**30}, "offset"),
        ):
            status, reason = stranger.refused("GET", f"/evaluation/{queue}/{path}", **query)
            assert (status, words in reason) == (400, True), reason


@pytest.mark.rule("L-05")
@pytest.mark.parametrize("status", STATUSES)
def test_a_status_may_be_written_in_any_way(organiser, submitter, new_queue, fill, set_status, status):
    queue = new_queue(submitter)
    other, found = fill(queue, 2)
    set_status(found, status)
    set_status(other, "OPEN" if status != "OPEN" else "CLOSED")
    for written in (status, f" {status.lower()} "):
        page = organiser.ok("GET", f"/evaluation/{queue}/submission/bundle/all", status=written)["results"]
        assert [id_of(item) for item in page] == [found]
    assert len(organiser.ok("GET", f"/evaluation/{queue}/submission/bundle/all", status="")["results"]) == 2


@pytest.mark.rule("L-07", "L-04")
def test_a_bundle_holds_everything(organiser, submitter, new_queue, fill, set_status):
    queue = new_queue(submitter)
    (made,) = fill(queue, 1)
    annotations = {"annotations": {"auc": {"type": "DOUBLE", "value": [0.5]}}}
    set_status(made, "SCORED", submissionAnnotations=annotations)
    (bundle,) = organiser.ok("GET", f"/evaluation/{queue}/submission/bundle/all")["results"]
    assert bundle["submission"] == organiser.ok("GET", f"/evaluation/submission/{made}")
    assert bundle["submissionStatus"] == organiser.ok("GET", f"/evaluation/submission/{made}/status")
    assert json.loads(bundle["submission"]["entityBundleJSON"])["entity"]["id"] == submitter.home
    assert [entry["principalId"] for entry in bundle["submission"]["contributors"]] == [str(submitter.id)]
    assert (bundle["submissionStatus"]["entityId"], bundle["submissionStatus"]["versionNumber"]) == (submitter.home, 1)
    (submission,) = organiser.ok("GET", f"/evaluation/{queue}/submission/all")["results"]
    assert submission == bundle["submission"]
    (status,) = organiser.ok("GET", f"/evaluation/{queue}/submission/status/all")["results"]
    assert status == bundle["submissionStatus"]


@pytest.mark.rule("L-04")
def test_whose_lists_need_which_right(organiser, submitter, person, anonymous, new_queue, fill, share):
    """One's own need none, and hold only what oneself has submitted."""
    queue = new_queue(submitter)
    fill(queue, 1)
    reader, stranger = person(), person()
    share(organiser, f"/evaluation/{queue}", reader.id, "READ")
    for path in (*LISTS[:2], "submission/count"):
        status, reason = reader.refused("GET", f"/evaluation/{queue}/{path}")
        assert (status, reason) == (403, f"User lacks READ_PRIVATE_SUBMISSION access to Evaluation {queue}")
    assert len(reader.ok("GET", f"/evaluation/{queue}/submission/status/all")["results"]) == 1
    assert stranger.refused("GET", f"/evaluation/{queue}/submission/status/all")[0] == 403
    for path in LISTS[3:]:
        assert stranger.ok("GET", f"/evaluation/{queue}/{path}")["results"] == []
        assert organiser.ok("GET", f"/evaluation/{queue}/{path}")["results"] == []
        assert anonymous.ok("GET", f"/evaluation/{queue}/{path}")["results"] == []
        share(organiser, f"/evaluation/{queue}", submitter.id)
        assert len(submitter.ok("GET", f"/evaluation/{queue}/{path}")["results"]) == 1


@pytest.mark.rule("P-05", "G-08")
def test_synapseclient_pages_until_a_page_is_empty(server, organiser, submitter, new_queue, fill):
    queue = new_queue(submitter)
    made = fill(queue, 41)
    server.reset_calls()
    assert [submission["id"] for submission in organiser.synapse.getSubmissions(queue)] == made
    # Pages of 20: two full ones, one of a single submission, and the empty one that ends it.
    assert server.calls()["GET /repo/v1/evaluation/{id}/submission/all"] == 4


@pytest.mark.rule("P-05", "L-04")
def test_the_models_list_and_count(organiser, submitter, new_queue, fill, set_status):
    from synapseclient.models import Submission, SubmissionBundle, SubmissionStatus

    queue = new_queue(submitter)
    made = fill(queue, 3)
    set_status(made[1], "SCORED")
    synapse = organiser.synapse
    listed = Submission.get_evaluation_submissions(evaluation_id=queue, synapse_client=synapse)
    assert [submission.id for submission in listed] == made
    bundles = SubmissionBundle.get_evaluation_submission_bundles(
        evaluation_id=queue, status="SCORED", synapse_client=synapse
    )
    assert [bundle.submission.id for bundle in bundles] == [made[1]]
    assert Submission.get_submission_count(evaluation_id=queue, synapse_client=synapse) == 3
    own = Submission.get_user_submissions(evaluation_id=queue, synapse_client=submitter.synapse)
    assert [submission.id for submission in own] == made
    statuses = SubmissionStatus.get_all_submission_statuses(evaluation_id=queue, limit=2, synapse_client=synapse)
    assert [status.id for status in statuses] == made[:2]


@pytest.mark.rule("P-17", "G-08", "L-05")
def test_the_orchestrator_reads_a_queue(organiser, submitter, new_queue, fill, set_status):
    """It asks while the offset is below the total, and minds an id that comes twice or another status."""
    queue = new_queue(submitter)
    made = fill(queue, 25)
    for submission in made[::3]:
        set_status(submission, "EVALUATION_IN_PROGRESS")
    for status, expected in (
        ("EVALUATION_IN_PROGRESS", made[::3]),
        ("RECEIVED", [submission for submission in made if submission not in made[::3]]),
    ):
        seen, offset, total = [], 0, 1
        while offset < total:
            page = organiser.ok(
                "GET", f"/evaluation/{queue}/submission/bundle/all", status=status, limit=10, offset=offset
            )
            assert {bundle["submissionStatus"]["status"] for bundle in page["results"]} <= {status}
            seen += [bundle["submission"]["id"] for bundle in page["results"]]
            offset, total = offset + 10, page["totalNumberOfResults"]
        assert seen == expected


@pytest.mark.rule("P-17", "U-02", "C-02")
def test_the_orchestrator_claims_and_tries_again(organiser, submitter, new_queue, fill, set_status):
    """A status that somebody else wrote meanwhile is 412, which it reads again for."""
    queue = new_queue(submitter)
    (made,) = fill(queue, 1)
    path = f"/evaluation/submission/{made}/status"
    seen = organiser.ok("GET", path)
    set_status(made, "RECEIVED")
    claim = {"status": "EVALUATION_IN_PROGRESS", "canCancel": True, "cancelRequested": False}
    assert organiser.refused("PUT", path, seen | claim)[0] == 412
    organiser.ok("PUT", path, organiser.ok("GET", path) | claim)
    assert submitter("PUT", f"/evaluation/submission/{made}/cancellation").status_code == 204
    assert organiser.ok("GET", path)["cancelRequested"] is True
