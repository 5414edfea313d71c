"""Files, Docker repositories, discussion, people and mail."""

from __future__ import annotations

import httpx


def test_a_file_has_versions(look, world):
    page = look("marie")
    page.goto(f"/Synapse:{world.project}/files")
    page.get_by_role("link", name="Data").click()
    page.get_by_role("link", name="training.csv").click()
    versions = page.get_by_role("region", name="Versions")
    assert "59 patients instead of 4" in versions.get_by_role("row").nth(1).inner_text()
    assert "S0019,12.00" in page.locator(".preview").inner_text()
    with page.expect_download() as download:
        versions.get_by_role("link", name="Download version 1").click()
    assert download.value.path().read_text().splitlines()[1] == "S0001,17.99,10.38,M"
    with page.expect_download() as download:
        page.get_by_role("link", name="Download", exact=True).click()
    assert len(download.value.path().read_text().splitlines()) == 60


def test_an_old_version_is_shown_as_it_was(look, world):
    page = look("marie")
    page.goto(f"/Synapse:{world.training}.1")
    assert "S0001,17.99,10.38,M" in page.locator(".preview").inner_text()
    assert page.get_by_role("region", name="Provenance").count() == 0


def test_annotations_of_entities(look, world):
    page = look("marie")
    page.goto(f"/Synapse:{world.project}")
    about = page.get_by_role("complementary")
    assert about.get_by_role("row", name="Topic Oncology, Imaging").count() == 1
    assert about.get_by_title("0.123456789").inner_text() == "0.123457"


def test_provenance_names_what_one_may_see(look, world):
    for viewer, name in (("challenge-service", "truth.csv"), ("marie", world.truth)):
        page = look(viewer)
        page.goto(f"/Synapse:{world.training}")
        used = page.get_by_role("region", name="Provenance").get_by_role("listitem")
        assert used.all_inner_texts() == ["read Wisconsin cytology", f"read {name}"]


def test_who_may_not_download_sees_no_content(look, world):
    page = look("anonymous")
    page.goto(f"/Synapse:{world.training}")
    assert "anonymous may not download this file." in page.locator("main").inner_text()
    assert "S0001" not in page.content()
    assert page.goto(f"/Synapse:{world.training}/download").status == 403


def test_files_elsewhere_say_so(look, world):
    handle = world.organiser.ask("POST", "/externalFileHandle", {"externalURL": "javascript:alert(1)"}, "file")["id"]
    body = {"concreteType": f"{MODEL}.FileEntity", "name": "elsewhere", "parentId": world.project}
    file = world.organiser.ask("POST", "/entity", body | {"dataFileHandleId": handle})["id"]
    page = look()
    page.goto(f"/Synapse:{file}")
    assert "Kept elsewhere: javascript:alert(1)" in page.locator("main").inner_text()
    assert page.locator("a[href^='javascript']").count() == 0


def test_a_link_leads_on(look, world):
    body = {"concreteType": f"{MODEL}.Link", "name": "to the data", "parentId": world.project}
    link = world.organiser.ask("POST", "/entity", body | {"linksTo": {"targetId": world.training}})["id"]
    page = look("marie")
    page.goto(f"/Synapse:{link}")
    page.get_by_role("region", name="Leads to").get_by_role("link", name="training.csv").click()
    page.get_by_role("heading", level=1, name="training.csv").wait_for()


def test_docker_repositories_have_tags(look, world):
    page = look("marie")
    page.goto(f"/Synapse:{world.project}/docker")
    page.get_by_role("link", name="example.org/breast-cancer/baseline").click()
    rows = page.get_by_role("region", name="Tags").locator("tbody tr")
    rows.first.wait_for()
    assert [text.split("\t")[0] for text in rows.all_inner_texts()] == ["v2", "v1"]
    assert "docker pull example.org/breast-cancer/baseline:v2" in page.locator("main").inner_text()


def test_a_forum_has_threads_and_replies(look, world):
    page = look("marie")
    page.goto(f"/Synapse:{world.project}/discussion/default")
    titles = page.get_by_role("region", name="Discussion").get_by_role("heading", level=3).all_inner_texts()
    assert titles == ["Read this first pinned", "Are the radii in µm?"]
    page.get_by_role("link", name="Are the radii in µm?").click()
    reply = page.get_by_role("article", name="Reply of challenge-service")
    assert reply.get_by_role("link", name="Data").get_attribute("href") == (
        f"/Synapse:{world.project}/wiki/{world.wiki['Data']}"
    )
    assert page.locator("article em").inner_text() == "training.csv"


def test_looking_at_a_thread_is_not_counted(look, world):
    page = look("rosalind")
    forum = world.organiser.ask("GET", f"/project/{world.project}/forum")["id"]
    path, query = f"/forum/{forum}/threads", {"limit": 20, "offset": 0, "filter": "NO_FILTER"}
    before = world.organiser.ask("GET", path, **query)
    page.goto(f"/Synapse:{world.project}/discussion/threadId={world.thread}")
    page.get_by_role("heading", name="Are the radii in µm?").wait_for()
    assert world.organiser.ask("GET", path, **query) == before


def test_a_project_without_anything(look, world):
    body = {"concreteType": f"{MODEL}.Project", "name": "Empty"}
    empty = world.organiser.ask("POST", "/entity", body)["id"]
    page = look()
    for tab in ("", "/files", "/tables", "/challenge", "/discussion", "/docker"):
        assert page.goto(f"/Synapse:{empty}{tab}").status == 200
        assert page.locator(".empty").first.inner_text()


def test_a_team_has_members(look, world):
    page = look("john")
    page.goto("/teams?named=curie")
    page.get_by_role("link", name="Curie Lab").click()
    page.wait_for_url("**/Team:*")
    members = page.get_by_role("region", name="Members").get_by_role("listitem").all_inner_texts()
    assert members == ["marie Marie Curie manager", "irene Irène Joliot-Curie"]
    page.get_by_role("region", name="Challenges").get_by_role("link").click()
    taking_part = page.get_by_role("region", name="Who takes part").inner_text()
    assert "Breast Cancer Participants: 5 participants." in taking_part
    assert "Broad Street" in taking_part


def test_mail_addresses_are_their_owners(look, world):
    for viewer, shown in (("marie", 1), ("john", 0), ("synapse-admin", 1)):
        page = look(viewer)
        page.goto(f"/Profile:{world.marie.id}")
        assert page.get_by_text("marie@example.org").count() == shown


def test_people_are_found_by_name(look):
    page = look()
    page.goto("/people")
    page.get_by_label("Name begins with").fill("Frank")
    page.get_by_role("button", name="Find").click()
    page.wait_for_url("**named=Frank")
    page.locator("tbody tr", has_text="rosalind").wait_for()
    assert page.locator("tbody tr").count() == 1
    page.get_by_label("Name begins with").fill("Nobody is called so")
    page.get_by_role("button", name="Find").click()
    page.get_by_text("Nobody is called so.").wait_for()


def test_a_mailbox(look, world):
    page = look("marie")
    page.get_by_role("link", name="Mail", exact=True).click()
    page.wait_for_url("**/mail/*")
    subjects = page.locator(".mails .subject").all_inner_texts()
    assert subjects[1:3] == ["Submission invalid", "Submission scored"]
    scored = page.locator("details", has_text="Submission scored")
    assert not scored.locator(".body").is_visible()
    scored.locator("summary").click()
    assert "Hello marie," in scored.locator(".body").inner_text()
    html = page.locator("details", has_text="Submission invalid")
    html.locator("summary").click()
    assert html.locator(".body").inner_text() == "Hello marie,\n\ncolumn probability is missing."
    inbox = world.marie.ask("GET", "/message/inbox", inboxFilter="UNREAD")["results"]
    assert len(inbox) == len(subjects), "looking marks nothing as read"


def test_sent_mail(look, world):
    page = look("challenge-service")
    page.goto(f"/mail/{world.organiser.id}")
    page.get_by_role("link", name="Sent").click()
    page.wait_for_url("**box=sent")
    summary = page.locator(".mails summary").first
    assert "Submission invalid" in summary.inner_text()
    assert "to marie" in summary.inner_text()


def test_a_mailbox_is_seen_by_its_owner(look, world):
    page = look("challenge-service")
    page.goto(f"/mail/{world.rosalind.id}")
    assert "this page is seen by rosalind, not by challenge-service" in page.locator(".notice").inner_text()
    assert "Hello rosalind," in page.locator(".mails").inner_text()
    page.get_by_role("button", name="Look at everything as rosalind").click()
    page.locator("details.viewer strong", has_text="rosalind").wait_for()
    assert page.locator(".notice").count() == 0


def test_an_empty_mailbox(look):
    page = look("stranger")
    page.goto("/mail")
    assert page.locator(".empty").inner_text() == "No mail."


def test_a_mailbox_of_nobody_is_none(world):
    assert httpx.get(f"{world.server.url}/mail/999", timeout=30).status_code == 404


MODEL = "org.sagebionetworks.repo.model"
