"""The registry of the local Synapse says of each operation what Synapse's descriptions say."""

from __future__ import annotations

from collections import Counter

import pytest
from synapse_contract import contract
from synapse_contract.openapi import same_path
from synapse_contract.served import SERVED

each_operation = pytest.mark.parametrize("operation", SERVED, ids=lambda operation: operation.name)

#: Operations of services that belong to Synapse but are described nowhere, with the reason to serve them.
UNDESCRIBED: dict[str, str] = {}
#: Successes that the handler itself chooses; what it answers is compared in the tests that call it.
CHOSEN_STATUSES = frozenset({202, 307})


def test_no_operation_is_registered_twice():
    names = Counter(f"{entry.method} {same_path(entry.name)}" for entry in SERVED)
    assert [name for name, count in names.items() if count > 1] == []


@each_operation
def test_synapse_has_the_operation(operation, openapi_description):
    described = [each for each in contract.descriptions() if each.promise(operation.name)]
    assert described or operation.name in UNDESCRIBED


@each_operation
def test_a_success_has_synapse_s_status(operation):
    for description in contract.descriptions():
        promise = description.promise(operation.name)
        if promise:
            assert operation.status in set(promise.answers) - CHOSEN_STATUSES, (
                f"{description.name}: {list(promise.answers)}"
            )


@each_operation
def test_a_token_needs_synapse_s_scopes(operation, server_description):
    promise = server_description.promise(operation.name)
    if promise and promise.scopes is not None:
        assert set(operation.scopes) == promise.scopes
