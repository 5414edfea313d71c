"""What the tests of this folder have run and been answered, looked at together when all of them have ended."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from synapse_contract import contract, sources
from synapse_contract.served import room

from .accounts import script

#: Commands that no test runs with success, and why.
NOT_RUN = {
    ("synapse", "onweb"): "opens a browser",
    ("synapse", "test-encoding"): "ends with a TypeError before it has asked Synapse for more than a login",
    ("synapse", "generate-json-schema"): "asks Synapse nothing; it turns one file into another",
    ("synapse", "register-json-schema"): "schemas and their organizations are no part of challenges and answer 501",
    ("synapse", "bind-json-schema"): "schemas and their organizations are no part of challenges and answer 501",
    ("synapse", "get-sts-token"): "hands out credentials of Amazon's for a bucket, which there is none of; answers 501",
}
GROUPS = ("challenge", "queue", "submission", "summarize")
#: What an ordered fault answers says nothing about the operation that it hits.
ORDERED = "ordered fault"


def choices(said):
    """The commands that argparse tells."""
    return set(re.search(r"\{([\w,-]+)\}\s+\.\.\.", said)[1].split(","))


@pytest.mark.whole_run
def test_every_command_is_run_or_has_a_reason_not_to_be(account, succeeded):
    somebody = account("participant")
    asked = [(somebody.synapse, "--help"), (somebody.challengeutils, "--help")]
    asked += [(somebody.cnb_tools, group, "--help") for group in GROUPS]
    ran = set(succeeded)
    with ThreadPoolExecutor(2) as pool:
        synapse, challengeutils, *groups = pool.map(lambda words: words[0](*words[1:]), asked)
    commands = {("synapse", name) for name in choices(synapse)}
    commands |= {("challengeutils", name) for name in choices(challengeutils)}
    for group, said in zip(GROUPS, groups, strict=True):
        listed = said[said.index("─ Commands ") :]
        commands |= {("cnb-tools", group, name) for name in re.findall(r"^│ ([a-z][a-z-]+) ", listed, re.MULTILINE)}
    assert NOT_RUN.keys() <= commands
    assert not NOT_RUN.keys() & ran
    assert commands - ran - NOT_RUN.keys() == set()


def test_what_fails_wherever_it_is_run(account):
    """The command and the script of the packages that are broken themselves."""
    somebody = account("participant")
    assert "TypeError: test_encoding() takes 0 positional arguments" in somebody.synapse("test-encoding", code=1)
    # What it would run is run by test_clients_challengeutils_library.py.
    said = somebody.run([script("challengeutils", "python"), script("challengeutils", "runqueue.py")], code=1)
    assert "ModuleNotFoundError: No module named 'synapseclient.exceptions'" in said


@pytest.fixture(scope="module")
def records(journal):
    found = [
        record
        for record in journal.records()
        if not (isinstance(record.body, dict) and record.body.get("reason") == ORDERED)
    ]
    assert found, "nothing has been asked"
    return found


def mistakes(records, description):
    """Each mistake once, with the test that met it first."""
    lines = {}
    for record in records:
        for mistake in contract.mistakes(record, description):
            line = f"{room(record.operation)}: {record.operation} → {record.status}: {mistake}"
            lines.setdefault(line, record.test)
    return "\n".join(f"{line}  [{test}]" for line, test in sorted(lines.items()))


def test_every_answer_fits_the_openapi_document(records):
    assert mistakes(records, contract.public()) == ""


def test_every_answer_fits_the_schemas_of_the_server(records):
    description = contract.server()
    if description is None:
        pytest.skip(sources.NO_SERVER_CONTRACT)
    assert mistakes(records, description) == ""
