"""Mail why a submission is invalid; say nothing about a valid one: CONFIG SUBMISSION RESULTS."""

import json
import sys
from pathlib import Path

_, config, submission, results = sys.argv
found = json.loads(Path(results).read_text())
if found["submission_status"] == "INVALID":
    # A valid submission needs no client, so it does not pay for one.
    from client import log_in
    from mail import send

    reasons = found["submission_errors"].splitlines()
    send(log_in(config), submission, "invalid", [f"Your submission ({submission}) is invalid:", *reasons])
