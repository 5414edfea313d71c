"""Plants a file wherever it can, and tells what an earlier run has planted."""

import os

from common import succeed

PLACES = ("/cache", "/output", "/tmp", "/dev/shm", "/model", "/var/tmp", "/input", "/root", "/dev/mqueue")
found = [place for place in PLACES if os.path.exists(f"{place}/planted")]
planted = []
for place in PLACES:
    try:
        with open(f"{place}/planted", "w") as file:
            file.write("bomb")
        planted.append(place)
    except OSError:
        pass
succeed(found=found, planted=planted)
