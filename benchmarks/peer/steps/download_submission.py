"""Download what was submitted into ``submission/``: CONFIG SUBMISSION."""

import sys
from pathlib import Path

from client import log_in

_, config, submission = sys.argv
Path("submission").mkdir()
log_in(config).getSubmission(submission, downloadLocation="submission")
