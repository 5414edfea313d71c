"""Read prediction files and gold standards; only Python's standard library."""

import csv
import io
import math
from pathlib import Path

COLUMNS = ["id", "probability"]
LARGEST_FILE = 1_000_000
MOST_SHOWN = 5


def read_gold_standard(path):
    """Return 1 for malignant and 0 for benign by sample id."""
    with Path(path).open(newline="", encoding="utf-8") as file:
        return {row["id"]: int(row["diagnosis"] == "M") for row in csv.DictReader(file)}


def read_predictions(path, expected_ids):
    """Return probabilities by sample id, and the reasons why the file is invalid: one of the two is empty."""
    text, error = _text(Path(path))
    if error:
        return {}, [error]
    try:
        rows = list(csv.reader(io.StringIO(text, newline=None)))
    except csv.Error as problem:
        return {}, [f"The file cannot be read as CSV: {problem}."]
    header = [name.strip() for name in rows[0]]
    if header != COLUMNS:
        return {}, [f"The first line must be: {','.join(COLUMNS)}. It is: {_short(','.join(header))}"]
    return _probabilities([row for row in rows[1:] if row], expected_ids)


def _text(path):
    size = path.stat().st_size
    if size == 0:
        return "", "The file is empty."
    if size > LARGEST_FILE:
        return "", f"The file has {size} bytes; a file with a prediction for each sample has less than {LARGEST_FILE}."
    content = path.read_bytes()
    if content.startswith(b"PK\x03\x04"):
        return "", "The file is a ZIP archive; submit the CSV file itself."
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "", "The file is UTF-16 text; save it as UTF-8."
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "", "The file is not UTF-8 text."
    if "\0" in text:
        return "", "The file holds binary data; submit a CSV file."
    if not text.strip():
        return "", "The file is empty."
    return text, None


def _probabilities(rows, expected_ids):
    found, wrong_rows, duplicates, not_numbers, outside = {}, [], [], [], []
    for row in rows:
        if len(row) != len(COLUMNS):
            wrong_rows.append(",".join(row))
            continue
        sample, text = (cell.strip() for cell in row)
        if sample in found:
            duplicates.append(sample)
        found[sample] = value = _number(text)
        if value is None:
            not_numbers.append(f"{sample}: {text}")
        elif not 0 <= value <= 1:
            outside.append(f"{sample}: {text}")
    missing = [sample for sample in expected_ids if sample not in found]
    unknown = [sample for sample in found if sample not in expected_ids]
    problems = [
        ("lines do not have two columns", wrong_rows),
        ("ids occur more than once", duplicates),
        ("ids are missing", missing),
        ("ids are not in the test data", unknown),
        ("probabilities are not numbers", not_numbers),
        ("probabilities are not between 0 and 1", outside),
    ]
    reasons = [f"{len(cases)} {words}: {_some(cases)}" for words, cases in problems if cases]
    return ({}, reasons) if reasons else (found, [])


def _number(text):
    try:
        value = float(text)
    except ValueError:
        return None
    return None if math.isnan(value) else value


def _some(cases):
    shown = ", ".join(_short(case) for case in cases[:MOST_SHOWN])
    return f"{shown}, …" if len(cases) > MOST_SHOWN else shown


def _short(text):
    return text if len(text) <= 60 else f"{text[:60]}…"
