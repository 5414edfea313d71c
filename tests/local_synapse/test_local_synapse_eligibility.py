"""Who may submit: registration, rounds, limits, teams and what their members did elsewhere."""

from __future__ import annotations

import json

import pytest

OPENING, IN_MARCH, IN_APRIL = "2031-03-01T00:00:00", "2031-03-05T12:00:00", "2031-04-02T12:00:00"
IN_ROUND = ". (for the current submission round)."
AS_TEAM = "Submitter may not submit as an individual when having submitted as part of a Team"
OUTSIDE = "It is currently outside of the time range allowed for submissions."
CHANGED = "Submissions or Team composition have changed.  Please try again."
INELIGIBLE = "The specified Team is ineligible to submit to the specified Evaluation at this time."


@pytest.fixture
def at(server):
    """Sets the time."""
    return lambda moment: server.set_clock(now=f"{moment}+00:00")


@pytest.fixture
def mate(person, organiser, queue, share):
    """Somebody else who may submit to the queue."""
    somebody = person()
    share(organiser, f"/evaluation/{queue}", somebody.id, "READ", "SUBMIT")
    return somebody


@pytest.fixture
def new_team(unique):
    """Makes a team of somebody and others; returns its id."""

    def new_team(captain, *others):
        made = captain.ok("POST", "/team", {"name": unique("Team"), "canPublicJoin": True})["id"]
        for other in others:
            other.ok("PUT", f"/team/{made}/member/{other.id}")
        return made

    return new_team


@pytest.fixture
def team(submitter, mate, new_team):
    return new_team(submitter, mate)


@pytest.fixture
def march(organiser, queue, at):
    """A round of March with limits, and it is March."""

    def march(**limits):
        at("2031-01-01T00:00:00")
        body = {
            "evaluationId": queue,
            "roundStart": f"{OPENING}.000Z",
            "roundEnd": "2031-04-01T00:00:00.000Z",
            "limits": [{"limitType": kind, "maximumSubmissions": most} for kind, most in limits.items()],
        }
        organiser.ok("POST", f"/evaluation/{queue}/round", body)
        at(IN_MARCH)

    return march


@pytest.fixture
def eligibility(queue):
    return lambda somebody, team: somebody.ok("GET", f"/evaluation/{queue}/team/{team}/submissionEligibility")


@pytest.fixture
def submit_as(wish, eligibility):
    """Submits for a team, with the state of now unless told; returns the answer."""

    def submit_as(somebody, team, *mates, state=None):
        body, query = wish(somebody, teamId=team, contributors=[{"principalId": other.id} for other in mates])
        query["submissionEligibilityHash"] = state or eligibility(somebody, team)["eligibilityStateHash"]
        return somebody("POST", "/evaluation/submission", body, **query)

    return submit_as


@pytest.fixture
def refusal(wish):
    """Submits alone and returns why that is refused."""

    def refusal(somebody, entity=None):
        body, query = wish(somebody, entity)
        status, reason = somebody.refused("POST", "/evaluation/submission", body, **query)
        assert status == 403
        return reason

    return refusal


@pytest.fixture
def challenge(organiser, project, unique):
    """The project is a challenge; returns the team of its participants."""
    participants = organiser.ok("POST", "/team", {"name": unique("Participants"), "canPublicJoin": True})["id"]
    made = organiser.ok("POST", "/challenge", {"projectId": project, "participantTeamId": participants})
    return made["id"], participants


@pytest.mark.rule("T-01")
def test_registration_comes_before_the_time(at, march, challenge, submitter, refusal):
    _, participants = challenge
    march(DAILY=1)
    at(IN_APRIL)
    assert refusal(submitter) == "Submitter is not registered for the challenge."
    submitter.ok("PUT", f"/team/{participants}/member/{submitter.id}")
    assert refusal(submitter) == OUTSIDE


@pytest.mark.rule("T-01")
def test_who_submitted_with_a_team_does_not_submit_alone(
    at, march, submitter, mate, team, submit_as, refusal, new_project
):
    """The team comes before the limit, which its submission fills as well."""
    march(DAILY=1)
    assert submit_as(submitter, team, mate).status_code == 201
    for somebody in (submitter, mate):
        assert refusal(somebody, new_project(somebody)) == AS_TEAM + IN_ROUND


@pytest.mark.rule("T-01", "R-07")
def test_without_rounds_a_team_binds_for_ever(at, submitter, mate, team, submit_as, refusal, new_project):
    """No window, no end: the words say nothing of a round."""
    at(IN_MARCH)
    assert submit_as(submitter, team).status_code == 201
    at("2041-01-01T00:00:00")
    assert refusal(submitter) == f"{AS_TEAM}."
    assert mate("POST", "/evaluation/submission").status_code == 400


@pytest.mark.rule("T-01")
def test_another_round_is_another_chance(at, organiser, queue, march, submitter, team, submit_as, refusal, submit):
    march()
    april = {"evaluationId": queue, "roundStart": "2031-04-01T00:00:00.000Z", "roundEnd": "2031-05-01T00:00:00.000Z"}
    organiser.ok("POST", f"/evaluation/{queue}/round", april)
    assert submit_as(submitter, team).status_code == 201
    assert refusal(submitter) == AS_TEAM + IN_ROUND
    at(IN_APRIL)
    assert submit(submitter)["id"]


@pytest.mark.rule("T-01")
@pytest.mark.parametrize("kind", ["TOTAL", "DAILY", "WEEKLY", "MONTHLY"])
def test_a_limit_names_itself(march, submitter, submit, refusal, kind):
    march(**{kind: 1})
    submit(submitter)
    assert refusal(submitter) == f"Submitter has reached the {kind.lower()} limit of 1{IN_ROUND}"


@pytest.mark.rule("T-02")
def test_a_rejected_team_submission_counts_for_nobody(
    organiser, march, submitter, mate, team, submit_as, eligibility, submit, new_project
):
    march(DAILY=1)
    made = submit_as(submitter, team, mate).json()
    assert eligibility(mate, team)["teamEligibility"]["isQuotaFilled"] is True
    path = f"/evaluation/submission/{made['id']}/status"
    organiser.ok("PUT", path, organiser.ok("GET", path) | {"status": "REJECTED"})
    assert eligibility(mate, team)["teamEligibility"]["isEligible"] is True
    assert submit(mate, new_project(mate))["id"]


@pytest.mark.rule("T-04")
def test_what_a_team_submission_is_refused_for(at, march, submitter, mate, team, submit_as, eligibility, wish):
    march(TOTAL=1)
    state = eligibility(submitter, team)["eligibilityStateHash"]

    def refused(state):
        answer = submit_as(submitter, team, mate, state=state)
        return answer.status_code, answer.json()["reason"]

    at(IN_APRIL)
    assert refused(state) == (403, OUTSIDE)
    at(IN_MARCH)
    for bad in ("x", "1.5", "1_0"):
        assert refused(bad) == (403, f"Submission Eligibilty Hash is invalid: {bad}")
    assert refused(state + 1 if state < 2**31 - 1 else state - 1) == (403, CHANGED)
    assert submit_as(submitter, team, mate, state=state).status_code == 201
    assert refused(state) == (403, CHANGED)
    assert refused(eligibility(submitter, team)["eligibilityStateHash"]) == (403, INELIGIBLE)


@pytest.mark.rule("T-04")
def test_members_who_may_not_contribute_are_named(march, submitter, mate, team, submit, submit_as, new_project):
    """One submitted alone, one is not in the team at all."""
    march(TOTAL=5)
    submit(mate, new_project(mate))
    answer = submit_as(submitter, team, mate)
    words = (
        "The following Team members are ineligible to contribute to a Submission in the specified Evaluation at this "
        f"time [{mate.id}]"
    )
    assert (answer.status_code, answer.json()["reason"]) == (403, words)
    assert submit_as(submitter, team).status_code == 201


@pytest.mark.rule("T-04", "P-04")
def test_synapseclient_repeats_a_team_submission_that_is_behind(server, submitter, team, wish, eligibility):
    """Its retries look for "try again" in the reason, so that the same stale request is sent again."""
    from synapseclient.core.exceptions import SynapseHTTPError

    body, query = wish(submitter, teamId=team)
    stale = eligibility(submitter, team)["eligibilityStateHash"] ^ 1
    path = f"/evaluation/submission?etag={query['etag']}&submissionEligibilityHash={stale}"
    server.reset_calls()
    with pytest.raises(SynapseHTTPError, match=r"Please try again\."):
        submitter.synapse.restPOST(path, json.dumps(body), retryPolicy={"retries": 2, "wait": 0, "max_wait": 0})
    assert server.calls()["POST /repo/v1/evaluation/submission"] == 3


@pytest.mark.rule("T-05")
def test_who_asks_for_a_teams_eligibility_and_when(at, organiser, person, march, queue, submitter, team):
    path = f"/evaluation/{queue}/team/{team}/submissionEligibility"
    assert organiser.refused("GET", path) == (403, "Requester is not a member of the Submission Team.")
    guest = person()
    guest.ok("PUT", f"/team/{team}/member/{guest.id}")
    assert guest.refused("GET", path) == (403, f"User lacks SUBMIT access to Evaluation {queue}")
    assert submitter.refused("GET", f"/evaluation/1/team/{team}/submissionEligibility")[0] == 403
    march()
    assert submitter.ok("GET", path)["teamId"] == team
    at(IN_APRIL)
    refused = submitter.refused("GET", path)
    assert refused == (400, "The given date is outside the time range allowed for submissions.")


@pytest.mark.rule("T-05")
def test_the_hash_changes_with_what_it_is_of_and_with_nothing_else(
    organiser, person, submitter, mate, team, eligibility, submit, submit_as, share, queue, new_project
):
    def state():
        found = eligibility(submitter, team)["eligibilityStateHash"]
        assert eligibility(mate, team)["eligibilityStateHash"] == found
        assert -(2**31) <= found < 2**31
        return found

    def set_status(submission, status):
        path = f"/evaluation/submission/{submission}/status"
        organiser.ok("PUT", path, organiser.ok("GET", path) | {"status": status})

    first = state()
    stranger = person()
    share(organiser, f"/evaluation/{queue}", stranger.id, "READ", "SUBMIT")
    submit(stranger, new_project(stranger))
    assert state() == first
    made = submit(mate, new_project(mate))["id"]
    assert state() != first
    second = state()
    set_status(made, "SCORED")
    assert state() == second
    set_status(made, "INVALID")
    assert state() == first
    assert submit_as(submitter, team, state=first).status_code == 201
    assert state() not in (first, second)


@pytest.mark.rule("T-06", "P-21", "H-05")
def test_without_a_challenge_nobody_is_registered_or_not(submitter, team, eligibility):
    """The key is missing rather than false."""
    found = eligibility(submitter, team)
    assert "isRegistered" not in found["teamEligibility"]
    assert all("isRegistered" not in member for member in found["membersEligibility"])


@pytest.mark.rule("P-21", "T-06")
def test_synapseclient_stumbles_over_a_filled_quota_without_a_challenge(march, submitter, team, submit_as, queue):
    """It reads isRegistered unasked; Synapse leaves it out, and so its users get a KeyError."""
    march(TOTAL=1)
    assert submit_as(submitter, team).status_code == 201
    synapse = submitter.synapse
    name = submitter.ok("GET", f"/team/{team}")["name"]
    with pytest.raises(KeyError, match="isRegistered"):
        synapse.submit(queue, synapse.get(submitter.home), team=name, silent=True)


@pytest.mark.rule("T-06", "H-05", "T-01")
def test_with_a_challenge_members_and_team_are_registered_each(challenge, submitter, mate, team, eligibility):
    challenge_id, participants = challenge
    submitter.ok("PUT", f"/team/{participants}/member/{submitter.id}")

    def registered():
        found = eligibility(submitter, team)
        members = {entry["principalId"]: entry for entry in found["membersEligibility"]}
        return (
            (found["teamEligibility"]["isRegistered"], found["teamEligibility"]["isEligible"]),
            (members[submitter.id]["isRegistered"], members[submitter.id]["isEligible"]),
            (members[mate.id]["isRegistered"], members[mate.id]["isEligible"]),
        )

    assert registered() == ((False, False), (True, True), (False, False))
    submitter.ok("POST", f"/challenge/{challenge_id}/challengeTeam", {"teamId": team})
    mate.ok("PUT", f"/team/{participants}/member/{mate.id}")
    assert registered() == ((True, True), (True, True), (True, True))


@pytest.mark.rule("T-06")
def test_members_conflict_with_what_they_did_elsewhere(
    at, march, person, organiser, queue, share, submitter, mate, team, new_team, submit_as, eligibility
):
    """With another team, too; in an earlier round it does not matter."""
    third = person()
    share(organiser, f"/evaluation/{queue}", third.id, "READ", "SUBMIT")
    other = new_team(submitter, third)
    march(TOTAL=9)
    assert submit_as(submitter, other, third).status_code == 201

    def conflicts(team):
        members = eligibility(submitter, team)["membersEligibility"]
        return {member["principalId"] for member in members if member["hasConflictingSubmission"]}

    assert conflicts(team) == {submitter.id}
    assert conflicts(other) == set()
    april = {"evaluationId": queue, "roundStart": "2031-04-01T00:00:00.000Z", "roundEnd": "2031-05-01T00:00:00.000Z"}
    organiser.ok("POST", f"/evaluation/{queue}/round", april)
    at(IN_APRIL)
    assert conflicts(team) == set()


@pytest.mark.rule("P-09", "S-06")
def test_the_newer_model_cannot_submit_for_a_team(submitter, team, queue, new_file):
    """It sends no hash, which is neither a team's nor one user's submission."""
    from synapseclient.core.exceptions import SynapseHTTPError
    from synapseclient.models import Submission

    file, _ = new_file(submitter, submitter.home)
    submission = Submission(evaluation_id=queue, entity_id=file, team_id=team)
    with pytest.raises(SynapseHTTPError, match="Submission is neither a valid Team or Individual Submission"):
        submission.store(synapse_client=submitter.synapse)


@pytest.mark.rule("S-06")
def test_a_team_submission_lists_the_submitter_once(submitter, mate, team, submit_as):
    made = submit_as(submitter, team, submitter, mate).json()
    listed = [entry["principalId"] for entry in made["contributors"]]
    assert listed == sorted([str(submitter.id), str(mate.id)])


@pytest.mark.rule("S-13")
@pytest.mark.parametrize("unknown", ["team", "contributor"])
def test_principals_that_are_not_there_are_refused_before_anything_is_stored(
    organiser, queue, submitter, team, wish, eligibility, unknown
):
    """Synapse's 500 would make clients wait for half an hour."""
    state = eligibility(submitter, team)["eligibilityStateHash"]
    body, query = wish(submitter, teamId=team)
    body |= {"teamId": "999999999"} if unknown == "team" else {"contributors": [{"principalId": "999999999"}]}
    answer = submitter("POST", "/evaluation/submission", body, **query, submissionEligibilityHash=state)
    assert answer.status_code == 403
    assert organiser("GET", f"/evaluation/{queue}/submission/count").text == "0"
