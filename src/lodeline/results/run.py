"""What a simulation leaves behind: levels, prices and stocks by month, with their proof."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lodeline.network import ActivityKind, Network
from lodeline.network.transit import arrivals_of
from lodeline.scenarios.compile import Schedule

__all__ = ["Run"]

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    """Levels and prices of one chain over the months.

    Attributes
    ----------
    schedule
        Network, months and restrictions.
    levels
        t/month (of `STORE`: t held at the end of the month), shape (month, activity).
    prices
        USD/t, shape (month, row).
    stocks
        Opening stocks of every month and the final ones, t, shape (month + 1, store).
    max_residual, max_gap
        Worst certificate over all solves.
    solves, fallbacks
        Number of solves, and how many needed a second attempt.
    """

    schedule: Schedule
    levels: Vector
    prices: Vector
    stocks: Vector
    max_residual: float
    max_gap: float
    solves: int
    fallbacks: int

    @property
    def network(self) -> Network:
        """The network that was run."""
        return self.schedule.network

    def rhs(self, month: int) -> Vector:
        """Return b of a month, t/month, shape (row,)."""
        return self.network.rhs(self.stocks[month], self.schedule.limit[month])

    @cached_property
    def gives(self) -> sparse.csc_array:
        """What lanes with a lead time give where they arrive, shape (row, activity)."""
        return arrivals_of(self.network, self.schedule.lead)

    def landed(self, month: int) -> Vector:
        """Return what arrives in a month by lane (of all else: its level), t, shape (activity,)."""
        lead = self.schedule.lead
        left = month - lead
        place = np.arange(lead.size)
        return np.where(left >= 0, self.levels[np.maximum(left, 0), place], self.network.reference)

    def at_sea(self, month: int) -> Vector:
        """Return what is under way at the end of a month by lane, t, shape (activity,)."""
        lead = self.schedule.lead
        out = np.zeros(lead.size)
        for back in range(int(lead.max(initial=0))):
            level = self.levels[month - back] if month >= back else self.network.reference
            out += np.where(lead > back, level, 0.0)
        return out

    def balance(self, month: int) -> Vector:
        """Return what arrives less what leaves in a month, t, shape (row,)."""
        network = self.network
        now = (network.incidence - self.gives) @ self.levels[month]
        return np.asarray(now + self.gives @ self.landed(month))

    def disposed(self, month: int) -> Vector:
        """Return what no one wanted at any price, t, shape (row,)."""
        return self.balance(month) - self.rhs(month)

    def flows(self, kind: ActivityKind) -> Vector:
        """Return the levels of one kind, shape (month, activity of the kind)."""
        return self.levels[:, self.network.of_kind(kind)]
