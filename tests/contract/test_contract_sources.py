"""Where Synapse's descriptions are looked for."""

from __future__ import annotations

import pytest
from synapse_contract import sources


def test_the_environment_names_the_folder(tmp_path, monkeypatch):
    (tmp_path / "schemas").mkdir()
    monkeypatch.setenv(sources.VARIABLE, str(tmp_path))
    assert sources.server_contract() == tmp_path


def test_a_named_folder_without_schemas_is_no_reason_to_skip(tmp_path, monkeypatch):
    monkeypatch.setenv(sources.VARIABLE, str(tmp_path))
    with pytest.raises(FileNotFoundError, match="SYNAPSE_CONTRACT"):
        sources.server_contract()


def test_without_them_it_is_told_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.delenv(sources.VARIABLE, raising=False)
    monkeypatch.setattr(sources, "BESIDE", tmp_path / "nowhere")
    assert sources.server_contract() is None
    assert "SYNAPSE_CONTRACT" in sources.NO_SERVER_CONTRACT


def test_a_document_that_was_not_fetched_names_the_script(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "OPENAPI", sources.ROOT / ".cache" / "contract" / "not-fetched.json")
    with pytest.raises(FileNotFoundError, match=r"scripts/contract\.sh"):
        sources.openapi_document.__wrapped__()
