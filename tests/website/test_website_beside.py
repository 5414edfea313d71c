"""Pages are made beside the requests of clients: they change nothing and hold nobody up."""

from __future__ import annotations

import sqlite3
import threading
import time

import httpx
import pytest

from airflow_synapse_challenge.local_synapse.core.store import Store
from airflow_synapse_challenge.local_synapse.website.reading import ReadingStore

PROJECT = "org.sagebionetworks.repo.model.Project"


def test_the_second_look_at_the_database_changes_nothing(tmp_path):
    store = Store(tmp_path)
    reading = ReadingStore(store)
    store.set_setting("colour", "green")
    with reading.snapshot():
        assert reading.setting("colour") == "green"
        store.set_setting("colour", "blue")
        assert reading.setting("colour") == "green"
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reading.set_setting("colour", "red")
    with reading.snapshot():
        assert reading.setting("colour") == "blue"


def test_pages_have_the_store_s_time(world, look):
    world.server.set_clock(now="2031-05-01T12:00:00Z")
    try:
        page = look()
        page.goto(f"/queue/{world.queue}")
        assert "2031-05-01 12:0" in page.locator("footer").inner_text()
        assert page.locator(".opening").inner_text().startswith("closed since ")
    finally:
        world.server.set_clock(offset_seconds=0)


def test_pages_are_no_calls_and_have_no_faults(world):
    world.server.reset_calls()
    world.server.fault(operation="*", status=503, count=5)
    try:
        assert httpx.get(f"{world.server.url}/queue/{world.queue}", timeout=30).status_code == 200
        assert world.server.calls() == {}
    finally:
        world.server.clear_faults()


def test_clients_are_answered_while_a_long_page_is_made(world):
    """The text of the page takes much longer than a client is kept waiting."""
    project = world.organiser.ask("POST", "/entity", {"concreteType": PROJECT, "name": "A page that takes long"})["id"]
    text = (
        "| *a* | **b** | `c` | [d](#!Synapse:syn1) |\n|---|---|---|---|\n" + "| *1* | **2** | `3` | syn4567 |\n" * 9000
    )
    world.organiser.ask("POST", f"/entity/{project}/wiki", {"markdown": text})
    begun = time.monotonic()
    done = []

    def look_at_it():
        assert httpx.get(f"{world.server.url}/Synapse:{project}", timeout=120).status_code == 200
        done.append(time.monotonic() - begun)

    thread = threading.Thread(target=look_at_it)
    thread.start()
    waits = []
    while thread.is_alive():
        start = time.monotonic()
        world.organiser.ask("GET", f"/entity/{project}")
        waits.append(time.monotonic() - start)
    thread.join()
    assert done, "the page was made"
    assert len(waits) > 20
    assert sorted(waits)[len(waits) // 2] < done[0] / 10
