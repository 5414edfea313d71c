"""Programs of the image that belong to root and ask for its rights: the setuid bit, capabilities in the file."""

import json
import os
import subprocess

from common import succeed

LOOK = (
    "import json, os; status = dict(l.rstrip().split(':', 1) for l in open('/proc/self/status')); "
    "print(json.dumps({'ids': [*os.getresuid(), *os.getresgid(), *os.getgroups()], "
    "'capabilities': [int(status[k], 16) for k in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb')], "
    "'privileges': status['NoNewPrivs'].strip(), 'filter': status['Seccomp'].strip()}))"
)


def look(program):
    if not os.access(program, os.X_OK):
        raise SystemExit(f"{program} is not in the image")
    try:
        subprocess.run([program, "-c", ""], check=True)
    except PermissionError:
        return "refused"
    return json.loads(subprocess.run([program, "-I", "-c", LOOK], check=True, capture_output=True, text=True).stdout)


programs = {"own": "/usr/bin/python3", "setuid": "/setuid-python", "capable": "/capable-python"}
found = {name: look(path) for name, path in programs.items()}
found["become root"] = []
for change in (lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.setgroups([0])):
    try:
        change()
        found["become root"].append("allowed")
    except OSError:
        found["become root"].append("refused")
succeed(**found)
