"""The numbers, names and months of which scenarios are made, each checked as it is read."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    Strict,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from lodeline.errors import InputError
from lodeline.units import Month

__all__ = [
    "Identifier",
    "Iso3",
    "MonthField",
    "NonNegative",
    "Number",
    "Place",
    "Share",
    "ShareNumber",
    "Spec",
    "Text",
    "Uncertain",
]

FIRST_YEAR, LAST_YEAR = 1990, 2100
"""Years that a scenario may speak of: wide enough for the trade data, too narrow for a slip."""

Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
ShareNumber = Annotated[float, Strict(), Field(ge=0, le=1, allow_inf_nan=False)]
PositiveNumber = Annotated[float, Strict(), Field(ge=0, allow_inf_nan=False)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
Iso3 = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{2}$")]
Place = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9-]{1,11}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=4000)]


def _month(value: object) -> object:
    if isinstance(value, Month):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no month; write YYYY-MM, for example 2026-01")
    try:
        month = Month.parse(value)
    except InputError as error:
        if len(value) == len("YYYY-MM-DD"):
            raise ValueError(str(error).split(". ")[0]) from error
        raise ValueError(
            f"{value[:40]!r} is no month; write YYYY-MM, for example 2026-01"
        ) from error
    if not FIRST_YEAR <= month.year <= LAST_YEAR:
        raise ValueError(f"{month} lies outside {FIRST_YEAR} to {LAST_YEAR}")
    return month


MonthField = Annotated[
    Month,
    BeforeValidator(_month),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}(-\d{2})?$"}),
]


class Spec(BaseModel):
    """Base of all parts of a scenario: frozen, unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Uncertain(Spec):
    """A number with its range. A bare number stands for a range of no width."""

    value: Number
    """Central value."""
    low: Number
    """Lower end of the range."""
    high: Number
    """Upper end of the range."""
    source: Annotated[str, StringConstraints(max_length=2000)] = ""
    """Where the range comes from; the reasoning if `assumed`; empty: the restriction's source."""
    assumed: Annotated[bool, Strict()] = False
    """True where no source publishes the value; `source` must then give the reasoning."""

    @model_validator(mode="before")
    @classmethod
    def _from_number(cls, data: object) -> object:
        if isinstance(data, int | float) and not isinstance(data, bool):
            return {"value": data, "low": data, "high": data}
        return data

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low <= self.value <= self.high:
            raise ValueError(
                f"needs low <= value <= high, got {self.low:g}, {self.value:g}, {self.high:g}"
            )
        if self.assumed and len(self.source.strip()) < 3:
            raise ValueError("an assumed number needs its reasoning under 'source'")
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Say that a bare number will do."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        return {"anyOf": [_number_schema(schema), schema]}


def _number_schema(schema: JsonSchemaValue) -> dict[str, Any]:
    value = schema.get("properties", {}).get("value", {})
    bounds = {k: value[k] for k in ("minimum", "maximum") if k in value}
    return {"type": "number", **bounds}


class Share(Uncertain):
    """A share between 0 and 1 with its range."""

    value: ShareNumber
    """Central value, 0 to 1."""
    low: ShareNumber
    """Lower end of the range, 0 to 1."""
    high: ShareNumber
    """Upper end of the range, 0 to 1."""


class NonNegative(Uncertain):
    """A number that is not negative, with its range."""

    value: PositiveNumber
    """Central value, not negative."""
    low: PositiveNumber
    """Lower end of the range, not negative."""
    high: PositiveNumber
    """Upper end of the range, not negative."""
