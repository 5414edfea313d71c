"""Tests about all tests of a folder together."""

from __future__ import annotations

from pathlib import Path

import pytest


def run_last(config: pytest.Config, items: list[pytest.Item], path: Path) -> None:
    """
    Move the tests of a file behind all others; leave out those marked ``whole_run`` unless its whole folder runs.

    :param items: changed in place, as ``pytest_collection_modifyitems`` may.
    """
    last = [item for item in items if item.path == path]
    others = [item for item in items if item.path != path]
    whole = {item.path for item in others} >= set(path.parent.glob("test_*.py")) - {path}
    narrowed = config.option.keyword or config.option.markexpr or any("::" in argument for argument in config.args)
    partial = [item for item in last if item.get_closest_marker("whole_run") and (narrowed or not whole)]
    config.hook.pytest_deselected(items=partial)
    items[:] = [*others, *(item for item in last if item not in partial)]
