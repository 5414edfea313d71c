"""What every part of ``challenge.yaml`` has in common."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from airflow_synapse_challenge.challenge.yaml_lines import Path

SLUG = r"^[a-z0-9][a-z0-9-]{0,62}$"
SYN_ID = r"^syn[1-9][0-9]{0,18}$"
IMAGE = r"^[^\s-]\S*$"
REGISTRY_HOST = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$"
DNS_LABEL = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
DNS_NAME = r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"
PLATFORM = r"^linux/[a-z0-9]+$"
HOST_FOLDER = r"^/"
FILE_NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$"
STAGE_NAME = r"^[a-z0-9][a-z0-9-]{0,30}$"
WIKI_TEMPLATE = r"^(dream|syn[1-9][0-9]{0,18})$"
KEY_PREFIX = r"^[A-Za-z0-9_.]{0,20}$"
ANNOTATION_KEY = r"^[A-Za-z0-9_.]{1,256}$"


class Section(BaseModel):
    """A mapping of ``challenge.yaml``: typed, immutable, without unknown keys."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, str_strip_whitespace=True, validate_by_name=True, validate_by_alias=True
    )


class Problems(ValueError):
    """
    Several things wrong inside one section.

    :param found: path below the section, and what is wrong there.
    """

    def __init__(self, found: list[tuple[Path, str]]) -> None:
        self.found = found
        super().__init__("; ".join(text for _, text in found))

    @classmethod
    def raise_for(cls, found: list[tuple[Path, str]]) -> None:
        """Raise if anything was found."""
        if found:
            raise cls(found)


def _no_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError(f"must be a number, not {str(value).lower()}")
    return value


Whole = Annotated[int, BeforeValidator(_no_boolean)]
Number = Annotated[float, BeforeValidator(_no_boolean)]
Principal = Annotated[Whole, Field(gt=0)]
SynId = Annotated[str, Field(pattern=SYN_ID)]
AnnotationKey = Annotated[str, Field(pattern=ANNOTATION_KEY)]
