"""The registry of the local Synapse says of each operation what Synapse's descriptions say."""

from __future__ import annotations

from collections import Counter

import pytest
from synapse_contract import contract
from synapse_contract.openapi import same_path
from synapse_contract.served import SERVED

each_operation = pytest.mark.parametrize("operation", SERVED, ids=lambda operation: operation.name)

#: Successes that a handler chooses itself; the tests that call it compare what it answers.
CHOSEN_STATUSES = {202, 307}


def promises(operation):
    """What each description says about an operation."""
    found = [(description, description.promise(operation.name)) for description in contract.descriptions()]
    return [(description, promise) for description, promise in found if promise]


def test_no_operation_is_registered_twice():
    names = Counter(same_path(entry.name) for entry in SERVED)
    assert [name for name, count in names.items() if count > 1] == []


@each_operation
def test_synapse_has_the_operation(operation, server_description):
    """The server's list has all of them; the OpenAPI document leaves some out."""
    assert promises(operation)


@each_operation
def test_a_success_has_synapse_s_status(operation):
    for description, promise in promises(operation):
        if promise.gone:
            continue
        assert operation.status in set(promise.answers) - CHOSEN_STATUSES, description.name


@pytest.mark.rule("G-02")
@each_operation
def test_a_token_needs_synapse_s_scopes(operation, server_description):
    promise = server_description.promise(operation.name)
    if promise and promise.scopes is not None:
        assert set(operation.scopes) == promise.scopes
