"""Takes whatever a sleeper wrote."""

import json
import sys
from pathlib import Path

arguments = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
Path(arguments["-o"]).write_text(json.dumps({"submission_status": "VALIDATED", "submission_errors": ""}))
