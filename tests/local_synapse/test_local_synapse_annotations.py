"""Annotations of entities."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def text(*values):
    return {"type": "STRING", "value": list(values)}


@pytest.fixture
def annotate(organiser):
    """Writes annotations of an entity under its etag; returns the answer."""

    def annotate(entity, annotations):
        etag = organiser.ok("GET", f"/entity/{entity}")["etag"]
        return organiser("PUT", f"/entity/{entity}/annotations2", {"etag": etag, "annotations": annotations})

    return annotate


def test_synapseclient_reads_the_types_that_it_wrote(organiser, project):
    from synapseclient.models import Folder

    values = {
        "texts": ["a", "ü"],
        "numbers": [1, -2],
        "fractions": [0.5],
        "truths": [True, False],
        "moments": [datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)],
    }
    made = Folder(name="Typed", parent_id=project, annotations=values).store(synapse_client=organiser.synapse)
    assert dict(Folder(id=made.id).get(synapse_client=organiser.synapse).annotations) == values


def test_storing_again_with_fewer_takes_the_others_away(organiser, project):
    from synapseclient.models import Folder

    made = Folder(name="Fewer", parent_id=project, annotations={"a": ["1"], "b": ["2"]}).store(
        synapse_client=organiser.synapse
    )
    found = Folder(id=made.id).get(synapse_client=organiser.synapse)
    found.annotations = {"b": ["3"]}
    found.store(synapse_client=organiser.synapse)
    assert dict(Folder(id=made.id).get(synapse_client=organiser.synapse).annotations) == {"b": ["3"]}


@pytest.mark.rule("U-09", "E-11")
def test_values_are_texts_in_answers(organiser, project, annotate):
    annotate(project, {"number": {"type": "LONG", "value": [7]}, "truth": {"type": "BOOLEAN", "value": [True]}})
    found = organiser.ok("GET", f"/entity/{project}/annotations2")
    assert found["annotations"] == {
        "number": {"type": "LONG", "value": ["7"]},
        "truth": {"type": "BOOLEAN", "value": ["true"]},
    }
    assert found["etag"] == organiser.ok("GET", f"/entity/{project}")["etag"]


@pytest.mark.rule("E-11")
def test_a_put_replaces_and_a_bundle_merges(organiser, project, annotate):
    annotate(project, {"a": text("1"), "b": text("2")})
    annotate(project, {"b": text("3")})
    assert set(organiser.ok("GET", f"/entity/{project}/annotations2")["annotations"]) == {"b"}
    organiser.ok("PUT", f"/entity/{project}/bundle2", {"annotations": {"annotations": {"c": text("4")}}})
    merged = organiser.ok("GET", f"/entity/{project}/annotations2")["annotations"]
    assert merged == {"b": text("3"), "c": text("4")}


@pytest.mark.rule("E-11")
def test_an_old_etag_writes_nothing(organiser, project, annotate):
    """412."""
    old = organiser.ok("GET", f"/entity/{project}")["etag"]
    annotate(project, {"a": text("first")})
    body = {"etag": old, "annotations": {"a": text("second")}}
    assert organiser.refused("PUT", f"/entity/{project}/annotations2", body)[0] == 412
    assert organiser.ok("GET", f"/entity/{project}/annotations2")["annotations"] == {"a": text("first")}


@pytest.mark.rule("E-11")
def test_an_entity_without_annotations_has_an_empty_set(organiser, project):
    assert organiser.ok("GET", f"/entity/{project}/annotations2")["annotations"] == {}


@pytest.mark.rule("U-08")
@pytest.mark.parametrize(
    ("annotations", "words"),
    [
        ({"a b": text("x")}, "Invalid annotation name"),
        ({"ä": text("x")}, "Invalid annotation name"),
        ({"_AccessRequirementIds": text("x")}, "_AccessRequirementIds"),
        ({"a": text("x" * 251, "y" * 250)}, "Total String value too long"),
        ({"a": text(None)}, "null is not allowed"),
        ({"a": text(*"x" * 101)}, "100"),
        ({"a": {"type": "LONG", "value": ["1.5"]}}, "1.5"),
        ({"a": {"type": "DOUBLE", "value": ["much"]}}, "much"),
        ({"a": {"type": "BOOLEAN", "value": ["perhaps"]}}, "perhaps"),
        ({"a": {"type": "TIMESTAMP_MS", "value": ["today"]}}, "today"),
        ({"a": {"type": "COLOUR", "value": ["red"]}}, "STRING"),
        ({f"key{number}": text("x") for number in range(101)}, "100"),
    ],
)
def test_annotations_that_are_refused(annotate, project, annotations, words):
    answer = annotate(project, annotations)
    assert answer.status_code == 400
    assert words in answer.json()["reason"]


@pytest.mark.rule("U-08")
def test_annotations_at_the_bounds(annotate, project):
    annotations = {f"key.{number},_": text("x" * 500) for number in range(98)}
    annotations |= {"double": {"type": "DOUBLE", "value": ["NaN", "-Infinity", "1e5"]}}
    annotations |= {"truth": {"type": "BOOLEAN", "value": ["TRUE"]}}
    assert annotate(project, annotations).status_code == 200


def test_readers_see_annotations_and_do_not_change_them(organiser, person, project, share):
    reader = person()
    assert reader.refused("GET", f"/entity/{project}/annotations2")[0] == 403
    share(organiser, f"/entity/{project}", reader.id, "READ")
    found = reader.ok("GET", f"/entity/{project}/annotations2")
    assert reader.refused("PUT", f"/entity/{project}/annotations2", found)[0] == 403


def test_a_create_bundle_with_bad_annotations_makes_nothing(organiser, project):
    """All or nothing."""
    body = {
        "entity": {"concreteType": "org.sagebionetworks.repo.model.Folder", "name": "Half", "parentId": project},
        "annotations": {"annotations": {"bad key": text("x")}},
    }
    assert organiser.refused("POST", "/entity/bundle2/create", body)[0] == 400
    assert organiser.refused("POST", "/entity/child", {"parentId": project, "entityName": "Half"})[0] == 404


@pytest.mark.rule("E-11", "U-08")
def test_a_put_needs_an_etag_and_annotations_that_are_some(organiser, project):
    path = f"/entity/{project}/annotations2"
    status, reason = organiser.refused("PUT", path, {"annotations": {}})
    assert (status, reason) == (400, "etag is required.")
    etag = organiser.ok("GET", f"/entity/{project}")["etag"]
    for wrong in ([], {"a": "1"}, {"a": {"type": "STRING", "value": "1"}}, {"a": {"type": "STRING", "value": [{}]}}):
        assert organiser.refused("PUT", path, {"etag": etag, "annotations": wrong})[0] == 400
    assert organiser.ok("GET", path)["etag"] == etag


@pytest.mark.rule("U-08", "U-09")
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["LONG", "TIMESTAMP_MS", "DOUBLE", "BOOLEAN"]),
    value=st.one_of(
        st.integers(),
        st.floats(),
        st.booleans(),
        st.text("0123456789+-.eE_ naifNAIF", max_size=12),
        st.sampled_from(["TRUE", "fAlse", "1_000", "0x10", " 7", "9223372036854775807", "9223372036854775808"]),
    ),
)
def test_a_value_that_does_not_parse_is_refused(annotate, project, kind, value):
    """As Java would read it: no underscores, no spaces, 64 bits."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    whole = re.fullmatch(r"[+-]?[0-9]+", text) is not None and -(2**63) <= int(text) < 2**63
    number = r"[+-]?(nan|inf(inity)?|([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?)"
    fits = {
        "LONG": whole,
        "TIMESTAMP_MS": whole,
        "DOUBLE": re.fullmatch(number, text, re.IGNORECASE) is not None,
        "BOOLEAN": text.lower() in ("true", "false"),
    }[kind]
    if isinstance(value, float) and not math.isfinite(value):
        value = text
    answer = annotate(project, {"key": {"type": kind, "value": [value]}})
    assert answer.status_code == (200 if fits else 400)
    if fits:
        assert answer.json()["annotations"] == {"key": {"type": kind, "value": [text]}}
    else:
        assert answer.json()["reason"] == f"Value associated with key=key is not valid for type={kind}: {text}"


def test_the_older_generation_reads_what_the_newer_wrote(organiser, project, annotate):
    annotate(project, {
        "text": text("a", "b"),
        "truth": {"type": "BOOLEAN", "value": [True]},
        "whole": {"type": "LONG", "value": [7]},
        "real": {"type": "DOUBLE", "value": [0.5, "NaN"]},
        "moment": {"type": "TIMESTAMP_MS", "value": [1700000000000]},
    })  # fmt: skip
    found = organiser.ok("GET", f"/entity/{project}/annotations")
    assert found["stringAnnotations"] == {"text": ["a", "b"], "truth": ["true"]}
    assert (found["longAnnotations"], found["doubleAnnotations"]) == ({"whole": [7]}, {"real": [0.5, "NaN"]})
    assert (found["dateAnnotations"], found["blobAnnotations"]) == ({"moment": [1700000000000]}, {})
    assert (found["id"], found["uri"]) == (project, f"/entity/{project}/annotations")
    assert organiser.ok("GET", f"/entity/{project}/version/1/annotations") == found


@pytest.mark.rule("G-15")
def test_the_newer_generation_reads_what_the_older_wrote(organiser, person, project):
    path = f"/entity/{project}/annotations"
    found = organiser.ok("GET", path)
    values = {"stringAnnotations": {"a": ["x"]}, "longAnnotations": {"b": [1]}, "dateAnnotations": {"c": [2]}}
    changed = organiser.ok("PUT", path, found | values | {"doubleAnnotations": {"d": [2.5]}})
    assert changed["etag"] != found["etag"]
    assert organiser.ok("GET", f"{path}2")["annotations"] == {
        "a": text("x"),
        "b": {"type": "LONG", "value": ["1"]},
        "c": {"type": "TIMESTAMP_MS", "value": ["2"]},
        "d": {"type": "DOUBLE", "value": ["2.5"]},
    }
    assert organiser.refused("PUT", path, found | values)[0] == 412
    assert organiser.refused("PUT", path, changed | {"longAnnotations": {"b": ["much"]}})[0] == 400
    assert person().refused("GET", path)[0] == 403
