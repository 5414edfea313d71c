"""Each operator alone, in a DAG of somebody else's (``dags/somebodys_dags.py``)."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_synapse_challenge.synapse import acls, annotation_stores, entities, statuses


def test_download_annotate_and_set_status(run, submit, client, tmp_path):
    submission = submit("id,probability\n1,0.5\n")
    found = run("submissions", submission_id=submission, folder=str(tmp_path / "in"))
    assert {task["state"] for task in found.values()} == {"success"}
    assert Path(found["download"]["xcom"]["path"]).read_text() == "id,probability\n1,0.5\n"
    status = client.send(statuses.get(submission))
    assert status.status == "ACCEPTED"
    assert annotation_stores.read(status) == {"auc": 0.5, "hidden": "x"}
    assert annotation_stores.private_keys(status) == {"hidden"}


def test_a_status_that_does_not_exist_fails_without_another_try(run, submit, client):
    submission = submit("x")
    found = run("wrong_status", submission_id=submission)
    assert found["status"]["state"] == "failed"
    assert client.send(statuses.get(submission)).status == "RECEIVED"


def test_folder_permissions_upload_and_message(run, project, client, synapse, tmp_path):
    reader = synapse.create_user("reader").principal_id
    (tmp_path / "log.txt").write_text("all is well")
    found = run("files", parent=project, principal_id=str(reader), path=str(tmp_path / "log.txt"))
    assert {task["state"] for task in found.values()} == {"success"}
    folder = found["folder"]["xcom"]
    assert found["again"]["xcom"] == folder
    acl = client.send(acls.of_entity(folder))
    assert {row.principal_id: set(row.access_type) for row in acl.resource_access}[reader] == {"READ", "DOWNLOAD"}
    assert client.send(entities.get(found["upload"]["xcom"]["id"])).parent_id == folder
    (mail,) = synapse.mailbox(reader)
    assert (mail["subject"], mail["body"]) == ("Done", "Look into Results.")


@pytest.mark.docker
def test_evaluation_container(run, tmp_path):
    (tmp_path / "in.txt").write_text("7")
    found = run("container", path=str(tmp_path / "in.txt"))
    assert found["evaluate"]["state"] == "success"
    assert found["evaluate"]["xcom"]["results"] == {"results.json": {"twice": 14}}
