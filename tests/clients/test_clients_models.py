"""Whole challenges with the models of synapseclient 4.14, synchronous and asynchronous; each person in a process."""

from __future__ import annotations

import csv
import io
from types import SimpleNamespace

import pytest


@pytest.fixture(scope="module")
def people(account, newcomer):
    return SimpleNamespace(organiser=account("challenge-service"), participant=newcomer(), visitor=newcomer())


@pytest.fixture(scope="module")
def site(people, unique):
    """What the organiser has made, with a queue for teams beside it."""
    found = people.organiser.program("models_site", name=unique("Models"), participant=people.participant.name)
    body = {"name": unique("Queue for teams"), "contentSource": found["project"]}
    found["team_queue"] = people.organiser.rest("POST", "/evaluation", body)["id"]
    people.organiser.share(f"/evaluation/{found['team_queue']}", people.participant.id, "READ", "SUBMIT")
    return SimpleNamespace(**found)


@pytest.fixture(scope="module")
def entry(people, site, unique):
    """What the participant has found and submitted."""
    found = people.participant.program(
        "models_entry",
        **{"project": site.project, "secret": site.secret, "file": site.file},
        **{"queue": site.queue, "team_queue": site.team_queue},
        **{"home": unique("Home"), "team": unique("Team")},
    )
    return SimpleNamespace(**found)


@pytest.fixture(scope="module")
def scoring(people, site, entry):
    """What the organiser has seen and told about the submissions."""
    return SimpleNamespace(**people.organiser.program("models_scoring", queue=site.queue, view=site.view))


def test_files_have_versions_provenance_and_links(people, site):
    rest = people.organiser.rest
    assert site.versions == [1, 2]
    found = rest("GET", f"/entity/{site.file}/version")["results"]
    assert [one["versionLabel"] for one in found] == ["v1", "v0"]
    assert rest("GET", f"/entity/{site.file}/version/1/generatedBy")["name"] == "Preparation"
    copying = rest("GET", f"/entity/{site.copy}/generatedBy")
    assert copying["used"][0]["reference"] == {"targetId": site.file, "targetVersionNumber": 1}
    assert rest("GET", f"/entity/{site.link}")["linksTo"]["targetId"] == site.file
    assert site.followed == site.file


def test_sharing_decides_who_reads_what(people, site):
    visitor = people.visitor
    assert visitor.annotations(site.project)["Status"] == ["Upcoming"]
    assert visitor.rest("GET", f"/entity/{site.data}")["name"] == "Data"
    assert visitor.ask("GET", f"/entity/{site.secret}").status_code == 403
    assert people.organiser.rights(f"/entity/{site.secret}").keys() == {people.organiser.id}


def test_a_team_invites_and_the_invited_joins(people, site):
    assert site.invited == [str(people.participant.id)]
    [invitation] = people.participant.rest("GET", f"/user/{people.participant.id}/openInvitation")["results"]
    assert invitation["teamId"] == site.team
    people.participant.rest("PUT", f"/team/{site.team}/member/{people.participant.id}")
    members = people.organiser.rest("GET", f"/teamMembers/{site.team}")["results"]
    assert str(people.participant.id) in {one["member"]["ownerId"] for one in members}


def test_the_queue_is_changed_and_shared_and_the_wiki_has_pages(people, site):
    rest = people.organiser.rest
    assert rest("GET", f"/evaluation/{site.queue}")["description"] == "Predictions of the first round"
    assert people.organiser.rights(f"/evaluation/{site.queue}")[people.participant.id] == {"READ", "SUBMIT"}
    assert len(site.queues) == 1
    headers = rest("GET", f"/entity/{site.project}/wikiheadertree2")["results"]
    assert [one["title"] for one in headers] == ["Home", "Rules"]
    assert rest("GET", f"/entity/{site.project}/wiki")["markdown"] == "# Welcome"


def test_a_participant_fetches_what_is_open(entry):
    assert entry.cart == "id,x\n1,0\n"
    assert entry.locked == 403
    assert entry.files == ["copy.csv", "training.csv"]
    # Both are the same content under the name that was uploaded.
    assert entry.site == ["Data/manifest.csv", "Data/training.csv", "manifest.csv"]


def test_a_participant_submits_alone_and_as_a_team(people, site, entry):
    rest = people.organiser.rest
    assert entry.available == [site.queue]
    assert set(entry.mine) == {"Alone", "By mistake"}
    assert rest("GET", f"/evaluation/submission/{entry.alone}")["userId"] == str(people.participant.id)
    # Only what organisers have declared cancellable can be cancelled.
    assert (entry.cancellable, entry.cancelling) == (False, 403)
    together = rest("GET", f"/evaluation/submission/{entry.together}")
    assert together["teamId"] == entry.team
    assert [one["principalId"] for one in together["contributors"]] == [str(people.participant.id)]


def test_the_organiser_scores_one_by_one_and_in_batches(people, entry, scoring):
    assert scoring.names == ["Alone", "By mistake"]
    assert scoring.text == "id,p\n1,0.75\n"
    assert (scoring.conflict, scoring.count) == (412, 2)
    status = people.organiser.status(entry.alone)
    annotations = status["submissionAnnotations"]["annotations"]
    assert {key: (value["type"], value["value"]) for key, value in annotations.items()} == {
        "auc": ("DOUBLE", ["0.75"]),
        "rank": ("LONG", ["1"]),
        "note": ("STRING", ["first"]),
    }
    assert status["annotations"]["doubleAnnos"] == [{"key": "secret", "value": 0.1, "isPrivate": True}]
    theirs = people.participant.status(entry.alone)
    assert theirs["status"] == "SCORED"
    assert "secret" not in str(theirs)
    assert scoring.rejected == [entry.wrong]
    assert scoring.next is None
    assert people.organiser.status(entry.wrong)["status"] == "REJECTED"


def test_the_leaderboard_shows_scores(entry, scoring):
    [row] = csv.DictReader(io.StringIO(scoring.leaders))
    assert (row["id"], row["auc"]) == (entry.alone, "0.75")


def test_a_challenge_of_the_asynchronous_models(people, unique):
    found = SimpleNamespace(**people.organiser.program("models_async", name=unique("Asynchronous")))
    rest = people.organiser.rest
    assert found.me == people.organiser.id
    assert found.members == [str(found.me)]
    assert found.pages[0] == "Home"
    assert set(found.pages[1:]) == {"Data", "Rules"}
    assert people.visitor.rest("GET", f"/entity/{found.project}")["id"] == found.project
    assert people.organiser.rights(f"/evaluation/{found.queue}")[int(found.team)] == {"READ", "SUBMIT"}
    assert found.scored == len(set(found.submissions)) == 12
    for number, submission in enumerate(found.submissions):
        entered = rest("GET", f"/evaluation/submission/{submission}")
        assert entered["name"] == f"Entry {number}"
        assert rest("GET", f"/entity/{entered['entityId']}/generatedBy")["name"] == "Training"
        assert found.files[f"entry-{number}.csv"] == f"id,p\n1,{number / 100}\n"
    [cancelled] = [one for one in found.submissions if people.organiser.status(one)["cancelRequested"]]
    assert cancelled == found.submissions[0]
    best = [(row["id"], float(row["auc"])) for row in csv.DictReader(io.StringIO(found.best))]
    assert best == [(found.submissions[11], 0.11), (found.submissions[10], 0.1)]
