"""Solve a large market again after bounds or stocks have changed a little.

Newton steps on the dual (see `dual`) start from prices found before. Late rows (see `interior`)
come in when the answer breaks them: they are looked at when little is to be gained without them,
and again when the others are clear. What does not converge goes to the interior-point method.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lodeline.solver import interior
from lodeline.solver.curves import Vector
from lodeline.solver.dissection import Layout
from lodeline.solver.dual import CLEARED, Dual, Point
from lodeline.solver.normal import NormalEquations
from lodeline.solver.problem import MarketProblem

__all__ = ["Again", "Answer", "Patterns"]

Flags = NDArray[np.bool_]
Index = NDArray[np.intp]

_STEPS = 60
"""Newton steps before the interior-point method takes over."""
_RIDGE = 1e-6
_WIDEST = 1e6
_NEAR = 1e-5
"""Gain of a step, over the market's turnover, below which late rows are looked at."""
_KEPT = 16
"""Patterns that are kept."""


@dataclass(frozen=True)
class Answer:
    """Levels and prices of a market.

    Attributes
    ----------
    levels
        t/period, shape (activity,).
    prices
        USD/t, shape (row,).
    steps
        Newton steps and those of the interior-point method.
    is_clear
        Whether Newton steps cleared all rows.
    is_fallback
        Whether the interior-point method was needed.
    """

    levels: Vector
    prices: Vector
    steps: int
    is_clear: bool
    is_fallback: bool = False


@dataclass
class Patterns:
    """Factors of markets of one pattern, by the rows that take part: analysed once, used by all.

    The last ones asked for are kept.
    """

    _known: OrderedDict[bytes, NormalEquations] = field(default_factory=OrderedDict)

    def of(self, problem: MarketProblem, rows: Index, layout: Layout) -> NormalEquations:
        """Return the normal equations of some rows of a market."""
        key = rows.tobytes()
        known = self._known.pop(key, None)
        found = NormalEquations(problem, rows, layout, like=known)
        self._known[key] = found
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return found


@dataclass
class Again:
    """A market whose bounds and stocks vary, solved from prices that were found before.

    Attributes
    ----------
    late
        Rows that stay out until they are broken, shape (row,).
    layout
        See `interior.solve`.
    prices
        To begin with, USD/t, shape (row,).
    patterns
        Where factors are kept; markets of one pattern may share it.

    Notes
    -----
    `settle` moves the prices from which every `solve` begins; `solve` itself leaves no trace, so
    that its answer depends on its problem alone.
    """

    late: Flags
    layout: Layout
    prices: Vector
    patterns: Patterns = field(default_factory=Patterns)

    def settle(self, problem: MarketProblem) -> None:
        """Begin from the prices of this market from now on, as far as Newton steps find them."""
        self.prices = self._newton(problem).prices

    def solve(self, problem: MarketProblem) -> Answer:
        """Solve a market that differs from the settled one in bounds and right-hand side alone."""
        answer = self._newton(problem)
        if answer.is_clear:
            return answer
        solution = interior.solve(problem, self.late, layout=self.layout)
        prices = np.where(problem.is_equality, solution.prices, np.maximum(solution.prices, 0.0))
        steps = answer.steps + solution.iterations
        return Answer(solution.levels, prices, steps, is_clear=False, is_fallback=True)

    def _newton(self, problem: MarketProblem) -> Answer:
        """Take Newton steps, and rows in that are broken."""
        rows = np.flatnonzero(~self.late | (self.prices > 0.0))
        dual = Dual(problem, self.patterns.of(problem, rows, self.layout))
        point, steps = dual.at(self.prices[rows]), 0
        near = _NEAR * float(dual.system.price @ dual.system.scale)
        while True:
            point, more, goes_on = _descend(dual, point, near, _STEPS - steps)
            steps += more
            broken = self._broken(problem, rows, point)
            prices = np.zeros(problem.rhs.size)
            prices[rows] = point.prices
            is_done = point.worst <= CLEARED and broken.size == 0
            if is_done or not goes_on:
                return Answer(point.levels, prices, steps, is_done)
            near = 0.0
            if broken.size:
                rows = np.union1d(rows, broken)
                dual = Dual(problem, self.patterns.of(problem, rows, self.layout))
                point = dual.at(prices[rows])

    def _broken(self, problem: MarketProblem, rows: Index, point: Point) -> Index:
        """Return late rows outside the system that the levels break."""
        surplus = problem.incidence @ point.levels - problem.rhs
        broken = self.late & (surplus < -CLEARED * problem.row_scale)
        broken[rows] = False
        return np.flatnonzero(broken)


def _descend(dual: Dual, point: Point, near: float, limit: int) -> tuple[Point, int, bool]:
    """Take Newton steps until rows are clear or one gains less than `near`, USD.

    Returns
    -------
    tuple
        The point, steps taken, and whether more of them may help.
    """
    ridge, steps = _RIDGE, 0
    while point.worst > CLEARED:
        if steps >= limit or ridge > _WIDEST:
            return point, steps, False
        steps += 1
        point, step = dual.step(point, ridge)
        gain = -float(point.surplus @ step)
        _, after = dual.search(point, step)
        if after is None:
            ridge *= 100.0
            continue
        point = after
        if gain <= near:
            break
    return point, steps, True
