"""Digital object identifiers: nothing here has one, since none can be made."""

from __future__ import annotations

from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, require
from airflow_synapse_challenge.local_synapse.core.http import Context, operation

OBJECT_TYPES = ("ENTITY", "PORTAL_RESOURCE")


@operation("GET", "/repo/v1/doi/association")
def get_association(context: Context) -> None:
    """Find the identifier of an object."""
    for name in ("id", "type"):
        require(context.query.get(name), name)
    if context.query["type"] not in OBJECT_TYPES:
        raise Invalid(f"type must be one of {', '.join(OBJECT_TYPES)}")
    context.whole("version", 1)
    raise Missing(f"DOI association does not exist for {context.query['type']} {context.query['id']}.")
