"""A result of the kind that ``KIND`` says in place of a plain file."""

import io
import os
import socket
import sys
import tarfile

from common import MIB, RESULT, outcome_of, report

kind = os.environ["KIND"]
if kind.startswith("link to "):
    os.symlink(kind.removeprefix("link to "), RESULT)
elif kind == "link to itself":
    os.symlink(RESULT, RESULT)
elif kind == "pipe":
    os.mkfifo(RESULT)
elif kind == "socket":
    socket.socket(socket.AF_UNIX).bind(RESULT)
elif kind == "folder":
    os.makedirs(f"{RESULT}/a/b")
elif kind == "empty":
    open(RESULT, "w").close()
elif kind == "device":
    report(made=outcome_of(lambda: os.mknod(RESULT, 0o600 | 0o060000, os.makedev(8, 0))))
elif kind == "terabyte":
    report(made=outcome_of(lambda: os.truncate(os.open(RESULT, os.O_CREAT | os.O_WRONLY), 2**40)))
    sys.exit(1)
elif kind == "holes":
    os.truncate(os.open(RESULT, os.O_CREAT | os.O_WRONLY), 24 * MIB)
elif kind == "hard link to the system":
    report(made=outcome_of(lambda: os.link("/etc/shadow", RESULT)))
elif kind == "hard link":
    with open("/output/other", "w") as file:
        file.write("a result under two names\n")
    os.link("/output/other", RESULT)
elif kind == "locked":
    with open(RESULT, "w") as file:
        file.write("nobody may read this\n")
    os.chmod(RESULT, 0o6000)
elif kind == "tar":
    with tarfile.open(RESULT, "w") as archive:
        for name in ("../../../../tmp/escaped", "/tmp/escaped"):
            member = tarfile.TarInfo(name)
            member.size = 4
            archive.addfile(member, io.BytesIO(b"evil"))
