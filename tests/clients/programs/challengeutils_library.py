"""What organisers' own scripts do with challengeutils: challenges, teams, forums, statuses of whole queues."""

import json
import sys

import synapseclient
from challengeutils import discussion, teams, utils
from challengeutils.challenge import ChallengeApi
from synapseclient.core.exceptions import SynapseHTTPError

given = json.loads(sys.argv[1])
synapse = synapseclient.login(silent=True)
project, other, queue = given["project"], given["other"], given["queue"]

challenges = ChallengeApi(synapse)
challenge = challenges.create_challenge(teamid=given["participants"], projectid=project)
challenges.register_team(challenge.id, given["team"])
try:
    challenges.update_challenge(challenge.id, teamid=given["organizers"], projectid=project)
    update = "done"
except SynapseHTTPError as refusal:
    update = refusal.response.status_code
registered = {
    "teams": [one["teamId"] for one in challenges.get_registered_teams(challenge.id)],
    "participants": [*challenges.get_registered_participants(challenge.id)],
}
challenges.delete_challenge(challenge.id)

people = {
    "count": teams.get_team_count(synapse, given["participants"]),
    "only": sorted(one.ownerId for one in teams.team_members_diff(synapse, given["participants"], given["organizers"])),
    "both": sorted(
        one.ownerId for one in teams.team_members_intersection(synapse, given["participants"], given["organizers"])
    ),
}
teams.remove_team_member(synapse, given["participants"], given["leaver"])

thread = discussion.create_thread(synapse, project, "When does it end?", "The *rules* do not say.")
discussion.create_thread_reply(synapse, thread.id, "On Sunday.")
api = discussion.DiscussionApi(synapse)
api.pin_thread(thread.id)
discussion.copy_forum(synapse, project, other)
[copied] = discussion.get_forum_threads(synapse, other)
replies = [discussion.get_thread_reply_text(synapse, one) for one in discussion.get_thread_replies(synapse, copied)]
forum = {
    "pinned": api.get_thread(thread.id).is_pinned,
    "title": copied.title,
    "text": discussion.get_thread_text(synapse, copied),
    "replies": replies,
    "writers": [one["ownerId"] for one in discussion.get_forum_participants(synapse, project)],
    "threads": api.get_forum_threadcount(api.get_project_forum(other).id),
    "answers": api.get_thread_replycount(copied.id),
}

contributors = sorted(utils.get_contributors(synapse, [queue], status="SCORED"))
utils.update_all_submissions_annotation_acl(synapse, queue, ["auc"], status="SCORED", is_private=False)
utils.change_all_submission_status(synapse, queue, submission_status="SCORED", change_to_status="VALIDATED")

print(
    "\nRESULT",
    json.dumps(
        {
            "challenge": {"id": challenge.id, "update": update, **registered},
            "people": people,
            "forum": forum,
            "contributors": contributors,
        }
    ),
)
