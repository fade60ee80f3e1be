"""What all restrictions share: who does what to whom, in which months, and who says so."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, Strict, ValidationInfo, field_validator, model_validator

from lodeline.scenarios.groups import expand
from lodeline.scenarios.numbers import Identifier, MonthField, NonNegative, Place, Share, Spec
from lodeline.units import Month

__all__ = ["ALL", "Follows", "Kind", "LeakyRestriction", "RestrictionBase", "leakage_at"]

ALL: Literal["all"] = "all"
"""Every other country, or every form of the chain."""


class Kind(StrEnum):
    """Kinds of restriction."""

    BAN = "ban"
    QUOTA = "quota"
    LICENCE = "licence"
    TAX = "tax"
    OUTAGE = "outage"
    SANCTION = "sanction"
    EXTRATERRITORIAL = "extraterritorial"
    PRICE_FLOOR = "price-floor"
    CLOSURE = "closure"
    DEMAND_SURGE = "demand-surge"
    PANIC_BUYING = "panic-buying"
    STOCK_RELEASE = "stock-release"


class Follows(Spec):
    """A step of retaliation: if another restriction comes, this one does, some months later."""

    restriction: Identifier
    """The restriction of the same scenario that it answers."""
    after_months: Annotated[int, Strict(), Field(ge=0, le=120)]
    """Months from the start of that one to the start of this one, and from its end to this end."""


def _start_or_follows(schema: dict[str, Any]) -> None:
    """Say in the schema that `follows` stands for `start`, which is filled in before the check."""
    schema["required"] = [name for name in schema["required"] if name != "start"]
    schema["anyOf"] = [{"required": ["start"]}, {"required": ["follows"]}]


class RestrictionBase(Spec):
    """What all kinds share: who restricts what, to whom, when, and who says so."""

    model_config = ConfigDict(json_schema_extra=_start_or_follows)

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
    """First month in force, YYYY-MM; left out where `follows` says it."""
    end: MonthField | None = None
    """Last month in force, YYYY-MM; null: longer than the scenario looks."""
    follows: Follows | None = None
    """The restriction that this one answers, in steps of retaliation."""
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

    @property
    def keeps_apart(self) -> bool:
        """Whether material of the restricting countries must be kept apart from other material."""
        return False

    def is_in_force(self, month: Month) -> bool:
        """Return whether the month lies between start and end, both included."""
        return self.start <= month and (self.end is None or month <= self.end)

    def acts(self, month: Month) -> bool:
        """Return whether it changes anything in a month: it may do so after its end."""
        return self.is_in_force(month)

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


class LeakyRestriction(RestrictionBase):
    """A restriction round which some of the lost flow finds its way, more of it as time goes on."""

    leakage: Share
    """λ: share of the lost flow that reaches the targets all the same, directly or indirectly."""
    leakage_later: Share | None = None
    """λ once ways round have been found; left out, it stays as it is."""
    leakage_months: NonNegative | None = None
    """Months from `start` over which λ moves to `leakage_later`, in a straight line."""

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.leakage_later is None) != (self.leakage_months is None):
            raise ValueError("leakage_later and leakage_months are given together or not at all")
        return self


def leakage_at(restriction: LeakyRestriction, month: Month) -> float:
    """Return λ in a month: from `leakage` in a straight line to `leakage_later`.

    λ_t = λ + (λ' − λ) · min(1, (t − start) / leakage_months)
    """
    now = restriction.leakage.value
    later, months = restriction.leakage_later, restriction.leakage_months
    if later is None or months is None:
        return now
    waited = float(month - restriction.start)
    gone = 1.0 if waited >= months.value else max(waited, 0.0) / months.value
    return now + (later.value - now) * gone
