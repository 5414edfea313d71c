"""Many statuses at once: all or none, in series that a token holds together."""

from __future__ import annotations

import pytest


@pytest.fixture
def statuses(organiser, submitter, submit):
    """The statuses of three submissions."""
    ids = [submit(submitter)["id"] for _ in range(3)]
    return [organiser.ok("GET", f"/evaluation/submission/{number}/status") for number in ids]


@pytest.fixture
def put(organiser, queue):
    def put(statuses, first=True, last=True, token=None, by=None, evaluation=None):
        body = {"isFirstBatch": first, "isLastBatch": last, "statuses": statuses} | (
            {"batchToken": token} if token else {}
        )
        return (by or organiser)("PUT", f"/evaluation/{evaluation or queue}/statusBatch", body)

    return put


@pytest.fixture
def now(organiser, queue):
    return lambda: [
        status["status"] for status in organiser.ok("GET", f"/evaluation/{queue}/submission/status/all")["results"]
    ]


@pytest.mark.rule("B-05")
def test_one_batch(statuses, put, now):
    """B-05: the last one gives no token."""
    assert put([status | {"status": "SCORED"} for status in statuses]).json() == {}
    assert now() == ["SCORED"] * 3


@pytest.mark.rule("B-04")
def test_several_batches(statuses, put, now):
    """B-04."""
    scored = [status | {"status": "SCORED"} for status in statuses]
    token = put(scored[:1], last=False).json()["nextUploadToken"]
    token = put(scored[1:2], first=False, last=False, token=token).json()["nextUploadToken"]
    assert put(scored[2:], first=False, token=token).json() == {}
    assert now() == ["SCORED"] * 3


@pytest.mark.rule("B-04")
def test_somebody_writes_in_between(organiser, statuses, put, now):
    """B-04: any write breaks the sequence."""
    token = put(statuses[:1], last=False).json()["nextUploadToken"]
    path = f"/evaluation/submission/{statuses[2]['id']}/status"
    organiser.ok("PUT", path, organiser.ok("GET", path))
    answer = put(statuses[1:2], first=False, token=token)
    assert (answer.status_code, "batch token is out of date" in answer.json()["reason"]) == (412, True)
    assert put(statuses[1:2], first=False).status_code == 400


@pytest.mark.rule("B-06")
def test_all_or_nothing(statuses, put, now):
    """B-06."""
    scored = [status | {"status": "SCORED"} for status in statuses]
    scored[2]["etag"] = "00000000-0000-0000-0000-000000000000"
    assert put(scored).status_code == 412
    assert now() == ["RECEIVED"] * 3


@pytest.mark.rule("B-01", "B-02", "B-06")
def test_batches_that_are_refused(organiser, statuses, put, queue, project, unique):
    """B-01, B-02, B-06."""
    other = organiser.ok("POST", "/evaluation", {"name": unique("Q"), "contentSource": project})["id"]
    assert put([]).status_code == 400
    assert put([statuses[0]] * 501).status_code == 400
    assert put([statuses[0], statuses[0]]).status_code == 400
    assert put(statuses, evaluation=other).status_code == 400
    assert put([statuses[0] | {"id": "1"}]).status_code == 404
    assert organiser("PUT", f"/evaluation/{queue}/statusBatch", {"statuses": statuses}).status_code == 400


@pytest.mark.rule("B-03")
def test_who_may_write_a_batch(organiser, person, submitter, queue, statuses, put, share):
    """B-03: UPDATE_SUBMISSION is enough."""
    assert put(statuses, by=submitter).status_code == 403
    scorer = person()
    share(organiser, f"/evaluation/{queue}", scorer.id, "UPDATE_SUBMISSION")
    assert put(statuses, by=scorer).status_code == 200


@pytest.mark.rule("B-01")
@pytest.mark.parametrize("missing", ["isFirstBatch", "isLastBatch", "statuses"])
def test_what_a_batch_has_to_say(organiser, queue, statuses, missing):
    body = {"isFirstBatch": True, "isLastBatch": True, "statuses": statuses}
    del body[missing]
    status, reason = organiser.refused("PUT", f"/evaluation/{queue}/statusBatch", body)
    assert (status, reason) == (400, f"{missing} is required.")


@pytest.mark.rule("B-01")
def test_the_largest_batch(organiser, queue, statuses, put):
    many = [statuses[0] | {"id": str(number)} for number in range(1, 502)]
    answer = put(many)
    assert (answer.status_code, answer.json()["reason"]) == (400, "Batch size cannot exceed 500")
    assert put(many[:500]).status_code == 404


@pytest.mark.rule("B-02", "B-07")
def test_submissions_of_one_queue_that_are_all_there(
    organiser, submitter, person, queue, project, unique, share, statuses, put
):
    """Judged before the caller is."""
    other = organiser.ok("POST", "/evaluation", {"name": unique("Q"), "contentSource": project})["id"]
    share(organiser, f"/evaluation/{other}", submitter.id, "READ", "SUBMIT")
    entity = submitter.ok("GET", f"/entity/{submitter.home}")
    body = {"entityId": entity["id"], "versionNumber": 1, "evaluationId": other}
    made = submitter.ok("POST", "/evaluation/submission", body, etag=entity["etag"])
    elsewhere = organiser.ok("GET", f"/evaluation/submission/{made['id']}/status")
    stranger = person()

    def refused(batch, evaluation=queue):
        answer = put(batch, by=stranger, evaluation=evaluation)
        return answer.status_code, answer.json()["reason"]

    assert refused([*statuses, elsewhere]) == (400, "Submission batch must be for a single Evaluation queue.")
    words = "Specified Evaluation ID does not match submissions in the batch."
    assert refused(statuses, other) == (400, words)
    assert refused([elsewhere]) == (400, words)
    assert refused([elsewhere | {"id": "1"}]) == (404, "Submissions are not found in the system.")
    assert refused([statuses[0], elsewhere | {"id": "1"}])[0] == 404
    assert refused([statuses[0] | {"id": None}])[0] == 400
    assert refused(statuses) == (403, f"User lacks UPDATE_SUBMISSION access to Evaluation {queue}")


@pytest.mark.rule("B-04", "S-10")
@pytest.mark.parametrize("event", ["submission", "deletion", "status", "cancellation", "batch"])
def test_everything_in_the_queue_breaks_a_series(organiser, submitter, submit, statuses, put, event):
    path = f"/evaluation/submission/{statuses[2]['id']}"
    status = organiser.ok("PUT", f"{path}/status", organiser.ok("GET", f"{path}/status") | {"canCancel": True})
    token = put(statuses[:1], last=False).json()["nextUploadToken"]
    if event == "submission":
        submit(submitter)
    elif event == "deletion":
        organiser("DELETE", path).raise_for_status()
    elif event == "status":
        organiser.ok("PUT", f"{path}/status", status)
    elif event == "cancellation":
        submitter("PUT", f"{path}/cancellation").raise_for_status()
    else:
        put([status]).raise_for_status()
    answer = put(statuses[1:2], first=False, token=token)
    words = "Your batch token is out of date.  You must restart upload from first batch."
    assert (answer.status_code, answer.json()["reason"]) == (412, words)
    assert put(statuses[1:2]).status_code == 200


@pytest.mark.rule("B-04")
def test_a_first_batch_needs_no_token_and_a_later_one_does(statuses, put):
    assert put(statuses[:1], token="whatever").status_code == 200
    answer = put(statuses[1:2], first=False)
    assert (answer.status_code, answer.json()["reason"]) == (400, "batchToken is required.")


@pytest.mark.rule("B-05")
def test_only_the_last_batch_gives_no_token(statuses, put):
    first = put(statuses[:1], last=False).json()
    assert set(first) == {"nextUploadToken"}
    assert put(statuses[1:2], first=False, token=first["nextUploadToken"]).json() == {}


@pytest.mark.rule("B-06", "U-06", "U-08")
@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"etag": "00000000-0000-0000-0000-000000000000"}, 412),
        ({"score": 2}, 400),
        ({"status": None}, 400),
        ({"submissionAnnotations": {"annotations": {"a b": {"type": "LONG", "value": [1]}}}}, 400),
    ],
)
def test_one_bad_status_spoils_the_batch(statuses, put, now, change, status):
    scored = [entry | {"status": "SCORED"} for entry in statuses]
    scored[2] |= change
    assert put(scored).status_code == status
    assert now() == ["RECEIVED"] * 3


@pytest.mark.rule("B-06")
def test_the_same_submission_twice(statuses, put):
    answer = put([statuses[0], statuses[0]])
    words = f"{statuses[0]['id']} occurs more than once in the SubmissonStatus batch."
    assert (answer.status_code, answer.json()["reason"]) == (400, words)


@pytest.mark.rule("B-08", "Q-03")
def test_the_older_query_hears_of_a_series_when_it_ends(organiser, queue, statuses, put):
    def scored():
        query = f"select objectId from evaluation_{queue} where status == 'SCORED'"
        return organiser.ok("GET", "/evaluation/submission/query", query=query)["totalNumberOfResults"]

    done = [status | {"status": "SCORED"} for status in statuses]
    assert scored() == 0
    token = put(done[:1], last=False).json()["nextUploadToken"]
    assert scored() == 0
    assert put(done[1:], first=False, token=token).status_code == 200
    assert scored() == 3


@pytest.mark.rule("B-05")
def test_the_model_writes_a_series(organiser, queue, statuses, now):
    from synapseclient.models import SubmissionStatus

    synapse = organiser.synapse
    models = [SubmissionStatus(id=status["id"]).get(synapse_client=synapse) for status in statuses]
    for model in models:
        model.status = "VALIDATED"
    first = SubmissionStatus.batch_update_submission_statuses(
        evaluation_id=queue, statuses=models[:2], is_first_batch=True, is_last_batch=False, synapse_client=synapse
    )
    SubmissionStatus.batch_update_submission_statuses(
        evaluation_id=queue,
        statuses=models[2:],
        is_first_batch=False,
        is_last_batch=True,
        batch_token=first["nextUploadToken"],
        synapse_client=synapse,
    )
    assert now() == ["VALIDATED"] * 3
