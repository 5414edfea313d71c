"""One round of the scoring harness that comes with challengeutils: validate what came in, score what is valid."""

import json
import sys
from pathlib import Path

import synapseclient
from scoring_harness.queue_scorer import EvaluationQueueScorer
from scoring_harness.queue_validator import EvaluationQueueValidator

given = json.loads(sys.argv[1])


class Validator(EvaluationQueueValidator):
    """A file is valid if it has rows."""

    acknowledge_receipt = True

    def interaction_func(self, submission, **kwargs):
        rows = Path(submission.filePath).read_text().splitlines()[1:]
        assert rows, "There are no predictions."
        return {"valid": True, "annotations": {"rows": len(rows)}, "message": "Valid"}


class Scorer(EvaluationQueueScorer):
    """The score is what stands in the second column; what is no number is the scorer's trouble."""

    def interaction_func(self, submission, **kwargs):
        score = float(Path(submission.filePath).read_text().splitlines()[1].split(",")[1])
        return {"valid": True, "annotations": {"auc": score}, "message": f"auc: {score}"}


synapse = synapseclient.login(silent=True)
for processor in (Validator, Scorer):
    processor(synapse, given["queue"], send_messages=True)()
print("\nRESULT {}")
