"""Synapse SQL: what it selects, what it refuses."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TABLE = "org.sagebionetworks.repo.model.table."
MILLIS = 1_700_000_000_000  # 2023-11-14T22:13:20Z
COLUMNS = {
    "name": {"columnType": "STRING", "maximumSize": 100},
    "team name": {"columnType": "STRING"},
    "score": {"columnType": "DOUBLE"},
    "rank": {"columnType": "INTEGER"},
    "good": {"columnType": "BOOLEAN"},
    "at": {"columnType": "DATE"},
    "entity": {"columnType": "ENTITYID"},
    "who": {"columnType": "USERID"},
    "tags": {"columnType": "STRING_LIST"},
    "numbers": {"columnType": "INTEGER_LIST"},
    "notes": {"columnType": "LARGETEXT"},
    "extra": {"columnType": "JSON"},
}
ROWS = [
    {
        "name": "alpha",
        "team name": "Red",
        "score": "0.5",
        "rank": "2",
        "good": "true",
        "at": str(MILLIS),
        "entity": "syn11",
        "tags": '["a","b"]',
        "numbers": "[1,2]",
        "extra": '{"k": {"n": 7}}',
    },
    {"name": "Beta", "team name": "red", "score": "0.25", "rank": "1", "good": "false", "at": str(MILLIS + 86_400_000)},
    {"name": "gamma_1", "team name": "Blue", "score": "NaN", "rank": "3", "entity": "syn22", "tags": '["B","c"]'},
    {"name": "delta%", "score": "Infinity", "tags": "[]", "notes": "long"},
    {"name": "it's", "team name": "blue", "score": "-1.5", "rank": "10", "good": "true"},
]


@pytest.fixture(scope="module")
def table(known):
    """A table of the organiser's with a row of each kind; returns how to ask it."""
    organiser = known("challenge-service")
    project = organiser.ok("POST", "/entity", {"concreteType": "org.sagebionetworks.repo.model.Project"})["id"]
    made = organiser.ok("POST", "/column/batch", {"list": [{"name": name, **more} for name, more in COLUMNS.items()]})
    ids = {column["name"]: column["id"] for column in made["list"]}
    body = {"concreteType": f"{TABLE}TableEntity", "parentId": project, "columnIds": list(ids.values())}
    identity = organiser.ok("POST", "/entity", body)["id"]
    rows = [{"values": [{"key": ids[name], "value": value} for name, value in row.items()]} for row in ROWS]
    change = {
        "concreteType": f"{TABLE}AppendableRowSetRequest",
        "toAppend": {"concreteType": f"{TABLE}PartialRowSet", "rows": rows},
    }
    path = f"/entity/{identity}/table/transaction/async"
    token = organiser.ok("POST", f"{path}/start", {"changes": [change]})["token"]
    organiser.ok("GET", f"{path}/get/{token}")
    return Table(organiser, identity)


class Table:
    def __init__(self, person, identity):
        self.person, self.id = person, identity

    def ask(self, sql, mask=0x1, **query):
        path = f"/entity/{self.id}/table/query/async"
        body = {"query": {"sql": re.sub(r"\$(?!\.k)", self.id, sql), **query}, "partMask": mask}
        token = self.person.ok("POST", f"{path}/start", body)["token"]
        return self.person("GET", f"{path}/get/{token}")

    def bundle(self, sql, mask=0x1, **query):
        answer = self.ask(sql, mask, **query)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def rows(self, sql, **query):
        return [row["values"] for row in self.bundle(sql, **query)["queryResult"]["queryResults"]["rows"]]

    def column(self, sql, **query):
        return [row[0] for row in self.rows(sql, **query)]

    def headers(self, sql):
        return self.bundle(sql)["queryResult"]["queryResults"]["headers"]

    def reason(self, sql, status=400, **query):
        answer = self.ask(sql, **query)
        assert answer.status_code == status, answer.text
        return answer.json()["reason"]


def test_everything_is_selected_in_the_order_of_the_columns(table):
    headers = table.headers("SELECT * FROM $")
    assert [header["name"] for header in headers] == list(COLUMNS)
    assert [header["columnType"] for header in headers] == [more["columnType"] for more in COLUMNS.values()]
    assert all(header["id"].isdecimal() for header in headers)


@pytest.mark.rule("J-06")
def test_values_are_texts_whatever_their_type(table):
    row = table.rows("SELECT name, score, rank, good, at, entity, tags, numbers, extra FROM $")[0]
    assert row[:6] == ["alpha", "0.5", "2", "true", str(MILLIS), "syn11"]
    assert row[6:] == ['["a", "b"]', "[1, 2]", '{"k": {"n": 7}}']
    assert table.rows("SELECT rank, good, at, entity, notes FROM $ WHERE name = 'delta%'") == [
        [None, None, None, None, "long"]
    ]


def test_rows_have_numbers_and_versions(table):
    rows = table.bundle("SELECT name FROM $")["queryResult"]["queryResults"]["rows"]
    assert [row["rowId"] for row in rows] == [1, 2, 3, 4, 5]
    assert {row["versionNumber"] for row in rows} == {1}
    assert table.rows("SELECT ROW_ID, row_version FROM $ WHERE ROW_ID > 4") == [["5", "1"]]


def test_rows_of_groups_have_no_numbers(table):
    for sql in ("SELECT count(*) FROM $", "SELECT DISTINCT good FROM $", "SELECT good FROM $ GROUP BY good"):
        assert not any("rowId" in row for row in table.bundle(sql)["queryResult"]["queryResults"]["rows"])


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("name = 'ALPHA'", ["alpha"]),
        ("name <> 'alpha'", ["Beta", "gamma_1", "delta%", "it's"]),
        ("name != 'alpha' AND name < 'C'", ["Beta"]),
        ("\"team name\" = 'RED'", ["alpha", "Beta"]),
        ("`team name` = 'RED'", ["alpha", "Beta"]),
        ("name = 'it''s'", ["it's"]),
        ("name LIKE 'B%'", ["Beta"]),
        ("name NOT LIKE '%A%'", ["it's"]),
        ("name LIKE '%\\%'", ["delta%"]),
        ("name LIKE '%|%' ESCAPE '|'", ["delta%"]),
        ("name LIKE '%\\_1'", ["gamma_1"]),
        ("name IN ('Alpha', 'beta')", ["alpha", "Beta"]),
        ("name NOT IN ('Alpha', 'beta')", ["gamma_1", "delta%", "it's"]),
        ("rank BETWEEN 1 AND 2", ["alpha", "Beta"]),
        ("rank NOT BETWEEN 1 AND 2", ["gamma_1", "it's"]),
        ("rank IS NULL", ["delta%"]),
        ("rank IS NOT NULL AND rank > 2", ["gamma_1", "it's"]),
        ("rank >= '10'", ["it's"]),
        ("score > 0.3", ["alpha", "delta%"]),
        ("score < 0", ["it's"]),
        ("score = 'Infinity'", ["delta%"]),
        ("ISNAN(score)", ["gamma_1"]),
        ("ISNAN(score) = false AND score IS NOT NULL", ["alpha", "Beta", "delta%", "it's"]),
        ("ISINFINITY(score) = true", ["delta%"]),
        ("good = true", ["alpha", "it's"]),
        ("good = 'false'", ["Beta"]),
        ("good IS NOT TRUE", ["Beta", "gamma_1", "delta%"]),
        ("entity = 'syn11'", ["alpha"]),
        ("entity IN ('syn22', 'SYN11')", ["alpha", "gamma_1"]),
        (f"at = {MILLIS}", ["alpha"]),
        ("at = '2023-11-14 22:13:20'", ["alpha"]),
        ("at > '2023-11-15'", ["Beta"]),
        ("at BETWEEN '2023-11-1' AND '2023-11-15T00:00:00.000Z'", ["alpha"]),
        ("tags HAS ('B')", ["alpha", "gamma_1"]),
        ("tags HAS ('a', 'c')", ["alpha", "gamma_1"]),
        ("tags NOT HAS ('a')", ["Beta", "gamma_1", "delta%", "it's"]),
        ("numbers HAS (2)", ["alpha"]),
        ("tags HAS_LIKE ('%C', 'x%')", ["gamma_1"]),
        ("NOT (rank = 1 OR rank = 2) AND rank IS NOT NULL", ["gamma_1", "it's"]),
        ("(rank = 1 OR rank = 2) AND good = true", ["alpha"]),
        ("-score > 1", ["it's"]),
        ("rank * 2 + 1 = 5", ["alpha"]),
        ("rank / 4 = 0.5", ["alpha"]),
        ("rank % 2 = 1", ["Beta", "gamma_1"]),
        ("CHAR_LENGTH(name) = 5", ["alpha"]),
        ("JSON_EXTRACT(extra, '$.k.n') = 7", ["alpha"]),
        ("FROM_UNIXTIME(at/1000) LIKE '2023-11-14 %'", ["alpha"]),
        ("YEAR(FROM_UNIXTIME(at/1000)) = 2023 AND DAY(FROM_UNIXTIME(at/1000)) = 15", ["Beta"]),
        ("at < UNIX_TIMESTAMP('2023-11-15 00:00:00') * 1000", ["alpha"]),
        ("CASE WHEN good = true THEN rank ELSE 0 END = 2", ["alpha"]),
        ("IFNULL(rank, 99) = 99", ["delta%"]),
    ],
)
def test_condition(table, condition, names):
    assert table.column(f"SELECT name FROM $ WHERE {condition}") == names


@pytest.mark.parametrize(
    ("expression", "kind", "value"),
    [
        ("COUNT(*)", "INTEGER", "5"),
        ("COUNT(rank)", "INTEGER", "4"),
        ('COUNT(DISTINCT "team name")', "INTEGER", "2"),
        ("SUM(rank)", "INTEGER", "16"),
        ("AVG(rank)", "DOUBLE", "4"),
        ("MIN(name)", "STRING", "alpha"),
        ("MAX(name)", "STRING", "it's"),
        ("MAX(at)", "DATE", str(MILLIS + 86_400_000)),
        ("MIN(score)", "DOUBLE", "-1.5"),
        ("MAX(entity)", "ENTITYID", "syn22"),
        ("STDDEV(rank)", "DOUBLE", "3.5355339059327378"),
        ("VAR_SAMP(rank)", "DOUBLE", "16.666666666666668"),
        ("GROUP_CONCAT(name ORDER BY name DESC SEPARATOR '; ')", "STRING", "it's; gamma_1; delta%; Beta; alpha"),
        ('GROUP_CONCAT(DISTINCT "team name")', "STRING", "Blue,Red"),
        ("JSON_ARRAYAGG(rank)", "JSON", "[2,1,3,null,10]"),
    ],
)
def test_aggregate(table, expression, kind, value):
    result = table.bundle(f"SELECT {expression} AS found FROM $")["queryResult"]["queryResults"]
    assert result["headers"] == [{"name": "found", "columnType": kind}]
    assert result["rows"] == [{"values": [value]}]


@pytest.mark.parametrize(
    ("expression", "kind", "value"),
    [
        ("CONCAT(name, '-', rank)", "STRING", "alpha-2"),
        ("UPPER(name)", "STRING", "ALPHA"),
        ("LOWER('ABC')", "STRING", "abc"),
        ("TRIM('  x ')", "STRING", "x"),
        ("LENGTH('é')", "INTEGER", "2"),
        ("REPLACE(name, 'a', 'o')", "STRING", "olpho"),
        ("REVERSE(name)", "STRING", "ahpla"),
        ("SUBSTRING(name, 2, 3)", "STRING", "lph"),
        ("LEFT(name, 2)", "STRING", "al"),
        ("RIGHT(name, 2)", "STRING", "ha"),
        ("SUBSTRING_INDEX('a.b.c', '.', 2)", "STRING", "a.b"),
        ("SUBSTRING_INDEX('a.b.c', '.', -1)", "STRING", "c"),
        ("LOCATE('P', name)", "INTEGER", "3"),
        ("ABS(-2)", "INTEGER", "2"),
        ("ROUND(score * 3, 1)", "DOUBLE", "1.5"),
        ("FLOOR(score)", "INTEGER", "0"),
        ("CEIL(score)", "INTEGER", "1"),
        ("TRUNCATE(3.789, 1)", "DOUBLE", "3.7"),
        ("POWER(2, 10)", "DOUBLE", "1024"),
        ("SQRT(16)", "DOUBLE", "4"),
        ("MOD(7, 4)", "DOUBLE", "3"),
        ("GREATEST(1, 3, 2)", "INTEGER", "3"),
        ("IF(good, 'yes', 'no')", "STRING", "yes"),
        ("COALESCE(who, rank)", "USERID", "2"),
        ("NULLIF(rank, 2)", "INTEGER", None),
        ("CASE rank WHEN 1 THEN 'one' WHEN 2 THEN 'two' END", "STRING", "two"),
        ("CASE WHEN rank > 100 THEN 1 ELSE 0.5 END", "DOUBLE", "0.5"),
        ("CAST(score AS STRING)", "STRING", "0.5"),
        ("CAST('17' AS INTEGER)", "INTEGER", "17"),
        ("CAST(rank AS DOUBLE)", "DOUBLE", "2"),
        ("rank + 1", "INTEGER", "3"),
        ("rank - 0.5", "DOUBLE", "1.5"),
        ("rank / 4", "DOUBLE", "0.5"),
        ("rank / 0", "DOUBLE", None),
        ("rank > 1", "BOOLEAN", "true"),
        ("FROM_UNIXTIME(1700000000)", "STRING", "2023-11-14 22:13:20"),
        ("DATE('2024-02-29 10:00:00')", "STRING", "2024-02-29"),
        ("DATE_FORMAT('2024-02-29 10:05:00', '%Y/%m/%d %H:%i')", "STRING", "2024/02/29 10:05"),
        ("DATE_ADD('2024-01-31 00:00:00', INTERVAL 1 MONTH)", "STRING", "2024-02-29 00:00:00"),
        ("DATE_SUB('2024-03-01 00:00:00', INTERVAL 1 DAY)", "STRING", "2024-02-29 00:00:00"),
        ("DATEDIFF('2024-03-01', '2024-02-28')", "INTEGER", "2"),
        ("MONTHNAME('2024-03-01')", "STRING", "March"),
        ("DAYOFWEEK('2024-03-03')", "INTEGER", "1"),
        ("UNIX_TIMESTAMP('1970-01-02 00:00:00')", "INTEGER", "86400"),
        ("JSON_EXTRACT(extra, '$.k.n')", "STRING", "7"),
        ("JSON_LENGTH(tags)", "INTEGER", "2"),
        ("JSON_OVERLAPS(tags, '[\"B\"]')", "BOOLEAN", "true"),
        ("'text'", "STRING", "text"),
        ("NULL", "STRING", None),
    ],
)
def test_expression(table, expression, kind, value):
    result = table.bundle(f"SELECT {expression} AS found FROM $ WHERE ROW_ID = 1")["queryResult"]["queryResults"]
    assert result["headers"] == [{"name": "found", "columnType": kind}]
    assert [row["values"] for row in result["rows"]] == [[value]]


def test_headers_of_expressions_are_as_written(table):
    sql = 'SELECT count(*), MAX(score), max("team name"), rank + 1, rank AS place FROM $ GROUP BY rank'
    assert [header["name"] for header in table.headers(sql)] == [
        "COUNT(*)",
        "MAX(score)",
        "MAX(team name)",
        "rank + 1",
        "place",
    ]


def test_the_caller_and_the_time_are_known(table, server):
    assert table.column("SELECT CURRENT_USER() FROM $ LIMIT 1") == [str(table.person.id)]
    assert table.headers("SELECT CURRENT_USER() FROM $")[0]["columnType"] == "USERID"
    server.set_clock(now="2031-02-03T04:05:06Z")
    assert table.column("SELECT YEAR(NOW()) FROM $ LIMIT 1") == ["2031"]
    assert table.column("SELECT CURRENT_TIMESTAMP - INTERVAL 2 DAY FROM $ LIMIT 1")[0].startswith("2031-02-01 04:05:0")
    assert table.column("SELECT name FROM $ WHERE at > UNIX_TIMESTAMP(NOW() - INTERVAL 8 YEAR) * 1000") == [
        "alpha",
        "Beta",
    ]


def test_groups_fold_the_case_of_texts(table):
    rows = table.rows('SELECT "team name", COUNT(*) AS n FROM $ GROUP BY "team name" ORDER BY n DESC, "team name"')
    assert [(None if name is None else name.lower(), count) for name, count in rows] == [
        ("blue", "2"),
        ("red", "2"),
        (None, "1"),
    ]
    assert len(table.rows('SELECT DISTINCT "team name" FROM $')) == 3


def test_groups_are_filtered_by_having(table):
    sql = "SELECT good, COUNT(*) AS n, MAX(rank) FROM $ GROUP BY good HAVING n > 1 ORDER BY good"
    assert table.rows(sql) == [[None, "2", "3"], ["true", "2", "10"]]


def test_nothing_comes_first_when_ascending_and_last_when_descending(table):
    assert table.column("SELECT rank FROM $ ORDER BY rank") == [None, "1", "2", "3", "10"]
    assert table.column("SELECT rank FROM $ ORDER BY rank DESC") == ["10", "3", "2", "1", None]
    assert table.column("SELECT name FROM $ ORDER BY name") == ["alpha", "Beta", "delta%", "gamma_1", "it's"]
    assert table.column("SELECT score FROM $ ORDER BY score DESC") == ["Infinity", "0.5", "0.25", "-1.5", "NaN"]


def test_order_follows_aliases_and_several_keys(table):
    assert table.column("SELECT rank * -1 AS back FROM $ WHERE rank IS NOT NULL ORDER BY back") == [
        "-10",
        "-3",
        "-2",
        "-1",
    ]
    assert table.column("SELECT name FROM $ ORDER BY good DESC, rank DESC") == [
        "it's",
        "alpha",
        "Beta",
        "gamma_1",
        "delta%",
    ]


def test_rows_are_ordered_and_grouped_by_the_number_of_a_column(table):
    assert table.column("SELECT rank, name FROM $ WHERE rank < 5 ORDER BY 2 DESC") == ["3", "1", "2"]
    assert table.rows("SELECT good, COUNT(*) FROM $ GROUP BY 1 ORDER BY 1") == [
        [None, "2"],
        ["false", "1"],
        ["true", "2"],
    ]
    assert table.reason("SELECT rank FROM $ ORDER BY 2")


def test_limit_and_offset(table):
    assert table.column("SELECT name FROM $ LIMIT 2") == ["alpha", "Beta"]
    assert table.column("SELECT name FROM $ LIMIT 2 OFFSET 3") == ["delta%", "it's"]
    assert table.column("SELECT name FROM $ LIMIT 3", offset=1, limit=10) == ["Beta", "gamma_1"]
    assert table.column("SELECT name FROM $", offset=3) == ["delta%", "it's"]
    assert table.column("SELECT name FROM $", limit=1) == ["alpha"]


@pytest.mark.rule("J-07")
def test_the_bounds_of_the_statement_bound_the_count(table):
    assert table.bundle("SELECT name FROM $", 0x2)["queryCount"] == 5
    assert table.bundle("SELECT name FROM $ LIMIT 2", 0x2)["queryCount"] == 2
    assert table.bundle("SELECT name FROM $ LIMIT 10 OFFSET 4", 0x2)["queryCount"] == 1
    assert table.bundle("SELECT name FROM $", 0x2, limit=1)["queryCount"] == 5
    assert table.bundle("SELECT good FROM $ GROUP BY good", 0x2)["queryCount"] == 3


def test_unnest_gives_each_element_a_row(table):
    sql = "SELECT UNNEST(tags) AS tag, COUNT(*) AS n FROM $ WHERE tags IS NOT NULL GROUP BY UNNEST(tags) ORDER BY tag"
    rows = table.rows(sql)
    assert [(tag and tag.lower(), count) for tag, count in rows] == [(None, "1"), ("a", "1"), ("b", "2"), ("c", "1")]
    assert table.headers("SELECT UNNEST(numbers) FROM $")[0]["columnType"] == "INTEGER"


def test_tables_are_named_in_any_case_and_by_version(table):
    assert table.bundle(f"SELECT COUNT(*) FROM {table.id.upper()}")["queryResult"]["queryResults"]["rows"]
    assert table.column("SELECT COUNT(*) FROM $.1") == ["5"]
    assert table.reason("SELECT COUNT(*) FROM $.99", 404)


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "SELECT",
        "SELECT 1",
        "SELECT name",
        "SELECT name FROM",
        "SELECT name FROM nothing",
        "SELECT name FROM $; SELECT name FROM $",
        "SELECT name FROM $; DROP TABLE entity",
        "DROP TABLE $",
        "DELETE FROM $",
        "UPDATE $ SET name = 'x'",
        "INSERT INTO $ (name) VALUES ('x')",
        "CREATE TABLE x (a INTEGER)",
        "PRAGMA table_info(entity)",
        "ATTACH DATABASE 'x' AS y",
        "SELECT name FROM $ UNION SELECT name FROM $",
        "SELECT a.name FROM $ a JOIN $ b ON a.rank = b.rank",
        "SELECT name FROM $, $",
        "SELECT name FROM (SELECT name FROM $)",
        "SELECT name FROM $ WHERE name IN (SELECT name FROM $)",
        "SELECT (SELECT 1) FROM $",
        "SELECT name FROM $ WHERE EXISTS (SELECT 1 FROM $)",
        "WITH a AS (SELECT name FROM $) SELECT name FROM a",
        "SELECT nothing FROM $",
        "SELECT Name FROM $",
        "SELECT other.name FROM $",
        "SELECT name FROM $ WHERE nothing = 1",
        "SELECT name FROM $ ORDER BY nothing",
        "SELECT load_extension('x') FROM $",
        "SELECT sqlite_version() FROM $",
        "SELECT randomblob(1000000000) FROM $",
        "SELECT RANK() OVER (ORDER BY rank) FROM $",
        "SELECT name || 'x' FROM $",
        "SELECT name FROM $ WHERE name REGEXP 'a'",
        "SELECT name FROM $ WHERE name GLOB 'a'",
        "SELECT CAST(name AS BLOB) FROM $",
        "SELECT CONCAT() FROM $",
        "SELECT UPPER(name, name) FROM $",
        "SELECT UNNEST(name) FROM $",
        "SELECT name FROM $ WHERE name HAS ('a')",
        "SELECT name FROM $ WHERE COUNT(*) > 1",
        "SELECT name FROM $ LIMIT x",
        "SELECT name FROM $ FOR UPDATE",
        "SELECT name FROM $ WHERE rank BETWEEN 1",
        'SELECT "unclosed FROM $',
        "SELECT name FROM $ WHERE name = 'unclosed",
        "SELECT name FROM sqlite_master",
        "SELECT sql FROM main.sqlite_master",
        "SELECT SUM(rank) FROM $ WHERE SUM(9223372036854775807) > 1",
    ],
)
def test_what_is_no_query_is_refused(table, sql):
    assert table.reason(sql)


def test_tables_that_are_none_are_refused(table, project):
    assert table.reason(f"SELECT name FROM {project}") == f"{project} is not a table or view"
    assert table.reason("SELECT name FROM syn999999999", 404) == "Resource: 'syn999999999' does not exist"


def test_deeply_nested_queries_are_refused_and_long_ones_are_answered(table):
    assert table.reason(f"SELECT name FROM $ WHERE {'(' * 3000}rank = 1{')' * 3000}")
    assert table.reason(f"SELECT {'ABS(' * 2000}1{')' * 2000} FROM $")
    chain = " OR ".join(f"rank = {number}" for number in range(3000))
    assert len(table.rows(f"SELECT name FROM $ WHERE {chain}")) == 4
    values = ", ".join(f"'name {number}'" for number in range(40_000))
    assert table.rows(f"SELECT name FROM $ WHERE name IN ({values}, 'alpha')") == [["alpha"]]


def test_what_calculates_beyond_numbers_is_refused_not_failed(table):
    assert table.reason("SELECT SUM(rank + 9223372036854775800) FROM $")
    assert table.rows("SELECT 99999999999999999999 FROM $ LIMIT 1") == [["1e20"]]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40))
def test_any_text_is_a_literal(table, text):
    literal = text.replace("'", "''")
    path = f"/entity/{table.id}/table/query/async"
    body = {"query": {"sql": f"SELECT '{literal}' AS found FROM {table.id} LIMIT 1"}, "partMask": 0x1}
    token = table.person.ok("POST", f"{path}/start", body)["token"]
    rows = table.person.ok("GET", f"{path}/get/{token}")["queryResult"]["queryResults"]["rows"]
    assert rows[0]["values"] == [text]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sql=st.text(alphabet="SELECTFROMWHERE selectname*,()'\"`.=<>%_0123456789;-/\\\n|", max_size=60))
def test_any_text_is_answered_or_refused(table, sql):
    path = f"/entity/{table.id}/table/query/async"
    started = table.person("POST", f"{path}/start", {"query": {"sql": f"SELECT {sql} FROM {table.id}"}})
    assert started.status_code == 201
    assert table.person("GET", f"{path}/get/{started.json()['token']}").status_code in (201, 400, 404)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_read_as_they_are_written(table, value):
    shown = table.column(f"SELECT {value!r} * 1.0 FROM $ LIMIT 1")[0]
    assert math.isclose(float(shown), value, rel_tol=1e-15, abs_tol=0) or float(shown) == value
