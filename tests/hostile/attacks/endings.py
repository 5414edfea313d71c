"""The ways to end, or not to, that ``KIND`` names."""

import ctypes
import os
import signal
import subprocess
import sys
import time

from common import succeed

kind = os.environ["KIND"]
if kind == "ignores the signal":
    for number in range(1, 32):
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_IGN)
    print("never", flush=True)
    time.sleep(600)
elif kind == "silent":
    os.close(1)
    os.close(2)
    time.sleep(600)
elif kind == "nothing":
    pass
elif kind == "claims to be killed":
    sys.exit(137)
elif kind == "kills itself":
    succeed()
    os.kill(os.getpid(), signal.SIGKILL)
elif kind == "kills all":
    succeed()
    # The sender is spared, so a child sends it.
    if not os.fork():
        os.kill(-1, signal.SIGKILL)
    time.sleep(600)
elif kind == "crashes":
    ctypes.string_at(0)
elif kind == "stops the first process":
    for number in (signal.SIGSTOP, signal.SIGKILL):
        os.kill(1, number)
    succeed(parent=os.getppid())
elif kind in ("daemon", "leaves a process"):
    succeed(left=True)
    if kind == "daemon" and os.fork():
        os._exit(0)
    if kind == "daemon":
        os.setsid()
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
elif kind == "writes when it is told to end":

    def late(*_):
        succeed()
        os._exit(0)

    signal.signal(signal.SIGTERM, late)
    time.sleep(600)
