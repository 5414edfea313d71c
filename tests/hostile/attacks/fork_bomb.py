"""Every process forks for ever. Blunted: 5000 forks in all, each child ends after 30 seconds."""

import mmap
import os
import signal
import struct

from common import report

signal.alarm(30)
shared = mmap.mmap(-1, 8)
most_at_once = 0
while True:
    (forks,) = struct.unpack("q", shared[:8])
    if forks > 5000:
        break
    try:
        os.fork()
    except OSError:
        most_at_once = max(most_at_once, sum(name.isdigit() for name in os.listdir("/proc")))
        if os.getpid() < 10:
            report(processes=most_at_once)
    else:
        signal.alarm(30)
        shared[:8] = struct.pack("q", forks + 1)
