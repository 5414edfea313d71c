"""Discussion forums: threads, replies, who writes, who moderates."""

from __future__ import annotations

from itertools import pairwise

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EVERYTHING = {"filter": "NO_FILTER", "limit": 20, "offset": 0}
PRESENT = EVERYTHING | {"filter": "EXCLUDE_DELETED"}
DELETED = EVERYTHING | {"filter": "DELETED_ONLY"}


@pytest.fixture
def reader(person, organiser, project, share):
    """Somebody who may read the project, but not change it."""
    reader = person()
    share(organiser, f"/entity/{project}", reader.id, "READ")
    return reader


@pytest.fixture
def forum(organiser, project):
    return organiser.ok("GET", f"/project/{project}/forum")["id"]


@pytest.fixture
def begin(forum, unique):
    """Begins a thread."""

    def begin(author, title=None, text="Text"):
        body = {"forumId": forum, "title": title or unique("Thread"), "messageMarkdown": text}
        return author.ok("POST", "/thread", body)

    return begin


@pytest.fixture
def thread(reader, begin):
    return begin(reader)


def reply(author, thread, text="Reply"):
    return author.ok("POST", "/reply", {"threadId": thread["id"], "messageMarkdown": text})


def threads(somebody, forum, **query):
    return [each["id"] for each in somebody.ok("GET", f"/forum/{forum}/threads", **PRESENT | query)["results"]]


def text_of(somebody, kind, bundle):
    url = somebody.ok("GET", f"/{kind}/messageUrl", messageKey=bundle["messageKey"])["messageUrl"]
    answer = httpx.get(url)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    return answer.text


@pytest.mark.rule("X-06")
def test_a_forum_is_made_when_it_is_first_asked_for(organiser, person, project, reader, new_folder):
    first = reader.ok("GET", f"/project/{project}/forum")
    assert first["projectId"] == project
    assert organiser.ok("GET", f"/project/{project}/forum") == first
    assert organiser.ok("GET", f"/forum/{first['id']}") == first
    stranger = person()
    assert stranger.refused("GET", f"/project/{project}/forum")[0] == 403
    assert stranger.refused("GET", f"/forum/{first['id']}")[0] == 403
    assert organiser.refused("GET", "/project/syn1/forum")[0] == 404
    assert organiser.refused("GET", "/forum/1")[0] == 404
    assert organiser.refused("GET", f"/project/{new_folder(organiser, project)}/forum")[0] == 400


@pytest.mark.rule("X-06")
def test_who_may_read_may_write(anonymous, person, reader, forum, begin, organiser):
    thread = begin(reader, "Question", "How?")
    expected = {
        "id": thread["id"],
        "forumId": forum,
        "title": "Question",
        "createdBy": str(reader.id),
        "numberOfViews": 0,
        "numberOfReplies": 0,
        "activeAuthors": [str(reader.id)],
        "isEdited": False,
        "isDeleted": False,
        "isPinned": False,
        "lastActivity": thread["createdOn"],
    }
    assert thread.items() >= expected.items()
    answer = reply(organiser, thread, "So.")
    assert (answer["threadId"], answer["forumId"], answer["isEdited"]) == (thread["id"], forum, False)
    assert reader.ok("GET", f"/reply/{answer['id']}") == answer
    stranger = person()
    body = {"forumId": forum, "title": "T", "messageMarkdown": "M"}
    for other in (stranger, anonymous):
        assert other.refused("POST", "/thread", body)[0] == 403
        assert other.refused("POST", "/reply", {"threadId": thread["id"], "messageMarkdown": "M"})[0] == 403
        assert other.refused("GET", f"/thread/{thread['id']}")[0] == 403
        assert other.refused("GET", f"/reply/{answer['id']}")[0] == 403


@pytest.mark.rule("X-06", "G-07")
def test_what_is_wrong_with_a_thread_or_a_reply(reader, forum, thread):
    body = {"forumId": forum, "title": "T", "messageMarkdown": "M"}
    for name in body:
        assert reader.refused("POST", "/thread", {**body, name: None}) == (400, f"{name} is required.")
    assert reader.refused("POST", "/thread", body | {"title": {}})[0] == 400
    assert reader.refused("POST", "/thread", body | {"forumId": "1"})[0] == 404
    assert reader.refused("POST", "/reply", {"threadId": "1", "messageMarkdown": "M"})[0] == 404
    assert reader.refused("POST", "/reply", {"threadId": thread["id"]})[0] == 400
    assert reader.refused("GET", "/reply/1")[0] == 404


@pytest.mark.rule("X-06")
def test_texts_are_files(reader, begin, person):
    words = "Grüße, **syn1**\n"
    thread = begin(reader, text=words)
    answer = reply(reader, thread, words * 2)
    assert text_of(reader, "thread", thread) == words
    assert text_of(reader, "reply", answer) == words * 2
    assert len(answer["messageKey"].split("/")) == 4
    for kind, bundle in (("thread", thread), ("reply", answer)):
        assert person().refused("GET", f"/{kind}/messageUrl", messageKey=bundle["messageKey"])[0] == 403
        assert reader.refused("GET", f"/{kind}/messageUrl", messageKey="nothing")[0] == 400
        assert reader.refused("GET", f"/{kind}/messageUrl")[0] == 400


@pytest.mark.rule("F-08", "P-16")
def test_the_address_of_a_text(server, reader, thread):
    """It is signed and expires; challengeutils asks without the signature, for a key that nobody guesses."""
    url = reader.ok("GET", "/thread/messageUrl", messageKey=thread["messageKey"])["messageUrl"]
    assert "X-Amz-Signature=" in url
    address = url.split("?")[0]
    assert httpx.get(address).text == "Text"
    assert httpx.get(f"{address}?X-Amz-Signature=0&expires=1").status_code == 403
    assert httpx.get(f"{address[:-1]}").status_code == 404
    server.set_clock(offset_seconds=31)
    assert httpx.get(url).status_code == 403


@pytest.mark.rule("X-06")
def test_only_the_author_edits(organiser, reader, begin):
    """A moderator is no author."""
    thread = begin(reader, "Old", "Old text")
    answer = reply(reader, thread)
    for path, body, kind in (
        (f"/thread/{thread['id']}/title", {"title": "New"}, "thread"),
        (f"/thread/{thread['id']}/message", {"messageMarkdown": "New"}, "thread"),
        (f"/reply/{answer['id']}/message", {"messageMarkdown": "New"}, "reply"),
    ):
        status, reason = organiser.refused("PUT", path, body)
        assert (status, reason) == (403, f"Only the user that created the {kind} can modify it.")
        assert reader.refused("PUT", path, {})[0] == 400
        assert reader("PUT", path, body).status_code == 201
    seen = reader.ok("GET", f"/thread/{thread['id']}")
    assert (seen["title"], seen["isEdited"], text_of(organiser, "thread", seen)) == ("New", True, "New")
    assert (seen["etag"], seen["messageKey"]) != (thread["etag"], thread["messageKey"])
    seen = reader.ok("GET", f"/reply/{answer['id']}")
    assert (seen["isEdited"], text_of(organiser, "reply", seen)) == (True, "New")


@pytest.mark.rule("X-06")
def test_moderators_delete_and_bring_back(organiser, reader, forum, thread):
    path = f"/thread/{thread['id']}"
    for method, suffix in (("DELETE", ""), ("PUT", "/restore"), ("PUT", "/pin"), ("PUT", "/unpin")):
        assert reader.refused(method, path + suffix) == (403, "You lack MODERATE access to the requested entity.")
    assert organiser("DELETE", path).status_code == 204
    assert threads(reader, forum) == []
    assert threads(organiser, forum, **DELETED) == threads(organiser, forum, **EVERYTHING) == [thread["id"]]
    assert reader.refused("GET", path)[0] == 403
    assert organiser.ok("GET", path)["isDeleted"] is True
    for who in (organiser, reader):
        assert who.refused("POST", "/reply", {"threadId": thread["id"], "messageMarkdown": "M"})[0] == 404
    assert reader.refused("PUT", f"{path}/title", {"title": "New"})[0] == 404
    assert organiser.refused("PUT", f"{path}/pin")[0] == 404
    assert organiser("PUT", f"{path}/restore").status_code == 200
    assert threads(reader, forum) == [thread["id"]]
    assert reader.ok("GET", path)["isDeleted"] is False


@pytest.mark.rule("X-06")
def test_deleted_replies(organiser, reader, thread):
    first, second = reply(reader, thread), reply(organiser, thread)
    assert reader.refused("DELETE", f"/reply/{first['id']}")[0] == 403
    assert organiser("DELETE", f"/reply/{first['id']}").status_code == 204
    assert reader.refused("GET", f"/reply/{first['id']}")[0] == 403
    assert organiser.ok("GET", f"/reply/{first['id']}")["isDeleted"] is True
    assert reader.refused("PUT", f"/reply/{first['id']}/message", {"messageMarkdown": "M"})[0] == 404
    path = f"/thread/{thread['id']}"
    for query, expected in ((PRESENT, [second]), (DELETED, [first]), (EVERYTHING, [first, second])):
        found = [each["id"] for each in reader.ok("GET", f"{path}/replies", **query)["results"]]
        assert found == [each["id"] for each in expected]
        count = reader.ok("GET", f"{path}/replycount", filter=query["filter"])
        assert count == {"count": len(expected)}
    assert reader.ok("GET", path)["numberOfReplies"] == 1


@pytest.mark.rule("X-06")
@pytest.mark.parametrize(
    ("path", "most"),
    [("/forum/{forum}/threads", 20), ("/thread/{thread}/replies", 100), ("/entity/{project}/threads", 20)],
)
def test_what_lists_want_to_be_told(reader, forum, thread, project, path, most):
    path = path.format(forum=forum, thread=thread["id"], project=project)
    query = {"limit": most, "offset": 0} | ({} if "entity" in path else {"filter": "EXCLUDE_DELETED"})
    reader.ok("GET", path, **query)
    for name in query:
        assert reader.refused("GET", path, **{k: v for k, v in query.items() if k != name})[0] == 400
    for wrong in ({"limit": most + 1}, {"limit": -1}, {"offset": -1}, {"sort": "LENGTH", "ascending": "true"}):
        assert reader.refused("GET", path, **query | wrong)[0] == 400
    assert reader.refused("GET", path, **query | {"sort": "CREATED_ON"})[0] == 400
    if "filter" in query:
        assert reader.refused("GET", path, **query | {"filter": "SOME"})[0] == 400


@pytest.mark.rule("X-06", "G-08")
def test_threads_in_the_order_that_is_asked_for(server, organiser, reader, forum, begin):
    quiet, busy, seen = (begin(reader, title) for title in ("b", "C", "a"))
    server.set_clock(offset_seconds=60)
    for _ in range(2):
        reply(reader, busy)
    for somebody in (reader, organiser, reader):
        somebody.ok("GET", f"/thread/{seen['id']}")
    organiser.ok("PUT", f"/thread/{quiet['id']}/pin")

    def ordered(sort, ascending):
        return threads(reader, forum, sort=sort, ascending=ascending)

    assert ordered("THREAD_TITLE", "true") == [seen["id"], quiet["id"], busy["id"]]
    assert ordered("NUMBER_OF_REPLIES", "false")[0] == busy["id"]
    assert ordered("NUMBER_OF_VIEWS", "false")[0] == seen["id"]
    assert ordered("PINNED_AND_LAST_ACTIVITY", "false") == [quiet["id"], busy["id"], seen["id"]]
    organiser.ok("PUT", f"/thread/{quiet['id']}/unpin")
    assert ordered("PINNED_AND_LAST_ACTIVITY", "false")[0] == busy["id"]
    assert reader.ok("GET", f"/thread/{seen['id']}")["numberOfViews"] == 2
    page = reader.ok("GET", f"/forum/{forum}/threads", **PRESENT | {"limit": 2, "offset": 0})
    assert ([each["id"] for each in page["results"]], page["totalNumberOfResults"]) == ([quiet["id"], busy["id"]], 3)
    assert reader.ok("GET", f"/forum/{forum}/threadcount", filter="EXCLUDE_DELETED") == {"count": 3}
    assert reader.refused("GET", f"/forum/{forum}/threadcount")[0] == 400


@pytest.mark.rule("X-06")
def test_replies_move_their_thread(server, organiser, reader, thread, person, share, project):
    third = person()
    share(organiser, f"/entity/{project}", third.id, "READ")
    last = thread
    for number, author in enumerate((organiser, organiser, third), start=1):
        server.set_clock(offset_seconds=number)
        last = reply(author, thread)
    seen = reader.ok("GET", f"/thread/{thread['id']}")
    assert (seen["numberOfReplies"], seen["lastActivity"]) == (3, last["createdOn"])
    assert seen["activeAuthors"][0] == str(organiser.id)
    assert set(seen["activeAuthors"]) == {str(each.id) for each in (organiser, reader, third)}
    path = f"/thread/{thread['id']}/replies"
    newest = reader.ok("GET", path, **PRESENT | {"sort": "CREATED_ON", "ascending": "false", "limit": 2})
    assert newest["results"][0]["id"] == last["id"]
    assert newest["totalNumberOfResults"] == 3


@pytest.mark.rule("X-06")
@given(moves=st.lists(st.sampled_from(["DELETE ", "PUT restore", "PUT pin", "PUT unpin", "reply"]), max_size=8))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_thread_is_what_was_done_to_it(organiser, reader, forum, begin, moves):
    thread = begin(reader)
    state = {"isDeleted": False, "isPinned": False, "numberOfReplies": 0}
    etags = [thread["etag"]]
    for move in moves:
        verb, _, action = move.partition(" ")
        if move == "reply":
            answer = organiser("POST", "/reply", {"threadId": thread["id"], "messageMarkdown": "R"})
        else:
            answer = organiser(verb, f"/thread/{thread['id']}" + (f"/{action}" if action else ""))
        impossible = state["isDeleted"] and move in ("PUT pin", "PUT unpin", "reply")
        assert answer.is_error == impossible
        if not impossible:
            state |= {
                "DELETE ": {"isDeleted": True},
                "PUT restore": {"isDeleted": False},
                "PUT pin": {"isPinned": True},
                "PUT unpin": {"isPinned": False},
                "reply": {"numberOfReplies": state["numberOfReplies"] + 1},
            }[move]
            etags += [organiser.ok("GET", f"/thread/{thread['id']}")["etag"]] if move != "reply" else []
    seen = organiser.ok("GET", f"/thread/{thread['id']}")
    assert {name: seen[name] for name in state} == state
    assert all(before != after for before, after in pairwise(etags))
    assert (thread["id"] in threads(reader, forum, **DELETED)) == state["isDeleted"]
    organiser.ok("DELETE", f"/thread/{thread['id']}")


@pytest.mark.rule("X-06")
def test_moderators_are_users_with_the_right_to(organiser, person, project, forum, share, unique):
    captain, member = person(), person()
    team = captain.ok("POST", "/team", {"name": unique("Moderators"), "canPublicJoin": True})["id"]
    member.ok("PUT", f"/team/{team}/member/{member.id}")
    share(organiser, f"/entity/{project}", int(team), "READ", "MODERATE")
    expected = sorted([organiser.id, captain.id, member.id])
    found = member.ok("GET", f"/forum/{forum}/moderators", limit=2, offset=0)
    assert found == {"results": [str(each) for each in expected[:2]], "totalNumberOfResults": 3}
    found = member.ok("GET", f"/forum/{forum}/moderators", limit=2, offset=2)
    assert found == {"results": [str(expected[2])], "totalNumberOfResults": 3}
    assert member.refused("GET", f"/forum/{forum}/moderators")[0] == 400


@pytest.mark.rule("X-06", "E-18")
def test_threads_that_name_an_entity(organiser, reader, person, project, begin, new_project, share, new_folder):
    """In title, text or reply; only of projects that one may read."""
    entity = new_folder(organiser, project)
    named = [
        begin(reader, title=f"About {entity}"),
        begin(reader, text=f"see https://www.synapse.org/#!Synapse:{entity.upper()}."),
        begin(reader),
    ]
    reply(reader, named[2], f"({entity})")
    begin(reader, text=f"{entity}0 and x{entity}")
    elsewhere = organiser.ok("GET", f"/project/{new_project(organiser)}/forum")["id"]
    hidden = {"forumId": elsewhere, "title": entity, "messageMarkdown": "M"}
    organiser.ok("POST", "/thread", hidden)

    def found(somebody):
        return [each["id"] for each in somebody.ok("GET", f"/entity/{entity}/threads", limit=20, offset=0)["results"]]

    def counts(somebody, *entities):
        return somebody.ok("POST", "/entity/threadcounts", {"idList": [*entities]})["list"]

    assert found(reader) == [thread["id"] for thread in named]
    assert len(found(organiser)) == 4
    assert counts(reader, entity, project) == [{"entityId": entity, "count": 3}, {"entityId": project, "count": 0}]
    assert counts(organiser, entity) == [{"entityId": entity, "count": 4}]
    organiser.ok("DELETE", f"/thread/{named[0]['id']}")
    assert found(reader) == [thread["id"] for thread in named[1:]]
    assert counts(reader, entity) == [{"entityId": entity, "count": 2}]
    bundle = reader.ok("POST", f"/entity/{entity}/bundle2", {"includeThreadCount": True})
    assert bundle == {"threadCount": 2}
    stranger = person()
    assert stranger.refused("GET", f"/entity/{entity}/threads", limit=20, offset=0)[0] == 403
    assert counts(stranger, entity) == []
    assert reader.refused("POST", "/entity/threadcounts", {"idList": [entity] * 21})[0] == 400
    assert reader.refused("POST", "/entity/threadcounts", {})[0] == 400


@pytest.mark.rule("P-05", "X-06")
def test_synapseclient_pages_through_threads(reader, forum, begin):
    """As challengeutils does: pages of twenty, until one is empty."""
    ids = [begin(reader)["id"] for _ in range(23)]
    found = reader.synapse._GET_paginated(f"/forum/{forum}/threads?filter=EXCLUDE_DELETED")
    assert [thread["id"] for thread in found] == ids


@pytest.mark.rule("X-06", "E-08")
def test_the_forum_of_a_project_in_the_trash(organiser, project, forum, thread):
    organiser.ok("DELETE", f"/entity/{project}")
    for path in (f"/project/{project}/forum", f"/forum/{forum}", f"/thread/{thread['id']}"):
        assert organiser.refused("GET", path)[0] == 404
