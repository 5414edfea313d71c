"""One node: containers as processes of this machine, below a folder for each pod that stands for their file systems."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fake_kubernetes.objects import amount, moment

LOOK = 0.02


class Container:
    """A container: waiting, running or terminated."""

    def __init__(self, spec: dict[str, Any], root: Path) -> None:
        self.spec = spec
        self.root = root
        self.state: dict[str, Any] = {"waiting": {"reason": "PodInitializing"}}
        self.log = root.parent / f"{spec['name']}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.image_id = ""

    def start(self) -> None:
        words = [*self.spec.get("command", ("sleep", "600")), *self.spec.get("args", ())]
        for mount in self.spec.get("volumeMounts") or ():
            (self.root / mount["mountPath"].strip("/")).mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [self._inside(expanded(word)) for word in words],
                env=self.environment(),
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.image_id = f"{self.spec['image'].partition('@')[0]}@sha256:{'a' * 64}"
        self.state = {"running": {"startedAt": moment()}}

    def environment(self) -> dict[str, str]:
        own = {one["name"]: expanded(one.get("value", "")) for one in self.spec.get("env") or ()}
        own |= {name: self._inside(value) for name, value in own.items() if value.startswith("/")}
        return {"PATH": os.environ["PATH"], **own}

    def run(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Run one more program in it, as ``exec`` does: its words are not expanded."""
        return subprocess.Popen(
            [self._inside(word) for word in command],
            env=self.environment(),
            cwd=self.root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def look(self) -> None:
        if "running" in self.state and self.process and self.process.poll() is not None:
            self.terminate(self.process.returncode)

    def terminate(self, code: int, reason: str = "") -> None:
        started = self.state.get("running", {}).get("startedAt", moment())
        code = 128 - code if code < 0 else code
        reason = reason or ("Error" if code else "Completed")
        self.state = {"terminated": {"exitCode": code, "reason": reason, "startedAt": started, "finishedAt": moment()}}

    def end(self, grace: float) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(grace)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def _inside(self, word: str) -> str:
        if word == "python3":
            return sys.executable
        return str(self.root) + word.rstrip("/") if word.startswith("/") else word

    def status(self) -> dict[str, Any]:
        about = {"image": self.spec["image"], "imageID": self.image_id, "ready": "running" in self.state}
        return {"name": self.spec["name"], **about, "restartCount": 0, "state": self.state}


def expanded(text: str) -> str:
    """Put variables in as the kubelet does; there are none, so ``$(NAME)`` stays, and ``$$`` is a dollar sign."""
    return text.replace("$$", "$")


class Pod:
    """
    A pod and the thread that is its kubelet.

    :param play: changes what happens, by container name: ``waiting`` (it never starts), ``terminated`` (it is said to
        have ended so, whatever its process did), ``pod`` (the status of the whole pod once ``main`` has started).
    """

    def __init__(self, stored: dict[str, Any], folder: Path, play: dict[str, Any]) -> None:
        self.stored = stored
        self.play = play
        self.gone = threading.Event()
        self.folder = folder
        root = folder / "root"
        root.mkdir(parents=True)
        body = stored["spec"]
        _copy_folders_of_the_node(body, root, folder.parents[1])
        self.init = [Container(one, root) for one in body.get("initContainers") or ()]
        self.main = [Container(one, root) for one in body["containers"]]
        self.facts = facts_of(stored)
        self._deleted = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        return str(self.stored["metadata"]["name"])

    def container(self, name: str) -> Container:
        return next(one for one in (*self.init, *self.main) if one.spec["name"] == name)

    def described(self) -> dict[str, Any]:
        status = self.stored["status"]
        return {
            **self.stored,
            "status": {
                **status,
                "initContainerStatuses": [one.status() for one in self.init],
                "containerStatuses": [one.status() for one in self.main],
            },
        }

    def delete(self) -> None:
        self.stored["metadata"]["deletionTimestamp"] = moment()
        self._deleted.set()

    def _live(self) -> None:
        begun = time.monotonic()
        try:
            if self._run_all(self.init, begun, one_by_one=True):
                self.stored["status"]["phase"] = "Running"
                self._run_all(self.main, begun, one_by_one=False)
            self._deleted.wait()
        finally:
            while "never_goes" in self.play:
                time.sleep(LOOK)
            self._end_all()
            shutil.rmtree(self.folder, ignore_errors=True)
            self.gone.set()

    def _run_all(self, containers: list[Container], begun: float, *, one_by_one: bool) -> bool:
        """Run containers to their end; tell whether all went well."""
        for number, one in enumerate(containers):
            if not self._start(one):
                self._deleted.wait()
                return False
            if one_by_one or number == len(containers) - 1:
                self._wait(containers[: number + 1], begun)
            if self._deleted.is_set() or self.stored["status"]["phase"] == "Failed":
                return False
            if one_by_one and one.state["terminated"]["exitCode"] != 0:
                self.stored["status"] |= {"phase": "Failed"}
                return False
        return True

    def _start(self, one: Container) -> bool:
        order = self.play.get(one.spec["name"], {})
        if "waiting" in order:
            one.state = {"waiting": order["waiting"]}
            return False
        if order.get("never_ran"):
            one.state = {"terminated": {"exitCode": 128, **order["never_ran"]}}
            return True
        one.start()
        if one.spec["name"] == "main" and "pod" in self.play:
            self._fail(**self.play["pod"])
        return True

    def _wait(self, containers: list[Container], begun: float) -> None:
        while not self._deleted.is_set():
            for one in containers:
                one.look()
                ended = self.play.get(one.spec["name"], {}).get("terminated")
                if ended and "terminated" in one.state:
                    one.state["terminated"] |= ended
            if all("terminated" in one.state for one in containers):
                return
            if self.stored["status"]["phase"] == "Failed":
                return
            if time.monotonic() - begun >= self.stored["spec"]["activeDeadlineSeconds"]:
                self._fail(reason="DeadlineExceeded", message="Pod was active on the node longer than the deadline")
                return
            time.sleep(LOOK)

    def _fail(self, **status: Any) -> None:
        self._end_all()
        self.stored["status"] |= {"phase": "Failed", **status}

    def _end_all(self) -> None:
        grace = self.stored["spec"]["terminationGracePeriodSeconds"]
        ending = [threading.Thread(target=one.end, args=(grace,)) for one in (*self.init, *self.main)]
        for thread in ending:
            thread.start()
        for thread in ending:
            thread.join()
        for one in (*self.init, *self.main):
            one.look()


def _copy_folders_of_the_node(body: dict[str, Any], root: Path, disk: Path) -> None:
    """Give a pod copies of the node's folders that it mounts; there are only those beside the node's own."""
    sources = {one["name"]: Path(one["hostPath"]["path"]) for one in body.get("volumes") or () if "hostPath" in one}
    for container in body["containers"]:
        for mount in container.get("volumeMounts") or ():
            source = sources.get(mount["name"])
            if source and source.parent == disk:
                shutil.copytree(source, root / mount["mountPath"].strip("/"), dirs_exist_ok=True)


class Node:
    """All pods, by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pods: dict[str, Pod] = {}
        self.orders: list[tuple[str, dict[str, Any]]] = []
        self.lock = threading.RLock()

    def begin(self, stored: dict[str, Any]) -> None:
        name = stored["metadata"]["name"]
        play = next((play for part, play in self.orders if part in name), {})
        self.pods[name] = Pod(stored, self.folder / f"{name}.{len(self.orders)}.{time.monotonic_ns()}", play)

    def alive(self) -> dict[str, Pod]:
        with self.lock:
            self.pods = {name: pod for name, pod in self.pods.items() if not pod.gone.is_set()}
            return dict(self.pods)

    def stop(self) -> None:
        for pod in self.alive().values():
            pod.play.pop("never_goes", None)
            pod.delete()
            pod.gone.wait(10)


def facts_of(stored: dict[str, Any]) -> dict[str, Any]:
    """Return what a witness sees on a node that keeps every promise."""
    load = (stored["spec"].get("initContainers") or stored["spec"]["containers"])[0]
    sizes = {
        mount["mountPath"]: int(amount(volume["emptyDir"].get("sizeLimit", "0")))
        for mount in load.get("volumeMounts") or ()
        for volume in stored["spec"]["volumes"]
        if volume["name"] == mount["name"] and "emptyDir" in volume
    }
    return {
        "user": load["securityContext"]["runAsUser"],
        "group": load["securityContext"]["runAsGroup"],
        "capabilities": 0,
        "no_new_privileges": 1,
        "seccomp": 2,
        "root_read_only": True,
        "open_files": 1048576,
        "memory": str(int(amount(load["resources"]["limits"]["memory"]))),
        "cpu": "25000",
        "sizes": sizes,
        "reachable": [],
    }


def is_witness(command: list[str]) -> bool:
    """Tell whether a command asks the witness, which a process of this machine could not answer for a node."""
    return "WITNESS" in shlex.join(command)


def answer(pod: Pod) -> bytes:
    """Return what the witness prints."""
    return json.dumps(pod.facts).encode()


Mutation = Callable[[dict[str, Any]], None]
