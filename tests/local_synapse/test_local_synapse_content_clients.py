"""Whole trees of files with the unmodified client: walked, copied, synchronised, moved to other storage, by command."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.fixture
def tree(organiser, project, tmp_path):
    """A project with files at two levels; the files on disk."""
    from synapseclient.models import File, Folder

    synapse = organiser.synapse
    home = tmp_path / "tree"
    (home / "inner").mkdir(parents=True)
    folder = Folder(name="inner", parent_id=project).store(synapse_client=synapse)
    for parent, path in ((project, home / "outer.txt"), (folder.id, home / "inner" / "inner.txt")):
        path.write_text(path.stem)
        File(path=str(path), parent_id=parent, annotations={"stage": [path.stem]}).store(synapse_client=synapse)
    return home


def names(organiser, parent):
    return sorted(child["name"] for child in organiser.synapse.getChildren(parent))


def test_a_project_is_walked(organiser, project, tree):
    from synapseclient.models import Project

    steps = list(Project(id=project).walk(synapse_client=organiser.synapse))
    found = [([folder.name for folder in folders], [file.name for file in files]) for _, folders, files in steps]
    assert found == [(["inner"], ["outer.txt"]), ([], ["inner.txt"])]


def test_a_project_is_copied(organiser, project, tree, new_project):
    from synapseclient.models import Project

    target = new_project(organiser)
    Project(id=project).copy(destination_id=target, synapse_client=organiser.synapse)
    assert names(organiser, target) == ["inner", "outer.txt"]
    inner = organiser.ok("POST", "/entity/child", {"parentId": target, "entityName": "inner"})["id"]
    file = organiser.ok("POST", "/entity/child", {"parentId": inner, "entityName": "inner.txt"})["id"]
    assert organiser.ok("GET", f"/entity/{file}/annotations2")["annotations"]["stage"]["value"] == ["inner"]
    made = organiser.ok("GET", f"/entity/{file}/generatedBy")
    assert made["used"][0]["reference"]["targetId"] != file


def test_a_project_comes_down_and_goes_up_again(organiser, project, tree, new_project, tmp_path):
    from synapseclient.models import Project

    down = tmp_path / "down"
    Project(id=project).sync_from_synapse(path=str(down), synapse_client=organiser.synapse)
    assert (down / "inner" / "inner.txt").read_text() == "inner"
    import synapseutils

    target = new_project(organiser)
    manifest = tmp_path / "manifest.tsv"
    manifest.write_text(
        f"path\tparent\tstage\n{down / 'outer.txt'}\t{target}\tagain\n{down / 'inner' / 'inner.txt'}\t{target}\tagain\n"
    )
    synapseutils.syncToSynapse(organiser.synapse, str(manifest), sendMessages=False)
    assert names(organiser, target) == ["inner.txt", "outer.txt"]
    file = organiser.ok("POST", "/entity/child", {"parentId": target, "entityName": "inner.txt"})["id"]
    assert organiser.ok("GET", f"/entity/{file}/annotations2")["annotations"]["stage"]["value"] == ["again"]


def test_files_move_to_another_storage(organiser, project, tree, tmp_path):
    from synapseclient.models import Project, StorageLocation, StorageLocationType

    synapse = organiser.synapse
    location = StorageLocation(storage_type=StorageLocationType.EXTERNAL_S3, bucket="moved").store(
        synapse_client=synapse
    )
    home = Project(id=project)
    home.index_files_for_migration(
        dest_storage_location_id=location.storage_location_id,
        db_path=str(tmp_path / "migration.db"),
        file_version_strategy="latest",
        synapse_client=synapse,
    )
    done = home.migrate_indexed_files(db_path=str(tmp_path / "migration.db"), force=True, synapse_client=synapse)
    assert done.counts_by_status["ERRORED"] == 0
    file = organiser.ok("POST", "/entity/child", {"parentId": project, "entityName": "outer.txt"})["id"]
    found = organiser.ok("GET", f"/entity/{file}")
    handle = organiser.ok("GET", f"/fileHandle/{found['dataFileHandleId']}", service="file")
    assert (found["versionNumber"], handle["bucketName"], handle["contentSize"]) == (1, "moved", 5)


def test_sharing_of_a_tree_is_listed_and_taken_away(organiser, person, project, tree):
    from synapseclient.models import Folder, Project

    synapse, reader = organiser.synapse, person()
    inner = organiser.ok("POST", "/entity/child", {"parentId": project, "entityName": "inner"})["id"]
    Folder(id=inner).set_permissions(reader.id, ["READ"], synapse_client=synapse)
    listed = Project(id=project).list_acl(recursive=True, include_container_content=True, synapse_client=synapse)
    lists = {each.entity_id: {int(entry.principal_id) for entry in each.acl_entries} for each in listed.all_entity_acls}
    assert reader.id in lists[inner]
    assert reader.id not in lists[project]
    Folder(id=inner).delete_permissions(synapse_client=synapse)
    assert organiser.refused("GET", f"/entity/{inner}/acl")[0] == 404


@pytest.fixture
def command(server, organiser, tmp_path):
    """Runs the ``synapse`` command as the organiser; returns what it prints."""
    config = tmp_path / "config"
    config.write_text(
        f"[default]\nusername = {organiser.name}\nauthtoken = {organiser.token}\n\n[endpoints]\n"
        f"repoEndpoint = {server.endpoints['repo']}\nauthEndpoint = {server.endpoints['auth']}\n"
        f"fileHandleEndpoint = {server.endpoints['file']}\nportalEndpoint = {server.url}\n"
        f"[cache]\nlocation = {tmp_path / 'cache'}\n"
    )

    def command(*arguments):
        line = [sys.executable, "-m", "synapseclient", "--configPath", str(config), "--skip-checks", *arguments]
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return command


def test_the_command_line(organiser, command, new_project, tmp_path):
    project = new_project(organiser)
    (tmp_path / "data.txt").write_text("by command\n")
    command("add", "--parentid", project, "--annotations", '{"stage": ["added"]}', "data.txt")
    command("create", "Folder", "--name", "Drawer", "--parentid", project)
    listed = command("list", project)
    assert ("data.txt" in listed, "Drawer/" in listed) == (True, True)
    ids = {child["name"]: child["id"] for child in organiser.synapse.getChildren(project)}
    command("mv", "--id", ids["data.txt"], "--parentid", ids["Drawer"])
    assert organiser.ok("GET", f"/entity/{ids['data.txt']}")["parentId"] == ids["Drawer"]
    assert "by command" in command("cat", ids["data.txt"])
    command("set-provenance", "--id", ids["data.txt"], "--name", "By hand", "--executed", "https://example.org/code")
    assert '"By hand"' in command("get-provenance", "--id", ids["data.txt"])
    assert '"added"' in command("get-annotations", "--id", ids["data.txt"])
    command("cp", ids["data.txt"], "--destinationId", project)
    command("get", "-r", project, "--downloadLocation", "down")
    assert (tmp_path / "down" / "Drawer" / "data.txt").read_text() == "by command\n"
    command("delete", ids["Drawer"])
    assert names(organiser, project) == ["data.txt"]
