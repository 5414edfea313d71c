"""What the whole machine did: Airflow or the peer, their containers, the engine and the local Synapse together."""

from __future__ import annotations

import os
from pathlib import Path


def cpu_seconds() -> float:
    """Return the CPU seconds that this machine has worked since it started (``/proc/stat``)."""
    user, nice, system, _, _, irq, softirq = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
