"""Tell whether a prediction file can be scored."""

import argparse
import json
from pathlib import Path

from predictions import read_gold_standard, read_predictions


def main():
    """Write the verdict to the results file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-p", "--predictions", required=True)
    parser.add_argument("-g", "--goldstandard", required=True)
    parser.add_argument("-e", "--entity-type", default="FileEntity")
    parser.add_argument("-o", "--output", required=True)
    wish = parser.parse_args()
    truth = read_gold_standard(wish.goldstandard)
    _, reasons = read_predictions(wish.predictions, truth)
    status = "INVALID" if reasons else "VALIDATED"
    print(f"{status}: {len(truth)} patients expected")
    verdict = {"submission_status": status, "submission_errors": "\n".join(reasons)}
    Path(wish.output).write_text(json.dumps(verdict), encoding="utf-8")


if __name__ == "__main__":
    main()
