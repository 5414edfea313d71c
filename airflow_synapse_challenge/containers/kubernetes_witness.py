"""
A witness inside a pod: what do kernel and network look like from there? Its text runs there as ``python3 -I -c``.

It stands alone: the standard library of any Python from 3.8 on, nothing of this package.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import resource
import select
import socket
import sys
import time
from pathlib import Path
from typing import Any

#: Nothing may answer there, and nothing at the API server: there clouds hand out their credentials.
METADATA = ("169.254.169.254", 80)
#: Seconds that a network policy may take until it holds for a new pod, and those of one attempt to get past it.
POLICY_SECONDS = 15.0
ATTEMPT_SECONDS = 1.0


def facts(folders: list[str]) -> dict[str, Any]:
    """
    Return what kernel and network look like.

    :param folders: those whose size is wanted.
    """
    return {
        **_process_facts(),
        "root_read_only": bool(os.statvfs("/").f_flag & os.ST_RDONLY),
        "open_files": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        "memory": _first("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        "cpu": _first("/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us"),
        "sizes": {folder: _size(folder) for folder in folders},
        "reachable": _still_reachable(),
    }


def _process_facts() -> dict[str, Any]:
    status = dict(re.findall(r"^(\w+):\s*(.*)$", Path("/proc/self/status").read_text(), re.MULTILINE))
    numbers = {"no_new_privileges": status.get("NoNewPrivs"), "seccomp": status.get("Seccomp")}
    return {
        "user": os.getuid(),
        "group": os.getgid(),
        "capabilities": int(status.get("CapEff", "0"), 16) | int(status.get("CapBnd", "0"), 16),
        **{name: int(value) if value else None for name, value in numbers.items()},
    }


def _first(*paths: str) -> str | None:
    """Return the first number in the first of these files that is there."""
    for path in paths:
        with contextlib.suppress(OSError):
            return Path(path).read_text().split()[0]
    return None


def _size(folder: str) -> int:
    about = os.statvfs(folder)
    return about.f_blocks * about.f_frsize


def _still_reachable() -> list[str]:
    """Return what answers although nothing may, once a network policy had time to take hold."""
    targets = [METADATA]
    if host := os.environ.get("KUBERNETES_SERVICE_HOST"):
        targets.append((host, int(os.environ.get("KUBERNETES_SERVICE_PORT", "443"))))
    end = time.monotonic() + POLICY_SECONDS
    while (found := _reachable(targets)) and time.monotonic() < end:
        time.sleep(ATTEMPT_SECONDS)
    return found


def _reachable(targets: list[tuple[str, int]]) -> list[str]:
    waiting: dict[socket.socket, str] = {}
    for host, port in targets:
        attempt = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        attempt.setblocking(False)
        if attempt.connect_ex((host, port)) in (0, errno.EINPROGRESS):
            waiting[attempt] = f"{host}:{port}"
        else:
            attempt.close()
    found = []
    end = time.monotonic() + ATTEMPT_SECONDS
    while waiting and (left := end - time.monotonic()) > 0:
        for attempt in select.select([], list(waiting), [], left)[1]:
            name = waiting.pop(attempt)
            if attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                found.append(name)
            attempt.close()
    for attempt in waiting:
        attempt.close()
    return sorted(found)


if __name__ == "__main__":
    print(json.dumps(facts(sys.argv[1:])))
