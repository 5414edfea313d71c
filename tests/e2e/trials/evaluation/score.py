"""Scores a submission with the number that it holds."""

import json
import sys
from pathlib import Path

arguments = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
number = float(Path(arguments["-p"]).read_text().split()[1])
result = {"submission_status": "SCORED", "score": number, "secret": 42}
Path(arguments["-o"]).write_text(json.dumps(result))
