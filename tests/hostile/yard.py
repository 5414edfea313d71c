"""
Where attacks run: an engine, a neighbour that must not notice, a truth that must not get out, a host that is watched.

::

    image of an attack ──▶ `synapse-challenge try IMAGE --json` ──▶ what holds for every attack:
                                                                    verdict in time, nothing left, no secret out,
                                                                    host and neighbour as before, next model runs
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tarfile
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import yaml

EVALUATION_IMAGE = "airflow-synapse-challenge/evaluation:latest"
PREFIX = "airflow-synapse-challenge."
TRIALS = {"label": f"{PREFIX}trial"}
#: Images of attacks, and whatever is made from them; other tests make images meanwhile.
ATTACK = "hostile-attack"
ATTACKS = Path(__file__).parent / "attacks"
MIB, GIB = 2**20, 2**30
LIMITS = {
    "memory": "192MiB",
    "cpus": 1,
    "timeout": "20s",
    "pids": 48,
    "shm": "8MiB",
    "tmp": "24MiB",
    "output": "16MiB",
    "output_files": 40,
}
EXIT_CODES = {"ok": 0, "invalid": 1, "refused": 2}
#: What other work on the machine may do meanwhile, and no attack may add to.
MOST_DISK, MOST_MEMORY, MOST_PROCESSES, MOST_FILES = GIB, 3 * GIB // 2, 250, 100_000
#: Seconds without a sign of life of the neighbour, and of an answer of the engine.
LONGEST_GAP = 8.0


@dataclass(frozen=True)
class Host:
    """What the host has at one moment."""

    disk: int
    files: int
    memory: int
    processes: int

    @classmethod
    def now(cls, root: str) -> Host:
        disk = os.statvfs(root)
        lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
        memory = {line[0].rstrip(":"): int(line[1]) * 1024 for line in lines}
        processes = sum(entry.name.isdigit() for entry in Path("/proc").iterdir())
        return cls(disk.f_bavail * disk.f_frsize, disk.f_favail, memory["MemAvailable"], processes)


class Watch:
    """Look at the host and ask the engine all the time; keep the worst that was seen."""

    def __init__(self, client, root: str) -> None:
        self._client, self._root = client, root
        self.begin = self.end = Host.now(root)
        self.worst = self.begin
        self.longest_answer = 0.0
        self._ended = threading.Event()

    @contextlib.contextmanager
    def watching(self):
        threads = [threading.Thread(target=target, daemon=True) for target in (self._look, self._ask)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._ended.set()
            for thread in threads:
                thread.join()
            self.end = Host.now(self._root)

    def _look(self):
        while not self._ended.wait(0.05):
            now, worst = Host.now(self._root), self.worst
            self.worst = Host(
                min(now.disk, worst.disk),
                min(now.files, worst.files),
                min(now.memory, worst.memory),
                max(now.processes, worst.processes),
            )

    def _ask(self):
        while not self._ended.wait(0.5):
            begin = time.monotonic()
            self._client.ping()
            self.longest_answer = max(self.longest_answer, time.monotonic() - begin)

    def require_calm(self, disk: int = MOST_DISK):
        begin, worst = self.begin, self.worst
        assert begin.disk - worst.disk < disk, f"the disk lost {(begin.disk - worst.disk) / MIB:.0f} MiB"
        assert begin.files - worst.files < MOST_FILES
        assert begin.memory - worst.memory < MOST_MEMORY
        assert worst.processes - begin.processes < MOST_PROCESSES
        assert self.longest_answer < LONGEST_GAP


class Builder:
    """Make images, and remove them."""

    def __init__(self, client) -> None:
        self._client = client
        self.base = self._build(
            f"FROM {EVALUATION_IMAGE}\nLABEL {ATTACK}=1\nUSER 0\nRUN mkdir -p /input\nCOPY attacks /attacks\n",
            with_attacks=True,
        )

    def image(self, attack: str, recipe: str = "", user: str = "1000", **variables: object) -> str:
        """
        An image that starts an attack.

        :param recipe: more lines of its Dockerfile, run as root.
        :param user: what it asks for.
        :param variables: of its environment.
        """
        lines = [f"FROM {self.base}", "USER 0", recipe, f"USER {user}" if user else ""]
        lines += [f"ENV {name}={json.dumps(str(value))}" for name, value in variables.items()]
        lines.append(f'ENTRYPOINT ["python3", "-u", "/attacks/{attack}.py"]')
        return self._build("\n".join(lines))

    def raw(self, recipe: str) -> str:
        """An image of a whole Dockerfile."""
        return self._build(recipe.replace("{base}", self.base))

    def configured(self, **config: object) -> str:
        """An image with settings that no Dockerfile can have, which starts an attack."""
        made = self._client.create_container(self.base, command=["-"])
        repository = f"hostile/{uuid.uuid4().hex[:12]}"
        self._client.commit(made["Id"], repository, "latest", conf=config)
        self._client.remove_container(made["Id"])
        return f"{repository}:latest"

    def _build(self, recipe: str, *, with_attacks: bool = False) -> str:
        context = io.BytesIO()
        with tarfile.open(fileobj=context, mode="w") as archive:
            member = tarfile.TarInfo("Dockerfile")
            member.size = len(recipe.encode())
            archive.addfile(member, io.BytesIO(recipe.encode()))
            for path in sorted(ATTACKS.glob("*.py")) if with_attacks else ():
                archive.add(path, f"attacks/{path.name}")
        context.seek(0)
        tag = f"hostile/{uuid.uuid4().hex[:12]}:latest"
        options = {"custom_context": True, "tag": tag, "rm": True, "decode": True, "network_mode": "none"}
        for step in self._client.build(fileobj=context, **options):
            assert "error" not in step, f"{step}\n{recipe}"
        return tag

    def remove(self, tag: str) -> None:
        self._client.remove_image(tag, force=True)


@dataclass(frozen=True)
class Attempt:
    """What became of an attack: what the command printed, and how long it took."""

    found: dict
    seconds: float
    kept: Path

    @property
    def report(self) -> dict:
        """What the attack itself has to say, all of its reports put together."""
        reports = [line for line in self.found["log_excerpt"].splitlines() if line.startswith("REPORT ")]
        assert reports, self.found
        return {key: value for line in reports for key, value in json.loads(line.removeprefix("REPORT ")).items()}

    @property
    def result(self) -> bytes | None:
        """The output file as it was kept."""
        path = self.kept / "predictions.csv"
        assert not path.is_symlink()
        return path.read_bytes() if path.exists() else None

    def is_ok(self) -> Attempt:
        assert (self.found["verdict"], self.found["reason"]) == ("ok", ""), self.found
        assert self.found["exit_code"] == 0
        return self

    def is_invalid(self, fault: str, *words: str) -> Attempt:
        """The participant is to blame, and is told why in sentences that help."""
        assert (self.found["verdict"], self.found["fault"]) == ("invalid", fault), self.found
        reason = self.found["reason"]
        assert reason.endswith(".")
        assert len(reason) < 1000
        for word in words:
            assert word in reason, reason
        return self


class Yard:
    """Where attacks run."""

    def __init__(self, client, builder: Builder, victim, folder: Path, secrets: dict[str, str]) -> None:
        self.client, self.builder, self.victim, self.folder = client, builder, victim, folder
        self._honest = builder.image("honest")
        self.root = client.info()["DockerRootDir"]
        self.truth = folder / "goldstandard.csv"
        self._secrets = secrets
        self.truth.write_text(f"id,died\n1,{secrets['truth']}\n")
        self._data = folder / "data"
        self._data.mkdir()
        (self._data / "patients.csv").write_text("id,age\n" + "".join(f"{i},{20 + i % 70}\n" for i in range(500)))
        for path in (folder, *folder.parents[:2], self._data):
            path.chmod(0o755)

    @property
    def sought(self) -> str:
        """The secrets, as an attack is told what to look for: with + in place of -."""
        return ":".join(secret.replace("-", "+") for secret in self._secrets.values())

    def attack(self, name: str, recipe: str = "", *, user: str = "1000", within: float = 30, **options) -> Attempt:
        """Build an attack's image, try it, and require what holds for every attack."""
        limits, model = options.pop("limits", {}), options.pop("model", {})
        mark = f"mark+{uuid.uuid4().hex[:12]}"
        tag = self.builder.image(name, recipe, user, MARK=mark, **options)
        return self.attack_by(tag, mark=mark, within=within, limits=limits, model=model)

    def attack_by(self, tag: str, *, mark: str = "", within: float = 30, limits=None, model=None) -> Attempt:
        """As :meth:`attack`, with an image that is removed afterwards."""
        images, began, watch = self._images(), time.time(), Watch(self.client, self.root)
        before = self.victim.status()
        with watch.watching():
            attempt = self.run(tag, limits, model)
        assert attempt.seconds < within, f"{attempt.seconds:.1f} s"
        watch.require_calm()
        self.victim.require_calm(before, began)
        self.require_nothing_left(mark)
        assert self._images() == images
        self.builder.remove(tag)
        self.require_next_runs()
        return attempt

    def run(self, tag: str, limits=None, model=None) -> Attempt:
        """Run ``synapse-challenge try`` as a process that has secrets in its environment."""
        kept = self.folder / f"kept-{uuid.uuid4().hex[:8]}"
        challenge = self.folder / f"{kept.name}.yaml"
        challenge.write_text(yaml.safe_dump(self._challenge(limits or {}, model or {})))
        command = [sys.executable, "-m", "airflow_synapse_challenge.cli", "try", tag, "--json"]
        command += ["--challenge", str(challenge), "--keep", str(kept)]
        begin = time.monotonic()
        done = subprocess.run(
            command, env=self._environment(), capture_output=True, text=True, check=False, timeout=200
        )
        seconds = time.monotonic() - begin
        for secret in self._secrets.values():
            assert secret not in done.stdout + done.stderr
        assert done.stdout, done.stderr
        found = json.loads(done.stdout)
        assert done.returncode == EXIT_CODES[found["verdict"]], done
        assert len(found["log_excerpt"].encode()) <= 50_000
        return Attempt(found, seconds, kept)

    def require_nothing_left(self, mark: str = "") -> None:
        """Nothing on the engine, no process on the host."""
        assert self.client.containers(all=True, filters=TRIALS) == []
        assert not self.client.volumes(filters=TRIALS)["Volumes"]
        assert {network["Name"] for network in self.client.networks()} <= {"none", "host", "bridge"}
        assert not mark or not processes_with(f"MARK={mark}")
        assert self._secrets["truth"] in self.truth.read_text()
        assert self.truth.stat().st_nlink == 1

    def require_next_runs(self) -> None:
        self.run(self._honest).is_ok()

    def close(self) -> None:
        self.builder.remove(self._honest)

    def _images(self) -> set[str]:
        return {image["Id"] for image in self.client.images(all=True, filters={"label": ATTACK})}

    def _challenge(self, limits: dict, model: dict) -> dict:
        queue = {
            "id": 1,
            "name": "hostile",
            "kind": "docker_image",
            "input_dir": str(self._data),
            "gold_standard": "syn1",
            "model": {"resources": {**LIMITS, **limits}, **model},
            "validate": {"script": "validate.py"},
        }
        return {"challenge": "hostile", "title": "Hostile", "synapse": {"logs_folder": "syn2"}, "queues": [queue]}

    def _environment(self) -> dict[str, str]:
        proxy = f"http://user:{self._secrets['proxy']}@127.0.0.1:9"
        settings = self.folder / "docker"
        settings.mkdir(exist_ok=True)
        (settings / "config.json").write_text(json.dumps({"proxies": {"default": {"httpProxy": proxy}}}))
        return os.environ | {
            "SYNAPSE_AUTH_TOKEN": self._secrets["token"],
            "AWS_SECRET_ACCESS_KEY": self._secrets["token"],
            "AIRFLOW_CONN_SYNAPSE_DEFAULT": f"synapse://:{self._secrets['token']}@",
            "HTTPS_PROXY": proxy,
            "DOCKER_CONFIG": str(settings),
        }


def processes_with(text: str) -> list[str]:
    """Return the processes of the host, those in containers among them, that have a text in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if text.encode() in (entry / "environ").read_bytes():
                    found.append(entry.name)
    return found
