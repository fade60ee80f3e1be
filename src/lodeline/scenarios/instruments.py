"""What else happens to a chain: buyers refuse, ships cannot pass, demand jumps, reserves open.

Symbols: x̄ is a reference flow in t/month, p̄ a reference price in USD/t, s severity, λ leakage.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from lodeline.scenarios.numbers import Identifier, NonNegative, Place, Share
from lodeline.scenarios.restriction_base import ALL, Kind, LeakyRestriction, RestrictionBase
from lodeline.units import Month

__all__ = [
    "Closure",
    "DemandSurge",
    "Extraterritorial",
    "PanicBuying",
    "PriceFloor",
    "Reach",
    "Sanction",
    "StockRelease",
    "fading",
]


class Reach(StrEnum):
    """How far a refusal reaches."""

    DIRECT = "direct"
    """What comes straight from the refused countries; third countries are a free way round."""
    ORIGIN = "origin"
    """All that the refused countries have exported, by whatever route."""


class Sanction(LeakyRestriction):
    """Buyers refuse an origin: x ≤ (1 − s(1 − λ)) x̄ from `by` into `on`; the rent is theirs."""

    type: Literal[Kind.SANCTION]
    reach: Reach
    """``direct``: lanes from the refused countries; ``origin``: their material by any route."""
    severity: Share
    """s: share of the reference flow that is refused."""

    @property
    def keeps_apart(self) -> bool:
        """Whether material of the refused countries is told apart."""
        return self.reach is Reach.ORIGIN and self.targets is not None


class Extraterritorial(LeakyRestriction):
    """A permit for what third countries make of restricted-origin material or pass on.

    x ≤ (a + λ(1 − a)) x̄ over the lanes between third countries, a = 0 for delay_months.
    """

    type: Literal[Kind.EXTRATERRITORIAL]
    delay_months: NonNegative
    """Months from `start` in which nothing is approved."""
    approval_share: Share
    """a: share of the reference flow that is approved after the delay."""
    de_minimis: Share
    """Exporters with a smaller share of restricted-origin material in their supply are exempt."""

    @property
    def keeps_apart(self) -> bool:
        """Content is followed, so it is always told apart."""
        return True


class PriceFloor(RestrictionBase):
    """Exporters sell for no less: levy = max(0, floor · p̄ − price at the origin a month before)."""

    type: Literal[Kind.PRICE_FLOOR]
    floor: NonNegative
    """Least price over the reference price (1.5 is half as much again)."""


class Closure(RestrictionBase):
    """A strait or canal is shut: x ≤ (1 − s w) x̄ on a lane that passes it with the share w.

    Up to d s w x̄ may go round where there is a way, for cost_per_day · extra days · p̄ more, once
    the extra days have passed.
    """

    type: Literal[Kind.CLOSURE]
    by: tuple[Place, ...] = ()
    """Left out: who passes follows from the route."""
    on: Literal["all"] = ALL
    """Always ``all``."""
    route: Identifier
    """Route that is closed, see the list of routes."""
    severity: Share
    """s: share of the ships that cannot pass."""
    diverted: Share
    """d: share of what cannot pass that may go round, where there is another way."""
    cost_per_day: NonNegative
    """Cost of a day more at sea as a share of the price p̄ (0.002 is 0.2 %)."""


class DemandSurge(RestrictionBase):
    """Users want more: use at the reference price is (1 + r) x̄; after `end` r falls to 0."""

    type: Literal[Kind.DEMAND_SURGE]
    by: tuple[Place, ...] | Literal["all"]  # type: ignore[assignment]
    """Countries (ISO3) or groups whose use rises, or ``all``."""
    on: Literal["all"] = ALL
    """Always ``all``: everybody feels it."""
    rise: NonNegative
    """r: rise of use at the reference price as a share of the reference use."""
    fade_months: NonNegative
    """Months from `end` until demand is what it was."""

    def acts(self, month: Month) -> bool:
        """Return whether demand is above the reference in a month."""
        return fading(self, month, self.fade_months.value) > 0.0


class PanicBuying(RestrictionBase):
    """Users want more stock: d days of use more, bought over `build_months`, sold after `end`."""

    type: Literal[Kind.PANIC_BUYING]
    by: tuple[Place, ...] | Literal["all"]  # type: ignore[assignment]
    """Countries (ISO3) or groups whose users buy, or ``all``."""
    on: Literal["all"] = ALL
    """Always ``all``: everybody feels it."""
    extra_days: NonNegative
    """d: days of use and processing that users want on top of their normal stock."""
    build_months: NonNegative
    """Months from `start` over which they build it up."""


class StockRelease(RestrictionBase):
    """States release part of their reserves: held ≤ (1 − share) · normal; rebuilt after `end`."""

    type: Literal[Kind.STOCK_RELEASE]
    on: Literal["all"] = ALL
    """Always ``all``: what is released is sold on the home market."""
    share: Share
    """Share of the reserve that is released."""
    over_months: NonNegative
    """Months from `start` over which it is released."""


def fading(restriction: RestrictionBase, month: Month, months: float) -> float:
    """Return 1 while a restriction is in force, then a straight line to 0 over `months`."""
    if restriction.is_in_force(month):
        return 1.0
    if restriction.end is None or month < restriction.start or months <= 0.0:
        return 0.0
    return max(0.0, 1.0 - float(month - restriction.end) / months)
