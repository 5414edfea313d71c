"""What a container may use and do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from airflow_synapse_challenge.errors import ConfigurationError

MIB = 1024**2
GIB = 1024**3


class Rule(Enum):
    """The rules of a policy, in words that an operator understands."""

    NO_NETWORK = "no network"
    NO_CAPABILITIES = "every capability dropped"
    NO_NEW_PRIVILEGES = "no new privileges"
    READ_ONLY_ROOT = "read-only root file system"
    READ_ONLY_INPUT = "read-only input"
    SIZED_TMP = "temporary files of bounded size"
    PIDS = "bounded number of processes"
    MEMORY = "bounded memory, swap included"
    CPUS = "hard CPU cap"
    WALL_CLOCK = "bounded run time"
    OUTPUT = "bounded results"
    LOG = "bounded log"
    NON_ROOT = "a user that is not root"
    NO_CREDENTIALS = "an environment without credentials"


@dataclass(frozen=True)
class Policy:
    """
    Bounds on a container. Network, capabilities and privileges have no setting: there are none.

    :param memory_bytes: memory and swap together.
    :param cpus: hard cap in cores.
    :param timeout: wall clock.
    :param pids: processes and threads.
    :param shm_bytes: ``/dev/shm``.
    :param tmp_bytes: ``/tmp``, in memory.
    :param output_bytes: each file in ``/output``, and each result that is brought back.
    :param output_files: files in ``/output``.
    :param log_bytes: kept of the output: head and tail.
    :param user: numeric user and group.
    :param allow_root: run as the user that the image names, even root.
    """

    memory_bytes: int = 2 * GIB
    cpus: float = 1.0
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
        for name in ("memory_bytes", "cpus", "pids", "tmp_bytes", "output_bytes", "output_files", "log_bytes"):
            if getattr(self, name) <= 0:
                raise ConfigurationError(f"A container's {name} must be positive, not {getattr(self, name)}.")
        if self.timeout <= timedelta(0):
            raise ConfigurationError(f"A container's timeout must be positive, not {self.timeout}.")
        if not self.allow_root and self.user.split(":")[0] in ("", "0", "root"):
            raise ConfigurationError("A container runs as root only with allow_root.")
