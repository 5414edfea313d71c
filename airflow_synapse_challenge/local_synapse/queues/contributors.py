"""Contributors that are added to a submission afterwards (S-12)."""

from __future__ import annotations

from airflow_synapse_challenge.local_synapse.core.errors import Gone, Invalid, NotAllowed, require
from airflow_synapse_challenge.local_synapse.core.http import Context, as_id, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, as_text, dump, load
from airflow_synapse_challenge.local_synapse.people import access

from . import shapes
from .eligibility import add_contributors
from .submissions import row_of


@operation("POST", "/repo/v1/evaluation/submission/{id}/contributor", 410, scopes=("view", "modify"))
def removed_service(context: Context) -> None:
    """Synapse removed this service; administrators have another (S-12)."""
    raise Gone("This service has been removed. Contributors are part of the submission.")


@operation(
    "POST",
    "/repo/v1/admin/evaluation/submission/{id}/contributor",
    201,
    body=shapes.SubmissionContributor,
    scopes=("view", "modify"),
)
def post_contributor(context: Context) -> Json:
    """Add somebody to a submission as an administrator (S-12)."""
    store = context.store
    if not access.is_admin(store, context.user):
        raise NotAllowed("Only an administrator may perform this operation.")
    row = row_of(store, context.number("id"))
    require(context.body.get("principalId"), "principalId")
    principal = as_id(context.body["principalId"])
    if not store.one("SELECT 1 FROM principal WHERE id = ? AND kind = 'user'", principal):
        raise Invalid(f"There is no user {principal}.")
    if store.one("SELECT 1 FROM contributor WHERE submission = ? AND principal = ?", row["id"], principal):
        raise Invalid(f"User {principal} is already a contributor to submission {row['id']}.")
    created_on = as_text(context.body.get("createdOn", store.now()))
    add_contributors(
        store, row["id"], [principal], evaluation=row["evaluation"], team=row["team"], created_on=row["created_on"]
    )
    made = {"principalId": str(principal), "createdOn": created_on}
    doc = load(row["doc"])
    doc["contributors"].append(made)
    store.run("UPDATE submission SET doc = ? WHERE id = ?", dump(doc), row["id"])
    return made
