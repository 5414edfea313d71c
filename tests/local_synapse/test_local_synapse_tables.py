"""Tables: rows, files of rows, columns that change, snapshots."""

from __future__ import annotations

import csv
import io

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TABLE = "org.sagebionetworks.repo.model.table."


class Table:
    """A table of somebody's."""

    def __init__(self, owner, identity, upload):
        self.owner, self.id, self._upload = owner, identity, upload

    @property
    def ids(self):
        """Ids of its columns by their names."""
        found = self.owner.ok("GET", f"/entity/{self.id}/column")["results"]
        return {column["name"]: column["id"] for column in found}

    def job(self, name, body, somebody=None):
        path = f"/entity/{self.id}/table/{name}/async"
        token = (somebody or self.owner).ok("POST", f"{path}/start", body)["token"]
        return (somebody or self.owner)("GET", f"{path}/get/{token}")

    def transact(self, *changes, somebody=None, **body):
        return self.job("transaction", {"entityId": self.id, "changes": changes, **body}, somebody)

    def changed(self, *changes, **body):
        """Responses to changes that have to succeed."""
        answer = self.transact(*changes, **body)
        assert answer.status_code == 201, answer.text
        return answer.json()["results"]

    def refused(self, *changes, **body):
        """Status and reason of changes that have to fail."""
        answer = self.transact(*changes, **body)
        assert answer.is_error, answer.text
        return answer.status_code, answer.json()["reason"]

    def partial(self, *rows, **more):
        """Change that appends or changes rows by the names of their columns; the row's number is called ``_``."""
        ids = self.ids
        made = []
        for row in rows:
            cells = [{"key": ids.get(name, name), "value": value} for name, value in row.items() if name != "_"]
            made.append({"values": cells} | ({"rowId": row["_"]} if "_" in row else {}))
        rows_ = {"concreteType": f"{TABLE}PartialRowSet", "tableId": self.id, "rows": made, **more}
        return {"concreteType": f"{TABLE}AppendableRowSetRequest", "toAppend": rows_}

    def full(self, names, *rows, **more):
        """Change that appends or changes whole rows: number and values."""
        headers = [{"id": self.ids[name]} for name in names]
        made = [{"values": values} | ({"rowId": number} if number else {}) for number, values in rows]
        rows_ = {"concreteType": f"{TABLE}RowSet", "tableId": self.id, "headers": headers, "rows": made, **more}
        return {"concreteType": f"{TABLE}AppendableRowSetRequest", "toAppend": rows_}

    def file(self, text, somebody=None, **more):
        """Change that applies a CSV file."""
        handle = self._upload(somebody or self.owner, text.encode(), "rows.csv")
        return {"concreteType": f"{TABLE}UploadToTableRequest", "uploadFileHandleId": handle, **more}

    def schema(self, *changes, order=None):
        """Change of columns: pairs of the old id and the new one."""
        made = [
            {name: value for name, value in (("oldColumnId", old), ("newColumnId", new)) if value}
            for old, new in changes
        ]
        change = {"concreteType": f"{TABLE}TableSchemaChangeRequest", "changes": made}
        return change | ({"orderedColumnIds": order} if order else {})

    def bundle(self, sql, mask=0x1, somebody=None, **query):
        answer = self.job("query", {"query": {"sql": sql.replace("$", self.id), **query}, "partMask": mask}, somebody)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def rows(self, sql="SELECT * FROM $", **query):
        found = self.bundle(sql, **query)["queryResult"]["queryResults"]
        return [row["values"] for row in found["rows"]]

    def csv(self, sql="SELECT * FROM $", somebody=None, **more):
        """Text of the file that a query becomes."""
        somebody = somebody or self.owner
        answer = self.job("download/csv", {"sql": sql.replace("$", self.id), **more}, somebody)
        assert answer.status_code == 201, answer.text
        handle = answer.json()["resultsFileHandleId"]
        url = somebody("GET", f"/fileHandle/{handle}/url", None, "file", redirect="false").text
        return httpx.get(url, timeout=30).content.decode()


@pytest.fixture
def new_table(organiser, project, unique, upload):
    """Makes a table with columns of these names and types."""

    def new_table(owner=organiser, parent=project, **columns):
        definitions = [
            {"name": name, **({"columnType": kind} if isinstance(kind, str) else kind)}
            for name, kind in columns.items()
        ]
        made = owner.ok("POST", "/column/batch", {"list": definitions})["list"] if columns else []
        body = {
            "concreteType": f"{TABLE}TableEntity",
            "name": unique("Table"),
            "parentId": parent,
            "columnIds": [column["id"] for column in made],
        }
        return Table(owner, owner.ok("POST", "/entity", body)["id"], upload)

    return new_table


@pytest.fixture
def column(organiser):
    """Makes a column; returns its id."""
    return lambda name, kind, **more: organiser.ok("POST", "/column", {"name": name, "columnType": kind, **more})["id"]


def test_rows_are_appended_with_numbers_of_their_own(new_table):
    table = new_table(word="STRING", number="INTEGER")
    assert table.rows() == []
    result = table.changed(table.partial({"word": "a", "number": 1}, {"word": "b"}))[0]
    references = result["rowReferenceSet"]
    assert result["concreteType"] == f"{TABLE}RowReferenceSetResults"
    assert references["tableId"] == table.id
    assert references["rows"] == [{"rowId": 1, "versionNumber": 1}, {"rowId": 2, "versionNumber": 1}]
    assert table.rows() == [["a", "1"], ["b", None]]
    more = table.changed(table.full(["number", "word"], (None, ["3", "c"])))[0]["rowReferenceSet"]
    assert more["rows"] == [{"rowId": 3, "versionNumber": 2}]
    assert table.rows() == [["a", "1"], ["b", None], ["c", "3"]]
    found = table.bundle("SELECT word FROM $")["queryResult"]["queryResults"]
    assert found["etag"] == more["etag"] != references["etag"]


def test_rows_are_changed_and_deleted(new_table):
    table = new_table(word="STRING", number="INTEGER")
    table.changed(table.partial({"word": "a", "number": 1}, {"word": "b", "number": 2}, {"word": "c", "number": 3}))
    table.changed(table.partial({"_": 2, "number": 20}, {"_": 3, "word": None}))
    assert table.rows("SELECT ROW_ID, ROW_VERSION, word, number FROM $") == [
        ["1", "1", "a", "1"],
        ["2", "2", "b", "20"],
        ["3", "2", None, "3"],
    ]
    table.changed(table.full(["word", "number"], (1, ["z", None]), (2, [])))
    assert table.rows() == [["z", None], [None, "3"]]
    added = table.changed(table.partial({"word": "d"}))[0]["rowReferenceSet"]["rows"]
    assert added == [{"rowId": 4, "versionNumber": 4}]
    deleted = table.owner.ok("POST", f"/entity/{table.id}/table/deleteRows", {"rowIds": [3]})
    assert deleted["rows"] == [{"rowId": 3, "versionNumber": 5}]
    assert table.rows() == [["z", None], ["d", None]]


def test_rows_that_have_changed_meanwhile_are_refused(new_table):
    table = new_table(word="STRING")
    seen = table.changed(table.partial({"word": "a"}, {"word": "b"}))[0]["rowReferenceSet"]["etag"]
    table.changed(table.partial({"_": 1, "word": "changed"}))
    table.changed(table.full(["word"], (2, ["still good"]), etag=seen))
    status, reason = table.refused(table.full(["word"], (1, ["too late"]), etag=seen))
    assert (status, reason) == (
        412,
        "Row id: 1 has been changed since last read.  "
        "Please get the latest value for this row and then attempt to update it again.",
    )
    assert table.rows() == [["changed"], ["still good"]]


def test_default_values_fill_new_rows(new_table):
    table = new_table(word={"columnType": "STRING", "defaultValue": "none"}, number="INTEGER")
    table.changed(table.partial({"number": 1}, {"word": "some", "number": 2}))
    assert table.rows() == [["none", "1"], ["some", "2"]]
    table.changed(table.partial({"_": 2, "word": None}))
    assert table.rows() == [["none", "1"], [None, "2"]]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("INTEGER", "one"),
        ("INTEGER", "0.5"),
        ("INTEGER", "9223372036854775808"),
        ("DOUBLE", "high"),
        ("BOOLEAN", "yes"),
        ("DATE", "yesterday"),
        ("ENTITYID", "entity"),
        ("USERID", "me"),
        ({"columnType": "STRING", "maximumSize": 3}, "four"),
        ({"columnType": "STRING", "enumValues": ["a", "b"]}, "c"),
        ("STRING_LIST", "a"),
        ("STRING_LIST", "[null]"),
        ({"columnType": "INTEGER_LIST", "maximumListLength": 1}, "[1, 2]"),
        ("JSON", "{"),
    ],
)
def test_values_that_a_column_does_not_take(new_table, kind, value):
    table = new_table(cell=kind)
    assert table.refused(table.partial({"cell": value}))[0] == 400
    assert table.rows() == []


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("INTEGER", -9223372036854775808, "-9223372036854775808"),
        ("DOUBLE", "1e300", "1e300"),
        ("DOUBLE", 0.1, "0.1"),
        ("DOUBLE", "-Infinity", "-Infinity"),
        ("BOOLEAN", True, "true"),
        ("DATE", "2024-02-29T12:00:00.000Z", "1709208000000"),
        ("ENTITYID", "SYN12", "syn12"),
        ("LARGETEXT", "x" * 5000, "x" * 5000),
        ("STRING_LIST", ["a", "b"], '["a", "b"]'),
        ("BOOLEAN_LIST", "[true, false]", "[true, false]"),
        ("ENTITYID_LIST", '["syn1", "2"]', '["syn1", "syn2"]'),
        ("DATE_LIST", [1, 2], "[1, 2]"),
        ("JSON", {"a": [1, None]}, '{"a": [1, null]}'),
    ],
)
def test_values_that_a_column_takes(new_table, kind, value, shown):
    table = new_table(cell=kind)
    table.changed(table.partial({"cell": value}))
    assert table.rows() == [[shown]]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"concreteType": f"{TABLE}SomethingElse"},
        {"concreteType": f"{TABLE}AppendableRowSetRequest"},
        {"concreteType": f"{TABLE}AppendableRowSetRequest", "toAppend": {"rows": [{"values": ["a"]}]}},
        {
            "concreteType": f"{TABLE}AppendableRowSetRequest",
            "toAppend": {"concreteType": f"{TABLE}RowSet", "rows": [{"values": ["a"]}]},
        },
        {
            "concreteType": f"{TABLE}AppendableRowSetRequest",
            "toAppend": {"concreteType": f"{TABLE}PartialRowSet", "rows": [{"values": [{"key": "1", "value": "a"}]}]},
        },
        {"concreteType": f"{TABLE}UploadToTableRequest"},
        {"concreteType": f"{TABLE}TableSchemaChangeRequest", "entityId": "syn1"},
        {"concreteType": f"{TABLE}TableSchemaChangeRequest", "changes": [{"oldColumnId": "1"}]},
        {"concreteType": f"{TABLE}TableSchemaChangeRequest", "orderedColumnIds": ["1"]},
    ],
)
def test_what_is_no_change_is_refused(new_table, change):
    assert new_table(word="STRING").refused(change)[0] == 400


def test_only_who_may_change_a_table_does(new_table, person, share, project):
    table, somebody = new_table(word="STRING"), person()
    share(table.owner, f"/entity/{project}", somebody.id, "READ", "DOWNLOAD")
    change = table.partial({"word": "a"})
    assert table.refused(change, somebody=somebody) == (403, "You lack UPDATE access to the requested entity.")
    share(table.owner, f"/entity/{project}", somebody.id, "READ", "DOWNLOAD", "UPDATE")
    assert table.transact(change, somebody=somebody).status_code == 201


@pytest.mark.rule("J-07")
def test_rows_of_a_table_need_the_right_to_download(new_table, person, share, project):
    table, reader = new_table(word="STRING"), person()
    share(table.owner, f"/entity/{project}", reader.id, "READ")
    body = {"query": {"sql": f"SELECT word FROM {table.id}"}}
    refused = table.job("query", body, reader)
    assert (refused.status_code, refused.json()["reason"]) == (
        403,
        "You lack DOWNLOAD access to the requested entity.",
    )
    share(table.owner, f"/entity/{project}", reader.id, "READ", "DOWNLOAD")
    assert table.job("query", body, reader).status_code == 201


def test_pages_follow_each_other(new_table):
    table = new_table(number="INTEGER", note="LARGETEXT", other="LARGETEXT")
    table.changed(table.full(["number"], *((None, [str(number)]) for number in range(500))))
    first = table.bundle("SELECT * FROM $ WHERE number >= 10 ORDER BY number DESC", 0x9)
    most = first["maxRowsPerPage"]
    assert 100 < most < 490
    found = [row["values"][0] for row in first["queryResult"]["queryResults"]["rows"]]
    assert len(found) == most
    token = first["queryResult"]["nextPageToken"]
    assert token["entityId"] == table.id
    while token:
        page = table.job("query/nextPage", token).json()
        found += [row["values"][0] for row in page["queryResults"]["rows"]]
        token = page.get("nextPageToken")
    assert found == [str(number) for number in range(499, 9, -1)]
    bounded = table.bundle("SELECT * FROM $", limit=most + 5)["queryResult"]
    rest = table.job("query/nextPage", bounded["nextPageToken"]).json()
    assert len(rest["queryResults"]["rows"]) == 5
    assert "nextPageToken" not in rest
    assert "nextPageToken" not in table.bundle("SELECT * FROM $", limit=most)["queryResult"]
    assert table.job("query/nextPage", {"token": "none"}).status_code == 400


def test_a_file_of_rows_is_appended_and_changes_rows(new_table):
    table = new_table(word="STRING", number="INTEGER")
    result = table.changed(table.file('number,word\n1,"a ""quoted"", word"\n,"two\nlines"\n'))[0]
    assert result == {
        "concreteType": f"{TABLE}UploadToTableResult",
        "rowsProcessed": 2,
        "etag": result["etag"],
    }
    assert table.rows() == [['a "quoted", word', "1"], ["two\nlines", None]]
    table.changed(table.file("ROW_ID,ROW_VERSION,number\n2,1,7\n,,8\n", updateEtag=result["etag"]))
    assert table.rows("SELECT ROW_ID, ROW_VERSION, word, number FROM $") == [
        ["1", "1", 'a "quoted", word', "1"],
        ["2", "2", "two\nlines", "7"],
        ["3", "2", None, "8"],
    ]
    assert table.refused(table.file("ROW_ID,ROW_VERSION,number\n2,1,9\n", updateEtag=result["etag"]))[0] == 412
    table.changed(table.file("ROW_ID,ROW_VERSION\n1,1\n3,2\n"))
    assert table.rows() == [["two\nlines", "7"]]


def test_files_are_read_as_they_are_described(new_table):
    table = new_table(word="STRING", number="INTEGER")
    described = {"separator": "\t", "quoteCharacter": "'", "escapeCharacter": "\\", "isFirstLineHeader": False}
    text = "skipped\nskipped too\n'a\\'b\tc'\t1\r\nd\t2\r\n"
    table.changed(table.file(text, linesToSkip=2, csvTableDescriptor=described))
    assert table.rows() == [["a'b\tc", "1"], ["d", "2"]]


@pytest.mark.parametrize(
    "text",
    ["unknown\n1\n", "word,number\n1\n", "word\na\nb,c\n", "number\nx\n", "ROW_ID,word\nx,a\n", "ROW_ID,word\n9,a\n"],
)
def test_files_that_do_not_fit_are_refused(new_table, text):
    table = new_table(word="STRING", number="INTEGER")
    assert table.refused(table.file(text))[0] == 400
    assert table.rows() == []


def test_only_own_files_are_uploaded(new_table, person):
    table = new_table(word="STRING")
    assert table.refused(table.file("word\na\n", somebody=person()))[0] == 403
    change = {"concreteType": f"{TABLE}UploadToTableRequest", "uploadFileHandleId": "1"}
    assert table.refused(change)[0] == 404


def test_columns_of_a_file_are_guessed(organiser, upload):
    text = (
        "word,number,share,yes,entity,day,tags,empty\n"
        'a,1,0.5,true,syn1,2024-01-01,"[""x""]",\n'
        "bcd,20,3,FALSE,syn22,2024-01-02,[],\n"
    )
    path = "/table/upload/csv/preview/async"
    body = {"uploadFileHandleId": upload(organiser, text.encode())}
    token = organiser.ok("POST", f"{path}/start", body)["token"]
    found = organiser.ok("GET", f"{path}/get/{token}")
    assert [(column["name"], column["columnType"]) for column in found["suggestedColumns"]] == [
        ("word", "STRING"),
        ("number", "INTEGER"),
        ("share", "DOUBLE"),
        ("yes", "BOOLEAN"),
        ("entity", "ENTITYID"),
        ("day", "DATE"),
        ("tags", "STRING_LIST"),
        ("empty", "STRING"),
    ]
    assert found["suggestedColumns"][0]["maximumSize"] == 3
    assert found["rowsScanned"] == 2
    assert found["sampleRows"][0]["values"][:2] == ["a", "1"]


@pytest.mark.rule("J-08")
def test_a_query_becomes_a_file_of_the_caller(new_table, person, share, project):
    table, reader = new_table(word="STRING", number="INTEGER"), person()
    share(table.owner, f"/entity/{project}", reader.id, "READ", "DOWNLOAD")
    table.changed(table.partial({"word": 'a "b", c\\d', "number": 1}, {"word": "two\nlines"}, {"word": ""}))
    answer = table.job("download/csv", {"sql": f"SELECT word, number FROM {table.id}"}, reader).json()
    assert answer["tableId"] == table.id
    assert [header["name"] for header in answer["headers"]] == ["word", "number"]
    handle = reader.ok("GET", f"/fileHandle/{answer['resultsFileHandleId']}", None, "file")
    assert handle["createdBy"] == str(reader.id)
    assert handle["contentType"] == "text/csv"
    assert table.owner.refused("GET", f"/fileHandle/{handle['id']}", None, "file")[0] == 403
    assert table.csv() == ('ROW_ID,ROW_VERSION,word,number\n1,1,"a \\"b\\", c\\\\d",1\n2,1,"two\nlines",\n3,1,"",\n')


@pytest.mark.rule("J-08")
def test_the_form_of_a_file_can_be_chosen(new_table):
    table = new_table(word="STRING", number="INTEGER")
    table.changed(table.partial({"word": "a", "number": 1}, {"word": "b\tc", "number": 2}))
    assert table.csv(writeHeader=False) == "1,1,a,1\n2,1,b\tc,2\n"
    assert table.csv(includeRowIdAndRowVersion=False) == "word,number\na,1\nb\tc,2\n"
    described = {"separator": "\t", "quoteCharacter": "'", "lineEnd": "\r\n"}
    assert table.csv(includeRowIdAndRowVersion=False, csvTableDescriptor=described) == (
        "word\tnumber\r\na\t1\r\n'b\tc'\t2\r\n"
    )
    assert table.csv("SELECT COUNT(*) AS n FROM $") == "n\n2\n"
    assert table.csv("SELECT word FROM $ ORDER BY number DESC", offset=1, limit=5) == "ROW_ID,ROW_VERSION,word\n1,1,a\n"
    table_wide = table.job(
        "download/csv", {"sql": f"SELECT * FROM {table.id}", "csvTableDescriptor": {"separator": "ab"}}
    )
    assert table_wide.status_code == 400


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=30), max_size=4))
def test_any_texts_come_back_in_rows_and_in_files(new_table, texts):
    table = new_table(word="STRING")
    if texts:
        table.changed(table.full(["word"], *((None, [text]) for text in texts)))
    assert table.rows() == [[text] for text in texts]
    written = table.csv(includeRowIdAndRowVersion=False, writeHeader=False)
    reader = csv.reader(io.StringIO(written, newline=""), escapechar="\\", doublequote=True)
    assert [row for row in reader if row] == [[text] for text in texts]


def test_columns_come_go_and_change_places(new_table, column):
    table = new_table(word="STRING", number="INTEGER")
    table.changed(table.partial({"word": "a", "number": 1}))
    old, fresh = table.ids, column("fresh", "STRING", defaultValue="new")
    answer = table.changed(table.schema((None, fresh), (old["number"], None), order=[fresh, old["word"]]))[0]
    assert answer["concreteType"] == f"{TABLE}TableSchemaChangeResponse"
    assert [each["name"] for each in answer["schema"]] == ["fresh", "word"]
    assert table.owner.ok("GET", f"/entity/{table.id}")["columnIds"] == [fresh, old["word"]]
    assert table.rows() == [["new", "a"]]
    table.changed(table.schema((None, old["number"])))
    assert table.rows() == [["new", "a", None]]


def test_a_column_that_replaces_another_takes_its_values(new_table, column):
    table = new_table(word="STRING")
    table.changed(table.partial({"word": "1"}, {"word": None}, {"word": "20"}))
    renamed = column("number", "INTEGER")
    table.changed(table.schema((table.ids["word"], renamed)))
    assert table.rows("SELECT number FROM $ WHERE number > 5") == [["20"]]
    text = column("text", "LARGETEXT")
    table.changed(table.schema((renamed, text)), table.partial({text: "more"}))
    assert table.rows() == [["1"], [None], ["20"], ["more"]]
    assert table.refused(table.schema((text, renamed)))[0] == 400
    assert table.rows() == [["1"], [None], ["20"], ["more"]]


def test_columns_also_change_with_the_entity(new_table, column):
    table = new_table(word="STRING", number="INTEGER")
    table.changed(table.partial({"word": "a", "number": 1}))
    entity = table.owner.ok("GET", f"/entity/{table.id}")
    entity["columnIds"] = [column("more", "STRING"), table.ids["word"]]
    table.owner.ok("PUT", f"/entity/{table.id}", entity)
    assert table.rows() == [[None, "a"]]


@pytest.mark.rule("J-10", "E-04")
def test_a_snapshot_stays_as_it_was(new_table, column):
    table = new_table(word="STRING")
    table.changed(table.partial({"word": "a"}))
    entity = table.owner.ok("GET", f"/entity/{table.id}")
    assert (entity["versionNumber"], entity["versionLabel"]) == (1, "in progress")
    activity = table.owner.ok("POST", "/activity", {"name": "measured"})["id"]
    options = {"snapshotLabel": "v1", "snapshotComment": "first", "snapshotActivityId": activity}
    made = table.owner("POST", f"/entity/{table.id}/table/snapshot", options)
    assert (made.status_code, made.json()) == (201, {"snapshotVersionNumber": 1})
    table.changed(table.partial({"_": 1, "word": "b"}), table.schema((None, column("more", "INTEGER"))))
    assert table.rows() == [["b", None]]
    assert table.rows("SELECT * FROM $.1") == [["a"]]
    assert table.rows("SELECT * FROM $.2") == [["b", None]]
    kept = table.owner.ok("GET", f"/entity/{table.id}/version/1")
    assert (kept["versionLabel"], kept["versionComment"], len(kept["columnIds"])) == ("v1", "first", 1)
    assert table.owner.ok("GET", f"/entity/{table.id}/version/1/generatedBy")["id"] == activity
    current = table.owner.ok("GET", f"/entity/{table.id}")
    assert (current["versionNumber"], current["versionLabel"]) == (2, "in progress")
    assert "versionComment" not in current


@pytest.mark.rule("J-10", "E-04")
def test_labels_of_snapshots_are_unique(new_table):
    table = new_table(word="STRING")
    path = f"/entity/{table.id}/table/snapshot"
    assert table.owner.ok("POST", path, {})["snapshotVersionNumber"] == 1
    assert table.owner.ok("POST", path, {"snapshotLabel": "x"})["snapshotVersionNumber"] == 2
    assert table.owner.refused("POST", path, {"snapshotLabel": "x"}) == (
        400,
        "The label 'x' has already been used for a version of this entity",
    )
    assert table.owner.ok("GET", f"/entity/{table.id}/version/1")["versionLabel"] == "1"


@pytest.mark.rule("J-10")
def test_a_new_version_of_a_table_comes_from_snapshots_alone(new_table):
    table = new_table(word="STRING")
    entity = table.owner.ok("GET", f"/entity/{table.id}")
    changed = table.owner.ok("PUT", f"/entity/{table.id}", entity | {"description": "d"}, newVersion="true")
    assert changed["versionNumber"] == 1


def test_changes_and_their_snapshot_are_one_transaction(new_table):
    table = new_table(word="STRING")
    answer = table.transact(table.partial({"word": "a"}), createSnapshot=True).json()
    assert answer["snapshotVersionNumber"] == 1
    table.changed(table.partial({"word": "b"}))
    assert table.rows("SELECT word FROM $.1") == [["a"]]
    assert table.transact().status_code == 400


@pytest.mark.rule("F-05")
def test_files_in_cells_belong_to_who_may_download_the_table(new_table, person, share, project, upload):
    table, reader = new_table(file="FILEHANDLEID"), person()
    handle = upload(table.owner, b"content")
    foreign = upload(reader, b"foreign")
    assert table.refused(table.partial({"file": foreign}))[0] == 403
    table.changed(table.partial({"file": handle}))
    item = {"fileHandleId": handle, "associateObjectId": table.id, "associateObjectType": "TableEntity"}
    body = {"requestedFiles": [item], "includeFileHandles": True, "includePreSignedURLs": True}

    def got():
        return reader.ok("POST", "/fileHandle/batch", body, "file")["requestedFiles"][0]

    share(table.owner, f"/entity/{project}", reader.id, "READ")
    assert got()["failureCode"] == "UNAUTHORIZED"
    share(table.owner, f"/entity/{project}", reader.id, "READ", "DOWNLOAD")
    assert httpx.get(got()["preSignedURL"], timeout=30).content == b"content"
    other = upload(table.owner, b"not in the table")
    item["fileHandleId"] = other
    assert got()["failureCode"] == "UNAUTHORIZED"
    item["fileHandleId"] = handle
    table.owner.ok("POST", f"/entity/{table.id}/table/snapshot", {})
    table.changed(table.full(["file"], (1, [])))
    assert "failureCode" not in got()


def test_older_services_of_tables(new_table):
    table = new_table(word="STRING")
    appended = table.job("append", {"toAppend": table.partial({"word": "a"})["toAppend"]}).json()
    assert appended["rowReferenceSet"]["rows"] == [{"rowId": 1, "versionNumber": 1}]
    uploaded = table.job("upload/csv", table.file("word\nb\n")).json()
    assert uploaded["rowsProcessed"] == 1
    for path, body in (
        ("/table/upload/csv/async", table.file("word\nc\n") | {"tableId": table.id}),
        ("/table/download/csv/async", {"sql": f"SELECT word FROM {table.id}"}),
    ):
        token = table.owner.ok("POST", f"{path}/start", body)["token"]
        assert table.owner("GET", f"{path}/get/{token}").status_code == 201
    assert table.rows() == [["a"], ["b"], ["c"]]


def test_full_text_search_is_not_served(new_table):
    change = {"concreteType": f"{TABLE}TableSearchChangeRequest", "searchEnabled": True}
    assert new_table(word="STRING").refused(change)[0] == 501


def test_a_table_is_an_entity(new_table, project):
    table = new_table(word="STRING")
    shown = table.owner.ok("GET", f"/entity/{table.id}")
    assert shown["concreteType"] == f"{TABLE}TableEntity"
    assert shown["parentId"] == project
    children = table.owner.ok("POST", "/entity/children", {"parentId": project, "includeTypes": ["table"]})["page"]
    assert [child["id"] for child in children] == [table.id]
