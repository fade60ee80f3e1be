"""Kinds of restriction, and what each does to the flows.

Symbols: x̄ is the reference flow (t/month of the form's unit) over the lanes that leave the
restricting countries for the targets, x the flow that is allowed, s severity, λ leakage. Months are
whole; a restriction is in force from `start` to `end`, both included.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    Strict,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from lodeline.errors import InputError
from lodeline.scenarios.groups import expand
from lodeline.units import Month

__all__ = [
    "ALL",
    "Ban",
    "Identifier",
    "Iso3",
    "Kind",
    "Licence",
    "MonthField",
    "NonNegative",
    "Outage",
    "Place",
    "Quota",
    "Restriction",
    "RestrictionBase",
    "Share",
    "Spec",
    "Tax",
    "Text",
    "Uncertain",
]

ALL: Literal["all"] = "all"
"""Every other country, or every form of the chain."""

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


class Kind(StrEnum):
    """Kinds of restriction."""

    BAN = "ban"
    QUOTA = "quota"
    LICENCE = "licence"
    TAX = "tax"
    OUTAGE = "outage"


class RestrictionBase(Spec):
    """What all kinds share: who restricts what, to whom, when, and who says so."""

    id: Identifier
    """Short name, unique in the scenario."""
    by: tuple[Place, ...] = Field(min_length=1)
    """Restricting countries (ISO3) or groups: where the material comes from."""
    on: tuple[Place, ...] | Literal["all"]
    """Countries (ISO3) or groups that get less, or ``all``."""
    chain: Identifier
    """Chain that is restricted; a scenario lists one restriction per chain."""
    forms: tuple[Identifier, ...] | Literal["all"]
    """Forms of the chain that are restricted, or ``all``."""
    start: MonthField
    """First month in force, YYYY-MM."""
    end: MonthField | None = None
    """Last month in force, YYYY-MM; null: longer than the scenario looks."""
    source: Identifier
    """Key of one of the scenario's sources."""
    note: str = ""
    """Anything the reader should know about this restriction."""

    @property
    def restrictors(self) -> tuple[str, ...]:
        """Restricting countries, groups written out, ISO3."""
        return expand(self.by)

    @property
    def targets(self) -> tuple[str, ...] | None:
        """Countries that get less, groups written out, ISO3; None: all but the restrictors."""
        if self.on == ALL:
            return None
        return tuple(c for c in expand(self.on) if c not in self.restrictors)

    def is_in_force(self, month: Month) -> bool:
        """Return whether the month lies between start and end, both included."""
        return self.start <= month and (self.end is None or month <= self.end)

    # Checks on single fields, not on the whole, so that they speak up beside other mistakes.

    @field_validator("on", "forms")
    @classmethod
    def _not_empty(cls, value: tuple[str, ...] | str) -> tuple[str, ...] | str:
        if not value:
            raise ValueError("the list is empty; name at least one or write all")
        return value

    @field_validator("on")
    @classmethod
    def _somebody_else(
        cls, value: tuple[str, ...] | str, info: ValidationInfo
    ) -> tuple[str, ...] | str:
        if value != ALL and not set(expand(value)) - set(expand(info.data.get("by", ()))):
            raise ValueError("'on' names only countries that restrict; nobody else is left")
        return value

    @field_validator("end")
    @classmethod
    def _not_before_start(cls, value: Month | None, info: ValidationInfo) -> Month | None:
        start = info.data.get("start")
        if value is not None and start is not None and value < start:
            raise ValueError(f"end {value} lies before start {start}")
        return value


class Ban(RestrictionBase):
    """Exports stop, wholly or in part: x ≤ (1 − s(1 − λ)) x̄ into the targets, by all routes."""

    type: Literal[Kind.BAN]
    severity: Share
    """s: share of the reference flow that is stopped."""
    leakage: Share
    """λ: share of the lost flow that reaches the targets all the same, directly or indirectly."""


class Quota(RestrictionBase):
    """A ceiling: x ≤ q + λ max(x̄ − q, 0), with q = tonnes_per_year / 12 or share_of_base · x̄."""

    type: Literal[Kind.QUOTA]
    tonnes_per_year: NonNegative | None = None
    """Ceiling in t a year of the form's unit; `forms` must then name exactly one form."""
    share_of_base: Share | None = None
    """Ceiling as a share of the reference flow."""
    leakage: Share
    """λ: share of the lost flow that reaches the targets all the same, directly or indirectly."""

    @model_validator(mode="after")
    def _one_ceiling(self) -> Self:
        if (self.tonnes_per_year is None) == (self.share_of_base is None):
            raise ValueError("needs exactly one of tonnes_per_year and share_of_base")
        if self.tonnes_per_year is not None and (self.forms == ALL or len(self.forms) != 1):
            raise ValueError("tonnes_per_year needs exactly one form, whose unit it is in")
        return self


class Licence(RestrictionBase):
    """Permits: a = 0 for delay_months, then approval_share; x ≤ (a + λ(1 − a)) x̄.

    A month in which the delay ends counts in proportion: after 1.5 months half of the second is
    open.
    """

    type: Literal[Kind.LICENCE]
    delay_months: NonNegative
    """Months from `start` in which nothing is approved."""
    approval_share: Share
    """a: share of the reference flow that is approved after the delay."""
    leakage: Share
    """λ: share of the lost flow that reaches the targets all the same, directly or indirectly."""


class Tax(RestrictionBase):
    """An export tax: every tonne costs rate · p̄ more, p̄ the reference price (USD/t)."""

    type: Literal[Kind.TAX]
    rate: NonNegative
    """Tax as a share of the reference price (0.25 is 25 %)."""


class Outage(RestrictionBase):
    """Output falls: x ≤ (1 − s) x̄, x̄ the restrictors' output; after `end` s falls to 0 linearly."""

    type: Literal[Kind.OUTAGE]
    on: Literal["all"] = ALL
    """Always ``all``: lost output is lost to everybody."""
    severity: Share
    """s: share of the reference output that is lost."""
    recovery_months: NonNegative
    """Months from `end` until output is whole again."""


Restriction = Annotated[Ban | Quota | Licence | Tax | Outage, Field(discriminator="type")]
"""One of the five kinds, told apart by `type`."""
