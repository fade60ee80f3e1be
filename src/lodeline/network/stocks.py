"""Rules by which states and their agencies hold and release what they have in store.

Users, processors and traders hold commercial stock and sell it as its price rises. What a state
holds, or others by its order (a *reserve*), follows a rule of its own. Whatever the rule, the base
year is unchanged: reserves are full at reference prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["StockPolicy", "StockRule"]


class StockPolicy(StrEnum):
    """How reserves are released and rebuilt."""

    MARKET = "market"
    """Sold as the price rises and bought back below the reference price, as users do."""
    NONE = "none"
    """Never touched."""
    HOLD = "hold"
    """As `MARKET`, but never below a number of days of use."""
    ON_SHORTAGE = "on-shortage"
    """Held until the price passes a trigger, then sold, so much a month; rebuilt below it."""
    JOINT = "joint"
    """As `ON_SHORTAGE`, by a coalition that puts its reserves together: the dearest member's
    price opens them, and every member may buy."""


@dataclass(frozen=True)
class StockRule:
    """A policy with its numbers.

    Attributes
    ----------
    policy
        How reserves are released.
    coalition
        Members of a joint release, ISO3.
    hold_days
        Days of use below which `HOLD` does not go.
    trigger
        Price over the reference price at which release begins.
    empty_at
        Price over the reference price at which all would be sold.
    release_share
        Share of a full reserve that can be released a month.
    """

    policy: StockPolicy = StockPolicy.MARKET
    coalition: tuple[str, ...] = ()
    hold_days: float = 0.0
    trigger: float = 1.25
    empty_at: float = 3.0
    release_share: float = 1.0

    @property
    def has_trigger(self) -> bool:
        """Whether a price opens the reserves."""
        return self.policy in (StockPolicy.ON_SHORTAGE, StockPolicy.JOINT)
