"""Mail the scores: CONFIG SUBMISSION RESULTS."""

import json
import sys
from pathlib import Path

from client import log_in
from mail import send

_, config, submission, results = sys.argv
found = json.loads(Path(results).read_text())
if found.pop("submission_status") == "SCORED":
    scores = [f"{key} : {value}" for key, value in found.items()]
    send(log_in(config), submission, "scored", [f"Your submission ({submission}) is scored:", *scores])
