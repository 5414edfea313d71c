"""An organiser makes a challenge with the models: project, folders, files, sharing, teams, queue, wiki, view."""

import json
import os
import sys
from pathlib import Path

import synapseclient
from synapseclient.models import (
    Activity,
    Evaluation,
    File,
    Folder,
    Link,
    Project,
    SubmissionView,
    Team,
    UsedEntity,
    UsedURL,
    UserProfile,
    WikiPage,
)

given = json.loads(sys.argv[1])
name = given["name"]
synapseclient.login(silent=True)
participant = UserProfile.from_username(given["participant"])

project = Project(name=name, description="A challenge", annotations={"Status": ["Upcoming"]}).store()
secret = Folder(name="Gold standard", parent_id=project.id).store()
secret.set_permissions(principal_id=UserProfile().get().id, access_type=["READ", "DOWNLOAD", "CHANGE_PERMISSIONS"])
data = Folder(name="Data", parent_id=project.id, annotations={"round": [1]}).store()

path = Path("training.csv")
versions = []
for minute, content in enumerate(("id,x\n1,0\n", "id,x\n1,1\n")):
    path.write_text(content)
    os.utime(path, (2_000_000_000 + 60 * minute,) * 2)  # its seconds are all that synapseclient looks at
    file = File(path=str(path), parent_id=data.id, version_label=f"v{minute}", version_comment="prepared")
    file.activity = Activity(name="Preparation", used=[UsedURL(name="source", url="https://example.org/raw")])
    versions.append(file.store().version_number)
source = File(path=str(path), name="copy.csv", parent_id=data.id).store()
Activity(name="Copying", used=[UsedEntity(target_id=file.id, target_version_number=1)]).store(parent=source)
link = Link(name="Start here", parent_id=project.id, target_id=file.id).store()

project.set_permissions(principal_id=273949, access_type=["READ"])
project.set_permissions(principal_id=273948, access_type=["READ", "DOWNLOAD"])
team = Team(name=f"{name} Team", description="Participants", can_public_join=False).create()
team.invite(user=participant.id, message="Come and join")

queue = Evaluation(
    name=f"{name} Queue",
    description="Predictions",
    content_source=project.id,
    submission_instructions_message="Submit a table.",
    submission_receipt_message="Thank you.",
).store()
queue.update_acl(principal_id=participant.id, access_type=["READ", "SUBMIT"])
queue.description = "Predictions of the first round"
queue.store()

home = WikiPage(owner_id=project.id, title="Home", markdown="# Welcome").store()
WikiPage(owner_id=project.id, title="Rules", markdown="Be fair.", parent_id=home.id).store()
view = SubmissionView(name="Leaderboard", parent_id=project.id, scope_ids=[queue.id]).store()

print(
    "\nRESULT",
    json.dumps(
        {
            "project": project.id,
            "secret": secret.id,
            "data": data.id,
            "file": file.id,
            "copy": source.id,
            "link": link.id,
            "followed": Link(id=link.id).get(file_options=None).id,
            "versions": versions,
            "team": str(team.id),
            "invited": [invitation["inviteeId"] for invitation in team.open_invitations()],
            "queue": str(queue.id),
            "queues": [one.name for one in Evaluation.get_evaluations_by_project(project_id=project.id)],
            "view": view.id,
        }
    ),
)
