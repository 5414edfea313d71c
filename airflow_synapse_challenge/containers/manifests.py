"""The documents that a registry keeps of an image. Strangers wrote them: nothing is used before its type is known."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from airflow_synapse_challenge.containers.archive import printable
from airflow_synapse_challenge.errors import ParticipantFault

DIGEST = r"^sha256:[0-9a-f]{64}$"
#: Platforms have short names, such as ``linux`` and ``amd64``.
PLATFORM_NAME = r"^[A-Za-z0-9_.-]{1,30}$"
UNKNOWN = "unknown"
LARGEST_LAYER = 2**62


class Document(BaseModel):
    """What is read of a document; other keys are of no interest."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


AnyDocument = TypeVar("AnyDocument", bound=Document)


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _words(value: Any) -> Any:
    """Old builders wrote one word as a text."""
    return (value,) if isinstance(value, str) else _tuple(value)


Words = Annotated[tuple[str, ...] | None, BeforeValidator(_words)]


class Platform(Document):
    """What an image runs on."""

    os: str = Field(UNKNOWN, pattern=PLATFORM_NAME)
    architecture: str = Field(UNKNOWN, pattern=PLATFORM_NAME)

    def __str__(self) -> str:
        return f"{self.os}/{self.architecture}"


class Offer(Document):
    """One image of an index."""

    digest: str = Field(pattern=DIGEST)
    platform: Platform | None = None


class Index(Document):
    """One image for each platform."""

    manifests: Annotated[tuple[Offer, ...], BeforeValidator(_tuple)]


class Configuration(Document):
    """Where an image's configuration is."""

    digest: str = Field(pattern=DIGEST)


class Layer(Document):
    """
    One layer.

    :param urls: addresses outside of the registry, which an engine would ask for it.
    """

    size: int = Field(ge=0, le=LARGEST_LAYER)
    urls: Words = None


class ImageManifest(Document):
    """The parts of an image."""

    config: Configuration
    layers: Annotated[tuple[Layer, ...], BeforeValidator(_tuple)]


class Settings(Document):
    """How an image starts, and what its containers get from it; the names are Docker's."""

    User: str | None = None
    Env: Words = None
    Entrypoint: Words = None
    Cmd: Words = None
    Labels: dict[str, str] | None = None
    Volumes: dict[str, Any] | None = None
    ExposedPorts: dict[str, Any] | None = None


class ImageConfiguration(Platform):
    """What an image says about itself."""

    config: Settings | None = None


def read(kind: type[AnyDocument], found: Any, what: str) -> AnyDocument:
    """
    Read a document.

    :param what: names it in the error.
    :raises ParticipantFault: it is not of that kind.
    """
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(printable(str(part)) for part in first["loc"])
        raise ParticipantFault([f"The image's {what} is damaged at {place[:100]}: {first['msg']}."]) from error
