"""A deployment for models: a Docker registry, and a Docker engine of the tests' own that may be restarted."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import threading
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
from trial_world import World

from airflow_synapse_challenge.challenge.config import Queue
from airflow_synapse_challenge.containers.docker_calls import environment_client
from airflow_synapse_challenge.errors import SynapseChallengeError
from airflow_synapse_challenge.factory.dag_file import DAG_FILE
from airflow_synapse_challenge.local_synapse.server import LocalSynapse
from airflow_synapse_challenge.rehearsal.deployment import AirflowDeployment
from airflow_synapse_challenge.rehearsal.docker_command import DockerCommand
from airflow_synapse_challenge.rehearsal.plan import Plan
from airflow_synapse_challenge.rehearsal.site import Site

MODELS = Path(__file__).parents[1] / "models"
SCRIPTS = Path(__file__).parents[3] / "scripts"
BASE = "airflow-synapse-challenge/evaluation:latest"
LABEL = "synapse-e2e-models"
OWN = "airflow-synapse-challenge."
PLAN = Plan.model_validate(
    {
        "gold_standards": dict.fromkeys(("Plain", "Hasty", "In workers", "Staged"), "truth.txt"),
        "host_folders": {"/srv/models/input": "input", "/srv/models/canary": "canary"},
        "participants": ["ada", "grace"],
        "submissions": [{"by": "ada", "image": "image", "valid": {}}],
    }
)


class PrivateEngine:
    """
    A ``dockerd`` that only these tests use.

    :param folder: for its data.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Addresses of unix sockets are limited to 107 bytes.
        self._sockets = Path(tempfile.mkdtemp(prefix="e2e-"))
        self.host = f"unix://{self._sockets}/docker.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, installed first if need be, and wait until it answers."""
        subprocess.run([SCRIPTS / "docker-engine.sh", "install"], check=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        log = self._folder / "dockerd.log"
        folders = ["--data-root", str(self._folder / "data"), "--exec-root", str(self._sockets / "exec")]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [
                    *("dockerd", *folders, "--host", self.host, "--pidfile", str(self._sockets / "pid")),
                    *("--bridge", "none", "--iptables=false"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        end = time.monotonic() + 60
        while subprocess.run(["docker", "--host", self.host, "version"], capture_output=True, check=False).returncode:
            assert time.monotonic() < end, f"no Docker engine; see {log}"
            time.sleep(0.1)

    def stop(self) -> None:
        """End it politely, and its containers with it."""
        assert self._process
        self._process.terminate()
        self._process.wait(60)

    def remove(self) -> None:
        """Remove its folders; the engine leaves the name of its network namespace mounted."""
        for mounted in (self._sockets / "exec" / "netns").glob("*"):
            subprocess.run(["umount", "--quiet", str(mounted)], check=False)
        shutil.rmtree(self._sockets, ignore_errors=True)
        shutil.rmtree(self._folder, ignore_errors=True)


class Starts:
    """Counts how often the containers of a submission were started, by the engine's own events."""

    def __init__(self) -> None:
        self.counted: Counter[tuple[str, str]] = Counter()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def of(self, submission: str, step: str = "model") -> int:
        """Return how often a step of a submission began."""
        return self.counted[submission, step]

    def close(self) -> None:
        """Count no longer."""
        self._ended.set()

    def _follow(self) -> None:
        since = int(time.time())
        filters = {"type": "container", "event": "start"}
        while not self._ended.is_set():
            try:
                for event in environment_client().events(since=since, filters=filters, decode=True):
                    since = event["time"] + 1
                    about = event["Actor"]["Attributes"]
                    self.counted[about.get(f"{OWN}submission", ""), about.get(f"{OWN}step", "")] += 1
            except (SynapseChallengeError, OSError):
                time.sleep(0.2)


class ModelWorld(World):
    """Everything that a test of models asks and does."""

    dag_file = DAG_FILE + (
        '\nfor dag in list(globals().values()):\n    if getattr(dag, "dag_id", "") == "models__in-workers":\n'
        '        dag.get_task("run_model").deferrable = False\n'
    )

    def __init__(self, home: Path, server: LocalSynapse, site: Site, engine: PrivateEngine | None) -> None:
        super().__init__(home, server, site, PLAN)
        self.engine = engine
        self.starts = Starts()
        self._dockers: dict[str, DockerCommand] = {}

    def deploy(self, name: str = "airflow") -> AirflowDeployment:
        """Return an Airflow of its own, not yet started, that also has a DAG of somebody without a challenge."""
        deployment = super().deploy(name)
        shutil.copy(MODELS / "anybody.py", self.home / name / "dags")
        return deployment

    def queue(self, name: str) -> Queue:
        """Return a queue by its name."""
        return next(queue for queue in self.site.challenge.queues if queue.name == name)

    def run(self, *command: str, queue: str = "Plain", by: str = "ada", extra: str = "") -> str:
        """Build an image with this command, push it, submit it, and return the submission's id."""
        name = self.push(*command, by=by, extra=extra)
        return self.submit_repository(name, queue=queue, by=by)

    def push(self, *command: str, by: str = "ada", extra: str = "") -> str:
        """Build and push an image, like no other in a repository of its own; return the repository's name."""
        _, project = self._members[by]
        context = shutil.copytree(MODELS / "image", self.home / "contexts" / uuid.uuid4().hex)
        (context / "marker").write_text(context.name)
        if extra:
            (context / extra).touch()
        with (context / "Dockerfile").open("a") as dockerfile:
            dockerfile.write(f"CMD {json.dumps(list(command))}\n")
        name = f"{self.server.registry}/{project}/{command[0]}-{context.name[:8]}"
        self._docker(by).build_and_push(context, f"{name}:latest")
        return name

    def submit_repository(self, name: str, *, queue: str = "Plain", by: str = "ada") -> str:
        """Submit the latest image of a managed repository."""
        synapse, _ = self._members[by]
        found: list[str] = []

        def known() -> bool:
            answer = httpx.get(
                f"{self.server.endpoints['repo']}/entity/dockerRepo/id",
                params={"repositoryName": name},
                headers={"Authorization": f"Bearer {self.server.token(by)}"},
            )
            found.extend([answer.json()["id"]] if answer.is_success else [])
            return bool(found)

        self.wait_for(known, f"the repository {name}", 20)
        return self._submit(synapse, synapse.get(found[0], downloadFile=False), self.queue(queue))

    def submit_stranger(self, name: str, by: str = "ada") -> str:
        """Submit an image that is said to be on another registry."""
        synapse, project = self._members[by]
        body = {"concreteType": "org.sagebionetworks.repo.model.docker.DockerRepository"}
        made = synapse.restPOST("/entity", json.dumps(body | {"parentId": project, "repositoryName": name}))
        commit = json.dumps({"tag": "latest", "digest": f"sha256:{'1' * 64}"})
        synapse.restPOST(f"/entity/{made['id']}/dockerCommit", commit)
        return self._submit(synapse, synapse.get(made["id"], downloadFile=False), None)

    def forget_digest(self, name: str) -> None:
        """Let the registry lose a repository's image."""
        path = name.removeprefix(f"{self.server.registry}/")
        shutil.rmtree(next((self.server.data / "docker" / "images").rglob(f"repositories/{path}")) / "_manifests")

    def _docker(self, by: str) -> DockerCommand:
        if by not in self._dockers:
            self._dockers[by] = DockerCommand(self.home / "docker" / by, f"{LABEL}={self.home.name}")
            self._dockers[by].login(self.server.registry, by, self.server.token(by))
        return self._dockers[by]

    def cancel(self, submission: str, by: str = "ada") -> None:
        """Ask Synapse to stop the evaluation, as the submitter does."""
        self._members[by][0].restPUT(f"/evaluation/submission/{submission}/cancellation")

    def containers(self, submission: str = "", **filters: Any) -> list[dict[str, Any]]:
        """Return the containers of these tests, running or not; only those of one submission if it is named."""
        found = environment_client().containers(all=True, filters={"label": f"{OWN}name", **filters})
        own = [container for container in found if is_ours(container["Labels"])]
        return [it for it in own if submission in ("", it["Labels"].get(f"{OWN}submission"))]

    def model_runs(self, submission: str) -> bool:
        """Tell whether the model of a submission runs."""
        running = self.containers(submission, status="running")
        return any(container["Labels"].get(f"{OWN}step") in ("model", "train", "infer") for container in running)

    def wait_model(self, submission: str) -> None:
        """Wait until the model of a submission runs."""
        self.wait_for(lambda: self.model_runs(submission), f"the model of {submission}", 90)

    def task_state(self, airflow: Any, submission: str, task: str = "run_model") -> str:
        """Return the state of a task of a submission's run."""
        path = f"/dags/{self.dag_id(submission)}/dagRuns/synapse-{submission}/taskInstances/{task}"
        return str(airflow.api("GET", path)["state"])

    def shared_log(self, submission: str) -> str:
        """Return a model's log as its submitter can read it."""
        return self._log(submission, "")

    def locked_log(self, submission: str) -> str:
        """Return what the organisers keep of a model's log."""
        return self._log(submission, "_LOCKED")

    def _log(self, submission: str, suffix: str) -> str:
        from synapseclient.models import File

        from airflow_synapse_challenge.rehearsal.site import SERVICE, log_in

        synapse = log_in(self.server, SERVICE, self.home / "cache" / SERVICE)
        submitter = self.site.participants["ada"]
        folder = self._child(synapse, str(self.site.challenge.synapse.logs_folder), f"{submitter}{suffix}")
        file = self._child(synapse, self._child(synapse, folder, submission), f"{submission}-docker_logs.txt")
        path = File(id=file, path=str(self.home / "logs" / f"{submission}{suffix}")).get(synapse_client=synapse).path
        return Path(str(path)).read_text()

    @staticmethod
    def _child(synapse: Any, parent: str, name: str) -> str:
        return str(synapse.findEntityId(name, parent))

    def left(self) -> list[str]:
        """Return what of evaluations is still on the engine: containers, volumes and images."""
        client = environment_client()
        names = [container["Names"][0] for container in self.containers()]
        volumes = [volume for volume in client.volumes()["Volumes"] or [] if is_ours(volume["Labels"] or {})]
        images = client.images(name="airflow-synapse-challenge/submitted")
        tags = [tag for image in images for tag in image["RepoTags"] or [] if ":models." in tag]
        return [*names, *(volume["Name"] for volume in volumes), *tags]

    def sweep(self) -> None:
        """Remove from a common engine what the tests put there."""
        client = environment_client()
        for container in self.containers():
            client.remove_container(container["Id"], force=True, v=True)
        for image in client.images(filters={"label": f"{LABEL}={self.home.name}"}, quiet=True):
            client.remove_image(image, force=True)


def is_ours(labels: dict[str, str]) -> bool:
    """Tell whether something on the engine belongs to these tests: others may use the same one."""
    return labels.get(f"{OWN}challenge") == "models" or labels.get(f"{OWN}dag") == "anybody"


def load_base(engine: PrivateEngine, source: str) -> None:
    """Copy the image that everything is built on from another engine."""
    with subprocess.Popen(["docker", "--host", source, "save", BASE], stdout=subprocess.PIPE) as saved:
        subprocess.run(["docker", "--host", engine.host, "load", "--quiet"], stdin=saved.stdout, check=True)
    assert saved.returncode == 0


def prepare_example(folder: Path, trials: Path) -> Path:
    """Return a folder with the challenge and the scripts of the trials."""
    example = shutil.copytree(MODELS, folder, ignore=shutil.ignore_patterns("image", "*.py", "__pycache__"))
    shutil.copytree(trials / "evaluation", example / "evaluation")
    shutil.copy(trials / "truth.txt", example)
    return Path(example)
