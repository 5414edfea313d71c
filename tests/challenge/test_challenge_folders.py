"""The folders of a submission and who may read them."""

from __future__ import annotations

import pytest

from airflow_synapse_challenge.challenge.folders import (
    log_archive_name,
    log_text_name,
    model_log_name,
    plan,
    safe_name,
)

EVERYTHING = {
    "READ",
    "DOWNLOAD",
    "CREATE",
    "UPDATE",
    "DELETE",
    "CHANGE_PERMISSIONS",
    "CHANGE_SETTINGS",
    "MODERATE",
}


def test_the_submitter_downloads_from_one_folder_and_sees_names_in_the_other() -> None:
    made = plan("3400001", 9722233, 3379097)
    assert (made.submitter.name, made.submitter_locked.name) == ("3400001", "3400001_LOCKED")
    assert made.submission_name == "9722233"
    assert made.submitter.acl == {3400001: {"READ", "DOWNLOAD"}, 3379097: EVERYTHING}
    assert made.submitter_locked.acl == {3400001: {"READ"}, 3379097: EVERYTHING}


def test_somebody_may_move_files_out() -> None:
    made = plan(1, 2, 3, unlock_principal=4)
    assert made.submitter_locked.acl is not None
    assert made.submitter_locked.acl[4] == {"READ", "CREATE", "UPDATE"}
    assert made.submitter.acl is not None
    assert 4 not in made.submitter.acl


def test_a_service_account_that_submits_keeps_its_rights() -> None:
    made = plan(3, 2, 3)
    assert made.submitter.acl == {3: EVERYTHING}
    assert made.submitter_locked.acl == {3: EVERYTHING}


def test_file_names() -> None:
    assert log_archive_name(9722233) == "9722233_logs.zip"
    assert log_text_name("9722233") == "9722233_logs.txt"
    assert model_log_name("9722233") == "9722233-docker_logs.txt"


@pytest.mark.parametrize(
    ("name", "safe"),
    [("a b.c", "a_b_c"), ("../../etc", "______etc"), ("x-1", "x-1"), ("y" * 200, "y" * 100), ("é", "_")],
)
def test_safe_names(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_no_name_is_no_name() -> None:
    with pytest.raises(ValueError, match="at least one character"):
        safe_name("")
