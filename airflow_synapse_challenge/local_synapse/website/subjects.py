"""What every page about an entity begins with."""

from __future__ import annotations

import re
from dataclasses import dataclass

from airflow_synapse_challenge.local_synapse.content import entities
from airflow_synapse_challenge.local_synapse.core.errors import Missing
from airflow_synapse_challenge.local_synapse.core.store import Json

from . import sharing
from .visits import Visit

IDENTITY = re.compile(r"(?:syn)?(\d{1,18})(?:\.(\d{1,9}))?", re.IGNORECASE)
PARTS = (
    "includeEntity", "includeAnnotations", "includePermissions", "includeEntityPath", "includeBenefactorACL",
    "includeFileHandles", "includeFileName", "includeActivity", "includeRestrictionInformation",
)  # fmt: skip
#: Parts of a project's address, with what people call them.
TABS = {
    "": "Wiki",
    "files": "Files",
    "tables": "Tables",
    "challenge": "Challenge",
    "discussion": "Discussion",
    "docker": "Docker",
}


@dataclass(frozen=True)
class Subject:
    """
    An entity, as the viewer sees it.

    :param bundle: ``EntityBundle``.
    :param version: that the address asks for, ``None`` for the current one.
    :param tab: of a project's page.
    """

    number: int
    bundle: Json
    version: int | None = None
    tab: str = ""

    @property
    def entity(self) -> Json:
        """The entity itself."""
        found: Json = self.bundle["entity"]
        return found

    @property
    def id(self) -> str:
        """Its synID."""
        return f"syn{self.number}"

    @property
    def name(self) -> str:
        """What people call it; a Docker repository is called as ``docker pull`` takes it."""
        return str(self.entity.get("repositoryName") or self.entity["name"])

    @property
    def short(self) -> str:
        """Its type in ``EntityType``."""
        return entities.KINDS[self.entity["concreteType"]].short

    @property
    def address(self) -> str:
        """Where its pages are."""
        return f"/Synapse:{self.id}"

    @property
    def above(self) -> list[Json]:
        """Headers of what it lies in, the project first."""
        path: list[Json] = self.bundle["path"]["path"]
        return path[1:-1]

    @property
    def annotations(self) -> dict[str, Json]:
        """Its annotations."""
        found: dict[str, Json] = self.bundle["annotations"]["annotations"]
        return found

    @property
    def shares(self) -> list[sharing.Share]:
        """Who may do what with it."""
        return sharing.shares(self.bundle.get("benefactorAcl"), sharing.OF_ENTITY)

    @property
    def granted(self) -> list[str]:
        """What the viewer may do with it."""
        return sharing.granted(self.bundle.get("permissions"), sharing.RIGHTS_OF_ENTITY)

    @property
    def inherits(self) -> bool:
        """It is shared as something above it is."""
        return bool((self.bundle.get("benefactorAcl") or {}).get("id") != self.id)

    @property
    def tabs(self) -> list[tuple[str, str, bool]]:
        """Address, name and whether it is shown, of each tab of a project."""
        if self.short != "project":
            return []
        return [(f"{self.address}/{part}".rstrip("/"), name, part == self.tab) for part, name in TABS.items()]


def subject_of(visit: Visit, tab: str = "") -> Subject:
    """Return the entity of the address, if the viewer may see it."""
    text = str(visit.path["entity"])
    found = IDENTITY.fullmatch(text)
    if found is None:
        raise Missing(f"{text} is not an id of Synapse.")
    number, version = int(found[1]), int(found[2]) if found[2] else None
    at = "" if version is None else f"/version/{version}"
    bundle = visit.post(f"/entity/syn{number}{at}/bundle2", dict.fromkeys(PARTS, True))
    return Subject(number, bundle, version, tab)
