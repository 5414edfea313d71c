"""Who is first."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_synapse_challenge.challenge.config import Scores
from airflow_synapse_challenge.challenge.ranking import Entry, leaderboard
from airflow_synapse_challenge.errors import ConfigurationError


def scores(order: str = "descending", keep: str = "all", secondary: str | None = None) -> Scores:
    values: dict[str, Any] = {"primary": {"metric": "auc", "order": order}, "keep": keep}
    if secondary:
        values["secondary"] = {"metric": "error", "order": secondary}
    return Scores.model_validate(values)


def entry(submission_id: int, auc: Any, who: str | None = None, minute: int | None = None, **more: Any) -> Entry:
    minute = submission_id if minute is None else minute
    return Entry(submission_id, who or f"team{submission_id}", f"2027-01-11T00:{minute:02}:00Z", {"auc": auc, **more})


def ranks(entries: list[Entry], rules: Scores) -> list[tuple[int, int]]:
    return [(ranked.rank, ranked.entry.submission_id) for ranked in leaderboard(entries, rules)]


def test_equal_entries_share_a_rank_and_leave_room() -> None:
    entries = [entry(1, 0.7), entry(2, 0.9), entry(3, 0.8), entry(4, 0.8)]
    assert ranks(entries, scores()) == [(1, 2), (2, 3), (2, 4), (4, 1)]
    assert ranks(entries, scores("ascending")) == [(1, 1), (2, 3), (2, 4), (4, 2)]


def test_the_secondary_metric_decides_between_equals() -> None:
    entries = [
        entry(1, 0.8, error=3),
        entry(2, 0.8, error=2),
        entry(3, 0.8),
        entry(4, 0.8, error=math.nan),
        entry(5, 0.9),
    ]
    assert ranks(entries, scores(secondary="ascending")) == [(1, 5), (2, 2), (3, 1), (4, 3), (4, 4)]
    assert ranks(entries[:2], scores(secondary="descending")) == [(1, 1), (2, 2)]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None, "0.9", True])
def test_without_a_finite_number_there_is_no_rank(value: Any) -> None:
    assert ranks([entry(1, value), entry(2, 0.1)], scores()) == [(1, 2)]
    assert ranks([Entry(3, "a", "2027-01-11T00:00:00Z", {})], scores()) == []


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        ("best", [(1, 2), (2, 4)]),
        ("latest", [(1, 3), (2, 4)]),
        ("all", [(1, 2), (1, 5), (3, 3), (4, 1), (4, 4)]),
    ],
)
def test_which_entries_of_a_submitter_count(keep: str, expected: list[tuple[int, int]]) -> None:
    entries = [
        entry(5, 0.9, "a", minute=4),
        entry(1, 0.5, "a", minute=1),
        entry(2, 0.9, "a", minute=2),
        entry(3, 0.7, "a", minute=5),
        entry(4, 0.5, "b", minute=3),
    ]
    assert ranks(entries, scores(keep=keep)) == expected


def test_a_leaderboard_needs_a_metric() -> None:
    with pytest.raises(ConfigurationError, match="needs a metric to sort by"):
        leaderboard([], Scores())


values = st.one_of(st.sampled_from([0.0, -0.0, 0.5, 1.0]), st.floats())
boards = st.lists(st.tuples(st.sampled_from("abc"), values, values), max_size=15).map(
    lambda rows: [entry(number, auc, who, error=error) for number, (who, auc, error) in enumerate(rows)]
)
rulesets = st.builds(
    scores,
    st.sampled_from(["ascending", "descending"]),
    st.sampled_from(["best", "latest", "all"]),
    st.sampled_from([None, "ascending", "descending"]),
)


@given(boards, rulesets, st.randoms(use_true_random=False))
def test_a_leaderboard_is_a_ranking(entries: list[Entry], rules: Scores, random: Any) -> None:
    board = leaderboard(entries, rules)
    shuffled = list(entries)
    random.shuffle(shuffled)
    assert leaderboard(shuffled, rules) == board

    def key(one: Entry) -> tuple[float, ...]:
        assert rules.primary is not None
        sign = -1 if rules.primary.order == "descending" else 1
        found = [sign * one.metrics["auc"]]
        if rules.secondary:
            second = one.metrics["error"]
            sign = -1 if rules.secondary.order == "descending" else 1
            found.append(sign * second if math.isfinite(second) else math.inf)
        return tuple(found)

    for ranked in board:
        # Standard competition ranking: one more than the number of entries that are strictly better.
        assert ranked.rank == 1 + sum(key(other.entry) < key(ranked.entry) for other in board)
    finite = [one for one in entries if math.isfinite(one.metrics["auc"])]
    expected = len(finite) if rules.keep == "all" else len({one.submitter for one in finite})
    assert len(board) == expected
    if rules.keep == "best":
        for ranked in board:
            own = [key(one) for one in finite if one.submitter == ranked.entry.submitter]
            assert key(ranked.entry) == min(own)
