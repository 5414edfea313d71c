"""An organiser scores with the models: bundles, the files, statuses one by one and in batches, the leaderboard."""

import asyncio
import json
import sys
from pathlib import Path

import synapseclient
from synapseclient.core.download import download_by_file_handle
from synapseclient.core.exceptions import SynapseHTTPError
from synapseclient.models import (
    Column,
    ColumnType,
    Submission,
    SubmissionBundle,
    SubmissionStatus,
    SubmissionView,
    query,
)

given = json.loads(sys.argv[1])
queue, view = given["queue"], given["view"]
synapse = synapseclient.login(silent=True)

bundles = [*SubmissionBundle.get_evaluation_submission_bundles(evaluation_id=queue, status="RECEIVED")]
names = sorted(bundle.submission.name for bundle in bundles)
number = next(bundle.submission.id for bundle in bundles if bundle.submission.name == "Alone")
submission = Submission(id=number).get()
[handle] = [one for one in json.loads(submission.entity_bundle_json)["fileHandles"] if not one.get("isPreview")]
text = Path(
    asyncio.run(
        download_by_file_handle(
            file_handle_id=handle["id"],
            synapse_id=number,
            entity_type="SubmissionAttachment",
            destination=str(Path("predictions.csv").absolute()),
            synapse_client=synapse,
        )
    )
).read_text()

status = SubmissionStatus(id=number).get()
stale = SubmissionStatus(id=number).get()
status.status = "SCORED"
status.submission_annotations = {"auc": [0.75], "rank": [1], "note": ["first"]}
status.annotations = {"secret": 0.1}
status.private_status_annotations = True
status.store()
stale.status = "INVALID"
try:
    stale.store()
    conflict = "none"
except SynapseHTTPError as refusal:
    conflict = refusal.response.status_code

others = [one for one in SubmissionStatus.get_all_submission_statuses(evaluation_id=queue) if one.id != number]
for one in others:
    one.status = "REJECTED"
answer = SubmissionStatus.batch_update_submission_statuses(evaluation_id=queue, statuses=others)

board = SubmissionView(id=view).get()
board.add_column(Column(name="auc", column_type=ColumnType.DOUBLE))
board.store()
leaders = query(f"SELECT id, auc FROM {view} WHERE status = 'SCORED'", download_location=".")

print(
    "\nRESULT",
    json.dumps(
        {
            "names": names,
            "text": text,
            "conflict": conflict,
            "rejected": [one.id for one in others],
            "next": answer.get("nextUploadToken"),
            "count": Submission.get_submission_count(evaluation_id=queue),
            "leaders": Path(leaders).read_text(),
        }
    ),
)
