"""End with an error when a submission is invalid, so that the workflow stops: RESULTS."""

import json
import sys
from pathlib import Path

if json.loads(Path(sys.argv[1]).read_text())["submission_status"] == "INVALID":
    sys.exit("invalid submission")
