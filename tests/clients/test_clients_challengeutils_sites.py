"""challengeutils 4.3.0 with sites: challenges from the templates, wikis, sharing, lists."""

from __future__ import annotations

import json
import re

import pytest

pytestmark = pytest.mark.rule("P-16")
DREAM, PORTAL, VIEW = "syn18058986", "syn52941681", "syn51476218"
PLACEHOLDERS = re.compile(r"challengeId=0|\{teamId\}|teamId=0\b|#!Map:0|\{challengeName\}|projectId=syn0\b")
VIEWING = {"READ"}
DOWNLOADING = {"READ", "DOWNLOAD"}
MODERATING = {*DOWNLOADING, "MODERATE"}
EDITING = {*DOWNLOADING, "UPDATE", "CREATE"}
ADMINISTERING = {*EDITING, "DELETE", "MODERATE", "CHANGE_SETTINGS", "CHANGE_PERMISSIONS"}
SCORING = {"READ", "UPDATE_SUBMISSION", "READ_PRIVATE_SUBMISSION"}


def addresses(said):
    """Ids of projects and teams by what the command calls them."""
    return dict(re.findall(r"\((.+?)\): https://www\.synapse\.org/#!(?:Synapse|Team):(\w+)", said))


def team(somebody, name):
    """The one team of exactly that name."""
    [found] = [one for one in somebody.rest("GET", "/teams", fragment=name)["results"] if one["name"] == name]
    return found


def test_create_challenge(organiser, unique):
    name = unique("DREAM Challenge")
    made = addresses(organiser.challengeutils("create-challenge", name))
    live, staging = made["Production site"], made["Staging site"]
    teams = {role: team(organiser, f"{name} {role}") for role in ("Participants", "Admin", "Organizers")}
    assert {role: one["canPublicJoin"] for role, one in teams.items()} == {
        "Participants": True,
        "Admin": False,
        "Organizers": False,
    }
    # The labels of these two are interchanged by the command.
    assert made["Participant team"] == teams["Organizers"]["id"]
    assert made["Organizer team"] == teams["Participants"]["id"]
    for project, organizing in ((live, MODERATING), (staging, EDITING)):
        rights = organiser.rights(f"/entity/{project}")
        assert rights[int(teams["Admin"]["id"])] == ADMINISTERING
        assert rights[int(teams["Organizers"]["id"])] == organizing
    challenge = organiser.rest("GET", f"/entity/{live}/challenge")
    assert challenge["participantTeamId"] == teams["Participants"]["id"]
    assert [*organiser.queues(live)] == [f"{name} Project Submission"]
    assert f"teamId={made['Pre-registrant team']}&" in organiser.rest("GET", f"/entity/{live}/wiki")["markdown"]
    template, copy = organiser.pages(DREAM), organiser.pages(staging)
    assert [*copy] == [*template]
    text = "\n".join(page["markdown"] for page in copy.values())
    assert not PLACEHOLDERS.search(text)
    for filled_in in (f"challengeId={challenge['id']}", f"teamId={challenge['participantTeamId']}", name):
        assert filled_in in text
    assert DREAM not in text


def test_create_challenge_again_asks_before_it_takes_what_is_there(organiser, unique):
    name = unique("Known Challenge")
    live = organiser.create("Project", unique("Live site"))
    known = organiser.rest("POST", "/team", {"name": f"{name} Participants"})["id"]
    said = organiser.challengeutils("create-challenge", name, "--livesiteid", live, typed="n\n", code=1)
    assert f"The team {name} Participants already exists." in said
    made = addresses(organiser.challengeutils("create-challenge", name, "--livesiteid", live, typed="y\n"))
    assert made["Production site"] == live
    assert organiser.rest("GET", f"/entity/{live}/challenge")["participantTeamId"] == known
    assert organiser.ask("GET", f"/entity/{live}/wiki").status_code == 404
    assert [*organiser.pages(made["Staging site"])] == [*organiser.pages(DREAM)]


def test_create_portal_challenge(organiser, unique):
    name = unique("Portal Challenge")
    made = addresses(organiser.challengeutils("create-portal-challenge", name, "--tasks_count", 2))
    live, staging = made["Production site"], made["Staging site"]
    assert [*organiser.queues(live)] == [f"{name} Task 1", f"{name} Task 2"]
    participants, organizers = (int(team(organiser, f"{name} {role}")["id"]) for role in ("Participants", "Organizers"))
    assert organiser.rights(f"/entity/{live}")[organizers] == MODERATING
    assert organiser.rights(f"/entity/{staging}")[organizers] == EDITING
    annotations = organiser.annotations(live)
    for task in (1, 2):
        folder = organiser.child(live, f"Task {task}")
        assert annotations.pop(f"Task_{task}.DataFolder") == [folder]
        rights = organiser.rights(f"/entity/{folder}")
        assert (rights[participants], rights[organizers]) == (DOWNLOADING, DOWNLOADING)
    # The others of the template are set to nothing, which synapseclient 4.14 leaves out.
    home = organiser.rest("GET", f"/entity/{live}/wiki")["id"]
    assert annotations == {
        "Overview": [f"{live}/wiki/{home}"],
        "Abstract": ["More challenge information coming soon!"],
    }
    headers = organiser.rest("GET", f"/entity/{staging}/wikiheadertree")["results"]
    tabs = {one["title"]: one["id"] for one in headers}
    parts = [
        sorted(one["title"] for one in headers if one.get("parentId") == tabs[f"Task {task} (tab)"]) for task in (1, 2)
    ]
    assert parts[0] == parts[1] != []
    assert live.removeprefix("syn") in organiser.rest("GET", f"/entity/{VIEW}")["scopeIds"]


@pytest.fixture
def sites(organiser, unique):
    """A staged and a live site: a first page, Data, and one that the other does not have; a link, an attachment."""
    staged, live = (organiser.create("Project", unique(words)) for words in ("Staged", "Live"))
    ids = {}
    for project, own in ((staged, "Draft"), (live, "News")):
        root = organiser.rest("POST", f"/entity/{project}/wiki", {"title": "", "markdown": "old"})["id"]
        ids[project] = [root]
        for title in ("Data", own):
            page = {"title": title, "markdown": "old", "parentWikiId": root}
            ids[project].append(organiser.rest("POST", f"/entity/{project}/wiki", page)["id"])
    page = organiser.rest("GET", f"/entity/{staged}/wiki/{ids[staged][1]}")
    page["markdown"] = f"See [home](#!Synapse:{staged}/wiki/{ids[staged][0]}). ${{image?fileName=plot.csv}}"
    page["attachmentFileHandleIds"] = [organiser.upload("plot\n", "plot.csv")]
    organiser.rest("PUT", f"/entity/{staged}/wiki/{page['id']}", page)
    return staged, live, ids[live][0]


def test_mirror_wiki(organiser, sites):
    staged, live, home = sites
    said = organiser.challengeutils("mirror-wiki", staged, live, "--dryrun")
    assert "`dryrun` is True" in said
    assert {page["markdown"] for page in organiser.pages(live).values()} == {"old"}
    said = organiser.challengeutils("mirror-wiki", staged, live)
    assert "Title doesn't exist at destination: Draft" in said
    assert "Title exists at destination but not in entity: News" in said
    mirrored = organiser.pages(live)
    assert [*mirrored] == ["", "Data", "News"]
    data = mirrored["Data"]
    assert data["markdown"] == f"See [home](#!Synapse:{live}/wiki/{home}). ${{image?fileName=plot.csv}}"
    attachments = organiser.rest("GET", f"/entity/{live}/wiki/{data['id']}/attachmenthandles")["list"]
    assert [one["fileName"] for one in attachments if not one.get("isPreview")] == ["plot.csv"]
    folder = organiser.create("Folder", "Folder", live)
    refused = organiser.challengeutils("mirror-wiki", staged, folder, code=1)
    assert "Can only mirror wiki pages between similar entity types" in refused


def test_wikis_are_pulled_and_pushed(organiser, sites):
    _, live, home = sites
    (organiser.home / "site").mkdir()
    organiser.challengeutils("pull-wiki", live, "--workdir", "site")
    config = json.loads(organiser.read("site/wiki_config.json"))
    assert [one["title"] for one in config] == ["homepage", "Data", "News"]
    organiser.write(f"site/{config[1]['markdown_path']}", "new data")
    organiser.write("site/rules.md", "the rules")
    config.append({"title": "Rules", "parentId": home, "markdown_path": "rules.md"})
    organiser.write("site/wiki_config.json", config)
    said = organiser.challengeutils("push-wiki", live, "--workdir", "site")
    assert re.findall(r"^(Wiki \w+|no updates): (\w+)$", said, re.MULTILINE) == [
        ("no updates", "homepage"),
        ("Wiki updated", "Data"),
        ("no updates", "News"),
        ("Wiki added", "Rules"),
    ]
    assert {title: page["markdown"] for title, page in organiser.pages(live).items()} == {
        "": "old",
        "Data": "new data",
        "News": "old",
        "Rules": "the rules",
    }
    assert json.loads(organiser.read("site/wiki_config.json"))[3]["id"] == organiser.pages(live)["Rules"]["id"]


def test_entities_are_shared(organiser, newcomer, project):
    somebody = newcomer()
    levels = {"view": VIEWING, "edit_and_delete": {*EDITING, "DELETE"}, "admin": ADMINISTERING}
    for level, rights in levels.items():
        organiser.challengeutils("set-entity-acl", project, somebody.id, level)
        assert organiser.rights(f"/entity/{project}")[somebody.id] == rights
    organiser.challengeutils("set-entity-acl", project, somebody.name, "remove")
    assert somebody.id not in organiser.rights(f"/entity/{project}")
    organiser.challengeutils("add-mod-flair", project, somebody.id)
    assert organiser.rights(f"/entity/{project}")[somebody.id] == MODERATING


def test_queues_are_shared_and_listed(organiser, newcomer, project, queue):
    somebody = newcomer()
    name = organiser.rest("GET", f"/evaluation/{queue}")["name"]
    assert f"Evaluation- {name}({queue})" in organiser.challengeutils("list-evaluations", project)
    for level, rights in (("submit", {"READ", "SUBMIT"}), ("score", SCORING)):
        organiser.challengeutils("set-evaluation-acl", queue, somebody.id, level)
        assert organiser.rights(f"/evaluation/{queue}")[somebody.id] == rights
    organiser.challengeutils("set-evaluation-acl", queue, somebody.id, "remove")
    assert somebody.id not in organiser.rights(f"/evaluation/{queue}")


def test_quotas_are_in_the_time_of_who_sets_them(organiser, queue):
    organiser.challengeutils(
        *("set-evaluation-quota", queue, "--num_rounds", 2, "--sub_limit", 3),
        *("--round_start", "2040-02-21T17:00:00", "--round_end", "2040-02-23T17:00:00"),
        environment={"TZ": "EST5"},
    )
    quota = organiser.rest("GET", f"/evaluation/{queue}")["quota"]
    assert quota == {
        "firstRoundStart": "2040-02-21T22:00:00.000Z",
        "roundDurationMillis": 2 * 24 * 3600 * 1000,
        "numberOfRounds": 2,
        "submissionLimit": 3,
    }
    # What was set before is taken away as a whole, and no quota is complete without these.
    refused = organiser.challengeutils("set-evaluation-quota", queue, "--sub_limit", 3, code=1)
    assert "400 Client Error" in refused


def test_challenges_that_one_takes_part_in(organiser, newcomer, project, unique):
    participants = organiser.rest("POST", "/team", {"name": unique("Participants"), "canPublicJoin": True})["id"]
    organiser.rest("POST", "/challenge", {"projectId": project, "participantTeamId": participants})
    organiser.share(f"/entity/{project}", 273948, "READ")
    somebody = newcomer()
    name = organiser.rest("GET", f"/entity/{project}")["name"]
    assert name not in somebody.challengeutils("list-registered-challenges")
    somebody.rest("PUT", f"/team/{participants}/member/{somebody.id}")
    assert name in somebody.challengeutils("list-registered-challenges").splitlines()
    assert name in organiser.challengeutils("list-registered-challenges", "--userid", somebody.id).splitlines()
