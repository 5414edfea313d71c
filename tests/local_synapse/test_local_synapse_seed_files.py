"""Seed files: users, teams, projects, queues and submissions from YAML, in real processes."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from airflow_synapse_challenge.local_synapse.server import LocalSynapse

from .conftest import Person

GUIDE = Path(__file__).parents[2] / "docs" / "local-synapse-seeds.md"


@pytest.fixture
def planted(tmp_path):
    """Starts a Synapse with a seed file; its people by name."""
    running = []

    def planted(text, **files):
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        (tmp_path / "seed.yaml").write_text(text)
        server = LocalSynapse.start(tmp_path / "data", seed=tmp_path / "seed.yaml")
        running.append(server)
        return server

    yield planted
    for server in running:
        server.stop()


@pytest.fixture
def login(tmp_path):
    def login(server, name):
        token = server.token(name)
        headers = {"Authorization": f"Bearer {token}"}
        owner = httpx.get(f"{server.url}/repo/v1/userProfile", headers=headers, timeout=10).json()["ownerId"]
        return Person(server, name, int(owner), token, tmp_path / name)

    return login


@pytest.fixture
def refusal(tmp_path):
    """What a start with a seed file that cannot be used says, after the file's name."""

    def refusal(text, *options):
        seed = tmp_path / "seed.yaml"
        seed.write_text(text)
        command = [sys.executable, *LocalSynapse.program, "--data", str(tmp_path / "data"), "--port", "0"]
        run = subprocess.run(
            [*command, "--seed", str(seed), *options], check=False, capture_output=True, text=True, timeout=60
        )
        assert (run.returncode, run.stdout) == (1, "")
        assert "Traceback" not in run.stderr
        return [line.removeprefix(f"{seed}:") for line in run.stderr.strip().splitlines()]

    return refusal


def child(person, parent, name):
    return person.ok("POST", "/entity/child", {"parentId": parent, "entityName": name})["id"]


def test_the_guide_s_file_makes_a_challenge(planted, login):
    text = re.search(r"```yaml\n(.*?)```", GUIDE.read_text(), re.DOTALL)[1]
    server = planted(text)
    assert server.token("irene") == "irene-knows-this"
    marie, irene, organiser = (login(server, name) for name in ("marie", "irene", "challenge-service"))
    project = organiser.ok("POST", "/entity/child", {"entityName": "Breast Cancer"})["id"]
    challenge = organiser.ok("GET", f"/entity/{project}/challenge")
    team = organiser.ok("GET", f"/team/{challenge['participantTeamId']}")
    assert (team["name"], team["canPublicJoin"]) == ("Breast Cancer Participants", True)
    assert len(organiser.ok("GET", f"/challenge/{challenge['id']}/challengeTeam")["results"]) == 1
    annotations = organiser.ok("GET", f"/entity/{project}/annotations2")["annotations"]
    assert annotations == {
        "Status": {"type": "STRING", "value": ["Active"]},
        "Years": {"type": "LONG", "value": ["2025", "2026"]},
    }
    assert marie.ok("GET", f"/entity/{project}/wiki")["markdown"] == "# Breast Cancer"
    assert [page["title"] for page in marie.ok("GET", f"/entity/{project}/wikiheadertree")["results"]] == ["", "Data"]
    file = child(irene, child(irene, project, "Data"), "training.csv")
    assert Path(irene.synapse.get(file).path).read_text() == "id,label\n1,0\n2,1\n"
    hidden = child(organiser, project, "Gold standard")
    assert marie.refused("GET", f"/entity/{hidden}")[0] == 403
    _assert_queue(organiser, marie, irene, project)


def _assert_queue(organiser, marie, irene, project):
    [queue] = organiser.ok("GET", f"/entity/{project}/evaluation")["results"]
    rounds = organiser.ok("POST", f"/evaluation/{queue['id']}/round/list", {})["page"]
    assert [entry["limits"][0]["limitType"] for entry in rounds] == ["TOTAL", "DAILY"]
    bundles = organiser.ok("GET", f"/evaluation/{queue['id']}/submission/bundle/all")["results"]
    first, second = (bundle["submission"] for bundle in bundles)
    age = datetime.now(UTC) - datetime.fromisoformat(first["createdOn"])
    assert timedelta(days=10) <= age < timedelta(days=10, hours=1)
    assert (first["userId"], first["evaluationRoundId"]) == (str(marie.id), rounds[0]["id"])
    status = bundles[0]["submissionStatus"]
    assert status["status"] == "SCORED"
    assert status["annotations"]["doubleAnnos"] == [{"key": "auc", "value": 0.75, "isPrivate": False}]
    longs = {entry["key"]: (entry["value"], entry["isPrivate"]) for entry in status["annotations"]["longAnnos"]}
    assert longs == {"rank": (1, False), "seed": (17, True)}
    assert status["submissionAnnotations"]["annotations"].keys() == {"auc", "rank"}
    assert second["teamId"] == irene.ok("GET", f"/user/{irene.id}/team")["results"][-1]["id"]
    contributors = {entry["principalId"] for entry in second["contributors"]}
    assert contributors == {str(marie.id), str(irene.id)}
    assert marie.refused("GET", f"/evaluation/{queue['id']}/submission/all")[0] == 403


KNOWN_IDS = """
users:
  - {id: 3300001, name: keeper}
teams:
  - {id: 3300002, name: Keepers, managers: [keeper, participant], members: [participant-2]}
projects:
  - id: syn2000001
    name: Kept
    owner: keeper
    sharing: {participant: [READ, DOWNLOAD], participant-2: edit}
    wiki: {id: 5001, file: home.md, pages: [{id: 5002, title: Below}]}
    folders:
      - {id: syn2000002, name: Inside, files: [{id: 2000003, name: data.bin, path: data.bin, annotations: {ok: true}}]}
queues:
  - {id: 8000001, name: Kept queue, project: syn2000001, receipt: Thanks}
submissions:
  - {by: keeper, queue: "8000001", file: syn2000003, created: 2026-01-02T03:04:05Z, name: Mine, alias: K}
"""


def test_parts_can_have_the_ids_that_scripts_know(planted, login):
    server = planted(KNOWN_IDS, **{"home.md": b"# Home", "data.bin": bytes(range(256))})
    keeper, reader = login(server, "keeper"), login(server, "participant")
    assert keeper.id == 3300001
    assert keeper.ok("GET", "/evaluation/8000001")["submissionReceiptMessage"] == "Thanks"
    assert reader.ok("GET", "/entity/syn2000001/wiki/5001")["markdown"] == "# Home"
    assert reader.ok("GET", "/entity/syn2000001/wiki2/5002")["parentWikiId"] == "5001"
    assert Path(reader.synapse.get("syn2000003").path).read_bytes() == bytes(range(256))
    annotations = reader.ok("GET", "/entity/syn2000003/annotations2")["annotations"]
    assert annotations == {"ok": {"type": "BOOLEAN", "value": ["true"]}}
    assert reader.refused("PUT", "/entity/syn2000002", reader.ok("GET", "/entity/syn2000002"))[0] == 403
    members = {one["member"]["userName"]: one["isAdmin"] for one in keeper.ok("GET", "/teamMembers/3300002")["results"]}
    assert members == {"keeper": True, "participant": True, "participant-2": False}
    [submission] = keeper.ok("GET", "/evaluation/8000001/submission/all")["results"]
    assert (submission["createdOn"], submission["name"]) == ("2026-01-02T03:04:05.000Z", "Mine")
    assert submission["submitterAlias"] == "K"
    made = keeper.ok("POST", "/entity", {"concreteType": "org.sagebionetworks.repo.model.Project", "name": "Later"})
    assert int(made["id"].removeprefix("syn")) > 51000000


def test_the_same_content_is_planted_once(planted, tmp_path):
    text = "users: [{name: once}]\nprojects: [{name: Once, files: [{name: a.txt, path: a.txt}]}]\n"
    first = planted(text, **{"a.txt": b"one"})
    token = first.token("once")
    first.stop()
    again = planted(text)
    assert again.token("once") == token
    assert again.control("GET", "/control/users")[-1]["userName"] == "once"
    again.stop()
    with pytest.raises(RuntimeError, match="did not start"):
        planted(f"{text}\n", **{"a.txt": b"two"})
    log = (tmp_path / "data" / "server.log").read_text()
    assert f"{tmp_path / 'seed.yaml'}:1: users[0]: refused, as Synapse would: Name once is already used." in log


def test_nothing_of_a_seed_file_is_kept_when_a_part_is_refused(refusal, planted):
    text = "users: [{name: half}]\nqueues:\n  - name: Q\n    project: Nowhere\n"
    assert refusal(text) == ["4: queues[0].project: there is nothing named 'Nowhere' among the projects"]
    server = planted("users: [{name: half}]")
    assert [user["userName"] for user in server.control("GET", "/control/users")].count("half") == 1


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("users: [{name: [}]", "1: no YAML"),
        ("users:\n\t- name: a", "2: no YAML"),
        ("users: &a [*a]", "1: users[0][0]: more than 40 levels"),
        ("users:\n  - name: a\n    nam: b\n", "3: users[0].nam: is no key here; allowed are name, id, first_name,"),
        ("users:\n  - first_name: a\n", "2: users[0].name: is missing"),
        ("users:\n  - name: a\n    name: b\n", "3: users[0].name: the key stands twice, in lines 2 and 3; keep one"),
        ("users:\n- name: a\n  certified: perhaps\n", "3: users[0].certified: must be true or false, not 'perhaps'"),
        ("users:\n- {name: a, token: x y}\n", "2: users[0].token: "),
        ("people: []\n", "1: people: is no key here; allowed are users, teams, projects, queues, submissions"),
        ("teams:\n- name: T\n  members:\n  - nobody\n", "4: teams[0].members[0]: there is no user 'nobody'"),
        ("teams: [{name: T, managers: []}]", "1: teams[0].managers: "),
        (
            "projects:\n- name: P\n  sharing:\n    public: everything\n",
            "4: projects[0].sharing.public: must be one of view, download, moderate, edit, edit_and_delete, admin,",
        ),
        ("projects:\n- name: P\n  sharing:\n    nobody: view\n", "4: projects[0].sharing.nobody: there is no user or"),
        ("projects:\n- name: P\n  sharing:\n    public: admin\n", "3: projects[0].sharing: refused, as Synapse would"),
        ("projects:\n- name: '?'\n", "2: projects[0]: refused, as Synapse would: Invalid Name: '?'."),
        ("projects:\n- name: P\n  files:\n  - name: f\n", "4: projects[0].files[0]: give either content"),
        ("projects:\n- name: P\n  files:\n  - {name: f, path: no.csv}\n", "4: projects[0].files[0].path: "),
        ("projects:\n- name: P\n  id: syn4x\n", "3: projects[0].id: "),
        (
            "projects: [{name: P, id: syn18058986}]",
            "1: projects[0]: refused, as Synapse would: The id 18058986 is taken",
        ),
        (
            "queues:\n- name: Q\n  project: Open Challenge\n  rounds:\n  - start: soon\n    end: +1d\n",
            "5: queues[0].rounds[0].start: must be a time such as 2026-05-01T12:00:00Z, now, -7d or +36h",
        ),
        (
            "queues:\n- name: Q\n  project: Open Challenge\n  rounds:\n  - start: +1d\n    end: +3d\n"
            "  - start: +2d\n    end: +4d\n",
            "7: queues[0].rounds[1]: refused, as Synapse would: This round's date range overlaps",
        ),
        (
            "queues:\n- name: Q\n  project: Open Challenge\n  rounds: [{start: now, end: +1d, limits: {hourly: 1}}]\n",
            "4: queues[0].rounds[0].limits.hourly: ",
        ),
        ("submissions:\n- {by: participant, queue: Q, file: F}\n", "2: submissions[0].queue: there is no queue 'Q'"),
        (
            "submissions:\n- by: participant\n  queue: Open Challenge Submissions\n  file: Open Challenge\n",
            "2: submissions[0]: refused, as Synapse would: User lacks SUBMIT access",
        ),
        (
            "submissions:\n- by: participant\n  queue: Open Challenge Submissions\n  file: Open Challenge\n"
            "  status: DONE\n",
            "5: submissions[0].status: should be 'OPEN', 'CLOSED', 'SCORED'",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(refusal, text, wanted):
    [line] = refusal(text)
    assert line.startswith(wanted)


def test_all_mistakes_are_told_at_once(refusal):
    lines = refusal("users:\n- name: a\n  age: 3\nteams:\n- nam: T\n")
    assert [line.split(" ")[:2] for line in lines] == [
        ["3:", "users[0].age:"],
        ["5:", "teams[0].name:"],
        ["5:", "teams[0].nam:"],
    ]


def test_a_malformed_file_costs_nobody_the_data(refusal, planted, tmp_path):
    server = planted("users: [{name: kept}]")
    token = server.token("kept")
    server.stop()
    assert refusal("user: []", "--reset") == [
        "1: user: is no key here; allowed are users, teams, projects, queues, submissions"
    ]
    assert planted("users: [{name: kept}]").token("kept") == token


def test_a_seed_file_that_is_not_there(tmp_path):
    command = [sys.executable, *LocalSynapse.program, "--data", str(tmp_path / "data"), "--port", "0"]
    run = subprocess.run([*command, "--seed", "no.yaml"], check=False, capture_output=True, text=True, timeout=60)
    assert run.returncode == 1
    assert run.stderr.startswith("no.yaml cannot be read:")


def test_words_stay_words(planted, login):
    """YAML's older types would make truth, numbers and times of them."""
    server = planted("projects: [{name: A, annotations: {a: yes, b: 010, c: 2026-01-01, d: 1.5, e: '7', f: 7}}]")
    organiser = login(server, "challenge-service")
    project = organiser.ok("POST", "/entity/child", {"entityName": "A"})["id"]
    annotations = organiser.ok("GET", f"/entity/{project}/annotations2")["annotations"]
    assert {name: (entry["type"], entry["value"]) for name, entry in annotations.items()} == {
        "a": ("STRING", ["yes"]),
        "b": ("LONG", ["10"]),
        "c": ("STRING", ["2026-01-01"]),
        "d": ("DOUBLE", ["1.5"]),
        "e": ("STRING", ["7"]),
        "f": ("LONG", ["7"]),
    }
