"""The view of the challenge portal, to which tools add the challenges that they make."""

from __future__ import annotations

from pathlib import Path

from airflow_synapse_challenge.local_synapse.core.store import Store

from .requests import next_id
from .site import ADMINISTRATOR, Site

VIEW = 51476218
VIEW_TYPE = "org.sagebionetworks.repo.model.table.EntityView"
PROJECTS_MASK = 2
#: What the portal shows of a challenge beside the default columns: annotations of its project.
ANNOTATIONS = ("Status", "Overview", "Abstract", "Topic", "Series", "Incentives")


def plant(store: Store) -> None:
    """Make the view; the rights on it are those of its project."""
    site = Site(store, Path())
    names = [{"name": name, "columnType": "STRING", "maximumSize": 500} for name in ANNOTATIONS]
    defaults = site.request(
        ADMINISTRATOR,
        "GET",
        "/repo/v1/column/tableview/defaults",
        viewEntityType="entityview",
        viewTypeMask=str(PROJECTS_MASK),
    )
    columns = site.request(ADMINISTRATOR, "POST", "/repo/v1/column/batch", {"list": [*defaults["list"], *names]})
    body = {
        "concreteType": VIEW_TYPE,
        "name": "Curated Challenge Projects",
        "parentId": site.entity("Challenge Portal"),
        "viewTypeMask": PROJECTS_MASK,
        "scopeIds": [],
        "columnIds": [column["id"] for column in columns["list"]],
    }
    with next_id(store, "entity", VIEW):
        site.request(ADMINISTRATOR, "POST", "/repo/v1/entity", body)
