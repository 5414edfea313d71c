"""For everybody: without scripts, on a phone, by keyboard, in the dark, for those who listen."""

from __future__ import annotations

import httpx
import pytest


def pages_of(world):
    project = f"/Synapse:{world.project}"
    wikis = [f"{project}/wiki/{world.wiki[title]}" for title in ("Data", "How to submit", "Results")]
    tabs = [f"{project}/{tab}" for tab in ("files", "tables", "challenge", "discussion", "docker")]
    return [
        "/", "/projects", "/queues", "/teams", "/people", "/mail", f"/mail/{world.marie.id}?box=sent",
        f"/mail/{world.rosalind.id}", f"/Team:{world.participants}", f"/Profile:{world.marie.id}",
        project, *wikis, *tabs, f"{project}/discussion/{world.thread}", f"/Synapse:{world.training}",
        f"/Synapse:{world.training}.1", f"/Synapse:{world.repository}", f"/Synapse:{world.leaderboard}",
        f"/Synapse:{world.leaderboard}?sql=nonsense", f"/Synapse:{world.hostile}/wiki/{world.hostile_page}",
        f"/queue/{world.queue}", f"/queue/{world.queue}?status=REJECTED",
        f"/submission/{world.submissions['typo.csv']}", f"/Synapse:{world.truth}", "/Synapse:syn1", "/queue/x",
    ]  # fmt: skip


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("viewer", ["challenge-service", "marie"])
def test_nothing_is_in_the_way_of_anybody(look, world, viewer, colours):
    """What axe knows of WCAG 2.1 A and AA, and of good practice: names, headings, landmarks, contrast, keyboard."""
    from axe_playwright_python.sync_playwright import Axe

    page = look(viewer, color_scheme=colours, bypass_csp=True)
    troubles = {}
    for path in pages_of(world):
        page.goto(path)
        found = Axe().run(page).response["violations"]
        if found:
            troubles[path] = [(one["id"], one["nodes"][0]["html"], one["nodes"][0]["failureSummary"]) for one in found]
    assert not troubles


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_sticks_out(look, world, width):
    page = look("marie", viewport={"width": width, "height": 700})
    for path in pages_of(world):
        page.goto(path)
        root = "document.documentElement"
        assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"), path


def test_pages_need_no_script(look, world):
    page = look("marie", java_script_enabled=False)
    page.goto(f"/queue/{world.queue}")
    assert page.get_by_role("region", name="Submissions of marie").count() == 1
    page.locator("details.viewer > summary").click()
    page.get_by_role("button", name="challenge-service", exact=True).click()
    page.get_by_role("region", name="Submissions 6").wait_for()


def test_pages_ask_nobody_else(look, world):
    page = look("marie")
    asked, complaints = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text) if "Security Policy" in message.text else None)
    for path in pages_of(world):
        page.goto(path)
    assert all(url.startswith((world.server.url, "data:")) for url in asked)
    assert not complaints


def test_the_keyboard_skips_to_the_content(look):
    page = look()
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.locator(":focus").get_attribute("id") == "main"


def test_what_is_missing_says_so(look, world):
    page = look()
    for path in (
        "/Synapse:syn1",
        "/Synapse:nonsense",
        "/queue/x",
        "/Team:1",
        "/submission/1",
        "/nonsense",
        "/queue/1/2",
    ):
        assert page.goto(path).status == 404, path
        assert page.get_by_role("heading", level=1).inner_text() == "Not here"
        assert page.get_by_role("link", name="What is here").count() == 1


def test_programs_are_answered_as_before(world):
    for path in ("/nonsense", "/repo/v1/nonsense", "/favicon.ico"):
        answer = httpx.get(world.server.url + path, timeout=30)
        assert answer.status_code == 501, path
        assert "does not have this operation" in answer.json()["reason"]
    answer = httpx.get(f"{world.server.url}/repo/v1/nonsense", headers={"Accept": "text/html"}, timeout=30)
    assert answer.headers["content-type"] == "application/json"


def test_pages_forbid_what_they_do_not_need(world):
    answer = httpx.get(world.server.url, timeout=30)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "script" not in answer.text
    style = httpx.get(f"{world.server.url}/website/style.css", timeout=30)
    assert style.headers["content-type"].startswith("text/css")
    assert "http" not in style.text
