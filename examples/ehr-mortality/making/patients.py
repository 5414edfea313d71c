"""Synthetic patients: who they are, what their records say, and who dies within 180 days. Only the standard library."""

import math
import random
from dataclasses import dataclass, field
from datetime import date, timedelta

#: The records end here; deaths of the next 180 days are what is to be predicted.
INDEX_DATE = date(2025, 1, 1)
HISTORY_DAYS = 730
HORIZON_DAYS = 180

#: Log odds at 60 years, more of them for each decade and for each unit of frailty, and what it adds to those of death.
CONDITIONS = {
    "hypertension": (-0.3, 0.50, 0.20, 0.0),
    "depression": (-1.7, 0.00, 0.40, 0.1),
    "diabetes": (-1.6, 0.25, 0.30, 0.3),
    "chronic_kidney_disease": (-2.4, 0.50, 0.50, 0.7),
    "copd": (-2.3, 0.30, 0.60, 0.8),
    "heart_failure": (-2.8, 0.60, 0.60, 1.0),
    "cancer": (-2.6, 0.35, 0.20, 1.5),
    "dementia": (-4.2, 1.00, 0.40, 1.2),
}
#: Usual value, spread among people, change for each unit of decline, digits.
MEASUREMENTS = {
    "albumin": (4.2, 0.25, -0.35, 1),  # g/dL
    "creatinine": (0.9, 0.15, 0.15, 2),  # mg/dL
    "haemoglobin": (13.8, 1.0, -0.9, 1),  # g/dL
    "heart_rate": (74, 8, 6, 0),  # beats per minute
    "systolic_pressure": (126, 12, -5, 0),  # mmHg
    "weight": (78, 14, -3, 1),  # kg
}
#: What a condition does to a measurement.
EFFECTS = {
    "chronic_kidney_disease": {"creatinine": 0.9, "haemoglobin": -0.8},
    "heart_failure": {"heart_rate": 7},
    "hypertension": {"systolic_pressure": 14},
    "cancer": {"albumin": -0.2, "haemoglobin": -0.7},
}


@dataclass
class Patient:
    """One patient; rows are tuples in the order of the tables' columns."""

    person_id: str
    birth_year: int
    sex: str
    visits: list = field(default_factory=list)
    conditions: list = field(default_factory=list)
    measurements: list = field(default_factory=list)
    death: date | None = None


def make_patients(number, prefix, seed, *, always_measured=False):
    """Return so many patients; ``always_measured``: nobody's record is without laboratory values."""
    chance = random.Random(seed)
    width = len(str(number))
    return [_patient(f"{prefix}{i:0{width}}", chance, always_measured) for i in range(1, number + 1)]


def _patient(person_id, chance, always_measured):
    age = min(97.0, max(18.0, chance.gauss(60, 16)))
    frailty = chance.gauss(0, 1)
    decline = 0.5 * frailty + chance.gauss(0, 0.8)
    patient = Patient(person_id, INDEX_DATE.year - round(age), chance.choice("FM"))
    present = [name for name in CONDITIONS if chance.random() < _probability(name, age, frailty)]
    patient.conditions = [(person_id, name, _day(chance)) for name in present]
    days = sorted(chance.randrange(HISTORY_DAYS) for _ in range(_visit_count(present, frailty, chance)))
    if always_measured and not days:
        days = [HISTORY_DAYS // 2]
    usual = {name: mean + chance.gauss(0, spread) for name, (mean, spread, _, _) in MEASUREMENTS.items()}
    for number, day in enumerate(days, 1):
        kind, nights = _visit_kind(decline, chance)
        when = _date(day)
        patient.visits.append((f"{person_id}-{number}", person_id, kind, when, nights))
        measured = [name for name in MEASUREMENTS if always_measured or chance.random() < 0.45]
        # A decline shows more the nearer a visit is to the end of the records.
        shown = decline * day / HISTORY_DAYS
        for name in measured:
            value = _value(name, usual[name], present, shown, chance)
            patient.measurements.append((person_id, name, when, value))
    if chance.random() < _risk(age, present, decline):
        patient.death = INDEX_DATE + timedelta(days=chance.randrange(1, HORIZON_DAYS + 1))
    return patient


def _probability(condition, age, frailty):
    base, by_decade, by_frailty, _ = CONDITIONS[condition]
    return _sigmoid(base + by_decade * (age - 60) / 10 + by_frailty * frailty)


def _risk(age, present, decline):
    return _sigmoid(-3.2 + 0.45 * (age - 60) / 10 + sum(CONDITIONS[name][3] for name in present) + 1.1 * decline)


def _visit_count(present, frailty, chance):
    expected = min(14.0, math.exp(0.5 + 0.25 * len(present) + 0.3 * frailty))
    count, left = 0, chance.random()
    threshold = math.exp(-expected)
    while left > threshold:
        count += 1
        left *= chance.random()
    return count


def _visit_kind(decline, chance):
    urgent = _sigmoid(-1.8 + 0.7 * decline)
    if chance.random() > urgent:
        return "outpatient", 0
    return ("inpatient", chance.randrange(1, 15)) if chance.random() < 0.6 else ("emergency", 0)


def _value(name, usual, present, decline, chance):
    _, spread, by_decline, digits = MEASUREMENTS[name]
    effects = sum(EFFECTS.get(condition, {}).get(name, 0) for condition in present)
    value = usual + effects + by_decline * decline + chance.gauss(0, spread / 4)
    return f"{max(0.1, value):.{digits}f}"


def _day(chance):
    return _date(chance.randrange(HISTORY_DAYS))


def _date(day):
    return INDEX_DATE - timedelta(days=HISTORY_DAYS - day)


def _sigmoid(value):
    return 1 / (1 + math.exp(-value))
