"""What every local Synapse holds: principals, templates and queues that real tools look for by number."""

from __future__ import annotations

import re

import pytest
import synapseclient
import synapseutils

DREAM, PORTAL = "syn18058986", "syn52941681"
TASK_PAGE = "624554"
PLACEHOLDERS = ("challengeId=0", "{teamId}", "teamId=0", "#!Map:0", "{challengeName}", "projectId=syn0")


def filled(markdown):
    """What challengeutils and cnb-tools make of a template's page."""
    values = ("challengeId=4711", "3400009", "teamId=3400009", "#!Map:3400009", "The Challenge", "projectId=syn77")
    for placeholder, value in zip(PLACEHOLDERS, values, strict=True):
        markdown = markdown.replace(placeholder, value)
    return markdown


def test_principals_have_synapse_s_numbers(organiser, anonymous):
    ids = {
        1: ("synapse-admin", True),
        2: ("Administrators", False),
        3: ("Certified Users", False),
        273948: ("AUTHENTICATED_USERS", False),
        273949: ("PUBLIC", False),
        273950: ("anonymous", True),
        273957: ("Sage Bionetworks", False),
        464532: ("Access and Compliance Team", False),
        3379097: ("CNB Challenge Support", False),
    }
    found = organiser.ok("GET", "/userGroupHeaders/batch", ids=",".join(map(str, ids)))["children"]
    assert {int(one["ownerId"]): (one["userName"], one["isIndividual"]) for one in found} == ids
    assert anonymous.ok("GET", "/userProfile")["ownerId"] == "273950"


def test_administrators_administer(admin, person, new_project):
    assert admin.id == 1
    secret = new_project(person())
    assert admin.ok("GET", f"/entity/{secret}")["id"] == secret
    managers = [one["member"]["ownerId"] for one in admin.ok("GET", "/teamMembers/2")["results"] if one["isAdmin"]]
    assert managers == ["1"]


def test_the_support_team_is_there_and_is_managed(organiser):
    team = organiser.synapse.getTeam(3379097)
    assert team.name == "CNB Challenge Support"
    members = organiser.ok("GET", "/teamMembers/3379097")["results"]
    assert [(one["member"]["userName"], one["isAdmin"]) for one in members] == [("challenge-service", True)]
    acl = organiser.ok("GET", "/team/3379097/acl")["resourceAccess"]
    assert {entry["principalId"] for entry in acl} >= {organiser.id, 3379097}


def test_new_ids_are_never_those_of_the_seeds(organiser, new_project, person):
    assert int(new_project(organiser).removeprefix("syn")) > 52941681
    assert person().id > 3412389


def test_ordinary_users_are_two(known):
    one, two = known("participant"), known("participant-2")
    assert one.id != two.id
    assert one.synapse.getUserProfile()["firstName"] == "Pat"
    assert two.synapse.getUserProfile()["userName"] == "participant-2"
    for somebody in (one, two):
        assert not {"2", "3379097"} & {
            team["id"] for team in somebody.ok("GET", f"/user/{somebody.id}/team")["results"]
        }


@pytest.mark.parametrize("template", [DREAM, PORTAL])
def test_everybody_reads_the_templates(anonymous, known, template):
    for somebody in (anonymous, known("participant")):
        assert somebody.ok("GET", f"/entity/{template}")["concreteType"].endswith(".Project")
        for header in somebody.ok("GET", f"/entity/{template}/wikiheadertree")["results"]:
            assert somebody.ok("GET", f"/entity/{template}/wiki/{header['id']}")["markdown"]
    assert known("participant").refused("POST", f"/entity/{template}/wiki", {"title": "mine"})[0] == 403


@pytest.mark.parametrize("template", [DREAM, PORTAL])
def test_templates_hold_what_tools_fill_in(known, template):
    reader = known("participant")
    headers = reader.ok("GET", f"/entity/{template}/wikiheadertree")["results"]
    texts = [reader.ok("GET", f"/entity/{template}/wiki/{header['id']}")["markdown"] for header in headers]
    together = "\n".join(texts)
    assert [word for word in PLACEHOLDERS if word not in together] == []
    done = filled(together)
    assert [word for word in PLACEHOLDERS if word in done] == []
    assert "Id=0" not in done
    # Links lead to pages that are there.
    pages = set(re.findall(rf"{template}/wiki/(\d+)", together))
    assert pages
    assert pages <= {header["id"] for header in headers}


@pytest.mark.parametrize("template", [DREAM, PORTAL])
def test_templates_are_copied_page_by_page(known, new_project, template):
    """As challengeutils and cnb-tools do: copy, fill in, store."""
    maker = known("participant")
    synapse, project = maker.synapse, new_project(maker)
    headers = synapseutils.copyWiki(synapse, template, project)
    titles = [header["title"] for header in maker.ok("GET", f"/entity/{template}/wikiheadertree")["results"]]
    assert [header["title"] for header in headers] == titles
    for header in headers:
        page = synapse.getWiki(project, header["id"])
        page.markdown = filled(page.markdown)
        synapse.store(page)
    texts = [synapse.getWiki(project, header["id"]).markdown for header in headers]
    assert f"{template}/wiki/" not in "\n".join(texts)
    assert "The Challenge" in texts[0]


def test_the_portal_s_template_has_a_tab_of_the_first_task(known):
    headers = known("participant").synapse.getWikiHeaders(PORTAL)
    below = [header["title"] for header in headers if header.get("parentId") == TASK_PAGE]
    assert len(below) >= 3
    [tab] = [header for header in headers if header["id"] == TASK_PAGE]
    assert tab["title"] == "Task 1 (tab)"


def test_the_portal_s_template_has_annotations_to_fill_in(known):
    annotations = known("participant").synapse.get_annotations(PORTAL)
    assert {"Abstract", "Overview", "Status"} <= set(annotations)


def test_everybody_reads_the_open_queue_and_who_joins_its_team_submits(anonymous, known, person, new_project):
    [queue] = [
        found for found in anonymous.ok("GET", "/evaluation", limit=100)["results"] if found["name"].startswith("Open")
    ]
    for somebody in (anonymous, known("participant")):
        assert somebody.ok("GET", f"/evaluation/{queue['id']}")["name"] == "Open Challenge Submissions"
        assert somebody.ok("GET", f"/entity/{queue['contentSource']}/wiki")["markdown"]
    newcomer = person()
    home = newcomer.synapse.get(new_project(newcomer))
    with pytest.raises(synapseclient.core.exceptions.SynapseHTTPError, match="403"):
        newcomer.synapse.submit(queue["id"], home)
    team = newcomer.synapse.getTeam("Open Challenge Participants")
    newcomer.ok("PUT", f"/team/{team.id}/member/{newcomer.id}")
    assert newcomer.synapse.submit(queue["id"], home)["userId"] == str(newcomer.id)


def test_the_portal_s_view_takes_projects_of_its_team(organiser, known, new_project):
    """As cnb-tools does."""
    view = organiser.synapse.get("syn51476218")
    assert view.properties["concreteType"].endswith(".EntityView")
    project = new_project(organiser)
    view.scopeIds.append(project)
    organiser.synapse.store(view)
    assert project.removeprefix("syn") in organiser.ok("GET", "/entity/syn51476218")["scopeIds"]
    reader = known("participant")
    found = reader.ok("GET", "/entity/syn51476218")
    assert reader.refused("PUT", "/entity/syn51476218", found)[0] == 403


def test_the_portal_s_view_shows_projects_with_their_annotations(organiser, known, project):
    annotations = organiser.ok("GET", f"/entity/{project}/annotations2")
    annotations["annotations"] = {"Status": {"type": "STRING", "value": ["Active"]}}
    organiser.ok("PUT", f"/entity/{project}/annotations2", annotations)
    view = organiser.ok("GET", "/entity/syn51476218")
    organiser.ok("PUT", "/entity/syn51476218", view | {"scopeIds": [*view["scopeIds"], project]})
    sql = f"SELECT id, Status FROM syn51476218 WHERE id = '{project}'"
    rows = organiser.synapse.tableQuery(sql, resultsAs="rowset").asRowSet()["rows"]
    assert [row["values"] for row in rows] == [[project, "Active"]]
    # Who may not read the project does not see it in the view.
    assert known("participant").synapse.tableQuery(sql, resultsAs="rowset").asRowSet()["rows"] == []


def test_the_table_of_organizers_has_columns_to_copy(known):
    columns = known("participant").synapse.getColumns("syn52955244")
    assert [column["name"] for column in columns] == ["firstName", "lastName", "affiliation", "challengeRole"]
