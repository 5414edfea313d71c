"""The `synapse` command line where a challenge meets it: submissions, queries, whole trees, settings of one's own."""

from __future__ import annotations

import configparser
import csv
import io
import os
import pty
import re
import subprocess

import pytest

from .accounts import script


def submitted(said):
    """The ids of the submission and of its entity."""
    return re.search(r"Submitted \(id: (\d+)\) entity: (syn\d+)", said).groups()


@pytest.mark.rule("P-08")
def test_submit_an_entity_and_a_file_to_a_queue_by_id_and_by_name(organiser, participant, queue):
    participant = participant()
    name = organiser.rest("GET", f"/evaluation/{queue}")["name"]
    entity = participant.create_file("id,p\n1,0.5\n", participant.project, "one.csv")
    submission, submitted_entity = submitted(
        participant.synapse("submit", "--evaluationID", queue, "--entity", entity, "--name", "The first")
    )
    assert submitted_entity == entity
    found = organiser.rest("GET", f"/evaluation/submission/{submission}")
    assert (found["name"], found["userId"], found["versionNumber"]) == ("The first", str(participant.id), 1)
    participant.write("two.csv", "id,p\n1,0.7\n")
    submission, made = submitted(
        participant.synapse(
            *("submit", "--evaluationName", name, "--file", "two.csv", "--parentId", participant.project),
            *("--used", entity),
        )
    )
    assert organiser.rest("GET", f"/evaluation/submission/{submission}")["entityId"] == made
    used = participant.rest("GET", f"/entity/{made}/generatedBy")["used"]
    assert [one["reference"]["targetId"] for one in used] == [entity]
    assert "Could not find an evaluation named: no such queue" in participant.synapse(
        "submit", "--evaluation", "no such queue", "--entity", entity, code=1
    )


@pytest.mark.rule("P-08", "T-05")
def test_submit_for_a_team_that_is_registered(organiser, newcomer, participant, project, queue, unique):
    participant = participant()
    members = organiser.rest("POST", "/team", {"name": unique("Participants"), "canPublicJoin": True})["id"]
    challenge = organiser.rest("POST", "/challenge", {"projectId": project, "participantTeamId": members})["id"]
    team = participant.rest("POST", "/team", {"name": unique("Team"), "canPublicJoin": True})
    entity = participant.create("Folder", "Entry", participant.project)
    command = ("submit", "--evaluationID", queue, "--entity", entity, "--teamName", team["name"])
    assert f'Team "{team["name"]}" is not registered' in participant.synapse(*command, code=1)
    colleague = newcomer()
    for somebody in (participant, colleague):
        somebody.rest("PUT", f"/team/{members}/member/{somebody.id}")
    colleague.rest("PUT", f"/team/{team['id']}/member/{colleague.id}")
    participant.rest("POST", f"/challenge/{challenge}/challengeTeam", {"challengeId": challenge, "teamId": team["id"]})
    organiser.share(f"/evaluation/{queue}", members, "READ", "SUBMIT")
    submission, _ = submitted(participant.synapse(*command))
    found = organiser.rest("GET", f"/evaluation/submission/{submission}")
    assert found["teamId"] == team["id"]
    assert {one["principalId"] for one in found["contributors"]} == {str(participant.id), str(colleague.id)}


def test_a_table_is_stored_and_queried(organiser, project):
    organiser.write("teams.csv", "team,points\nRed,3\nBlue,2\n")
    said = organiser.synapse("store-table", "--name", "Teams", "--parentid", project, "--csv", "teams.csv")
    table = re.search(r'"tableId": "(syn\d+)"', said)[1]
    columns = organiser.rest("GET", f"/entity/{table}/column")["results"]
    assert [(column["name"], column["columnType"]) for column in columns] == [("team", "STRING"), ("points", "INTEGER")]
    answer = organiser.synapse("query", f"SELECT team, points FROM {table} WHERE points > 2")
    assert "\nROW_ID\tROW_VERSION\tteam\tpoints\n1\t1\tRed\t3\n" in answer
    assert "cannot be parsed" in organiser.synapse("query", "SELECT everything")
    assert "Unknown column" in organiser.synapse("query", f"SELECT nothing FROM {table}", code=1)


def test_get_what_a_view_finds(organiser, account, project):
    found = organiser.create_file("found\n", project, "found.csv")
    organiser.create_file("not found\n", project, "other.csv")
    columns = organiser.rest("GET", "/column/tableview/defaults", viewEntityType="entityview", viewTypeMask=1)["list"]
    view = organiser.create(
        "table.EntityView",
        "Files",
        project,
        viewTypeMask=1,
        scopeIds=[project],
        columnIds=[column["id"] for column in columns],
    )
    elsewhere = account(organiser.name)
    elsewhere.synapse("get", "-q", f"SELECT id FROM {view} WHERE name = 'found.csv'")
    assert organiser.rest("GET", f"/entity/{found}")["name"] == "found.csv"
    assert elsewhere.read("found.csv") == "found\n"
    assert not (elsewhere.home / "other.csv").exists()


def test_the_download_cart(organiser, account, project):
    files = [organiser.create_file(f"{number}\n", project, f"{number}.csv") for number in (1, 2)]
    organiser.rest("POST", "/download/list/add", {"batchToAdd": [{"fileEntityId": file} for file in files]})
    elsewhere = account(organiser.name)
    said = elsewhere.synapse("get-download-list", "--downloadLocation", "cart")
    assert [elsewhere.read(f"cart/{number}.csv") for number in (1, 2)] == ["1\n", "2\n"]
    manifest = csv.DictReader(io.StringIO(elsewhere.read(re.search(r"Manifest file: (\S+)", said)[1])))
    assert {row["ID"]: row["name"] for row in manifest} == dict(zip(files, ("1.csv", "2.csv"), strict=True))
    # What has been fetched is not in the cart any more.
    left = organiser.rest(
        "POST", "/download/list/remove", {"batchToRemove": [{"fileEntityId": file} for file in files]}
    )
    assert left == {"numberOfFilesRemoved": 0}


def test_a_folder_becomes_a_manifest_and_the_manifest_a_tree(organiser, project):
    organiser.write("study/readme.txt", "read me\n")
    organiser.write("study/raw/one.csv", "1\n")
    organiser.synapse("manifest", "study", "--parent-id", project, "--manifest-file", "manifest.tsv")
    rows = [line.split("\t") for line in organiser.read("manifest.tsv").splitlines()]
    raw = organiser.child(project, "raw")
    assert sorted(rows[1:]) == [["study/raw/one.csv", raw], ["study/readme.txt", project]]
    wider = ["\t".join([*rows[0], "cohort"]), *("\t".join([*row, "A"]) for row in rows[1:])]
    organiser.write("manifest.tsv", "\n".join(wider) + "\n")
    before = len(organiser.server.mailbox(organiser.id))
    organiser.synapse("sync", "--dryRun", "manifest.tsv")
    assert not children(organiser, raw)
    organiser.synapse("sync", "--sendMessages", "manifest.tsv")
    assert set(children(organiser, project)) == {"raw", "readme.txt"}
    [one] = children(organiser, raw).values()
    assert organiser.annotations(one)["cohort"] == ["A"]
    [mail] = organiser.server.mailbox(organiser.id)[before:]
    assert "completed successfully" in mail["body"]


def children(somebody, parent):
    """Ids of the children by name."""
    page = somebody.rest("POST", "/entity/children", {"parentId": parent, "includeTypes": ["file", "folder"]})["page"]
    return {child["name"]: child["id"] for child in page}


def test_files_move_to_another_storage_location(organiser, project):
    file = organiser.create_file("moved\n", project)
    location = organiser.rest("POST", "/storageLocation", {"concreteType": S3_LOCATION})["storageLocationId"]
    organiser.synapse(
        *("migrate", project, location, "index.db", "--csv_log_path", "log.csv"),
        *("--file_version_strategy", "new", "--force"),
    )
    [row] = csv.DictReader(io.StringIO(organiser.read("log.csv")))
    assert (row["id"], row["status"]) == (file, "MIGRATED")
    [handle] = organiser.rest("GET", f"/entity/{file}/filehandles")["list"]
    assert (handle["storageLocationId"], handle["id"]) == (location, row["to_file_handle_id"])
    assert "\nmoved\n" in organiser.synapse("cat", file)


S3_LOCATION = "org.sagebionetworks.repo.model.project.S3StorageLocationSetting"


def at_a_terminal(somebody, command, dialogue):
    """Run a command that wants a terminal; it is answered where it prompts."""
    terminal, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            command,
            cwd=somebody.home,
            env=somebody.environment,
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:
            said = b""
            for prompt, answer in dialogue:
                while not said.endswith(prompt.encode()):
                    character = process.stdout.read(1)
                    assert character, said.decode()
                    said += character
                os.write(terminal, f"{answer}\n".encode())
            said += process.stdout.read()
            assert process.wait(60) == 0, said.decode()
    finally:
        os.close(terminal)
        os.close(theirs)


def test_config_adds_an_account_to_the_configuration(organiser, newcomer, succeeded):
    other = newcomer()
    at_a_terminal(
        organiser,
        [script("synapseclient", "synapse"), "-c", ".synapseConfig", "config"],
        [("(Optional): ", other.name), (f"{other.name}:", other.token), ("not specified): ", "second")],
    )
    succeeded.add(("synapse", "config"))
    config = configparser.ConfigParser()
    config.read(organiser.home / ".synapseConfig")
    assert config["profile second"]["authtoken"] == other.token
    assert config["default"]["authtoken"] == organiser.token
    assert f"({other.id})" in organiser.synapse("--profile", "second", "login")


@pytest.mark.parametrize(
    ("command", "operation"),
    [
        (("get-sts-token", "{project}", "read_only"), "GET /repo/v1/entity/{project}/sts"),
        (("bind-json-schema", "{project}", "org-schema-1.0.0"), "PUT /repo/v1/entity/{project}/schema/binding"),
    ],
)
def test_what_the_local_synapse_does_not_have_is_told(organiser, project, command, operation):
    said = organiser.synapse(*(word.format(project=project) for word in command), code=1)
    assert f"The local Synapse does not have this operation: {operation.format(project=project)}" in said
