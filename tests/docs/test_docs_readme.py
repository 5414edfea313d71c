"""What README and docs show is true."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from airflow_synapse_challenge.challenge.config import json_schema, load_challenge
from airflow_synapse_challenge.containers.policy import Rule

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


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
    import importlib

    named = re.findall(r"^\| `([a-z]+(?:\.[a-z_]+)+)\.([A-Z]\w+)`", README, re.MULTILINE)
    assert len(named) >= 15
    for module, name in named:
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
