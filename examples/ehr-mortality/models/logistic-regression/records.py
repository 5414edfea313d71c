"""Patients' records as numbers."""

import csv
from collections import defaultdict
from datetime import date
from pathlib import Path

INDEX_DATE = date(2025, 1, 1)
RECENT_DAYS = 365
CONDITIONS = ("cancer", "chronic_kidney_disease", "copd", "dementia", "diabetes", "heart_failure")
MEASUREMENTS = ("albumin", "creatinine", "haemoglobin", "heart_rate", "systolic_pressure", "weight")
KINDS = ("outpatient", "emergency", "inpatient")


def read(path):
    """Return the rows of a table as dicts."""
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def features(folder):
    """Return one list of numbers for each patient; ``None`` where the record says nothing."""
    conditions, latest, visits = defaultdict(set), defaultdict(dict), defaultdict(lambda: dict.fromkeys(KINDS, 0))
    for row in read(folder / "condition.csv"):
        conditions[row["person_id"]].add(row["condition"])
    for row in sorted(read(folder / "measurement.csv"), key=lambda row: row["date"]):
        latest[row["person_id"]][row["measurement"]] = float(row["value"])
    for row in read(folder / "visit.csv"):
        if (INDEX_DATE - date.fromisoformat(row["date"])).days <= RECENT_DAYS:
            visits[row["person_id"]][row["kind"]] += 1
    return {
        row["person_id"]: [
            float(INDEX_DATE.year - int(row["birth_year"])),
            float(row["sex"] == "M"),
            *(float(name in conditions[row["person_id"]]) for name in CONDITIONS),
            *(latest[row["person_id"]].get(name) for name in MEASUREMENTS),
            *(float(visits[row["person_id"]][kind]) for kind in KINDS),
        ]
        for row in read(folder / "person.csv")
    }
