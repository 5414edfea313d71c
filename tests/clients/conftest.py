"""Unmodified clients: each runs as a process of its own, in the home of somebody whom the local Synapse knows."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest
from synapse_contract.recording import VARIABLE, Journal
from synapse_contract.whole_run import run_last

from airflow_synapse_challenge.local_synapse.server import LocalSynapse

from .accounts import COMMANDS, Account, script

HERE = Path(__file__).parent
RECORDING_SERVER = HERE.parent / "contract" / "recording_server.py"
_journal = Journal()
_numbers = itertools.count(1)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Look at everything together when everything has run, and not at all when only some of it is to run."""
    run_last(config, items, HERE / "test_clients_whole.py")


def pytest_runtest_logstart(nodeid):
    _journal.begin(nodeid)


class RecordedSynapse(LocalSynapse):
    """A local Synapse that writes down what it answers."""

    program: Sequence[str] = (str(RECORDING_SERVER),)


@pytest.fixture(scope="session")
def environments():
    """Every client is there; they are made before the tests, not by them."""
    missing = {name for name, _ in COMMANDS.values() if not script(name, "python").exists()}
    if missing:
        pytest.fail(f"these clients are not installed: {', '.join(sorted(missing))}; scripts/clients.sh installs them")


@pytest.fixture(scope="session")
def journal(environments, tmp_path_factory):
    """What the server of these tests answers."""
    _journal.folder = tmp_path_factory.mktemp("records")
    return _journal


@pytest.fixture(scope="session")
def start_server(journal, tmp_path_factory):
    """Starts a local Synapse that writes down what it answers."""

    def start_server(**options):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(VARIABLE, str(journal.folder))
            return RecordedSynapse.start(tmp_path_factory.mktemp("local-synapse"), **options)

    return start_server


@pytest.fixture(scope="session")
def server(start_server):
    with start_server() as server:
        yield server


@pytest.fixture(autouse=True)
def calm(server):
    """No fault and no foreign time outlives its test."""
    yield
    server.clear_faults()
    server.set_clock(offset_seconds=0)


@pytest.fixture(scope="session")
def succeeded():
    """The commands that have ended well."""
    return set()


@pytest.fixture(scope="session")
def account(server, succeeded, tmp_path_factory):
    """Makes a fresh home of somebody."""
    return lambda name: Account(server, name, tmp_path_factory.mktemp(name), succeeded)


@pytest.fixture(scope="session")
def newcomer(server, account):
    """Makes somebody who has never been there."""

    def newcomer(**traits):
        return account(server.create_user(f"newcomer-{next(_numbers)}", **traits).user_name)

    return newcomer


@pytest.fixture
def organiser(account):
    """The account that organises challenges, in a fresh home; it belongs to the team that supports them."""
    return account("challenge-service")


@pytest.fixture(scope="session")
def unique():
    """Makes names that nothing has."""
    return lambda words: f"{words} {next(_numbers)}"


@pytest.fixture
def project(organiser, unique):
    """A project of the organiser's."""
    return organiser.create("Project", unique("Project"))


@pytest.fixture
def queue(organiser, project, unique):
    """An evaluation of the organiser's project."""
    body = {"name": unique("Queue"), "contentSource": project, "description": "A queue"}
    return organiser.rest("POST", "/evaluation", body)["id"]


@pytest.fixture
def participant(organiser, queue, newcomer):
    """Makes somebody who may submit to the queue, with a project of their own."""

    def participant(**traits):
        somebody = newcomer(**traits)
        organiser.share(f"/evaluation/{queue}", somebody.id, "READ", "SUBMIT")
        somebody.project = somebody.create("Project", f"Home of {somebody.name}")
        return somebody

    return participant
