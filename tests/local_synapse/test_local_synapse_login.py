"""Who calls, and what others see of them."""

from __future__ import annotations

import urllib.error

import httpx
import pytest

FOLDER = "org.sagebionetworks.repo.model.Folder"


@pytest.fixture
def ask(server):
    """Asks with a token; returns status and reason, ``None`` for a success."""

    def ask(token, method, path, body=None, **query):
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx.request(method, server.url + path, json=body, params=query, headers=headers, timeout=30)
        return answer.status_code, answer.json().get("reason") if answer.is_error else None

    return ask


@pytest.fixture
def token_for(server):
    """Makes another token of somebody, which allows only some things."""

    def token_for(somebody, *scopes):
        wish = {"principalId": somebody.id, "scopes": list(scopes)}
        return server.control("POST", "/control/tokens", wish)["token"]

    return token_for


@pytest.mark.rule("P-15", "X-04")
def test_synapseclient_finds_people_by_name_and_id(person):
    """P-15: user names are looked up by their prefix and matched exactly."""
    ada = person(first_name="Ada", last_name="Lovelace")
    namesake = person()
    assert ada.synapse.getUserProfile()["userName"] == ada.name
    assert namesake.synapse.getUserProfile(ada.name)["ownerId"] == str(ada.id)
    assert namesake.synapse.getUserProfile(ada.id)["lastName"] == "Lovelace"


@pytest.mark.rule("P-02")
def test_synapseclient_refuses_a_token_that_nobody_has(server, tmp_path):
    """P-02."""
    import synapseclient

    synapse = synapseclient.Synapse(
        repoEndpoint=server.endpoints["repo"],
        authEndpoint=server.endpoints["auth"],
        fileHandleEndpoint=server.endpoints["file"],
        portalEndpoint=server.url,
        skip_checks=True,
        silent=True,
        cache_client=False,
        cache_root_dir=str(tmp_path),
        configPath=str(tmp_path / "none"),
    )
    with pytest.raises(synapseclient.core.exceptions.SynapseAuthenticationError):
        synapse.login(authToken="nobody's", silent=True)


@pytest.mark.rule("G-01")
def test_an_unknown_token_is_refused_with_a_challenge(anonymous):
    """G-01."""
    answer = anonymous.http.get("/repo/v1/userProfile", headers={"Authorization": "Bearer nobody's"})
    assert answer.status_code == 401
    assert answer.json()["reason"] == "Invalid access token"
    assert answer.json()["concreteType"] == "org.sagebionetworks.repo.model.ErrorResponse"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.rule("G-01", "X-03")
def test_no_token_is_the_anonymous_user(anonymous):
    """G-01, X-03."""
    profile = anonymous.ok("GET", "/userProfile")
    assert (profile["ownerId"], profile["userName"]) == ("273950", "anonymous")


@pytest.mark.rule("G-01")
def test_the_older_header_carries_the_same_token(anonymous, organiser):
    """G-01."""
    answer = anonymous.http.get("/repo/v1/userProfile", headers={"sessionToken": organiser.token})
    assert answer.json()["ownerId"] == str(organiser.id)


@pytest.mark.rule("X-03")
def test_mail_addresses_are_for_their_owner(person):
    """X-03."""
    ada, other = person(), person()
    assert ada.ok("GET", "/userProfile")["emails"]
    assert ada.ok("GET", f"/userProfile/{ada.id}")["emails"]
    assert "emails" not in other.ok("GET", f"/userProfile/{ada.id}")
    assert "emails" not in other.ok("POST", "/userProfile", {"list": [str(ada.id)]})["list"][0]


def test_a_user_who_is_not_there(organiser):
    status, reason = organiser.refused("GET", "/userProfile/999999999")
    assert status == 404
    assert "999999999" in reason


@pytest.mark.rule("X-04")
def test_headers_by_prefix_take_the_prefix_literally(server, organiser, unique):
    """X-04: percent signs and underscores stand for themselves."""
    stem = unique("under").replace(" ", "_")
    server.create_user(stem)
    server.create_user(stem.replace("_", "x"))
    found = organiser.ok("GET", "/userGroupHeaders", prefix=stem)
    assert [child["userName"] for child in found["children"]] == [stem]
    assert found["children"][0]["isIndividual"] is True
    assert organiser.ok("GET", "/userGroupHeaders", prefix="%")["children"] == []


def test_headers_by_id_leave_unknown_ones_out(organiser):
    found = organiser.ok("GET", "/userGroupHeaders/batch", ids=f"{organiser.id},999999999")
    assert [child["ownerId"] for child in found["children"]] == [str(organiser.id)]


@pytest.mark.rule("X-05")
def test_the_principal_of_a_user_name(organiser, person):
    """X-05."""
    ada = person()
    assert organiser.ok("POST", "/principal/alias", {"alias": ada.name, "type": "USER_NAME"}) == {"principalId": ada.id}
    assert organiser.refused("POST", "/principal/alias", {"alias": "nobody here", "type": "USER_NAME"})[0] == 404
    assert organiser.refused("POST", "/principal/alias", {"alias": ada.name, "type": "TEAM_NAME"})[0] == 400


def test_a_bundle_holds_what_the_mask_asks_for(person):
    ada = person(certified=False)
    bundle = ada.ok("GET", f"/user/{ada.id}/bundle", mask=1 | 8)
    assert bundle == {
        "userId": str(ada.id),
        "userProfile": ada.ok("GET", "/userProfile"),
        "isCertified": False,
    }


def test_a_user_name_is_given_once(server, person):
    ada = person()
    with pytest.raises(urllib.error.HTTPError, match="409"):
        server.create_user(ada.name.upper())


@pytest.mark.rule("P-01")
@pytest.mark.parametrize("service", ["repo", "auth", "file"])
def test_the_root_of_a_service_answers(anonymous, service):
    """P-01: below 500 is fine."""
    assert anonymous("GET", "", service=service).status_code < 500


def test_a_trailing_slash_changes_nothing(organiser):
    assert organiser.ok("GET", "/userProfile/") == organiser.ok("GET", "/userProfile")


def test_a_body_that_is_not_json(organiser):
    answer = organiser.http.post("/repo/v1/entity", content=b"{not json", headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "JSON" in answer.json()["reason"]


@pytest.mark.rule("P-02")
def test_synapseclient_logs_in_with_one_request(server, person):
    server.reset_calls()
    ada = person()
    assert ada.synapse.credentials.username == ada.name
    assert ada.synapse.credentials.owner_id == str(ada.id)
    assert server.calls() == {"GET /repo/v1/userProfile": 1}


@pytest.mark.rule("G-02")
def test_a_token_allows_what_its_scopes_say(ask, person, token_for, unique):
    ada = person()
    team = {"name": unique("T")}
    for scopes, path, body, allowed in (
        (["view"], "/repo/v1/team", team, False),
        (["modify"], "/repo/v1/team", team, False),
        (["view", "modify"], "/repo/v1/team", team, True),
        (["view"], "/repo/v1/principal/alias", {"alias": ada.name, "type": "USER_NAME"}, True),
        (["modify"], "/repo/v1/principal/alias", {"alias": ada.name, "type": "USER_NAME"}, False),
    ):
        status, reason = ask(token_for(ada, *scopes), "POST", path, body)
        if allowed:
            assert reason is None
        else:
            assert (status, "Request lacks scope(s) required by this service:" in reason) == (403, True)


@pytest.mark.rule("G-02")
def test_reading_and_downloading_are_two_scopes(ask, person, token_for, upload):
    ada = person()
    body = {"recipients": [str(ada.id)], "fileHandleId": upload(ada, b"text")}
    message = ada.ok("POST", "/message", body)["id"]
    viewer, downloader = token_for(ada, "view"), token_for(ada, "download")
    path = f"/repo/v1/message/{message}"
    assert [ask(token, "GET", path)[0] for token in (viewer, downloader)] == [200, 403]
    assert [ask(token, "GET", f"{path}/file")[0] for token in (viewer, downloader)] == [403, 307]
    assert ask(token_for(ada, "view", "modify", "download"), "GET", f"{path}/file")[0] == 307


@pytest.mark.rule("G-02")
def test_an_operation_needs_no_scope_of_who_has_no_token(anonymous):
    assert anonymous.ok("GET", "/userGroupHeaders", prefix="participant")["children"]


@pytest.mark.rule("G-03")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/repo/v1/userProfile"),
        ("POST", "/repo/v1/team"),
        ("POST", "/file/v1/externalFileHandle"),
    ],
)
def test_terms_of_use_come_first(server, ask, unique, method, path):
    wish = {"userName": unique("new").replace(" ", "-"), "agreedToTerms": False}
    token = server.control("POST", "/control/users", wish)["token"]
    assert ask(token, method, path, {} if method == "POST" else None) == (403, "Terms of use have not been signed.")


@pytest.mark.rule("G-14")
def test_everybody_belongs_to_the_public_and_who_logs_in_to_the_authenticated(
    anonymous, organiser, person, project, share
):
    ada, path = person(), f"/entity/{project}"
    assert ada.refused("GET", path)[0] == 403
    share(organiser, path, 273948, "READ")
    assert ada.ok("GET", path)["id"] == project
    assert anonymous.refused("GET", path)[0] == 403
    share(organiser, path, 273949, "READ")
    assert anonymous.ok("GET", path)["id"] == project


@pytest.mark.rule("G-14")
def test_members_have_the_rights_of_their_team(organiser, person, project, share, unique):
    captain, member = person(), person()
    team = captain.ok("POST", "/team", {"name": unique("T"), "canPublicJoin": True})["id"]
    share(organiser, f"/entity/{project}", int(team), "READ")
    assert member.refused("GET", f"/entity/{project}")[0] == 403
    member.ok("PUT", f"/team/{team}/member/{member.id}")
    assert member.ok("GET", f"/entity/{project}")["id"] == project
    member.ok("DELETE", f"/team/{team}/member/{member.id}")
    assert member.refused("GET", f"/entity/{project}")[0] == 403


@pytest.mark.rule("G-14")
def test_the_certified_have_the_rights_of_group_3(organiser, person, project, share):
    share(organiser, f"/entity/{project}", 3, "READ")
    assert person().ok("GET", f"/entity/{project}")["id"] == project
    assert person(certified=False).refused("GET", f"/entity/{project}")[0] == 403


@pytest.mark.rule("G-14")
def test_administrators_pass_every_list(admin, person, new_project, unique):
    ada = person()
    project = new_project(ada)
    assert admin.ok("GET", f"/entity/{project}")["id"] == project
    admin.ok("POST", "/entity", {"concreteType": FOLDER, "parentId": project, "name": unique("F")})
    team = ada.ok("POST", "/team", {"name": unique("T")})
    assert admin.ok("PUT", "/team", team | {"description": "d"})["description"] == "d"
