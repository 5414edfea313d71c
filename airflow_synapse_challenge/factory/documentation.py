"""What an on-call person reads beside a DAG."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_synapse_challenge.challenge.config import Challenge, Queue
from airflow_synapse_challenge.challenge.statuses import convention_for

MODEL_ROWS = """\
| `check_image` | asks the registry, looks at the disk, pulls | the registry is away, no login, no room on the disk |
| `run_model` | the participant's image on the data, watched by the triggerer | the engine is away |
| `file_predictions` | results to the locked folder | Synapse is away; the engine lost them |
"""
MODEL_NOTES = """\
**Stop a model:** mark `run_model` as failed here, or cancel the submission on Synapse: the container ends within ten
seconds.

**A log is withheld:** the submission used up its leak budget. Read the whole log in the locked folder, then decide:
`synapse-challenge release <submission>`.

"""


def intake(challenge: Challenge, queues: Mapping[str, Queue]) -> str:
    """Return the documentation of the DAG that listens."""
    rows = "\n".join(f"| {queue.name} | {queue.id} | `{dag_id}` |" for dag_id, queue in queues.items())
    return f"""
# {challenge.title}: intake

`doorbell` looks at each queue every {challenge.poll_interval.total_seconds():g} s, in the triggerer and at the cost of
one call each. When submissions wait and fewer than {challenge.compute.max_concurrent_submissions} are in work,
`dispatch` starts a run for each, oldest first and fair among submitters.

| Queue | Evaluation | DAG |
|---|---|---|
{rows}

**Nothing starts?** Is this DAG unpaused, is the triggerer healthy, does `synapse-challenge doctor` find all in order?

**Stop taking submissions:** pause this DAG. They wait in Synapse and nothing is lost.

**Skipped runs** are normal: a doorbell that nobody rang ends after ten minutes, so that a changed challenge.yaml takes
effect.
"""


def submissions(challenge: Challenge, queue: Queue) -> str:
    """Return the documentation of a queue's DAG."""
    convention = convention_for(queue)
    rows, notes = (MODEL_ROWS, MODEL_NOTES) if queue.kind == "docker_image" else ("", "")
    return f"""
# {challenge.title}: {queue.name}

One run evaluates one submission to evaluation {queue.id}.

| Task | What it does | When it fails |
|---|---|---|
| `claim` | {convention.received} → {convention.in_progress}, folders | Synapse is away; no right to the logs folder |
{rows}| `validate` | runs the organisers' script in a container | the script crashed: the log has the traceback |
| `score` | the same for scoring; skipped for an invalid submission | as above |
| `finish` | final status, annotations, log, mails, whatever came before | Synapse is away: tried again for an hour |

**An invalid submission is no failure:** the run is green, the status INVALID and the submitter has the reasons.

**A red run** means that the script, the engine or Synapse failed. The submission is INVALID with a neutral text. Mend
the cause, then either clear the run here (all tasks) or set the submission's status back to {convention.received} in
Synapse.

**Evaluate one by hand:** trigger this DAG with the submission's id.

{notes}**Tasks wait for ever?** The pool `{challenge.challenge}` is missing: run `synapse-challenge init-airflow`.
"""


def maintenance(challenge: Challenge) -> str:
    """Return the documentation of the DAG that tidies up."""
    return f"""
# {challenge.title}: maintenance

`sweep` removes what no run of this Airflow owns any more: containers, held results, images of participants and pull
marks on the engine, and work folders of dead tasks on the worker that it runs on. What belongs to a run that is queued
or running, or to another Airflow, stays.

**It fails?** The engine is away. Nothing is lost: the next run tries again.
"""
