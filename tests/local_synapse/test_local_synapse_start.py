"""The command itself: what it prints and writes, its data folder, and being killed at any moment."""

from __future__ import annotations

import configparser
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import contextmanager

import httpx
import pytest
import synapseclient

from airflow_synapse_challenge.local_synapse.server import LocalSynapse

from .conftest import PROJECT


def command(data, *options):
    return [sys.executable, *LocalSynapse.program, "--data", str(data), "--port", "0", *map(str, options)]


@contextmanager
def started(data, *options):
    """A running local Synapse; what it has printed."""
    process = subprocess.Popen(
        command(data, *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        printed = ""
        while not printed.endswith("\n\n") or "Users" not in printed.rpartition("\n\n  ")[0]:
            line = process.stdout.readline()
            assert line, f"{printed}{process.stderr.read()}"
            printed += line
        yield printed
    finally:
        process.terminate()
        process.communicate(timeout=30)


def refused(data, *options):
    """What a start says that ends at once."""
    run = subprocess.run(command(data, *options), check=False, capture_output=True, text=True, timeout=60)
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    return run.stderr


def section(printed, title):
    """The rows that are printed under a title."""
    return [line.split() for line in printed.partition(f"{title}")[2].split("\n\n")[1].splitlines()]


def config_of(printed):
    """The printed `.synapseConfig`."""
    config = configparser.ConfigParser()
    config.read_string(printed[printed.index("[default]") : printed.index("Users, with")])
    return config


def test_it_prints_endpoints_a_configuration_and_users(tmp_path):
    with started(tmp_path / "data") as printed:
        first = printed.splitlines()[0]
        url = first.split()[3].rstrip(",")
        assert first == f"Local Synapse at {url}, data in {tmp_path / 'data'}"
        assert ["repo", f"{url}/repo/v1"] in section(printed, "Endpoints")
        config = config_of(printed)
        assert dict(config["endpoints"]) == {
            "repoendpoint": f"{url}/repo/v1",
            "authendpoint": f"{url}/auth/v1",
            "filehandleendpoint": f"{url}/file/v1",
            "portalendpoint": f"{url}/",
        }
        users = section(printed, "Users")
        assert [user[0] for user in users] == ["synapse-admin", "challenge-service", "participant", "participant-2"]
        for name, principal, token in users:
            headers = {"Authorization": f"Bearer {token}"}
            profile = httpx.get(f"{url}/repo/v1/userProfile", headers=headers, timeout=10).json()
            assert (profile["userName"], profile["ownerId"]) == (name, principal)
        assert config["default"]["authtoken"] == users[1][2]


def test_the_file_that_it_writes_is_all_that_synapseclient_needs(tmp_path):
    config = tmp_path / "synapse.config"
    with started(tmp_path / "data", "--write-config", config, "--user", "participant"):
        assert stat.S_IMODE(config.stat().st_mode) == 0o600
        synapse = synapseclient.Synapse(configPath=str(config), cache_client=False, cache_root_dir=str(tmp_path))
        synapse.login(silent=True)
        assert synapse.getUserProfile()["userName"] == "participant"
    with started(tmp_path / "data", "--write-config", config):
        assert "username = challenge-service" in config.read_text()


def test_a_file_with_other_accounts_is_left_as_it_is(tmp_path):
    config = tmp_path / ".synapseConfig"
    config.write_text("[default]\nauthtoken = real\n")
    said = refused(tmp_path / "data", "--write-config", config)
    assert said.startswith(f"{config} was not written by a local Synapse")
    assert config.read_text() == "[default]\nauthtoken = real\n"
    assert "cannot be written" in refused(tmp_path / "data", "--write-config", tmp_path / "no" / "file")


def test_a_user_who_is_not_there(tmp_path):
    assert "There is no user 'nobody' with a token; there are: synapse-admin," in refused(
        tmp_path / "data", "--user", "nobody"
    )


def test_everything_stays_until_a_reset(tmp_path):
    data = tmp_path / "data"
    with started(data) as printed:
        tokens = section(printed, "Users")
    (data / "notes.txt").write_text("mine")
    with started(data) as printed:
        assert section(printed, "Users") == tokens
    with started(data, "--reset") as printed:
        assert section(printed, "Users") != tokens
    assert (data / "notes.txt").read_text() == "mine"


def test_one_process_at_a_time_has_a_data_folder(tmp_path):
    data = tmp_path / "data"
    with started(data) as printed:
        assert f"{data} is in use by another local Synapse (process " in refused(data, "--reset")
        url = printed.split()[3].rstrip(",")
        assert httpx.get(f"{url}/repo/v1/userProfile", timeout=10).json()["ownerId"] == "273950"
        port = url.rpartition(":")[2]
        assert f"Port {port} of 127.0.0.1 cannot be used" in refused(tmp_path / "other", "--port", port)
    with started(data):
        pass


class Writer(threading.Thread):
    """Writes until the server is gone, and remembers what was acknowledged."""

    def __init__(self, server, enough, number):
        super().__init__()
        headers = {"Authorization": f"Bearer {server.token('challenge-service')}"}
        self.http = httpx.Client(base_url=f"{server.url}/repo/v1", headers=headers, timeout=10)
        self.enough, self.number = enough, number
        self.projects, self.pages, self.annotations = {}, {}, {}

    def run(self):
        try:
            while True:
                self._write(len(self.projects))
        except httpx.TransportError:
            pass

    def _write(self, count):
        name = f"Project {self.number} {count} of {threading.get_ident()}"
        project = self._sent("POST", "/entity", {"concreteType": PROJECT, "name": name})["id"]
        self.projects[project] = name
        page = self._sent("POST", f"/entity/{project}/wiki", {"title": "Home", "markdown": name * 50})
        self.pages[project] = page
        self.pages[project] = self._sent("PUT", f"/entity/{project}/wiki/{page['id']}", page | {"markdown": name})
        wanted = self._sent("GET", f"/entity/{project}/annotations2")
        wanted["annotations"] = {"number": {"type": "LONG", "value": [str(count)]}}
        self.annotations[project] = self._sent("PUT", f"/entity/{project}/annotations2", wanted)

    def _sent(self, method, path, body=None):
        answer = self.http.request(method, path, json=body)
        assert answer.is_success, answer.text
        self.enough.release()
        return answer.json()


@pytest.mark.parametrize("writes", [3, 40, 120])
def test_what_was_acknowledged_is_there_after_a_kill(tmp_path, writes):
    server = LocalSynapse(tmp_path / "data")
    for number in range(2):
        server.restart()
        enough = threading.Semaphore(0)
        writers = [Writer(server, enough, number) for _ in range(4)]
        for writer in writers:
            writer.start()
        for _ in range(writes):
            assert enough.acquire(timeout=60)
        server.kill()
        for writer in writers:
            writer.join(30)
        with sqlite3.connect(tmp_path / "data" / "synapse.db") as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        server.restart()
        with server:
            for writer in writers:
                _assert_kept(server, writer)


def _assert_kept(server, writer):
    headers = {"Authorization": f"Bearer {server.token('challenge-service')}"}
    with httpx.Client(base_url=f"{server.url}/repo/v1", headers=headers, timeout=10) as http:
        for project, name in writer.projects.items():
            assert http.get(f"/entity/{project}").json()["name"] == name
        for project, page in writer.pages.items():
            found = http.get(f"/entity/{project}/wiki/{page['id']}").json()
            # A write that was not acknowledged may be there or not, but whole.
            assert found == page or found["markdown"] == writer.projects[project]
        for project, annotations in writer.annotations.items():
            assert http.get(f"/entity/{project}/annotations2").json() == annotations


def test_killed_while_it_is_seeded_it_begins_again(tmp_path):
    data, seed = tmp_path / "data", tmp_path / "seed.yaml"
    seed.write_text("projects:\n" + "".join(f"- {{name: Project {number}}}\n" for number in range(50)))
    for size in (0, 10_000, 200_000):
        process = subprocess.Popen(command(data, "--seed", seed), stdout=subprocess.DEVNULL, start_new_session=True)
        log = data / "synapse.db-wal"
        while process.poll() is None and not (log.exists() and log.stat().st_size >= size):
            pass
        process.kill()
        process.wait()
    with started(data, "--seed", seed) as printed:
        url = printed.split()[3].rstrip(",")
        headers = {"Authorization": f"Bearer {section(printed, 'Users')[1][2]}"}
        for number in (0, 49):
            body = {"entityName": f"Project {number}"}
            httpx.post(f"{url}/repo/v1/entity/child", json=body, headers=headers, timeout=10).raise_for_status()
