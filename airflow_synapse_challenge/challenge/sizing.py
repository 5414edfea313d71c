"""
How much a host has to have for a challenge, and how many submissions it carries at one time.

Memory is shared out by the pool, a slot for each GiB. Processors are not: more containers than the host has processors
for run all the same, each slower than it was promised.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from airflow_synapse_challenge.challenge.config import Challenge, Model, Queue, Resources
from airflow_synapse_challenge.challenge.step import GIB, slots_for
from airflow_synapse_challenge.challenge.units import format_size

DAY = timedelta(days=1)
RUN_MODEL, FILE_PREDICTIONS = "run_model", "file_predictions"


@dataclass(frozen=True)
class Host:
    """
    Where containers run; ``None`` stands for what is not known.

    :param cpus: processors.
    :param memory: bytes.
    :param disk_free: bytes that are free where images go.
    :param gpus: whether containers can get graphics processors.
    """

    cpus: int | None = None
    memory: int | None = None
    disk_free: int | None = None
    gpus: bool | None = None


@dataclass(frozen=True)
class StepSize:
    """
    What one task of a submission's run takes.

    :param name: of the task.
    :param memory: bytes.
    :param slots: of the challenge's pool.
    :param longest: time that its containers have, all stages together.
    :param at_once: how many of it run at once by ``memory`` (the pool) and by ``cpu``; what bounds nothing is left out.
    """

    name: str
    memory: int
    cpus: float
    gpus: int
    slots: int
    longest: timedelta
    at_once: dict[str, int]


@dataclass(frozen=True)
class QueueSize:
    """
    What a submission to a queue takes, and how many run at once if the queue has the host to itself.

    :param queue: the queue.
    :param steps: in their order.
    :param submissions: that are in work at most.
    """

    queue: Queue
    steps: tuple[StepSize, ...]
    submissions: int

    @property
    def at_once(self) -> dict[str, int]:
        """How many run at once by ``memory``, ``cpu`` and ``submissions``; what bounds nothing is left out."""
        found = {
            bound: min(step.at_once[bound] for step in self.steps if bound in step.at_once)
            for bound in ("memory", "cpu")
            if any(bound in step.at_once for step in self.steps)
        }
        return {**found, "submissions": self.submissions}

    @property
    def carries(self) -> int:
        """Submissions at one time."""
        return min(self.at_once.values())

    @property
    def bottleneck(self) -> str:
        """What bounds that number."""
        return min(self.at_once, key=lambda bound: self.at_once[bound])

    @property
    def longest(self) -> timedelta:
        """Time of a submission whose every container takes all of its time."""
        return sum((step.longest for step in self.steps), timedelta())

    @property
    def per_day(self) -> int:
        """Submissions a day if every one of them takes all of its time."""
        return int(self.carries * DAY / self.longest)


@dataclass(frozen=True)
class Change:
    """
    Something that has to be changed.

    :param what: key of ``challenge.yaml``, or what of the host.
    :param now: in words; empty where it is not known.
    :param needed: in words.
    """

    what: str
    now: str
    needed: str


def measure(challenge: Challenge, host: Host) -> tuple[QueueSize, ...]:
    """Return the size of every queue that evaluates something."""
    return tuple(_queue(challenge, queue, host) for queue in challenge.queues if queue.steps or queue.model)


def image_room(challenge: Challenge, submissions: int, spare: int) -> int:
    """
    Return the disk that the images of so many submissions can take at one time, 0 for a challenge without images.

    :param spare: bytes that are never given to images.
    """
    limits = [queue.model.image_limit for queue in challenge.queues if queue.model]
    return submissions * max(limits) + spare if limits else 0


def warnings(challenge: Challenge, host: Host, spare: int) -> Iterator[str]:
    """Yield what will not go well, in sentences that say how to mend it."""
    compute = challenge.compute
    if host.memory is not None and compute.memory > host.memory:
        yield (
            f"compute.memory is {format_size(compute.memory)}, and the host has {host.memory / GIB:.1f} GiB. Lower it "
            "to what the host can spare."
        )
    for size in measure(challenge, host):
        name = size.queue.name
        yield from (f"{name}: {text}" for text in _never(challenge, size, host))
        if size.queue.model:
            yield from (f"{name}: {text}" for text in _model(challenge, size.queue.model, size, host))
        by_memory = size.at_once["memory"]
        if 0 < by_memory < compute.max_concurrent_submissions:
            yield (
                f"{name}: the pool carries {by_memory} at once, and max_concurrent_submissions is "
                f"{compute.max_concurrent_submissions}: the others wait as runs. Raise "
                "compute.memory, or lower max_concurrent_submissions."
            )
    room = image_room(challenge, compute.max_concurrent_submissions, spare)
    if host.disk_free is not None and room > host.disk_free:
        yield (
            f"Images of {compute.max_concurrent_submissions} submissions can take {room / GIB:.1f} GiB with what is "
            f"kept free, and the engine's disk has {host.disk_free / GIB:.1f} GiB. Lower image_limit or "
            "max_concurrent_submissions, or pulls wait for room."
        )


def changes(challenge: Challenge, host: Host, submissions: int, spare: int) -> Iterator[Change]:
    """
    Yield what has to be changed to carry so many submissions at once, each in its largest step.

    :param spare: bytes of disk that are never given to images.
    """
    compute = challenge.compute
    steps = [step for size in measure(challenge, host) for step in size.steps]
    memory = submissions * max(step.slots for step in steps)
    cpus = math.ceil(submissions * max(step.cpus for step in steps))
    room = image_room(challenge, submissions, spare)
    if memory > compute.memory_gib:
        yield Change("compute.memory", format_size(compute.memory), f"{memory}GiB")
    if submissions > compute.max_concurrent_submissions:
        yield Change("compute.max_concurrent_submissions", str(compute.max_concurrent_submissions), str(submissions))
    if host.memory is None or memory * GIB > host.memory:
        now = "" if host.memory is None else f"{host.memory / GIB:.1f} GiB"
        yield Change("memory of the host", now, f"{memory} GiB, and what the system itself needs")
    if host.cpus is None or cpus > host.cpus:
        yield Change("processors of the host", "" if host.cpus is None else str(host.cpus), str(cpus))
    if room and (host.disk_free is None or room > host.disk_free):
        now = "" if host.disk_free is None else f"{host.disk_free / GIB:.1f} GiB"
        yield Change("free disk of the engine", now, f"{room / GIB:.1f} GiB")


def _queue(challenge: Challenge, queue: Queue, host: Host) -> QueueSize:
    def step(name: str, has: Resources, longest: timedelta) -> StepSize:
        at_once = {"memory": challenge.compute.memory_gib // has.pool_slots}
        if host.cpus is not None:
            at_once["cpu"] = int(host.cpus / has.cpus)
        return StepSize(name, has.memory, has.cpus, has.gpus, has.pool_slots, longest, at_once)

    steps = [step(name, it.resources, it.resources.timeout) for name, it in queue.steps.items()]
    if model := queue.model:
        size = model.resources.output
        by_memory = {"memory": challenge.compute.memory_gib // slots_for(size)}
        filing = StepSize(FILE_PREDICTIONS, size, 0, 0, slots_for(size), timedelta(), by_memory)
        steps = [step(RUN_MODEL, model.resources, _model_time(model)), filing, *steps]
    return QueueSize(queue, tuple(steps), challenge.compute.max_concurrent_submissions)


def _model_time(model: Model) -> timedelta:
    stages = [stage.timeout or model.resources.timeout for stage in model.stages] or [model.resources.timeout]
    canary = model.canary.timeout * len(stages) if model.canary else timedelta()
    return sum(stages, canary)


def _never(challenge: Challenge, size: QueueSize, host: Host) -> Iterator[str]:
    pool = challenge.compute.memory_gib
    for step in size.steps:
        if step.slots > pool:
            yield (
                f"{step.name} can never run: it takes {step.slots} slots, and the pool has {pool}. Raise "
                "compute.memory, or lower what it takes."
            )
        if host.cpus is not None and step.cpus > host.cpus:
            yield f"{step.name} can never run: it asks for {step.cpus:g} processors, and the host has {host.cpus}."
        if host.memory is not None and step.memory > host.memory:
            yield (
                f"{step.name} can never have its memory: {format_size(step.memory)}, and the host has "
                f"{host.memory / GIB:.1f} GiB."
            )
        if step.gpus and host.gpus is False:
            yield f"{step.name} can never run: it asks for graphics processors, and the engine has no runtime for them."


def _model(challenge: Challenge, model: Model, size: QueueSize, host: Host) -> Iterator[str]:
    has = model.resources
    passes_on = len(model.stages) > 1
    held = has.output * (2 if passes_on else 1)
    files = held + has.tmp + has.shm
    if files > has.memory:
        folders = "/output, /model, /tmp" if passes_on else "/output, /tmp"
        yield (
            f"{folders} and /dev/shm of a model may hold {files / GIB:.2f} GiB, and all of it counts as its memory of "
            f"{format_size(has.memory)}. Lower `output`, `tmp` or `shm`, or raise `memory`."
        )
    together = challenge.compute.memory + size.carries * held
    if host.memory is not None and challenge.compute.memory <= host.memory < together:
        yield (
            f"results wait in memory until they are filed, up to {held / GIB:.1f} GiB of each submission besides the "
            f"pool. The pool and {size.carries} of them are {together / GIB:.1f} GiB, and the host has "
            f"{host.memory / GIB:.1f} GiB. Lower compute.memory or `output`."
        )
