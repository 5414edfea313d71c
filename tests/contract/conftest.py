"""The descriptions that the contract tests compare the local Synapse with."""

from __future__ import annotations

import itertools
from contextlib import ExitStack

import httpx
import pytest
from synapse_contract import contract, sources
from synapse_contract.world import World

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
        # Thousands of requests of one person would be told to slow down.
        server.control("POST", "/control/settings", {"message_rate_limit": 10**6})
        yield server


@pytest.fixture(scope="session")
def client(synapse):
    """Makes HTTP clients with a token or without."""
    with ExitStack() as open_clients:

        def client(token):
            headers = {"Authorization": f"Bearer {token}"} if token else None
            return open_clients.enter_context(httpx.Client(base_url=synapse.url, headers=headers, timeout=30))

        yield client


@pytest.fixture(scope="session")
def person(synapse, client):
    """Makes ordinary certified people, each as an HTTP client."""
    numbers = itertools.count(1)
    return lambda: client(synapse.create_user(f"contract-person-{next(numbers)}").token)


@pytest.fixture(scope="session")
def somebody(person):
    return person()


@pytest.fixture(scope="session")
def administrator(synapse, client):
    return client(synapse.token("synapse-admin"))


@pytest.fixture(scope="session")
def quiet_world(person):
    """Something of everything, of which nothing is changed."""
    return World(person())
