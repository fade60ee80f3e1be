"""Solve a large market again after bounds or stocks have changed a little.

Newton steps on the dual (see `newton`) start from the prices of the last time. The normal matrix
has one pattern as long as the rows stay, so that its order is found once. Late rows (see
`interior`) come in when the answer breaks them and stay. What does not converge, and the first
solve of all, goes to the interior-point method.

Legend: π prices, q = Aᵀπ margins, D(π) = Σ φ*(q) − bᵀπ the dual to be minimised, with gradient the
surplus A x(π) − b.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lodeline.solver import interior
from lodeline.solver.curves import Vector
from lodeline.solver.dissection import Layout
from lodeline.solver.normal import NormalEquations
from lodeline.solver.problem import MarketProblem

__all__ = ["Again", "Answer"]

Flags = NDArray[np.bool_]
Index = NDArray[np.intp]

_TOLERANCE = 1e-10
"""Scaled row residual at which a market is cleared."""
_STEPS = 60
"""Newton steps before the interior-point method takes over."""
_HALVINGS = 8
_ARMIJO = 1e-4
_RIDGE = 1e-4
_WIDEST, _NARROWEST = 1e4, 1e-12
_LONGEST = 1.0
"""Largest change of a price in one step, over the larger of the price and its reference."""
_IDLE = 1e20
"""Weight of a row that is left out of a step."""


@dataclass(frozen=True)
class Answer:
    """Levels (t/period, shape (activity,)) and prices (USD/t, shape (row,)) of a market."""

    levels: Vector
    prices: Vector
    steps: int
    is_fallback: bool


class Again:
    """A market whose bounds and stocks vary, solved from prices that were found before.

    Parameters
    ----------
    late
        Rows that stay out until they are broken, shape (row,).
    layout
        See `interior.solve`.
    start
        Prices to begin with, USD/t, shape (row,).

    Notes
    -----
    `settle` moves the prices and rows from which every `solve` begins; `solve` itself leaves no
    trace, so that its answer depends on its problem alone.
    """

    def __init__(self, late: Flags, layout: Layout, start: Vector) -> None:
        self._late, self._layout = late, layout
        self._prices = start
        self._system: NormalEquations | None = None

    def settle(self, problem: MarketProblem) -> Answer:
        """Solve a market and begin from its answer from now on."""
        if self._system is None:
            self._system = self._rows(problem, np.flatnonzero(~self._late | (self._prices > 0.0)))
        answer, self._system = self._solve(problem, self._system)
        self._prices = answer.prices
        return answer

    def solve(self, problem: MarketProblem) -> Answer:
        """Solve a market that differs from the settled one in bounds and right-hand side alone."""
        if self._system is None:
            raise ValueError("settle a market first")
        return self._solve(problem, self._system)[0]

    def _solve(
        self, problem: MarketProblem, system: NormalEquations
    ) -> tuple[Answer, NormalEquations]:
        prices, steps = self._prices, 0
        while steps < _STEPS:
            prices, more, is_clear = _newton(problem, system, prices, _STEPS - steps)
            steps += max(more, 1)
            if not is_clear:
                break
            levels = problem.curves.response(problem.incidence.T @ prices)
            broken = self._broken(problem, system, levels)
            if broken.size == 0:
                return Answer(levels, prices, steps, is_fallback=False), system
            system = self._rows(problem, np.union1d(system.rows, broken))
        solution = interior.solve(problem, self._late, layout=self._layout)
        prices = np.where(problem.is_equality, solution.prices, np.maximum(solution.prices, 0.0))
        rows = np.union1d(system.rows, np.flatnonzero(prices > 0.0))
        if rows.size > system.rows.size:
            system = self._rows(problem, rows)
        return Answer(
            solution.levels, prices, steps + solution.iterations, is_fallback=True
        ), system

    def _rows(self, problem: MarketProblem, rows: Index) -> NormalEquations:
        return NormalEquations(problem, rows, self._layout)

    def _broken(self, problem: MarketProblem, system: NormalEquations, levels: Vector) -> Index:
        """Return late rows outside the system that the levels break."""
        surplus = problem.incidence @ levels - problem.rhs
        broken = self._late & (surplus < -_TOLERANCE * problem.row_scale)
        broken[system.rows] = False
        return np.flatnonzero(broken)


def _newton(
    problem: MarketProblem, system: NormalEquations, start: Vector, limit: int
) -> tuple[Vector, int, bool]:
    """Take Newton steps on the rows of a system; return prices, steps, and whether it is clear."""
    work = _Dual(problem, system)
    point = work.at(start[system.rows])
    ridge, steps = _RIDGE, 0
    while point.worst > _TOLERANCE and steps < limit and ridge < _WIDEST:
        steps += 1
        length, after = work.search(point, work.step(point, ridge))
        if after is None:
            ridge *= 100.0
            continue
        point = after
        if length < 0.3:
            ridge *= 10.0
        elif length == 1.0:
            ridge = max(_NARROWEST, 0.1 * ridge)
    prices = np.zeros(problem.rhs.size)
    prices[system.rows] = point.prices
    return prices, steps, point.worst <= _TOLERANCE


@dataclass(frozen=True)
class _Point:
    """Prices and what they bring about."""

    prices: Vector
    margin: Vector
    surplus: Vector
    value: float
    worst: float


class _Dual:
    """The dual of a market on the rows of a system."""

    def __init__(self, problem: MarketProblem, system: NormalEquations) -> None:
        self.system, self.curves = system, problem.curves
        self.rhs = problem.rhs[system.rows]
        self.squares = sparse.csr_array(system.matrix.multiply(system.matrix))
        self.floor = system.scale / system.price

    def at(self, prices: Vector) -> _Point:
        """Return the answer to prices."""
        s, curves = self.system, self.curves
        margin = s.transposed @ prices
        levels = curves.response(margin)
        surplus = s.matrix @ levels - self.rhs
        value = (margin - curves.margin) * levels - curves.adjustment(levels)
        scaled = surplus / s.scale
        natural = np.where(s.is_equality, scaled, np.minimum(scaled, prices / s.price))
        worst = float(np.max(np.abs(natural), initial=0.0))
        total = float(value.sum() - self.rhs @ (prices - s.price))
        return _Point(prices, margin, surplus, total, worst)

    def step(self, point: _Point, ridge: float) -> Vector:
        """Return the Newton step, USD/t, clipped."""
        s = self.system
        slope = self.curves.response_slope(point.margin)
        idle = ~s.is_equality & (point.prices <= 1e-12 * s.price) & (point.surplus > 0.0)
        own = ridge * min(1.0, point.worst) * self.floor + 1e-13 * (self.squares @ slope)
        s.factorise(slope, np.where(idle, _IDLE * self.floor, own))
        step = -s.solve(np.where(idle, 0.0, point.surplus))
        longest = _LONGEST * np.maximum(np.abs(point.prices), s.price)
        return np.clip(np.where(idle, 0.0, step), -longest, longest)

    def search(self, point: _Point, step: Vector) -> tuple[float, _Point | None]:
        """Return the first point along the projected step that lowers D enough, if any."""
        s, length = self.system, 1.0
        for _ in range(_HALVINGS):
            trial = point.prices + length * step
            after = self.at(np.where(s.is_equality, trial, np.maximum(trial, 0.0)))
            moved = after.prices - point.prices
            predicted = float(point.surplus @ moved)
            # Convex: if D still falls at the end of the step it has fallen all the way.
            is_falling = predicted < 0.0 and float(after.surplus @ moved) <= 0.0
            if is_falling or after.value <= point.value + _ARMIJO * predicted:
                return length, after
            length *= 0.5
        return length, None
