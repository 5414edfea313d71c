"""The portal's view, to which tools add the challenges that they make, and its table of organizers."""

from __future__ import annotations

from airflow_synapse_challenge.local_synapse.content import entities
from airflow_synapse_challenge.local_synapse.core.store import Store
from airflow_synapse_challenge.local_synapse.tables import columns, table_types

from .requests import next_id
from .site import ADMINISTRATOR

VIEW = 51476218
TEMPLATE = 52941681
TABLE = 52955244
PROJECTS_MASK = 2
#: What the view shows of a challenge beside the default columns: annotations of its project.
ANNOTATIONS = ("Status", "Overview", "Abstract", "Topic", "Series", "Incentives")


def plant(store: Store, project: int) -> None:
    """
    Make the view and the table; the rights on them are those of their projects.

    :param project: where the view lies.
    """
    annotations = [{"name": name, "columnType": "STRING", "maximumSize": 500} for name in ANNOTATIONS]
    with next_id(store, "entity", VIEW):
        table_types.create_view(
            store,
            ADMINISTRATOR,
            table_types.ENTITY_VIEW,
            project,
            "Curated Challenge Projects",
            [],
            mask=PROJECTS_MASK,
            extra=annotations,
        )
    people = [{"name": name, "columnType": "STRING", "maximumSize": 100} for name in ("firstName", "lastName")]
    people += [
        {"name": "affiliation", "columnType": "STRING", "maximumSize": 250},
        {"name": "challengeRole", "columnType": "STRING_LIST", "maximumSize": 50, "maximumListLength": 3},
    ]
    body = {
        "concreteType": table_types.TABLE,
        "name": "Organizing Team",
        "parentId": f"syn{TEMPLATE}",
        "columnIds": [columns.ensure(store, column)["id"] for column in people],
    }
    with next_id(store, "entity", TABLE):
        entities.create(store, ADMINISTRATOR, body)
