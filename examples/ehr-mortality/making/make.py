"""
Make the data of the example and what is expected of its models; only the standard library.

The files are part of the repository, so only somebody who changes the example runs this::

    python examples/ehr-mortality/making/make.py

The same files come out every time.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from patients import make_patients

EXAMPLE = Path(__file__).parents[1]
SEED = 20261125
TABLES = {
    "person": ("person_id", "birth_year", "sex"),
    "visit": ("visit_id", "person_id", "kind", "date", "nights"),
    "condition": ("person_id", "condition", "date"),
    "measurement": ("person_id", "measurement", "date", "value"),
}
HONEST = ("logistic-regression", "risk-score", "data-thief")


def main():
    """Write ``data/`` and ``rehearsal.yaml``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--into", type=Path, default=EXAMPLE, help="folder of the example, or another to write to")
    target = parser.parse_args().into
    everybody = make_patients(900, "P", SEED)
    write_input(target / "data" / "input", everybody[:600], everybody[600:])
    canary = make_patients(60, "C", SEED + 1, always_measured=True)
    write_input(target / "data" / "canary", canary[:40], canary[40:])
    truth = {patient.person_id: int(patient.death is not None) for patient in everybody[600:]}
    _write(target / "data" / "goldstandard.csv", ("person_id", "death"), truth.items())
    found = {name: metrics(truth, predict(name, target / "data" / "input")) for name in HONEST}
    (target / "rehearsal.yaml").write_text(rehearsal(found), encoding="utf-8")


def write_input(folder, train, infer):
    """Write what a model sees at /input: patients to learn from, with their deaths, and patients to predict."""
    for name, patients in (("train", train), ("infer", infer)):
        rows = {
            "person": [(p.person_id, p.birth_year, p.sex) for p in patients],
            "visit": [row for p in patients for row in p.visits],
            "condition": [row for p in patients for row in p.conditions],
            "measurement": [row for p in patients for row in p.measurements],
        }
        for table, header in TABLES.items():
            _write(folder / name / f"{table}.csv", header, rows[table])
    deaths = [(p.person_id, p.death) for p in train if p.death]
    _write(folder / "train" / "death.csv", ("person_id", "date"), deaths)


def _write(path, header, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def predict(model, data):
    """Run a model here, without its container, and return its probabilities by patient."""
    with tempfile.TemporaryDirectory() as output:
        subprocess.run(
            [sys.executable, EXAMPLE / "models" / model / "model.py"],
            env=os.environ | {"INPUT": str(data), "OUTPUT": output},
            check=True,
            capture_output=True,
        )
        with (Path(output) / "predictions.csv").open(newline="") as file:
            return {row["person_id"]: float(row["probability"]) for row in csv.DictReader(file)}


def metrics(truth, found):
    """Return the metrics straight from their definitions, which checks the score script's shorter ways."""
    dead = [found[person] for person, death in truth.items() if death]
    alive = [found[person] for person, death in truth.items() if not death]
    pairs = sum(1.0 if d > a else 0.5 if d == a else 0.0 for d in dead for a in alive)
    area, last = 0.0, 0.0
    for threshold in sorted(set(found.values()), reverse=True):
        hits = sum(value >= threshold for value in dead)
        recall, precision = hits / len(dead), hits / sum(value >= threshold for value in found.values())
        area, last = area + (recall - last) * precision, recall
    brier = sum((found[person] - death) ** 2 for person, death in truth.items()) / len(truth)
    return {"auc_roc": pairs / (len(dead) * len(alive)), "auc_pr": area, "brier": brier}


TEAMS = {"Night Shift": ["florence", "elizabeth"]}
PEOPLE = ["florence", "elizabeth", "ignaz", "rebecca", "mallory"]
#: Who submits what, in this order: a model, or a file by mistake; and the reason why it is invalid. Members of a team
#: submit in its name only.
SUBMISSIONS = (
    ("Night Shift", "image: models/logistic-regression", None),
    ("mallory", "image: models/data-thief", None),
    ("ignaz", "image: models/slow-neighbours", "The model took longer than 20s"),
    ("rebecca", "image: models/wrong-name", "it wrote prediction.csv instead"),
    ("ignaz", "image: models/memory-hog", "The model needed more than 512MiB of memory"),
    ("Night Shift", "file: data/canary/infer/person.csv", "must be a Docker image"),
    ("ignaz", "image: models/risk-score", None),
    ("rebecca", "image: models/crash", "The model ended with exit code 1"),
)


def rehearsal(found):
    """Return the file that says who submits what, and what has to come of it."""
    lines = [
        "# Written by making/make.py: who takes part, who submits what, and what has to come of it. The metrics are",
        "# computed there from their definitions, so a rehearsal also checks the score script.",
        "",
        "gold_standards: {Mortality: data/goldstandard.csv}",
        "host_folders: {/srv/ehr-mortality/input: data/input, /srv/ehr-mortality/canary: data/canary}",
        f"participants: [{', '.join(PEOPLE)}]",
        "teams:",
        *(f"  {team}: [{', '.join(members)}]" for team, members in TEAMS.items()),
        "over: 30s",
        "",
        "submissions:",
    ]
    ranking = []
    for who, source, reason in SUBMISSIONS:
        name = source.rpartition("/")[2]
        if reason:
            outcome = f'invalid: "{reason}"'
        else:
            ranking.append((found[name]["auc_roc"], who, name))
            outcome = f"valid: {{{', '.join(f'{key}: {value:.6f}' for key, value in found[name].items())}}}"
        lines.append(f"  - {{by: {who}, {source}, {outcome}}}")
    places = (f"  - {{submitter: {who}, file: {name}}}" for _, who, name in sorted(ranking, reverse=True))
    return "\n".join([*lines, "", "leaderboard:", *places]) + "\n"


if __name__ == "__main__":
    main()
