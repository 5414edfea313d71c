"""Prints the data that it was given: as much as it can."""

import sys

from common import succeed

with open("/input/patients.csv") as file:
    text = file.read()
for _ in range(1000):
    sys.stdout.write(text)
succeed()
