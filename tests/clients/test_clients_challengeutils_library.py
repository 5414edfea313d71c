"""challengeutils 4.3.0 as a library: what its commands do not show, and the scoring harness that comes with it."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.rule("P-16")


@pytest.fixture
def members(organiser, newcomer, unique):
    """Three people and two teams: the first and second are participants, the second and third organise."""
    people = [newcomer() for _ in range(3)]
    teams = {}
    for role, those in (("participants", people[:2]), ("organizers", people[1:])):
        teams[role] = organiser.rest("POST", "/team", {"name": unique(role), "canPublicJoin": True})["id"]
        for somebody in those:
            somebody.rest("PUT", f"/team/{teams[role]}/member/{somebody.id}")
    return people, teams


def scored(organiser, submission):
    """Score it, with a private annotation."""
    annotations = {"doubleAnnos": [{"key": "auc", "value": 0.5, "isPrivate": True}]}
    status = organiser.status(submission) | {"status": "SCORED", "annotations": annotations}
    organiser.rest("PUT", f"/evaluation/submission/{submission}/status", status)


def test_scripts_of_organisers(organiser, members, participant, project, queue, unique):
    (only, both, _), teams = members
    other = organiser.create("Project", unique("Other"))
    entrants = [participant(), participant()]
    submissions = [one.submit(queue, one.project) for one in entrants]
    for submission in submissions:
        scored(organiser, submission)
    entered = organiser.rest("POST", "/team", {"name": unique("Entrants")})["id"]
    organiser.rest("PUT", f"/team/{teams['participants']}/member/{organiser.id}")
    found = organiser.program(
        "challengeutils_library",
        client="challengeutils",
        **{"project": project, "other": other, "queue": queue, "team": entered, "leaver": only.id},
        **teams,
    )
    challenge = found["challenge"]
    assert challenge["teams"] == [entered]
    assert set(challenge["participants"]) == {str(only.id), str(both.id), str(organiser.id)}
    # It sends no etag, so Synapse refuses it always (H-02).
    assert challenge["update"] == 412
    assert organiser.ask("GET", f"/challenge/{challenge['id']}").status_code == 404
    # Who made a team belongs to it.
    assert found["people"] == {
        "count": 3,
        "only": [str(only.id)],
        "both": sorted((str(both.id), str(organiser.id))),
    }
    left = organiser.rest("GET", f"/teamMembers/{teams['participants']}")["results"]
    assert {one["member"]["ownerId"] for one in left} == {str(both.id), str(organiser.id)}
    assert found["forum"] == {
        "pinned": True,
        "title": "When does it end?",
        "text": f"On behalf of @{organiser.name}\n\nThe *rules* do not say.",
        "replies": [f"On behalf of @{organiser.name}\n\nOn Sunday."],
        "writers": [str(organiser.id)],
        "threads": 1,
        "answers": 1,
    }
    assert found["contributors"] == sorted(str(one.id) for one in entrants)
    for submission, one in zip(submissions, entrants, strict=True):
        status = one.status(submission)
        assert status["status"] == "VALIDATED"
        assert status["annotations"]["doubleAnnos"] == [{"key": "auc", "value": 0.5, "isPrivate": False}]


def test_a_round_of_the_scoring_harness(organiser, participant, queue):
    name = organiser.rest("GET", f"/evaluation/{queue}")["name"]
    outcomes = {}
    for content in ("id,p\n1,0.75\n", "id,p\n", "id,p\n1,high\n"):
        somebody = participant()
        file = somebody.create_file(content, somebody.project)
        outcomes[content] = somebody, somebody.submit(queue, file, name="Mine")
    before = len(organiser.server.mailbox(organiser.id))
    organiser.program("scoring_harness_round", client="challengeutils", queue=queue)

    def end(content):
        somebody, submission = outcomes[content]
        status = somebody.status(submission)
        kinds = ("longAnnos", "doubleAnnos")
        found = [one for kind in kinds for one in status.get("annotations", {}).get(kind, [])]
        subjects = [mail["subject"] for mail in somebody.server.mailbox(somebody.id)]
        return status["status"], {one["key"]: one["value"] for one in found}, subjects

    accepted, scored = f"Submission received to {name}", f"Scored submission to {name}"
    assert end("id,p\n1,0.75\n") == ("SCORED", {"rows": 1, "auc": 0.75}, [accepted, scored])
    assert end("id,p\n") == ("INVALID", {}, [f"Validation error in submission to {name}"])
    # What only the scorer trips over is told to the organisers, not to who submitted it.
    assert end("id,p\n1,high\n") == ("INVALID", {"rows": 1}, [accepted])
    [mail] = organiser.server.mailbox(organiser.id)[before:]
    assert "could not convert string to float: 'high'" in mail["body"]
    assert mail["contentType"] == "text/html"
