"""Kinds of restriction, and what each does to the flows.

Symbols: x̄ is the reference flow (t/month of the form's unit) over the lanes that leave the
restricting countries for the targets, x the flow that is allowed, s severity, λ leakage. Months are
whole; a restriction is in force from `start` to `end`, both included.

Here are the five that exporters use; `lodeline.scenarios.instruments` holds the others.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from lodeline.scenarios.instruments import (
    Closure,
    DemandSurge,
    Extraterritorial,
    PanicBuying,
    PriceFloor,
    Sanction,
    StockRelease,
    fading,
)
from lodeline.scenarios.numbers import (
    Identifier,
    Iso3,
    MonthField,
    NonNegative,
    Number,
    Place,
    Share,
    ShareNumber,
    Spec,
    Text,
    Uncertain,
)
from lodeline.scenarios.restriction_base import ALL, Kind, LeakyRestriction, RestrictionBase
from lodeline.units import Month

__all__ = [
    "ALL",
    "Ban",
    "Closure",
    "DemandSurge",
    "Extraterritorial",
    "Identifier",
    "Iso3",
    "Kind",
    "Licence",
    "MonthField",
    "NonNegative",
    "Number",
    "Outage",
    "PanicBuying",
    "Place",
    "PriceFloor",
    "Quota",
    "Restriction",
    "RestrictionBase",
    "Sanction",
    "Share",
    "ShareNumber",
    "Spec",
    "StockRelease",
    "Tax",
    "Text",
    "Uncertain",
]


SectorName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class _ExportRestriction(LeakyRestriction):
    """What leaves the restricting countries is limited, for everybody or for some."""

    @property
    def keeps_apart(self) -> bool:
        """Whether somebody in particular is to get less: then origin is told apart."""
        return self.targets is not None


class Ban(_ExportRestriction):
    """Exports stop, wholly or in part: x ≤ (1 − s(1 − λ)) x̄ into the targets, by all routes."""

    type: Literal[Kind.BAN]
    severity: Share
    """s: share of the reference flow that is stopped."""


class Quota(_ExportRestriction):
    """A ceiling: x ≤ q + λ max(x̄ − q, 0), with q = tonnes_per_year / 12 or share_of_base · x̄."""

    type: Literal[Kind.QUOTA]
    tonnes_per_year: NonNegative | None = None
    """Ceiling in t a year of the form's unit; `forms` must then name exactly one form."""
    share_of_base: Share | None = None
    """Ceiling as a share of the reference flow."""

    @model_validator(mode="after")
    def _one_ceiling(self) -> Self:
        if (self.tonnes_per_year is None) == (self.share_of_base is None):
            raise ValueError("needs exactly one of tonnes_per_year and share_of_base")
        if self.tonnes_per_year is not None and (self.forms == ALL or len(self.forms) != 1):
            raise ValueError("tonnes_per_year needs exactly one form, whose unit it is in")
        return self


class Licence(_ExportRestriction):
    """Permits: a = 0 for delay_months, then approval_share; x ≤ (a + λ(1 − a)) x̄.

    A month in which the delay ends counts in proportion: after 1.5 months half of the second is
    open. Where sectors differ, a is their mean, weighted by their shares of the targets' use.
    """

    type: Literal[Kind.LICENCE]
    delay_months: NonNegative
    """Months from `start` in which nothing is approved."""
    approval_share: Share
    """a: share of the reference flow that is approved after the delay."""
    approval_by_use: dict[SectorName, Share] = Field(default_factory=dict)
    """a of single sectors of the targets, where it differs: ``{electric_vehicles: 0}``."""


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

    def acts(self, month: Month) -> bool:
        """Return whether output is lost in a month."""
        return self.severity.value * fading(self, month, self.recovery_months.value) > 0.0


Restriction = Annotated[
    Ban
    | Quota
    | Licence
    | Tax
    | Outage
    | Sanction
    | Extraterritorial
    | PriceFloor
    | Closure
    | DemandSurge
    | PanicBuying
    | StockRelease,
    Field(discriminator="type"),
]
"""One of the kinds, told apart by `type`."""
