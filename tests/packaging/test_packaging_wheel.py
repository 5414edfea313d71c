"""The wheel, in an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(600)

ROOT = Path(__file__).parents[2]
UV = ROOT / ".cache" / "uv" / "bin" / "uv"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A virtual environment with nothing but the wheel and what it asks for, in the pinned versions."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--installer", "uv", "--outdir", str(folder), str(ROOT)]
    subprocess.run(
        build, check=True, capture_output=True, env=os.environ | {"PATH": f"{UV.parent}:{os.environ['PATH']}"}
    )
    (wheel,) = folder.glob("*.whl")
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, folder / "venv"], check=True)
    install = [UV, "pip", "install", "--quiet", "--python", folder / "venv" / "bin" / "python"]
    subprocess.run([*install, "-c", ROOT / "requirements" / "dev.txt", f"{wheel}[local-synapse]"], check=True)

    def run(*command: str) -> str:
        environment = {
            "PATH": f"{folder}/venv/bin:/usr/bin:/bin",
            "HOME": str(folder),
            "AIRFLOW_HOME": str(folder / "airflow"),
            "COLUMNS": "200",
        }
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True, cwd=folder)
        return done.stdout

    return run


def test_airflow_knows_the_provider(installed):
    about = installed("airflow", "providers", "get", "airflow-synapse-challenge", "--full", "--output", "yaml")
    assert "airflow-synapse-challenge" in about
    assert "SynapseHook" in about
    assert "synapse" in installed("airflow", "providers", "hooks", "--output", "plain")


def test_the_command_works_without_a_deployment(installed, tmp_path):
    assert "doctor" in installed("synapse-challenge", "--help")
    assert '"challenge"' in installed("synapse-challenge", "schema")
    checked = installed("synapse-challenge", "check", str(ROOT / "examples" / "breast-cancer"))
    assert "Breast Cancer" in checked


def test_mail_texts_and_pages_are_in_the_wheel(installed):
    code = (
        "import airflow_synapse_challenge as p, pathlib; r = pathlib.Path(p.__file__).parent; "
        "print(len(list(r.glob('challenge/templates/*.txt'))), len(list(r.glob('local_synapse/website/**/*.html'))), "
        "(r / 'local_synapse/website/static/style.css').exists(), (r / 'py.typed').exists())"
    )
    texts, pages, style, typed = installed("python", "-c", code).split()
    assert int(texts) >= 6
    assert int(pages) >= 20
    assert (style, typed) == ("True", "True")
