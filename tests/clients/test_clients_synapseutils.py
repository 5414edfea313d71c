"""synapseutils of synapseclient 4.14 with one project: walk, sync, copy, copyWiki and the rest."""

from __future__ import annotations

from types import SimpleNamespace

import pytest


@pytest.fixture(scope="module")
def done(account, unique):
    """A project with a folder, two files and a wiki, after `programs/utilities.py`; what the program found."""
    organiser, name = account("challenge-service"), unique("Project")
    project, target = organiser.create("Project", name), organiser.create("Project", unique("Target"))
    folder = organiser.create("Folder", "Data", project)
    file = organiser.create_file("id,value\n1,2\n2,4\n", folder)
    other = organiser.create_file("print()\n", project, "model.py")
    home = organiser.rest("POST", f"/entity/{project}/wiki", {"title": "", "markdown": "to be written"})["id"]
    page = {
        "title": "Files",
        "parentWikiId": home,
        "markdown": f"[data](#!Synapse:{file}), {project}/wiki/{home}",
        "attachmentFileHandleIds": [organiser.upload("plot\n", "plot.csv")],
    }
    organiser.rest("POST", f"/entity/{project}/wiki", page)
    before = len(organiser.server.mailbox(organiser.id))
    found = organiser.program("utilities", project=project, target=target, file=file, other=other)
    return SimpleNamespace(
        organiser=organiser,
        name=name,
        project=project,
        target=target,
        folder=folder,
        file=file,
        other=other,
        attachments=page["attachmentFileHandleIds"],
        mails=organiser.server.mailbox(organiser.id)[before:],
        **found,
    )


def test_it_is_walked_and_fetched(done):
    assert done.walked == [[done.name, ["Data"], ["model.py"]], [f"{done.name}/Data", [], ["data.csv"]]]
    assert done.texts == {"data.csv": "id,value\n1,2\n2,4\n", "model.py": "print()\n"}


def test_it_is_sent_back_with_annotations_and_provenance(done):
    rest = done.organiser.rest
    assert rest("GET", f"/entity/{done.file}")["versionNumber"] == 2
    assert rest("GET", f"/entity/{done.other}")["versionNumber"] == 1
    assert done.organiser.annotations(done.file)["cohort"] == ["A"]
    used = rest("GET", f"/entity/{done.file}/generatedBy")["used"]
    assert {one.get("url") or one["reference"]["targetId"]: one["wasExecuted"] for one in used} == {
        "https://example.org/study": False,
        done.other: True,
    }
    assert done.largest == 5  # by `describe`, of the new version


def test_it_is_copied_with_its_wiki(done):
    rest, mapping = done.organiser.rest, done.mapping
    assert set(mapping) == {done.project, done.folder, done.file, done.other}
    assert rest("GET", f"/entity/{mapping[done.file]}")["parentId"] == mapping[done.folder]
    assert rest("GET", f"/entity/{mapping[done.folder]}")["parentId"] == mapping[done.project] == done.target
    home, files = rest("GET", f"/entity/{done.target}/wikiheadertree")["results"]
    assert (home["title"], files["title"], files["parentId"]) == ("", "Files", home["id"])
    page = rest("GET", f"/entity/{done.target}/wiki/{files['id']}")
    assert page["markdown"] == f"[data](#!Synapse:{mapping[done.file]}), {done.target}/wiki/{home['id']}"
    assert set(page["attachmentFileHandleIds"]).isdisjoint(done.attachments)


def test_files_and_their_handles_get_other_names(done):
    rest, copy = done.organiser.rest, done.mapping[done.file]
    assert (done.renamed, rest("GET", f"/entity/{copy}")["name"]) == (copy, "Table")
    [handle] = rest("GET", f"/entity/{copy}/filehandles")["list"]
    assert (handle["fileName"], handle["contentType"]) == ("table.txt", "text/plain")
    handle = rest("GET", f"/fileHandle/{done.copied}", service="file")
    assert (handle["fileName"], handle["createdBy"]) == ("copy.txt", str(done.organiser.id))


def test_mails_tell_how_a_run_ended(done):
    assert [(mail["subject"], "The disk is full." in mail["body"]) for mail in done.mails] == [
        ("Nightly run", False),
        ("Nightly run", True),
        ("Nightly run", True),
    ]
