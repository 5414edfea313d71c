"""A challenge with the asynchronous models, all at once where one thing does not wait for another."""

import asyncio
import json
import sys
from pathlib import Path

import synapseclient
from synapseclient.models import (
    Activity,
    Column,
    ColumnType,
    Evaluation,
    File,
    Folder,
    Project,
    Submission,
    SubmissionBundle,
    SubmissionStatus,
    SubmissionView,
    Team,
    UsedEntity,
    UserProfile,
    WikiHeader,
    WikiPage,
    query_async,
)
from synapseclient.operations import get_async

given = json.loads(sys.argv[1])
name = given["name"]
SUBMISSIONS = 12


async def site():
    """Make the project, its queue and all that belongs to them."""
    project = await Project(name=name).store_async()
    folder, team, queue, home = await asyncio.gather(
        Folder(name="Entries", parent_id=project.id).store_async(),
        Team(name=f"{name} Team", can_public_join=True).create_async(),
        Evaluation(
            name=f"{name} Queue",
            description="Entries",
            content_source=project.id,
            submission_instructions_message="Submit.",
            submission_receipt_message="Thanks.",
        ).store_async(),
        WikiPage(owner_id=project.id, title="Home", markdown="# Hello").store_async(),
    )
    await asyncio.gather(
        project.set_permissions_async(principal_id=273949, access_type=["READ"]),
        queue.update_acl_async(principal_id=team.id, access_type=["READ", "SUBMIT"]),
        *(
            WikiPage(owner_id=project.id, title=title, markdown=title, parent_id=home.id).store_async()
            for title in ("Data", "Rules")
        ),
    )
    return project, folder, team, queue


async def enter(folder, queue, number):
    """Store a file of its own, with provenance, and submit it."""
    file = await File(path=f"entry-{number}.csv", parent_id=folder.id, annotations={"number": [number]}).store_async()
    await Activity(name="Training", used=[UsedEntity(target_id=folder.id)]).store_async(parent=file)
    return await Submission(evaluation_id=queue.id, entity_id=file.id, name=f"Entry {number}").store_async()


async def score(submission):
    """Give a submission the score that its name says."""
    status = await SubmissionStatus(id=submission.id).get_async()
    status.status = "SCORED"
    status.submission_annotations = {"auc": [int(submission.name.split()[1]) / 100]}
    await status.store_async()


async def withdraw(submission):
    """Allow that a submission is cancelled, and cancel it."""
    status = await SubmissionStatus(id=submission.id).get_async()
    status.can_cancel = True
    await status.store_async()
    await submission.cancel_async()


async def main():
    """Run the whole challenge."""
    project, folder, team, queue = await site()
    submissions = await asyncio.gather(*(enter(folder, queue, number) for number in range(SUBMISSIONS)))
    await asyncio.gather(*(score(submission) for submission in submissions))
    await withdraw(submissions[0])
    bundles = SubmissionBundle.get_evaluation_submission_bundles_async(evaluation_id=queue.id, status="SCORED")
    scored = [bundle async for bundle in bundles]
    columns = [Column(name="auc", column_type=ColumnType.DOUBLE)]
    view = SubmissionView(name="Board", parent_id=project.id, scope_ids=[queue.id], columns=columns)
    view = await view.store_async()
    best = await query_async(f"SELECT id, auc FROM {view.id} ORDER BY auc DESC LIMIT 2", download_location=".")
    fetched = await get_async(folder.id)
    await fetched.sync_from_synapse_async(path="down")
    me = await UserProfile().get_async()
    return {
        "project": project.id,
        "queue": str(queue.id),
        "team": str(team.id),
        "pages": [header.title async for header in WikiHeader.get_async(owner_id=project.id)],
        "members": [member.member.owner_id for member in await team.members_async()],
        "me": me.id,
        "submissions": [submission.id for submission in submissions],
        "scored": len(scored),
        "best": best,
    }


synapseclient.login(silent=True)
for number in range(SUBMISSIONS):
    Path(f"entry-{number}.csv").write_text(f"id,p\n1,{number / 100}\n")
found = asyncio.run(main())
found["best"] = Path(found["best"]).read_text()
found["files"] = {path.name: path.read_text() for path in Path("down").glob("entry-*.csv")}
print("\nRESULT", json.dumps(found))
