"""Challenges: made, found, joined by users and teams."""

from __future__ import annotations

import pytest

DATA_INVALID = "The submitted data is invalid."


@pytest.fixture
def new_team(unique):
    """Makes a team that anybody may join; returns its id."""
    return lambda owner: owner.ok("POST", "/team", {"name": unique("Team"), "canPublicJoin": True})["id"]


@pytest.fixture
def participants(organiser, new_team):
    """The team of the participants; the organiser made it and leaves it to others."""
    return new_team(organiser)


@pytest.fixture
def challenge(organiser, project, participants):
    return organiser.ok("POST", "/challenge", {"projectId": project, "participantTeamId": participants})


@pytest.fixture
def participant(person, organiser, project, participants, share):
    """Makes somebody who may read the project and has registered."""

    def participant():
        somebody = person()
        share(organiser, f"/entity/{project}", somebody.id, "READ")
        somebody.ok("PUT", f"/team/{participants}/member/{somebody.id}")
        return somebody

    return participant


@pytest.fixture
def register(challenge):
    """Registers a team; returns the registration."""
    return lambda captain, team, **fields: captain.ok(
        "POST", f"/challenge/{challenge['id']}/challengeTeam", {"teamId": team, **fields}
    )


def ids(answer):
    return answer["results"]


@pytest.mark.rule("H-01", "H-02")
def test_a_project_becomes_a_challenge(organiser, project, participants, challenge):
    assert (challenge["projectId"], challenge["participantTeamId"]) == (project, participants)
    for path in (f"/challenge/{challenge['id']}", f"/entity/{project}/challenge"):
        assert organiser.ok("GET", path) == challenge


@pytest.mark.rule("H-01")
def test_who_makes_which_challenge(organiser, person, project, new_project, new_folder, participants, challenge, share):
    body = {"projectId": project, "participantTeamId": participants}
    refused = organiser.refused("POST", "/challenge", body)
    assert refused == (400, "The specified project may already have a challenge.")
    other = new_project(organiser)
    folder = new_folder(organiser, other)
    for change in (
        {"projectId": "syn1"},
        {"projectId": other, "participantTeamId": "1"},
        {"projectId": other, "participantTeamId": str(organiser.id)},
        {"projectId": folder},
    ):
        status, reason = organiser.refused("POST", "/challenge", body | change)
        assert (status, reason.startswith(DATA_INVALID)) == (400, True)
    for missing in body:
        incomplete = {name: value for name, value in (body | {"projectId": other}).items() if name != missing}
        assert organiser.refused("POST", "/challenge", incomplete)[0] == 400
    guest, novice = person(), person(certified=False)
    share(organiser, f"/entity/{other}", guest.id, "READ")
    share(organiser, f"/entity/{other}", novice.id, "READ", "CREATE")
    for somebody in (guest, novice):
        assert somebody.refused("POST", "/challenge", body | {"projectId": other})[0] == 403


@pytest.mark.rule("H-02")
def test_who_reads_a_challenge(organiser, person, project, new_project, challenge):
    stranger = person()
    for path in (f"/challenge/{challenge['id']}", f"/entity/{project}/challenge"):
        assert stranger.refused("GET", path)[0] == 403
    assert organiser.refused("GET", "/challenge/1")[0] == 404
    empty = new_project(organiser)
    refused = organiser.refused("GET", f"/entity/{empty}/challenge")
    assert refused == (404, f"Cannot find the Challenge for project {empty}")


@pytest.mark.rule("H-02", "G-15")
def test_a_challenge_changes_its_team_only(organiser, participant, project, new_project, new_team, challenge):
    path = f"/challenge/{challenge['id']}"
    other = new_team(organiser)
    changed = organiser.ok("PUT", path, challenge | {"participantTeamId": other})
    assert (changed["participantTeamId"], changed["etag"] == challenge["etag"]) == (other, False)
    assert organiser.refused("PUT", path, challenge)[0] == 412
    assert organiser.refused("PUT", path, changed | {"projectId": new_project(organiser)})[0] == 400
    assert organiser.refused("PUT", path, changed | {"participantTeamId": "1"})[0] == 400
    assert organiser.refused("PUT", path, changed | {"id": "1"})[0] == 400
    assert participant().refused("PUT", path, changed)[0] == 403


@pytest.mark.rule("H-02")
def test_deleting_answers_200(organiser, participant, project, challenge, new_team, register):
    captain = participant()
    register(captain, new_team(captain))
    path = f"/challenge/{challenge['id']}"
    assert captain.refused("DELETE", path)[0] == 403
    answer = organiser("DELETE", path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert organiser.refused("GET", path)[0] == 404
    assert organiser.refused("DELETE", path)[0] == 404


@pytest.mark.rule("H-03")
def test_who_registers_a_team(organiser, person, participant, challenge, new_team, register):
    captain, outsider = participant(), person()
    path = f"/challenge/{challenge['id']}/challengeTeam"
    team = new_team(outsider)
    refused = outsider.refused("POST", path, {"teamId": team})
    assert refused == (403, "You must be a Challenge participant for this operation.")
    assert captain.refused("POST", path, {"teamId": team}) == (
        403,
        "You must be a Team manager for this operation.",
    )
    own = new_team(captain)
    made = register(captain, own, message="We look for others")
    assert (made["challengeId"], made["teamId"], made["message"]) == (challenge["id"], own, "We look for others")
    refused = captain.refused("POST", path, {"teamId": own})
    assert refused == (400, "The specified team may already be registered for this challenge.")
    assert captain.refused("POST", path, {"teamId": new_team(captain), "message": "x" * 501})[0] == 400
    assert register(captain, new_team(captain), message="x" * 500)["id"]
    assert captain.refused("POST", path, {})[0] == 400
    assert captain.refused("POST", path, {"teamId": own, "challengeId": "1"})[0] == 400
    assert captain.refused("POST", "/challenge/1/challengeTeam", {"teamId": own})[0] == 404


@pytest.mark.rule("H-03", "G-15")
def test_a_registration_changes_its_message_and_goes(organiser, participant, challenge, new_team, register):
    captain, other = participant(), participant()
    made = register(captain, new_team(captain))
    path = f"/challenge/{challenge['id']}/challengeTeam/{made['id']}"
    assert other.refused("PUT", path, made | {"message": "m"})[0] == 403
    changed = captain.ok("PUT", path, made | {"message": "m"})
    assert (changed["message"], changed["etag"] == made["etag"]) == ("m", False)
    assert captain.refused("PUT", path, made)[0] == 412
    assert captain.refused("PUT", path, changed | {"teamId": new_team(captain)})[0] == 400
    assert captain.refused("PUT", f"/challenge/{challenge['id']}/challengeTeam/1", changed)[0] == 404
    assert other.refused("DELETE", f"/challengeTeam/{made['id']}")[0] == 403
    answer = captain("DELETE", f"/challengeTeam/{made['id']}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert captain.refused("DELETE", f"/challengeTeam/{made['id']}")[0] == 404


@pytest.mark.rule("H-04")
def test_lists_have_true_totals(organiser, participant, person, challenge, new_team, register):
    captains = [participant() for _ in range(3)]
    registrations = [register(captain, new_team(captain))["id"] for captain in captains]
    path = f"/challenge/{challenge['id']}"
    page = captains[0].ok("GET", f"{path}/challengeTeam", limit=2, offset=0)
    assert ([found["id"] for found in page["results"]], page["totalNumberOfResults"]) == (registrations[:2], 3)
    page = captains[0].ok("GET", f"{path}/challengeTeam", limit=2, offset=2)
    assert ([found["id"] for found in page["results"]], page["totalNumberOfResults"]) == (registrations[2:], 3)
    users = [str(user) for user in sorted([organiser.id, *(captain.id for captain in captains)])]
    page = organiser.ok("GET", f"{path}/participant", limit=3, offset=1)
    assert (ids(page), page["totalNumberOfResults"]) == (users[1:], 4)
    stranger = person()
    for name in ("participant", "challengeTeam", "registratableTeam", "submissionTeams"):
        for limit in (0, -1):
            assert organiser.refused("GET", f"{path}/{name}", limit=limit)[0] == 400
        assert stranger.refused("GET", f"{path}/{name}")[0] == 403


@pytest.mark.rule("H-04")
def test_who_is_in_a_registered_team(organiser, participant, challenge, new_team, register):
    captain, mate, loner = participant(), participant(), participant()
    team = new_team(captain)
    mate.ok("PUT", f"/team/{team}/member/{mate.id}")
    register(captain, team)
    path = f"/challenge/{challenge['id']}/participant"
    for affiliated, expected in (("true", [captain.id, mate.id]), ("false", [organiser.id, loner.id])):
        page = organiser.ok("GET", path, affiliated=affiliated)
        assert ids(page) == [str(user) for user in sorted(expected)]
        assert page["totalNumberOfResults"] == 2
    assert organiser.ok("GET", path)["totalNumberOfResults"] == 4
    assert organiser.refused("GET", path, affiliated="perhaps")[0] == 400


@pytest.mark.rule("H-04")
def test_teams_to_register_and_to_submit_with(participant, challenge, new_team, register):
    captain, mate = participant(), participant()
    first, second = new_team(captain), new_team(captain)
    mate.ok("PUT", f"/team/{first}/member/{mate.id}")
    path = f"/challenge/{challenge['id']}"
    assert ids(captain.ok("GET", f"{path}/registratableTeam")) == [first, second]
    assert ids(mate.ok("GET", f"{path}/registratableTeam")) == []
    register(captain, first)
    assert ids(captain.ok("GET", f"{path}/registratableTeam")) == [second]
    for somebody in (captain, mate):
        found = somebody.ok("GET", f"{path}/submissionTeams")
        assert (ids(found), found["totalNumberOfResults"]) == ([first], 1)


@pytest.mark.rule("H-04")
def test_the_challenges_of_a_participant(organiser, person, participant, project, challenge, new_project, share):
    """Those whose projects the caller may read."""
    somebody = participant()
    hidden = new_project(organiser)
    team = organiser.ok("GET", f"/challenge/{challenge['id']}")["participantTeamId"]
    organiser.ok("POST", "/challenge", {"projectId": hidden, "participantTeamId": team})
    mine = somebody.ok("GET", "/challenge", participantId=somebody.id)
    assert ([found["id"] for found in mine["results"]], mine["totalNumberOfResults"]) == ([challenge["id"]], 1)
    seen = organiser.ok("GET", "/challenge", participantId=somebody.id, limit=1)
    assert (len(seen["results"]), seen["totalNumberOfResults"]) == (1, 2)
    assert person().ok("GET", "/challenge", participantId=somebody.id)["results"] == []
    assert somebody.refused("GET", "/challenge")[0] == 400
    assert somebody.refused("GET", "/challenge", participantId="me")[0] == 400


@pytest.mark.rule("H-05", "T-01")
def test_without_a_challenge_there_is_nothing_to_register_for(submitter, submit):
    assert submit(submitter)["id"]


@pytest.mark.rule("H-05", "T-01")
def test_with_one_the_right_to_submit_is_not_enough(organiser, challenge, participants, submitter, wish):
    body, query = wish(submitter)
    refused = submitter.refused("POST", "/evaluation/submission", body, **query)
    assert refused == (403, "Submitter is not registered for the challenge.")
    submitter.ok("PUT", f"/team/{participants}/member/{submitter.id}")
    assert submitter.ok("POST", "/evaluation/submission", body, **query)["id"]
