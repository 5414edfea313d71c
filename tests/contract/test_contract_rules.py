"""Each rule has its test, and the documentation says which."""

from __future__ import annotations

import re

import pytest
from synapse_contract import rules_table, sources
from synapse_contract.rules import NOT_APPLICABLE, RULES


@pytest.fixture(scope="module")
def tested():
    return rules_table.marks()


def test_every_rule_is_tested_or_said_not_to_apply(tested):
    assert rules_table.missing(tested) == []


def test_no_rule_is_both(tested):
    assert sorted(set(tested) & set(NOT_APPLICABLE)) == []


def test_marks_name_rules_that_exist(tested):
    assert sorted(set(tested) - set(RULES)) == []
    assert sorted(set(NOT_APPLICABLE) - set(RULES)) == []


def test_the_table_in_the_documentation_is_current(tested):
    assert rules_table.PAGE.read_text(encoding="utf-8") == rules_table.page(tested), "`make rules` writes it anew"


def test_the_rules_are_those_of_the_server():
    folder = sources.server_contract()
    if folder is None:
        pytest.skip(sources.NO_SERVER_CONTRACT)
    named = re.findall(r"^- \*\*([A-Z]-\d\d)\*\*", (folder / "rules.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert named == list(RULES)


def test_marks_are_found_wherever_they_may_stand(tmp_path):
    """On a test, its class, its module and its parameters."""
    (tmp_path / "test_marks.py").write_text(
        "import pytest\n"
        "pytestmark = [pytest.mark.rule('G-01')]\n"
        "@pytest.mark.rule('G-02', 'G-03')\n"
        "def test_one(): ...\n"
        "@pytest.mark.rule('G-04')\n"
        "class TestMany:\n"
        "    @pytest.mark.parametrize('n', [pytest.param(1, marks=pytest.mark.rule('G-05'))])\n"
        "    def test_two(self, n): ...\n"
        "def helper(): ...\n"
    )
    one, two = "test_marks.py::test_one", "test_marks.py::test_two"
    assert rules_table.marks(tmp_path) == {
        "G-01": [one, two],
        "G-02": [one],
        "G-03": [one],
        "G-04": [two],
        "G-05": [two],
    }
