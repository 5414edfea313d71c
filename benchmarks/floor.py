"""The least that an evaluation can take: its two containers, one after the other, and nothing else."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

from world import EXAMPLE

IMAGE = "airflow-synapse-challenge/evaluation:latest"
#: Close to the policy that the package puts every container under, in the words of `docker run`.
HARDENED = (
    *("--network", "none", "--read-only", "--init", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--user", "1000:1000", "--memory", "512m", "--memory-swap", "512m", "--cpus", "1", "--pids-limit", "256"),
    *("--ulimit", "core=0", "--ipc", "private", "--tmpfs", "/tmp:rw,nosuid,nodev,size=64m", "--workdir", "/tmp"),
)


def measure(runs: int) -> list[float]:
    """Return the seconds of each run, after one that warms up."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder)
        output.chmod(0o777)
        return [_evaluate(output) for _ in range(runs + 1)][1:]


def _evaluate(output: Path) -> float:
    volumes = ("--volume", f"{EXAMPLE}:/input:ro", "--volume", f"{output}:/output")
    begin = time.monotonic()
    for name in ("validate", "score"):
        script = ("python3", f"/input/evaluation/{name}.py", "-p", "/input/submissions/support-vectors.csv")
        files = ("-g", "/input/data/goldstandard.csv", "-o", "/output/results.json")
        command = ["docker", "run", "--rm", *HARDENED, *volumes, IMAGE, *script, *files]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begin
