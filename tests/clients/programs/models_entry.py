"""A participant looks around with the models, submits alone and, with the older call that can, as a team."""

import json
import sys
from pathlib import Path

import synapseclient
from synapseclient.core.exceptions import SynapseHTTPError
from synapseclient.models import Evaluation, File, Folder, Project, Submission, SubmissionStatus, Team
from synapseclient.operations import DownloadListItem, download_list_add, download_list_files

given = json.loads(sys.argv[1])
synapse = synapseclient.login(silent=True)

download_list_add([DownloadListItem(file_entity_id=given["file"], version_number=1)])
download_list_files(download_location="cart")
site = Project(id=given["project"]).sync_from_synapse(path="site")
try:
    Folder(id=given["secret"]).get()
    locked = "open"
except SynapseHTTPError as refusal:
    locked = refusal.response.status_code

home = Project(name=given["home"]).store()
Path("predictions.csv").write_text("id,p\n1,0.75\n")
file = File(path="predictions.csv", parent_id=home.id).store()
available = [one.id for one in Evaluation.get_available_evaluations(evaluation_ids=[given["queue"]])]
alone = Submission(evaluation_id=given["queue"], entity_id=file.id, name="Alone").store()
wrong = Submission(evaluation_id=given["queue"], entity_id=file.id, name="By mistake").store()
try:
    wrong.cancel()
    cancelling = "done"
except SynapseHTTPError as refusal:
    cancelling = refusal.response.status_code
team = Team(name=given["team"], can_public_join=True).create()
together = synapse.submit(given["team_queue"], file.id, name="Together", team=given["team"], silent=True)

print(
    "\nRESULT",
    json.dumps(
        {
            "cart": Path("cart/training.csv").read_text(),
            "site": sorted(str(path.relative_to("site")) for path in Path("site").rglob("*.csv")),
            "files": sorted(one.name for folder in site.folders for one in folder.files),
            "locked": locked,
            "available": available,
            "alone": alone.id,
            "wrong": wrong.id,
            "together": together["id"],
            "team": str(team.id),
            "mine": [one.name for one in Submission.get_user_submissions(evaluation_id=given["queue"])],
            "cancelling": cancelling,
            "cancellable": SubmissionStatus(id=wrong.id).get().can_cancel,
        }
    ),
)
