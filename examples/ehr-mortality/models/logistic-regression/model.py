"""Logistic regression on age, conditions, latest measurements and visits: trained and applied in one run."""

import math
import os
from pathlib import Path
from statistics import fmean, pstdev

from records import features, read

INPUT = Path(os.environ.get("INPUT", "/input"))
OUTPUT = Path(os.environ.get("OUTPUT", "/output"))
STEPS = 300
RATE = 0.5
PENALTY = 0.01


def main():
    """Learn from the patients in ``train`` and write a probability for each in ``infer``."""
    train, infer = features(INPUT / "train"), features(INPUT / "infer")
    dead = {row["person_id"] for row in read(INPUT / "train" / "death.csv")}
    scale = [_scale(column) for column in zip(*train.values(), strict=True)]
    labels = [float(person in dead) for person in train]
    weights = fit([_scaled(row, scale) for row in train.values()], labels)
    print(f"Trained on {len(train)} patients, of whom {len(dead)} died.")
    with (OUTPUT / "predictions.csv").open("w") as file:
        file.write("person_id,probability\n")
        for person, row in infer.items():
            file.write(f"{person},{probability(weights, _scaled(row, scale)):.6f}\n")
    print(f"Predicted {len(infer)} patients.")


def fit(rows, labels):
    """Return the weights that gradient descent finds; the first is the intercept."""
    weights = [0.0] * (len(rows[0]) + 1)
    for _ in range(STEPS):
        slopes = [0.0] * len(weights)
        for row, label in zip(rows, labels, strict=True):
            error = probability(weights, row) - label
            slopes[0] += error
            for index, value in enumerate(row, 1):
                slopes[index] += error * value
        for index, slope in enumerate(slopes):
            penalty = PENALTY * weights[index] if index else 0.0
            weights[index] -= RATE * (slope / len(rows) + penalty)
    return weights


def probability(weights, row):
    """Return the probability of death."""
    return 1 / (1 + math.exp(-weights[0] - sum(w * x for w, x in zip(weights[1:], row, strict=True))))


def _scale(column):
    known = [value for value in column if value is not None]
    return fmean(known), pstdev(known) or 1.0


def _scaled(row, scale):
    """What is missing counts as the mean."""
    return [0.0 if value is None else (value - mean) / spread for value, (mean, spread) in zip(row, scale, strict=True)]


if __name__ == "__main__":
    main()
