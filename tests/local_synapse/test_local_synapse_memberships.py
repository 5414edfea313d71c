"""Invitations to teams, and requests to be let in."""

from __future__ import annotations

import pytest


@pytest.fixture
def captain(person):
    return person()


@pytest.fixture
def guest(person):
    return person()


@pytest.fixture
def team(captain, unique):
    return captain.ok("POST", "/team", {"name": unique("Crew")})["id"]


@pytest.fixture
def invite(captain, team):
    def invite(somebody, **more):
        return captain.ok("POST", "/membershipInvitation", {"teamId": team, "inviteeId": str(somebody.id)} | more)

    return invite


def status(asking, team, user):
    return asking.ok("GET", f"/team/{team}/member/{user.id}/membershipStatus")


@pytest.mark.rule("M-06")
def test_an_invitation_is_consumed_by_joining(captain, guest, team, invite):
    made = invite(guest, message="Come")
    assert made["createdBy"] == str(captain.id)
    assert status(guest, team, guest)["hasOpenInvitation"] is True
    assert guest.ok("GET", "/membershipInvitation/openInvitationCount") == {"count": 1}
    guest.ok("PUT", f"/team/{team}/member/{guest.id}")
    after = status(guest, team, guest)
    assert (after["isMember"], after["hasOpenInvitation"], after["canJoin"]) == (True, False, True)
    assert guest.refused("GET", f"/membershipInvitation/{made['id']}")[0] == 404
    assert guest.ok("GET", "/membershipInvitation/openInvitationCount") == {"count": 0}


@pytest.mark.rule("M-06")
def test_what_the_status_tells_depends_on_who_asks(captain, guest, person, team, invite):
    """canJoin is whether the one who asks can put the user into the team."""
    assert status(guest, team, guest) == {
        "teamId": team,
        "userId": str(guest.id),
        "isMember": False,
        "hasOpenInvitation": False,
        "hasOpenRequest": False,
        "canJoin": False,
        "membershipApprovalRequired": True,
        "hasUnmetAccessRequirement": False,
        "canSendEmail": False,
    }
    guest.ok("POST", "/membershipRequest", {"teamId": team})
    assert [status(who, team, guest)["canJoin"] for who in (guest, captain, person())] == [False, True, False]
    invite(guest)
    assert [status(who, team, guest)["canJoin"] for who in (guest, captain, person())] == [True, True, False]
    assert status(captain, team, captain)["canSendEmail"] is True
    assert guest.refused("GET", f"/team/{team}/member/999999999/membershipStatus")[0] == 404


@pytest.mark.rule("M-06")
def test_synapseclient_asks_for_the_status_and_takes_an_invitation_back(captain, guest, team):
    from synapseclient.models import Team

    crew = Team(id=int(team))
    first = crew.invite(user=guest.name, message="Come", synapse_client=captain.synapse)
    assert crew.get_user_membership_status(user_id=str(guest.id), synapse_client=captain.synapse).has_open_invitation
    assert crew.invite(user=guest.name, message="Again", force=False, synapse_client=captain.synapse) is None
    second = crew.invite(user=guest.name, message="Again", force=True, synapse_client=captain.synapse)
    opened = crew.open_invitations(synapse_client=captain.synapse)
    assert [invitation["id"] for invitation in opened] == [second["id"]] != [first["id"]]


@pytest.mark.rule("M-06", "G-08")
def test_open_invitations_have_a_true_total(captain, person, team, invite):
    guests = [person() for _ in range(3)]
    made = [invite(somebody)["id"] for somebody in guests]
    page = captain.ok("GET", f"/team/{team}/openInvitation", limit=1, offset=1)
    assert ([invitation["id"] for invitation in page["results"]], page["totalNumberOfResults"]) == ([made[1]], 3)
    one = captain.ok("GET", f"/team/{team}/openInvitation", inviteeId=guests[2].id)
    assert ([invitation["id"] for invitation in one["results"]], one["totalNumberOfResults"]) == ([made[2]], 1)
    assert guests[0].refused("GET", f"/team/{team}/openInvitation")[0] == 403
    mine = guests[0].ok("GET", f"/user/{guests[0].id}/openInvitation")
    assert ([invitation["id"] for invitation in mine["results"]], mine["totalNumberOfResults"]) == ([made[0]], 1)
    assert guests[0].ok("GET", f"/user/{guests[0].id}/openInvitation", teamId=1)["totalNumberOfResults"] == 0


@pytest.mark.rule("M-06")
def test_an_invitation_is_for_the_invited_and_the_managers(captain, guest, person, team, invite):
    made = invite(guest)
    path = f"/membershipInvitation/{made['id']}"
    assert captain.ok("GET", path) == guest.ok("GET", path) == made
    for method in ("GET", "DELETE"):
        assert person().refused(method, path)[0] == 403
    assert guest("DELETE", path).status_code == 204
    assert captain.refused("GET", path)[0] == 404
    assert guest.refused("PUT", f"/team/{team}/member/{guest.id}")[0] == 403


@pytest.mark.rule("M-06")
def test_an_invitation_by_mail(captain, guest, team):
    made = captain.ok("POST", "/membershipInvitation", {"teamId": team, "inviteeEmail": "somebody@example.org"})
    assert captain.ok("GET", f"/team/{team}/openInvitation")["results"] == [made]
    assert guest.refused("GET", f"/membershipInvitation/{made['id']}")[0] == 403


@pytest.mark.rule("M-02", "M-06")
def test_what_has_expired_is_not_open(server, captain, guest, team, invite):
    made = invite(guest, expiresOn="2031-01-02T00:00:00+01:00")
    assert made["expiresOn"] == "2031-01-01T23:00:00.000Z"
    guest.ok("POST", "/membershipRequest", {"teamId": team, "expiresOn": "2031-01-02T00:00:00.000Z"})
    server.set_clock(now="2031-01-01T22:59:59+00:00")
    assert status(guest, team, guest)["canJoin"] is True
    server.set_clock(now="2031-01-02T00:00:01+00:00")
    seen = status(guest, team, guest)
    assert (seen["hasOpenInvitation"], seen["hasOpenRequest"]) == (False, False)
    assert captain.ok("GET", f"/team/{team}/openInvitation")["totalNumberOfResults"] == 0
    assert captain.ok("GET", f"/team/{team}/openRequest")["totalNumberOfResults"] == 0
    assert guest.refused("PUT", f"/team/{team}/member/{guest.id}")[0] == 403
    assert captain.refused("PUT", f"/team/{team}/member/{guest.id}")[0] == 403


@pytest.mark.rule("M-06")
@pytest.mark.parametrize("field", ["id", "createdBy", "createdOn"])
@pytest.mark.parametrize("path", ["/membershipInvitation", "/membershipRequest"])
def test_what_only_the_server_writes(captain, team, path, field):
    assert captain.refused("POST", path, {"teamId": team, field: "1"}) == (
        400,
        f"'{field}' field is not user specifiable.",
    )


@pytest.mark.rule("G-06")
def test_bodies_that_are_wrong(captain, guest, team):
    assert captain.refused("POST", "/membershipInvitation", {"inviteeId": str(guest.id)})[0] == 400
    assert captain.refused("POST", "/membershipRequest", {})[0] == 400
    soon = {"teamId": team, "inviteeId": str(guest.id), "expiresOn": "soon"}
    assert captain.refused("POST", "/membershipInvitation", soon)[0] == 400
    never = soon | {"expiresOn": "9999-12-31T23:59:59-12:00"}
    assert captain.refused("POST", "/membershipInvitation", never)[0] == 400
    assert captain.refused("POST", "/membershipInvitation", {"teamId": team, "inviteeId": "999999999"})[0] == 404
    assert captain.refused("POST", "/membershipInvitation", {"teamId": "1", "inviteeId": str(guest.id)})[0] == 404
    made = captain.ok("POST", "/membershipInvitation", {"teamId": int(team), "inviteeId": guest.id})
    assert (made["teamId"], made["inviteeId"]) == (team, str(guest.id))


@pytest.mark.rule("M-06", "G-08")
def test_requests_wait_for_the_managers(captain, person, team):
    guests = [person() for _ in range(2)]
    made = [guest.ok("POST", "/membershipRequest", {"teamId": team, "message": "Please"}) for guest in guests]
    assert made[0]["userId"] == str(guests[0].id)
    page = captain.ok("GET", f"/team/{team}/openRequest", limit=1)
    assert (page["results"], page["totalNumberOfResults"]) == (made[:1], 2)
    assert captain.ok("GET", f"/team/{team}/openRequest", requestorId=guests[1].id)["results"] == made[1:]
    assert guests[0].refused("GET", f"/team/{team}/openRequest")[0] == 403
    assert captain.ok("GET", "/membershipRequest/openRequestCount") == {"count": 2}
    assert guests[0].ok("GET", "/membershipRequest/openRequestCount") == {"count": 0}
    captain.ok("PUT", f"/team/{team}/member/{guests[0].id}")
    assert captain.ok("GET", f"/team/{team}/openRequest")["results"] == made[1:]


@pytest.mark.rule("M-06")
def test_a_request_is_its_makers(captain, guest, person, team):
    made = guest.ok("POST", "/membershipRequest", {"teamId": team})
    path = f"/membershipRequest/{made['id']}"
    assert guest.ok("GET", path) == made
    assert guest.ok("GET", f"/user/{guest.id}/openRequest", teamId=team)["results"] == [made]
    assert person().refused("GET", f"/user/{guest.id}/openRequest")[0] == 403
    for method in ("GET", "DELETE"):
        assert captain.refused(method, path)[0] == 403
    assert guest("DELETE", path).status_code == 204
    assert captain.refused("PUT", f"/team/{team}/member/{guest.id}")[0] == 403


def test_who_may_not_ask(anonymous, captain, guest, person, unique):
    shut = captain.ok("POST", "/team", {"name": unique("Shut"), "canRequestMembership": False})["id"]
    assert guest.refused("POST", "/membershipRequest", {"teamId": shut})[0] == 403
    free = captain.ok("POST", "/team", {"name": unique("Free"), "canRequestMembership": True})["id"]
    assert anonymous.refused("POST", "/membershipRequest", {"teamId": free})[0] == 403
    assert guest.refused("POST", "/membershipRequest", {"teamId": free, "userId": str(person().id)})[0] == 400
    guest.ok("POST", "/membershipRequest", {"teamId": free, "userId": str(guest.id)})


@pytest.mark.rule("M-06")
def test_the_invited_and_the_managers_get_a_message(server, captain, guest, team, invite):
    invite(guest, message="We need you")
    (mail,) = server.mailbox(guest.id)
    assert ("Crew" in mail["subject"], "We need you" in mail["body"], mail["from"]) == (True, True, str(captain.id))
    guest.ok("POST", "/membershipRequest", {"teamId": team, "message": "Let me in"})
    (mail,) = server.mailbox(captain.id)
    assert ("Crew" in mail["subject"], "Let me in" in mail["body"], mail["from"]) == (True, True, str(guest.id))
