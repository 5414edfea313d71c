"""Score a valid prediction file: area under the ROC curve and under the precision-recall curve."""

import argparse
import json
from itertools import groupby
from pathlib import Path

from predictions import read_gold_standard, read_predictions


def auc_roc(truth, scores):
    """Return the probability that a positive sample ranks above a negative one; half for equal scores."""
    ranked = sorted(zip(scores, truth, strict=True))
    positives, rank, rank_sum = sum(truth), 0, 0.0
    for _, group in groupby(ranked, key=lambda pair: pair[0]):
        labels = [label for _, label in group]
        rank_sum += sum(labels) * (rank + (len(labels) + 1) / 2)
        rank += len(labels)
    negatives = len(truth) - positives
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def auc_pr(truth, scores):
    """Return the average precision: the precision at each threshold, weighted by the recall gained there."""
    ranked = sorted(zip(scores, truth, strict=True), reverse=True)
    positives, taken, hits, area = sum(truth), 0, 0, 0.0
    for _, group in groupby(ranked, key=lambda pair: pair[0]):
        labels = [label for _, label in group]
        taken += len(labels)
        hits += sum(labels)
        area += sum(labels) / positives * hits / taken
    return area


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
        raise SystemExit("This file was not validated: " + "; ".join(reasons))
    truth = list(gold_standard.values())
    scores = [predictions[sample] for sample in gold_standard]
    result = {
        "submission_status": "SCORED",
        "auc_roc": round(auc_roc(truth, scores), 6),
        "auc_pr": round(auc_pr(truth, scores), 6),
    }
    print(json.dumps(result))
    Path(wish.output).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
