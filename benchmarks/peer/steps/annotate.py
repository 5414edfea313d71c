"""Write results to both stores of annotations of a submission: CONFIG SUBMISSION RESULTS."""

import json
import sys
import time
from pathlib import Path

from client import log_in
from synapseclient.core.exceptions import SynapseHTTPError

TRIES = 10
TYPES = {str: ("stringAnnos", "STRING"), float: ("doubleAnnos", "DOUBLE"), int: ("longAnnos", "LONG")}


def with_values(status, values):
    """Return the status with public annotations in both stores."""
    old = status.setdefault("annotations", {})
    new = status.setdefault("submissionAnnotations", {}).setdefault("annotations", {})
    for key, value in values.items():
        legacy, modern = TYPES[type(value)]
        for entries in (old.get(name) or [] for name, _ in TYPES.values()):
            entries[:] = [entry for entry in entries if entry["key"] != key]
        old[legacy] = [*(old.get(legacy) or []), {"key": key, "value": value, "isPrivate": False}]
        new[key] = {"type": modern, "value": [str(value)]}
    return status


def main():
    """Annotate; somebody else's update in between means another try."""
    _, config, submission, results = sys.argv
    values = {key: value for key, value in json.loads(Path(results).read_text()).items() if value not in (None, [])}
    synapse = log_in(config)
    path = f"/evaluation/submission/{submission}/status"
    for left in reversed(range(TRIES)):
        try:
            synapse.restPUT(path, json.dumps(with_values(synapse.restGET(path), values)))
            return
        except SynapseHTTPError as error:
            if not left or error.response.status_code != 412:
                raise
            time.sleep(0.2)


main()
