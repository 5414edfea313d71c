"""Runs for as long as ``SECONDS`` says."""

import os
import time

from common import succeed

print("here", flush=True)
time.sleep(float(os.environ["SECONDS"]))
succeed()
