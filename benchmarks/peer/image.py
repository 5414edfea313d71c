"""What the peer runs on: a virtual environment with the workflow engine, and the image of its steps."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "benchmarks" / "peer"
VENV = ROOT / ".cache" / "bench-peer"
REQUIREMENTS = ROOT / "requirements" / "bench-peer.txt"
CLIENT = ROOT / "requirements" / "dev.txt"
BASE = "airflow-synapse-challenge/evaluation:latest"
IMAGE = "airflow-synapse-challenge/bench-peer-steps"


def make() -> None:
    """Make both; a second time takes a moment."""
    subprocess.run([ROOT / "scripts" / "install.sh", VENV, REQUIREMENTS.relative_to(ROOT)], check=True)
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        _install_client(context / "packages")
        shutil.copytree(HERE / "steps", context / "steps")
        shutil.copytree(ROOT / "examples" / "breast-cancer" / "evaluation", context / "evaluation")
        build = [
            "docker",
            "build",
            "--quiet",
            "--network",
            "none",
            "--tag",
            IMAGE,
            "--file",
            HERE / "Dockerfile",
            context,
        ]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)


def _install_client(target: Path) -> None:
    """Install synapseclient, pinned and hashed, for the Python of the image."""
    asks = ["python3", "-c", "import platform; print(platform.python_version())"]
    version = subprocess.run(
        ["docker", "run", "--rm", "--network", "none", BASE, *asks], check=True, capture_output=True, text=True
    ).stdout.strip()
    subprocess.run(
        [
            *(ROOT / ".cache/uv/bin/uv", "pip", "install", "--quiet", "--target", target),
            *("--python", VENV / "bin/python", "--python-version", version),
            *("--constraint", CLIENT, "synapseclient"),
        ],
        check=True,
    )
