"""How something was made: activities, and the versions of entities that they made."""

from __future__ import annotations

import pytest

MODEL = "org.sagebionetworks.repo.model.provenance."


def used_entity(target, version=None, **more):
    reference = {"targetId": target} | ({"targetVersionNumber": version} if version else {})
    return {"concreteType": f"{MODEL}UsedEntity", "reference": reference} | more


@pytest.fixture
def activity(organiser):
    """Describes an activity; returns it."""
    return lambda **fields: organiser.ok("POST", "/activity", {"name": "Scoring", **fields})


@pytest.fixture
def source(organiser, project, new_file):
    return new_file(organiser, project)[0]


@pytest.fixture
def result(organiser, project, new_file):
    return new_file(organiser, project)[0]


def test_an_activity_says_what_was_used_and_run(organiser, activity, source):
    url = {"concreteType": f"{MODEL}UsedURL", "name": "code", "url": "https://example.org/score.py"}
    made = activity(used=[used_entity(source), url | {"wasExecuted": True}], description="of a submission")
    assert organiser.ok("GET", f"/activity/{made['id']}") == made
    entity, code = made["used"]
    # Without a version the current one is meant.
    assert entity["reference"] == {"targetId": source, "targetVersionNumber": 1}
    assert (entity["wasExecuted"], code["wasExecuted"], code["url"]) == (False, True, url["url"])
    assert made["createdBy"] == str(organiser.id)


@pytest.mark.rule("E-03")
def test_saying_what_made_an_entity_changes_its_etag(organiser, activity, result):
    path = f"/entity/{result}/generatedBy"
    etags = [organiser.ok("GET", f"/entity/{result}")["etag"]]
    made = activity()
    assert organiser.ok("PUT", path, None, generatedBy=made["id"]) == made
    etags.append(organiser.ok("GET", f"/entity/{result}")["etag"])
    assert organiser.ok("GET", path) == made
    assert organiser("DELETE", path).status_code == 204
    etags.append(organiser.ok("GET", f"/entity/{result}")["etag"])
    assert len(set(etags)) == 3
    assert organiser.refused("GET", path)[0] == 404


def test_each_version_has_its_own(organiser, activity, result):
    first, second = activity(name="First"), activity(name="Second")
    path = f"/entity/{result}"
    organiser.ok("PUT", f"{path}/generatedBy", None, generatedBy=first["id"])
    organiser.ok("PUT", path, organiser.ok("GET", path), newVersion="true")
    assert organiser.refused("GET", f"{path}/generatedBy")[0] == 404
    organiser.ok("PUT", path, organiser.ok("GET", path), generatedBy=second["id"])
    assert organiser.ok("GET", f"{path}/generatedBy")["name"] == "Second"
    assert organiser.ok("GET", f"{path}/version/1/generatedBy")["name"] == "First"
    assert organiser.ok("GET", f"/activity/{first['id']}/generated")["results"] == [
        {"targetId": result, "targetVersionNumber": 1}
    ]


def test_an_entity_is_made_with_it(organiser, activity, project):
    made = activity()
    body = {"concreteType": "org.sagebionetworks.repo.model.Folder", "parentId": project}
    folder = organiser.ok("POST", "/entity", body, generatedBy=made["id"])
    assert organiser.ok("GET", f"/entity/{folder['id']}/generatedBy")["id"] == made["id"]
    assert organiser.refused("POST", "/entity", body, generatedBy="1")[0] == 404


@pytest.mark.rule("G-15")
def test_an_activity_changes_under_its_etag(organiser, activity):
    made = activity()
    path = f"/activity/{made['id']}"
    changed = organiser.ok("PUT", path, made | {"name": "Better"})
    assert (changed["name"], changed["etag"] != made["etag"]) == ("Better", True)
    assert organiser.refused("PUT", path, made | {"name": "Worse"})[0] == 412
    assert organiser.refused("PUT", path, changed | {"id": "1"})[0] == 400


def test_an_activity_is_its_creators_and_its_readers_(organiser, person, activity, project, result, share):
    made = activity()
    reader = person()
    path = f"/activity/{made['id']}"
    share(organiser, f"/entity/{project}", reader.id, "READ", "UPDATE")
    assert reader.refused("GET", path)[0] == 403
    organiser.ok("PUT", f"/entity/{result}/generatedBy", None, generatedBy=made["id"])
    assert reader.ok("GET", path)["id"] == made["id"]
    assert reader.refused("PUT", path, made)[0] == 403
    assert reader.refused("DELETE", path)[0] == 403
    assert organiser("DELETE", path).status_code == 204
    assert organiser.refused("GET", path)[0] == 404
    assert organiser.refused("GET", f"/entity/{result}/generatedBy")[0] == 404


def test_only_editors_say_what_made_an_entity(organiser, person, activity, project, result, share):
    reader = person()
    share(organiser, f"/entity/{project}", reader.id, "READ")
    own = reader.ok("POST", "/activity", {"name": "Claimed"})
    path = f"/entity/{result}/generatedBy"
    assert reader.refused("PUT", path, None, generatedBy=own["id"])[0] == 403
    assert reader.refused("DELETE", path)[0] == 403
    assert organiser.refused("PUT", path)[0] == 400


@pytest.mark.parametrize(
    "used",
    [
        {"concreteType": "org.sagebionetworks.repo.model.Nonsense"},
        {"concreteType": f"{MODEL}UsedEntity"},
        {"concreteType": f"{MODEL}UsedEntity", "reference": {"targetId": "nonsense"}},
        {"concreteType": f"{MODEL}UsedURL"},
        {"reference": {"targetId": "syn1"}},
    ],
)
def test_what_nothing_can_be_made_of(organiser, used):
    assert organiser.refused("POST", "/activity", {"name": "Wrong", "used": [used]})[0] == 400


def test_nobody_in_particular_made_nothing(anonymous):
    assert anonymous.refused("POST", "/activity", {"name": "Mine"})[0] == 403


def test_synapseclient_stores_reads_and_deletes(organiser, source, result):
    from synapseclient.models import Activity, File, UsedEntity, UsedURL

    synapse = organiser.synapse
    file = File(id=result, download_file=False).get(synapse_client=synapse)
    file.activity = Activity(
        name="Scoring",
        used=[UsedEntity(target_id=source, target_version_number=1), UsedURL(name="paper", url="https://example.org")],
        executed=[UsedURL(name="code", url="https://example.org/code")],
    )
    file.store(synapse_client=synapse)
    found = Activity.from_parent(parent=File(id=result), synapse_client=synapse)
    assert {getattr(each, "target_id", None) or each.url for each in found.used} == {source, "https://example.org"}
    assert [each.name for each in found.executed] == ["code"]
    Activity.delete(parent=File(id=result), synapse_client=synapse)
    assert organiser.refused("GET", f"/entity/{result}/generatedBy")[0] == 404
    assert organiser.refused("GET", f"/activity/{found.id}")[0] == 404


def test_the_older_client_too(organiser, source, result):
    from synapseclient import Activity

    synapse = organiser.synapse
    synapse.setProvenance(result, Activity(name="Scoring", used=[source], executed="https://example.org/code"))
    assert synapse.getProvenance(result)["name"] == "Scoring"
    assert synapse.getProvenance(result, version=1)["used"][0]["reference"]["targetId"] == source
    synapse.deleteProvenance(result)
    assert organiser.refused("GET", f"/entity/{result}/generatedBy")[0] == 404
