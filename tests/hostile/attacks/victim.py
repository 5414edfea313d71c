"""A neighbour: keeps memory and files, computes a little all the time, and tells how it fares."""

import hashlib
import json
import os
import select
import socket
import time

MIB = 2**20
PLACES = ("/output/kept", "/tmp/kept", "/dev/shm/kept")
memory = os.urandom(16 * MIB)
digest = hashlib.sha256(memory).hexdigest()
for place in PLACES:
    with open(place, "wb") as file:
        file.write(memory[:MIB])
listeners = [socket.create_server(("127.0.0.1", 4444))]
abstract = socket.socket(socket.AF_UNIX)
abstract.bind("\0victim")
abstract.listen()
listeners.append(abstract)


def intact():
    same = hashlib.sha256(memory).hexdigest() == digest
    for place in PLACES:
        with open(place, "rb") as file:
            same = same and file.read() == memory[:MIB]
    return same


gaps, visits, beats, whole = [], 0, 0, True
last = looked = time.time()
while True:
    time.sleep(0.1)
    sum(range(20_000))
    now = time.time()
    if now - last > 1:
        gaps.append((now, now - last))
    last = now
    beats += 1
    visits += len(select.select(listeners, [], [], 0)[0])
    if now - looked > 0.5:
        looked = now
        whole = whole and intact()
        with open("/output/status.part", "w") as file:
            json.dump({"now": now, "beats": beats, "gaps": gaps[-50:], "visits": visits, "intact": whole}, file)
        os.rename("/output/status.part", "/output/status")
