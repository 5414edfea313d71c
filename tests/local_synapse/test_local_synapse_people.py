"""User profiles: who sees what of them, who changes them, how people are found."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PRIVATE = ("emails", "openIds", "notificationSettings", "rStudioUrl", "preferences")
PREFERENCE = {
    "concreteType": "org.sagebionetworks.repo.model.UserPreferenceBoolean",
    "name": "dark",
    "value": True,
}


@pytest.fixture
def ada(person):
    return person(first_name="Ada", last_name="Lovelace")


@pytest.fixture
def full(ada):
    """A profile with everything that somebody can say of themselves."""
    said = {
        "summary": "Notes",
        "position": "Analyst",
        "location": "London",
        "industry": "Engines",
        "company": "Self",
        "url": "https://example.org",
        "teamName": "Babbage",
        "rStudioUrl": "https://example.org/r",
        "notificationSettings": {"sendEmailNotifications": False, "markEmailedMessagesAsRead": True},
        "preferences": [PREFERENCE],
    }
    return ada.ok("PUT", "/userProfile", ada.ok("GET", "/userProfile") | said)


@pytest.mark.rule("X-03")
def test_private_fields_are_for_their_owner_and_administrators(admin, ada, full, person):
    assert ada.ok("GET", "/userProfile") == admin.ok("GET", f"/userProfile/{ada.id}") == full
    for seen in (
        person().ok("GET", f"/userProfile/{ada.id}"),
        person().ok("POST", "/userProfile", {"list": [ada.id]})["list"][0],
        person().ok("GET", f"/user/{ada.id}/bundle", mask=1)["userProfile"],
    ):
        assert seen == {key: value for key, value in full.items() if key not in PRIVATE}


@pytest.mark.rule("X-03")
def test_the_anonymous_user_has_a_profile(anonymous):
    for path in ("/userProfile", "/userProfile/273950"):
        profile = anonymous.ok("GET", path)
        assert (profile["ownerId"], profile["userName"]) == ("273950", "anonymous")
    assert anonymous.refused("PUT", "/userProfile", profile)[0] == 403


@pytest.mark.rule("G-15")
def test_a_profile_is_changed_by_its_owner_under_its_etag(admin, ada, full, person):
    assert ada.refused("PUT", "/userProfile", full | {"etag": "old"})[0] == 412
    for other in (person(), admin):
        assert other.refused("PUT", "/userProfile", full)[0] == 403
    changed = ada.ok("PUT", "/userProfile", {"ownerId": ada.id, "etag": full["etag"], "firstName": "Augusta"})
    assert (changed["firstName"], changed["userName"], changed["emails"]) == ("Augusta", ada.name, full["emails"])
    assert "company" not in changed
    assert ada.ok("GET", "/userProfile") == changed


def test_what_nobody_says_of_themselves(ada, full):
    changed = ada.ok("PUT", "/userProfile", full | {"emails": ["other@example.org"], "createdOn": full["etag"]})
    assert (changed["emails"], changed["createdOn"]) == (full["emails"], full["createdOn"])


@pytest.mark.rule("M-01")
def test_a_user_name_is_nobody_elses_and_well_formed(ada, full, person, unique):
    team = ada.ok("POST", "/team", {"name": unique("T")})["name"]
    for name in ("ab", "has space", "ö" * 4):
        assert ada.refused("PUT", "/userProfile", full | {"userName": name})[0] == 400
    other = person()
    for name in (other.name.upper(), team.replace(" ", "_"), other.name.replace("-", ".")):
        assert ada.refused("PUT", "/userProfile", full | {"userName": name}) == (409, f"Name {name} is already used.")
    renamed = ada.name.replace("-", "_").upper()
    assert ada.ok("PUT", "/userProfile", full | {"userName": renamed})["userName"] == renamed
    assert other.ok("POST", "/principal/alias", {"alias": ada.name, "type": "USER_NAME"}) == {"principalId": ada.id}


@pytest.mark.rule("G-06")
def test_ill_typed_fields_of_a_profile(ada, full):
    for wrong in ({"firstName": ["A"]}, {"notificationSettings": "no"}, {"preferences": {}}):
        assert ada.refused("PUT", "/userProfile", full | wrong)[0] == 400
    assert ada.ok("PUT", "/userProfile", full | {"company": 42, "location": None, "other": 1}) == (
        {key: value for key, value in full.items() if key != "location"}
        | {"company": "42", "etag": ada.ok("GET", "/userProfile")["etag"]}
    )


def test_a_picture_is_for_everybody(ada, person, upload):
    assert ada.refused("GET", f"/userProfile/{ada.id}/image")[0] == 404
    picture = upload(ada, b"a face", "me.png")
    ada.ok("PUT", "/userProfile", ada.ok("GET", "/userProfile") | {"profilePicureFileHandleId": picture})
    other = person()
    assert httpx.get(other("GET", f"/userProfile/{ada.id}/image", redirect="false").text).content == b"a face"
    wanted = {"fileHandleId": picture, "associateObjectId": str(ada.id), "associateObjectType": "UserProfileAttachment"}
    body = {"requestedFiles": [wanted], "includeFileHandles": False, "includePreSignedURLs": True}
    (found,) = other.ok("POST", "/fileHandle/batch", body, "file")["requestedFiles"]
    assert httpx.get(found["preSignedURL"]).content == b"a face"
    theirs = other.ok("GET", "/userProfile") | {"profilePicureFileHandleId": picture}
    assert other.refused("PUT", "/userProfile", theirs)[0] == 403


@pytest.mark.rule("G-10")
def test_all_profiles_page_by_page(ada, person):
    everybody = ada.ok("GET", "/user")["results"]
    page = ada.ok("GET", "/user", limit=2, offset=1)
    assert [profile["ownerId"] for profile in page["results"]] == [each["ownerId"] for each in everybody[1:3]]
    assert page["totalNumberOfResults"] == 4
    newest = [int(profile["ownerId"]) for profile in ada.ok("GET", "/user", limit=3, ascending="false")["results"]]
    assert newest == sorted(newest, reverse=True)
    assert newest[0] >= ada.id


def test_one_bundle_holds_flags(ada, admin):
    bundle = ada.ok("GET", "/user/bundle", mask=127)
    assert bundle == ada.ok("GET", f"/user/{ada.id}/bundle", mask=127)
    assert bundle == {
        "userId": str(ada.id),
        "userProfile": ada.ok("GET", "/userProfile"),
        "isCertified": True,
        "isVerified": False,
        "isACTMember": False,
        "isARReviewer": False,
    }
    assert ada.refused("GET", "/user/bundle")[0] == 400
    assert ada.refused("GET", "/user/999999999/bundle", mask=1)[0] == 404


@pytest.mark.rule("G-14", "E-07")
def test_certification(server, admin, ada, new_project, new_folder):
    """Certified users are in group 3, and only they make content."""
    from synapseclient.models import UserProfile

    project = new_project(ada)
    assert UserProfile(id=ada.id).is_certified(synapse_client=ada.synapse) is True
    path = f"/admin/user/{ada.id}/certificationStatus"
    assert ada.refused("PUT", path, isCertified="true")[0] == 403
    admin.ok("PUT", path, isCertified="false")
    assert UserProfile(username=ada.name).is_certified(synapse_client=ada.synapse) is False
    assert ada.refused("GET", f"/user/{ada.id}/certifiedUserPassingRecord")[0] == 404
    body = {"concreteType": "org.sagebionetworks.repo.model.Folder", "parentId": project, "name": "F"}
    assert ada.refused("POST", "/entity", body)[0] == 403
    admin.ok("PUT", path, isCertified="true")
    new_folder(ada, project)
    record = ada.ok("GET", f"/user/{ada.id}/certifiedUserPassingRecord")
    assert (record["passed"], record["userId"]) == (True, str(ada.id))


@pytest.mark.rule("X-04")
@given(data=st.data())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_people_are_found_by_the_beginning_of_any_of_their_names(data, ada):
    name = data.draw(st.sampled_from([ada.name, "Ada", "Lovelace"]))
    prefix = name[: data.draw(st.integers(3, len(name)))]
    prefix = data.draw(st.sampled_from([prefix, prefix.upper(), prefix.lower()]))
    found, page = set(), {"children": [1]}
    while page["children"]:
        page = ada.ok("GET", "/userGroupHeaders", prefix=prefix, limit=50, offset=len(found))
        found |= {child["ownerId"] for child in page["children"]}
        for child in page["children"]:
            names = [child["userName"], child.get("firstName", ""), child.get("lastName", "")]
            assert any(each.lower().startswith(prefix.lower()) for each in names)
    assert str(ada.id) in found


@pytest.mark.rule("X-04")
def test_users_only_or_teams_only(ada, unique):
    stem = unique("Both")
    team = ada.ok("POST", "/team", {"name": stem})["id"]
    ada.ok("PUT", "/userProfile", ada.ok("GET", "/userProfile") | {"lastName": f"{stem} too"})
    found = ada.ok("GET", "/userGroupHeaders", prefix=stem)
    assert found["prefixFilter"] == stem
    assert {(child["ownerId"], child["isIndividual"]) for child in found["children"]} == {
        (team, False),
        (str(ada.id), True),
    }
    for of_type, expected in {"USERS_ONLY": str(ada.id), "TEAMS_ONLY": team}.items():
        found = ada.ok("GET", "/userGroupHeaders", prefix=stem, typeFilter=of_type)
        assert [child["ownerId"] for child in found["children"]] == [expected]
    assert ada.refused("GET", "/userGroupHeaders", prefix=stem, typeFilter="SOME")[0] == 400


@pytest.mark.rule("X-04")
def test_headers_by_id_and_by_name(ada, unique):
    team = ada.ok("POST", "/team", {"name": unique("T")})
    found = ada.ok("GET", "/userGroupHeaders/batch", ids=f"{team['id']},273950")["children"]
    assert [(child["userName"], child["isIndividual"]) for child in found] == [
        (team["name"], False),
        ("anonymous", True),
    ]
    assert ada.refused("GET", "/userGroupHeaders/batch")[0] == 400
    aliases = {"list": [ada.name.upper(), team["name"], "nobody of this name", ada.name]}
    found = ada.ok("POST", "/userGroupHeaders/aliases", aliases)["list"]
    assert [child["ownerId"] for child in found] == [str(ada.id), team["id"]]


@pytest.mark.rule("X-05")
def test_only_users_have_a_user_name(ada, unique):
    team = ada.ok("POST", "/team", {"name": unique("T")})["name"]
    assert ada.refused("POST", "/principal/alias", {"alias": team, "type": "USER_NAME"})[0] == 404
    assert ada.refused("POST", "/principal/alias", {"type": "USER_NAME"})[0] == 400
    assert ada.refused("POST", "/principal/alias", {"alias": ada.name})[0] == 400


@pytest.mark.rule("M-01")
def test_whether_a_name_is_free(ada, anonymous, unique):
    free = unique("Free")

    def check(alias, kind):
        return anonymous.ok("POST", "/principal/available", {"alias": alias, "type": kind})

    assert check(free, "TEAM_NAME") == {"valid": True, "available": True}
    assert check(free, "USER_NAME") == {"valid": False, "available": False}
    assert check(ada.name.replace("-", "."), "TEAM_NAME") == {"valid": True, "available": False}
    assert anonymous.refused("POST", "/principal/available", {"alias": free, "type": "NICKNAME"})[0] == 400
    (mail,) = ada.ok("GET", "/userProfile")["emails"]
    assert check(mail, "USER_EMAIL") == {"valid": True, "available": False}
    assert check(f"another.{mail}", "USER_EMAIL") == {"valid": True, "available": True}
    assert check("no address", "USER_EMAIL") == {"valid": False, "available": False}
    assert check("https://orcid.org/0000-0002-1825-0097", "USER_ORCID") == {"valid": True, "available": True}


@pytest.mark.rule("P-15")
def test_synapseclient_names_principals(ada, person, unique):
    """Users by name and id, teams by name; names are matched exactly."""
    from synapseclient.models import Team, UserProfile

    name = unique("Crew")
    longer = ada.ok("POST", "/team", {"name": f"{name} of more"})
    team = ada.ok("POST", "/team", {"name": name})
    synapse = person().synapse
    assert Team.from_name(name, synapse_client=synapse).id == int(team["id"]) != int(longer["id"])
    assert UserProfile.from_username(ada.name.upper(), synapse_client=synapse).id == ada.id
    assert UserProfile.from_id(ada.id, synapse_client=synapse).last_name == "Lovelace"
    assert [found["id"] for found in synapse._find_teams_for_principal(ada.id)] == [longer["id"], team["id"]]
