"""Looks for the engine's socket, for credentials, for other processes and for the truth, everywhere it may read."""

import os
import stat

from common import MIB, outcome_of, succeed

#: Put together here, so that this program's own environment does not hold them.
SOUGHT = [text.replace("+", "-").encode() for text in os.environ["SOUGHT"].split(":")]
SOCKETS = ("docker.sock", "containerd.sock", "crio.sock", "podman.sock")
SKIPPED = ("/proc", "/sys", "/usr/lib", "/usr/share")


def holds_one(path):
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return False
        with open(path, "rb") as file:
            content = file.read(8 * MIB)
    except OSError:
        return False
    return any(text in content for text in SOUGHT)


sockets, found_in = [], []
for folder, folders, files in os.walk("/"):
    folders[:] = [name for name in folders if os.path.join(folder, name) not in SKIPPED]
    for name in files:
        path = os.path.join(folder, name)
        if name in SOCKETS:
            sockets.append(path)
        elif holds_one(path):
            found_in.append(path)
pids = [name for name in os.listdir("/proc") if name.isdigit()]
for pid in pids:
    for name in ("environ", "cmdline", "mountinfo"):
        if holds_one(f"/proc/{pid}/{name}"):
            found_in.append(f"/proc/{pid}/{name}")
secrets = os.environ["SECRET_PATHS"].split(":")
reads = {path: outcome_of(lambda path=path: os.close(os.open(path, os.O_RDONLY))) for path in secrets}
for root in ("/proc/1/root", "/proc/self/root", "/proc/self/cwd/../../.."):
    reads |= {
        f"{root}{path}": outcome_of(lambda p=f"{root}{path}": os.close(os.open(p, os.O_RDONLY))) for path in secrets
    }
with open("/proc/self/mountinfo") as mounts:
    points = sorted({line.split()[4] for line in mounts})
succeed(
    sockets=sockets,
    found_in=found_in,
    processes=len(pids),
    reads=reads,
    mounts=points,
    variables=sorted(os.environ),
    home=os.environ.get("HOME"),
)
