"""What a plan is chosen by, and the levels of security that it has to reach.

Three levels are conditions of the certified problem, because they are linear in the measures: own
output, days of cover, the largest supplier. Unmet use is not: it comes from runs of the market, and
a plan for it is found by simulation.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, Strict

from lodeline.scenarios.groups import expand
from lodeline.scenarios.numbers import Place
from lodeline.scenarios.restrictions import Identifier, NonNegative, ShareNumber, Spec

__all__ = ["Goal", "Level", "MinimumCover", "MinimumShare", "SupplierLimit", "Unmet", "UnmetLimit"]

Share = Annotated[float, Strict(), Field(gt=0, lt=1)]


class Goal(Spec):
    """What the plan is chosen by.

    Without `cvar_usd_at_most`: minimise charge + mean loss + tail_weight × CVaR of the loss. With
    it: minimise the charge alone, with the CVaR of the loss at most that.
    """

    tail: Annotated[float, Strict(), Field(ge=0, lt=1)] = 0.9
    """α: CVaR is the mean of the worst 1 − α of the futures."""
    tail_weight: Annotated[float, Strict(), Field(ge=0)] = 0.0
    """λ: weight of the CVaR beside the mean."""
    cvar_usd_at_most: Annotated[float, Strict()] | None = None
    """Largest CVaR of the world's loss; null: no such condition."""


class Level(Spec):
    """What all levels name: whose, in which chain."""

    chain: Identifier
    """Chain."""
    countries: tuple[Place, ...] = Field(min_length=1)
    """Countries (ISO3) or groups (`EU27`, `G7`) that it is about."""

    @property
    def members(self) -> tuple[str, ...]:
        """Countries, groups written out."""
        return expand(self.countries)


class MinimumShare(Level):
    """At least so much of what countries use must come from their own stages."""

    form: Identifier
    """Form whose output counts."""
    share: ShareNumber
    """Output in full service over use and processing of the base year."""


class MinimumCover(Level):
    """So many days of use must lie in strategic stocks at the end of the plan."""

    form: Identifier
    """Form that is held."""
    days: NonNegative
    """Stock in the countries over their use and processing of the base year, days."""
    pooled: Annotated[bool, Strict()] = False
    """Whether all countries together reach it; false: each by itself."""


class SupplierLimit(Level):
    """No single country outside may supply more than so much."""

    form: Identifier
    """Form that is bought."""
    share_at_most: Share = 0.65
    """Largest share of supply (own output and purchases) of one country."""


class Unmet(StrEnum):
    """Over what time unmet use is measured."""

    WORST_MONTH = "worst-month"
    WHOLE_PLAN = "whole-plan"


class UnmetLimit(Level):
    """No country may lack more than so much of its use in more than so many futures."""

    share_at_most: Share = 0.05
    """Largest share of use of the chain's last form that may be unmet."""
    in_futures: Share = 0.9
    """Share of futures in which that must hold."""
    over: Unmet = Unmet.WORST_MONTH
    """In the worst month, or over all months of the plan together."""
