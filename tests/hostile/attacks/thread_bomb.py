"""Threads until it fails. Blunted: 2000."""

import threading
import time

from common import succeed

count = 0
try:
    while count < 2000:
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        count += 1
except RuntimeError:
    pass
succeed(threads=count)
