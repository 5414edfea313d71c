"""Evaluations: made, found, changed, shared, gone."""

from __future__ import annotations

import pytest

EVERYTHING = {
    "CREATE", "READ", "SUBMIT", "READ_PRIVATE_SUBMISSION", "UPDATE_SUBMISSION", "CHANGE_PERMISSIONS", "UPDATE",
    "DELETE", "DELETE_SUBMISSION",
}  # fmt: skip


def test_synapseclient_makes_finds_changes_and_deletes(organiser, project, unique):
    from synapseclient.core.exceptions import SynapseHTTPError
    from synapseclient.models import Evaluation

    synapse, name = organiser.synapse, unique("By the client")
    made = Evaluation(
        name=name,
        description="d",
        content_source=project,
        submission_instructions_message="i",
        submission_receipt_message="r",
    ).store(synapse_client=synapse)
    found = Evaluation(name=name).get(synapse_client=synapse)
    assert (found.id, found.content_source, found.owner_id) == (made.id, project, str(organiser.id))
    found.description = "changed"
    found.store(synapse_client=synapse)
    listed = Evaluation.get_evaluations_by_project(project, synapse_client=synapse)
    assert [(evaluation.id, evaluation.description) for evaluation in listed] == [(made.id, "changed")]
    assert synapse.getEvaluation(made.id)["name"] == name
    found.delete(synapse_client=synapse)
    with pytest.raises(SynapseHTTPError, match="404"):
        Evaluation(id=made.id).get(synapse_client=synapse)


@pytest.mark.rule("V-01")
def test_who_may_make_one_of_what(organiser, person, project, new_folder, share, unique):
    """V-01: of a project, with CREATE, certified."""
    stranger, novice = person(), person(certified=False)
    body = {"name": unique("Q"), "contentSource": project}
    status, reason = stranger.refused("POST", "/evaluation", body)
    assert (status, "must have CREATE right" in reason) == (403, True)
    share(organiser, f"/entity/{project}", novice.id, "READ", "CREATE")
    assert novice.refused("POST", "/evaluation", body)[0] == 403
    folder = new_folder(organiser, project)
    assert organiser.refused("POST", "/evaluation", body | {"contentSource": folder})[0] == 400
    assert organiser.refused("POST", "/evaluation", {"name": "x"})[0] == 400
    assert organiser.refused("POST", "/evaluation", {"contentSource": project})[0] == 400
    assert organiser.refused("POST", "/evaluation", body | {"name": "a/b"})[0] == 400


@pytest.mark.rule("V-02")
def test_names_are_unique_everywhere(organiser, queue, project, unique):
    """V-02: whatever the case; a taken name is 409 on creation and 400 on renaming."""
    found = organiser.ok("GET", f"/evaluation/{queue}")
    status, reason = organiser.refused("POST", "/evaluation", {"name": found["name"].upper(), "contentSource": project})
    assert (status, "already exists" in reason) == (409, True)
    other = organiser.ok("POST", "/evaluation", {"name": unique("Q"), "contentSource": project})
    assert organiser.refused("PUT", f"/evaluation/{other['id']}", other | {"name": found["name"]})[0] == 400


@pytest.mark.rule("V-03")
def test_the_creator_has_everything_and_nobody_else_anything(organiser, person, project, queue, share):
    """V-03: nothing comes from the project."""
    acl = organiser.ok("GET", f"/evaluation/{queue}/acl")
    assert [(row["principalId"], set(row["accessType"])) for row in acl["resourceAccess"]] == [
        (organiser.id, EVERYTHING)
    ]
    helper = person()
    share(organiser, f"/entity/{project}", helper.id, "READ", "UPDATE", "CREATE", "CHANGE_PERMISSIONS")
    assert helper.refused("GET", f"/evaluation/{queue}")[0] == 403


@pytest.mark.rule("V-04")
def test_it_is_looked_for_before_it_is_judged(person, queue):
    """V-04."""
    stranger = person()
    assert stranger.refused("GET", "/evaluation/1")[0] == 404
    status, reason = stranger.refused("GET", f"/evaluation/{queue}")
    assert (status, f"not authorized to READ evaluation {queue}" in reason) == (403, True)


@pytest.mark.rule("V-05")
def test_submission_services_do_not_tell_what_is_there(person, organiser, anonymous, queue):
    """V-05: 403 for unknown evaluations, too."""
    stranger = person()
    for evaluation in ("1", queue):
        status, reason = stranger.refused("GET", f"/evaluation/{evaluation}/submission/all")
        assert (status, "lacks READ_PRIVATE_SUBMISSION" in reason) == (403, True)
    assert anonymous.refused("GET", f"/evaluation/{queue}/submission/count")[0] == 403


@pytest.mark.rule("V-06")
def test_by_name_closed_and_unknown_look_alike(organiser, person, queue):
    """V-06."""
    name = organiser.ok("GET", f"/evaluation/{queue}")["name"]
    stranger = person()
    closed = stranger.refused("GET", f"/evaluation/name/{name}")
    unknown = stranger.refused("GET", "/evaluation/name/never")
    assert closed == (404, f"No Evaluation found with name {name}")
    assert unknown[0] == 404
    assert organiser.ok("GET", f"/evaluation/name/{name}")["id"] == queue


@pytest.mark.rule("V-07")
def test_a_change_needs_the_last_etag(organiser, queue):
    """V-07: owner and time of creation stay."""
    old = organiser.ok("GET", f"/evaluation/{queue}")
    new = organiser.ok("PUT", f"/evaluation/{queue}", old | {"description": "new", "ownerId": "1", "createdOn": "x"})
    assert (new["ownerId"], new["createdOn"], new["description"]) == (old["ownerId"], old["createdOn"], "new")
    assert organiser.refused("PUT", f"/evaluation/{queue}", old)[0] == 412
    assert organiser.refused("PUT", f"/evaluation/{queue}", new | {"id": "1"})[0] == 400


@pytest.mark.rule("V-09")
def test_lists_hold_what_one_may(organiser, person, queue, project, share, unique):
    """V-09: beside the queues that everybody may read."""
    second = organiser.ok("POST", "/evaluation", {"name": unique("A second"), "contentSource": project})["id"]
    guest = person()

    def ids(path, **query):
        return {found["id"] for found in guest.ok("GET", path, limit=1000, **query)["results"]}

    public = ids("/evaluation")
    share(organiser, f"/evaluation/{queue}", guest.id, "READ")
    share(organiser, f"/evaluation/{second}", guest.id, "READ", "SUBMIT")
    assert ids("/evaluation") == public | {queue, second}
    assert ids("/evaluation", accessType="SUBMIT") == {second}
    assert ids("/evaluation/available") == {second}
    assert ids(f"/entity/{project}/evaluation") == {queue, second}
    assert ids("/evaluation", evaluationIds=f"{queue},1") == {queue}
    names = [found["name"].lower() for found in guest.ok("GET", "/evaluation", limit=1000)["results"]]
    assert names == sorted(names)
    assert guest.refused("GET", "/evaluation", evaluationIds="x")[0] == 400


@pytest.mark.rule("G-08")
def test_totals_are_estimates(organiser, project, unique):
    """G-08: one more than seen while a page is full."""
    for _ in range(3):
        organiser.ok("POST", "/evaluation", {"name": unique("Q"), "contentSource": project})
    path = f"/entity/{project}/evaluation"
    totals = [organiser.ok("GET", path, offset=offset, limit=2)["totalNumberOfResults"] for offset in (0, 2)]
    assert totals == [3, 3]
    assert organiser.ok("GET", path, offset=0, limit=3)["totalNumberOfResults"] == 4


@pytest.mark.rule("V-10")
def test_deleting_needs_two_rights_and_takes_everything_along(organiser, person, queue, submission, share):
    """V-10."""
    helper = person()
    share(organiser, f"/evaluation/{queue}", helper.id, "READ", "DELETE")
    assert helper.refused("DELETE", f"/evaluation/{queue}")[0] == 403
    assert organiser("DELETE", f"/evaluation/{queue}").status_code == 204
    assert organiser.refused("GET", f"/evaluation/{queue}")[0] == 404
    assert organiser.refused("GET", f"/evaluation/submission/{submission}")[0] == 404


@pytest.mark.rule("V-11")
def test_the_list_is_open_and_changes_under_its_etag(organiser, person, queue, share):
    """V-11."""
    old = person().ok("GET", f"/evaluation/{queue}/acl")
    helper = person()
    share(organiser, f"/evaluation/{queue}", helper.id, "READ")
    assert organiser.refused("PUT", "/evaluation/acl", old)[0] == 412
    assert helper.refused("PUT", "/evaluation/acl", helper.ok("GET", f"/evaluation/{queue}/acl"))[0] == 403
    assert organiser.refused("PUT", "/evaluation/acl", old | {"id": "1"})[0] == 404


@pytest.mark.rule("V-11")
def test_services_that_synapse_removed(organiser, queue):
    """V-11: 410."""
    assert organiser.refused("POST", "/evaluation/acl", {"id": queue})[0] == 410
    assert organiser.refused("DELETE", f"/evaluation/{queue}/acl")[0] == 410


@pytest.mark.rule("V-12")
@pytest.mark.parametrize("principal", [273948, 273949, 273950])
def test_nobody_lets_everybody_submit(organiser, queue, principal):
    """V-12: only a team or single users may."""
    acl = organiser.ok("GET", f"/evaluation/{queue}/acl")
    acl["resourceAccess"].append({"principalId": principal, "accessType": ["READ", "SUBMIT"]})
    assert organiser.refused("PUT", "/evaluation/acl", acl)[0] == 400


@pytest.mark.rule("V-13")
def test_permissions_are_of_the_caller(organiser, person, anonymous, queue, share):
    """V-13: no READ needed to ask."""
    scorer = person()
    assert not any(value is True for value in scorer.ok("GET", f"/evaluation/{queue}/permissions").values())
    share(organiser, f"/evaluation/{queue}", scorer.id, "READ", "UPDATE_SUBMISSION", "READ_PRIVATE_SUBMISSION")
    found = scorer.ok("GET", f"/evaluation/{queue}/permissions")
    assert {name for name, value in found.items() if value is True} == {
        "canView",
        "canViewPrivateSubmissionStatusAnnotations",
        "canEditSubmissionStatuses",
    }
    assert found["ownerPrincipalId"] == organiser.id
    share(organiser, f"/evaluation/{queue}", 273949, "READ")
    assert anonymous.ok("GET", f"/evaluation/{queue}/permissions")["canPublicRead"] is True


@pytest.mark.rule("V-05")
def test_the_words_of_the_submission_services(person, anonymous, queue):
    stranger = person()
    for evaluation in (queue, "1"):
        refused = stranger.refused("GET", f"/evaluation/{evaluation}/submission/status/all")
        assert refused == (403, f"User lacks READ access to Evaluation {evaluation}")
        refused = anonymous.refused("GET", f"/evaluation/{evaluation}/submission/all")
        assert refused == (403, "Anonymous user is not allowed to access Evaluation.")


@pytest.mark.rule("V-05")
def test_whether_one_has_a_right(organiser, person, admin, anonymous, queue, share):
    path = f"/evaluation/{queue}/access"
    guest = person()
    share(organiser, f"/evaluation/{queue}", guest.id, "READ")
    share(organiser, f"/evaluation/{queue}", 273949, "READ")
    for somebody, kind, expected in (
        (guest, "READ", True),
        (guest, "SUBMIT", False),
        (anonymous, "READ", True),
        (anonymous, "SUBMIT", False),
        (admin, "DELETE", True),
        (organiser, "DELETE_SUBMISSION", True),
    ):
        assert somebody.ok("GET", path, accessType=kind) == {"result": expected}
    assert guest.ok("GET", "/evaluation/1/access", accessType="READ") == {"result": False}
    assert guest.refused("GET", path, accessType="WRITE")[0] == 400
    assert guest.refused("GET", path)[0] == 400


@pytest.mark.rule("V-04")
def test_what_is_not_there_and_what_one_may_not(person, queue, organiser):
    stranger = person()
    name = organiser.ok("GET", f"/evaluation/{queue}")["name"]
    body = organiser.ok("GET", f"/evaluation/{queue}")
    for method, kind, sent in (("GET", "READ", None), ("PUT", "UPDATE", body), ("DELETE", "DELETE", None)):
        refused = stranger.refused(method, f"/evaluation/{queue}", sent)
        assert refused == (403, f"User {stranger.id} is not authorized to {kind} evaluation {queue} ({name})")
        refused = stranger.refused(method, "/evaluation/1", sent and sent | {"id": "1"})
        assert refused == (404, "Evaluation could not be found with id :1")


@pytest.mark.rule("V-01")
def test_what_the_server_says_of_a_new_one(organiser, project, unique):
    body = {
        "name": f"  {unique('Q')}  ",
        "contentSource": project,
        "id": "1",
        "etag": "mine",
        "ownerId": "1",
        "createdOn": "2001-01-01T00:00:00.000Z",
        "status": "PLANNED",
        "submissionReceiptMessage": "Thanks",
    }
    made = organiser.ok("POST", "/evaluation", body)
    assert made["ownerId"] == str(organiser.id)
    assert made["name"] == body["name"].strip()
    assert made["submissionReceiptMessage"] == "Thanks"
    assert not {"1", "mine", "2001-01-01T00:00:00.000Z"} & {made["id"], made["etag"], made["createdOn"]}


@pytest.mark.rule("V-07")
def test_a_queue_may_move_to_another_project(organiser, queue, new_project, new_folder):
    found = organiser.ok("GET", f"/evaluation/{queue}")
    elsewhere = new_project(organiser)
    moved = organiser.ok("PUT", f"/evaluation/{queue}", found | {"contentSource": elsewhere})
    assert moved["contentSource"] == elsewhere
    listed = organiser.ok("GET", f"/entity/{elsewhere}/evaluation")["results"]
    assert [evaluation["id"] for evaluation in listed] == [queue]
    folder = new_folder(organiser, elsewhere)
    assert organiser.refused("PUT", f"/evaluation/{queue}", moved | {"contentSource": folder})[0] == 400


@pytest.mark.rule("V-07", "G-15")
def test_the_words_for_a_stale_queue(organiser, queue):
    found = organiser.ok("GET", f"/evaluation/{queue}")
    status, reason = organiser.refused("PUT", f"/evaluation/{queue}", found | {"etag": "old"})
    assert (status, reason.startswith(f"Evaluation: {queue} has been updated since you last fetched it")) == (412, True)
    status, reason = organiser.refused("PUT", f"/evaluation/{queue}", found | {"id": "1"})
    assert (status, reason.startswith("Evaluation ID does not match requested ID:")) == (400, True)


@pytest.mark.rule("V-09", "G-10")
def test_lists_of_queues_have_no_longest_page(organiser, person, project, unique, share):
    made = [
        organiser.ok("POST", "/evaluation", {"name": unique(f"{letter} list"), "contentSource": project})["id"]
        for letter in "lkjihgfedcba"
    ]
    path = f"/entity/{project}/evaluation"
    assert len(organiser.ok("GET", path)["results"]) == 10
    every = organiser.ok("GET", path, limit=100000)["results"]
    assert [evaluation["id"] for evaluation in every] == list(reversed(made))
    wanted = ",".join(made[2:5])
    assert len(organiser.ok("GET", path, evaluationIds=wanted)["results"]) == 3
    guest = person()
    for evaluation in made[::4]:
        share(organiser, f"/evaluation/{evaluation}", guest.id, "READ")
    pages = [guest.ok("GET", path, limit=2, offset=offset)["results"] for offset in (0, 2)]
    assert [evaluation["id"] for page in pages for evaluation in page] == list(reversed(made[::4]))
    for query in ({"limit": -1}, {"offset": -1}, {"accessType": "WRITE"}, {"activeOnly": "maybe"}):
        assert organiser.refused("GET", path, **query)[0] == 400


@pytest.mark.rule("V-09")
def test_rights_through_a_team_count_in_lists(organiser, person, queue, unique, share):
    member = person()
    team = member.ok("POST", "/team", {"name": unique("Team")})["id"]
    share(organiser, f"/evaluation/{queue}", int(team), "READ", "SUBMIT")
    for path in ("/evaluation", "/evaluation/available"):
        listed = member.ok("GET", path, limit=100, evaluationIds=queue)["results"]
        assert [evaluation["id"] for evaluation in listed] == [queue]


@pytest.mark.rule("V-12")
def test_what_no_list_may_hold(organiser, queue, person):
    acl = organiser.ok("GET", f"/evaluation/{queue}/acl")
    for entry, words in (
        ({"principalId": 273950, "accessType": ["READ"]}, "Cannot assign permissions to anonymous."),
        ({"principalId": 273949, "accessType": ["READ", "SUBMIT"]}, "Only READ permissions can be assigned to the"),
        ({"principalId": 273948, "accessType": ["SUBMIT"]}, "Only read access on an evaluation can be granted to all"),
        ({"principalId": person().id, "accessType": []}, "No access types specified."),
        ({"principalId": person().id, "accessType": ["WRITE"]}, "accessType"),
        ({"accessType": ["READ"]}, "principalId"),
    ):
        body = acl | {"resourceAccess": [*acl["resourceAccess"], entry]}
        status, reason = organiser.refused("PUT", "/evaluation/acl", body)
        assert (status, words in reason) == (400, True), reason


@pytest.mark.rule("V-12")
def test_who_gives_away_the_right_to_share(organiser, person, queue, share):
    """The owner may, a helper may not."""
    helper = person()
    share(organiser, f"/evaluation/{queue}", helper.id, "READ", "CHANGE_PERMISSIONS")
    acl = helper.ok("GET", f"/evaluation/{queue}/acl")
    without = [entry for entry in acl["resourceAccess"] if entry["principalId"] != helper.id]
    refused = helper.refused("PUT", "/evaluation/acl", acl | {"resourceAccess": without})
    assert refused == (400, "Caller is trying to revoke their own ACL editing permissions.")
    mine = [entry for entry in acl["resourceAccess"] if entry["principalId"] != organiser.id]
    found = organiser.ok("PUT", "/evaluation/acl", acl | {"resourceAccess": mine})
    assert [entry["principalId"] for entry in found["resourceAccess"]] == [helper.id]


@pytest.mark.rule("V-10")
def test_a_removed_queue_leaves_nothing_behind(organiser, person, project, queue, submission, share, unique):
    name = organiser.ok("GET", f"/evaluation/{queue}")["name"]
    helper = person()
    share(organiser, f"/evaluation/{queue}", helper.id, "DELETE", "CHANGE_PERMISSIONS")
    assert helper("DELETE", f"/evaluation/{queue}").status_code == 204
    assert organiser.refused("GET", f"/evaluation/{queue}/acl")[0] == 404
    assert organiser.refused("GET", f"/evaluation/submission/{submission}/status")[0] == 404
    assert organiser.refused("GET", f"/evaluation/{queue}/submission/count")[0] == 403
    assert organiser.ok("POST", "/evaluation", {"name": name, "contentSource": project})["name"] == name


@pytest.mark.rule("V-13")
def test_the_model_reads_permissions(organiser, queue):
    from synapseclient.models import Evaluation

    found = Evaluation(id=queue).get_permissions(synapse_client=organiser.synapse)
    assert (found["canSubmit"], found["canPublicRead"]) == (True, False)


@pytest.mark.rule("V-11", "V-12")
def test_the_model_shares(organiser, person, queue):
    from synapseclient.models import Evaluation

    guest = person()
    evaluation = Evaluation(id=queue)
    evaluation.update_acl(principal_id=guest.id, access_type=["READ", "SUBMIT"], synapse_client=organiser.synapse)
    assert guest.ok("GET", f"/evaluation/{queue}")["id"] == queue
    entries = evaluation.get_acl(synapse_client=organiser.synapse)["resourceAccess"]
    assert {entry["principalId"] for entry in entries} == {organiser.id, guest.id}
    evaluation.update_acl(principal_id=guest.id, access_type=[], synapse_client=organiser.synapse)
    assert guest.refused("GET", f"/evaluation/{queue}")[0] == 403
