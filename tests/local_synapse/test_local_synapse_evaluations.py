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
    """V-09."""
    second = organiser.ok("POST", "/evaluation", {"name": unique("A second"), "contentSource": project})["id"]
    guest = person()
    assert guest.ok("GET", "/evaluation", limit=100)["results"] == []
    share(organiser, f"/evaluation/{queue}", guest.id, "READ")
    share(organiser, f"/evaluation/{second}", guest.id, "READ", "SUBMIT")

    def ids(path, **query):
        return {found["id"] for found in guest.ok("GET", path, limit=100, **query)["results"]}

    assert ids("/evaluation") == {queue, second}
    assert ids("/evaluation", accessType="SUBMIT") == {second}
    assert ids("/evaluation/available") == {second}
    assert ids(f"/entity/{project}/evaluation") == {queue, second}
    assert ids("/evaluation", evaluationIds=f"{queue},1") == {queue}
    names = [found["name"] for found in guest.ok("GET", "/evaluation")["results"]]
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
