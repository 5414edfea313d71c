"""What clients of the queues go through when the service is slow, busy or broken."""

from __future__ import annotations

import json

import pytest

TOO_MANY = "Requests are too frequent. Allowed 600 requests every 60 seconds."
PATIENT = {"retries": 5, "wait": 0, "max_wait": 0}
STATUS = "/repo/v1/evaluation/submission/{id}/status"


@pytest.mark.rule("G-13", "G-04")
def test_being_told_to_slow_down(server, organiser, submission):
    path = f"/evaluation/submission/{submission}/status"
    server.fault(operation=f"GET {STATUS}", status=429, reason=TOO_MANY, retry_after=1, count=1)
    answer = organiser("GET", path)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    assert answer.json() == {"concreteType": "org.sagebionetworks.repo.model.ErrorResponse", "reason": TOO_MANY}
    assert organiser.ok("GET", path)["id"] == submission


@pytest.mark.rule("G-13", "P-04")
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_synapseclient_waits_and_asks_again(server, organiser, submission, status):
    server.reset_calls()
    server.fault(operation=f"GET {STATUS}", status=status, count=2)
    found = organiser.synapse.restGET(f"/evaluation/submission/{submission}/status", retryPolicy=PATIENT)
    assert found["id"] == submission
    assert server.calls()[f"GET {STATUS}"] == 3


@pytest.mark.rule("P-04", "G-04")
@pytest.mark.parametrize("status", [403, 404, 409, 412])
def test_synapseclient_takes_a_refusal_as_it_is(server, organiser, submission, status):
    from synapseclient.core.exceptions import SynapseHTTPError

    server.reset_calls()
    server.fault(operation=f"GET {STATUS}", status=status, count=1)
    with pytest.raises(SynapseHTTPError, match="ordered fault"):
        organiser.synapse.restGET(f"/evaluation/submission/{submission}/status", retryPolicy=PATIENT)
    assert server.calls()[f"GET {STATUS}"] == 1


@pytest.mark.rule("P-04", "U-02")
def test_an_answer_that_gets_lost_leaves_a_stale_etag(server, organiser, submission):
    """The status was written; the client that tries again is told that somebody was faster."""
    from synapseclient.core.exceptions import SynapseHTTPError

    path = f"/evaluation/submission/{submission}/status"
    body = organiser.ok("GET", path) | {"status": "SCORED"}
    server.fault(operation=f"PUT {STATUS}", status=503, where="after", count=1)
    with pytest.raises(SynapseHTTPError, match="412"):
        organiser.synapse.restPUT(path, json.dumps(body), retryPolicy=PATIENT)
    assert organiser.ok("GET", path)["status"] == "SCORED"
    assert organiser.ok("GET", path)["statusVersion"] == 1


@pytest.mark.rule("P-04")
def test_a_submission_whose_answer_gets_lost_is_made_twice(server, organiser, submitter, queue):
    """Submitting is not idempotent, and the client repeats it all the same."""
    server.fault(operation="POST /repo/v1/evaluation/submission", status=503, where="after", count=1)
    synapse = submitter.synapse
    synapse.submit(queue, synapse.get(submitter.home), silent=True)
    assert organiser("GET", f"/evaluation/{queue}/submission/count").text == "2"


@pytest.mark.rule("G-15")
def test_every_change_needs_the_current_etag(organiser, queue, project, unique, submission, new_project):
    """Evaluation, its sharing, rounds, statuses, challenges: 412 for all of them."""
    team = organiser.ok("POST", "/team", {"name": unique("Team")})["id"]
    round_body = {
        "evaluationId": queue,
        "roundStart": "2131-01-01T00:00:00.000Z",
        "roundEnd": "2131-02-01T00:00:00.000Z",
    }
    challenge = organiser.ok("POST", "/challenge", {"projectId": project, "participantTeamId": team})
    found = organiser.ok("POST", f"/evaluation/{queue}/round", round_body)
    for path, body in (
        (f"/evaluation/{queue}", organiser.ok("GET", f"/evaluation/{queue}")),
        ("/evaluation/acl", organiser.ok("GET", f"/evaluation/{queue}/acl")),
        (f"/evaluation/{queue}/round/{found['id']}", found),
        (
            f"/evaluation/submission/{submission}/status",
            organiser.ok("GET", f"/evaluation/submission/{submission}/status"),
        ),
        (f"/challenge/{challenge['id']}", challenge),
    ):
        assert organiser.refused("PUT", path, body | {"etag": "00000000-0000-0000-0000-000000000000"})[0] == 412
        changed = organiser.ok("PUT", path, body)
        assert changed["etag"] != body["etag"]
        assert organiser.refused("PUT", path, body)[0] == 412
