"""Leave out what is decided before a search begins, and give its prices back afterwards.

* A *forcing* row can hold at one point only: a limit of zero on lanes that cannot run backwards.
  Its activities stay at their bounds; its price is the least that makes them. That can make the
  next row forcing: where nothing arrives, nothing leaves. So it goes on until nothing changes. An
  equality can be forcing from either side, and its price has the sign that it needs.
* A *fixed* activity has bounds that are equal or cannot be told apart: it moves to the right-hand
  side.
* A row that no activity can break, or without activities, has no price.
* A row is no larger than what can come to it: in the months of a ban a country of thousands of
  tonnes may hold grams, and a search that thinks in tonnes does not find them.

An interior-point method needs this: with a forcing row the problem has no interior.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lodeline.solver.curves import Curves, Vector
from lodeline.solver.problem import MarketProblem

__all__ = ["Reduction", "reduce_problem", "smallest_end"]

Index = NDArray[np.intp]

_NOTHING = 1e-13
"""Room below this share of the scale counts as none."""
_PASSES = 60
"""How many links of a chain of supply are followed at most."""


@dataclass(frozen=True)
class Reduction:
    """A smaller problem and the way back.

    Attributes
    ----------
    problem
        What is left to solve.
    rows, columns
        Positions of its rows and activities in the whole problem.
    """

    problem: MarketProblem
    rows: Index
    columns: Index
    whole: MarketProblem
    level: Vector
    forcing: tuple[_Forcing, ...]

    def restore(self, levels: Vector, prices: Vector) -> tuple[Vector, Vector]:
        """Return levels and prices of the whole problem."""
        whole = self.whole
        x = self.level.copy()
        x[self.columns] = levels
        pi = np.zeros(whole.rhs.size)
        pi[self.rows] = prices
        if self.forcing:
            rows = sparse.csr_array(whole.incidence)
            wish = whole.incidence.T @ pi - whole.curves.margin - whole.curves.deviation(x)
            # A row that was found last holds activities that rows found before need not hold.
            for forced in reversed(self.forcing):
                needed = -forced.side * wish[forced.columns] / forced.entries
                price = forced.side * max(0.0, float(np.max(needed, initial=0.0)))
                pi[forced.row] = price
                span = slice(rows.indptr[forced.row], rows.indptr[forced.row + 1])
                wish[rows.indices[span]] += price * rows.data[span]
        return x, pi


@dataclass(frozen=True)
class _Forcing:
    """A forcing row and the activities that it holds, with their entries in it.

    `side` is 1 where they give the row all they can and −1 where they give as little as they can.
    """

    row: int
    columns: Index
    entries: Vector
    side: float


def smallest_end(problem: MarketProblem) -> Vector:
    """Return the smallest throughput among an activity's rows, in its own units, t/month."""
    incidence = problem.incidence
    filled = np.diff(incidence.indptr) > 0
    per_entry = problem.row_scale[incidence.indices] / np.abs(incidence.data)
    out = np.ones(incidence.shape[1])
    out[filled] = np.minimum.reduceat(per_entry, incidence.indptr[:-1][filled])
    return out


def reduce_problem(problem: MarketProblem) -> Reduction:
    """Return the problem without fixed activities and rows that decide nothing."""
    curves, incidence = problem.curves, sparse.csr_array(problem.incidence)
    upper = curves.ceiling()
    level = curves.lower.copy()
    size = np.maximum(np.maximum(curves.reference, smallest_end(problem)), 1e-300)
    fixed = upper - curves.lower <= _NOTHING * size
    tight, forcing = _forced(problem, upper, fixed, level)
    columns = np.flatnonzero(~fixed)
    rhs = problem.rhs - problem.incidence[:, fixed] @ level[fixed]
    left = incidence[:, columns]
    kept = ~tight & (np.diff(left.indptr) > 0)
    rows = np.flatnonzero(kept)
    small = MarketProblem(
        incidence=sparse.csc_array(left[rows]),
        rhs=rhs[rows],
        is_equality=problem.is_equality[rows],
        curves=Curves(**{f.name: getattr(curves, f.name)[columns] for f in fields(Curves)}),
        row_price=problem.row_price[rows],
        row_scale=problem.row_scale[rows],
    )
    small = replace(small, row_scale=np.minimum(small.row_scale, _reach(small)))
    return Reduction(small, rows, columns, problem, level, forcing)


def _forced(
    problem: MarketProblem, upper: Vector, fixed: NDArray[np.bool_], level: Vector
) -> tuple[NDArray[np.bool_], tuple[_Forcing, ...]]:
    """Find forcing rows, mark their activities as fixed and set their levels (in place).

    Return which rows are forcing, shape (row,), and the rows in the order in which they were found.
    """
    incidence, lower = sparse.csr_array(problem.incidence), problem.curves.lower
    tight = np.zeros(problem.rhs.size, dtype=bool)
    forcing: list[_Forcing] = []
    touched = abs(incidence)
    sides = [(1.0, np.ones_like(tight))]
    if problem.is_equality.any():
        sides.append((-1.0, problem.is_equality))
    while True:
        before = len(forcing)
        for side, able in sides:
            free = touched @ (~fixed).astype(float) > 0.0
            least, most = np.where(fixed, level, lower), np.where(fixed, level, upper)
            room = _extreme(side * incidence, least, most, side * problem.rhs)
            found = np.flatnonzero((room <= _NOTHING * problem.row_scale) & able & free & ~tight)
            for row in found:
                span = slice(incidence.indptr[row], incidence.indptr[row + 1])
                own = ~fixed[incidence.indices[span]]
                columns, entries = incidence.indices[span][own], incidence.data[span][own]
                level[columns] = np.where(side * entries > 0.0, upper[columns], lower[columns])
                fixed[columns] = True
                forcing.append(_Forcing(int(row), columns.astype(np.intp), entries, side))
            tight[found] = True
        if len(forcing) == before:
            return tight, tuple(forcing)


def _extreme(incidence: sparse.csr_array, lower: Vector, upper: Vector, rhs: Vector) -> Vector:
    """Return the largest surplus that a row can have."""
    positive, negative = incidence.maximum(0.0), incidence.minimum(0.0)
    finite = np.where(np.isfinite(upper), upper, 0.0)
    endless = (positive != 0.0) @ (~np.isfinite(upper)).astype(float) > 0.0
    most = positive @ finite + negative @ lower - rhs
    return np.where(endless, np.inf, most)


def _reach(problem: MarketProblem) -> Vector:
    """Return the most that activities can take from a row, t/month; infinite where unbounded.

    taken ≤ Σ given − b, and an activity runs at its upper bound, or at what its rows can give it.
    Of an equality that nothing takes from (what arrives after the end): what it is given.
    """
    incidence = sparse.csc_array(problem.incidence)
    positive = sparse.csr_array(incidence.maximum(0.0))
    takes = incidence.data < 0.0
    column = np.repeat(np.arange(incidence.shape[1]), np.diff(incidence.indptr))[takes]
    row, entry = incidence.indices[takes], -incidence.data[takes]
    upper = problem.curves.ceiling()
    least = positive @ problem.curves.lower - problem.rhs
    none = _NOTHING * problem.row_scale
    untaken = problem.is_equality & ~(np.bincount(row, minlength=least.size) > 0)
    gives = sparse.csr_array(
        (np.ones(positive.nnz), positive.indices, positive.indptr), shape=positive.shape
    )
    reach = np.full(problem.rhs.size, np.inf)
    for _ in range(_PASSES):
        most = upper.copy()
        np.minimum.at(most, column, reach[row] / entry)
        finite = np.isfinite(most)
        endless = gives @ (~finite).astype(float) > 0.0
        given = positive @ np.where(finite, most, 0.0) - problem.rhs
        now = np.where(endless, np.inf, np.maximum(given, none))
        now = np.where(untaken, np.maximum(-least, none), now)
        if np.array_equal(now, reach):
            break
        reach = now
    return reach
