"""Submissions: handed in, read, listed, cancelled, removed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture
def mate(person, organiser, queue, share):
    """Somebody else who may submit to the queue."""
    somebody = person()
    share(organiser, f"/evaluation/{queue}", somebody.id, "READ", "SUBMIT")
    return somebody


@pytest.fixture
def team(submitter, mate, unique):
    """The submitter and the mate."""
    made = submitter.ok("POST", "/team", {"name": unique("Team"), "canPublicJoin": True})["id"]
    mate.ok("PUT", f"/team/{made}/member/{mate.id}")
    return made


@pytest.fixture
def eligibility(queue, team):
    return lambda somebody: somebody.ok("GET", f"/evaluation/{queue}/team/{team}/submissionEligibility")


@pytest.fixture
def open_round(organiser, server, queue):
    """The queue has a round that is open for long, with limits."""

    def open_round(**limits):
        server.set_clock(now="2031-01-01T00:00:00+00:00")
        kinds = [{"limitType": kind, "maximumSubmissions": most} for kind, most in limits.items()]
        body = {
            "evaluationId": queue,
            "roundStart": "2031-01-02T00:00:00.000Z",
            "roundEnd": "2031-12-31T00:00:00.000Z",
            "limits": kinds,
        }
        organiser.ok("POST", f"/evaluation/{queue}/round", body)
        server.set_clock(now="2031-02-01T12:00:00+00:00")

    return open_round


@pytest.mark.rule("S-09", "P-07")
def test_synapseclient_submits_and_the_organiser_downloads(organiser, submitter, queue, tmp_path):
    """S-09, P-07: through the submission, without any right on the entity."""
    from synapseclient.core.exceptions import SynapseHTTPError
    from synapseclient.models import File, Submission

    (tmp_path / "predictions.csv").write_text("id,p\n1,0.5\n")
    file = File(path=str(tmp_path / "predictions.csv"), parent_id=submitter.home).store(
        synapse_client=submitter.synapse
    )
    made = Submission(evaluation_id=queue, entity_id=file.id, name="Mine").store(synapse_client=submitter.synapse)
    with pytest.raises(SynapseHTTPError, match="403"):
        File(id=file.id).get(synapse_client=organiser.synapse)
    found = organiser.synapse.getSubmission(made.id, downloadLocation=str(tmp_path / "down"))
    assert Path(found.filePath).read_text() == "id,p\n1,0.5\n"
    assert (found.name, found.userId, found.evaluationId) == ("Mine", str(submitter.id), queue)
    listed = list(organiser.synapse.getSubmissions(queue))
    assert [submission["id"] for submission in listed] == [made.id]


@pytest.mark.rule("P-08")
def test_synapseclient_submits_for_a_team(organiser, submitter, mate, team, queue, new_folder):
    """P-08: it asks for the eligibility hash by itself."""
    name = submitter.ok("GET", f"/team/{team}")["name"]
    synapse = submitter.synapse
    made = synapse.submit(queue, synapse.get(submitter.home), team=name, silent=True)
    found = organiser.ok("GET", f"/evaluation/submission/{made['id']}")
    assert found["teamId"] == team
    assert {entry["principalId"] for entry in found["contributors"]} == {str(submitter.id), str(mate.id)}


@pytest.mark.rule("S-02")
def test_what_the_server_writes(submitter, queue, submit):
    """S-02."""
    made = submit(submitter, userId="1", id="1", createdOn="yesterday", entityBundleJSON="{}")
    assert made["userId"] == str(submitter.id)
    assert made["id"] != "1"
    assert made["createdOn"].endswith("Z")
    assert made["name"] == submitter.ok("GET", f"/entity/{submitter.home}")["name"]
    assert json.loads(made["entityBundleJSON"])["entity"]["id"] == submitter.home


@pytest.mark.rule("S-07")
def test_a_new_submission_is_received(organiser, submission):
    """S-07."""
    status = organiser.ok("GET", f"/evaluation/submission/{submission}/status")
    assert (status["status"], status["statusVersion"]) == ("RECEIVED", 0)
    for absent in ("canCancel", "cancelRequested", "score", "annotations", "submissionAnnotations"):
        assert absent not in status


@pytest.mark.rule("S-03")
def test_what_was_submitted_stays_as_it_was(organiser, submitter, submit):
    """S-03."""
    made = submit(submitter)
    entity = submitter.ok("GET", f"/entity/{submitter.home}")
    submitter.ok("PUT", f"/entity/{submitter.home}", entity | {"description": "changed"})
    assert organiser.ok("GET", f"/evaluation/submission/{made['id']}") == made


@pytest.mark.rule("S-04")
def test_an_old_version_goes_in_under_the_last_etag(organiser, submitter, wish, new_file):
    """S-04: 400, not 412."""
    file, _ = new_file(submitter, submitter.home)
    entity = submitter.ok("GET", f"/entity/{file}")
    submitter.ok("PUT", f"/entity/{file}", entity, newVersion="true")
    body, query = wish(submitter, file, versionNumber=1)
    status, reason = submitter.refused("POST", "/evaluation/submission", body, etag=entity["etag"])
    assert (status, "eTag is out of date" in reason) == (400, True)
    assert submitter.ok("POST", "/evaluation/submission", body, **query)["versionNumber"] == 1


@pytest.mark.rule("S-01")
def test_the_order_of_the_checks(organiser, person, submitter, project, wish, new_project):
    """S-01: the entity, then the right to submit, then its etag."""
    body, query = wish(submitter)
    assert submitter.refused("POST", "/evaluation/submission", body | {"entityId": project}, **query)[0] == 403
    assert submitter.refused("POST", "/evaluation/submission", body | {"entityId": "syn1"}, **query)[0] == 404
    stranger = person()
    body["entityId"] = new_project(stranger)
    status, reason = stranger.refused("POST", "/evaluation/submission", body, etag="old")
    assert (status, "lacks SUBMIT" in reason) == (403, True)
    del body["versionNumber"]
    assert submitter.refused("POST", "/evaluation/submission", body, **query)[0] == 400


@pytest.mark.rule("S-11", "E-20")
def test_without_download_the_file_stays_behind(organiser, submitter, person, queue, share, wish, new_file):
    """S-11, E-20."""
    owner = person()
    home = owner.ok("POST", "/entity", {"concreteType": "org.sagebionetworks.repo.model.Project"})["id"]
    file, handle = new_file(owner, home)
    share(owner, f"/entity/{home}", submitter.id, "READ")
    body, query = wish(submitter, file)
    made = submitter.ok("POST", "/evaluation/submission", body, **query)
    assert json.loads(made["entityBundleJSON"])["fileHandles"] == []
    assert organiser.refused("GET", f"/evaluation/submission/{made['id']}/file/{handle}")[0] == 404


@pytest.mark.rule("L-09", "G-12")
def test_a_file_through_its_submission(organiser, submitter, submit, new_file):
    """L-09, G-12."""
    file, handle = new_file(submitter, submitter.home)
    made = submit(submitter, file)
    path = f"/evaluation/submission/{made['id']}/file/{handle}"
    assert organiser("GET", path).status_code == 307
    assert organiser("GET", path, redirect="false").text == "https://example.org/data.csv"
    assert submitter.refused("GET", path)[0] == 403


@pytest.mark.rule("S-06")
@pytest.mark.parametrize("change", ["team without a hash", "a second contributor", "a hash without a team"])
def test_neither_a_team_nor_one_user(submitter, mate, team, wish, change):
    """S-06."""
    body, query = wish(submitter)
    if change == "team without a hash":
        body["teamId"] = team
    elif change == "a second contributor":
        body["contributors"] = [{"principalId": mate.id}]
    else:
        query["submissionEligibilityHash"] = "1"
    status, reason = submitter.refused("POST", "/evaluation/submission", body, **query)
    assert (status, "neither a valid Team or Individual" in reason) == (400, True)


@pytest.mark.rule("T-04", "T-05")
def test_the_hash_is_of_the_teams_state(submitter, mate, person, team, wish, eligibility):
    """T-04, T-05: a submission changes it, and so does a new member; asking does not."""
    first = eligibility(submitter)["eligibilityStateHash"]
    assert eligibility(mate)["eligibilityStateHash"] == first
    body, query = wish(submitter, teamId=team)
    submitter.ok("POST", "/evaluation/submission", body, **query, submissionEligibilityHash=first)
    status, reason = submitter.refused("POST", "/evaluation/submission", body, **query, submissionEligibilityHash=first)
    assert (status, "have changed.  Please try again." in reason) == (403, True)
    second = eligibility(submitter)["eligibilityStateHash"]
    guest = person()
    guest.ok("PUT", f"/team/{team}/member/{guest.id}")
    assert len({first, second, eligibility(submitter)["eligibilityStateHash"]}) == 3
    assert submitter.refused("POST", "/evaluation/submission", body, **query, submissionEligibilityHash="x")[0] == 403


@pytest.mark.rule("T-04")
def test_contributors_are_in_the_team(submitter, person, team, wish, eligibility):
    """T-04."""
    stranger = person()
    body, query = wish(submitter, teamId=team, contributors=[{"principalId": stranger.id}])
    state = eligibility(submitter)["eligibilityStateHash"]
    status, reason = submitter.refused("POST", "/evaluation/submission", body, **query, submissionEligibilityHash=state)
    assert (status, str(stranger.id) in reason) == (403, True)


@pytest.mark.rule("T-05")
def test_only_members_ask_whether_a_team_may(organiser, person, queue, team):
    """T-05: with SUBMIT, too."""
    path = f"/evaluation/{queue}/team/{team}/submissionEligibility"
    status, reason = organiser.refused("GET", path)
    assert (status, "not a member" in reason) == (403, True)
    guest = person()
    guest.ok("PUT", f"/team/{team}/member/{guest.id}")
    assert guest.refused("GET", path)[0] == 403


@pytest.mark.rule("T-01", "T-02", "T-06")
def test_a_teams_limit_and_its_members(submitter, mate, team, wish, submit, eligibility, open_round, new_project):
    """T-01, T-02, T-06: a team's submission counts for each contributor."""
    open_round(DAILY=1)
    before = eligibility(submitter)
    assert before["teamEligibility"] == {"isQuotaFilled": False, "isEligible": True}
    body, query = wish(submitter, teamId=team, contributors=[{"principalId": mate.id}])
    query["submissionEligibilityHash"] = before["eligibilityStateHash"]
    submitter.ok("POST", "/evaluation/submission", body, **query)
    after = eligibility(submitter)
    assert (after["teamEligibility"]["isQuotaFilled"], after["teamEligibility"]["isEligible"]) == (True, False)
    assert all(member["isQuotaFilled"] for member in after["membersEligibility"])
    query["submissionEligibilityHash"] = after["eligibilityStateHash"]
    status, reason = submitter.refused("POST", "/evaluation/submission", body, **query)
    assert (status, "Team is ineligible" in reason) == (403, True)
    alone, query = wish(mate, new_project(mate))
    status, reason = mate.refused("POST", "/evaluation/submission", alone, **query)
    assert (status, "as part of a Team" in reason) == (403, True)


@pytest.mark.rule("T-06")
def test_who_submitted_alone_conflicts_with_the_team(submitter, mate, team, submit, eligibility, open_round):
    """T-06."""
    open_round(DAILY=5)
    submit(submitter)
    members = {member["principalId"]: member for member in eligibility(submitter)["membersEligibility"]}
    assert members[submitter.id]["hasConflictingSubmission"] is True
    assert (members[mate.id]["hasConflictingSubmission"], members[mate.id]["isEligible"]) == (False, True)


@pytest.mark.rule("S-10")
def test_team_mates_hear_of_it(server, submitter, mate, team, wish, eligibility):
    """S-10: all but the one who submitted."""
    body, query = wish(submitter, teamId=team, contributors=[{"principalId": mate.id}])
    query["submissionEligibilityHash"] = eligibility(submitter)["eligibilityStateHash"]
    submitter.ok("POST", "/evaluation/submission", body, **query)
    assert [mail["subject"] for mail in server.mailbox(mate.id)] == ["Team Challenge Submission"]
    assert server.mailbox(submitter.id) == []


@pytest.mark.rule("H-01", "H-05", "T-01")
def test_a_challenge_asks_for_registration(organiser, submitter, project, wish, unique):
    """H-01, H-05, T-01."""
    participants = organiser.ok("POST", "/team", {"name": unique("Participants"), "canPublicJoin": True})["id"]
    body, query = wish(submitter)
    challenge = organiser.ok("POST", "/challenge", {"projectId": project, "participantTeamId": participants})
    again = {"projectId": project, "participantTeamId": participants}
    assert organiser.refused("POST", "/challenge", again)[0] == 400
    status, reason = submitter.refused("POST", "/evaluation/submission", body, **query)
    assert (status, reason) == (403, "Submitter is not registered for the challenge.")
    submitter.ok("PUT", f"/team/{participants}/member/{submitter.id}")
    assert submitter.ok("POST", "/evaluation/submission", body, **query)["id"]
    found = organiser.ok("GET", f"/challenge/{challenge['id']}/participant", limit=1)
    assert (len(found["results"]), found["totalNumberOfResults"]) == (1, 2)
    assert organiser("DELETE", f"/challenge/{challenge['id']}").status_code == 200


@pytest.mark.rule("H-03", "T-06")
def test_a_challenge_asks_teams_for_registration(organiser, submitter, project, team, wish, unique, eligibility):
    """H-03, T-06."""
    participants = organiser.ok("POST", "/team", {"name": unique("Participants"), "canPublicJoin": True})["id"]
    challenge = organiser.ok("POST", "/challenge", {"projectId": project, "participantTeamId": participants})["id"]
    path = f"/challenge/{challenge}/challengeTeam"
    assert submitter.refused("POST", path, {"teamId": team})[0] == 403
    submitter.ok("PUT", f"/team/{participants}/member/{submitter.id}")
    assert eligibility(submitter)["teamEligibility"]["isRegistered"] is False
    submitter.ok("POST", path, {"teamId": team})
    assert eligibility(submitter)["teamEligibility"]["isRegistered"] is True
    assert submitter.refused("POST", path, {"teamId": team})[0] == 400


@pytest.mark.rule("L-01", "L-02", "L-04")
def test_submitters_read_their_status_and_list_but_not_the_submission(submitter, mate, queue, submission):
    """L-01, L-02, L-04."""
    assert submitter.refused("GET", f"/evaluation/submission/{submission}")[0] == 403
    assert submitter.ok("GET", f"/evaluation/submission/{submission}/status")["status"] == "RECEIVED"
    for path in ("submission", "submission/bundle"):
        assert len(submitter.ok("GET", f"/evaluation/{queue}/{path}")["results"]) == 1
        assert mate.ok("GET", f"/evaluation/{queue}/{path}")["results"] == []
    for path in ("submission/all", "submission/bundle/all", "submission/count"):
        assert submitter.refused("GET", f"/evaluation/{queue}/{path}")[0] == 403


@pytest.mark.rule("L-05", "L-06", "L-07")
def test_bundles_counts_and_pages(organiser, submitter, queue, submit):
    """L-05, L-06, L-07: in the order of the ids."""
    made = [submit(submitter)["id"] for _ in range(5)]
    path = f"/evaluation/submission/{made[1]}/status"
    organiser.ok("PUT", path, organiser.ok("GET", path) | {"status": "SCORED"})
    bundles = organiser.ok("GET", f"/evaluation/{queue}/submission/bundle/all", limit=3)
    assert [bundle["submission"]["id"] for bundle in bundles["results"]] == made[:3]
    assert bundles["totalNumberOfResults"] == 4
    rest = organiser.ok("GET", f"/evaluation/{queue}/submission/bundle/all", limit=3, offset=3)
    assert [bundle["submissionStatus"]["id"] for bundle in rest["results"]] == made[3:]
    assert rest["totalNumberOfResults"] == 5
    assert organiser("GET", f"/evaluation/{queue}/submission/count").text == "5"
    scored = organiser.ok("GET", f"/evaluation/{queue}/submission/all", status="SCORED")["results"]
    assert [found["id"] for found in scored] == [made[1]]
    assert len(organiser.ok("GET", f"/evaluation/{queue}/submission/status/all")["results"]) == 5


@pytest.mark.rule("L-05")
@pytest.mark.parametrize("query", [{"limit": 101}, {"limit": -1}, {"offset": -1}, {"status": "GOOD"}, {"limit": "x"}])
def test_pages_that_are_refused(person, queue, query):
    """L-05: before the question who asks."""
    assert person().refused("GET", f"/evaluation/{queue}/submission/all", **query)[0] == 400


@pytest.mark.rule("C-01", "C-02")
def test_cancelling(organiser, submitter, mate, submission):
    """C-01, C-02."""
    path = f"/evaluation/submission/{submission}"
    assert submitter.refused("PUT", f"{path}/cancellation")[0] == 403
    status = organiser.ok("GET", f"{path}/status")
    organiser.ok("PUT", f"{path}/status", status | {"status": "EVALUATION_IN_PROGRESS", "canCancel": True})
    assert mate.refused("PUT", f"{path}/cancellation")[0] == 403
    assert submitter("PUT", f"{path}/cancellation").status_code == 204
    found = organiser.ok("GET", f"{path}/status")
    assert (found["cancelRequested"], found["status"]) == (True, "EVALUATION_IN_PROGRESS")
    assert found["statusVersion"] == 2


@pytest.mark.rule("L-08")
def test_removing(organiser, submitter, queue, submission):
    """L-08."""
    assert submitter.refused("DELETE", f"/evaluation/submission/{submission}")[0] == 403
    assert organiser("DELETE", f"/evaluation/submission/{submission}").status_code == 204
    assert organiser.refused("GET", f"/evaluation/submission/{submission}/status")[0] == 404
    assert organiser("GET", f"/evaluation/{queue}/submission/count").text == "0"


@pytest.mark.rule("M-04")
def test_a_team_that_submitted_stays(submitter, team, wish, eligibility):
    """M-04."""
    body, query = wish(submitter, teamId=team)
    query["submissionEligibilityHash"] = eligibility(submitter)["eligibilityStateHash"]
    submitter.ok("POST", "/evaluation/submission", body, **query)
    assert submitter.refused("DELETE", f"/team/{team}")[0] == 400


@pytest.mark.rule("S-02")
def test_what_the_client_cannot_say(submitter, submit, mate):
    """The server's own fields win; contributors joined when the submission was made."""
    made = submit(
        submitter,
        name="Mine",
        submitterAlias="We",
        contributors=[{"principalId": submitter.id, "createdOn": "2001-01-01T00:00:00.000Z"}],
    )
    assert (made["name"], made["submitterAlias"]) == ("Mine", "We")
    assert made["contributors"] == [{"principalId": str(submitter.id), "createdOn": made["createdOn"]}]


@pytest.mark.rule("S-02")
@pytest.mark.parametrize("field", ["versionNumber", "entityId", "evaluationId"])
def test_what_a_submission_has_to_name(submitter, wish, field):
    body, query = wish(submitter)
    del body[field]
    status, reason = submitter.refused("POST", "/evaluation/submission", body, **query)
    assert (status, "required" in reason) == (400, True)
    if field == "versionNumber":
        assert reason == "Entity Version is required."


@pytest.mark.rule("S-01", "S-08")
def test_nobody_chooses_the_round(submitter, wish):
    """Said before the caller's rights are looked at."""
    body, query = wish(submitter, evaluationRoundId="1", evaluationId="1")
    status, reason = submitter.refused("POST", "/evaluation/submission", body, **query)
    assert (status, reason.startswith("Please do not specify any evaluationRoundId.")) == (400, True)


@pytest.mark.rule("S-01", "V-05")
def test_a_queue_that_is_not_there_is_one_that_takes_nothing(submitter, wish):
    body, query = wish(submitter, evaluationId="1")
    refused = submitter.refused("POST", "/evaluation/submission", body, **query)
    assert refused == (403, "User lacks SUBMIT access to Evaluation 1")


@pytest.mark.rule("S-04", "G-15")
def test_a_stale_entity_is_a_bad_request(submitter, wish):
    """400 here, where everything else that is stale is 412."""
    body, query = wish(submitter)
    words = f"The supplied eTag is out of date. Please fetch Entity {submitter.home} again."
    for query in ({"etag": "00000000-0000-0000-0000-000000000000"}, {}):
        assert submitter.refused("POST", "/evaluation/submission", body, **query) == (400, words)


@pytest.mark.rule("S-03")
def test_the_bundle_is_what_was_submitted(organiser, submitter, submit, new_file):
    """Entity, its type, annotations and file handles as they were."""
    file, handle = new_file(submitter, submitter.home)
    path = f"/entity/{file}/annotations2"
    annotations = submitter.ok("GET", path) | {"annotations": {"kind": {"type": "STRING", "value": ["first"]}}}
    submitter.ok("PUT", path, annotations)
    made = submit(submitter, file)
    submitter.ok("PUT", path, submitter.ok("GET", path) | {"annotations": {}})
    found = organiser.ok("GET", f"/evaluation/submission/{made['id']}")
    bundle = json.loads(found["entityBundleJSON"])
    assert (bundle["entity"]["id"], bundle["entityType"]) == (file, "file")
    assert bundle["annotations"]["annotations"] == annotations["annotations"]
    assert [entry["id"] for entry in bundle["fileHandles"]] == [handle]


@pytest.mark.rule("S-05")
def test_only_docker_repositories_have_digests(submitter, submit):
    made = submit(submitter, dockerDigest="sha256:0", dockerRepositoryName="repository")
    assert not {"dockerDigest", "dockerRepositoryName"} & set(made)


@pytest.mark.rule("S-09", "L-09")
def test_files_are_read_through_the_submission(organiser, person, queue, submitter, submit, new_file, share):
    """By whoever reads private submissions, whatever the entity says; with the download scope."""
    file, handle = new_file(submitter, submitter.home)
    made = submit(submitter, file)
    scorer = person()
    share(organiser, f"/evaluation/{queue}", scorer.id, "READ", "READ_PRIVATE_SUBMISSION")
    assert scorer.refused("GET", f"/entity/{file}")[0] == 403
    wish = {
        "requestedFiles": [
            {"fileHandleId": handle, "associateObjectId": made["id"], "associateObjectType": "SubmissionAttachment"}
        ],
        "includePreSignedURLs": True,
    }
    (item,) = scorer.ok("POST", "/fileHandle/batch", wish, "file")["requestedFiles"]
    assert item["preSignedURL"] == "https://example.org/data.csv"
    path = f"/evaluation/submission/{made['id']}/file"
    assert scorer("GET", f"{path}/{handle}", redirect="false").text == "https://example.org/data.csv"
    refused = scorer.refused("GET", f"{path}/1")
    assert refused == (404, f"Submission {made['id']} does not contain the requested FileHandle 1")


@pytest.mark.rule("S-11")
def test_the_status_of_the_queue_gates_nothing(organiser, queue, submitter, submit):
    """It is a field of long ago; permissions, rounds and registration decide."""
    found = organiser.ok("GET", f"/evaluation/{queue}")
    organiser.ok("PUT", f"/evaluation/{queue}", found | {"status": "CLOSED"})
    assert submit(submitter)["id"]


@pytest.mark.rule("S-12")
def test_a_submission_never_changes_but_for_an_administrator(organiser, admin, submitter, mate, submission):
    path = f"/evaluation/submission/{submission}"
    before = organiser.ok("GET", path)
    assert organiser("PUT", path, before | {"name": "other"}).is_error
    assert organiser.refused("POST", f"{path}/contributor", {"principalId": mate.id})[0] == 410
    assert organiser.refused("POST", f"/admin{path}/contributor", {"principalId": mate.id})[0] == 403
    made = admin.ok("POST", f"/admin{path}/contributor", {"principalId": mate.id})
    assert made["principalId"] == str(mate.id)
    assert admin.refused("POST", f"/admin{path}/contributor", {"principalId": mate.id})[0] == 400
    assert admin.refused("POST", f"/admin{path}/contributor", {"principalId": "999999999"})[0] == 400
    assert admin.refused("POST", "/admin/evaluation/submission/1/contributor", {"principalId": mate.id})[0] == 404
    assert organiser.ok("GET", path) == before | {"contributors": [*before["contributors"], made]}


@pytest.mark.rule("T-02", "S-12")
def test_who_was_added_afterwards_has_used_a_slot(
    server, organiser, admin, queue, submitter, mate, submit, wish, open_round, new_project
):
    open_round(DAILY=1)
    made = submit(submitter)
    admin.ok("POST", f"/admin/evaluation/submission/{made['id']}/contributor", {"principalId": mate.id})
    body, query = wish(mate, new_project(mate))
    status, reason = mate.refused("POST", "/evaluation/submission", body, **query)
    assert (status, "daily limit of 1" in reason) == (403, True)


@pytest.mark.rule("L-01")
def test_the_own_submission_is_not_ones_own_to_read(submitter, person, organiser, queue, submission, share):
    path = f"/evaluation/submission/{submission}"
    assert submitter.refused("GET", path) == (403, f"User lacks READ_PRIVATE_SUBMISSION access to Evaluation {queue}")
    assert submitter.refused("GET", "/evaluation/submission/1") == (404, "Submission '1' does not exist")
    share(organiser, f"/evaluation/{queue}", submitter.id, "READ_PRIVATE_SUBMISSION")
    assert submitter.ok("GET", path)["id"] == submission


@pytest.mark.rule("L-06")
def test_a_count_is_a_bare_number(organiser, queue, submission):
    answer = organiser("GET", f"/evaluation/{queue}/submission/count")
    assert (answer.text, answer.headers["content-type"]) == ("1", "application/json")


@pytest.mark.rule("P-07", "S-03")
def test_synapseclient_reads_the_bundle_and_downloads(organiser, submitter, submit, tmp_path, upload):
    handle = upload(submitter, b"id,p\n1,0.5\n", "predictions.csv")
    file = submitter.ok(
        "POST",
        "/entity",
        {
            "concreteType": "org.sagebionetworks.repo.model.FileEntity",
            "parentId": submitter.home,
            "dataFileHandleId": handle,
        },
    )["id"]
    made = submit(submitter, file)
    found = organiser.synapse.getSubmission(made["id"], downloadLocation=str(tmp_path))
    assert Path(found.filePath).read_bytes() == b"id,p\n1,0.5\n"
    assert (found.entity.id, found.entityId) == (file, file)


@pytest.mark.rule("P-08", "P-20")
def test_what_synapseclient_sends_is_understood(organiser, submitter, queue):
    """Nulls for what there is not, version 1 for a project, ids as numbers."""
    synapse = submitter.synapse
    made = synapse.submit(queue, synapse.get(submitter.home), silent=True)
    found = organiser.ok("GET", f"/evaluation/submission/{made['id']}")
    assert found["versionNumber"] == 1
    assert not {"teamId", "dockerDigest", "dockerRepositoryName", "submitterAlias"} & set(found)
    assert [entry["principalId"] for entry in found["contributors"]] == [str(submitter.id)]


@pytest.mark.rule("C-01", "C-02")
def test_cancelling_leaves_the_status_alone(organiser, submitter, submission):
    """A new etag and version, and the batch token moves on; nobody else may, not even who runs the queue."""
    path = f"/evaluation/submission/{submission}"
    assert submitter.refused("PUT", f"{path}/cancellation") == (403, "This submission is currently noncancellable.")
    running = organiser.ok("GET", f"{path}/status") | {"status": "EVALUATION_IN_PROGRESS", "canCancel": True}
    running = organiser.ok("PUT", f"{path}/status", running | {"score": 0.5})
    words = "Only the user who submitted this submission could perform this action."
    assert organiser.refused("PUT", f"{path}/cancellation") == (403, words)
    assert submitter.refused("PUT", "/evaluation/submission/1/cancellation")[0] == 404
    assert submitter("PUT", f"{path}/cancellation").content == b""
    found = organiser.ok("GET", f"{path}/status")
    changed = {name for name in found if found[name] != running.get(name)}
    assert changed <= {"cancelRequested", "etag", "statusVersion", "modifiedOn"}
    assert (found["cancelRequested"], found["statusVersion"]) == (True, running["statusVersion"] + 1)
    assert organiser.refused("PUT", f"{path}/status", running | {"status": "CLOSED"})[0] == 412
    organiser.ok("PUT", f"{path}/status", found | {"canCancel": False, "cancelRequested": False, "status": "INVALID"})
    assert submitter.refused("PUT", f"{path}/cancellation")[0] == 403


@pytest.mark.rule("C-01")
def test_the_model_cancels(organiser, submitter, submission):
    from synapseclient.models import Submission

    path = f"/evaluation/submission/{submission}/status"
    organiser.ok("PUT", path, organiser.ok("GET", path) | {"canCancel": True})
    Submission(id=submission).cancel(synapse_client=submitter.synapse)
    assert organiser.ok("GET", path)["cancelRequested"] is True


@pytest.mark.rule("G-04")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("versionNumber", "first"),
        ("versionNumber", 1.5),
        ("versionNumber", 10**30),
        ("contributors", "me"),
        ("contributors", [{"principalId": {}}]),
        ("entityId", ["syn1"]),
    ],
)
def test_ill_typed_bodies(submitter, wish, field, value):
    """400 with Synapse's error body."""
    body, query = wish(submitter)
    answer = submitter("POST", "/evaluation/submission", body | {field: value}, **query)
    assert answer.status_code == 400
    assert answer.json()["concreteType"] == "org.sagebionetworks.repo.model.ErrorResponse"
    assert field in answer.json()["reason"]
