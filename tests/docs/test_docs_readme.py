"""What README and docs show is true."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import textwrap
from datetime import timedelta
from pathlib import Path

import pytest
from airflow.sdk import DAG

from airflow_synapse_challenge.challenge.config import json_schema, load_challenge
from airflow_synapse_challenge.containers.policy import Policy, Rule

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
#: Module and class of what writers of DAGs get.
FACES = re.findall(r"^\| `([a-z]+(?:\.[a-z_]+)+)\.([A-Z]\w+)`", README, re.MULTILINE)


def test_the_published_schema_is_the_current_one():
    assert json.loads((ROOT / "docs" / "challenge.schema.json").read_text()) == json_schema()


def test_the_challenge_in_the_readme_is_complete(tmp_path):
    whole, more = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "evaluation").mkdir()
    for script in ("validate.py", "score.py"):
        (tmp_path / "evaluation" / script).write_text("")
    (tmp_path / "challenge.yaml").write_text(whole + more)
    files, images = load_challenge(tmp_path / "challenge.yaml").queues
    assert files.scores.primary.metric == "auc_roc"
    assert [stage.name for stage in images.model.stages] == ["train", "infer"]


def test_every_operator_named_exists():
    assert len(FACES) >= 15
    for module, name in FACES:
        assert hasattr(importlib.import_module(f"airflow_synapse_challenge.{module}"), name), f"{module}.{name}"


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))])
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?://|#)([^)]+)\)", text):
        assert ((ROOT / page).parent / target).exists(), target


def test_the_security_page_names_every_rule_and_tests_that_are_there():
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    described = re.findall(r"^\| (.+?) \|", page, re.MULTILINE)
    assert [rule.value for rule in Rule if rule.value not in described] == []
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", page)
    assert len(named) > 50
    for file, test in named:
        folder = ROOT if "/" in file else ROOT / "tests" / "hostile"
        assert f"def {test}(" in (folder / file).read_text(encoding="utf-8"), f"{file}::{test}"


def examples():
    """The classes with an example in their documentation: all but the hook."""
    found = [getattr(importlib.import_module(f"airflow_synapse_challenge.{module}"), name) for module, name in FACES]
    return [cls for cls in found if "code-block:: python" in cls.__doc__]


@pytest.mark.parametrize("cls", examples(), ids=lambda cls: cls.__name__)
def test_the_example_of_an_operator_can_be_run(cls):
    """As it stands in a DAG file that has read a challenge."""
    challenge = load_challenge(ROOT / "examples" / "breast-cancer" / "challenge.yaml")
    names = {"challenge": challenge, "queue": challenge.queues[0], "DAG": DAG, "Policy": Policy, "timedelta": timedelta}
    example = re.search(r"code-block:: python\n\n((?: {4}.*\n|\n)+?)\n(?! {4})", inspect.cleandoc(cls.__doc__))
    assert example
    with DAG("example"):
        exec(textwrap.dedent(example[1]), {**vars(importlib.import_module(cls.__module__)), **names})
