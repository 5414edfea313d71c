"""
Run a program that ends with the process that started it: ``python leash.py PARENT PROGRAM [ARGUMENT ...]``.

A parent that is killed at once can stop nothing itself; here the kernel does it. For Linux.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, program: list[str]) -> None:
    """Become the program."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was gone before the kernel knew
        raise SystemExit(1)
    os.execvp(program[0], program)  # noqa: S606  there is no shell, and none is wanted


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
