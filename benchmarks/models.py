"""What the orchestration adds around a model, against plain `docker run` and against the peer's way to run one."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from floor import HARDENED
from ours import Ours
from peer.image import VENV
from sleepers_world import Sleepers
from world import POLL_SECONDS

from airflow_synapse_challenge.containers.spec import LABEL_PREFIX
from airflow_synapse_challenge.triggers.containers import ContainerTrigger

#: Runs an image and returns its seconds.
Side = Callable[[str], float]

HERE = Path(__file__).resolve().parent
SLEEPS = (0, 10, 60)
AT_ONCE = 10
WATCHED, WATCH_SECONDS = 50, 30


def measure(side: Ours, sleepers: Sleepers, home: Path) -> dict[str, Any]:
    """Return the figures."""
    home.mkdir()
    images = {seconds: sleepers.image(seconds) for seconds in SLEEPS}
    sides = {"docker_run": _plain, "peer": lambda image: _peer(image, home)}
    found = {seconds: _alone(side, sleepers, images, sides, seconds) for seconds in SLEEPS[:2]}
    found[SLEEPS[2]] = _beside_each_other(side, sleepers, images, sides, SLEEPS[2])
    return {
        "model_overhead_seconds": {
            str(seconds): {name: round(run - seconds, 2) for name, run in runs.items()}
            for seconds, runs in found.items()
        },
        "ten_models_at_once_seconds": {
            "docker_run": round(_makespan(lambda _: _plain(images[10])), 2),
            "ours": round(_ten_of_ours(side, sleepers), 2),
            "peer": round(_makespan(lambda _: _peer(images[10], home)), 2),
        },
        "watching_50_containers_cpu_percent": _watching(images[60]),
    }


def _alone(
    side: Ours, sleepers: Sleepers, images: Mapping[int, str], sides: Mapping[str, Side], seconds: int
) -> dict[str, float]:
    """Return the run times by side, one after the other; ours is from the end of the image's check to the task's."""
    runs = range(1 if seconds else 3)
    found = {name: median(run(images[seconds]) for _ in runs) for name, run in sides.items()}
    return found | {"ours": median(side.model_seconds([sleepers.submit(seconds)])[0] for _ in runs)}


def _beside_each_other(
    side: Ours, sleepers: Sleepers, images: Mapping[int, str], sides: Mapping[str, Side], seconds: int
) -> dict[str, float]:
    """Return the same of one run each, all at once: while they sleep they cost nothing."""
    submission = sleepers.submit(seconds)
    # Until the others begin, ours has begun, however late the next poll comes.
    time.sleep(2 * POLL_SECONDS)
    with ThreadPoolExecutor() as pool:
        runs = {name: pool.submit(run, images[seconds]) for name, run in sides.items()}
    return {name: run.result() for name, run in runs.items()} | {"ours": side.model_seconds([submission])[0]}


def _ten_of_ours(side: Ours, sleepers: Sleepers) -> float:
    """Return the seconds from the end of the first check to the end of the last model."""
    return side.span_of_models([sleepers.submit(10) for _ in range(AT_ONCE)])


def _makespan(run: Callable[[int], float]) -> float:
    begin = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(run, range(AT_ONCE)))
    return time.monotonic() - begin


def _plain(image: str) -> float:
    """Return the seconds of the same image under `docker run`."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        command = ["docker", "run", "--rm", *HARDENED, "--volume", f"{folder}:/output", image]
        begin = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return time.monotonic() - begin


def _peer(image: str, home: Path) -> float:
    """Return the seconds of a CWL step that starts the model as a sibling container."""
    folder = Path(tempfile.mkdtemp(dir=home))
    begin = time.monotonic()
    subprocess.run(
        [
            *(VENV / "bin" / "toil-cwl-runner", "--batchSystem", "single_machine", "--retryCount", "0"),
            *("--defaultMemory", "100M", "--defaultDisk", "100M", "--bypass-file-store", "--caching", "false"),
            *("--disableProgress", "--clean", "always", "--jobStore", folder / "jobs", "--outdir", folder / "out"),
            *(HERE / "peer" / "run_model.cwl", "--engine", os.environ["DOCKER_HOST"], "--image", image),
        ],
        check=True,
        capture_output=True,
        env=_with_path(VENV / "bin"),
    )
    return time.monotonic() - begin


def _with_path(folder: Path) -> dict[str, str]:
    return os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}


def _watching(image: str) -> float:
    """Return how much of one processor it takes to watch many deferred containers."""
    names = [f"bench-watched-{number}" for number in range(WATCHED)]
    for name in names:
        label = f"{LABEL_PREFIX}name={name}"
        command = ["docker", "run", "--detach", "--rm", "--name", name, "--label", label, "--network", "none"]
        subprocess.run([*command, image], check=True, stdout=subprocess.DEVNULL)
    try:
        used = asyncio.run(_watch_for_a_while(names))
    finally:
        subprocess.run(["docker", "rm", "--force", *names], check=False, capture_output=True)
    return round(100 * used / WATCH_SECONDS, 1)


async def _watch_for_a_while(names: Sequence[str]) -> float:
    triggers = [ContainerTrigger(container=name, timeout=3600) for name in names]
    tasks = [asyncio.create_task(_drain(trigger)) for trigger in triggers]
    await asyncio.sleep(5)
    begin = time.process_time()
    await asyncio.sleep(WATCH_SECONDS)
    used = time.process_time() - begin
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return used


async def _drain(trigger: ContainerTrigger) -> None:
    async for _ in trigger.run():
        return
