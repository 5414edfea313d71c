"""
The table of rules and the tests that check them, in docs/local-synapse.md.

``python tests/contract/synapse_contract/rules_table.py`` writes it.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

if __package__:
    from .rules import NOT_APPLICABLE, RULES
else:  # run as a script
    from rules import NOT_APPLICABLE, RULES

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "local-synapse.md"
BEGIN, END = "<!-- rules: begin (made by `make rules`) -->", "<!-- rules: end -->"
SECTIONS = {
    "G": "The whole API",
    "V": "Evaluations",
    "R": "Rounds",
    "S": "Submitting",
    "T": "Eligibility",
    "L": "Reading submissions",
    "U": "Statuses and annotations",
    "B": "Batches of statuses",
    "C": "Cancellation",
    "Q": "Legacy query",
    "W": "Submission views",
    "J": "Jobs, tables and views",
    "E": "Entities",
    "F": "Files",
    "K": "Wikis",
    "M": "Teams",
    "H": "Challenges",
    "X": "People and messages",
    "D": "Docker",
    "P": "What clients expect",
}


def marks(folder: Path = ROOT / "tests") -> dict[str, list[str]]:
    """Return the tests of each rule that a ``rule`` mark names, as ``file::name``."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        for name, rules in _marked(ast.parse(path.read_text(encoding="utf-8"))):
            for rule in rules:
                tests = found.setdefault(rule, [])
                if f"{path.name}::{name}" not in tests:
                    tests.append(f"{path.name}::{name}")
    return found


def _marked(node: ast.Module | ast.ClassDef, around: tuple[str, ...] = ()) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each test with the rules that it, its class and its module are marked with."""
    for child in node.body:
        if isinstance(child, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == "pytestmark" for t in child.targets
        ):
            around = (*around, *_rules([child.value]))
    for child in node.body:
        if isinstance(child, ast.ClassDef):
            yield from _marked(child, (*around, *_rules(child.decorator_list)))
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and child.name.startswith("test"):
            yield child.name, (*around, *_rules(child.decorator_list))


def _rules(expressions: Iterable[ast.expr]) -> tuple[str, ...]:
    """Return the arguments of each ``pytest.mark.rule(…)`` in expressions, parameters of a test included."""
    return tuple(
        argument.value
        for expression in expressions
        for call in ast.walk(expression)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.rule"
        for argument in call.args
        if isinstance(argument, ast.Constant)
    )


def missing(tested: dict[str, list[str]]) -> list[str]:
    """Return the rules that are neither tested nor said not to apply."""
    return [rule for rule in RULES if rule not in tested and rule not in NOT_APPLICABLE]


def table(tested: dict[str, list[str]]) -> str:
    """Return the tables, a part for each section."""
    lines = [BEGIN]
    for letter, title in SECTIONS.items():
        rules = [rule for rule in RULES if rule.startswith(letter) and rule not in NOT_APPLICABLE]
        lines += ["", f"### {title} ({letter})", "", "| Rule | What it is about | Tests |", "|---|---|---|"]
        lines += [
            f"| {rule} | {RULES[rule]} | {'<br>'.join(f'`{test}`' for test in tested.get(rule, ['not tested']))} |"
            for rule in rules
        ]
    lines += ["", "### Rules that do not apply", "", "| Rule | What it is about | Why |", "|---|---|---|"]
    lines += [f"| {rule} | {RULES[rule]} | {reason} |" for rule, reason in sorted(NOT_APPLICABLE.items())]
    return "\n".join([*lines, "", END])


def page(tested: dict[str, list[str]]) -> str:
    """Return the page of the documentation with the current tables."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + table(tested) + after


def main() -> None:
    """Write the tables, and tell which rules lack a test."""
    tested = marks()
    PAGE.write_text(page(tested), encoding="utf-8")
    if lacking := missing(tested):
        sys.exit(f"{len(lacking)} rules have no test: {', '.join(lacking)}")


if __name__ == "__main__":
    main()
