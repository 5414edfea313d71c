"""Score a valid prediction file: areas under the ROC and the precision-recall curve, and the Brier score."""

import argparse
import json
from itertools import groupby
from pathlib import Path

from predictions import read_gold_standard, read_predictions


def auc_roc(truth, scores):
    """Return the probability that a patient who died ranks above one who lived; half for equal scores."""
    ranked = sorted(zip(scores, truth, strict=True))
    dead, rank, rank_sum = sum(truth), 0, 0.0
    for _, group in groupby(ranked, key=lambda pair: pair[0]):
        labels = [label for _, label in group]
        rank_sum += sum(labels) * (rank + (len(labels) + 1) / 2)
        rank += len(labels)
    return (rank_sum - dead * (dead + 1) / 2) / (dead * (len(truth) - dead))


def auc_pr(truth, scores):
    """Return the average precision: the precision at each threshold, weighted by the recall gained there."""
    ranked = sorted(zip(scores, truth, strict=True), reverse=True)
    dead, taken, hits, area = sum(truth), 0, 0, 0.0
    for _, group in groupby(ranked, key=lambda pair: pair[0]):
        labels = [label for _, label in group]
        taken += len(labels)
        hits += sum(labels)
        area += sum(labels) / dead * hits / taken
    return area


def brier(truth, scores):
    """Return the mean squared distance of the probabilities from what happened; less is better."""
    return sum((score - label) ** 2 for label, score in zip(truth, scores, strict=True)) / len(truth)


def main():
    """Write the scores to the results file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-p", "--predictions", required=True)
    parser.add_argument("-g", "--goldstandard", required=True)
    parser.add_argument("-t", "--task", default="1")
    parser.add_argument("-o", "--output", required=True)
    wish = parser.parse_args()
    gold_standard = read_gold_standard(wish.goldstandard)
    predictions, reasons = read_predictions(wish.predictions, gold_standard)
    if reasons:
        raise SystemExit("This file was not validated: " + " ".join(reasons))
    truth = list(gold_standard.values())
    scores = [predictions[person] for person in gold_standard]
    result = {"submission_status": "SCORED"}
    result |= {metric.__name__: round(metric(truth, scores), 6) for metric in (auc_roc, auc_pr, brier)}
    print(json.dumps(result))
    Path(wish.output).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
