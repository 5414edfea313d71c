"""Queues and leaderboards."""

from __future__ import annotations

import httpx
import pytest


@pytest.fixture
def queue(look, world):
    page = look()
    page.goto(f"/queue/{world.queue}")
    return page


def test_a_queue_tells_its_rounds(queue):
    rounds = queue.get_by_role("region", name="Rounds").get_by_role("listitem")
    assert [text.split("\n")[0] for text in rounds.all_inner_texts()] == [
        "Round 1 past",
        "Round 2 open",
        "Round 3 coming",
    ]
    assert "each submitter: 3 a day, 20 in all" in rounds.nth(1).inner_text()
    assert queue.locator(".opening").inner_text().startswith("open until ")


def test_a_queue_tells_who_may_do_what(queue, world):
    sharing = queue.get_by_role("region", name="Sharing")
    assert sharing.get_by_role("row", name="Breast Cancer Participants submits").count() == 1
    assert sharing.get_by_role("row", name="every user views").count() == 1


def test_submissions_come_newest_first(queue):
    names = queue.get_by_role("region", name="Submissions 6").locator("td.what a").all_inner_texts()
    assert names[0] == "random-forest, 500 trees"
    assert names[-1] == "support-vectors.csv"


def test_submissions_with_a_status(queue):
    queue.get_by_label("Status").select_option("INVALID")
    queue.get_by_role("button", name="Show").click()
    shown = queue.get_by_role("region", name="Submissions 1").locator("td.what a")
    shown.first.wait_for()
    assert shown.all_inner_texts() == ["typo.csv"]
    queue.get_by_label("Status").select_option("REJECTED")
    queue.get_by_role("button", name="Show").click()
    queue.get_by_text("No submission with this status.").wait_for()


def test_teams_submit_by_somebody(queue):
    row = queue.get_by_role("row", name="logistic-regression.csv")
    assert row.get_by_role("link", name="Curie Lab").count() == 1
    assert "by marie" in row.inner_text()


def test_submitted_files_are_downloaded(look, world):
    page = look()
    page.goto(f"/submission/{world.submissions['typo.csv']}")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "typo.csv"
    assert download.value.path().read_text() == "id,probabilty\nS0005,0.91\n"


def test_long_queues_have_pages(look, world):
    project = world.organiser.ask("POST", "/entity", {"concreteType": PROJECT, "name": "A long queue"})["id"]
    queue = world.organiser.ask("POST", "/evaluation", {"name": "Long queue", "contentSource": project})["id"]
    etag = world.organiser.ask("GET", f"/entity/{project}")["etag"]
    wish = {"entityId": project, "versionNumber": 1, "evaluationId": queue}
    for number in range(1, 61):
        world.organiser.ask("POST", "/evaluation/submission", wish | {"name": f"number {number}"}, etag=etag)
    page = look()
    page.goto(f"/queue/{queue}")
    seen = page.locator("td.what a").all_inner_texts()
    turning = page.get_by_role("navigation", name="Pages of submissions")
    assert "Page 1 of 3 · 60 submissions" in turning.inner_text()
    for number in (2, 3):
        page.get_by_role("link", name="Next →").click()
        page.wait_for_url(f"**page={number}")
        seen += page.locator("td.what a").all_inner_texts()
    assert page.get_by_role("link", name="Next →").count() == 0
    assert seen == [f"number {number}" for number in range(60, 0, -1)]
    for number, shown in (("0", 25), ("99", 10), ("x", 25), ("9" * 30, 25)):
        page.goto(f"/queue/{queue}?page={number}")
        assert page.locator("td.what").count() == shown


def test_a_leaderboard_is_sorted_by_its_headings(look, world):
    page = look("john")
    page.goto(f"/queue/{world.queue}")
    page.get_by_role("region", name="Leaderboards").get_by_role("link", name="Leaderboard").click()
    table = page.get_by_role("region", name="Leaderboard 6")
    table.wait_for()

    def submitters():
        return table.locator("tbody tr td:first-child").all_inner_texts()

    assert submitters()[:3] == ["rosalind", "Curie Lab", "john"]
    assert table.locator("th[aria-sort=descending]").inner_text().startswith("auc_roc")
    page.get_by_role("link", name="auc_roc").click()
    page.locator("th[aria-sort=ascending]").wait_for()
    assert submitters()[-3:] == ["john", "Curie Lab", "rosalind"]
    page.get_by_role("link", name="file", exact=True).click()
    page.locator("th[aria-sort=descending]", has_text="file").wait_for()
    assert table.locator("tbody tr").first.inner_text().split("\t")[4] == "typo.csv"


def test_a_leaderboard_shows_what_has_just_changed(look, world):
    page = look("marie")
    page.goto(f"/Synapse:{world.leaderboard}")
    path = f"/evaluation/submission/{world.submissions['random-forest, 500 trees']}/status"
    status = world.organiser.ask("GET", path)
    world.organiser.ask("PUT", path, status | {"status": "CLOSED"})
    page.reload()
    assert page.get_by_role("row", name="random-forest, 500 trees").locator(".status").inner_text() == "closed"


def test_other_questions_to_a_table(look, world):
    page = look("marie")
    page.goto(f"/Synapse:{world.leaderboard}")
    page.get_by_text("Ask something else").click()
    page.get_by_label("Synapse SQL").fill(f"select status, count(*) as n from {world.leaderboard} group by status")
    page.get_by_role("button", name="Ask").click()
    page.get_by_role("row", name="accepted 3").wait_for()
    page.get_by_label("Synapse SQL").fill("drop table entity")
    page.get_by_role("button", name="Ask").click()
    assert "Synapse does not answer this query for marie" in page.locator(".trouble").inner_text()


def test_a_leaderboard_hides_what_one_may_not_read(look, world):
    page = look("anonymous")
    page.goto(f"/Synapse:{world.leaderboard}")
    assert page.get_by_text("No rows.").count() == 1


def test_scores_are_rounded_but_not_lost(look, world):
    page = look()
    page.goto(f"/queue/{world.queue}")
    assert page.get_by_title("0.998978123").first.inner_text() == "0.998978"
    page.goto(f"/submission/{world.submissions['support-vectors.csv']}")
    assert page.get_by_role("cell", name="0.998978123").count() == 1


def test_old_addresses_lead_where_they_led(world):
    for path, words in (
        (f"/Synapse:{world.project}", "Breast Cancer Diagnosis Challenge"),
        (f"/Synapse:{world.training}.1", "version 1"),
        (f"/queue/{world.queue}", "support-vectors.csv"),
        (f"/mail/{world.marie.id}", "your submission has been scored"),
    ):
        page = httpx.get(world.server.url + path, timeout=30)
        assert page.status_code == 200, path
        assert words in page.text, path


PROJECT = "org.sagebionetworks.repo.model.Project"
