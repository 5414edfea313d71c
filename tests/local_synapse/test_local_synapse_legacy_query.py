"""The older query service, which challengeutils still asks."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SYSTEM_FIELDS = {
    "objectId", "scopeId", "userId", "submitterId", "submitterAlias", "entityId", "versionNumber", "name", "createdOn",
    "modifiedOn", "status", "teamId", "repositoryName", "dockerDigest",
}  # fmt: skip
PATH = "/evaluation/submission/query"


@pytest.fixture
def ask(organiser, queue):
    """Asks about the queue; ``{}`` in the query stands for it. Returns a dict for each row."""

    def ask(query, somebody=organiser):
        answer = somebody.ok("GET", PATH, query=query.replace("{}", f"evaluation_{queue}", 1))
        return [dict(zip(answer["headers"], row["values"], strict=True)) for row in answer["rows"]]

    return ask


@pytest.fixture
def annotate(organiser):
    """Gives a submission annotations of the older generation, each public unless its name begins with an underscore."""

    def annotate(submission, status="SCORED", **values):
        kinds = {str: "stringAnnos", int: "longAnnos", float: "doubleAnnos"}
        lists = {name: [] for name in kinds.values()}
        for key, value in values.items():
            entry = {"key": key, "value": value, "isPrivate": key.startswith("_")}
            lists[kinds[type(value)]].append(entry)
        path = f"/evaluation/submission/{submission}/status"
        organiser.ok("PUT", path, organiser.ok("GET", path) | {"status": status, "annotations": lists})

    return annotate


@pytest.fixture
def scored(submitter, submit, annotate):
    """Three submissions with scores; returns their ids."""
    made = [submit(submitter, name=f"Try {number}")["id"] for number in range(3)]
    for submission, auc, rank, note in zip(made, (0.5, 0.9, 0.7), (3, 1, 2), ("ok", "best", "ok"), strict=True):
        annotate(submission, auc=auc, rank=rank, note=note, _secret=f"s{rank}")
    return made


@pytest.mark.rule("Q-01")
def test_everything_of_a_queue(organiser, queue, submitter, scored, ask):
    answer = organiser.ok("GET", PATH, query=f"select * from evaluation_{queue}")
    assert set(answer["headers"]) == SYSTEM_FIELDS | {"auc", "rank", "note", "_secret"}
    assert answer["totalNumberOfResults"] == 3
    rows = ask("select * from {}")
    assert [row["objectId"] for row in rows] == scored
    first, submission = rows[0], organiser.ok("GET", f"/evaluation/submission/{scored[0]}")
    assert (first["auc"], first["rank"], first["note"], first["_secret"]) == ("0.5", "3", "ok", "s3")
    assert first["submitterId"] == first["userId"] == str(submitter.id)
    assert (first["entityId"], first["versionNumber"], first["name"]) == (submitter.home, "1", "Try 0")
    assert (first["scopeId"], first["status"], first["teamId"]) == (queue, "SCORED", None)
    created = datetime.fromisoformat(submission["createdOn"])
    assert first["createdOn"] == str(round(created.timestamp() * 1000))


@pytest.mark.rule("Q-01")
@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("status == 'SCORED'", [0, 1, 2]),
        ('status == "RECEIVED"', []),
        ("auc > 0.5", [1, 2]),
        ("auc >= 0.5 and note == 'ok'", [0, 2]),
        ("rank < 3 AND auc < 0.9", [2]),
        ("rank = 1", [1]),
        ("rank != 1", [0, 2]),
        ("rank <> 1", [0, 2]),
        ("rank <= 2", [1, 2]),
        ("rank == '1'", [1]),
        ("note != 'ok'", [1]),
        ("note == 'OK'", []),
        ("missing != 'x'", []),
        ("missing == 1", []),
        ("note > 0", []),
        ("auc == 5e-1", [0]),
        ("auc > -1.0 and rank >= +1", [0, 1, 2]),
        ("name == 'Try 1'", [1]),
    ],
)
def test_conditions(ask, scored, where, expected):
    rows = ask(f"select objectId from {{}} where {where}")
    assert [row["objectId"] for row in rows] == [scored[number] for number in expected]


@pytest.mark.rule("Q-01")
def test_order_and_page(organiser, queue, ask, scored, submitter, submit):
    assert [row["rank"] for row in ask("SELECT rank FROM {} ORDER BY auc DESC")] == ["1", "2", "3"]
    assert [row["rank"] for row in ask("SELECT rank FROM {} ORDER BY auc ASC LIMIT 2")] == ["3", "2"]
    assert [row["rank"] for row in ask('select rank from {} order by "note" limit 9 offset 1')] == ["3", "2"]
    unscored = submit(submitter)["id"]
    assert ask("select objectId from {} order by auc")[0] == {"objectId": unscored}
    answer = organiser.ok("GET", PATH, query=f"select rank, objectId from evaluation_{queue} limit 1 offset 1")
    assert answer["headers"] == ["rank", "objectId"]
    assert answer["rows"] == [{"values": ["1", scored[1]]}]
    assert answer["totalNumberOfResults"] == 4


@pytest.mark.rule("Q-01", "G-10")
def test_a_page_that_is_not_said_has_ten_rows(ask, submitter, submit):
    for _ in range(11):
        submit(submitter)
    assert len(ask("select objectId from {}")) == 10
    assert len(ask("select objectId from {} limit 100")) == 11
    assert len(ask("select objectId from {} limit 0")) == 0


@pytest.mark.rule("Q-01", "P-16")
def test_challengeutils_pages_until_there_are_no_more(organiser, queue, scored):
    """Its loop, and the three queries that its commands send."""
    from urllib.parse import quote_plus

    def pages(query, limit=2):
        offset, found = 0, True
        while found:
            wish = quote_plus(f"{query} limit {limit} offset {offset}")
            page = organiser.synapse.restGET(f"{PATH}?query={wish}")
            found = [dict(zip(page["headers"], row["values"], strict=True)) for row in page["rows"]]
            yield from found
            offset += len(found)

    assert [row["objectId"] for row in pages(f"select * from evaluation_{queue}")] == scored
    (row,) = pages(f"select submitterId from evaluation_{queue} where objectId == '{scored[1]}'")
    lead = pages(
        f"select objectId from evaluation_{queue} where submitterId == '{row['submitterId']}' and note == 'ok' "
        "and rank == '2' order by createdOn DESC"
    )
    assert [found["objectId"] for found in lead] == [scored[2]]
    written = pages(f"select objectId, submitterId, archived from evaluation_{queue} where note == 'best'")
    assert list(written) == [{"objectId": scored[1], "submitterId": row["submitterId"], "archived": None}]


@pytest.mark.rule("Q-01", "V-05")
def test_who_may_ask(person, organiser, anonymous, queue, share):
    stranger = person()
    query = f"select * from evaluation_{queue}"
    refused = stranger.refused("GET", PATH, query=query)
    assert refused == (403, f"User lacks READ access to Evaluation {queue}")
    assert stranger.refused("GET", PATH, query="select * from evaluation_1")[0] == 403
    assert anonymous.refused("GET", PATH, query=query)[0] == 403
    share(organiser, f"/evaluation/{queue}", 273949, "READ")
    assert anonymous.ok("GET", PATH, query=query)["rows"] == []


@pytest.mark.rule("Q-02")
def test_private_annotations_are_as_if_they_were_not(organiser, queue, submitter, scored, ask):
    """Not in the star, null by name, and no condition on them holds."""
    assert "_secret" not in ask("select * from {}", submitter)[0]
    assert ask("select rank, _secret from {} limit 1", submitter) == [{"rank": "3", "_secret": None}]
    for where in ("_secret == 's3'", "_secret != 's3'", "_secret < 'z'"):
        assert ask(f"select rank from {{}} where {where}", submitter) == []
    assert [row["rank"] for row in ask("select rank from {} order by _secret desc", submitter)] == ["3", "1", "2"]
    assert [row["rank"] for row in ask("select rank from {} where _secret == 's3'")] == ["3"]


@pytest.mark.rule("Q-02", "U-10")
def test_only_the_older_annotations_are_asked(organiser, submission, ask):
    path = f"/evaluation/submission/{submission}/status"
    newer = {"annotations": {"auc": {"type": "DOUBLE", "value": [0.5]}}}
    organiser.ok("PUT", path, organiser.ok("GET", path) | {"submissionAnnotations": newer})
    assert "auc" not in ask("select * from {}")[0]
    assert ask("select objectId from {} where auc == 0.5") == []


@pytest.mark.rule("Q-02")
def test_a_field_hides_an_annotation_of_its_name(submission, ask, annotate):
    annotate(submission, status="SCORED", name="other", objectId=1)
    (row,) = ask("select * from {}")
    assert (row["objectId"], row["name"] == "other") == (submission, False)


@pytest.mark.rule("Q-02", "S-10")
def test_a_team_is_the_submitter(submitter, queue, wish, unique, ask):
    team = submitter.ok("POST", "/team", {"name": unique("Team")})["id"]
    state = submitter.ok("GET", f"/evaluation/{queue}/team/{team}/submissionEligibility")["eligibilityStateHash"]
    body, query = wish(submitter, teamId=team, submitterAlias="We")
    submitter.ok("POST", "/evaluation/submission", body, **query, submissionEligibilityHash=state)
    (row,) = ask("select userId, submitterId, teamId, submitterAlias from {}")
    assert row == {"userId": str(submitter.id), "submitterId": team, "teamId": team, "submitterAlias": "We"}


@pytest.mark.rule("Q-03")
def test_the_index_follows_with_a_lag(server, organiser, submission, annotate, ask, scored):
    """Nothing is lost, and what is removed goes as well."""
    server.control("POST", "/control/settings", {"index_lag_seconds": 60})
    try:
        annotate(scored[0], status="CLOSED", rank=9)
        organiser("DELETE", f"/evaluation/submission/{scored[1]}").raise_for_status()
        ask("select * from {}")
        server.set_clock(offset_seconds=59)
        assert ask("select objectId from {} where status == 'CLOSED'") == []
        server.set_clock(offset_seconds=61)
        assert ask("select rank from {} where status == 'CLOSED'") == [{"rank": "9"}]
        assert scored[1] not in {row["objectId"] for row in ask("select objectId from {}")}
    finally:
        server.control("POST", "/control/settings", {"index_lag_seconds": None})


@pytest.mark.rule("Q-01")
@pytest.mark.parametrize(
    "query",
    [
        "",
        "select",
        "select * from",
        "select from evaluation_1",
        "select * from syn123",
        "select * from evaluation_x",
        "select * from evaluation_1 where",
        "select * from evaluation_1 where a",
        "select * from evaluation_1 where a ==",
        "select * from evaluation_1 where a == b",
        "select * from evaluation_1 where a like 'b'",
        "select * from evaluation_1 where a == 1 or b == 2",
        "select * from evaluation_1 where (a == 1)",
        "select * from evaluation_1 where a == 'b",
        "select * from evaluation_1 order a",
        "select * from evaluation_1 order by",
        "select * from evaluation_1 limit",
        "select * from evaluation_1 limit -1",
        "select * from evaluation_1 limit 1.5",
        "select * from evaluation_1 limit 99999999999999999999",
        "select * from evaluation_1 offset 1 limit 1",
        "select * from evaluation_1; drop table evaluation",
        "select count(*) from evaluation_1",
        "select *, a from evaluation_1",
        "select a b from evaluation_1",
        "delete from evaluation_1",
        "select * from evaluation_1 where a == 12abc",
    ],
)
def test_what_is_no_query(organiser, query):
    assert organiser.refused("GET", PATH, query=query)[0] == 400


@pytest.mark.rule("Q-01")
def test_a_query_is_needed(organiser):
    assert organiser.refused("GET", PATH)[0] == 400


NAMES = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_.]{0,9}", fullmatch=True).filter(
    lambda name: name.lower() not in {"select", "from", "where", "and", "order", "by", "asc", "desc", "limit", "offset"}
)


@pytest.mark.rule("Q-01")
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=NAMES.filter(lambda name: name not in SYSTEM_FIELDS),
    value=st.one_of(
        st.text(st.characters(exclude_characters="\\", exclude_categories=("C",)), min_size=1, max_size=10).map(
            str.strip
        ),
        st.integers(-(10**15), 10**15),
        st.floats(-1e6, 1e6, allow_nan=False).filter(lambda number: number != int(number)),
    ).filter(lambda value: value != ""),
    quote=st.sampled_from("'\""),
)
def test_what_is_written_is_found(submission, annotate, ask, name, value, quote):
    """Whatever the name and the value."""
    annotate(submission, **{name: value})
    literal = quote + value.replace(quote, f"\\{quote}") + quote if isinstance(value, str) else str(value)
    (row,) = ask(f"select {name} from {{}} where {name} == {literal}")
    assert row == {name: str(value)}
