"""Writes its predictions to a file of another name than the challenge asks for."""

import csv
from pathlib import Path

INPUT = Path("/input")
OUTPUT = Path("/output")


def main():
    """Predict the same for everybody."""
    with (INPUT / "infer" / "person.csv").open(newline="", encoding="utf-8") as file:
        patients = [row["person_id"] for row in csv.DictReader(file)]
    lines = ["person_id,probability", *(f"{person},0.1" for person in patients)]
    (OUTPUT / "prediction.csv").write_text("\n".join(lines) + "\n")
    print(f"Predicted {len(patients)} patients.")


if __name__ == "__main__":
    main()
