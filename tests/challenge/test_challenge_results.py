"""Result files: what is believed, what is refused, and in which words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_synapse_challenge.challenge.results import Kind, Result, continued_file, parse_result
from airflow_synapse_challenge.challenge.step import Contract
from airflow_synapse_challenge.challenge.text import length
from airflow_synapse_challenge.errors import OrganiserFault


def parse(content: Any, kind: Kind = "score", contract: Contract = "cwl", previous: Result | None = None) -> Result:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return parse_result(raw, kind=kind, contract=contract, previous=previous)


def fault(content: Any, kind: Kind = "score", contract: Contract = "cwl") -> str:
    with pytest.raises(OrganiserFault) as caught:
        parse(content, kind, contract)
    start, end = f"The {kind} script's results.json cannot be used: ", "."
    assert caught.value.summary.startswith(start)
    assert caught.value.detail
    return caught.value.summary.removeprefix(start).removesuffix(end)


def test_scores() -> None:
    result = parse(
        {
            "submission_status": "SCORED",
            "submission_errors": "",
            "auc": 0.5,
            "count": 3,
            "passed": True,
            "note": "fine",
            "folds": [0.5, 1],
            "nothing": None,
            "none_of": [None],
            "empty": [],
        }
    )
    assert result.status == "SCORED"
    assert result.errors == ()
    assert result.annotations == {"auc": 0.5, "count": 3, "passed": True, "note": "fine", "folds": [0.5, 1.0]}


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ("one\ntwo\n", ("one", "two")),
        (["one", "two\nlines"], ("one", "two lines")),
        (None, ()),
        ("  \n ", ()),
        ("\x1b[31mred\x1b[0m\u202e", ("[31mred[0m",)),
    ],
)
def test_reasons(errors: Any, expected: tuple[str, ...]) -> None:
    result = parse({"submission_status": "INVALID", "submission_errors": errors}, "validate")
    assert (result.status, result.errors) == ("INVALID", expected)


def test_many_reasons_are_bounded() -> None:
    result = parse({"submission_status": "INVALID", "submission_errors": [f"row {n}" for n in range(5000)]}, "validate")
    assert len(result.errors) == 101
    assert result.errors[-1] == "… and 4900 more."
    long = parse({"submission_status": "INVALID", "submission_errors": "x" * 500_000}, "validate")
    assert len(long.errors[0]) == 10_000


@pytest.mark.parametrize("contract", ["cwl", "nextflow", "custom"])
@pytest.mark.parametrize("names", ["submission", "own"])
@pytest.mark.parametrize(("kind", "good"), [("validate", "VALIDATED"), ("score", "SCORED")])
def test_either_naming_is_understood(contract: Contract, names: str, kind: Kind, good: str) -> None:
    own = {"validate": "validation", "score": "score"}[kind]
    name = own if names == "own" else "submission"
    result = parse({f"{name}_status": good, f"{name}_errors": "remark", "x": 1}, kind, contract)
    assert (result.status, result.errors, result.annotations) == (good, ("remark",), {"x": 1})


def test_a_nextflow_score_script_continues_the_file() -> None:
    validation = parse({"validation_status": "VALIDATED", "validation_errors": "", "rows": 5}, "validate", "nextflow")
    content = json.loads(continued_file(validation))
    assert content == {"validation_status": "VALIDATED", "validation_errors": "", "rows": 5}
    score = parse({**content, "score_status": "SCORED", "auc": 0.5}, "score", "nextflow", validation)
    assert score.annotations == {"rows": 5, "auc": 0.5}
    fresh = parse({"score_status": "SCORED", "auc": 0.5}, "score", "nextflow", validation)
    assert fresh == score


def test_a_nextflow_score_without_its_own_status_is_no_score() -> None:
    content = {"validation_status": "VALIDATED"}
    assert fault(content, "score", "nextflow") == "it has no score_status; allowed: SCORED, INVALID"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"\xff\xfe{", "it is no UTF-8 text"),
        (b"{", "it is no JSON (line 1, column 2: Expecting property name enclosed in double quotes)"),
        (b'{"a": 1} x', "it is no JSON (line 1, column 10: Extra data)"),
        (b"[]", "it must hold one JSON object"),
        (b'"SCORED"', "it must hold one JSON object"),
        (b"NaN", "it must hold one JSON object"),
        ({}, "it has no submission_status; allowed: SCORED, INVALID"),
        ({"submission_status": None}, "it has no submission_status; allowed: SCORED, INVALID"),
        (
            {"submission_status": "scored"},
            'submission_status is not one of: SCORED, INVALID; did you mean "SCORED"?',
        ),
        ({"submission_status": "VALIDATED"}, "submission_status is not one of: SCORED, INVALID"),
        ({"submission_status": 1}, "submission_status is not one of: SCORED, INVALID"),
        ({"submission_status": ["SCORED"]}, "submission_status is not one of: SCORED, INVALID"),
        (
            {"submission_status": "INVALID", "submission_errors": 5},
            "submission_errors must be text, with one reason on each line",
        ),
        (b'{"submission_status": "SCORED", "auc": NaN}', "the value of auc is NaN; write a finite number or null"),
        (
            b'{"submission_status": "SCORED", "auc": [1.0, -Infinity]}',
            "the value of auc is -Infinity; write a finite number or null",
        ),
        (
            b'{"submission_status": "SCORED", "auc": 1e999}',
            "the value of auc is a number out of range; write a finite number or null",
        ),
        (
            b'{"submission_status": "SCORED", "n": 9223372036854775808}',
            "the value of n is a whole number of more than 64 bits; write a finite number or null",
        ),
        (
            b'{"submission_status": "SCORED", "n": ' + b"9" * 100_000 + b"}",
            "the value of n is a whole number of more than 64 bits; write a finite number or null",
        ),
        (b'{"submission_status": "SCORED", "auc": 1, "auc": 2}', "the key auc stands twice"),
        (
            {"submission_status": "SCORED", "a": {"b": 1}},
            "the value of a is nested; write text, a number, true, false or a list of one kind",
        ),
        (
            {"submission_status": "SCORED", "a": [[1]]},
            "the value of a is nested; write text, a number, true, false or a list of one kind",
        ),
        (
            {"submission_status": "SCORED", "a": [1, "x"]},
            "the list a mixes kinds of values; write text, numbers or truth values only",
        ),
        ({"submission_status": "SCORED", "a": [1] * 101}, "the list a has more than 100 values"),
        ({"submission_status": "SCORED", "": 1}, "a key is empty"),
        (
            {"submission_status": "SCORED", "a b": 1, "a-b": 2},
            "two keys become the same annotation a_b; use letters, digits, _ and . in keys",
        ),
        (
            {"submission_status": "SCORED", "synapse_challenge_run_id": "mine"},
            "the key synapse_challenge_run_id is reserved; give it another name",
        ),
        (
            {"submission_status": "SCORED", "_accessRequirementIds": 1},
            "the key _accessRequirementIds is reserved; give it another name",
        ),
        ({"submission_status": "SCORED", "x" * 101: 1}, f"the key {'x' * 60} is longer than 100 characters"),
        ({"submission_status": "SCORED", **{f"m{n}": n for n in range(81)}}, "it has 81 keys, and 80 is the most"),
        (
            {"submission_status": "SCORED", **{f"{n:050}": n for n in range(40)}},
            "its keys are longer than 2000 characters together",
        ),
        (b'{"a": ' + b"[" * 100_000, "it is nested deeper than 8 levels"),
        (b'{"a": "' + b"x" * 2**20 + b'"}', "it is larger than 1024 KiB"),
    ],
)
def test_what_is_refused(content: Any, problem: str) -> None:
    assert fault(content) == problem


def test_brackets_inside_texts_are_no_nesting() -> None:
    assert parse({"submission_status": "SCORED", "note": '[[[[[[[[[[\\"{{{{{{'}).annotations == {
        "note": '[[[[[[[[[[\\"{{{{{{'
    }


def test_keys_are_made_fit_for_synapse() -> None:
    result = parse({"submission_status": "SCORED", "auc-roc (mean)": 1, "näme": 2, "a.b_c": 3})
    assert result.annotations == {"auc_roc__mean_": 1, "n_me": 2, "a.b_c": 3}


def test_long_texts_are_cut() -> None:
    result = parse({"submission_status": "SCORED", "note": "x" * 501, "emoji": "🧬" * 400, "parts": ["y" * 300] * 3})
    assert result.annotations["note"] == "x" * 499 + "…"
    emoji = result.annotations["emoji"]
    assert isinstance(emoji, str)
    assert length(emoji) <= 500
    assert emoji.endswith("🧬…")
    assert result.annotations["parts"] == ["y" * 300, "y" * 199 + "…"]


def test_a_summary_tells_nothing_of_the_content_but_a_key() -> None:
    with pytest.raises(OrganiserFault) as caught:
        parse({"submission_status": "patient 17 is ill"})
    assert "patient" not in caught.value.summary
    assert "patient 17" in caught.value.detail
    with pytest.raises(OrganiserFault) as caught:
        parse({"submission_status": "SCORED", "<b>\n" + "x" * 200: {}})
    assert "\n" not in caught.value.summary
    assert "<" not in caught.value.summary
    assert len(caught.value.summary) < 300


def test_a_result_travels_between_tasks() -> None:
    result = parse({"submission_status": "INVALID", "submission_errors": "a\nb", "n": [1, 2], "t": "x"})
    assert Result.from_dict(json.loads(json.dumps(result.to_dict()))) == result
    with pytest.raises(ValueError, match="is no result's status"):
        Result.from_dict({"status": "FINE", "errors": [], "annotations": {}})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=600),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=120), inner, max_size=5),
    max_leaves=20,
)


@given(st.binary(max_size=300) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_file_is_a_result_or_the_organisers_fault(raw: bytes) -> None:
    try:
        result = parse(raw)
    except OrganiserFault:
        return
    assert result.status in {"SCORED", "INVALID"}


@given(st.dictionaries(st.text(max_size=120), json_values, max_size=8))
def test_what_is_accepted_fits_synapse(content: dict[str, Any]) -> None:
    try:
        found = parse({**content, "submission_status": "SCORED"}).annotations
    except OrganiserFault:
        return
    for key, value in found.items():
        assert key.isascii()
        assert key.replace("_", "").replace(".", "").isalnum() or set(key) <= {"_", "."}
        values = value if isinstance(value, list) else [value]
        assert values
        assert sum(length(item) for item in values if isinstance(item, str)) <= 500
        assert all(isinstance(item, str | bool | int | float) for item in values)
    json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
