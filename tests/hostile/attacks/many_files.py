"""A million small files below ``PLACE``."""

import os

place = os.environ["PLACE"]
for number in range(1_000_000):
    if number % 1000 == 0:
        os.mkdir(f"{place}/{number}")
    with open(f"{place}/{number - number % 1000}/{number}", "w"):
        pass
