"""Output of the kind that ``KIND`` says, for ``SECONDS``."""

import os
import time

from common import succeed, write_all

KINDS = {
    "one line": b"x" * 65536,
    "empty lines": b"\n" * 65536,
    "zeros": bytes(65536),
    "control characters": (b"\x1b]0;title\x07\x1b[2J\x1b[31m\x08\x7f\r\xc2\x9b31m \xe2\x80\xae evil \xff\xfe" * 1000),
    "markers": b"::group::open\n::error file=x::bad\n##[command]run\n\x1b[0m:\x00:endgroup::\nx ::add-mask::y\n" * 500,
    "secrets": (
        b"AKIAIOSFODNN7EXAMPLE password=hunter2 -----BEGIN RSA PRIVATE KEY----- eyJhbGciOiJIUzI1NiJ9.e30.x\n"
        b"postgresql://airflow:airflow@postgres/airflow SYNAPSE_AUTH_TOKEN=abc\n" * 300
    ),
}
piece, end = KINDS[os.environ["KIND"]], time.monotonic() + float(os.environ["SECONDS"])
while time.monotonic() < end:
    write_all(piece)
succeed()
