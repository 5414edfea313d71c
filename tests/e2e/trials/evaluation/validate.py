"""Does what the submitted file says."""

import json
import os
import sys
import time
from pathlib import Path

arguments = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
behaviour = Path(arguments["-p"]).read_text().split()[0]
output = Path(arguments["-o"])
truth = Path(arguments["-g"]).read_text().strip()


def write(**values):
    output.write_text(json.dumps({"submission_status": "VALIDATED", "submission_errors": "", **values}))


if behaviour == "crash":
    raise ValueError(f"the truth is {truth}")
if behaviour == "hang":
    write()
    time.sleep(3600)
if behaviour == "flood":
    for _ in range(1000):
        sys.stdout.write("x" * 100_000 + "\n")
if behaviour == "huge":
    with output.open("w") as file:
        for _ in range(2000):
            file.write("x" * 1_000_000)
if behaviour == "memory":
    taken = bytearray(2**30)
if behaviour == "fork":
    while True:
        os.fork()
if behaviour == "broken":
    output.write_text('{"submission_status": ')
elif behaviour == "silent":
    pass
elif behaviour == "invalid":
    write(submission_status="INVALID", submission_errors="it says so\nand twice")
else:
    write()
