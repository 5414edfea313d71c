"""The `synapse` command line with projects, folders and files: what it stores, finds, moves, copies and removes."""

from __future__ import annotations

import json
import re

import pytest


def synapse_id(said):
    """The id that is told last."""
    return re.findall(r"syn\d+", said)[-1]


@pytest.fixture
def tree(organiser, unique):
    """A project with a folder and a file in it."""
    project = organiser.create("Project", unique("Project"))
    folder = organiser.create("Folder", "Data", project)
    return project, folder, organiser.create_file("id,value\n1,2\n", folder)


def created(said):
    """The id of what `add` or `store` made."""
    return re.search(r"Created/Updated entity: (syn\d+)", said)[1]


def versions(somebody, file):
    return [one["versionNumber"] for one in somebody.rest("GET", f"/entity/{file}/version")["results"]]


@pytest.mark.rule("P-01", "P-02")
def test_login_tells_who_it_is(organiser, newcomer):
    assert f"Logged in as: challenge-service ({organiser.id})" in organiser.synapse("login")
    other = newcomer()
    assert f"({other.id})" in organiser.synapse("login", "-u", other.name, "-p", other.token)
    assert "401" in organiser.synapse("login", "-p", "nobody's token", code=1)


def test_create_makes_projects_and_folders_with_a_wiki(organiser, unique):
    name = unique("Project")
    said = organiser.synapse("create", "--name", name, "--description", "What *it* is", "Project")
    project = synapse_id(said)
    assert name in said
    found = organiser.rest("GET", f"/entity/{project}")
    assert (found["name"], found["concreteType"]) == (name, "org.sagebionetworks.repo.model.Project")
    assert organiser.rest("GET", f"/entity/{project}/wiki")["markdown"] == "What *it* is"
    organiser.write("folder.md", "of a file")
    folder = synapse_id(
        organiser.synapse("create", "--name", "Data", "--parentid", project, "--descriptionFile", "folder.md", "Folder")
    )
    assert organiser.rest("GET", f"/entity/{folder}")["parentId"] == project
    assert organiser.rest("GET", f"/entity/{folder}/wiki")["markdown"] == "of a file"


def test_add_stores_a_file_with_all_that_belongs_to_it(organiser, tree):
    _, folder, data = tree
    organiser.write("model.py", "print()\n")
    model = created(
        organiser.synapse(
            *("add", "model.py", "--parentid", folder, "--name", "The model", "--description", "How it was made"),
            *("--used", data, "https://example.org/paper", "--executed", data),
            *("--annotations", json.dumps({"score": 0.5, "tags": ["a", "b"], "final": True})),
        )
    )
    found = organiser.rest("GET", f"/entity/{model}")
    assert (found["name"], found["parentId"], found["versionNumber"]) == ("The model", folder, 1)
    assert organiser.rest("GET", f"/entity/{model}/wiki")["markdown"] == "How it was made"
    annotations = organiser.rest("GET", f"/entity/{model}/annotations2")["annotations"]
    assert {key: (value["type"], value["value"]) for key, value in annotations.items()} == {
        "score": ("DOUBLE", ["0.5"]),
        "tags": ("STRING", ["a", "b"]),
        "final": ("BOOLEAN", ["true"]),
    }
    used = organiser.rest("GET", f"/entity/{model}/generatedBy")["used"]
    assert [(one.get("url") or one["reference"]["targetId"], one["wasExecuted"]) for one in used] == [
        (data, False),
        ("https://example.org/paper", False),
        (data, True),
    ]


def test_store_makes_versions_and_cat_shows_them(organiser, tree):
    _, _, data = tree
    organiser.write("data.csv", "id,value\n1,3\n")
    organiser.synapse("store", "data.csv", "--id", data)
    assert versions(organiser, data) == [2, 1]
    organiser.synapse("store", "data.csv", "--id", data, "--noForceVersion")
    assert versions(organiser, data) == [2, 1]
    assert "\nid,value\n1,3\n" in organiser.synapse("cat", data)
    assert "\nid,value\n1,2\n" in organiser.synapse("cat", data, "-v", 1)
    organiser.synapse("delete", data, "--version", 1)
    assert versions(organiser, data) == [2]


def test_get_downloads_a_file_a_version_and_a_tree(organiser, account, tree):
    project, folder, data = tree
    organiser.write("data.csv", "id,value\n1,3\n")
    organiser.synapse("store", "data.csv", "--id", data)
    elsewhere = account(organiser.name)
    elsewhere.synapse("get", data)
    assert elsewhere.read("data.csv") == "id,value\n1,3\n"
    elsewhere.synapse("get", data, "-v", 1, "--downloadLocation", "first")
    assert elsewhere.read("first/data.csv") == "id,value\n1,2\n"
    elsewhere.synapse("get", "-r", project, "--downloadLocation", "all")
    assert elsewhere.read("all/Data/data.csv") == "id,value\n1,3\n"
    manifest = elsewhere.read("all/SYNAPSE_METADATA_MANIFEST.tsv").splitlines()
    assert [line.split("\t")[1:4] for line in manifest] == [["parent", "name", "id"], [folder, "data.csv", data]]


def test_list_and_show(organiser, tree):
    project, folder, data = tree
    listed = organiser.synapse("list", "-r", "-l", "-m", project)
    assert [line.split()[0] for line in listed.splitlines() if line.startswith("syn")] == [folder, data]
    assert listed.count("challenge-service") == 4 + 1  # whoever logged in is greeted
    shown = organiser.synapse("show", data)
    handle = organiser.rest("GET", f"/entity/{data}")["dataFileHandleId"]
    assert f"dataFileHandleId={handle}" in shown
    assert "md5=" in shown


def test_annotations_are_added_to_and_replaced(organiser, tree):
    _, _, data = tree
    organiser.synapse("set-annotations", "--id", data, "--annotations", '{"one": 1, "two": ["x", "y"]}')
    organiser.synapse("set-annotations", "--id", data, "--annotations", '{"one": 1.5}')
    organiser.synapse("get-annotations", "--id", data, "-o", "annotations.json")
    assert json.loads(organiser.read("annotations.json")) == {"one": [1.5], "two": ["x", "y"]}
    organiser.synapse("set-annotations", "--id", data, "--annotations", '{"three": "z"}', "-r")
    assert organiser.annotations(data) == {"three": ["z"]}


def test_provenance_of_each_version(organiser, tree):
    _, _, data = tree
    organiser.write("data.csv", "changed\n")
    organiser.synapse("store", "data.csv", "--id", data)
    organiser.synapse(
        *("set-provenance", "--id", data, "--name", "Cleaning", "--description", "By hand"),
        *("--used", f"{data}.1", "--executed", "https://example.org/script", "-o", "set.json"),
    )
    organiser.synapse("get-provenance", "--id", data, "-o", "got.json")
    found = json.loads(organiser.read("got.json"))
    assert found["id"] == json.loads(organiser.read("set.json"))["id"]
    activity = organiser.rest("GET", f"/entity/{data}/version/2/generatedBy")
    assert (activity["id"], activity["name"], activity["description"]) == (found["id"], "Cleaning", "By hand")
    assert activity["used"][0]["reference"] == {"targetId": data, "targetVersionNumber": 1}
    assert activity["used"][1]["wasExecuted"]
    assert "404" in organiser.synapse("get-provenance", "--id", data, "--version", 1, code=1)


def test_mv_and_cp(organiser, tree, unique):
    project, folder, data = tree
    other = organiser.create("Folder", "Other", project)
    assert f"Moved {data} to {other}" in organiser.synapse("mv", "--id", data, "--parentid", other)
    assert organiser.rest("GET", f"/entity/{data}")["parentId"] == other
    organiser.synapse("set-annotations", "--id", data, "--annotations", '{"kept": "yes"}')
    target = organiser.create("Project", unique("Copy"))
    said = organiser.synapse("cp", project, "--destinationId", target)
    mapping = dict(re.findall(r"'(syn\d+)': '(syn\d+)'", said))
    assert set(mapping) == {project, folder, other, data}
    copy = organiser.rest("GET", f"/entity/{mapping[data]}")
    assert (copy["name"], copy["parentId"]) == ("data.csv", mapping[other])
    assert organiser.annotations(copy["id"]) == {"kept": ["yes"]}
    assert organiser.rest("GET", f"/entity/{copy['id']}/generatedBy")["used"][0]["reference"]["targetId"] == data
    organiser.synapse("cp", data, "--destinationId", target, "--setProvenance", "none", "--skipCopyAnnotations")
    single = organiser.child(target, "data.csv")
    assert organiser.annotations(single) == {}
    assert organiser.ask("GET", f"/entity/{single}/generatedBy").status_code == 404


def test_associate_knows_files_by_their_content(organiser, account, tree):
    project, _, data = tree
    elsewhere = account(organiser.name)
    elsewhere.write("mine/renamed.csv", "id,value\n1,2\n")
    elsewhere.write("mine/unknown.csv", "never stored\n")
    said = elsewhere.synapse("associate", "-r", "mine", "--limitSearch", project)
    assert f"{data}.1\tmine/renamed.csv" in said
    assert "mine/unknown.csv is not available in Synapse" in said
    # From now on the file that is there is taken instead of a download.
    handle = organiser.rest("GET", f"/entity/{data}")["dataFileHandleId"]
    assert [*(elsewhere.home / ".synapseCache").rglob(f"{handle}/.cacheMap")]
    assert f"Associated file: mine/renamed.csv with synapse ID {data}" in elsewhere.synapse(
        "get", "mine/renamed.csv", "--limitSearch", project
    )


def test_delete_puts_into_the_trash_can(organiser, tree):
    project, _, data = tree
    organiser.synapse("delete", project)
    assert f"Entity {data} is in trash can" in organiser.synapse("cat", data, code=1)
    assert organiser.ask("GET", f"/entity/{data}").status_code == 404
    trash = organiser.rest("GET", "/trashcan/view", limit=50)["results"]
    assert project in {one["entityId"] for one in trash}
