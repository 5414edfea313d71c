"""What attacks have in common. Each is blunted: it stops by itself before it could harm a host that does not hold."""

import errno
import json
import os

RESULT = "/output/predictions.csv"
PAGE = 4096
MIB = 2**20


def report(**found):
    """Say what was achieved; the test reads it from the log."""
    os.write(1, f"REPORT {json.dumps(found)}\n".encode())


def succeed(**found):
    """End as an honest model does, so that only the report tells what happened."""
    with open(RESULT, "w") as file:
        file.write("id,probability\n1,0.5\n")
    if found:
        report(**found)


def outcome_of(action):
    """Return ``allowed``, or the name of the error."""
    try:
        action()
    except OSError as error:
        return errno.errorcode.get(error.errno, type(error).__name__)
    return "allowed"


def fill(path, most):
    """Write zeros to a new file until it fails; return how many bytes were written."""
    written = 0
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        while written < most:
            written += os.write(descriptor, bytes(min(MIB, most - written)))
    except OSError:
        pass
    return written


def write_all(text):
    """Write to standard output whatever the pipe takes."""
    left = memoryview(text)
    while left:
        left = left[os.write(1, left) :]
