"""
Shapes of request bodies.

A shape is a ``TypedDict`` that derives from :class:`Body`: every field may be left out, fields that it does not name
pass, a number stands for a text and a text for the number that it spells (G-06).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict  # typing's own has no place for pydantic's settings before Python 3.12

from .errors import Invalid

#: A whole number as Synapse has it: 64 bits.
Long = Annotated[int, Field(ge=-(2**63), lt=2**63)]


class Body(TypedDict, total=False):
    """Any JSON object."""

    __pydantic_config__ = ConfigDict(extra="allow", coerce_numbers_to_str=True)  # type: ignore[misc]


def shaped(shape: TypeAdapter[Any], value: Any) -> Any:
    """
    Return a body in its shape.

    :raises Invalid: a field of another type; the reason names it.
    """
    try:
        return shape.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=True)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the body"
        raise Invalid(f"{where} is not of the expected type: {first['msg']}") from error
