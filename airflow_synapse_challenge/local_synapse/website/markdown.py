"""
Markdown of strangers as HTML.

Synapse's own additions are known: ``${widget?parameter=value}``, addresses such as ``#!Synapse:syn123``, ids that stand
in a text. HTML in a text counts for its words alone, and nothing is loaded from elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

#: What is longer is cut: nobody reads it, and somebody waits for it.
MOST_CHARACTERS = 300_000
WIDGET = re.compile(r"\$\{([A-Za-z][\w-]{0,60})(?:\?([^}\n]{0,4000}))?\}")
SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*):")
UNSEEN = re.compile(r"[\x00-\x20\x7f]")
GOOD_SCHEMES = ("http", "https", "mailto", "ftp")
#: An address within the portal; those of maps of people lead to the team.
WITHIN = re.compile(r"/?#!(Synapse|Team|Profile|Map):(.*)", re.IGNORECASE)
KINDS = {"synapse": "Synapse", "team": "Team", "profile": "Profile", "map": "Team"}
ENTITY = re.compile(r"\b(syn\d{3,15})(\.\d{1,9})?\b", re.IGNORECASE)
LINE_BREAK = re.compile(r"</?br\s*/?>", re.IGNORECASE)
NOT_IN_ANCHORS = re.compile(r"[^\w]+")


@dataclass(frozen=True)
class Widget:
    """
    A widget in a text.

    :param alone: it stands in a paragraph of its own, not in a line of text.
    :param headings: of the text, as (level, anchor, words).
    """

    kind: str
    parameters: dict[str, str]
    alone: bool
    headings: tuple[tuple[int, str, str], ...] = ()


#: Draws a widget.
Draw = Callable[[Widget], Markup]


def rendered(text: str, draw: Draw, level: int = 2) -> Markup:
    """
    Return a text as HTML.

    :param draw: what its widgets become.
    :param level: of its largest headings.
    """
    cut = text[:MOST_CHARACTERS]
    made = _renderer().render(cut, {"draw": draw, "level": level, "headings": []})
    if len(text) > MOST_CHARACTERS:
        made += '<p class="soft">The text goes on; this page shows its beginning.</p>'
    return Markup(made)  # noqa: S704  everything in it has been escaped


@cache
def _renderer() -> MarkdownIt:
    # Only now: a server that nobody looks at need not read them.
    from markdown_it import MarkdownIt

    made = MarkdownIt("commonmark", {"html": True, "linkify": True, "maxNesting": 30})
    made.enable(["table", "strikethrough", "linkify"])
    assert made.linkify is not None
    # A name such as notes.md is no address.
    made.linkify.set({"fuzzy_link": False, "fuzzy_email": False})
    made.validateLink = is_good_address  # type: ignore[method-assign,assignment]
    made.inline.ruler.before("escape", "widget", _widget)
    for rule in (_headings, _paragraphs, _links, _ids, _alignments):
        made.core.ruler.push(rule.__name__, rule)
    rules: dict[str, Any] = {
        "widget": _draw,
        "image": _picture_elsewhere,
        "html_inline": _html_inline,
        "html_block": _html_block,
        "table_open": lambda *_: '<div class="scroll" role="group" aria-label="Table" tabindex="0"><table>',
        "table_close": lambda *_: "</table></div>",
    }
    for name, draw in rules.items():
        made.add_render_rule(name, _rule(draw))
    return made


def _rule(draw: Callable[[Token, Any], str]) -> Callable[..., str]:
    """Return a rule of the renderer that looks at one token only."""

    def rule(renderer: Any, tokens: list[Token], at: int, options: Any, env: Any) -> str:
        return draw(tokens[at], env)

    return rule


def is_good_address(address: str) -> bool:
    """Tell whether a link may lead somewhere: within this site, or by a scheme that runs nothing."""
    # Browsers do not see these characters in an address.
    scheme = SCHEME.match(UNSEEN.sub("", address))
    return scheme is None or scheme[1].lower() in GOOD_SCHEMES


def within(address: str) -> str:
    """Return where an address within Synapse's portal is on this site; other addresses stay."""
    found = WITHIN.fullmatch(address)
    return f"/{KINDS[found[1].lower()]}:{found[2]}" if found else address


def words_of(html: str) -> str:
    """Return the words of HTML, with line breaks where it has them."""
    reader = _Words()
    reader.feed(html)
    reader.close()
    return re.sub(r"\n{3,}", "\n\n", "".join(reader.words)).strip()


class _Words(HTMLParser):
    SILENT = ("script", "style", "template", "title")
    BREAKING = ("br", "p", "div", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "hr")

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._silent += tag in self.SILENT
        if tag in self.BREAKING:
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in self.SILENT))
        if tag in self.BREAKING and tag != "br":
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data)


def _widget(state: StateInline, silent: bool) -> bool:
    found = WIDGET.match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        token = state.push("widget", "", 0)
        token.meta = {"kind": found[1], "parameters": dict(parse_qsl(found[2] or "", keep_blank_values=True))}
    state.pos = found.end()
    return True


def _headings(state: StateCore) -> None:
    """Give headings anchors, and levels that follow each other below those of the page."""
    opened = [at for at, token in enumerate(state.tokens) if token.type == "heading_open"]
    levels = sorted({state.tokens[at].tag for at in opened})
    taken: set[str] = set()
    for at in opened:
        level = min(6, state.env["level"] + levels.index(state.tokens[at].tag))
        words = _words(state.tokens[at + 1])
        anchor = NOT_IN_ANCHORS.sub("-", words.lower()).strip("-") or "part"
        while anchor in taken:
            anchor += "-"
        taken.add(anchor)
        closed = next(token for token in state.tokens[at:] if token.type == "heading_close")
        state.tokens[at].tag = closed.tag = f"h{level}"
        state.tokens[at].attrSet("id", f"text-{anchor}")
        state.env["headings"].append((level, f"text-{anchor}", words))


def _words(inline: Token) -> str:
    return "".join(child.content for child in inline.children or [] if child.type in ("text", "code_inline")).strip()


def _paragraphs(state: StateCore) -> None:
    """Take widgets that stand alone out of their paragraphs: a table has no place in one."""
    for at, token in enumerate(state.tokens):
        children = token.children or []
        if token.type != "inline" or state.tokens[at - 1].type != "paragraph_open":
            continue
        rest = [child for child in children if child.type not in ("widget", "softbreak") and child.content.strip()]
        if rest or not any(child.type == "widget" for child in children):
            continue
        state.tokens[at - 1].hidden = state.tokens[at + 1].hidden = True
        for child in children:
            child.meta["alone"] = True


def _links(state: StateCore) -> None:
    for token in _inner(state.tokens):
        if token.type == "link_open":
            address = within(str(token.attrGet("href") or ""))
            token.attrSet("href", address)
            if SCHEME.match(address) or address.startswith("//"):
                token.attrSet("rel", "noreferrer noopener nofollow")
                token.attrSet("class", "elsewhere")


def _alignments(state: StateCore) -> None:
    """Say by class how the cells of a table are aligned: pages take no styles but those of this site."""
    for token in state.tokens:
        if token.type in ("th_open", "td_open") and "style" in token.attrs:
            side = str(token.attrs.pop("style")).rpartition(":")[2]
            token.attrSet("class", f"aligned-{side}")


def _inner(tokens: list[Token]) -> list[Token]:
    return [child for token in tokens for child in token.children or []]


def _ids(state: StateCore) -> None:
    """Make links of the ids of entities that stand in the text."""
    for token in state.tokens:
        depth, made = 0, []
        for child in token.children or []:
            depth += {"link_open": 1, "link_close": -1}.get(child.type, 0)
            made += [child] if depth or child.type != "text" else _with_links(child)
        if token.children:
            token.children = made


def _with_links(text: Token) -> list[Token]:
    from markdown_it.token import Token

    parts, end = [], 0
    for found in ENTITY.finditer(text.content):
        before, opened = Token("text", "", 0), Token("link_open", "a", 1)
        before.content = text.content[end : found.start()]
        opened.attrSet("href", f"/Synapse:{found[0]}")
        name = Token("text", "", 0)
        name.content = found[0]
        parts += [before, opened, name, Token("link_close", "a", -1)]
        end = found.end()
    if not parts:
        return [text]
    text.content = text.content[end:]
    return [*parts, text]


def _draw(token: Token, env: MutableMapping[str, Any]) -> str:
    draw: Draw = env["draw"]
    meta = token.meta
    return str(draw(Widget(meta["kind"], meta["parameters"], meta.get("alone", False), tuple(env["headings"]))))


def _picture_elsewhere(token: Token, env: MutableMapping[str, Any]) -> str:
    address = str(token.attrGet("src") or "")
    form = Markup('<a class="elsewhere" rel="noreferrer noopener nofollow" href="{}">picture: {}</a>')
    return form.format(within(address), token.content or address)


def _html_inline(token: Token, env: MutableMapping[str, Any]) -> str:
    return "<br>" if LINE_BREAK.fullmatch(token.content.strip()) else ""


def _html_block(token: Token, env: MutableMapping[str, Any]) -> str:
    lines = [line.strip() for line in words_of(token.content).splitlines() if line.strip()]
    return f"<p>{'<br>'.join(str(escape(line)) for line in lines)}</p>\n" if lines else ""
