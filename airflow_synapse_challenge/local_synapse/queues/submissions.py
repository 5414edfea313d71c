"""Submissions: handing in, reading, removing (sections S and L of the rules)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import get_args

from starlette.responses import Response

from airflow_synapse_challenge.local_synapse.content import entities, entity_access
from airflow_synapse_challenge.local_synapse.content.annotation_rules import without_private
from airflow_synapse_challenge.local_synapse.core.errors import Invalid, Missing, require
from airflow_synapse_challenge.local_synapse.core.http import Context, Redirect, as_id, operation
from airflow_synapse_challenge.local_synapse.core.store import Json, Store, dump, load, new_etag, tables
from airflow_synapse_challenge.local_synapse.docker import commits
from airflow_synapse_challenge.local_synapse.files import handles
from airflow_synapse_challenge.local_synapse.people import messages

from . import changes, eligibility, evaluations, rounds, shapes

#: What was submitted is large and never changes, so it lies apart from what is read and written all the time.
tables(
    """
    CREATE TABLE IF NOT EXISTS submission (
        id INTEGER PRIMARY KEY, evaluation INTEGER NOT NULL, user INTEGER NOT NULL, team INTEGER,
        entity INTEGER NOT NULL, version INTEGER NOT NULL, round INTEGER, created_on TEXT NOT NULL,
        status TEXT NOT NULL, status_etag TEXT NOT NULL, status_version INTEGER NOT NULL, status_doc TEXT NOT NULL,
        files TEXT NOT NULL, doc TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS submission_all ON submission (evaluation, id);
    CREATE INDEX IF NOT EXISTS submission_queue ON submission (evaluation, status, id);
    CREATE INDEX IF NOT EXISTS submission_user ON submission (user, evaluation, id);
    CREATE INDEX IF NOT EXISTS submission_team ON submission (team, evaluation, created_on) WHERE team IS NOT NULL;
    CREATE INDEX IF NOT EXISTS submission_round ON submission (round) WHERE round IS NOT NULL;
    CREATE TABLE IF NOT EXISTS entity_bundle (submission INTEGER PRIMARY KEY, text TEXT NOT NULL);
    CREATE TRIGGER IF NOT EXISTS submission_removed AFTER DELETE ON submission BEGIN
        DELETE FROM entity_bundle WHERE submission = OLD.id;
        DELETE FROM contributor WHERE submission = OLD.id;
    END;
    """
)

STATUSES = get_args(shapes.Status)
NEITHER = "Submission is neither a valid Team or Individual Submission."
CHALLENGE_ADDRESS = "https://www.synapse.org/#!Synapse:"


def row_of(store: Store, submission: int) -> sqlite3.Row:
    """Return a submission's row (L-01)."""
    row = store.one("SELECT * FROM submission WHERE id = ?", submission)
    if row is None:
        raise Missing(f"Submission '{submission}' does not exist")
    return row


def rows_of_scope(store: Store, scope: Iterable[int]) -> Iterable[sqlite3.Row]:
    """
    Yield the submissions to some evaluations, in the order of their ids, as a submission view shows them.

    Each is a row of ``submission`` with the ``project`` of its evaluation.
    """
    return store.connection.execute(
        "SELECT submission.*, evaluation.project AS project FROM submission "
        "JOIN evaluation ON evaluation.id = submission.evaluation "
        "WHERE submission.evaluation IN (SELECT value FROM json_each(?)) ORDER BY submission.id",
        (json.dumps(sorted(scope)),),
    )


def show(row: sqlite3.Row) -> Json:
    """Return a submission as Synapse shows it, but for the entity as it was (see :func:`as_json`)."""
    return load(row["doc"])


def as_json(row: sqlite3.Row) -> str:
    """Return the JSON of a submission; the row has a ``bundle``, which nobody needs to parse."""
    return f'{row["doc"][:-1]},"entityBundleJSON":{row["bundle"]}}}'


def show_status(row: sqlite3.Row, *, private: bool) -> Json:
    """Return a status as Synapse shows it: private parts only to those who may read them (L-02, L-03)."""
    shown = {
        **load(row["status_doc"]),
        "id": str(row["id"]),
        "etag": row["status_etag"],
        "status": row["status"],
        "statusVersion": row["status_version"],
        "entityId": f"syn{row['entity']}",
        "versionNumber": row["version"],
    }
    if "submissionAnnotations" in shown:
        shown["submissionAnnotations"] = {
            "id": str(row["id"]),
            "etag": row["status_etag"],
            "annotations": shown["submissionAnnotations"],
        }
    if not private:
        shown.pop("submissionAnnotations", None)
        if "annotations" in shown:
            shown["annotations"] = without_private(shown["annotations"])
    return shown


@operation("POST", "/repo/v1/evaluation/submission", 201, body=shapes.Submission, scopes=("view", "modify"))
def post_submission(context: Context) -> Json:
    """Hand in an entity; the checks come in Synapse's order (S-01)."""
    store, body, user = context.store, context.body, context.user
    for name in ("entityId", "evaluationId"):
        require(body.get(name), name)
    if "versionNumber" not in body:
        raise Invalid("Entity Version is required.")
    entity, version, evaluation = as_id(body["entityId"]), body["versionNumber"], as_id(body["evaluationId"])
    entities.require(store, entity, user, "READ")
    shown = entities.version_of(store, entity, version)
    bundle = _frozen_bundle(store, entity, user, version)
    if "evaluationRoundId" in body:
        raise Invalid("Please do not specify any evaluationRoundId. It will be automatically generated by the backend.")
    evaluations.require_submission_access(store, evaluation, user, "SUBMIT")
    if context.query.get("etag") != entities.row_of(store, entity)["etag"]:
        raise Invalid(f"The supplied eTag is out of date. Please fetch Entity syn{entity} again.")
    docker = _docker(store, entity, shown, body)
    who = _contributors(context, evaluation)
    current = rounds.current(store, evaluation)
    now = store.timestamp()
    doc = {
        "id": str(store.next_id("submission")),
        "userId": str(user),
        "submitterAlias": body.get("submitterAlias"),
        "evaluationId": str(evaluation),
        "evaluationRoundId": str(current["id"]) if current else None,
        "entityId": f"syn{entity}",
        "versionNumber": version,
        "name": body.get("name") or shown["name"],
        "createdOn": now,
        "teamId": str(as_id(body["teamId"])) if "teamId" in body else None,
        "contributors": [{"principalId": str(principal), "createdOn": now} for principal in sorted(who)],
        **docker,
    }
    doc = {name: value for name, value in doc.items() if value is not None}
    _keep(store, doc, bundle)
    challenge = f"{context.query.get('challengeEndpoint') or CHALLENGE_ADDRESS}syn{_project(store, evaluation)}"
    _tell_team(store, user, who, doc, challenge)
    return doc | {"entityBundleJSON": json.dumps(bundle)}


def _project(store: Store, evaluation: int) -> int:
    return int(evaluations.row_of(store, evaluation)["project"])


def _frozen_bundle(store: Store, entity: int, user: int, version: int) -> Json:
    """The entity as it is now, kept for ever (S-03)."""
    wish = {"includeEntity": True, "includeAnnotations": True, "includeFileHandles": True}
    bundle = entity_access.bundle_of(store, entity, user, wish, version)
    return {"fileHandles": [], **bundle}


def _docker(store: Store, entity: int, shown: Json, body: Json) -> Json:
    if not shown["concreteType"].endswith(".DockerRepository"):
        return {}
    digest = body.get("dockerDigest")
    if not digest:
        raise Invalid("Submission must provide a Docker digest.")
    if not commits.has_digest(store, entity, digest):
        raise Invalid(f"The given Docker Repository, syn{entity}, does not have digest {digest}")
    return {"dockerDigest": digest, "dockerRepositoryName": shown.get("repositoryName")}


def _contributors(context: Context, evaluation: int) -> set[int]:
    """Check who submits and may they: a team with its state, or one user (S-06)."""
    store, body, user = context.store, context.body, context.user
    who = {as_id(item.get("principalId")) for item in body.get("contributors", [])} | {user}
    state = context.query.get("submissionEligibilityHash")
    if "teamId" in body and state:
        eligibility.check_team(store, evaluation, as_id(body["teamId"]), who, state)
    elif "teamId" not in body and not state and who == {user}:
        eligibility.check_individual(store, evaluation, user)
    else:
        raise Invalid(NEITHER)
    return who


def _tell_team(store: Store, user: int, who: set[int], doc: Json, challenge: str) -> None:
    """Team mates hear of a submission, all but the one who made it (S-10)."""
    others = sorted(who - {user})
    if not others:
        return
    text = f"Your team has submitted {doc['name']} ({doc['entityId']}) to the challenge at {challenge}."
    messages.deliver_text(store, user, others, "Team Challenge Submission", text)


def _keep(store: Store, doc: Json, bundle: Json) -> None:
    """Store a submission with its status (S-07)."""
    identity, evaluation, now = int(doc["id"]), int(doc["evaluationId"]), doc["createdOn"]
    team = int(doc["teamId"]) if "teamId" in doc else None
    store.run(
        "INSERT INTO submission (id, evaluation, user, team, entity, version, round, created_on, status, status_etag, "
        "status_version, status_doc, files, doc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'RECEIVED', ?, 0, ?, ?, ?)",
        identity,
        evaluation,
        int(doc["userId"]),
        team,
        as_id(doc["entityId"]),
        doc["versionNumber"],
        int(doc["evaluationRoundId"]) if "evaluationRoundId" in doc else None,
        now,
        new_etag(),
        dump({"modifiedOn": now}),
        dump([handle["id"] for handle in bundle["fileHandles"]]),
        dump(doc),
    )
    store.run("INSERT INTO entity_bundle VALUES (?, ?)", identity, json.dumps(json.dumps(bundle)))
    who = [int(entry["principalId"]) for entry in doc["contributors"]]
    eligibility.add_contributors(store, identity, who, evaluation=evaluation, team=team, created_on=now)
    changes.record(store, evaluation, [identity])


@operation("GET", "/repo/v1/evaluation/submission/{id}")
def get_submission(context: Context) -> Response:
    """Read a submission; its own submitter may not without READ_PRIVATE_SUBMISSION (L-01)."""
    row = row_of(context.store, context.number("id"))
    evaluations.require_submission_access(context.store, row["evaluation"], context.user, "READ_PRIVATE_SUBMISSION")
    (whole,) = context.store.all(
        "SELECT doc, text AS bundle FROM submission JOIN entity_bundle ON submission = id WHERE id = ?", row["id"]
    )
    return Response(as_json(whole), media_type="application/json")


@operation("DELETE", "/repo/v1/evaluation/submission/{id}", 204)
def delete_submission(context: Context) -> None:
    """Remove a submission with its status (L-08)."""
    row = row_of(context.store, context.number("id"))
    evaluations.require_submission_access(context.store, row["evaluation"], context.user, "DELETE_SUBMISSION")
    context.store.run("DELETE FROM submission WHERE id = ?", row["id"])
    changes.record(context.store, row["evaluation"], [row["id"]])


@operation("GET", "/repo/v1/evaluation/submission/{id}/file/{handle}", scopes=("download",))
def get_file(context: Context) -> Redirect:
    """Find a submitted file (L-09)."""
    row, handle = row_of(context.store, context.number("id")), context.number("handle")
    evaluations.require_submission_access(context.store, row["evaluation"], context.user, "READ_PRIVATE_SUBMISSION")
    if str(handle) not in json.loads(row["files"]):
        raise Missing(f"Submission {row['id']} does not contain the requested FileHandle {handle}")
    return Redirect(handles.download_url(context.store, context.base, handle))
