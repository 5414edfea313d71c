"""
What the tests of this folder were answered, compared with Synapse's own descriptions.

These tests run last (see conftest.py); the server of the tests has written down every answer by then.
"""

from __future__ import annotations

import pytest
from synapse_contract import contract, sources
from synapse_contract.served import SERVED, room

#: Parameters that a client sends although Synapse has none of that name: Synapse takes no notice of them.
PARAMETERS_OF_CLIENTS: dict[str, set[str]] = {
    "GET /docker/v1/bearerToken": {"account", "client_id", "offline_token"},  # Docker's
}
#: Operations that have nothing to find, with the reason.
NOTHING_THERE = {"GET /repo/v1/doi/association": "nothing gets a DOI here; clients ask whether something has one"}
#: What an ordered fault answers says nothing about the operation that it hits.
ORDERED = "ordered fault"


@pytest.fixture(scope="module")
def records(journal):
    return [
        record
        for record in journal.records()
        if not (isinstance(record.body, dict) and record.body.get("reason") == ORDERED)
    ]


def told(found):
    """Each mistake once, with the test that met it first."""
    lines = {}
    for record, mistake in found:
        line = f"{room(record.operation)}: {record.operation} → {record.status}: {mistake}"
        lines.setdefault(line, record.test)
    return "\n".join(f"{line}  [{test}]" for line, test in sorted(lines.items()))


def differences(records, description):
    return [(record, mistake) for record in records for mistake in contract.mistakes(record, description)]


@pytest.mark.rule("G-04", "G-06", "P-18")
def test_every_answer_fits_the_openapi_document(records):
    found = differences(records, contract.public())
    assert not found, "\n" + told(found)


@pytest.mark.rule("G-04", "G-06", "P-18")
def test_every_answer_fits_the_schemas_of_the_server(records):
    description = contract.server()
    if description is None:
        pytest.skip(sources.NO_SERVER_CONTRACT)
    found = differences(records, description)
    assert not found, "\n" + told(found)


def test_no_test_asks_with_parameters_that_synapse_does_not_have(records):
    found = [
        (record, f"unknown parameters: {', '.join(sorted(unknown))}")
        for record in records
        if record.status < 400
        and (unknown := contract.unknown_parameters(record) - PARAMETERS_OF_CLIENTS.get(record.operation, set()))
    ]
    assert not found, "\n" + told(found)


@pytest.mark.whole_run
def test_every_operation_is_called_with_success(records):
    """A service that Synapse has removed succeeds in saying so."""
    succeeded = {record.operation for record in records if record.status < 400 or record.status == 410}
    silent = [entry.name for entry in SERVED if entry.name not in succeeded | set(NOTHING_THERE)]
    assert not silent, "\n" + "\n".join(f"{room(name)}: {name}" for name in silent)
