"""How fast the local Synapse answers, through its HTTP face: it must not be what a benchmark measures."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from airflow_synapse_challenge.local_synapse.server import LocalSynapse
from airflow_synapse_challenge.rehearsal.site import SERVICE, log_in

SUBMISSIONS = 20_000
PAGE = 100
LOOK_SECONDS = 3.0


class Caller:
    """One connection that is kept, as clients keep theirs."""

    def __init__(self, server: LocalSynapse, user: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port)
        self._headers = {"Authorization": f"Bearer {server.token(user)}", "Content-Type": "application/json"}

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON of a success."""
        raw = json.dumps(body) if body is not None else None
        self._connection.request(method, f"/repo/v1{path}", raw, self._headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {content!r}")
        return json.loads(content) if content else None


def measure(home: Path) -> dict[str, Any]:
    """Return the figures."""
    starts = [_start(home / f"start-{number}") for number in range(3)]
    with LocalSynapse.start(home / "served") as server:
        call = Caller(server, SERVICE)
        queue, first, last = _fill(server, call, home)
        return {
            "start_seconds": round(median(starts), 2),
            "status_reads_per_second": _reads(call, first, last),
            "status_writes_per_second": _writes(call, first),
            **_pages(call, queue),
        }


def _start(data: Path) -> float:
    begin = time.monotonic()
    command = [sys.executable, "-m", "airflow_synapse_challenge.local_synapse", "--data", data, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        seconds = time.monotonic() - begin
        process.terminate()
    return seconds


def _fill(server: LocalSynapse, call: Caller, home: Path) -> tuple[str, int, int]:
    """Make a queue with many submissions of one file."""
    from synapseclient.models import File, Project

    synapse = log_in(server, SERVICE, home / "cache")
    project = Project(name="Many").store(synapse_client=synapse)
    queue = call("POST", "/evaluation", {"name": "Many", "contentSource": project.id})["id"]
    path = home / "predictions.csv"
    path.write_text("id,probability\n1,0.5\n")
    file = File(path=str(path), parent_id=project.id).store(synapse_client=synapse)
    wish = {"evaluationId": queue, "entityId": file.id, "versionNumber": 1}
    etag = call("GET", f"/entity/{file.id}")["etag"]
    ids = [int(call("POST", f"/evaluation/submission?etag={etag}", wish)["id"]) for _ in range(SUBMISSIONS)]
    return queue, ids[0], ids[-1]


def _reads(call: Caller, first: int, last: int) -> int:
    done, begin = 0, time.monotonic()
    while (passed := time.monotonic() - begin) < LOOK_SECONDS:
        call("GET", f"/evaluation/submission/{first + done % (last - first)}/status")
        done += 1
    return round(done / passed)


def _writes(call: Caller, first: int) -> int:
    """Each write replaces a status with a score in both stores of annotations."""
    older = {"doubleAnnos": [{"key": "auc_roc", "value": 0.5, "isPrivate": False}]}
    newer = {"annotations": {"auc_roc": {"type": "DOUBLE", "value": [0.5]}}}
    status = call("GET", f"/evaluation/submission/{first}/status")
    done, begin = 0, time.monotonic()
    while (passed := time.monotonic() - begin) < LOOK_SECONDS:
        status = call(
            "PUT",
            f"/evaluation/submission/{first}/status",
            status | {"status": "SCORED", "annotations": older, "submissionAnnotations": newer},
        )
        done += 1
    return round(done / passed)


def _pages(call: Caller, queue: str) -> dict[str, float]:
    """Page through the whole queue; the last tenth of the pages must not take longer than the first."""
    seconds = []
    for offset in range(0, SUBMISSIONS, PAGE):
        begin = time.monotonic()
        call("GET", f"/evaluation/{queue}/submission/bundle/all?limit={PAGE}&offset={offset}")
        seconds.append(time.monotonic() - begin)
    tenth = len(seconds) // 10
    early, late = median(seconds[:tenth]), median(seconds[-tenth:])
    return {"page_milliseconds": round(early * 1000, 2), "last_page_vs_first": round(late / early, 2)}
