"""Whatever a text holds, its HTML holds only what this site puts there."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from airflow_synapse_challenge.local_synapse.website.markdown import is_good_address, rendered, within, words_of

TAGS = {
    "a", "blockquote", "br", "code", "div", "em", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s",
    "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {"aria-label", "class", "href", "id", "rel", "role", "start", "tabindex", "title"}
PIECES = st.sampled_from([
    "<script>", "</script>", "<img src=x onerror=a()>", "<a href='javascript:a()'>", "<style>", "<!--", "-->", "<b",
    ">", "[x](javascript:a())", "[x](", "](", ")", "![", "${image?fileName=", "${toc}", "${", "}", "syn123",
    "#!Synapse:", "javascript:", "data:text/html,", "http://a.b/", "&lt;", "&#106;", "\"", "'", "`", "```\n", "*",
    "_", "~~", "|",
    "\n", "\n\n", "|---|\n", "# ", "> ", "- ", "1. ", "    ", "\t", "\0", "é", "words ",
    " onclick=a() ", "<https://a.b>",
])  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=25).map("".join))


class Seen(HTMLParser):
    """What is in some HTML."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.addresses = set(), set(), []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_comment(self, data):
        self.tags.add("comment")


def draw(widget):
    return Markup("<em>{}</em>").format(f"{widget.kind} {widget.parameters}")


@given(TEXTS)
def test_only_known_tags_and_good_addresses(text):
    seen = Seen(rendered(text, draw))
    assert seen.tags <= TAGS
    assert seen.attributes <= ATTRIBUTES
    assert all(is_good_address(address) for address in seen.addresses)


@given(TEXTS)
def test_words_of_html_are_words(text):
    html = str(Markup("{}").format(words_of(text)))
    assert not Seen(html).tags


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("https://example.org", True),
        ("mailto:ada@example.org", True),
        ("/Synapse:syn1", True),
        ("#there", True),
        ("files/a b.csv", True),
        ("javascript:alert(1)", False),
        (" JavaScript:alert(1)", False),
        ("java\tscript:alert(1)", False),
        ("\x01javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("vbscript:x", False),
        ("file:///etc/passwd", False),
    ],
)
def test_addresses_that_links_may_have(address, good):
    assert is_good_address(address) is good


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("#!Synapse:syn1/wiki/2", "/Synapse:syn1/wiki/2"),
        ("#!synapse:syn1", "/Synapse:syn1"),
        ("/#!Team:3", "/Team:3"),
        ("#!Map:3", "/Team:3"),
        ("#!Profile:4", "/Profile:4"),
        ("#part", "#part"),
        ("https://www.synapse.org/#!Synapse:syn1", "https://www.synapse.org/#!Synapse:syn1"),
    ],
)
def test_addresses_of_synapse_s_own_site_lead_here(address, here):
    assert within(address) == here


def test_headings_follow_each_other():
    html = rendered("#### deep\n\n# top\n\n#### deep", draw, level=3)
    assert [tag for tag in ("<h3", "<h4") if tag in html] == ["<h3", "<h4"]
    assert "<h6" not in html
    assert html.count('id="text-deep"') == 1
