"""
Where Synapse's descriptions of itself lie.

None of them is part of this repository: the OpenAPI document is fetched by ``scripts/contract.sh``; the server's own
schemas are there only on machines that have a copy of them.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
OPENAPI = ROOT / ".cache" / "contract" / "openapispecification.json"
VARIABLE = "SYNAPSE_CONTRACT"
BESIDE = ROOT.parent / "shared" / "reference" / "synapse-contract"
NO_SERVER_CONTRACT = (
    f"The schemas of Synapse's server are not on this machine. Set {VARIABLE} to a folder that holds `schemas/` (those "
    "of Synapse-Repository-Services, lib/lib-auto-generated/src/main/resources/schema), `endpoints.json`, "
    "`all_endpoints.json` and `rules.md`, or put them into "
    f"{os.path.relpath(BESIDE, ROOT)} beside the checkout."
)


def server_contract() -> Path | None:
    """
    Return the folder with the server's schemas, ``None`` where there is none.

    :raises FileNotFoundError: the environment names a folder that holds none.
    """
    named = os.environ.get(VARIABLE)
    folder = Path(named) if named else BESIDE
    if (folder / "schemas").is_dir():
        return folder
    if named:
        raise FileNotFoundError(f"{VARIABLE} names {folder}, which has no folder `schemas`.")
    return None


@cache
def openapi_document() -> dict[str, Any]:
    """
    Return Synapse's OpenAPI document.

    :raises FileNotFoundError: it has not been fetched.
    """
    if not OPENAPI.exists():
        raise FileNotFoundError(f"{OPENAPI.relative_to(ROOT)} is missing: scripts/contract.sh fetches it.")
    document: dict[str, Any] = json.loads(OPENAPI.read_text(encoding="utf-8"))
    return document


@cache
def server_document(name: str) -> Any:
    """Return one of the JSON documents that lie beside the server's schemas."""
    folder = server_contract()
    assert folder is not None, NO_SERVER_CONTRACT
    return json.loads((folder / name).read_text(encoding="utf-8"))
