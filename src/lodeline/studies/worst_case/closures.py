"""The market with things closed: many closures of one network, side by side.

It is `lodeline.studies.market.run_market` with activities held at zero in every month; all
closures share the pattern of A, so that the compiled solver clears eight of them at a time. A test
compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lodeline.network import ActivityKind, Network
from lodeline.solver.compiled import BatchResult, CompiledMarket, Variation
from lodeline.studies.ensemble.metrics import Outcome
from lodeline.studies.market import ACCEPTED, UnsolvedError
from lodeline.studies.side_by_side import highest_levels
from lodeline.studies.worst_case.books import Books

__all__ = ["Closure", "ClosureMarket"]

Vector = NDArray[np.float64]

Closure = NDArray[np.intp]
"""Positions of the activities that are held at zero, shape (closed,)."""

_BLOCK = 64
"""Closures side by side: a multiple of the vector's eight, few enough to stay in the cache."""


@dataclass(frozen=True)
class _Month:
    """One solved month of a block: `stocks` are the opening ones, t, shape (closure, store)."""

    result: BatchResult
    variation: Variation
    stocks: Vector


class ClosureMarket:
    """A network whose activities can be closed.

    Parameters
    ----------
    network
        Calibrated, without layers and limits.
    months
        Number of simulated months; what is closed is closed in all of them.
    uses
        `USE` activities whose unmet level counts, positions.
    message
        See `CompiledMarket`.

    Attributes
    ----------
    max_residual, max_gap, fallbacks
        Worst certificate so far, and months that went to the reference solver.
    """

    def __init__(
        self,
        network: Network,
        months: int,
        uses: NDArray[np.intp],
        *,
        message: Callable[[str], None] | None = None,
    ) -> None:
        self.network, self.months, self._uses = network, months, uses
        problem = network.problem()
        self._market = CompiledMarket(problem, message=message)
        self._start = problem.row_price
        self._stores = network.of_kind(ActivityKind.STORE)
        self._store_rows = network.store_rows()
        self.max_residual = self.max_gap = 0.0
        self.fallbacks = 0

    def unmet(self, closures: Sequence[Closure]) -> Vector:
        """Return the target's unmet use, t over all months, shape (closure,)."""
        total = np.zeros(len(closures))
        reference = self.network.reference[self._uses]
        for first in range(0, len(closures), _BLOCK):
            block = closures[first : first + _BLOCK]
            for month in self._months(block):
                short = np.maximum(reference - month.result.levels[:, self._uses], 0.0)
                total[first : first + _BLOCK] += short.sum(axis=1)
        return total

    def cost(self, closures: Sequence[Closure], countries: Sequence[int]) -> Vector:
        """Return the cost to some countries (indices), USD over all forms and months."""
        parts = [closures[i : i + _BLOCK] for i in range(0, len(closures), _BLOCK)]
        costs = [self.outcome(p).cost[:, :, list(countries)].sum(axis=(1, 2)) for p in parts]
        return np.concatenate(costs)

    def outcome(self, closures: Sequence[Closure], *, is_certified: bool = False) -> Outcome:
        """Return all metrics of some closures.

        Parameters
        ----------
        closures
            What is closed in each run.
        is_certified
            Whether every solve is also checked by the independent certificate.
        """
        count = len(closures)
        books = Books(self.network, np.array([c.size > 0 for c in closures]))
        for month in self._months(closures):
            worst = self._independent(month, count) if is_certified else None
            books.add(month.result, month.stocks, worst)
        return books.outcome()

    def _months(self, block: Sequence[Closure]) -> Iterator[_Month]:
        network, count = self.network, len(block)
        levels = np.tile(network.reference, (count, 1))
        prices = np.tile(self._start, (count, 1))
        capacity = np.tile(network.capacity, (count, 1))
        growth_base = network.growth_base[network.of_kind(ActivityKind.SHIP)]
        rebuilt = network.rebuild * network.reference[self._stores]
        for _ in range(self.months):
            upper = highest_levels(
                network, capacity, levels,
                growth=network.lane_growth, growth_base=growth_base, rebuilt=rebuilt,
            )  # fmt: skip
            for i, closure in enumerate(block):
                upper[i, closure] = 0.0
            stocks = levels[:, self._stores]
            rhs = np.zeros((count, self._start.size))
            rhs[:, self._store_rows] -= stocks
            variation = Variation(rhs=rhs, upper=upper)
            result = self._market.solve_batch(variation, prices)
            self._accept(result)
            yield _Month(result, variation, stocks)
            levels, prices = result.levels, result.prices

    def _independent(self, month: _Month, count: int) -> float:
        checks = [self._market.certify(month.result, i, month.variation) for i in range(count)]
        return max(max(c.residual, c.gap) for c in checks)

    def _accept(self, result: BatchResult) -> None:
        self.max_residual = max(self.max_residual, float(result.residual.max()))
        self.max_gap = max(self.max_gap, float(result.gap.max()))
        self.fallbacks += result.fallbacks
        if not max(self.max_residual, self.max_gap) <= ACCEPTED:
            raise UnsolvedError(
                f"a closure was not cleared (residual {self.max_residual:.1e}, gap "
                f"{self.max_gap:.1e}). Please report the target, chain and year as a defect."
            )
