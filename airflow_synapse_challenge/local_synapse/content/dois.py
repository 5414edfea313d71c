"""Digital object identifiers: nothing here has one, since none can be made."""

from __future__ import annotations

from airflow_synapse_challenge.local_synapse.core.errors import Missing
from airflow_synapse_challenge.local_synapse.core.http import Context, operation


@operation("GET", "/repo/v1/doi/association")
def get_association(context: Context) -> None:
    """Find the identifier of an object."""
    raise Missing(f"DOI association does not exist for {context.query.get('type')} {context.query.get('id')}.")
