"""The descriptions that the contract tests compare the local Synapse with."""

from __future__ import annotations

import httpx
import pytest
from synapse_contract import contract, sources

from airflow_synapse_challenge.local_synapse.server import LocalSynapse


@pytest.fixture(scope="session")
def server_description():
    """The server's own schemas; a test that needs them is skipped on a machine without them."""
    description = contract.server()
    if description is None:
        pytest.skip(sources.NO_SERVER_CONTRACT)
    return description


@pytest.fixture(scope="session")
def openapi_description():
    return contract.public()


@pytest.fixture(scope="session")
def synapse(tmp_path_factory):
    """A local Synapse of the contract tests' own."""
    with LocalSynapse.start(tmp_path_factory.mktemp("synapse")) as server:
        yield server


@pytest.fixture(scope="session")
def somebody(synapse):
    """An ordinary certified user as an HTTP client."""
    user = synapse.create_user("contract-checker")
    with httpx.Client(base_url=synapse.url, headers={"Authorization": f"Bearer {user.token}"}, timeout=30) as client:
        yield client
