"""How a scenario says that reserves are released."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from lodeline.network.stocks import StockPolicy, StockRule
from lodeline.scenarios.groups import expand
from lodeline.scenarios.numbers import NonNegative, Place, Share, Spec

__all__ = ["Stocks", "stocks_with_policy"]

_ASSUMED = "No rule is published with its numbers; assumed"


class Stocks(Spec):
    """The rule by which states release what they hold, with its numbers."""

    policy: StockPolicy
    """``market``, ``none``, ``hold``, ``on-shortage`` or ``joint``."""
    coalition: tuple[Place, ...] = ()
    """Countries (ISO3) or groups that put their reserves together: of ``joint`` alone."""
    hold_days: NonNegative = NonNegative(
        value=30, low=0, high=60, assumed=True, source=f"{_ASSUMED}: half of Japan's target of 60"
    )
    """Days of use below which ``hold`` does not go."""
    trigger: NonNegative = NonNegative(
        value=1.25, low=1.1, high=2, assumed=True,
        source=f"{_ASSUMED}: a rise that cannot be mistaken for an ordinary swing of prices",
    )  # fmt: skip
    """Price over the reference price at which release begins (``on-shortage``, ``joint``)."""
    empty_at: NonNegative = NonNegative(
        value=3, low=2.1, high=6, assumed=True,
        source=f"{_ASSUMED}: prices of rare earths and tungsten rose two- to fourfold in 2025",
    )  # fmt: skip
    """Price over the reference price at which all would be sold; above the trigger."""
    release_share: Share = Share(
        value=0.34, low=0.1, high=1, assumed=True,
        source="A third of the reserve a month, so that release takes as long as tenders do; the "
        "Republic of Korea has cut the time to release from 60 to 30 days (IEA policy database)",
    )  # fmt: skip
    """Share of a full reserve that can be released in a month (``on-shortage``, ``joint``)."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.policy is StockPolicy.JOINT) != bool(self.coalition):
            raise ValueError("'coalition' goes with the policy 'joint', and with no other")
        if self.empty_at.low <= self.trigger.high and self.empty_at.value <= self.trigger.value:
            raise ValueError("'empty_at' must lie above 'trigger'")
        return self

    def rule(self) -> StockRule:
        """Return the rule with its central numbers."""
        return StockRule(
            policy=self.policy,
            coalition=expand(self.coalition),
            hold_days=self.hold_days.value,
            trigger=self.trigger.value,
            empty_at=self.empty_at.value,
            release_share=self.release_share.value,
        )

    @property
    def numbers(self) -> tuple[str, ...]:
        """Fields that the policy uses."""
        if self.policy is StockPolicy.HOLD:
            return ("hold_days",)
        return ("trigger", "empty_at", "release_share") if self.rule().has_trigger else ()


def stocks_with_policy(
    stocks: Stocks | None, policy: StockPolicy, coalition: tuple[str, ...]
) -> Stocks:
    """Return a scenario's rule with another policy, its numbers kept.

    Parameters
    ----------
    stocks
        The scenario's, or None.
    policy
        The policy wanted.
    coalition
        Members of a joint release, where the scenario names none.
    """
    members = (stocks.coalition if stocks else ()) or coalition
    changed = {"policy": policy, "coalition": members if policy is StockPolicy.JOINT else ()}
    given = stocks.model_dump() if stocks else {}
    return Stocks.model_validate(given | changed)
