"""Solve a large market again after bounds or stocks have changed a little.

Newton steps on the dual (see `dual`) start from prices found before. Late rows (see `interior`)
come in when the answer breaks them. What does not converge goes to the interior-point method.

Whoever wants a bound alone need not have the market cleared: any prices give one, and prices near
the best ones a good one (`enough`).
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
        Whether the levels keep all rows; else the prices are good for a bound alone.
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
        self.prices = self._newton(problem, 0.0).prices

    def solve(self, problem: MarketProblem, *, enough: float = 0.0) -> Answer:
        """Solve a market that differs from the settled one in bounds and right-hand side alone.

        Parameters
        ----------
        problem
            The market.
        enough
            USD by which the dual may stay short of its best value, as far as a Newton step tells:
            where no more is to be gained the market need not be cleared.
        """
        answer = self._newton(problem, enough)
        if answer.is_clear or enough > 0.0:
            return answer
        solution = interior.solve(problem, self.late, layout=self.layout)
        prices = np.where(problem.is_equality, solution.prices, np.maximum(solution.prices, 0.0))
        steps = answer.steps + solution.iterations
        return Answer(solution.levels, prices, steps, is_clear=True, is_fallback=True)

    def _newton(self, problem: MarketProblem, enough: float) -> Answer:
        """Take Newton steps, and rows in that are broken."""
        rows = np.flatnonzero(~self.late | (self.prices > 0.0))
        prices, steps, is_near = self.prices, 0, False
        while True:
            dual = Dual(problem, self.patterns.of(problem, rows, self.layout))
            point, more, is_near = _descend(dual, prices[rows], enough, _STEPS - steps)
            steps += more
            prices = np.zeros(problem.rhs.size)
            prices[rows] = point.prices
            broken = self._broken(problem, rows, point)
            is_clear = point.worst <= CLEARED and broken.size == 0
            if is_clear or not is_near or steps >= _STEPS or broken.size == 0:
                return Answer(point.levels, prices, steps, is_clear)
            rows = np.union1d(rows, broken)

    def _broken(self, problem: MarketProblem, rows: Index, point: Point) -> Index:
        """Return late rows outside the system that the levels break."""
        surplus = problem.incidence @ point.levels - problem.rhs
        broken = self.late & (surplus < -CLEARED * problem.row_scale)
        broken[rows] = False
        return np.flatnonzero(broken)


def _descend(dual: Dual, prices: Vector, enough: float, limit: int) -> tuple[Point, int, bool]:
    """Take Newton steps until rows are clear or little is to be gained.

    Returns
    -------
    tuple
        The point, steps taken, and whether it is near the best.
    """
    point, ridge, steps = dual.at(prices), _RIDGE, 0
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
        if gain <= enough:
            break
    return point, steps, True
