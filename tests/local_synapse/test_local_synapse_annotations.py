"""Annotations of entities."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest


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
