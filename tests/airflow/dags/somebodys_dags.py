"""DAGs as people write them with this provider's operators."""

from __future__ import annotations

from airflow.sdk import DAG, Param, chain

from airflow_synapse_challenge.operators.containers import EvaluationContainerOperator
from airflow_synapse_challenge.operators.files import (
    SynapseEnsureFolderOperator,
    SynapseSetPermissionsOperator,
    SynapseUploadFileOperator,
)
from airflow_synapse_challenge.operators.messages import SynapseSendMessageOperator
from airflow_synapse_challenge.operators.submissions import (
    SynapseAnnotateSubmissionOperator,
    SynapseDownloadSubmissionOperator,
    SynapseSetSubmissionStatusOperator,
)

SUBMISSION = "{{ params.submission_id }}"
FOLDER = "{{ ti.xcom_pull(task_ids='folder') }}"
TWICE = "import json; json.dump({'twice': 2 * int(open('/input/in.txt').read())}, open('/output/results.json', 'w'))"


def text(*names: str) -> dict[str, Param]:
    """Declare parameters."""
    return {name: Param("", type="string") for name in names}


with DAG("submissions", schedule=None, params=text("submission_id", "folder")):
    chain(
        SynapseDownloadSubmissionOperator(task_id="download", submission_id=SUBMISSION, folder="{{ params.folder }}"),
        SynapseAnnotateSubmissionOperator(
            task_id="annotate", submission_id=SUBMISSION, public={"auc": 0.5}, private={"hidden": "x"}
        ),
        SynapseSetSubmissionStatusOperator(
            task_id="status", submission_id=SUBMISSION, status="ACCEPTED", expected="RECEIVED"
        ),
    )

with DAG("wrong_status", schedule=None, params=text("submission_id")):
    SynapseSetSubmissionStatusOperator(task_id="status", submission_id=SUBMISSION, status="GREAT", retries=3)

with DAG("files", schedule=None, params=text("parent", "principal_id", "path")):
    chain(
        SynapseEnsureFolderOperator(task_id="folder", parent="{{ params.parent }}", name="Results"),
        SynapseEnsureFolderOperator(task_id="again", parent="{{ params.parent }}", name="Results"),
        SynapseSetPermissionsOperator(
            task_id="share", entity_id=FOLDER, principal_id="{{ params.principal_id }}", level="download"
        ),
        SynapseUploadFileOperator(task_id="upload", path="{{ params.path }}", parent=FOLDER),
        SynapseSendMessageOperator(
            task_id="mail", recipients=["{{ params.principal_id }}"], subject="Done", body="Look into Results."
        ),
    )

with DAG("container", schedule=None, params=text("path")):
    EvaluationContainerOperator(
        task_id="evaluate",
        image="airflow-synapse-challenge/evaluation:latest",
        command=["python3", "-c", TWICE],
        inputs={"/input/in.txt": "{{ params.path }}"},
        memory_bytes=256 * 1024**2,
    )
