"""Wikis through the unmodified synapseclient: its models, its older calls and its copying."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import pytest
import synapseclient
import synapseutils
from synapseclient.core.exceptions import SynapseHTTPError
from synapseclient.models import WikiHeader, WikiHistorySnapshot, WikiOrderHint, WikiPage


@pytest.fixture
def synapse(organiser):
    return organiser.synapse


@pytest.fixture
def attachment(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("some notes\n")
    return path


def test_the_models_make_and_change_a_tree(synapse, project):
    root = WikiPage(owner_id=project, title="Home", markdown="# Hello").store(synapse_client=synapse)
    WikiPage(owner_id=project, title="Data", markdown="rows", parent_id=root.id).store(synapse_client=synapse)
    headers = list(WikiHeader.get(owner_id=project, synapse_client=synapse))
    assert [(header.title, header.parent_id) for header in headers] == [("Home", None), ("Data", root.id)]
    changed = WikiPage(owner_id=project, id=root.id, markdown="# Changed").store(synapse_client=synapse)
    assert (changed.title, changed.etag != root.etag) == ("Home", True)
    found = WikiPage(owner_id=project, title="Data").get(synapse_client=synapse)
    assert found.id == headers[1].id
    WikiPage(owner_id=project, id=found.id).delete(synapse_client=synapse)
    assert [header.id for header in WikiHeader.get(owner_id=project, synapse_client=synapse)] == [root.id]


def test_the_models_download_markdown_and_attachments(synapse, project, attachment, tmp_path):
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"no picture at all")
    root = WikiPage(
        owner_id=project, title="Home", markdown="# Hello", attachments=[str(attachment), str(picture)]
    ).store(synapse_client=synapse)
    text = root.get_markdown_file(download_location=str(tmp_path), synapse_client=synapse)
    assert Path(text).read_text() == "# Hello"
    handles = root.get_attachment_handles(synapse_client=synapse)["list"]
    assert {handle["fileName"] for handle in handles} == {"notes.txt.gz", "preview.txt", "picture.png"}
    (tmp_path / "down").mkdir()
    notes = root.get_attachment(file_name="notes.txt", download_location=str(tmp_path / "down"), synapse_client=synapse)
    assert Path(notes).read_text() == "some notes\n"
    url = root.get_attachment(file_name="picture.png", download_file=False, synapse_client=synapse)
    assert "X-Amz-Expires" in url
    preview = root.get_attachment_preview(
        file_name="notes.txt", download_location=str(tmp_path / "down"), synapse_client=synapse
    )
    assert Path(preview).read_text() == "some notes\n"
    with pytest.raises(SynapseHTTPError, match="404"):
        root.get_attachment_preview(file_name="picture.png", download_file=False, synapse_client=synapse)


def test_the_models_show_history_and_restore(synapse, project):
    root = WikiPage(owner_id=project, title="Home", markdown="zero").store(synapse_client=synapse)
    WikiPage(owner_id=project, id=root.id, title="Second", markdown="one").store(synapse_client=synapse)
    history = list(WikiHistorySnapshot.get(owner_id=project, id=root.id, synapse_client=synapse))
    assert [int(snapshot.version) for snapshot in history] == [1, 0]
    restored = WikiPage(owner_id=project, id=root.id, wiki_version="0").restore(synapse_client=synapse)
    assert restored.title == "Home"
    assert synapse.getWiki(project).markdown == "zero"


@pytest.mark.rule("K-06")
def test_the_models_order_sub_pages(synapse, project):
    root = WikiPage(owner_id=project, title="Home", markdown="x").store(synapse_client=synapse)
    pages = [
        WikiPage(owner_id=project, title=title, markdown="x", parent_id=root.id).store(synapse_client=synapse)
        for title in ("One", "Two")
    ]
    hint = WikiOrderHint(owner_id=project).get(synapse_client=synapse)
    assert hint.id_list in (None, [])
    hint.id_list = [pages[1].id, pages[0].id]
    hint.store(synapse_client=synapse)
    assert WikiOrderHint(owner_id=project).get(synapse_client=synapse).id_list == [pages[1].id, pages[0].id]


@pytest.mark.rule("K-01")
def test_the_older_call_turns_a_second_root_into_an_update(synapse, project):
    made = synapse.store(synapseclient.Wiki(owner=project, title="Home", markdown="one"))
    again = synapse.store(synapseclient.Wiki(owner=project, title="Home", markdown="two"))
    assert again.id == made.id
    assert synapse.getWiki(project).markdown == "two"


@pytest.mark.rule("P-13")
def test_the_older_call_reads_the_second_generation_s_compressed_file(server, synapse, project):
    made = synapse.store(synapseclient.Wiki(owner=project, title="", markdown="*größer*"))
    server.reset_calls()
    found = synapse.getWiki(project)
    calls = server.calls()
    assert calls["GET /repo/v1/entity/{ownerId}/wiki2"] == 1
    assert calls["POST /file/v1/fileHandle/batch"] == 1
    assert (found.id, found.markdown) == (made.id, "*größer*")
    with gzip.open(found.markdown_path) as text:
        assert text.read().decode() == "*größer*"
    assert synapse.getWiki(project, subpageId=made.id, version=0).markdown == "*größer*"


def test_the_older_calls_with_attachments_and_sub_pages(synapse, project, attachment):
    root = synapse.store(synapseclient.Wiki(owner=project, title="Home", markdown="x", attachments=[str(attachment)]))
    synapse.store(synapseclient.Wiki(owner=project, title="Below", markdown="y", parentWikiId=root.id))
    assert [handle["fileName"] for handle in synapse.getWikiAttachments(root)] == ["notes.txt", "preview.txt"]
    headers = synapse.getWikiHeaders(project)
    assert [(header["title"], header.get("parentId")) for header in headers] == [("Home", None), ("Below", root.id)]
    page = synapse.getWiki(project, subpageId=headers[1]["id"])
    page.markdown = "changed"
    assert synapse.store(page).markdown == "changed"
    synapse.delete(page)
    assert len(synapse.getWikiHeaders(project)) == 1
    page.etag = "stale"
    with pytest.raises(SynapseHTTPError, match="404"):
        synapse.store(page)


@pytest.fixture
def site(synapse, project, attachment):
    """A wiki whose pages link to each other and to the project, with an attachment on the second page."""
    root = synapse.store(synapseclient.Wiki(owner=project, title="", markdown="to be written"))
    below = synapse.store(
        synapseclient.Wiki(
            owner=project,
            title="Data",
            markdown=f"[home]({project}/wiki/{root.id}) ${{image?fileName=notes.txt}}",
            parentWikiId=root.id,
            attachments=[str(attachment)],
        )
    )
    root = synapse.getWiki(project)
    root.markdown = f"[data](#!Synapse:{project}/wiki/{below.id})"
    synapse.store(root)
    return project, root.id, below.id


@pytest.mark.parametrize("copy", ["older", "models"])
def test_a_wiki_is_copied_with_links_and_attachments(synapse, organiser, site, new_project, copy):
    source, root, below = site
    target = new_project(organiser)
    if copy == "older":
        headers = [dict(header) for header in synapseutils.copyWiki(synapse, source, target)]
    else:
        copied = WikiPage(owner_id=source).copy(destination_owner_id=target, synapse_client=synapse)
        headers = [{"id": header.id, "title": header.title, "parentId": header.parent_id} for header in copied]
    home, data = headers
    assert [header["title"] for header in headers] == ["", "Data"]
    assert data["parentId"] == home["id"]
    assert synapse.getWiki(target).markdown == f"[data](#!Synapse:{target}/wiki/{data['id']})"
    page = synapse.getWiki(target, subpageId=data["id"])
    assert page.markdown == f"[home]({target}/wiki/{home['id']}) ${{image?fileName=notes.txt}}"
    names = [handle["fileName"] for handle in synapse.getWikiAttachments(page)]
    assert names == ["notes.txt", "preview.txt"]
    assert set(page.attachmentFileHandleIds).isdisjoint(
        synapse.getWiki(source, subpageId=below).attachmentFileHandleIds
    )
    assert synapse.getWiki(source).id == root


def test_a_branch_is_copied_into_a_page_that_is_there(synapse, organiser, site, new_project):
    source, _, below = site
    target = new_project(organiser)
    place = synapse.store(synapseclient.Wiki(owner=target, title="Old", markdown="old"))
    synapseutils.copyWiki(synapse, source, target, entitySubPageId=below, destinationSubPageId=place.id)
    assert synapse.getWiki(target, subpageId=place.id).title == "Data"
    with pytest.raises(ValueError, match="already has a root wiki"):
        WikiPage(owner_id=source).copy(destination_owner_id=target, synapse_client=synapse)


def test_the_asynchronous_models(organiser, project):
    """In a thread of its own, because synapseclient's synchronous calls keep an event loop of the test's thread."""

    async def flow():
        root = await WikiPage(owner_id=project, title="Home", markdown="x").store_async(
            synapse_client=organiser.synapse
        )
        return [header.id async for header in WikiHeader.get_async(project, synapse_client=organiser.synapse)], root.id

    headers, root = asyncio.run(flow())
    assert headers == [root]
