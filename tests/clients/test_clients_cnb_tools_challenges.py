"""cnb-tools 0.7.0 with challenges and queues: from their making to their end, and what is told about them."""

from __future__ import annotations

import json
import re

import pytest

TEMPLATE, VIEW, SUPPORT = "syn52941681", "syn51476218", 3379097
AUTHENTICATED, PUBLIC = 273948, 273949
PLACEHOLDERS = re.compile(r"challengeId=0|\{teamId\}|teamId=0\b|#!Map:0|\{challengeName\}|projectId=syn0\b")
DOWNLOADING = {"READ", "DOWNLOAD"}
EDITING = {*DOWNLOADING, "UPDATE", "CREATE"}


def told(said):
    """What `challenge create` says of what it has made."""
    return dict(re.findall(r"^ +([\w ]+?) (?:synID|teamID): +(\w+)$", said, re.MULTILINE))


@pytest.fixture
def challenge(organiser, project, unique):
    """A project that is a challenge: its id and its team of participants."""
    body = {"name": unique("Participants"), "canPublicJoin": True}
    team = organiser.rest("POST", "/team", body)["id"]
    organiser.rest("POST", "/challenge", {"projectId": project, "participantTeamId": team})
    return project, team


def test_create_with_a_staging_site(organiser, unique):
    name = unique("CNB Challenge")
    made = told(organiser.cnb_tools("challenge", "create", name, "--tasks", 2))
    live, staging = made["Live project"], made["Staging project"]
    participants, organizers = int(made["Participants"]), int(made["Organizers"])
    assert organiser.rest("GET", f"/team/{participants}")["canPublicJoin"]
    acl = {
        one["principalId"]: one["accessType"]
        for one in organiser.rest("GET", f"/team/{participants}/acl")["resourceAccess"]
    }
    assert acl[participants] == ["READ"]
    for project, rights in ((live, {*DOWNLOADING, "MODERATE"}), (staging, EDITING)):
        assert organiser.rights(f"/entity/{project}")[organizers] == rights
        assert "CHANGE_PERMISSIONS" in organiser.rights(f"/entity/{project}")[SUPPORT]
    assert organiser.annotations(live) == {"Status": ["Upcoming"]}
    challenge = organiser.rest("GET", f"/entity/{live}/challenge")
    assert challenge["participantTeamId"] == str(participants)
    queues = organiser.queues(live)
    assert [*queues] == [f"{name} Task 1", f"{name} Task 2"]
    for queue in queues.values():
        assert {"SUBMIT", "CHANGE_PERMISSIONS"} < organiser.rights(f"/evaluation/{queue}")[SUPPORT]
    data, private = organiser.child(live, "Data"), organiser.child(live, "Private Data")
    assert organiser.child(data, "Training") != organiser.child(data, "Validation")
    assert organiser.child(private, "Groundtruth") != organiser.child(private, "Test")
    assert organiser.rights(f"/entity/{data}")[participants] == DOWNLOADING
    assert organiser.rights(f"/entity/{private}")[organizers] == EDITING
    assert participants not in organiser.rights(f"/entity/{private}")
    copy = organiser.pages(staging)
    assert [*copy] == [*organiser.pages(TEMPLATE)]
    together = "\n".join(page["markdown"] for page in copy.values())
    assert f"challengeId={challenge['id']}" in together
    assert not PLACEHOLDERS.search(together)
    [page] = organiser.pages(live).values()
    assert f"${{jointeam?teamId={made['Preregistrants']}&" in page["markdown"]
    assert live.removeprefix("syn") in organiser.rest("GET", f"/entity/{VIEW}")["scopeIds"]


def test_create_without_a_staging_site(organiser, unique):
    name = unique("CNB Challenge")
    made = told(organiser.cnb_tools("challenge", "create", name, "--no-staging", "--no-portal"))
    assert made.keys() == {"Live project", "Participants", "Organizers"}
    live = made["Live project"]
    copy = organiser.pages(live)
    assert [*copy] == [*organiser.pages(TEMPLATE)]
    assert f"teamId={made['Participants']}" in copy[""]["markdown"]
    assert organiser.ask("GET", "/teams", fragment=f"{name} Preregistrants").json()["results"] == []
    assert live.removeprefix("syn") not in organiser.rest("GET", f"/entity/{VIEW}")["scopeIds"]


def test_create_on_a_site_that_is_there(organiser, project, unique):
    name = unique("CNB Challenge")
    team = organiser.rest("POST", "/team", {"name": f"{name} Participants", "canPublicJoin": True})["id"]
    said = organiser.cnb_tools("challenge", "create", name, "--live-site", project, "--no-portal", typed="y\n")
    assert f"Team '{name} Participants' already exists." in said
    assert (told(said)["Live project"], told(said)["Participants"]) == (project, team)
    assert organiser.rest("GET", f"/entity/{project}/challenge")["participantTeamId"] == team
    assert [*organiser.pages(project)] == [*organiser.pages(TEMPLATE)]


def test_launch_and_close(organiser, newcomer, challenge, queue):
    project, team = challenge
    visitor = newcomer()
    assert visitor.ask("GET", f"/entity/{project}").status_code == 403
    organiser.cnb_tools("challenge", "launch", project)
    assert visitor.rest("GET", f"/entity/{project}")["id"] == project
    assert organiser.rights(f"/entity/{project}")[PUBLIC] == {"READ"}
    assert organiser.rights(f"/entity/{project}")[AUTHENTICATED] == {"READ"}
    assert organiser.annotations(project) == {"Status": ["Active"]}
    organiser.share(f"/evaluation/{queue}", team, "READ", "SUBMIT")
    visitor.rest("PUT", f"/team/{team}/member/{visitor.id}")
    entry = visitor.create("Project", f"Entry of {visitor.name}")
    visitor.submit(queue, entry)
    organiser.cnb_tools("challenge", "close", project)
    assert organiser.annotations(project) == {"Status": ["Closed"]}
    assert organiser.rights(f"/evaluation/{queue}")[int(team)] == {"READ"}
    etag = visitor.rest("GET", f"/entity/{entry}")["etag"]
    body = {"evaluationId": queue, "entityId": entry, "versionNumber": 1}
    assert visitor.ask("POST", "/evaluation/submission", body, etag=etag).status_code == 403
    found = organiser.rest("GET", f"/team/{team}")
    assert (found["canPublicJoin"], found["canRequestMembership"]) == (False, False)
    latecomer = newcomer()
    assert latecomer.ask("PUT", f"/team/{team}/member/{latecomer.id}").status_code == 403


def test_register_and_unregister(organiser, project, unique):
    team = organiser.rest("POST", "/team", {"name": unique("Team")})["id"]
    said = organiser.cnb_tools("challenge", "register", project, team)
    challenge = organiser.rest("GET", f"/entity/{project}/challenge")
    assert f"Challenge ID:          {challenge['id']}" in said
    assert "may already have a challenge" in organiser.cnb_tools("challenge", "register", project, team, code=1)
    assert json.loads(found_json(organiser.cnb_tools("challenge", "get", project, "--json"))) == challenge
    organiser.cnb_tools("challenge", "unregister", project)
    assert organiser.ask("GET", f"/entity/{project}/challenge").status_code == 404
    assert "Cannot find the Challenge" in organiser.cnb_tools("challenge", "get", project, code=1)


def found_json(said):
    """The JSON in what was printed."""
    return re.search(r"^([\[{]$.*?^[\]}])$", said, re.MULTILINE | re.DOTALL)[1]


def test_teams_queues_and_figures(organiser, participant, challenge, queue):
    project, team = challenge
    captain, other = participant(), participant()
    for somebody in (captain, other):
        somebody.rest("PUT", f"/team/{team}/member/{somebody.id}")
        somebody.submit(queue, somebody.project)
    entered = captain.rest("POST", "/team", {"name": f"Team of {captain.name}"})
    number = organiser.rest("GET", f"/entity/{project}/challenge")["id"]
    captain.rest("POST", f"/challenge/{number}/challengeTeam", {"challengeId": number, "teamId": entered["id"]})
    organiser.share(f"/entity/{project}", int(team), "READ")
    assert f"  {entered['id']}  {entered['name']}" in organiser.cnb_tools("challenge", "teams", project)
    name = organiser.rest("GET", f"/evaluation/{queue}")["name"]
    assert f"{queue}  {name}" in organiser.cnb_tools("challenge", "queues", project)
    assert json.loads(found_json(organiser.cnb_tools("challenge", "stats", project, "--json"))) == {
        "project_id": project,
        "registered_participants": 3,
        "registered_teams": 1,
        "evaluation_queues": 1,
        "total_submissions": 2,
    }


def test_a_queue_and_its_rounds(organiser, server, participant, project, queue):
    somebody = participant()
    found = json.loads(found_json(organiser.cnb_tools("queue", "get", queue, "--json")))
    assert (found["id"], found["content_source"], found["owner_id"]) == (queue, project, str(organiser.id))
    said = organiser.cnb_tools(
        *("queue", "add-round", queue, "--start", "2040-01-01T00:00:00.000Z", "--end", "2040-07-01T00:00:00.000Z"),
        *("--daily", 1, "--weekly", 4, "--monthly", 9, "--total", 20),
    )
    number = re.search(r"Round (\d+) added", said)[1]
    stored = organiser.rest("GET", f"/evaluation/{queue}/round/{number}")
    assert {one["limitType"]: one["maximumSubmissions"] for one in stored["limits"]} == {
        "DAILY": 1,
        "WEEKLY": 4,
        "MONTHLY": 9,
        "TOTAL": 20,
    }
    overlapping = organiser.cnb_tools(
        *("queue", "add-round", queue, "--start", "2040-06-01T00:00:00.000Z", "--end", "2040-08-01T00:00:00.000Z"),
        code=1,
    )
    assert "400 Client Error" in overlapping
    server.set_clock(now="2040-03-03T12:00:00Z")
    somebody.submit(queue, somebody.project)
    etag = somebody.rest("GET", f"/entity/{somebody.project}")["etag"]
    body = {"evaluationId": queue, "entityId": somebody.project, "versionNumber": 1}
    refused = somebody.ask("POST", "/evaluation/submission", body, etag=etag)
    assert (refused.status_code, "daily limit" in refused.json()["reason"]) == (403, True)
    assert "could not be found" in organiser.cnb_tools("queue", "get", 1, code=1)
