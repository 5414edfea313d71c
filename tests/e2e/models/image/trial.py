"""Does what its arguments say."""

import sys
import time
from pathlib import Path

INPUT, MODEL, OUTPUT = Path("/input"), Path("/model"), Path("/output")
behaviour, *arguments = sys.argv[1:]
data = (INPUT / "kind.txt").read_text().strip()


def predict(number):
    """Write what the trials' scripts accept and score."""
    (OUTPUT / "predictions.csv").write_text(f"ok {number}\n")


print(f"{behaviour} on {data}", flush=True)
match behaviour:
    case "honest":
        predict(arguments[0])
    case "sleep":
        time.sleep(float(arguments[0]))
        predict(arguments[1])
    case "deaf":
        import signal

        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(3600)
    case "crash":
        raise ValueError("out of ideas")
    case "memory":
        taken = [bytearray(2**20) for _ in range(1000)]
    case "wrong-name":
        (OUTPUT / "prediction.csv").write_text("ok 1\n")
    case "nothing":
        pass
    case "talk":
        sys.stdout.write("The patient is Jane Doe.\n" * int(arguments[0]))
        predict(0.25)
    case "talk-and-crash":
        sys.stdout.write("The patient is Jane Doe.\n" * int(arguments[0]))
        sys.exit(3)
    case "talk-and-misname":
        sys.stdout.write("The patient is Jane Doe.\n" * int(arguments[0]))
        for number in range(5):
            (OUTPUT / f"{number}. The patient is Jane Doe, who lives in a street with a long name").write_text("")
    case "train":
        (MODEL / "weights.txt").write_text(f"learned from {data}")
    case "infer":
        weights = (MODEL / "weights.txt").read_text()
        try:
            (MODEL / "more.txt").write_text("")
        except OSError as error:
            print(f"{weights}; {error.strerror}")
        if Path(__file__).with_name("fails-on-the-canary").exists() and data == "canary":
            sys.exit(4)
        predict(0.5 if weights == f"learned from {data}" else 0)
    case other:
        sys.exit(f"no such behaviour: {other}")
