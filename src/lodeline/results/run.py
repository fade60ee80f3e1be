"""What a simulation leaves behind: levels, prices and stocks by month, with their proof."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lodeline.network import ActivityKind, Network
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

    def disposed(self, month: int) -> Vector:
        """Return what no one wanted at any price, t, shape (row,)."""
        surplus = self.network.incidence @ self.levels[month] - self.rhs(month)
        return np.asarray(surplus)

    def flows(self, kind: ActivityKind) -> Vector:
        """Return the levels of one kind, shape (month, activity of the kind)."""
        return self.levels[:, self.network.of_kind(kind)]
