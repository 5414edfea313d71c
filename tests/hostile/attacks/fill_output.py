"""A prediction file of 2 GiB, or as much as fits."""

from common import MIB, RESULT

with open(RESULT, "wb") as file:
    for _ in range(2048):
        file.write(bytes(MIB))
