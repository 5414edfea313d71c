"""Teams: who joins, who lets in, who goes."""

from __future__ import annotations

import pytest


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


def test_synapseclient_makes_a_team_and_finds_it_by_name(captain, person, unique):
    """P-15."""
    from synapseclient.models import Team

    name = unique("By the client")
    team = Team(name=name, description="d", can_public_join=True).create(synapse_client=captain.synapse)
    assert Team.from_name(name, synapse_client=person().synapse).id == team.id
    found = Team(id=team.id).members(synapse_client=captain.synapse)
    assert [member.member.owner_id for member in found] == [str(captain.id)]
    assert found[0].is_admin is True


def test_synapseclient_invites(captain, person, closed):
    from synapseclient.models import Team

    guest = person()
    Team(id=int(closed)).invite(user=guest.name, message="Come", synapse_client=captain.synapse)
    invitations = Team(id=int(closed)).open_invitations(synapse_client=captain.synapse)
    assert [invitation["inviteeId"] for invitation in invitations] == [str(guest.id)]
    guest.ok("PUT", f"/team/{closed}/member/{guest.id}")
    assert guest.id in members(guest, closed)
    assert Team(id=int(closed)).open_invitations(synapse_client=captain.synapse) == []


def test_the_creator_manages(captain, closed):
    """M-01."""
    assert members(captain, closed) == {captain.id: True}


def test_names_of_teams_and_users_are_one_space(captain, person, open_team):
    """M-01: 409."""
    assert captain.refused("POST", "/team", {"name": person().name})[0] == 409
    name = captain.ok("GET", f"/team/{open_team}")["name"]
    assert person().refused("POST", "/team", {"name": name.upper()})[0] == 409


@pytest.mark.parametrize("field", ["id", "etag", "createdBy", "modifiedOn"])
def test_what_the_server_writes(captain, unique, field):
    """M-01."""
    status, reason = captain.refused("POST", "/team", {"name": unique("T"), field: "1"})
    assert (status, field in reason) == (400, True)


def test_a_team_has_a_name_and_a_maker(captain, anonymous, unique):
    assert captain.refused("POST", "/team", {})[0] == 400
    assert anonymous.refused("POST", "/team", {"name": unique("T")})[0] == 403


def test_everybody_joins_an_open_team(captain, person, open_team):
    """M-02: twice does no harm."""
    guest = person()
    for _ in range(2):
        assert guest("PUT", f"/team/{open_team}/member/{guest.id}").status_code == 204
    assert members(guest, open_team) == {captain.id: True, guest.id: False}


def test_nobody_walks_into_a_closed_team(captain, person, closed):
    """M-02."""
    guest = person()
    status, reason = guest.refused("PUT", f"/team/{closed}/member/{guest.id}")
    assert (status, "invitation" in reason) == (403, True)
    assert members(captain, closed) == {captain.id: True}


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


def test_asking_is_no_invitation(captain, person, closed):
    """M-02: a request of one's own lets nobody in."""
    guest = person()
    guest.ok("POST", "/membershipRequest", {"teamId": closed})
    assert guest.refused("PUT", f"/team/{closed}/member/{guest.id}")[0] == 403
    assert members(captain, closed) == {captain.id: True}


def test_the_invited_decide_for_themselves(captain, person, closed):
    """M-02: a manager adds only those who asked."""
    guest = person()
    captain.ok("POST", "/membershipInvitation", {"teamId": closed, "inviteeId": str(guest.id)})
    assert captain.refused("PUT", f"/team/{closed}/member/{guest.id}")[0] == 403
    assert guest.ok("GET", f"/team/{closed}/member/{guest.id}/membershipStatus")["canJoin"] is True


def test_who_invites_and_whom(captain, person, closed):
    """M-06."""
    guest = person()
    body = {"teamId": closed, "inviteeId": str(guest.id)}
    assert guest.refused("POST", "/membershipInvitation", body)[0] == 403
    assert captain.refused("POST", "/membershipInvitation", {"teamId": closed})[0] == 400
    assert captain.refused("POST", "/membershipInvitation", body | {"inviteeEmail": "a@example.org"})[0] == 400


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


def test_members_are_open_to_everybody(captain, anonymous, open_team):
    """M-05."""
    assert members(anonymous, open_team) == {captain.id: True}
    assert anonymous.ok("GET", f"/teamMembers/count/{open_team}") == {"count": 1}


def test_a_team_is_changed_by_its_managers(captain, person, open_team):
    team = captain.ok("GET", f"/team/{open_team}")
    guest = person()
    guest.ok("PUT", f"/team/{open_team}/member/{guest.id}")
    assert guest.refused("PUT", "/team", team)[0] == 403
    changed = captain.ok("PUT", "/team", team | {"description": "new"})
    assert changed["description"] == "new"
    assert captain.refused("PUT", "/team", team)[0] == 412
    assert guest.refused("DELETE", f"/team/{open_team}")[0] == 403


def test_an_unused_team_goes(captain, open_team):
    assert captain("DELETE", f"/team/{open_team}").status_code == 204
    assert captain.refused("GET", f"/team/{open_team}")[0] == 404


def test_a_team_that_a_list_names_stays(organiser, captain, open_team, project, share):
    """M-04."""
    share(organiser, f"/entity/{project}", int(open_team), "READ")
    assert captain.refused("DELETE", f"/team/{open_team}")[0] == 400
    assert captain.ok("GET", f"/team/{open_team}")["id"] == open_team


def test_the_teams_of_a_user(captain, open_team, closed):
    found = captain.ok("GET", f"/user/{captain.id}/team", limit=50)["results"]
    assert {team["id"] for team in found} == {open_team, closed}
