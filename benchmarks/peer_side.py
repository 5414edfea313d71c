"""The peer: its loop as a process, with everything that it needs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from peer.image import HERE, IMAGE, VENV
from world import MAX_IN_FLIGHT, POLL_SECONDS, World

from airflow_synapse_challenge.rehearsal.site import SERVICE

STOP_SECONDS = 20


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
    listed = ["docker", "ps", "--all", "--quiet", "--filter", f"ancestor={IMAGE}"]
    found = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split()
    if found:
        subprocess.run(["docker", "rm", "--force", *found], check=True, stdout=subprocess.DEVNULL)
