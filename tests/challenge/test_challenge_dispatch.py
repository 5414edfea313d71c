"""Who is next: oldest first, fair among submitters, the same whatever the list's order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_synapse_challenge.challenge.dispatch import Waiting, order, run_id


def waiting(submission_id: int, submitter: str, minute: int) -> Waiting:
    return Waiting(submission_id, submitter, f"2027-01-11T{minute // 60:02}:{minute % 60:02}:00.000Z")


@pytest.mark.parametrize(
    ("submission", "attempt", "expected"),
    [(9722233, 1, "synapse-9722233"), (9722233, 2, "synapse-9722233.r2"), ("7", 11, "synapse-7.r11")],
)
def test_run_ids(submission: int | str, attempt: int, expected: str) -> None:
    assert run_id(submission, attempt) == expected


def test_there_is_no_attempt_before_the_first() -> None:
    with pytest.raises(ValueError, match="counted from 1"):
        run_id(1, 0)


def test_oldest_first() -> None:
    entries = [waiting(1, "a", 3), waiting(2, "b", 1), waiting(3, "c", 2)]
    assert [entry.submission_id for entry in order(entries)] == [2, 3, 1]


def test_a_hundred_of_one_do_not_starve_anothers_first() -> None:
    flood = [waiting(number, "flood", number) for number in range(100)]
    late = [waiting(1000, "late", 600), waiting(1001, "later", 601)]
    assert [entry.submission_id for entry in order([*flood, *late])][:5] == [0, 1000, 1001, 1, 2]


def test_what_is_in_work_counts() -> None:
    entries = [waiting(1, "busy", 1), waiting(2, "busy", 2), waiting(3, "idle", 3), waiting(4, "idle", 4)]
    assert [entry.submission_id for entry in order(entries, {"busy": 1})] == [3, 1, 4, 2]


def test_moments_are_compared_and_not_texts() -> None:
    entries = [
        Waiting(1, "a", "2027-01-11T10:00:00.000Z"),
        Waiting(2, "b", "2027-01-11T10:00:00Z"),
        Waiting(3, "c", "2027-01-11T11:30:00+02:00"),
        Waiting(4, "d", "2027-01-11T09:59:59"),
    ]
    assert [entry.submission_id for entry in order(entries)] == [3, 4, 1, 2]


entries_of = st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 30)), max_size=40).map(
    lambda pairs: [waiting(number, who, minute) for number, (who, minute) in enumerate(pairs)]
)
loads = st.dictionaries(st.sampled_from("abcde"), st.integers(0, 5))


@given(entries_of, loads, st.randoms(use_true_random=False))
def test_the_order_follows_from_the_submissions_alone(
    entries: list[Waiting], in_flight: Mapping[str, int], random: object
) -> None:
    shuffled = list(entries)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    ordered = order(entries, in_flight)
    assert ordered == order(shuffled, in_flight)
    assert sorted(entry.submission_id for entry in ordered) == [entry.submission_id for entry in entries]


@given(entries_of, loads)
def test_nobody_gets_ahead_of_those_who_had_fewer_turns(entries: list[Waiting], in_flight: Mapping[str, int]) -> None:
    turns = Counter(in_flight)
    left = Counter(entry.submitter for entry in entries)
    for entry in order(entries, in_flight):
        # Whoever still waits has had at least as many turns as the one who is next.
        assert all(turns[entry.submitter] <= turns[other] for other, count in left.items() if count)
        turns[entry.submitter] += 1
        left[entry.submitter] -= 1


@given(entries_of, loads)
def test_each_submitter_is_served_oldest_first(entries: list[Waiting], in_flight: Mapping[str, int]) -> None:
    for who in "abcde":
        own = [(entry.created_on, entry.submission_id) for entry in order(entries, in_flight) if entry.submitter == who]
        assert own == sorted(own)
