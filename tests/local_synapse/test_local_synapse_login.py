"""Who calls, and what others see of them."""

from __future__ import annotations

import urllib.error

import pytest


def test_synapseclient_finds_people_by_name_and_id(person):
    """P-15: user names are looked up by their prefix and matched exactly."""
    ada = person(first_name="Ada", last_name="Lovelace")
    namesake = person()
    assert ada.synapse.getUserProfile()["userName"] == ada.name
    assert namesake.synapse.getUserProfile(ada.name)["ownerId"] == str(ada.id)
    assert namesake.synapse.getUserProfile(ada.id)["lastName"] == "Lovelace"


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


def test_an_unknown_token_is_refused_with_a_challenge(anonymous):
    """G-01."""
    answer = anonymous.http.get("/repo/v1/userProfile", headers={"Authorization": "Bearer nobody's"})
    assert answer.status_code == 401
    assert answer.json()["reason"] == "Invalid access token"
    assert answer.json()["concreteType"] == "org.sagebionetworks.repo.model.ErrorResponse"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_no_token_is_the_anonymous_user(anonymous):
    """G-01, X-03."""
    profile = anonymous.ok("GET", "/userProfile")
    assert (profile["ownerId"], profile["userName"]) == ("273950", "anonymous")


def test_the_older_header_carries_the_same_token(anonymous, organiser):
    """G-01."""
    answer = anonymous.http.get("/repo/v1/userProfile", headers={"sessionToken": organiser.token})
    assert answer.json()["ownerId"] == str(organiser.id)


def test_mail_addresses_are_for_their_owner(person):
    """X-03."""
    ada, other = person(), person()
    assert ada.ok("GET", "/userProfile")["emails"]
    assert ada.ok("GET", f"/userProfile/{ada.id}")["emails"]
    assert "emails" not in other.ok("GET", f"/userProfile/{ada.id}")
    assert "emails" not in other.ok("POST", "/userProfile", {"list": [str(ada.id)]})["list"][0]


def test_a_user_who_is_not_there(organiser):
    status, reason = organiser.refused("GET", "/userProfile/1")
    assert status == 404
    assert "1" in reason


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
    found = organiser.ok("GET", "/userGroupHeaders/batch", ids=f"{organiser.id},1")
    assert [child["ownerId"] for child in found["children"]] == [str(organiser.id)]


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
