"""Make a submission view with what the annotations of its submissions suggest."""

import json
import sys

import synapseclient

given = json.loads(sys.argv[1])
synapse = synapseclient.login(silent=True)
view = synapse.store(
    synapseclient.SubmissionViewSchema(name="Submissions", parent=given["parent"], scopes=[given["queue"]])
)
print("\nRESULT", json.dumps({"view": view.id}))
