"""
Read prediction files and gold standards; only Python's standard library.

A model has seen the records, and its file may hold them. So the reasons why it is invalid count and never quote.
"""

import csv
import io
import math
from pathlib import Path

COLUMNS = ["person_id", "probability"]
LARGEST_FILE = 1_000_000


def read_gold_standard(path):
    """Return 1 for patients who died and 0 for the others, by patient."""
    with Path(path).open(newline="", encoding="utf-8") as file:
        return {row["person_id"]: int(row["death"]) for row in csv.DictReader(file)}


def read_predictions(path, expected):
    """Return probabilities by patient, and the reasons why the file is invalid: one of the two is empty."""
    text, reason = _text(Path(path))
    if reason:
        return {}, [reason]
    try:
        rows = list(csv.reader(io.StringIO(text, newline=None)))
    except csv.Error:
        return {}, ["The file cannot be read as CSV."]
    if not rows or [name.strip() for name in rows[0]] != COLUMNS:
        return {}, [f"The first line must be: {','.join(COLUMNS)}."]
    return _probabilities([row for row in rows[1:] if row], expected)


def _text(path):
    if path.stat().st_size > LARGEST_FILE:
        return "", f"The file is larger than {LARGEST_FILE} bytes."
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        return "", "The file is not UTF-8 text."
    if "\0" in text:
        return "", "The file holds binary data."
    return text, "" if text.strip() else "The file is empty."


def _probabilities(rows, expected):
    found, odd_rows, repeated, not_numbers, outside = {}, 0, 0, 0, 0
    for row in rows:
        if len(row) != len(COLUMNS):
            odd_rows += 1
            continue
        person, value = row[0].strip(), _number(row[1])
        repeated += person in found
        found[person] = value
        not_numbers += value is None
        outside += value is not None and not 0 <= value <= 1
    counts = {
        "lines do not have two columns": odd_rows,
        "patients occur more than once": repeated,
        "patients are missing": sum(person not in found for person in expected),
        "patients are not among those to predict": sum(person not in expected for person in found),
        "probabilities are not numbers": not_numbers,
        "probabilities are not between 0 and 1": outside,
    }
    reasons = [f"{count} {words}." for words, count in counts.items() if count]
    return ({}, reasons) if reasons else (found, [])


def _number(text):
    try:
        value = float(text)
    except ValueError:
        return None
    return None if math.isnan(value) else value
