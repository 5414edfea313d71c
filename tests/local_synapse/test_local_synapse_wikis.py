"""Wikis of projects and queues: pages, trees, versions, attachments, in both generations of the service."""

from __future__ import annotations

import gzip
import hashlib
import uuid

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .conftest import PROJECT


@pytest.fixture
def page(organiser, project):
    """Makes a page of the project with the first generation's service."""

    def page(parent=None, title="", markdown="", **body):
        body |= {"title": title, "markdown": markdown} | ({"parentWikiId": parent} if parent else {})
        return organiser.ok("POST", f"/entity/{project}/wiki", body)

    return page


@pytest.fixture
def reader(person, organiser, project, share):
    """Somebody who may read the project."""
    somebody = person()
    share(organiser, f"/entity/{project}", somebody.id, "READ")
    return somebody


@pytest.fixture
def typed(upload, project, organiser):
    """Uploads content of a type."""

    def typed(content, name, content_type):
        handle = upload(organiser, content, name)
        original = {"fileHandleId": handle, "associateObjectId": project, "associateObjectType": "FileEntity"}
        request = {"originalFile": original, "newFileName": name, "newContentType": content_type}
        copies = organiser.ok("POST", "/filehandles/copy", {"copyRequests": [request]}, "file")["copyResults"]
        return copies[0]["newFileHandle"]["id"]

    return typed


@pytest.fixture
def compressed(organiser, upload):
    """Uploads markdown as clients of the second generation do; returns its file handle."""

    def compressed(text, owner=organiser):
        return upload(owner, gzip.compress(text.encode()), "page.md.gz")

    return compressed


def downloaded(person, path, **params):
    """The bytes behind an address that the service tells."""
    answer = person("GET", path, redirect="false", **params)
    assert answer.headers["Content-Type"].startswith("text/plain")
    return httpx.get(answer.text, timeout=10)


@pytest.mark.rule("K-01")
def test_an_owner_has_one_root_page(organiser, project, page):
    root = page(title="Home")
    assert "parentWikiId" not in root
    for path, body in (("wiki", {"markdown": "again"}), ("wiki2", {"title": "again"})):
        status, reason = organiser.refused("POST", f"/entity/{project}/{path}", body)
        assert (status, reason) == (409, f"A root wiki already exists for ownerId: {project} and ownerType: ENTITY")
    assert page(root["id"], "Below")["parentWikiId"] == root["id"]
    assert organiser.ok("GET", f"/entity/{project}/wiki")["title"] == "Home"


@pytest.mark.rule("K-02")
def test_pages_that_are_not_there(organiser, project, queue, new_project, page):
    no_root = f"A root wiki does not exist for ownerId: {project} and ownerType: ENTITY"
    for path in ("wiki", "wiki2", "wikikey", "wikiheadertree", "wikiheadertree2", "wiki2orderhint"):
        assert organiser.refused("GET", f"/entity/{project}/{path}") == (404, no_root)
    reason = f"A root wiki does not exist for ownerId: {queue} and ownerType: EVALUATION"
    assert organiser.refused("GET", f"/evaluation/{queue}/wiki2") == (404, reason)
    other = page()["id"]
    elsewhere = new_project(organiser)
    for generation in ("wiki", "wiki2"):
        for owner, wanted in ((project, 1), (elsewhere, other)):
            status, reason = organiser.refused("GET", f"/entity/{owner}/{generation}/{wanted}")
            assert (status, f"No wiki page found with id: {wanted}" in reason) == (404, True)
    assert organiser.refused("POST", f"/entity/{elsewhere}/wiki", {"parentWikiId": other})[0] == 404
    assert organiser.refused("GET", "/entity/syn1/wiki2")[0] == 404
    assert organiser.refused("GET", "/evaluation/1/wiki2")[0] == 404


def test_the_key_of_the_root(organiser, project, queue, page):
    root = page()["id"]
    assert organiser.ok("GET", f"/entity/{project}/wikikey") == {
        "wikiPageId": root,
        "ownerObjectId": project,
        "ownerObjectType": "ENTITY",
    }
    made = organiser.ok("POST", f"/evaluation/{queue}/wiki", {"markdown": "How to submit"})
    assert organiser.ok("GET", f"/evaluation/{queue}/wikikey") == {
        "wikiPageId": made["id"],
        "ownerObjectId": queue,
        "ownerObjectType": "EVALUATION",
    }


@pytest.mark.rule("K-03", "F-05")
def test_text_of_the_first_generation_is_a_compressed_file_of_the_second(organiser, project, page, reader):
    text = "# Größe\n\n${jointeam?teamId=0}\n"
    first = page(title="Home", markdown=text)
    second = organiser.ok("GET", f"/entity/{project}/wiki2/{first['id']}")
    shared = first.keys() - {"markdown"}
    assert {name: first[name] for name in shared} == {name: second[name] for name in shared}
    assert "markdown" not in second
    handle = second["markdownFileHandleId"]
    known = organiser.ok("GET", f"/fileHandle/{handle}", service="file")
    assert (known["fileName"], known["contentType"]) == (f"{first['id']}_markdown.txt.gz", "application/x-gzip")
    answer = downloaded(reader, f"/entity/{project}/wiki2/{first['id']}/markdown")
    assert "Content-Encoding" not in answer.headers
    assert hashlib.md5(answer.content).hexdigest() == known["contentMd5"]
    assert gzip.decompress(answer.content).decode() == text
    files = [{"fileHandleId": handle, "associateObjectId": first["id"], "associateObjectType": "WikiMarkdown"}]
    body = {"requestedFiles": files, "includeFileHandles": True, "includePreSignedURLs": True}
    found = reader.ok("POST", "/fileHandle/batch", body, "file")["requestedFiles"][0]
    assert httpx.get(found["preSignedURL"], timeout=10).content == answer.content


@pytest.mark.rule("K-03")
@pytest.mark.parametrize("packed", [True, False])
def test_a_file_of_the_second_generation_is_text_of_the_first(organiser, project, upload, packed):
    content = gzip.compress(b"*hello*") if packed else b"*hello*"
    handle = upload(organiser, content, "hello.md")
    made = organiser.ok("POST", f"/entity/{project}/wiki2", {"title": "T", "markdownFileHandleId": handle})
    assert made["markdownFileHandleId"] == handle
    assert organiser.ok("GET", f"/entity/{project}/wiki")["markdown"] == "*hello*"


@pytest.fixture(scope="module")
def written(organiser):
    """A page that is written again and again."""
    body = {"concreteType": PROJECT, "name": f"Written {uuid.uuid4().hex}"}
    path = f"/entity/{organiser.ok('POST', '/entity', body)['id']}"
    return path, organiser.ok("POST", f"{path}/wiki", {"markdown": ""})["id"]


@pytest.mark.rule("K-03")
@given(title=st.text(max_size=50), text=st.text())
@settings(max_examples=40, deadline=None)
def test_any_text_comes_back_as_it_was(organiser, written, title, text):
    path, page = written
    etag = organiser.ok("GET", f"{path}/wiki2")["etag"]
    organiser.ok("PUT", f"{path}/wiki/{page}", {"etag": etag, "title": title, "markdown": text})
    found = organiser.ok("GET", f"{path}/wiki/{page}")
    assert (found["title"], found["markdown"]) == (title, text)
    assert gzip.decompress(downloaded(organiser, f"{path}/wiki2/{page}/markdown").content) == text.encode()


def test_half_a_character_becomes_a_question_mark(organiser, project):
    body = b'{"title": "a\\ud83d", "markdown": "\\ude00 \\ud83d\\ude00"}'
    headers = {"Content-Type": "application/json"}
    answer = organiser.http.post(f"/repo/v1/entity/{project}/wiki", content=body, headers=headers)
    assert (answer.status_code, answer.json()["title"], answer.json()["markdown"]) == (201, "a?", "? \N{GRINNING FACE}")


@pytest.mark.rule("K-03")
def test_a_page_without_text_is_empty(organiser, project):
    made = organiser.ok("POST", f"/entity/{project}/wiki2", {"title": "Bare"})
    assert organiser.ok("GET", f"/entity/{project}/wiki/{made['id']}")["markdown"] == ""
    assert gzip.decompress(downloaded(organiser, f"/entity/{project}/wiki2/{made['id']}/markdown").content) == b""


@pytest.mark.rule("K-03", "G-15")
def test_a_change_needs_the_current_etag(organiser, project, page, compressed):
    made = page(title="Home", markdown="one")
    first, second = f"/entity/{project}/wiki/{made['id']}", f"/entity/{project}/wiki2/{made['id']}"
    changed = organiser.ok("PUT", first, made | {"markdown": "two"})
    assert changed["etag"] != made["etag"]
    assert (changed["markdown"], changed["createdOn"]) == ("two", made["createdOn"])
    for path, body in ((first, made), (second, made), (first, {"markdown": "no etag"})):
        status, reason = organiser.refused("PUT", path, body)
        assert (status, "was updated since you last fetched it, retrieve it again" in reason) == (412, True)
    assert organiser.ok("GET", first)["markdown"] == "two"
    handle = compressed("three")
    organiser.ok("PUT", second, organiser.ok("GET", second) | {"markdownFileHandleId": handle})
    assert organiser.ok("GET", first)["markdown"] == "three"


def test_a_change_under_another_page_s_id_is_refused(organiser, project, page):
    root = page()
    below = page(root["id"])
    assert organiser.refused("PUT", f"/entity/{project}/wiki/{below['id']}", root)[0] == 400


def test_a_replaced_page_loses_what_is_left_out(organiser, project, upload, page):
    made = page(title="Home", markdown="text", attachmentFileHandleIds=[upload(organiser, b"x", "x.txt")])
    changed = organiser.ok("PUT", f"/entity/{project}/wiki/{made['id']}", {"etag": made["etag"]})
    assert (changed.get("title"), changed["markdown"], changed["attachmentFileHandleIds"]) == (None, "", [])


def test_pages_move_within_their_tree_but_never_below_themselves(organiser, project, page):
    root = page(title="Home")
    one, two = page(root["id"], "One"), page(root["id"], "Two")
    inner = page(one["id"], "Inner")
    moved = organiser.ok("PUT", f"/entity/{project}/wiki/{one['id']}", one | {"parentWikiId": two["id"]})
    assert moved["parentWikiId"] == two["id"]
    assert (
        organiser.refused("PUT", f"/entity/{project}/wiki/{two['id']}", two | {"parentWikiId": inner["id"]})[0] == 400
    )
    assert (
        organiser.refused("PUT", f"/entity/{project}/wiki/{root['id']}", root | {"parentWikiId": two["id"]})[0] == 400
    )
    assert organiser.refused("PUT", f"/entity/{project}/wiki/{two['id']}", two | {"parentWikiId": "1"})[0] == 404
    del inner["parentWikiId"]
    assert organiser.ok("PUT", f"/entity/{project}/wiki/{inner['id']}", inner)["parentWikiId"] == one["id"]


@pytest.mark.rule("K-04")
def test_the_list_of_a_project_says_who_may_do_what(organiser, person, project, page, share):
    root = page(title="Home")
    somebody = person()
    path = f"/entity/{project}"

    def refused(method, tail, body, kind, **params):
        status, reason = somebody.refused(method, f"{path}/{tail}", body, **params)
        words = f"User is not authorized to '{kind}' a WikiPage with an ownerId: '{project}' of type: 'ENTITY'"
        assert (status, reason) == (403, words)

    reads = ("wiki", "wiki2", f"wiki/{root['id']}", f"wiki2/{root['id']}", "wikiheadertree", "wikiheadertree2",
             f"wiki2/{root['id']}/wikihistory", f"wiki2/{root['id']}/attachmenthandles", "wiki2orderhint")  # fmt: skip
    queries = {f"wiki2/{root['id']}/wikihistory": {"offset": 0, "limit": 5}}
    for tail in (*reads, f"wiki2/{root['id']}/markdown"):
        refused("GET", tail, None, "READ", **queries.get(tail, {}))
    share(organiser, path, somebody.id, "READ")
    for tail in reads:
        somebody.ok("GET", f"{path}/{tail}", **queries.get(tail, {}))
    hint = somebody.ok("GET", f"{path}/wiki2orderhint")
    for generation in ("wiki", "wiki2"):
        refused("POST", generation, {"parentWikiId": root["id"]}, "CREATE")
        refused("PUT", f"{generation}/{root['id']}", root, "UPDATE")
        refused("DELETE", f"{generation}/{root['id']}", None, "DELETE")
    refused("PUT", f"wiki2/{root['id']}/0", None, "UPDATE")
    refused("PUT", "wiki2orderhint", hint, "UPDATE")
    share(organiser, path, somebody.id, "READ", "CREATE")
    below = somebody.ok("POST", f"{path}/wiki", {"parentWikiId": root["id"], "markdown": "mine"})
    refused("PUT", f"wiki/{below['id']}", below, "UPDATE")
    share(organiser, path, somebody.id, "READ", "UPDATE", "DELETE")
    somebody.ok("PUT", f"{path}/wiki/{below['id']}", below)
    somebody.ok("DELETE", f"{path}/wiki2/{below['id']}")


@pytest.mark.rule("K-04")
def test_a_queue_s_wiki_follows_the_queue_s_list(organiser, person, queue, share):
    path = f"/evaluation/{queue}"
    root = organiser.ok("POST", f"{path}/wiki", {"title": "Rules", "markdown": "Be fair."})
    somebody = person()
    words = f"User is not authorized to '{{}}' a WikiPage with an ownerId: '{queue}' of type: 'EVALUATION'"
    assert somebody.refused("GET", f"{path}/wiki2/{root['id']}") == (403, words.format("READ"))
    share(organiser, path, somebody.id, "READ", "SUBMIT")
    assert somebody.ok("GET", f"{path}/wiki/{root['id']}")["markdown"] == "Be fair."
    assert somebody.ok("GET", f"{path}/wikiheadertree2")["results"] == [{"id": root["id"], "title": "Rules"}]
    assert somebody.refused("PUT", f"{path}/wiki2/{root['id']}", root) == (403, words.format("UPDATE"))
    share(organiser, path, somebody.id, "READ", "UPDATE")
    page = somebody.ok("GET", f"{path}/wiki2/{root['id']}")
    assert somebody.ok("PUT", f"{path}/wiki2/{root['id']}", page | {"title": "New"})["title"] == "New"
    assert len(somebody.ok("GET", f"{path}/wiki2/{root['id']}/wikihistory", offset=0, limit=9)["results"]) == 2


@pytest.mark.rule("K-03", "K-05", "K-06")
def test_a_queue_s_wiki_can_do_what_a_project_s_can(organiser, queue, typed, compressed):
    path = f"/evaluation/{queue}"
    made = organiser.ok("POST", f"{path}/wiki2", {"title": "Rules", "markdownFileHandleId": compressed("*zero*")})
    assert organiser.ok("GET", f"{path}/wiki")["markdown"] == "*zero*"
    notes = typed(b"notes", "notes.txt", "text/plain")
    first = organiser.ok("GET", f"{path}/wiki/{made['id']}")
    first = organiser.ok("PUT", f"{path}/wiki/{made['id']}", first | {"attachmentFileHandleIds": [notes]})
    assert organiser.ok("GET", f"{path}/wiki2")["attachmentFileHandleIds"] == [notes]
    for generation in ("wiki", "wiki2"):
        page = f"{path}/{generation}/{made['id']}"
        listed = organiser.ok("GET", f"{page}/attachmenthandles")["list"]
        assert [(handle["fileName"], handle["isPreview"]) for handle in listed] == [
            ("notes.txt", False),
            ("preview.txt", True),
        ]
        for part in ("attachment", "attachmentpreview"):
            assert downloaded(organiser, f"{page}/{part}", fileName="notes.txt").content == b"notes"
    text = downloaded(organiser, f"{path}/wiki2/{made['id']}/markdown", wikiVersion=0).content
    assert gzip.decompress(text) == b"*zero*"
    organiser.ok("PUT", f"{path}/wiki2/{made['id']}/0")
    assert len(organiser.ok("GET", f"{path}/wiki2/{made['id']}/wikihistory", offset=0, limit=9)["results"]) == 3
    below = [organiser.ok("POST", f"{path}/wiki", {"title": title, "parentWikiId": made["id"]}) for title in "ab"]
    organiser.ok("DELETE", f"{path}/wiki/{below[0]['id']}")
    organiser.ok("DELETE", f"{path}/wiki2/{below[1]['id']}")
    assert organiser.ok("GET", f"{path}/wikiheadertree")["results"] == [{"id": made["id"], "title": "Rules"}]


@pytest.mark.rule("K-04", "E-19")
def test_who_is_not_certified_writes_wikis_of_projects_only(person, new_project, new_folder, organiser, project, share):
    novice = person(certified=False)
    made = novice.ok("POST", f"/entity/{new_project(novice)}/wiki", {"markdown": "mine"})
    assert made["createdBy"] == str(novice.id)
    folder = new_folder(organiser, project)
    share(organiser, f"/entity/{project}", novice.id, "READ", "CREATE", "UPDATE")
    assert novice.refused("POST", f"/entity/{folder}/wiki", {"markdown": "mine"})[0] == 403
    organiser.ok("POST", f"/entity/{folder}/wiki", {"markdown": "of a folder"})


@pytest.mark.rule("K-04")
def test_new_files_have_to_be_the_writer_s_own(organiser, person, project, share, upload, compressed, page):
    colleague = person()
    share(organiser, f"/entity/{project}", colleague.id, "READ", "CREATE", "UPDATE")
    own, foreign = upload(colleague, b"colleague's", "a.txt"), upload(organiser, b"organiser's", "b.txt")
    made = page(title="Home", attachmentFileHandleIds=[foreign])
    path = f"/entity/{project}/wiki2/{made['id']}"
    for field, value in (("attachmentFileHandleIds", [own, foreign]), ("markdownFileHandleId", foreign)):
        status, reason = colleague.refused(
            "POST", f"/entity/{project}/wiki2", {"parentWikiId": made["id"], field: value}
        )
        assert (status, "Only the creator of a FileHandle" in reason) == (403, True)
    # What the page has already stays, whosever it is.
    current = colleague.ok("GET", path)
    changed = colleague.ok("PUT", path, current | {"attachmentFileHandleIds": [foreign, own]})
    assert changed["attachmentFileHandleIds"] == [foreign, own]
    text = compressed("organiser's text")
    assert colleague.refused("PUT", path, changed | {"markdownFileHandleId": text})[0] == 403
    assert colleague.refused("PUT", path, changed | {"attachmentFileHandleIds": ["1"]})[0] == 404


@pytest.mark.rule("K-05", "G-08")
def test_headers_come_in_pages_of_fifty_at_most(organiser, project, page):
    root = page(title="Home")["id"]
    one = page(root, "b")["id"]
    titles = [page(one, f"c{number:02d}")["id"] for number in range(3)]
    two = page(root, "a")["id"]
    for tree in ("wikiheadertree", "wikiheadertree2"):
        path = f"/entity/{project}/{tree}"
        found = organiser.ok("GET", path)
        assert found["results"][0] == {"id": root, "title": "Home"}
        assert [header["id"] for header in found["results"]] == [root, two, one, *titles]
        assert found["results"][1] == {"id": two, "title": "a", "parentId": root}
        assert found["totalNumberOfResults"] == 6
        part = organiser.ok("GET", path, offset=1, limit=2)
        assert ([header["id"] for header in part["results"]], part["totalNumberOfResults"]) == ([two, one], 4)
        assert organiser.ok("GET", path, offset=6)["results"] == []
        assert organiser.refused("GET", path, limit=51) == (400, "Limit cannot exceed: 50")


@pytest.mark.rule("K-06")
def test_deleting_a_page_deletes_what_is_below(organiser, project, page):
    root = page(title="Home")["id"]
    one = page(root, "One")["id"]
    page(page(one, "Inner")["id"], "Innermost")
    other = page(root, "Other")["id"]
    for _ in range(2):  # an unknown page is nothing to complain about
        organiser.ok("DELETE", f"/entity/{project}/wiki/{one}")
    headers = organiser.ok("GET", f"/entity/{project}/wikiheadertree")["results"]
    assert [header["id"] for header in headers] == [root, other]
    organiser.ok("DELETE", f"/entity/{project}/wiki2/{root}")
    assert organiser.refused("GET", f"/entity/{project}/wikiheadertree")[0] == 404
    assert page(title="Anew")["id"] != root


def test_a_page_of_another_owner_is_not_deleted(organiser, project, page, new_project):
    root = page()["id"]
    organiser.ok("DELETE", f"/entity/{new_project(organiser)}/wiki/{root}")
    organiser.ok("GET", f"/entity/{project}/wiki/{root}")


@pytest.mark.rule("K-06")
def test_every_change_is_a_version(organiser, person, project, share, page, upload):
    picture = upload(organiser, b"picture", "picture.png")
    made = page(title="zero", markdown="0", attachmentFileHandleIds=[picture])
    colleague = person()
    share(organiser, f"/entity/{project}", colleague.id, "READ", "UPDATE")
    path = f"/entity/{project}/wiki2/{made['id']}"
    first = organiser.ok("PUT", f"/entity/{project}/wiki/{made['id']}", made | {"title": "one", "markdown": "1"})
    colleague.ok("PUT", path, first | {"title": "two", "attachmentFileHandleIds": []})
    history = organiser.ok("GET", f"{path}/wikihistory", offset=0, limit=20)["results"]
    assert [(entry["version"], entry["modifiedBy"]) for entry in history] == [
        ("2", str(colleague.id)),
        ("1", str(organiser.id)),
        ("0", str(organiser.id)),
    ]
    assert organiser.ok("GET", f"{path}/wikihistory", offset=1, limit=1)["results"] == history[1:2]
    assert organiser.refused("GET", f"{path}/wikihistory")[0] == 400
    old = organiser.ok("GET", f"/entity/{project}/wiki/{made['id']}", wikiVersion=0)
    assert (old["title"], old["markdown"], old["attachmentFileHandleIds"]) == ("zero", "0", [picture])
    assert old["modifiedOn"] == history[2]["modifiedOn"]
    assert organiser.ok("GET", path, wikiVersion=1)["title"] == "one"
    assert organiser.refused("GET", path, wikiVersion=7)[0] == 404


@pytest.mark.rule("K-06")
def test_restoring_makes_a_new_version_of_an_old_one(organiser, project, page, upload):
    picture = upload(organiser, b"picture", "picture.png")
    root = page()["id"]
    made = page(root, title="zero", markdown="0", attachmentFileHandleIds=[picture])
    path = f"/entity/{project}/wiki2/{made['id']}"
    changed = organiser.ok("PUT", f"/entity/{project}/wiki/{made['id']}", {"etag": made["etag"], "markdown": "1"})
    restored = organiser.ok("PUT", f"{path}/0")
    assert restored["etag"] not in (made["etag"], changed["etag"])
    assert (restored["title"], restored["attachmentFileHandleIds"]) == ("zero", [picture])
    assert (restored["parentWikiId"], restored["createdOn"]) == (root, made["createdOn"])
    assert organiser.ok("GET", f"/entity/{project}/wiki/{made['id']}")["markdown"] == "0"
    versions = organiser.ok("GET", f"{path}/wikihistory", offset=0, limit=9)["results"]
    assert [entry["version"] for entry in versions] == ["2", "1", "0"]
    assert organiser.refused("PUT", f"{path}/9")[0] == 404


@pytest.mark.rule("K-06")
def test_the_order_of_sub_pages_has_an_etag_of_its_own(organiser, project, page):
    root = page(title="Home")
    one, two = (page(root["id"], title)["id"] for title in ("One", "Two"))
    path = f"/entity/{project}/wiki2orderhint"
    hint = organiser.ok("GET", path)
    assert (hint["ownerId"], hint["ownerObjectType"], "idList" in hint) == (project, "ENTITY", False)
    changed = organiser.ok("PUT", path, hint | {"idList": [two, one]})
    assert changed["idList"] == [two, one]
    assert changed["etag"] != hint["etag"]
    assert organiser.ok("GET", path) == changed
    status, reason = organiser.refused("PUT", path, hint | {"idList": [one, two]})
    assert (status, "was updated since you last fetched it" in reason) == (412, True)
    organiser.ok("PUT", f"/entity/{project}/wiki/{root['id']}", root)
    assert organiser.ok("GET", path) == changed


def test_only_the_newest_hundred_versions_are_kept(organiser, project, page):
    made = page(markdown="0")
    path = f"/entity/{project}/wiki2/{made['id']}"
    current = organiser.ok("GET", path)
    for number in range(1, 103):
        current = organiser.ok("PUT", path, current | {"title": str(number)})
    history = organiser.ok("GET", f"{path}/wikihistory", offset=0, limit=200)["results"]
    assert [int(entry["version"]) for entry in history] == list(range(102, 2, -1))


@pytest.mark.rule("F-05")
def test_attachments_are_for_who_may_read_the_owner(organiser, reader, person, project, page, upload):
    picture = upload(organiser, b"picture", "picture.png")
    made = page(attachmentFileHandleIds=[picture])
    path = f"/entity/{project}/wiki2/{made['id']}"
    listed = reader.ok("GET", f"{path}/attachmenthandles")["list"]
    assert [(handle["id"], handle["fileName"]) for handle in listed] == [(picture, "picture.png")]
    assert reader.ok("GET", f"/entity/{project}/wiki/{made['id']}/attachmenthandles")["list"] == listed
    for generation in ("wiki", "wiki2"):
        attachment = f"/entity/{project}/{generation}/{made['id']}/attachment"
        assert downloaded(reader, attachment, fileName="picture.png").content == b"picture"
        assert reader("GET", attachment, fileName="picture.png").status_code == 307
        status, reason = reader.refused("GET", attachment, fileName="other.png")
        assert (status, "fileName: other.png" in reason) == (404, True)
        assert reader.refused("GET", attachment)[0] == 400
        assert reader.refused("GET", f"{attachment}preview", fileName="picture.png")[0] == 404
    files = [
        {"fileHandleId": picture, "associateObjectId": made["id"], "associateObjectType": kind}
        for kind in ("WikiAttachment", "WikiMarkdown")
    ]
    body = {"requestedFiles": files, "includePreSignedURLs": True}
    answers = reader.ok("POST", "/fileHandle/batch", body, "file")["requestedFiles"]
    assert [answer.get("failureCode") for answer in answers] == [None, "UNAUTHORIZED"]
    answers = person().ok("POST", "/fileHandle/batch", body, "file")["requestedFiles"]
    assert [answer.get("failureCode") for answer in answers] == ["UNAUTHORIZED", "UNAUTHORIZED"]
    # What an old version shows stays readable.
    organiser.ok("PUT", path, organiser.ok("GET", path) | {"attachmentFileHandleIds": []})
    answers = reader.ok("POST", "/fileHandle/batch", body, "file")["requestedFiles"]
    assert [answer.get("failureCode") for answer in answers] == [None, "UNAUTHORIZED"]
    assert downloaded(reader, f"{path}/attachment", fileName="picture.png", wikiVersion=0).content == b"picture"


@pytest.mark.rule("F-05")
def test_everybody_reads_the_wiki_of_a_public_project(organiser, anonymous, project, page, share, upload):
    picture = upload(organiser, b"public picture", "picture.png")
    made = page(markdown="Hello", attachmentFileHandleIds=[picture])
    assert anonymous.refused("GET", f"/entity/{project}/wiki")[0] == 403
    share(organiser, f"/entity/{project}", 273949, "READ")
    assert anonymous.ok("GET", f"/entity/{project}/wiki")["markdown"] == "Hello"
    path = f"/entity/{project}/wiki2/{made['id']}/attachment"
    assert downloaded(anonymous, path, fileName="picture.png").content == b"public picture"


def test_texts_have_previews(organiser, project, page, typed):
    text = "größer " * 500
    packed = typed(gzip.compress(text.encode()), "notes.txt.gz", "text/plain")
    picture = typed(b"no text", "picture.png", "image/png")
    made = page(attachmentFileHandleIds=[packed, picture])
    for generation in ("wiki", "wiki2"):
        path = f"/entity/{project}/{generation}/{made['id']}"
        preview = downloaded(organiser, f"{path}/attachmentpreview", fileName="notes.txt.gz")
        assert preview.text == text[:1500]
        assert organiser.refused("GET", f"{path}/attachmentpreview", fileName="picture.png")[0] == 404


def test_files_of_a_page_stay_as_long_as_the_page(organiser, project, page, upload, unique):
    picture = upload(organiser, unique("picture").encode(), "picture.png")
    made = page(markdown="text", attachmentFileHandleIds=[picture])
    text = organiser.ok("GET", f"/entity/{project}/wiki2")["markdownFileHandleId"]
    organiser.ok("PUT", f"/entity/{project}/wiki/{made['id']}", {"etag": made["etag"]})
    for handle in (picture, text):
        assert organiser.refused("DELETE", f"/fileHandle/{handle}", service="file")[0] == 409
    organiser.ok("DELETE", f"/entity/{project}/wiki/{made['id']}")
    organiser.ok("DELETE", f"/fileHandle/{picture}", service="file")


def test_of_attachments_with_one_name_the_newest_is_meant(organiser, project, page, upload):
    older, newer = (upload(organiser, content, "same.txt") for content in (b"older", b"newer"))
    made = page(attachmentFileHandleIds=[newer, older, newer])
    assert made["attachmentFileHandleIds"] == [newer, older]
    path = f"/entity/{project}/wiki2/{made['id']}/attachment"
    assert downloaded(organiser, path, fileName="same.txt").content == b"newer"


def test_the_wiki_of_something_in_the_trash_is_gone(organiser, project, page):
    page()
    organiser.ok("DELETE", f"/entity/{project}")
    assert organiser.refused("GET", f"/entity/{project}/wiki")[0] == 404


def test_fields_of_other_types_are_refused(organiser, project):
    for body in ({"title": []}, {"attachmentFileHandleIds": "12"}, {"markdown": {}}, {"attachmentFileHandleIds": [[]]}):
        assert organiser.refused("POST", f"/entity/{project}/wiki", body)[0] == 400
    made = organiser.ok("POST", f"/entity/{project}/wiki", {"title": 7, "etag": None, "color": "red"})
    assert (made["title"], "color" in made) == ("7", False)
