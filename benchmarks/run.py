"""Measure the package against plain Docker and against a CWL workflow; the last line is JSON."""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import floor
import local_synapse
import models
import traffic
from machine import cpu_seconds
from ours import ours
from peer.image import make
from peer_side import peer
from world import POLL_SECONDS, World, world

PATIENCE = 420.0
IDLE_SECONDS = 20.0


def main() -> None:
    """Take every figure, one side after the other."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--idle", type=int, default=3, help="submissions one after the other, ours")
    parser.add_argument("--idle-peer", type=int, default=2, help="the same, peer")
    parser.add_argument("--waiting", type=int, default=100, help="submissions that wait, ours")
    parser.add_argument("--waiting-peer", type=int, default=30, help="the same, peer")
    parser.add_argument("--peer-seconds", type=float, default=130.0, help="the peer's rate is what it did by then")
    wish = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        print(json.dumps(measure(wish, home)), flush=True)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def measure(wish: argparse.Namespace, home: Path) -> dict[str, Any]:
    """Return the report."""
    begin = time.monotonic()
    make()
    floors = tell("floor, seconds", floor.measure(5))
    served = local_synapse.measure(home / "local-synapse")
    print(f"local Synapse: {served}", flush=True)
    with world(home / "ours", images=True) as place:
        mine = measure_ours(place, wish)
    with world(home / "peer") as place:
        theirs = measure_peer(place, wish)
    peer_idle = median(theirs["idle"])
    return {
        "idle_latency_vs_peer": figure([run / peer_idle for run in mine["idle"]])
        | {"ours_seconds": mine["idle"], "peer_seconds": theirs["idle"]},
        "throughput_vs_peer": figure([mine["per_hour"] / theirs["per_hour"]])
        | {"ours_per_hour": mine["per_hour"], "peer_per_hour": theirs["per_hour"]},
        "idle_seconds_over_floor": figure([run - median(floors) for run in mine["idle"]]) | {"floor_seconds": floors},
        "cpu_seconds_per_submission": figure([mine["cpu"]]) | {"peer": theirs["cpu"]},
        "synapse_calls_per_submission": figure(mine["calls"]) | {"of_file_transfer": mine["transfer"]},
        "idle_calls_per_queue_and_poll": figure(mine["idle_calls"]),
        **mine["models"],
        "local_synapse": served,
        "operations": mine["operations"],
        "submissions": {"ours": wish.waiting, "peer_waiting": wish.waiting_peer, "peer_finished": theirs["finished"]},
        "seconds": round(time.monotonic() - begin),
    }


def measure_ours(place: World, wish: argparse.Namespace) -> dict[str, Any]:
    """Measure the package."""
    with ours(place) as side:
        result: dict[str, Any] = {"idle": [], "calls": [], "transfer": []}
        for submission in spread(place, 1 + wish.idle):
            place.server.reset_calls()
            side.wait_for_run(submission)
            calls, transfer = traffic.split(place.server)
            result["calls"].append(calls)
            result["transfer"].append(transfer)
            result["operations"] = place.server.calls(traffic.AGENT)
            result["idle"] += latencies(place, [submission])
        for name in ("idle", "calls", "transfer"):
            del result[name][0]  # it warmed up
        tell("ours, idle, seconds", result["idle"])
        tell("ours, calls of a submission beyond file transfer", result["calls"])
        idle_calls = [calls_per_poll(place)]
        side.pause()
        # The doorbell that was listening before the pause may still ring once: it finds nothing to take in.
        time.sleep(2 * POLL_SECONDS)
        result |= flood(place, wish.waiting, PATIENCE, side.resume)
        if result["finished"] < wish.waiting:
            raise SystemExit(f"{result['finished']} of {wish.waiting} submissions were accepted in {PATIENCE:.0f} s.")
        # Let the last runs and doorbells end.
        time.sleep(2 * POLL_SECONDS)
        idle_calls.append(calls_per_poll(place))
        result["idle_calls"] = tell("ours, idle calls per poll, before and after the flood", idle_calls)
        assert place.sleepers is not None
        result["models"] = models.measure(side, place.sleepers, place.home / "models")
        place.sleepers.remove_images()
        print(f"models: {result['models']}", flush=True)
    tell("ours, per hour and CPU seconds", [result["per_hour"], result["cpu"]])
    return result


def measure_peer(place: World, wish: argparse.Namespace) -> dict[str, Any]:
    """Measure today's way; its CPU time while it has one submission after the other, because it may not finish all."""
    with peer(place):
        used = cpu_seconds()
        idle = tell("peer, idle, seconds", one_after_the_other(place, wish.idle_peer))
        used = cpu_seconds() - used
    with ExitStack() as stack:
        result = flood(place, wish.waiting_peer, wish.peer_seconds, lambda: stack.enter_context(peer(place)))
    result |= {"idle": idle, "cpu": round(used / len(idle), 2)}
    tell("peer, per hour and CPU seconds", [result["per_hour"], result["cpu"]])
    return result


def one_after_the_other(place: World, runs: int) -> list[float]:
    """Submit into an idle system; return the seconds to the final status."""
    found = []
    for submission in spread(place, runs):
        place.wait_for_accepted([submission], PATIENCE)
        found += latencies(place, [submission])
    return found


def spread(place: World, runs: int) -> Iterator[str]:
    """Submit one after the other, each at some moment between two polls; the moments are always the same."""
    chance = random.Random(1)
    for _ in range(runs):
        time.sleep(chance.uniform(0, POLL_SECONDS))
        yield place.submit()


def latencies(place: World, submissions: Sequence[str]) -> list[float]:
    """Return the seconds from submission to final status."""
    return [round(final - made, 3) for made, final in place.seconds(submissions)]


def calls_per_poll(place: World) -> float:
    """Return how many calls an idle queue costs for each interval; there are two, of files and of images."""
    place.server.reset_calls()
    time.sleep(IDLE_SECONDS)
    return round(sum(place.server.calls().values()) / 2 / (IDLE_SECONDS / POLL_SECONDS), 3)


def flood(place: World, number: int, patience: float, switch_on: Callable[[], object]) -> dict[str, Any]:
    """Let submissions wait, switch the intake on, and measure until the last one is final, or patience ends."""
    ids = [place.submit() for _ in range(number)]
    used, begin = cpu_seconds(), time.time()
    switch_on()
    place.wait_for_accepted(ids, patience)
    used = cpu_seconds() - used
    finals = [final for _, final in place.seconds(ids)]
    if not finals:
        raise SystemExit(f"No submission was accepted within {patience:.0f} s.")
    return {
        "finished": len(finals),
        "per_hour": round(3600 * len(finals) / (max(finals) - begin), 1),
        "cpu": round(used / len(finals), 2),
    }


def figure(runs: Sequence[float]) -> dict[str, Any]:
    """Return a median with its runs."""
    return {"median": round(median(runs), 3), "runs": [round(run, 3) for run in runs]}


def tell(what: str, values: list[float]) -> list[float]:
    """Print figures as soon as they are there."""
    rounded = [round(value, 3) for value in values]
    print(f"{what}: {rounded}", flush=True)
    return rounded


if __name__ == "__main__":
    main()
