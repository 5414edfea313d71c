"""Teams: who joins, who lets in, who goes."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@pytest.fixture
def captain(person):
    return person()


@pytest.fixture
def closed(captain, unique):
    """A team that one is let into."""
    return captain.ok("POST", "/team", {"name": unique("Closed")})["id"]


@pytest.fixture
def open_team(captain, unique):
    """A team that everybody joins."""
    return captain.ok("POST", "/team", {"name": unique("Open"), "canPublicJoin": True})["id"]


def members(somebody, team):
    rows = somebody.ok("GET", f"/teamMembers/{team}", limit=50)["results"]
    return {int(row["member"]["ownerId"]): row["isAdmin"] for row in rows}


@pytest.mark.rule("P-15", "M-01")
def test_synapseclient_makes_a_team_and_finds_it_by_name(captain, person, unique):
    """P-15."""
    from synapseclient.models import Team

    name = unique("By the client")
    team = Team(name=name, description="d", can_public_join=True).create(synapse_client=captain.synapse)
    assert Team.from_name(name, synapse_client=person().synapse).id == team.id
    found = Team(id=team.id).members(synapse_client=captain.synapse)
    assert [member.member.owner_id for member in found] == [str(captain.id)]
    assert found[0].is_admin is True


@pytest.mark.rule("M-06")
def test_synapseclient_invites(captain, person, closed):
    from synapseclient.models import Team

    guest = person()
    Team(id=int(closed)).invite(user=guest.name, message="Come", synapse_client=captain.synapse)
    invitations = Team(id=int(closed)).open_invitations(synapse_client=captain.synapse)
    assert [invitation["inviteeId"] for invitation in invitations] == [str(guest.id)]
    guest.ok("PUT", f"/team/{closed}/member/{guest.id}")
    assert guest.id in members(guest, closed)
    assert Team(id=int(closed)).open_invitations(synapse_client=captain.synapse) == []


@pytest.mark.rule("M-01")
def test_the_creator_manages(captain, closed):
    """M-01."""
    assert members(captain, closed) == {captain.id: True}


@pytest.mark.rule("M-01")
def test_names_of_teams_and_users_are_one_space(captain, person, open_team):
    """M-01: 409."""
    assert captain.refused("POST", "/team", {"name": person().name})[0] == 409
    name = captain.ok("GET", f"/team/{open_team}")["name"]
    assert person().refused("POST", "/team", {"name": name.upper()})[0] == 409


@pytest.mark.rule("M-01")
@pytest.mark.parametrize("field", ["id", "etag", "createdBy", "modifiedOn"])
def test_what_the_server_writes(captain, unique, field):
    """M-01."""
    status, reason = captain.refused("POST", "/team", {"name": unique("T"), field: "1"})
    assert (status, field in reason) == (400, True)


@pytest.mark.rule("M-01")
def test_a_team_has_a_name_and_a_maker(captain, anonymous, unique):
    assert captain.refused("POST", "/team", {})[0] == 400
    assert anonymous.refused("POST", "/team", {"name": unique("T")})[0] == 403


@pytest.mark.rule("M-02")
def test_everybody_joins_an_open_team(captain, person, open_team):
    """M-02: twice does no harm."""
    guest = person()
    for _ in range(2):
        assert guest("PUT", f"/team/{open_team}/member/{guest.id}").status_code == 204
    assert members(guest, open_team) == {captain.id: True, guest.id: False}


@pytest.mark.rule("M-02")
def test_nobody_walks_into_a_closed_team(captain, person, closed):
    """M-02."""
    guest = person()
    status, reason = guest.refused("PUT", f"/team/{closed}/member/{guest.id}")
    assert (status, "invitation" in reason) == (403, True)
    assert members(captain, closed) == {captain.id: True}


@pytest.mark.rule("M-02", "M-06")
def test_a_request_is_answered_by_a_manager(captain, person, closed):
    """M-02: only the one who asked, only by a manager."""
    guest, other = person(), person()
    assert captain.refused("PUT", f"/team/{closed}/member/{guest.id}")[0] == 403
    guest.ok("POST", "/membershipRequest", {"teamId": closed})
    assert guest.ok("GET", f"/team/{closed}/member/{guest.id}/membershipStatus")["hasOpenRequest"] is True
    assert other.refused("PUT", f"/team/{closed}/member/{guest.id}")[0] == 403
    captain.ok("PUT", f"/team/{closed}/member/{guest.id}")
    status = guest.ok("GET", f"/team/{closed}/member/{guest.id}/membershipStatus")
    assert (status["isMember"], status["hasOpenRequest"]) == (True, False)


@pytest.mark.rule("M-02")
def test_asking_is_no_invitation(captain, person, closed):
    """M-02: a request of one's own lets nobody in."""
    guest = person()
    guest.ok("POST", "/membershipRequest", {"teamId": closed})
    assert guest.refused("PUT", f"/team/{closed}/member/{guest.id}")[0] == 403
    assert members(captain, closed) == {captain.id: True}


@pytest.mark.rule("M-02", "M-06")
def test_the_invited_decide_for_themselves(captain, person, closed):
    """M-02: a manager adds only those who asked."""
    guest = person()
    captain.ok("POST", "/membershipInvitation", {"teamId": closed, "inviteeId": str(guest.id)})
    assert captain.refused("PUT", f"/team/{closed}/member/{guest.id}")[0] == 403
    assert guest.ok("GET", f"/team/{closed}/member/{guest.id}/membershipStatus")["canJoin"] is True


@pytest.mark.rule("M-06")
def test_who_invites_and_whom(captain, person, closed):
    """M-06."""
    guest = person()
    body = {"teamId": closed, "inviteeId": str(guest.id)}
    assert guest.refused("POST", "/membershipInvitation", body)[0] == 403
    assert captain.refused("POST", "/membershipInvitation", {"teamId": closed})[0] == 400
    assert captain.refused("POST", "/membershipInvitation", body | {"inviteeEmail": "a@example.org"})[0] == 400


@pytest.mark.rule("M-03")
def test_who_goes_and_who_stays(captain, person, open_team):
    """M-03."""
    status, reason = captain.refused("DELETE", f"/team/{open_team}/member/{captain.id}")
    assert (status, "last member" in reason) == (403, True)
    first, second = person(), person()
    for guest in (first, second):
        guest.ok("PUT", f"/team/{open_team}/member/{guest.id}")
    assert first.refused("DELETE", f"/team/{open_team}/member/{second.id}")[0] == 403
    status, reason = captain.refused("DELETE", f"/team/{open_team}/member/{captain.id}")
    assert (status, "manager" in reason) == (400, True)
    assert first("DELETE", f"/team/{open_team}/member/{first.id}").status_code == 204
    assert captain("DELETE", f"/team/{open_team}/member/{second.id}").status_code == 204
    assert members(captain, open_team) == {captain.id: True}


@pytest.mark.rule("M-03")
def test_a_second_manager_takes_over(captain, person, open_team):
    """M-03: managers are made by the team's list."""
    heir = person()
    heir.ok("PUT", f"/team/{open_team}/member/{heir.id}")
    acl = captain.ok("GET", f"/team/{open_team}/acl")
    kinds = next(row["accessType"] for row in acl["resourceAccess"] if row["principalId"] == captain.id)
    acl["resourceAccess"].append({"principalId": heir.id, "accessType": kinds})
    captain.ok("PUT", "/team/acl", acl)
    assert members(captain, open_team) == {captain.id: True, heir.id: True}
    captain.ok("DELETE", f"/team/{open_team}/member/{captain.id}")
    assert members(heir, open_team) == {heir.id: True}


@pytest.mark.rule("M-03")
def test_a_manager_who_left_manages_no_more(admin, captain, person, open_team):
    """M-02, M-03."""
    heir, guest = person(), person()
    heir.ok("PUT", f"/team/{open_team}/member/{heir.id}")
    acl = captain.ok("GET", f"/team/{open_team}/acl")
    kinds = next(row["accessType"] for row in acl["resourceAccess"] if row["principalId"] == captain.id)
    acl["resourceAccess"].append({"principalId": heir.id, "accessType": kinds})
    captain.ok("PUT", "/team/acl", acl)
    heir.ok("DELETE", f"/team/{open_team}/member/{heir.id}")
    invitation = {"teamId": open_team, "inviteeId": str(guest.id)}
    assert heir.refused("POST", "/membershipInvitation", invitation)[0] == 403


@pytest.mark.rule("M-05")
def test_members_are_open_to_everybody(captain, anonymous, open_team):
    """M-05."""
    assert members(anonymous, open_team) == {captain.id: True}
    assert anonymous.ok("GET", f"/teamMembers/count/{open_team}") == {"count": 1}


@pytest.mark.rule("M-01")
def test_a_team_is_changed_by_its_managers(captain, person, open_team):
    team = captain.ok("GET", f"/team/{open_team}")
    guest = person()
    guest.ok("PUT", f"/team/{open_team}/member/{guest.id}")
    assert guest.refused("PUT", "/team", team)[0] == 403
    changed = captain.ok("PUT", "/team", team | {"description": "new"})
    assert changed["description"] == "new"
    assert captain.refused("PUT", "/team", team)[0] == 412
    assert guest.refused("DELETE", f"/team/{open_team}")[0] == 403


@pytest.mark.rule("M-04")
def test_an_unused_team_goes(captain, open_team):
    assert captain("DELETE", f"/team/{open_team}").status_code == 204
    assert captain.refused("GET", f"/team/{open_team}")[0] == 404


@pytest.mark.rule("M-04")
def test_a_team_that_a_list_names_stays(organiser, captain, open_team, project, share):
    """M-04."""
    share(organiser, f"/entity/{project}", int(open_team), "READ")
    assert captain.refused("DELETE", f"/team/{open_team}")[0] == 400
    assert captain.ok("GET", f"/team/{open_team}")["id"] == open_team


def test_the_teams_of_a_user(captain, open_team, closed):
    found = captain.ok("GET", f"/user/{captain.id}/team", limit=50)["results"]
    assert {team["id"] for team in found} == {open_team, closed}


@pytest.mark.rule("M-01")
@given(marks=st.lists(st.sampled_from([" ", ".", "-", "_", ""]), min_size=12, max_size=12), data=st.data())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_only_letters_and_digits_make_a_name_another(captain, unique, marks, data):
    """A name differs from another in more than its case and its marks."""
    letters = unique("T").replace(" ", "").replace("-", "")[:12]
    captain.ok("POST", "/team", {"name": letters})
    varied = "".join(
        mark + data.draw(st.sampled_from([letter.lower(), letter.upper()]))
        for mark, letter in zip(marks, letters, strict=False)
    )
    status, reason = captain.refused("POST", "/team", {"name": varied})
    assert (status, reason) == (409, f"Name {varied} is already used.")


@pytest.mark.rule("M-01")
def test_what_a_team_may_be_called(captain, unique):
    for name in ("ab", "Team: one", "Tëam"):
        status, reason = captain.refused("POST", "/team", {"name": name})
        assert (status, "at least 3 characters" in reason) == (400, True)
    for name in (f"{unique('T')}.x", unique("a_b-c")):
        assert captain.ok("POST", "/team", {"name": name})["name"] == name


@pytest.mark.rule("M-01", "G-15")
def test_a_team_is_replaced_under_its_etag(captain, open_team, person, unique):
    team = captain.ok("GET", f"/team/{open_team}")
    for field in ("id", "etag", "name"):
        body = {key: value for key, value in team.items() if key != field}
        assert captain.refused("PUT", "/team", body) == (400, f"'{field}' field is missing.")
    assert captain.refused("PUT", "/team", team | {"name": person().name})[0] == 409
    body = {"id": team["id"], "etag": team["etag"], "name": unique("Renamed")}
    changed = captain.ok("PUT", "/team", body)
    assert changed["etag"] != team["etag"]
    assert "canPublicJoin" not in changed
    assert (changed["createdOn"], changed["modifiedBy"]) == (team["createdOn"], str(captain.id))
    assert captain.ok("GET", f"/team/{open_team}") == changed
    assert captain.ok("POST", "/team", {"name": team["name"]})["id"] != open_team


@pytest.mark.rule("G-06")
def test_ill_typed_fields_of_a_team(captain, unique):
    assert captain.refused("POST", "/team", {"name": unique("T"), "canPublicJoin": "perhaps"})[0] == 400
    assert captain.refused("POST", "/team", {"name": ["T"]})[0] == 400
    made = captain.ok("POST", "/team", {"name": 10**6 + captain.id, "canPublicJoin": "true", "other": 1})
    assert (made["name"], made["canPublicJoin"]) == (str(10**6 + captain.id), True)
    assert "other" not in made


def test_the_icon_of_a_team(captain, person, open_team, upload):
    icon = upload(captain, b"a picture", "icon.png")
    team = captain.ok("GET", f"/team/{open_team}")
    assert captain.refused("GET", f"/team/{open_team}/icon")[0] == 404
    captain.ok("PUT", "/team", team | {"icon": icon})
    url = person()("GET", f"/team/{open_team}/icon", redirect="false").text
    assert httpx.get(url).content == b"a picture"
    status, reason = person().refused("POST", "/team", {"name": team["name"] + " 2", "icon": icon})
    assert (status, "icon" in reason) == (403, True)


@pytest.mark.rule("M-02")
def test_a_manager_joins_and_an_administrator_adds_anybody(admin, captain, person, closed, open_team):
    """A member whom somebody adds again stays what they are."""
    guest = person()
    admin.ok("PUT", f"/team/{closed}/member/{guest.id}")
    guest.ok("PUT", f"/team/{closed}/member/{captain.id}")
    assert members(captain, closed) == {captain.id: True, guest.id: False}
    other = person()
    assert captain.refused("PUT", f"/team/{open_team}/member/{other.id}") == (
        403,
        "The prospective member must request to join the team.",
    )
    assert guest.refused("PUT", f"/team/{open_team}/member/{other.id}") == (
        403,
        "You must be a team manager to perform this operation.",
    )
    assert captain.refused("PUT", "/team/1/member/999999999")[0] == 404


@pytest.mark.rule("M-03")
def test_a_list_leaves_a_team_a_manager(captain, person, open_team):
    acl = captain.ok("GET", f"/team/{open_team}/acl")
    without = [row for row in acl["resourceAccess"] if row["principalId"] != captain.id]
    assert captain.refused("PUT", "/team/acl", acl | {"resourceAccess": without}) == (
        400,
        "Team must have at least one team manager.",
    )
    assert captain.ok("GET", f"/team/{open_team}/acl") == acl
    assert person().refused("PUT", "/team/acl", acl)[0] == 403
    changed = captain.ok("PUT", "/team/acl", acl)
    assert changed["etag"] != acl["etag"]
    assert changed["creationDate"] == acl["creationDate"]
    assert captain.refused("PUT", "/team/acl", acl)[0] == 412
    unknown = [{"principalId": captain.id, "accessType": ["TO_FLY"]}]
    assert captain.refused("PUT", "/team/acl", changed | {"resourceAccess": unknown})[0] == 400


@pytest.mark.rule("M-03")
def test_the_older_way_to_make_a_manager(captain, person, open_team):
    heir = person()
    heir.ok("PUT", f"/team/{open_team}/member/{heir.id}")
    path = f"/team/{open_team}/member/{heir.id}/permission"
    assert heir.refused("PUT", path, isAdmin="true")[0] == 403
    captain.ok("PUT", path, isAdmin="true")
    assert members(captain, open_team) == {captain.id: True, heir.id: True}
    heir.ok("PUT", f"/team/{open_team}/member/{captain.id}/permission", isAdmin="false")
    assert members(captain, open_team) == {captain.id: False, heir.id: True}
    assert heir.refused("PUT", path, isAdmin="false")[0] == 400
    assert captain.refused("PUT", path, isAdmin="false")[0] == 403


@pytest.mark.rule("M-03")
def test_going_twice_is_going_once(captain, person, open_team):
    guest = person()
    guest.ok("PUT", f"/team/{open_team}/member/{guest.id}")
    for _ in range(2):
        assert guest("DELETE", f"/team/{open_team}/member/{guest.id}").status_code == 204
    assert members(captain, open_team) == {captain.id: True}


@pytest.mark.rule("M-04")
def test_a_team_that_submitted_stays(captain, open_team, organiser, project, share, queue, new_project):
    share(organiser, f"/evaluation/{queue}", captain.id, "READ", "SUBMIT")
    entity = captain.ok("GET", f"/entity/{new_project(captain)}")
    found = captain.ok("GET", f"/evaluation/{queue}/team/{open_team}/submissionEligibility")
    body = {"entityId": entity["id"], "versionNumber": 1, "evaluationId": queue, "teamId": open_team}
    body["contributors"] = [{"principalId": str(captain.id)}]
    query = {"etag": entity["etag"], "submissionEligibilityHash": found["eligibilityStateHash"]}
    captain.ok("POST", "/evaluation/submission", body, **query)
    status, reason = captain.refused("DELETE", f"/team/{open_team}")
    assert (status, "most likely because it is referenced by a submission" in reason) == (400, True)


@pytest.mark.rule("M-04")
def test_deleting_a_team_that_is_not_there(captain, open_team, person):
    assert captain("DELETE", "/team/1").status_code == 204
    assert person().refused("DELETE", f"/team/{open_team}") == (403, "Cannot delete Team.")


@pytest.mark.rule("M-05", "G-08")
def test_members_page_by_page(captain, person, open_team):
    guests = sorted((person() for _ in range(3)), key=lambda guest: guest.id)
    for guest in guests:
        guest.ok("PUT", f"/team/{open_team}/member/{guest.id}")
    page = captain.ok("GET", f"/teamMembers/{open_team}", limit=2, offset=1)
    assert [row["member"]["ownerId"] for row in page["results"]] == [str(guest.id) for guest in guests[:2]]
    assert page["totalNumberOfResults"] == 4
    assert captain.ok("GET", f"/teamMembers/{open_team}", limit=3, offset=3)["totalNumberOfResults"] == 4
    assert members_of_type(captain, open_team, memberType="ADMIN") == [captain.id]
    assert members_of_type(captain, open_team, memberType="MEMBER") == [guest.id for guest in guests]
    assert members_of_type(captain, open_team, fragment=guests[1].name) == [guests[1].id]
    assert captain.ok("GET", f"/teamMembers/count/{open_team}", fragment=guests[1].name) == {"count": 1}
    assert captain.refused("GET", f"/teamMembers/{open_team}", memberType="SPY")[0] == 400
    assert captain.refused("GET", "/teamMembers/1")[0] == 404
    assert captain.refused("GET", "/teamMembers/count/1")[0] == 404


def members_of_type(somebody, team, **query):
    return [int(row["member"]["ownerId"]) for row in somebody.ok("GET", f"/teamMembers/{team}", **query)["results"]]


@pytest.mark.rule("M-05")
def test_members_one_by_one(captain, person, open_team, closed):
    stranger = person()
    member = captain.ok("GET", f"/team/{open_team}/member/{captain.id}")
    assert (member["member"]["userName"], member["isAdmin"]) == (captain.name, True)
    assert captain.refused("GET", f"/team/{open_team}/member/{stranger.id}")[0] == 404
    found = captain.ok("POST", f"/team/{open_team}/memberList", {"list": [captain.id, stranger.id]})
    assert found["list"] == [member]
    found = stranger.ok("POST", f"/user/{captain.id}/memberList", {"list": [int(open_team), int(closed)]})
    assert [row["teamId"] for row in found["list"]] == [open_team, closed]
    assert captain.refused("POST", f"/user/{stranger.id}/memberList", {"list": [int(open_team)]})[0] == 404


@pytest.mark.rule("M-05", "P-15")
def test_teams_are_found_by_the_beginning_of_their_name(captain, unique):
    stem = unique("Stem")
    names = [f"{stem} {letter}" for letter in "cab"]
    ids = {name: captain.ok("POST", "/team", {"name": name})["id"] for name in names}
    captain.ok("POST", "/team", {"name": f"Not {stem}"})
    found = captain.ok("GET", "/teams", fragment=stem.upper())["results"]
    assert [team["name"] for team in found] == sorted(names)
    listed = captain.ok("POST", "/teamList", {"list": [*map(int, ids.values()), 1]})["list"]
    assert {team["id"] for team in listed} == set(ids.values())
    assert captain.refused("GET", "/teams", limit=51)[0] == 400


@pytest.mark.rule("G-09")
def test_the_ids_of_the_teams_of_a_user(captain, unique):
    ids = [captain.ok("POST", "/team", {"name": unique("T")})["id"] for _ in range(51)]
    first = captain.ok("GET", f"/user/{captain.id}/team/id")
    assert first["teamIds"] == ids[:50]
    last = captain.ok("GET", f"/user/{captain.id}/team/id", nextPageToken=first["nextPageToken"])
    assert last == {"teamIds": ids[50:]}
    newest = captain.ok("GET", f"/user/{captain.id}/team/id", sort="TEAM_NAME", ascending="false")["teamIds"]
    assert len(newest) == 50
    assert captain.refused("GET", f"/user/{captain.id}/team/id", sort="TEAM_NAME")[0] == 400
    assert captain.refused("GET", f"/user/{captain.id}/team/id", nextPageToken="next")[0] == 400
