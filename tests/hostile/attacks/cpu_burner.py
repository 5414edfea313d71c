"""Eight processes on all processors for three seconds; tells how many processor seconds it got for each second."""

import os
import time

from common import succeed

begin, children = time.monotonic(), []
for _ in range(8):
    child = os.fork()
    if not child:
        while time.monotonic() - begin < 3:
            sum(range(10_000))
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
used = os.times()
succeed(cores=(used.children_user + used.children_system) / (time.monotonic() - begin))
