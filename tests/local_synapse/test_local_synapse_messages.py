"""Messages: who may write to whom, and what sender and recipients find in their boxes."""

from __future__ import annotations

import httpx
import pytest


@pytest.fixture
def ada(person):
    return person()


@pytest.fixture
def bob(person):
    return person()


@pytest.fixture
def text():
    """Makes a file that somebody may send; returns its id."""

    def text(owner):
        external = {"externalURL": "https://example.org/message.txt", "contentType": "text/plain"}
        return owner.ok("POST", "/externalFileHandle", external, "file")["id"]

    return text


@pytest.fixture
def send(text):
    def send(sender, *recipients, path="/message", **more):
        body = {"recipients": [str(getattr(each, "id", each)) for each in recipients], "subject": "News"}
        return sender.ok("POST", path, body | {"fileHandleId": text(sender)} | more)

    return send


def inbox(somebody, **query):
    return [bundle["message"]["id"] for bundle in somebody.ok("GET", "/message/inbox", **query)["results"]]


@pytest.mark.rule("P-14", "X-01")
@pytest.mark.parametrize("content_type", ["text/plain", "text/html"])
def test_synapseclient_sends_what_the_recipient_reads(server, ada, bob, content_type):
    ada.synapse.sendMessage([bob.id], "Hello", "<b>Grüße</b>", contentType=content_type)
    (mail,) = server.mailbox(bob.id)
    assert (mail["from"], mail["subject"], mail["body"]) == (str(ada.id), "Hello", "<b>Grüße</b>")
    assert mail["contentType"].startswith(content_type)
    (bundle,) = bob.ok("GET", "/message/inbox")["results"]
    message = bundle["message"]
    assert bundle["status"] == {"messageId": message["id"], "recipientId": str(bob.id), "status": "UNREAD"}
    assert ada.ok("GET", "/message/outbox")["results"] == [message]
    url = bob("GET", f"/message/{message['id']}/file", redirect="false").text
    assert httpx.get(url).text == "<b>Grüße</b>"
    redirected = bob("GET", f"/message/{message['id']}/file")
    assert (redirected.status_code, redirected.headers["Location"].split("?")[0]) == (307, url.split("?")[0])


@pytest.mark.rule("X-01")
def test_what_is_wrong_with_a_message(anonymous, ada, bob, text):
    body = {"recipients": [str(bob.id)], "subject": "S", "fileHandleId": text(ada)}
    assert anonymous.refused("POST", "/message", body)[0] == 403
    assert bob.refused("POST", "/message", body) == (403, "Invalid file handle given")
    assert ada.refused("POST", "/message", body | {"fileHandleId": None})[0] == 400
    assert ada.refused("POST", "/message", body | {"recipients": []})[0] == 400
    for unknown in ("999999999", "nobody", "9" * 30, f"syn{bob.id}"):
        status, reason = ada.refused("POST", "/message", body | {"recipients": [str(bob.id), unknown]})
        assert (status, reason) == (400, f"One or more of the following IDs are not recognized: {unknown}")
    assert bob.ok("GET", "/message/inbox")["results"] == []


@pytest.mark.rule("X-01")
def test_at_most_fifty_recipients(server, ada, unique, text):
    stem = unique("many").replace(" ", "-")
    users = [str(server.create_user(f"{stem}-{number}").principal_id) for number in range(51)]
    body = {"subject": "S", "fileHandleId": text(ada)}
    assert ada.refused("POST", "/message", body | {"recipients": users})[0] == 400
    assert ada.ok("POST", "/message", body | {"recipients": [*users[:50], users[0]]})["recipients"] == users[:50]


@pytest.mark.rule("X-01")
def test_the_eleventh_message_in_a_minute(server, organiser, ada, bob, text, send):
    for _ in range(10):
        send(ada, bob)
    body = {"recipients": [str(bob.id)], "subject": "S", "fileHandleId": text(ada)}
    status, reason = ada.refused("POST", "/message", body)
    assert (status, reason[:51]) == (429, "Please slow down.  You may send a maximum of 10 mes")
    send(bob, ada)
    for _ in range(11):
        send(organiser, bob)
    server.set_clock(offset_seconds=61)
    ada.ok("POST", "/message", body)


@pytest.mark.rule("X-01")
def test_the_limit_of_messages_can_be_set(server, ada, bob, text, send):
    server.control("POST", "/control/settings", {"message_rate_limit": 1})
    try:
        send(ada, bob)
        body = {"recipients": [str(bob.id)], "subject": "S", "fileHandleId": text(ada)}
        status, reason = ada.refused("POST", "/message", body)
        assert (status, "a maximum of 1 message(s)" in reason) == (429, True)
    finally:
        server.control("POST", "/control/settings", {"message_rate_limit": None})


@pytest.mark.rule("G-06")
def test_what_the_server_writes_into_a_message(ada, bob, send, text):
    made = send(ada, bob, createdBy=str(bob.id), id="1", other="x", withUnsubscribeLink="true")
    assert made["createdBy"] == str(ada.id)
    assert made["id"] != "1"
    assert "other" not in made
    assert made["withUnsubscribeLink"] is True
    assert made["inReplyToRoot"] == made["id"]
    wrong = {"recipients": "everybody", "fileHandleId": text(ada)}
    assert ada.refused("POST", "/message", wrong)[0] == 400


@pytest.mark.rule("X-02")
def test_a_team_says_who_may_write_to_it(ada, bob, person, send, unique):
    """Whom a message does not reach is not told to its sender."""
    team = ada.ok("POST", "/team", {"name": unique("Crew"), "canPublicJoin": True})["id"]
    bob.ok("PUT", f"/team/{team}/member/{bob.id}")
    stranger = person()
    made = send(stranger, team)
    assert made["recipients"] == [team]
    assert inbox(ada) == inbox(bob) == []
    assert inbox(stranger) == []
    reached = send(bob, team, bob)
    assert inbox(ada) == inbox(bob) == [reached["id"]]
    acl = ada.ok("GET", f"/team/{team}/acl")
    acl["resourceAccess"].append({"principalId": 273948, "accessType": ["READ", "SEND_MESSAGE"]})
    ada.ok("PUT", "/team/acl", acl)
    assert stranger.ok("GET", f"/team/{team}/member/{stranger.id}/membershipStatus")["canSendEmail"] is True
    second = send(stranger, team)
    assert inbox(ada) == [second["id"], reached["id"]]


@pytest.mark.rule("X-02", "G-14")
def test_only_administrators_write_to_everybody(admin, ada, bob, send):
    send(ada, 273948)
    assert inbox(bob) == []
    made = send(admin, 273948)
    assert inbox(bob) == inbox(ada) == [made["id"]]


@pytest.mark.rule("X-01")
def test_a_message_is_for_sender_and_recipients(ada, bob, person, send):
    made = send(ada, bob)
    path = f"/message/{made['id']}"
    assert ada.ok("GET", path) == bob.ok("GET", path) == made
    for suffix in ("", "/file", "/conversation"):
        assert person().refused("GET", path + suffix)[0] == 403
    assert person().refused("POST", path + "/forward", {"recipients": [str(ada.id)]})[0] == 403
    assert ada.refused("GET", "/message/1")[0] == 404
    assert ada.refused("DELETE", path)[0] == 410


@pytest.mark.rule("G-08", "G-10")
def test_boxes_page_by_page(ada, bob, send):
    subjects = ["b", "a", "c"]
    ids = [send(ada, bob, subject=subject)["id"] for subject in subjects]
    assert inbox(bob) == ids[::-1]
    assert inbox(bob, descending="false") == ids
    assert inbox(bob, orderBy="SUBJECT", descending="false") == [ids[1], ids[0], ids[2]]
    page = ada.ok("GET", "/message/outbox", limit=2, offset=1, descending="false")
    assert ([message["id"] for message in page["results"]], page["totalNumberOfResults"]) == (ids[1:], 4)
    assert ada.ok("GET", "/message/outbox", limit=2, offset=2)["totalNumberOfResults"] == 3
    for wrong in ({"orderBy": "SIZE"}, {"descending": "maybe"}, {"limit": -1}, {"inboxFilter": "UNREAD,LOST"}):
        assert bob.refused("GET", "/message/inbox", **wrong)[0] == 400


def test_the_anonymous_user_has_no_boxes(anonymous):
    for box in ("inbox", "outbox"):
        assert anonymous.refused("GET", f"/message/{box}")[0] == 403


def test_what_a_recipient_has_done_with_a_message(ada, bob, send):
    first, second = (send(ada, bob)["id"] for _ in range(2))
    assert bob("PUT", "/message/status", {"messageId": first, "status": "READ"}).status_code == 200
    bob.ok("PUT", "/message/status", {"messageId": second, "recipientId": str(ada.id), "status": "ARCHIVED"})
    assert inbox(bob) == []
    assert inbox(bob, inboxFilter="READ") == [first]
    assert inbox(bob, inboxFilter="READ,ARCHIVED") == [second, first]
    assert bob.refused("PUT", "/message/status", {"messageId": first, "status": "BURNT"})[0] == 400
    assert bob.refused("PUT", "/message/status", {"status": "READ"})[0] == 400
    assert ada.refused("PUT", "/message/status", {"messageId": first, "status": "READ"})[0] == 404


def test_a_conversation_is_what_one_took_part_in(ada, bob, person, send):
    carol = person()
    first = send(ada, bob)
    second = send(bob, ada, carol, inReplyTo=first["id"])
    third = send(carol, bob, inReplyTo=second["id"])
    assert {message["inReplyToRoot"] for message in (first, second, third)} == {first["id"]}

    def conversation(somebody, message, **query):
        found = somebody.ok("GET", f"/message/{message['id']}/conversation", **query)["results"]
        return [each["id"] for each in found]

    assert conversation(bob, first) == [third["id"], second["id"], first["id"]]
    assert conversation(ada, first, descending="false") == [first["id"], second["id"]]
    assert conversation(carol, third) == [third["id"], second["id"]]
    assert conversation(bob, first, limit=1, offset=1) == [second["id"]]


def test_a_reply_to_nothing(ada, bob, text):
    body = {"recipients": [str(bob.id)], "fileHandleId": text(ada), "inReplyTo": "1"}
    assert ada.refused("POST", "/message", body) == (400, "Cannot reply to a message (1) that does not exist")


def test_a_recipient_sends_a_message_on(ada, bob, person, send):
    carol = person()
    made = send(ada, bob)
    forwarded = bob.ok("POST", f"/message/{made['id']}/forward", {"recipients": [carol.id]})
    assert (forwarded["createdBy"], forwarded["fileHandleId"]) == (str(bob.id), made["fileHandleId"])
    assert (forwarded["subject"], forwarded["inReplyToRoot"]) == ("News", made["id"])
    assert inbox(carol) == [forwarded["id"]]
    assert inbox(bob) == [made["id"]]
    assert bob.refused("POST", f"/message/{made['id']}/forward", {})[0] == 400


def test_a_message_to_the_owner_of_an_entity(ada, bob, person, send, new_project):
    project, carol = new_project(bob), person()
    made = send(ada, carol, path=f"/entity/{project}/message")
    assert made["recipients"] == [str(carol.id), str(bob.id)]
    assert inbox(bob) == inbox(carol) == [made["id"]]
    alone = send(ada, path=f"/entity/{project}/message")
    assert alone["recipients"] == [str(bob.id)]
    body = {"fileHandleId": made["fileHandleId"]}
    assert ada.refused("POST", "/entity/syn1/message", body)[0] == 404


@pytest.mark.rule("F-05")
def test_the_file_of_a_message_is_for_its_readers(ada, bob, person, upload, send):
    handle = upload(ada, b"text", "message.txt")
    made = send(ada, bob, fileHandleId=handle)
    wanted = {"fileHandleId": handle, "associateObjectId": made["id"], "associateObjectType": "MessageAttachment"}
    body = {"requestedFiles": [wanted], "includeFileHandles": True, "includePreSignedURLs": True}

    def fetch(somebody):
        return somebody.ok("POST", "/fileHandle/batch", body, "file")["requestedFiles"][0]

    assert httpx.get(fetch(bob)["preSignedURL"]).content == b"text"
    assert fetch(person())["failureCode"] == "UNAUTHORIZED"
    other = send(ada, bob)
    wanted["associateObjectId"] = other["id"]
    assert fetch(bob)["failureCode"] == "UNAUTHORIZED"
