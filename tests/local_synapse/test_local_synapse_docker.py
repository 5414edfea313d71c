"""Docker repositories, commits and the token service, as the REST face shows them: no registry and no engine needed."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
from datetime import UTC, datetime

import httpx
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

DOCKER = "org.sagebionetworks.repo.model.docker.DockerRepository"
FOLDER = "org.sagebionetworks.repo.model.Folder"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
HOST = "docker.synapse.org"
SECRET = "known to the registry only"
MANAGED = "Cannot create or update a managed Docker repository."
MANAGED_COMMITS = (
    "Commits for managed Docker repositories are created using the Docker client rather than the Synapse client."
)


def digest_of(number):
    return f"sha256:{number:064x}"


@pytest.fixture
def registry(server):
    """Tells of pushes, as the registry does."""
    server.control("POST", "/control/settings", {"docker_registry_secret": SECRET})

    class Registry:
        def tell(self, *events, auth=("docker-registry", SECRET)):
            headers = {"Content-Type": "application/vnd.docker.distribution.events.v1+json"}
            address = f"{server.url}/dockerRegistryListener/v1/events"
            return httpx.post(address, json={"events": list(events)}, headers=headers, auth=auth, timeout=10)

        def event(self, pusher, path, tag="latest", digest=None, action="push", media_type=MANIFEST):
            target = {"mediaType": media_type, "digest": digest or digest_of(1), "repository": path, "tag": tag}
            return {
                "id": "d1f5",
                "timestamp": "2026-01-02T03:04:05.006Z",
                "action": action,
                "target": target | {"size": 528, "length": 528, "url": "http://registry/v2/"},
                "actor": {"name": str(pusher.id)},
                "request": {"host": "registry:5000", "method": "PUT"},
            }

        def pushed(self, *parts, **more):
            answer = self.tell(self.event(*parts, **more))
            assert answer.status_code == 204, answer.text
            assert answer.content == b""

    return Registry()


@pytest.fixture
def external(unique):
    """Makes an external repository; returns its synID."""

    def external(owner, project, name="quay.io/biocontainers/samtools"):
        body = {"concreteType": DOCKER, "parentId": project, "repositoryName": name}
        return owner.ok("POST", "/entity", body)["id"]

    return external


@pytest.fixture
def image(organiser, project, registry):
    """A managed repository in the organiser's project, with one image; returns its path."""
    registry.pushed(organiser, f"{project}/model")
    return f"{project}/model"


def id_of(person, path):
    return person.ok("GET", "/entity/dockerRepo/id", repositoryName=f"{HOST}/{path}")["id"]


def tags_of(person, entity, **params):
    return {row["tag"]: row["digest"] for row in person.ok("GET", f"/entity/{entity}/dockerTag", **params)["results"]}


@pytest.fixture
def granted(server):
    """What a person gets from the token service, by Basic authentication as Docker does it."""

    def granted(somebody, *scopes, service=HOST):
        auth = (somebody.name, somebody.token) if somebody.token else None
        params = {"service": service, "scope": scopes}
        answer = httpx.get(f"{server.url}/docker/v1/bearerToken", params=params, auth=auth, timeout=10)
        assert answer.status_code == 200, answer.text
        assert set(answer.json()) == {"token"}
        claims = jwt.decode(answer.json()["token"], options={"verify_signature": False})
        return {item["name"]: item["actions"] for item in claims["access"]}

    return granted


# --- names and the entity -------------------------------------------------------------------------------------------


@pytest.mark.rule("D-01")
@pytest.mark.parametrize("name", ["ubuntu", "biocontainers/samtools", "quay.io/a/b", "localhost:5000/x", "h:1/x"])
def test_an_external_repository(organiser, project, external, name):
    found = organiser.ok("GET", f"/entity/{external(organiser, project, name)}")
    assert (found["repositoryName"], found["isManaged"], found["concreteType"]) == (name, False, DOCKER)
    assert "versionNumber" not in found


@pytest.mark.rule("D-01")
def test_managed_and_reserved_names_are_not_for_clients(organiser, project, external):
    body = {"concreteType": DOCKER, "parentId": project}
    managed = body | {"repositoryName": f"{HOST}/{project}/model", "isManaged": True}
    assert organiser.refused("POST", "/entity", managed) == (400, MANAGED)
    for host in ("registry.synapse.org", "docker.synapse.org:5000"):
        status, reason = organiser.refused("POST", "/entity", body | {"repositoryName": f"{host}/model"})
        assert status == 400
        assert reason.endswith("reserved registry host.")
    entity = organiser.ok("GET", f"/entity/{external(organiser, project)}")
    moved = entity | {"repositoryName": f"{HOST}/{project}/model"}
    assert organiser.refused("PUT", f"/entity/{entity['id']}", moved) == (400, MANAGED)


@pytest.mark.rule("D-01")
def test_a_managed_repository_is_not_changed_by_rest(organiser, image):
    entity = organiser.ok("GET", f"/entity/{id_of(organiser, image)}")
    for changed in (entity | {"description": "mine"}, entity | {"repositoryName": "ubuntu", "isManaged": False}):
        assert organiser.refused("PUT", f"/entity/{entity['id']}", changed) == (400, MANAGED)


@pytest.mark.rule("D-01")
def test_an_external_repository_gets_another_name(organiser, project, external):
    entity = organiser.ok("GET", f"/entity/{external(organiser, project)}")
    changed = organiser.ok("PUT", f"/entity/{entity['id']}", entity | {"repositoryName": "ubuntu", "isManaged": True})
    assert (changed["repositoryName"], changed["isManaged"]) == ("ubuntu", False)


@pytest.mark.rule("G-06")
def test_fields_of_other_types(organiser, project):
    body = {"concreteType": DOCKER, "parentId": project, "repositoryName": 2026, "colour": "blue"}
    made = organiser.ok("POST", "/entity", body)
    assert made["repositoryName"] == "2026"
    assert "colour" not in made
    for change in ({"repositoryName": ["ubuntu"]}, {"isManaged": "perhaps"}):
        assert organiser.refused("POST", "/entity", body | change)[0] == 400


@pytest.mark.parametrize("name", [None, "", "Upper/Case", "-x", "a//b", "a/", "a:latest", "a@sha256:0", "a b", "é"])
def test_names_that_no_repository_has(organiser, project, name):
    body = {"concreteType": DOCKER, "parentId": project, "repositoryName": name}
    assert organiser.refused("POST", "/entity", body)[0] == 400


@pytest.mark.rule("E-06")
def test_a_repository_lies_in_a_project_only(organiser, project, new_folder):
    body = {"concreteType": DOCKER, "parentId": new_folder(organiser, project), "repositoryName": "ubuntu"}
    assert organiser.refused("POST", "/entity", body)[0] == 400


def test_synapseclient_stores_and_finds_repositories(organiser, project, image):
    """The models' flow: an external one by its id, a managed one by its name."""
    from synapseclient.models import DockerRepository

    stored = DockerRepository(parent_id=project, repository_name="ubuntu").store(synapse_client=organiser.synapse)
    found = DockerRepository(id=stored.id).get(synapse_client=organiser.synapse)
    assert (found.repository_name, found.is_managed) == ("ubuntu", False)
    managed = DockerRepository(repository_name=f"{HOST}/{image}").get(synapse_client=organiser.synapse)
    assert (managed.id, managed.is_managed) == (id_of(organiser, image), True)
    stored.delete(synapse_client=organiser.synapse)
    assert organiser.refused("GET", f"/entity/{stored.id}")[0] == 404


# --- what the registry tells ----------------------------------------------------------------------------------------


@pytest.mark.rule("D-02")
def test_the_first_push_makes_the_repository(organiser, project, registry):
    registry.pushed(organiser, f"{project}/deep/model", "v1", digest_of(7))
    entity = organiser.ok("GET", f"/entity/{id_of(organiser, f'{project}/deep/model')}")
    assert entity["repositoryName"] == f"{HOST}/{project}/deep/model"
    assert (entity["parentId"], entity["isManaged"], entity["createdBy"]) == (project, True, str(organiser.id))
    assert entity["name"] == entity["id"]
    commits = organiser.ok("GET", f"/entity/{entity['id']}/dockerTag")["results"]
    assert [(row["tag"], row["digest"]) for row in commits] == [("v1", digest_of(7))]
    registry.pushed(organiser, f"{project}/deep/model", "v2", digest_of(8))
    assert tags_of(organiser, entity["id"]) == {"v1": digest_of(7), "v2": digest_of(8)}
    children = organiser.ok("POST", "/entity/children", {"parentId": project, "includeTypes": ["dockerrepo"]})["page"]
    assert [(child["id"], child["type"]) for child in children] == [(entity["id"], DOCKER)]


@pytest.mark.rule("D-02")
def test_only_pushes_of_images_count(organiser, project, registry, image):
    path = f"{project}/other"
    ignored = [
        registry.event(organiser, path, action="pull"),
        registry.event(organiser, path, action="mount"),
        *(
            registry.event(organiser, path, media_type=media_type)
            for media_type in (
                "application/octet-stream",
                "application/vnd.docker.image.rootfs.diff.tar.gzip",
                "application/vnd.docker.distribution.manifest.list.v2+json",
                "application/vnd.oci.image.manifest.v1+json",
                "application/vnd.oci.image.index.v1+json",
            )
        ),
    ]
    assert registry.tell(*ignored).status_code == 204
    assert organiser.refused("GET", "/entity/dockerRepo/id", repositoryName=f"{HOST}/{path}")[0] == 404
    entity = id_of(organiser, image)
    before = organiser.ok("GET", f"/entity/{entity}")["etag"]
    assert registry.tell(registry.event(organiser, image, action="pull")).status_code == 204
    assert organiser.ok("GET", f"/entity/{entity}")["etag"] == before


@pytest.mark.rule("D-02")
def test_a_push_needs_a_project_that_the_user_may_create_in(organiser, person, project, new_folder, registry):
    folder = new_folder(organiser, project)
    for pusher, path, status in (
        (person(), f"{project}/model", 403),
        (organiser, f"{folder}/model", 400),
        (organiser, "model", 400),
        (organiser, "syn1/model", 404),
    ):
        assert registry.tell(registry.event(pusher, path)).status_code == status
    assert organiser.ok("POST", "/entity/children", {"parentId": project, "includeTypes": ["dockerrepo"]})["page"] == []


@pytest.mark.rule("D-02", "E-07")
def test_a_push_needs_a_certified_user(person, new_project, registry, granted):
    novice = person(certified=False)
    path = f"{new_project(novice)}/model"
    assert registry.tell(registry.event(novice, path)).status_code == 403
    assert granted(novice, f"repository:{path}:pull,push") == {path: []}


@pytest.mark.rule("D-02", "E-12")
def test_nothing_is_pushed_into_the_trash(organiser, project, registry, image, granted):
    entity = id_of(organiser, image)
    organiser.ok("DELETE", f"/entity/{entity}")
    assert granted(organiser, f"repository:{image}:pull,push") == {image: []}
    assert registry.tell(registry.event(organiser, image)).status_code == 404


@pytest.mark.rule("D-02")
def test_one_bad_event_undoes_its_notification(organiser, project, registry):
    events = [registry.event(organiser, f"{project}/good"), registry.event(organiser, "bad")]
    assert registry.tell(*events).status_code == 400
    assert organiser.refused("GET", "/entity/dockerRepo/id", repositoryName=f"{HOST}/{project}/good")[0] == 404


def test_only_the_registry_tells_of_pushes(organiser, project, registry):
    event = registry.event(organiser, f"{project}/model")
    assert registry.tell(event, auth=("docker-registry", "guessed")).status_code == 401
    assert registry.tell(event, auth=(organiser.name, organiser.token)).status_code == 401
    assert organiser("POST", "/events", {"events": [event]}, "dockerRegistryListener").status_code == 401
    assert organiser.refused("GET", "/entity/dockerRepo/id", repositoryName=f"{HOST}/{project}/model")[0] == 404


@pytest.mark.parametrize(
    "change",
    [
        {"action": "explode"},
        {"target": "an image"},
        {"target": {"mediaType": MANIFEST, "digest": "sha256:1"}},
        {"target": {"mediaType": MANIFEST, "repository": "syn1/model"}},
        {"actor": {}},
        {"actor": {"name": "somebody"}},
    ],
)
def test_a_notification_of_another_shape(organiser, project, registry, change):
    assert registry.tell(registry.event(organiser, f"{project}/model") | change).status_code == 400


# --- commits --------------------------------------------------------------------------------------------------------


@pytest.mark.rule("D-03")
def test_commits_of_external_repositories_come_by_rest(server, organiser, project, external):
    entity = external(organiser, project)
    server.set_clock(now="2031-02-03T04:05:06Z")
    wish = {"tag": "v1", "digest": digest_of(1), "createdOn": "2001-01-01T00:00:00.000Z"}
    answer = organiser("POST", f"/entity/{entity}/dockerCommit", wish)
    assert (answer.status_code, answer.content) == (204, b"")
    [commit] = organiser.ok("GET", f"/entity/{entity}/dockerTag")["results"]
    assert commit["createdOn"].startswith("2031-02-03T04:05:")
    assert (commit["tag"], commit["digest"]) == ("v1", digest_of(1))


@pytest.mark.rule("D-03")
def test_commits_that_are_refused(organiser, person, project, external, image, new_folder, share):
    entity, wish = external(organiser, project), {"tag": "v1", "digest": digest_of(1)}
    assert organiser.refused("POST", f"/entity/{id_of(organiser, image)}/dockerCommit", wish) == (400, MANAGED_COMMITS)
    assert organiser.refused("POST", f"/entity/{entity}/dockerCommit", {"tag": "v1"})[0] == 400
    assert organiser.refused("POST", f"/entity/{entity}/dockerCommit", {"digest": {"sha256": 1}})[0] == 400
    assert organiser.refused("POST", f"/entity/{new_folder(organiser, project)}/dockerCommit", wish)[0] == 400
    reader = person()
    share(organiser, f"/entity/{project}", reader.id, "READ", "DOWNLOAD")
    assert reader.refused("POST", f"/entity/{entity}/dockerCommit", wish)[0] == 403
    assert organiser.refused("POST", "/entity/syn1/dockerCommit", wish)[0] == 404
    assert tags_of(organiser, entity) == {}


def test_an_untagged_commit_is_listed_under_no_tag(organiser, project, external, queue, wish):
    entity = external(organiser, project)
    organiser.ok("POST", f"/entity/{entity}/dockerCommit", {"digest": digest_of(5)})
    assert organiser.ok("GET", f"/entity/{entity}/dockerTag")["results"] == []
    body, query = wish(organiser, entity, dockerDigest=digest_of(5))
    assert organiser.ok("POST", "/evaluation/submission", body, **query)["dockerDigest"] == digest_of(5)


@pytest.mark.rule("D-04", "S-04")
def test_every_commit_changes_the_etag(organiser, project, external, registry, image, queue, wish):
    latest = {"digest": digest_of(1)}
    for entity, commit in (
        (id_of(organiser, image), lambda _: registry.pushed(organiser, image)),
        (external(organiser, project), lambda made: organiser.ok("POST", f"/entity/{made}/dockerCommit", latest)),
    ):
        body, query = wish(organiser, entity, dockerDigest=digest_of(1))
        commit(entity)
        assert organiser.ok("GET", f"/entity/{entity}")["etag"] != query["etag"]
        assert organiser.refused("POST", "/evaluation/submission", body, **query) == (
            400,
            f"The supplied eTag is out of date. Please fetch Entity {entity} again.",
        )


@pytest.mark.rule("D-05")
@given(st.lists(st.tuples(st.sampled_from(["a", "b", "latest"]), st.integers(1, 4)), max_size=8), st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_latest_commit_of_each_tag(organiser, project, external, unique, pushes, data):
    entity = external(organiser, project)
    latest = {}
    for tag, number in pushes:
        organiser.ok("POST", f"/entity/{entity}/dockerCommit", {"tag": tag, "digest": digest_of(number)})
        latest.pop(tag, None)
        latest[tag] = digest_of(number)
    assert list(tags_of(organiser, entity).items()) == list(latest.items())[::-1]
    assert list(tags_of(organiser, entity, ascending="true").items()) == list(latest.items())
    assert list(tags_of(organiser, entity, sort="TAG", ascending="true").items()) == sorted(latest.items())
    assert list(tags_of(organiser, entity, sort="TAG").items()) == sorted(latest.items(), reverse=True)
    offset, limit = data.draw(st.integers(0, 4)), data.draw(st.integers(1, 4))
    page = tags_of(organiser, entity, sort="TAG", ascending="true", offset=offset, limit=limit)
    assert list(page.items()) == sorted(latest.items())[offset : offset + limit]


@pytest.mark.rule("D-05", "G-08")
def test_a_page_of_tags(organiser, project, registry):
    for number in range(12):
        registry.pushed(organiser, f"{project}/model", f"v{number:02}", digest_of(number))
    entity = id_of(organiser, f"{project}/model")
    first = organiser.ok("GET", f"/entity/{entity}/dockerTag")
    assert [row["tag"] for row in first["results"]] == [f"v{number:02}" for number in range(11, 1, -1)]
    assert first["totalNumberOfResults"] == 11
    rest = organiser.ok("GET", f"/entity/{entity}/dockerTag", offset=10, limit=10)
    assert [row["tag"] for row in rest["results"]] == ["v01", "v00"]
    assert rest["totalNumberOfResults"] == 12


@pytest.mark.rule("D-05")
def test_tags_that_cannot_be_listed(organiser, person, project, image):
    entity = id_of(organiser, image)
    assert person().refused("GET", f"/entity/{entity}/dockerTag")[0] == 403
    assert organiser.refused("GET", f"/entity/{project}/dockerTag")[0] == 400
    assert organiser.refused("GET", f"/entity/{entity}/dockerTag", sort="SIZE")[0] == 400
    assert organiser.refused("GET", f"/entity/{entity}/dockerTag", limit=-1)[0] == 400
    assert organiser.refused("GET", "/entity/syn1/dockerTag")[0] == 404


@pytest.mark.rule("D-05")
def test_a_managed_repository_is_found_by_its_name(organiser, person, project, external, image):
    external(organiser, project, "quay.io/a/b")
    for name in ("quay.io/a/b", f"{HOST}/{project}/none", image):
        assert organiser.refused("GET", "/entity/dockerRepo/id", repositoryName=name) == (
            404,
            f"A repository named {name} does not exist or it is not a managed repository.",
        )
    assert organiser.refused("GET", "/entity/dockerRepo/id")[0] == 400
    assert person().refused("GET", "/entity/dockerRepo/id", repositoryName=f"{HOST}/{image}")[0] == 403


# --- submitting -----------------------------------------------------------------------------------------------------


@pytest.mark.rule("S-05")
def test_a_submission_names_a_digest_that_the_repository_has_had(submitter, registry, wish):
    path = f"{submitter.home}/model"
    for number in (1, 2):
        registry.pushed(submitter, path, "latest", digest_of(number))
    entity = id_of(submitter, path)
    body, query = wish(submitter, entity, dockerRepositoryName="docker.synapse.org/syn1/another")
    assert submitter.refused("POST", "/evaluation/submission", body, **query)[0] == 400
    assert submitter.refused("POST", "/evaluation/submission", body | {"dockerDigest": digest_of(3)}, **query) == (
        400,
        f"The given Docker Repository, {entity}, does not have digest {digest_of(3)}",
    )
    for number in (1, 2):
        made = submitter.ok("POST", "/evaluation/submission", body | {"dockerDigest": digest_of(number)}, **query)
        assert made["dockerDigest"] == digest_of(number)
        assert made["dockerRepositoryName"] == f"{HOST}/{path}"


@pytest.mark.rule("S-05")
def test_a_digest_of_another_repository_is_none(submitter, registry, wish):
    for name, number in (("one", 1), ("two", 2)):
        registry.pushed(submitter, f"{submitter.home}/{name}", "latest", digest_of(number))
    body, query = wish(submitter, id_of(submitter, f"{submitter.home}/one"), dockerDigest=digest_of(2))
    assert submitter.refused("POST", "/evaluation/submission", body, **query)[0] == 400


@pytest.mark.rule("S-05")
def test_other_entities_have_no_digest(submitter, submit):
    made = submit(submitter, dockerDigest=digest_of(1), dockerRepositoryName="ubuntu")
    assert "dockerDigest" not in made
    assert "dockerRepositoryName" not in made


@pytest.mark.rule("S-05", "P-08", "P-20")
def test_synapseclient_submits_the_digest_of_a_tag(submitter, organiser, queue, registry):
    path = f"{submitter.home}/model"
    for tag, number in (("latest", 1), ("final", 2)):
        registry.pushed(submitter, path, tag, digest_of(number))
    entity = submitter.synapse.get(id_of(submitter, path), downloadFile=False)
    assert submitter.synapse.submit(queue, entity)["dockerDigest"] == digest_of(1)
    assert submitter.synapse.submit(queue, entity, dockerTag="final")["dockerDigest"] == digest_of(2)
    bundles = organiser.ok("GET", f"/evaluation/{queue}/submission/bundle/all")["results"]
    assert {bundle["submission"]["dockerRepositoryName"] for bundle in bundles} == {f"{HOST}/{path}"}


def test_synapseclients_model_submits_the_newest_tag(submitter, queue, registry):
    from synapseclient.models import Submission

    path = f"{submitter.home}/model"
    for number in (1, 2):
        registry.pushed(submitter, path, f"v{number}", digest_of(number))
    wish = Submission(entity_id=id_of(submitter, path), evaluation_id=queue)
    stored = wish.store(synapse_client=submitter.synapse)
    assert (stored.docker_digest, stored.docker_repository_name) == (digest_of(2), f"{HOST}/{path}")


# --- the token service ----------------------------------------------------------------------------------------------


@pytest.mark.rule("D-06")
def test_a_token_says_who_for_whom_and_for_how_long(server, organiser, image):
    params = {"service": HOST, "scope": f"repository:{image}:pull"}
    auth = (organiser.name, organiser.token)
    token = httpx.get(f"{server.url}/docker/v1/bearerToken", params=params, auth=auth, timeout=10).json()["token"]
    header = jwt.get_unverified_header(token)
    certificate = x509.load_der_x509_certificate(base64.b64decode(header["x5c"][0]))
    claims = jwt.decode(token, certificate.public_key(), algorithms=["ES256"], audience=HOST)
    assert claims["sub"] == str(organiser.id)
    assert claims["access"] == [{"type": "repository", "name": image, "actions": ["pull"]}]
    assert claims["nbf"] <= datetime.now(UTC).timestamp() < claims["exp"]
    assert certificate.not_valid_before_utc < datetime.now(UTC) < certificate.not_valid_after_utc
    other = jwt.decode(
        httpx.get(f"{server.url}/docker/v1/bearerToken", params=params, auth=auth, timeout=10).json()["token"],
        certificate.public_key(),
        algorithms=["ES256"],
        audience=HOST,
    )
    assert other["jti"] != claims["jti"]


def test_a_key_id_is_as_dockers_token_specification_says(server, organiser):
    params, auth = {"service": HOST}, (organiser.name, organiser.token)
    token = httpx.get(f"{server.url}/docker/v1/bearerToken", params=params, auth=auth, timeout=10).json()["token"]
    header = jwt.get_unverified_header(token)
    certificate = x509.load_der_x509_certificate(base64.b64decode(header["x5c"][0]))
    public = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    groups = header["kid"].split(":")
    assert [len(group) for group in groups] == [4] * 12
    assert base64.b32decode("".join(groups)) == hashlib.sha256(public).digest()[:30]


@pytest.mark.rule("D-06")
def test_pull_needs_download(organiser, person, project, image, share, granted):
    scope = f"repository:{image}:pull"
    friend, reader = person(), person()
    share(organiser, f"/entity/{project}", friend.id, "READ", "DOWNLOAD")
    share(organiser, f"/entity/{project}", reader.id, "READ")
    assert granted(friend, scope) == {image: ["pull"]}
    assert granted(reader, scope) == {image: []}
    assert granted(person(), scope) == {image: []}


@pytest.mark.rule("D-06")
def test_push_needs_create_in_the_project_or_update_of_the_repository(
    organiser, person, project, image, share, granted
):
    creator, editor, stranger = person(), person(), person()
    share(organiser, f"/entity/{project}", creator.id, "READ", "CREATE")
    share(organiser, f"/entity/{project}", editor.id, "READ", "DOWNLOAD", "UPDATE")
    new = f"{project}/new"
    for somebody, in_old, in_new in (
        (organiser, ["pull", "push"], ["pull", "push"]),
        (creator, [], ["pull", "push"]),
        (editor, ["pull", "push"], []),
        (stranger, [], []),
    ):
        assert granted(somebody, f"repository:{image}:pull,push") == {image: in_old}
        assert granted(somebody, f"repository:{new}:pull,push") == {new: in_new}
    assert granted(creator, f"repository:{new}:pull") == {new: []}


@pytest.mark.rule("D-06")
def test_organisers_pull_what_was_submitted_to_them(
    organiser, submitter, person, queue, registry, share, submit, granted
):
    path = f"{submitter.home}/model"
    scope = f"repository:{path}:pull"
    registry.pushed(submitter, path)
    registry.pushed(submitter, f"{submitter.home}/private")
    assert granted(organiser, scope) == {path: []}
    made = submit(submitter, id_of(submitter, path), dockerDigest=digest_of(1))
    assert granted(organiser, scope) == {path: ["pull"]}
    assert granted(organiser, f"repository:{path}:push") == {path: []}
    assert granted(organiser, f"repository:{submitter.home}/private:pull") == {f"{submitter.home}/private": []}
    rival, judge = person(), person()
    share(organiser, f"/evaluation/{queue}", rival.id, "READ", "SUBMIT")
    share(organiser, f"/evaluation/{queue}", judge.id, "READ", "READ_PRIVATE_SUBMISSION")
    assert granted(rival, scope) == {path: []}
    assert granted(judge, scope) == {path: ["pull"]}
    submitter.ok("DELETE", f"/entity/{id_of(submitter, path)}")
    assert granted(submitter, f"repository:{path}:pull,push") == {path: []}
    assert granted(judge, scope) == {path: ["pull"]}
    organiser.ok("DELETE", f"/evaluation/submission/{made['id']}")
    assert granted(judge, scope) == {path: []}


@pytest.mark.rule("D-06")
def test_several_scopes_and_services(organiser, project, image, granted):
    new = f"{project}/new"
    assert granted(organiser) == {}
    both = {image: ["pull"], new: ["push", "pull"]}
    assert granted(organiser, f"repository:{image}:pull", f"repository:{new}:push,pull") == both
    assert granted(organiser, f"repository:{image}:pull repository:{new}:push,pull") == both
    assert granted(organiser, f"repository:{image}:pull", service="registry.example.org") == {image: []}
    assert granted(organiser, f"repository:{image}:delete,*") == {image: []}
    assert granted(organiser, f"plugin:{image}:pull") == {image: []}


def test_the_catalogue_is_for_administrators(organiser, admin, granted):
    assert granted(organiser, "registry:catalog:*") == {"catalog": []}
    assert granted(admin, "registry:catalog:*") == {"catalog": ["*"]}


def test_nobody_gets_nothing(anonymous, organiser, project, image, share, granted):
    share(organiser, f"/entity/{project}", 273949, "READ")
    assert granted(anonymous, f"repository:{image}:pull,push") == {image: []}


@pytest.mark.parametrize("paths", [["no/project"], ["syn1/model"], ["syn0/x"], ["syn/x"]])
def test_paths_without_a_project(organiser, granted, paths):
    assert granted(organiser, *(f"repository:{path}:pull,push" for path in paths)) == {path: [] for path in paths}


@pytest.mark.rule("G-01")
def test_credentials_that_are_none(server, organiser):
    address, params = f"{server.url}/docker/v1/bearerToken", {"service": HOST}
    for auth in ((organiser.name, "guessed"), (organiser.name, "")):
        answer = httpx.get(address, params=params, auth=auth, timeout=10)
        assert answer.status_code == 401
        assert answer.json()["concreteType"].endswith("ErrorResponse")
    broken = httpx.get(address, params=params, headers={"Authorization": "Basic !"}, timeout=10)
    assert broken.status_code == 401


def test_the_token_says_who_it_is(server, organiser, image):
    """The user name beside it does not matter, and a bearer is taken as everywhere."""
    address, params = f"{server.url}/docker/v1/bearerToken", {"service": HOST, "scope": f"repository:{image}:pull"}
    for answer in (
        httpx.get(address, params=params, auth=("anybody", organiser.token), timeout=10),
        organiser.http.get("/docker/v1/bearerToken", params=params),
    ):
        claims = jwt.decode(answer.json()["token"], options={"verify_signature": False})
        assert claims["sub"] == str(organiser.id)
        assert claims["access"][0]["actions"] == ["pull"]


def test_an_engine_that_asks_by_post_first_is_told_to_ask_otherwise(organiser):
    wish = {"grant_type": "password", "service": HOST, "username": organiser.name, "password": organiser.token}
    answer = organiser.http.post("/docker/v1/bearerToken", data=wish)
    assert (answer.status_code, "'POST' not supported" in answer.json()["reason"]) == (405, True)


@pytest.mark.rule("G-02")
def test_what_the_access_token_allows_bounds_what_docker_may(server, organiser, image):
    for scopes, actions in ((["view"], []), (["download"], ["pull"]), (["view", "modify"], ["push"])):
        wish = {"principalId": organiser.id, "scopes": scopes}
        token = server.control("POST", "/control/tokens", wish)["token"]
        params = {"service": HOST, "scope": f"repository:{image}:pull,push"}
        answer = httpx.get(f"{server.url}/docker/v1/bearerToken", params=params, auth=("me", token), timeout=10)
        claims = jwt.decode(answer.json()["token"], options={"verify_signature": False})
        assert claims["access"][0]["actions"] == actions


@pytest.mark.rule("G-03")
def test_docker_is_for_those_who_have_agreed_to_the_terms(server):
    wish = {"userName": "has-not-signed-for-docker", "agreedToTerms": False}
    made = server.control("POST", "/control/users", wish)
    params, auth = {"service": HOST}, (made["userName"], made["token"])
    answer = httpx.get(f"{server.url}/docker/v1/bearerToken", params=params, auth=auth, timeout=10)
    assert (answer.status_code, answer.json()["reason"]) == (403, "Terms of use have not been signed.")


@pytest.mark.rule("D-06")
@pytest.mark.parametrize("scope", ["repository", "repository:", "repository:syn1/x", "a::b", "repository:x:"])
def test_requests_of_another_form(organiser, scope):
    for params in ({"service": HOST, "scope": scope}, {"scope": "repository:x:pull"}):
        assert organiser.http.get("/docker/v1/bearerToken", params=params).status_code == 400


# --- starting -------------------------------------------------------------------------------------------------------


def test_a_registry_that_is_not_installed(tmp_path):
    command = [sys.executable, "-m", "airflow_synapse_challenge.local_synapse", "--port", "0"]
    done = subprocess.run(
        [*command, "--data", str(tmp_path / "data"), "--docker-registry"],
        env={"PATH": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "install the Debian package docker-registry" in done.stderr
    assert "Traceback" not in done.stderr


def test_who_wants_no_registry_pays_for_none():
    code = (
        "import sys, airflow_synapse_challenge.local_synapse.command as command\n"
        "print([name for name in ('jwt', 'cryptography', 'docker') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"
