"""The merge of annotations, as rules."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_synapse_challenge.errors import ConfigurationError
from airflow_synapse_challenge.synapse import annotation_stores
from airflow_synapse_challenge.synapse.statuses import SubmissionStatus

keys = st.text("abcdefgh_.", min_size=1, max_size=8)
scalars = st.one_of(st.text(max_size=50), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=True))
values = st.one_of(scalars, st.lists(st.floats(allow_nan=True), max_size=4))
documents = st.dictionaries(keys, values, max_size=8)


def empty():
    return SubmissionStatus.model_validate({"id": "1", "etag": "a", "status": "RECEIVED"})


def usable(document):
    return {
        key: value
        for key, value in document.items()
        if value != [] and not (isinstance(value, float) and not math.isfinite(value)) and not isinstance(value, list)
    }


@given(documents, documents)
def test_private_keys_stay_out_of_the_store_that_views_show(public, private):
    private = {key: value for key, value in private.items() if key not in public}
    status = annotation_stores.merge(empty(), public=public, private=private)
    shown = (status.submission_annotations or {}).get("annotations", {})
    assert not set(shown) & set(private)
    hidden = annotation_stores.private_keys(status)
    assert hidden <= set(private)
    assert set(usable(private)) <= hidden


@given(documents)
def test_what_is_written_is_read(public):
    found = annotation_stores.read(annotation_stores.merge(empty(), public=public))
    for key, value in usable(public).items():
        assert found[key] == value
        assert type(found[key]) is type(value)


@given(documents, documents)
def test_keys_of_others_survive_and_a_repetition_changes_nothing(first, second):
    once = annotation_stores.merge(empty(), public=first)
    twice = annotation_stores.merge(once, public=second)
    kept = annotation_stores.read(twice)
    for key, value in annotation_stores.read(once).items():
        if key not in second:
            assert kept[key] == value
    assert annotation_stores.merge(twice, public=second) == annotation_stores.merge(
        annotation_stores.merge(twice, public=second), public=second
    )


def test_unknown_fields_survive():
    status = SubmissionStatus.model_validate(
        {"id": "1", "etag": "a", "status": "RECEIVED", "newField": {"x": 1}, "annotations": {"scopeId": "7"}}
    )
    merged = annotation_stores.merge(status, public={"a": 1})
    assert merged.to_json()["newField"] == {"x": 1}
    assert merged.annotations["scopeId"] == "7"


def test_a_key_is_public_or_private():
    with pytest.raises(ConfigurationError, match="either public or private"):
        annotation_stores.merge(empty(), public={"a": 1}, private={"a": 1})


def test_a_key_that_synapse_refuses():
    with pytest.raises(ConfigurationError, match="cannot name an annotation"):
        annotation_stores.merge(empty(), public={"a-b": 1})
