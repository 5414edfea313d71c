"""Who looks decides what is there: the same rules as for requests of clients."""

from __future__ import annotations

import httpx
import pytest

PRIVATE = ("reviewer_note", "looks almost too good")


def test_the_organiser_looks_unless_somebody_else_is_chosen(look):
    page = look()
    assert page.locator("details.viewer strong").inner_text() == "challenge-service"


def test_who_looks_is_kept_in_a_cookie(look, world, choose):
    page = look()
    choose(page, "marie")
    page.goto(f"/queue/{world.queue}")
    again = page.context.new_page()
    again.goto("/")
    assert again.locator("details.viewer strong").inner_text() == "marie"
    names = {cookie["name"]: cookie for cookie in page.context.cookies()}
    assert names["local_synapse_viewer"]["httpOnly"]


def test_choosing_leads_back_to_the_same_page(look, world, choose):
    page = look()
    page.goto(f"/queue/{world.queue}?status=INVALID")
    choose(page, "rosalind")
    assert page.url == f"{world.server.url}/queue/{world.queue}?status=INVALID"


def test_two_users_see_a_queue_differently(look, world):
    organiser, marie = look("challenge-service"), look("marie")
    for page in (organiser, marie):
        page.goto(f"/queue/{world.queue}")
    theirs = organiser.get_by_role("region", name="Submissions 6")
    assert theirs.get_by_role("link", name="random-forest.csv").count() == 1
    assert theirs.get_by_role("link", name="john").count() == 2

    own = marie.get_by_role("region", name="Submissions of marie")
    assert own.get_by_role("link", name="logistic-regression.csv").count() == 1
    assert marie.get_by_text("random-forest").count() == 0
    everybody = marie.get_by_role("region", name="All submissions")
    assert everybody.get_by_role("link", name=world.submissions["random-forest.csv"]).count() == 1
    assert everybody.get_by_role("link", name="john").count() == 0


def test_private_annotations_are_the_organisers(look, world):
    for path in (f"/queue/{world.queue}", f"/submission/{world.submissions['support-vectors.csv']}"):
        organiser, submitter, other = look("challenge-service"), look("rosalind"), look("marie")
        for page in (organiser, submitter, other):
            page.goto(path)
            assert "0.998978" in page.content()
        assert all(words in organiser.content() for words in PRIVATE)
        for page in (submitter, other):
            assert not any(words in page.content() for words in PRIVATE)


def test_a_submission_is_shown_as_far_as_one_may_see_it(look, world):
    path = f"/submission/{world.submissions['logistic-regression.csv']}"
    organiser, submitter, other, stranger = (look(name) for name in ("challenge-service", "marie", "john", "stranger"))
    for page in (organiser, submitter, other, stranger):
        page.goto(path)
    assert organiser.get_by_role("link", name="Download").count() == 1
    assert submitter.get_by_role("heading", level=1).inner_text() == "logistic-regression.csv"
    assert submitter.get_by_role("link", name="Download").count() == 0
    for page in (other, stranger):
        assert "logistic-regression" not in page.content()
        assert page.get_by_role("row", name="auc_roc 0.998248").count() == 1


def test_what_one_may_not_see_is_not_in_lists(look, world):
    marie, organiser = look("marie"), look("challenge-service")
    for path, name in (
        (f"/Synapse:{world.project}/files", "Gold standard"),
        (f"/Synapse:{world.project}/challenge", "Rehearsal for organisers"),
        ("/queues", "Rehearsal for organisers"),
    ):
        for page, there in ((organiser, 1), (marie, 0)):
            page.goto(path)
            assert page.get_by_role("link", name=name).count() == there, path


def test_somebody_else_may_see_what_is_refused(look, world):
    page = look("marie")
    assert page.goto(f"/Synapse:{world.truth}").status == 403
    assert page.get_by_role("heading", level=1).inner_text() == "Not for marie"
    page.get_by_role("button", name="Look as challenge-service").click()
    page.get_by_role("heading", name="truth.csv").wait_for()


def test_nobody_sees_what_is_public(look, world):
    page = look("anonymous")
    page.goto("/projects")
    assert page.get_by_role("link", name="Open Challenge", exact=True).count() == 1
    assert page.get_by_role("link", name="Marie's work").count() == 0
    assert page.goto(f"/queue/{world.queue}").status == 403
    assert page.goto("/mail").status == 403


def test_who_has_not_agreed_to_the_terms_sees_nothing(look, world):
    wish = {"userName": "undecided", "agreedToTerms": False}
    world.server.control("POST", "/control/users", wish)
    page = look()
    page.goto("/people?named=undecided")
    page.get_by_role("button", name="Look as undecided").click()
    page.get_by_text("Terms of use have not been signed").wait_for()
    assert page.goto(f"/Synapse:{world.project}").status == 403


@pytest.mark.parametrize("viewer", ["challenge-service", "marie", "stranger", "anonymous", "synapse-admin"])
def test_pages_answer_as_the_operations_do(world, viewer):
    token = None if viewer == "anonymous" else world.server.token(viewer)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    cookies = {"local_synapse_viewer": viewer}
    kept = world.marie.find("Marie's work", "typo.csv")
    pairs = {
        **{f"/Synapse:{it}": f"/entity/{it}" for it in (world.project, world.training, world.truth, kept, "syn1")},
        f"/Synapse:{world.project}/wiki/{world.wiki['Data']}": f"/entity/{world.project}/wiki/{world.wiki['Data']}",
        f"/Synapse:{world.hostile}/discussion/{world.hostile_thread}": f"/thread/{world.hostile_thread}",
        **{f"/queue/{it}": f"/evaluation/{it}" for it in (world.queue, world.closed_queue, "1")},
        f"/Team:{world.participants}": f"/team/{world.participants}",
        "/Team:1": "/team/1",
        "/Profile:1": "/userProfile/1",
    }
    with httpx.Client(base_url=world.server.url, timeout=30) as client:
        for page, operation in pairs.items():
            shown = client.get(page, cookies=cookies).status_code
            answered = client.get(f"/repo/v1{operation}", headers=headers).status_code
            assert shown == answered, f"{page}: {shown}, {operation}: {answered}"


def test_another_site_is_never_where_choosing_leads(world):
    for back in ("https://elsewhere.invalid/", "//elsewhere.invalid/", "/\\elsewhere.invalid", "elsewhere"):
        answer = httpx.post(f"{world.server.url}/viewer", data={"viewer": "marie", "back": back}, timeout=30)
        assert answer.status_code == 303
        assert answer.headers["location"] == "/"


def test_a_cookie_that_names_nobody_is_the_organisers(world):
    for name in ("nobody-at-all", "<script>", "%00", "../../x"):
        page = httpx.get(world.server.url, cookies={"local_synapse_viewer": name}, timeout=30)
        assert page.status_code == 200
        assert "<strong>challenge-service</strong>" in page.text
