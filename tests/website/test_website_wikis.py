"""Wiki pages: rendered for people, harmless whoever wrote them."""

from __future__ import annotations

import pytest


@pytest.fixture
def start(look, world):
    page = look("marie")
    page.goto(f"/Synapse:{world.project}")
    return page


def test_the_first_page_of_a_project_is_its_wiki(start):
    text = start.locator("article")
    assert text.get_by_role("heading", level=2, name="Who has breast cancer?").count() == 1
    assert text.locator("strong", has_text="Predict from 30 features").count() == 1
    assert text.locator("blockquote").count() == 1


def test_pages_lead_to_each_other(start, world):
    start.locator("article").get_by_role("link", name="How to submit").click()
    start.get_by_role("heading", level=2, name="How to submit").wait_for()
    assert start.url == f"{world.server.url}/Synapse:{world.project}/wiki/{world.wiki['How to submit']}"
    tree = start.get_by_role("navigation", name="Pages of the wiki")
    assert tree.locator("[aria-current=page]").inner_text() == "How to submit"
    assert tree.locator("ul ul a").inner_text() == "What counts"


def test_widgets_say_what_they_are(start, world):
    text = start.locator("article")
    assert text.locator(".widget.done").inner_text().startswith("You are registered")
    assert "5 people take part" in text.inner_text()
    assert text.get_by_role("link", name="Curie Lab").get_attribute("href").startswith("/Team:")
    start.goto(f"/Synapse:{world.project}/wiki/{world.wiki['How to submit']}")
    assert "Submit a prediction" in text.inner_text()
    assert "${" not in text.inner_text()


def test_joining_is_offered_to_who_is_not_in_the_team(look, world):
    page = look("stranger")
    page.goto(f"/Synapse:{world.project}")
    assert page.locator("article .widget").first.inner_text().split("\n") == [
        "Register",
        "joins the team",
        "Breast Cancer Participants",
    ]


def test_attached_pictures_are_shown(look, world):
    page = look("marie")
    page.goto(f"/Synapse:{world.project}/wiki/{world.wiki['Data']}")
    picture = page.get_by_alt_text("Radius against texture")
    picture.wait_for()
    assert picture.evaluate("image => image.complete && image.naturalWidth") > 0


def test_a_picture_is_for_readers_of_its_wiki(look, world):
    page = look("anonymous")
    kept = world.rosalind.find("Rosalind's work")
    world.rosalind.ask("POST", f"/entity/{kept}/wiki", {"markdown": "mine"})
    wiki = world.rosalind.ask("GET", f"/entity/{kept}/wiki")["id"]
    assert page.goto(f"/Synapse:{kept}/wiki/{wiki}/attachment?fileName=x.png").status == 403


def test_headings_make_a_table_of_contents(look, world):
    page = look("marie")
    page.goto(f"/Synapse:{world.project}/wiki/{world.wiki['Data']}")
    page.get_by_role("link", name="Features").click()
    page.wait_for_url("**#text-features")
    assert page.locator(":target").inner_text() == "Features"


def test_ids_and_addresses_in_a_text_are_links(look, world):
    page = look("marie")
    page.goto(f"/Synapse:{world.project}/wiki/{world.wiki['Data']}")
    page.locator("article").get_by_role("link", name=world.training).click()
    page.get_by_role("heading", level=1, name="training.csv").wait_for()


def test_queries_in_a_text_are_tables(look, world):
    page = look("marie")
    page.goto(f"/Synapse:{world.project}/wiki/{world.wiki['Results']}")
    scores, statuses = page.locator("article table").all()
    assert [row.inner_text().split("\t") for row in scores.locator("tbody tr").all()] == [
        ["rosalind", "0.998978", "0.998387"],
        ["Curie Lab", "0.998248", "0.997464"],
        ["john", "0.992407", "0.989595"],
    ]
    assert scores.locator("th").first.inner_text() == "Who"
    assert statuses.locator("tbody tr").count() == 5
    page.get_by_role("link", name="Next →").click()
    page.locator("article tbody tr", has_text=world.submissions["random-forest, 500 trees"]).wait_for()


def test_queries_are_asked_as_who_looks(look, world):
    page = look("anonymous")
    page.goto(f"/Synapse:{world.project}/wiki/{world.wiki['Results']}")
    assert page.get_by_text("0.998978").count() == 0


@pytest.mark.parametrize("place", ["wiki/{hostile_page}", "", "discussion/{hostile_thread}", "mail"])
def test_hostile_words_do_no_harm(look, world, place):
    """Even in a browser that does not heed what the pages forbid."""
    page = look("marie", bypass_csp=True)
    asked, dialogs = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    at = "/mail" if place == "mail" else f"/Synapse:{world.hostile}/{place.format(**vars(world))}"
    page.goto(at)
    page.wait_for_load_state("networkidle")
    for link in page.get_by_text("bait").all():
        link.click(force=True)
    assert page.evaluate("window.harmed") is None
    assert not dialogs
    assert all(url.startswith((world.server.url, "data:")) for url in asked)
    main = page.locator("main")
    assert main.locator("script, iframe, style, object, embed, [style]").count() == 0
    attributes = "all => all.flatMap(one => one.getAttributeNames().filter(name => name.startsWith('on')))"
    assert main.locator("*").evaluate_all(attributes) == []
    addresses = main.locator("a").evaluate_all("all => all.map(link => link.href)")
    assert all(url.startswith(("http://", "https://")) for url in addresses)
    assert "The words stay." in main.inner_text()


def test_names_are_words_and_nothing_else(look, world):
    page = look("marie", bypass_csp=True)
    for path in (f"/Synapse:{world.hostile}", f"/Synapse:{world.hostile}/discussion", "/mail"):
        page.goto(path)
        assert world.hostile_name in page.locator("main").inner_text()
        assert page.evaluate("window.harmed") is None


def test_html_counts_for_its_words(look, world):
    kept = world.rosalind.ask("POST", "/entity", {"concreteType": PROJECT, "name": "Words of HTML"})["id"]
    text = '<div class="row">\n<h2>Welcome</h2>\n<p>to the <b>challenge</b></p>\n</div>\n\nOne<br>two &amp; three'
    world.rosalind.ask("POST", f"/entity/{kept}/wiki", {"markdown": text})
    page = look("rosalind")
    page.goto(f"/Synapse:{kept}")
    words = page.locator("article").inner_text()
    assert "Welcome\nto the challenge" in words
    assert "One\ntwo & three" in words
    assert "<" not in words


def test_long_texts_are_cut(look, world):
    kept = world.rosalind.ask("POST", "/entity", {"concreteType": PROJECT, "name": "A long text"})["id"]
    world.rosalind.ask("POST", f"/entity/{kept}/wiki", {"markdown": "Words *of* a _long_ text.\n\n" * 40_000})
    page = look("rosalind")
    page.goto(f"/Synapse:{kept}")
    assert page.get_by_text("The text goes on; this page shows its beginning.").count() == 1


PROJECT = "org.sagebionetworks.repo.model.Project"
