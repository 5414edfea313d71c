"""What both mails share."""


def send(synapse, submission_id, what, lines):
    """Tell the submitter about a submission."""
    submission = synapse.getSubmission(submission_id, downloadFile=False)
    queue = synapse.getEvaluation(submission["evaluationId"])
    if submission.get("teamId"):
        recipient, name = submission["teamId"], synapse.getTeam(submission["teamId"])["name"]
    else:
        recipient, name = submission["userId"], synapse.getUserProfile(submission["userId"])["userName"]
    body = "\n".join([f"Hello {name},", "", *lines, "", "Challenge Administrator"])
    synapse.sendMessage([recipient], f"Submission to '{queue['name']}' {what}!", body, contentType="text/plain")
