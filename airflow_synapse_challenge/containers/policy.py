"""The bounds on a container, and the rules that an engine has to enforce for them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from airflow_synapse_challenge.errors import ConfigurationError

MIB = 1024**2
GIB = 1024**3
OPEN_FILES = 1024
#: The largest number of a user that engines take.
LARGEST_USER = 2**31 - 1


class Rule(Enum):
    """The rules of a policy, in words that an operator understands."""

    NO_NETWORK = "no network"
    NO_CAPABILITIES = "every capability dropped"
    NO_NEW_PRIVILEGES = "no new privileges"
    SYSTEM_CALLS = "filtered system calls (seccomp)"
    OWN_NAMESPACES = "no namespace of the host"
    NO_DEVICES = "no device of the host besides the graphics processors asked for"
    NON_ROOT = "a user that is not root"
    READ_ONLY_ROOT = "read-only root file system"
    READ_ONLY_INPUT = "read-only input"
    NO_OTHER_STORAGE = "no storage besides input, output and temporary files"
    SIZED_TMP = "temporary files of bounded size"
    SIZED_OUTPUT = "results of strangers' code bounded while they are written"
    SIZED_SHM = "shared memory of bounded size"
    PIDS = "bounded number of processes"
    MEMORY = "bounded memory"
    NO_SWAP = "memory and swap bounded together"
    CPUS = "hard CPU cap"
    CPU_TIME = "bounded CPU time of each process"
    WALL_CLOCK = "bounded run time"
    FILE_SIZE = "bounded size of each file"
    OPEN_FILES = "bounded number of open files"
    NO_CORE = "no core dumps"
    RESULTS = "results of bounded size and number, plain files only"
    LOG = "bounded log"
    IMAGE = "the image that was looked up, by its id"
    NO_CREDENTIALS = "an environment without credentials"


@dataclass(frozen=True)
class Policy:
    """
    Bounds on a container. Network, capabilities and privileges have no setting: there are none.

    :param memory_bytes: memory and swap together; ``/tmp`` and ``/dev/shm`` count as memory.
    :param cpus: hard cap in cores.
    :param gpus: graphics processors.
    :param timeout: wall clock.
    :param pids: processes and threads.
    :param shm_bytes: ``/dev/shm``.
    :param tmp_bytes: ``/tmp``.
    :param output_bytes: all files in ``/output`` together.
    :param output_files: files and folders in ``/output``.
    :param log_bytes: kept of the output: head and tail.
    :param user: user and group as numbers, for images whose own user is root or a name: a name could mean root in
        somebody else's image.
    :param allow_root: run as the user that the image names, even root. Root then has no capabilities and cannot gain
        any, but the kernel sees user 0 unless the engine maps users.
    """

    memory_bytes: int = 2 * GIB
    cpus: float = 1.0
    gpus: int = 0
    timeout: timedelta = timedelta(minutes=10)
    pids: int = 256
    shm_bytes: int = 64 * MIB
    tmp_bytes: int = GIB
    output_bytes: int = 10 * MIB
    output_files: int = 100
    log_bytes: int = 50_000
    user: str = "65534:65534"
    allow_root: bool = False

    def __post_init__(self) -> None:
        bounds = ("memory_bytes", "cpus", "pids", "shm_bytes", "tmp_bytes", "output_bytes", "output_files", "log_bytes")
        for name in bounds:
            if not getattr(self, name) > 0:
                raise ConfigurationError(f"A container's {name} must be positive, not {getattr(self, name)}.")
        if self.gpus < 0:
            raise ConfigurationError(f"A container's gpus must not be negative, not {self.gpus}.")
        if self.timeout <= timedelta(0):
            raise ConfigurationError(f"A container's timeout must be positive, not {self.timeout}.")
        if not re.fullmatch(r"[1-9][0-9]*:[1-9][0-9]*", self.user):
            raise ConfigurationError(
                f'A container\'s user must be two numbers above 0, such as "65534:65534", not {self.user!r}; '
                "set allow_root to run as the image's own user."
            )

    @property
    def cpu_seconds(self) -> int:
        """CPU time that one process may use: what its cores give it in its wall-clock time."""
        return max(1, math.ceil(self.timeout.total_seconds() * max(1.0, self.cpus))) + 1

    @property
    def file_bytes(self) -> int:
        """Size of the largest file that may be written anywhere: the limit of a process knows no folders."""
        return max(self.output_bytes, self.tmp_bytes, self.shm_bytes)


def numeric_user(asked: str) -> str | None:
    """
    Return the user and group that an image asks for as numbers, ``None`` if they are root's or names.

    A name could mean root in somebody else's image, and a group of 0 would be root's.
    """
    own = re.fullmatch(r"([1-9][0-9]{0,9})(?::([0-9]{1,10}))?", asked)
    if own is None or max(int(number or 0) for number in own.groups()) > LARGEST_USER:
        return None
    return f"{own[1]}:{own[1] if int(own[2] or 0) == 0 else own[2]}"
