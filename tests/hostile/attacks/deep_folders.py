"""A path a hundred times as long as the longest that the kernel takes at once, with a file at its end."""

import os

os.chdir("/output")
for _ in range(1500):
    os.mkdir("d" * 200)
    os.chdir("d" * 200)
with open("predictions.csv", "w") as file:
    file.write("x")
