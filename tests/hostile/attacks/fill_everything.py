"""A file of zeros everywhere that can be thought of. Blunted: 256 MiB in each place."""

import os

from common import MIB, fill, succeed

PLACES = ("/", "/etc", "/var/tmp", "/home", "/opt", "/run", "/input", "/dev", "/proc", "/sys", "/sys/fs/cgroup", "/mnt")
found = {place: fill(os.path.join(place, "filler"), 256 * MIB) for place in PLACES}
found["shm"] = fill("/dev/shm/filler", 256 * MIB)
found["mqueue"] = fill("/dev/mqueue/filler", 256 * MIB)
os.unlink("/dev/shm/filler")
found["tmp"] = fill("/tmp/filler", 256 * MIB) + fill("/tmp/second", 256 * MIB)
succeed(**found)
