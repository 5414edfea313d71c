"""The peer: its loop as a process, with everything that it needs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from peer.image import HERE, IMAGE, VENV
from world import MAX_IN_FLIGHT, POLL_SECONDS, World

from airflow_synapse_challenge.rehearsal.site import SERVICE

STOP_SECONDS = 20
SWEEP_SECONDS = 60


@contextmanager
def peer(world: World) -> Iterator[None]:
    """Have the loop running until the block ends, and leave no container behind."""
    home = world.home / "peer"
    home.mkdir(exist_ok=True)
    challenge = world.challenge
    settings = home / "settings.json"
    settings.write_text(
        json.dumps(
            {
                "endpoint": world.server.url,
                "token": world.server.token(SERVICE),
                "evaluation": world.queue_id,
                "root": challenge.synapse.logs_folder,
                "ground_truth": world.queue.gold_standard,
                "organizers": challenge.synapse.teams.participants,
                "home": str(home),
                "engine": str(VENV / "bin" / "toil-cwl-runner"),
                "poll_seconds": POLL_SECONDS,
                "max_in_flight": MAX_IN_FLIGHT,
            }
        )
    )
    settings.chmod(0o600)
    with (home / "orchestrator.log").open("ab") as log:
        loop = subprocess.Popen(
            [sys.executable, HERE / "orchestrator.py", settings], stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield
    finally:
        loop.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            loop.wait(STOP_SECONDS)
        loop.kill()
        _sweep()


def _sweep() -> None:
    """Remove what the peer's containers left; some are being removed already, which makes the command fail."""
    listed = ["docker", "ps", "--all", "--quiet", "--filter", f"ancestor={IMAGE}"]
    end = time.monotonic() + SWEEP_SECONDS
    while found := subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split():
        if time.monotonic() > end:
            raise RuntimeError(f"The peer's containers cannot be removed: {' '.join(found)}.")
        subprocess.run(["docker", "rm", "--force", *found], check=False, capture_output=True)
        time.sleep(0.5)
