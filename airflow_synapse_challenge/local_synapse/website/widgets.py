"""
What the widgets of wiki pages become: pictures are shown, queries are tables, people and teams are links.

What would need a click in Synapse's own site, such as joining a team, is shown as what it is; here nothing is changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from markupsafe import Markup

from airflow_synapse_challenge.local_synapse.core.errors import Refused
from airflow_synapse_challenge.local_synapse.core.http import as_id
from airflow_synapse_challenge.local_synapse.core.store import Json
from airflow_synapse_challenge.local_synapse.people import access

from .grids import Grid, queried, queried_before
from .markdown import Draw, Widget, is_good_address, rendered, within
from .visits import Visit

MOST_QUERIES = 6
MOST_ROWS = 50
MOST_MEMBERS = 24
OLDER_QUERY = re.compile(r"\bfrom\s+evaluation_\d+", re.IGNORECASE)
PAGE_SIZES = re.compile(r"\d{1,3}")

Draws = Callable[["Widgets", Widget], Markup]
KINDS: dict[str, Draws] = {}


def drawn_as(*kinds: str) -> Callable[[Draws], Draws]:
    """Register what draws widgets of some kinds."""

    def register(draws: Draws) -> Draws:
        KINDS.update(dict.fromkeys(kinds, draws))
        return draws

    return register


def wiki_html(visit: Visit, text: str, attachments: str = "", level: int = 2) -> Markup:
    """
    Return a text of somebody's as HTML.

    :param attachments: address of the page's attachments, which takes ``fileName``; nothing for texts without any.
    :param level: of the text's largest headings.
    """
    draw: Draw = Widgets(visit, attachments).draw
    return rendered(text, draw, level)


class Widgets:
    """
    Draws the widgets of one text for one viewer.

    :param attachments: address of the page's attachments.
    """

    def __init__(self, visit: Visit, attachments: str) -> None:
        self.visit = visit
        self.attachments = attachments
        self.queries = 0

    def draw(self, widget: Widget) -> Markup:
        """Return a widget as HTML."""
        draws = KINDS.get(widget.kind.lower(), _unknown)
        try:
            return draws(self, widget)
        except Refused as refusal:
            return self.shown("refused", widget, reason=refusal.reason)

    def shown(self, template: str, widget: Widget, **values: Any) -> Markup:
        """Return what a template says of a widget."""
        from .environment import environment

        found = environment().get_template(f"widgets/{template}.html")
        text = found.render(visit=self.visit, widget=widget, given=widget.parameters, **values)
        return Markup(text.strip())  # noqa: S704  templates escape

    def attachment(self, name: str) -> str:
        """Return the address of an attachment."""
        return f"{self.attachments}?fileName={quote(name, safe='')}"


def _unknown(widgets: Widgets, widget: Widget) -> Markup:
    return widgets.shown("placeholder", widget)


@drawn_as("image")
def _image(widgets: Widgets, widget: Widget) -> Markup:
    given = widget.parameters
    name, entity = given.get("fileName", ""), given.get("synapseId", "")
    if entity:
        return widgets.shown("image", widget, source=f"/Synapse:syn{as_id(entity)}/download", name=name or entity)
    if not (name and widgets.attachments):
        return _unknown(widgets, widget)
    return widgets.shown("image", widget, source=widgets.attachment(name), name=name)


@drawn_as("attachment", "previewattachment", "file")
def _attachment(widgets: Widgets, widget: Widget) -> Markup:
    name = widget.parameters.get("fileName", "")
    if not (name and widgets.attachments):
        return _unknown(widgets, widget)
    return widgets.shown("attachment", widget, address=widgets.attachment(name), name=name)


@drawn_as("toc")
def _contents(widgets: Widgets, widget: Widget) -> Markup:
    return widgets.shown("contents", widget)


@drawn_as("jointeam")
def _join(widgets: Widgets, widget: Widget) -> Markup:
    team = widgets.visit.maybe(f"/team/{as_id(widget.parameters.get('teamId'))}")
    joined = team is not None and access.is_member(widgets.visit.store, int(team["id"]), widgets.visit.viewer.id)
    return widgets.shown("join", widget, team=team, joined=joined)


@drawn_as("evalsubmit", "registerchallengeteam")
def _button(widgets: Widgets, widget: Widget) -> Markup:
    return widgets.shown("button", widget)


@drawn_as("buttonlink")
def _link(widgets: Widgets, widget: Widget) -> Markup:
    address = within(widget.parameters.get("url", ""))
    if not is_good_address(address):
        return _unknown(widgets, widget)
    return widgets.shown("link", widget, address=address)


@drawn_as("teammembercount")
def _count(widgets: Widgets, widget: Widget) -> Markup:
    team = as_id(widget.parameters.get("teamId"))
    return widgets.shown("count", widget, count=widgets.visit.get(f"/teamMembers/count/{team}")["count"])


@drawn_as("teammembers")
def _members(widgets: Widgets, widget: Widget) -> Markup:
    team = as_id(widget.parameters.get("teamId"))
    found = widgets.visit.get(f"/teamMembers/{team}", limit=MOST_MEMBERS)["results"]
    return _people(widgets, widget, "Members", [entry["member"]["ownerId"] for entry in found], f"/Team:{team}")


@drawn_as("challengeparticipants")
def _participants(widgets: Widgets, widget: Widget) -> Markup:
    path = f"/challenge/{as_id(widget.parameters.get('challengeId'))}"
    team = widgets.visit.get(path)["participantTeamId"]
    found = widgets.visit.get(f"{path}/participant", limit=MOST_MEMBERS)["results"]
    return _people(widgets, widget, "Participants", found, f"/Team:{team}")


@drawn_as("challengeteams")
def _teams(widgets: Widgets, widget: Widget) -> Markup:
    challenge = as_id(widget.parameters.get("challengeId"))
    found = widgets.visit.get(f"/challenge/{challenge}/challengeTeam", limit=MOST_MEMBERS)["results"]
    return _people(widgets, widget, "Registered teams", [entry["teamId"] for entry in found], "")


def _people(widgets: Widgets, widget: Widget, title: str, principals: list[str], all_of_them: str) -> Markup:
    return widgets.shown("people", widget, title=title, principals=principals, all_of_them=all_of_them)


@drawn_as("badge")
def _badge(widgets: Widgets, widget: Widget) -> Markup:
    return widgets.shown("badge", widget, principal=as_id(widget.parameters.get("principalId")))


@drawn_as("preview", "entitylist", "provenance", "tabtable")
def _entities(widgets: Widgets, widget: Widget) -> Markup:
    given = widget.parameters
    named = " ".join(given.get(name, "") for name in ("entityId", "entityList", "list"))
    ids = list(dict.fromkeys(re.findall(r"syn\d{1,15}", named, re.IGNORECASE)))
    if not ids:
        return _unknown(widgets, widget)
    body: Json = {"references": [{"targetId": identity} for identity in ids[:MOST_ROWS]]}
    return widgets.shown("entities", widget, headers=widgets.visit.post("/entity/header", body)["results"])


@drawn_as("supertable", "leaderboard", "synapsetable", "querytable", "plot")
def _table(widgets: Widgets, widget: Widget) -> Markup:
    query = _query_of(widget.parameters)
    if not query:
        return _unknown(widgets, widget)
    if not widget.alone:
        return widgets.shown("query", widget, query=query)
    widgets.queries += 1
    if widgets.queries > MOST_QUERIES:
        grid = Grid(trouble=f"This page answers the first {MOST_QUERIES} queries of a text.")
        return widgets.shown("table", widget, query=query, grid=grid)
    grid = _grid(widgets, query, widget.parameters.get("pageSize", ""))
    return widgets.shown("table", widget, query=query, grid=grid, names=_names(widget.parameters))


def _query_of(given: dict[str, str]) -> str:
    """Return the query of a widget: itself, or in the address of an operation that runs it."""
    if given.get("query"):
        return given["query"]
    for name in ("path", "uri"):
        found = parse_qs(urlsplit(given.get(name, "")).query).get("query")
        if found:
            return found[0]
    return ""


def _grid(widgets: Widgets, query: str, size: str) -> Grid:
    rows = min(MOST_ROWS, int(size)) if PAGE_SIZES.fullmatch(size) and int(size) else MOST_ROWS
    paging = widgets.visit.paging(f"table{widgets.queries}", rows)
    ask = queried_before if OLDER_QUERY.search(query) else queried
    return ask(widgets.visit, query, paging)


def _names(given: dict[str, str]) -> dict[str, str]:
    """Return what the columns are called: ``columnConfig0=renderer,name,column^column;…``."""
    found: dict[str, str] = {}
    for key, text in given.items():
        renderer, _, rest = text.partition(",")
        name, _, columns = rest.partition(",")
        if key.startswith("columnConfig") and name and renderer:
            found.update(dict.fromkeys(columns.partition(";")[0].split("^"), name))
    return found
