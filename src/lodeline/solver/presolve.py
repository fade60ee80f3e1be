"""Leave out what is decided before a search begins, and give its prices back afterwards.

* A *forcing* row can hold at one point only: a limit of zero on lanes that cannot run backwards.
  Its activities stay at their bounds; its price is the least that makes them.
* A *fixed* activity has equal bounds: it moves to the right-hand side.
* A row that no activity can break, or without activities, has no price.

An interior-point method needs this: with a forcing row the problem has no interior.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lodeline.solver.curves import Curves, Vector
from lodeline.solver.problem import MarketProblem

__all__ = ["Reduction", "reduce_problem"]

Index = NDArray[np.intp]

_NOTHING = 1e-13
"""Room below this share of the scale counts as none."""


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
    forcing: Index

    def restore(self, levels: Vector, prices: Vector) -> tuple[Vector, Vector]:
        """Return levels and prices of the whole problem."""
        whole = self.whole
        x = self.level.copy()
        x[self.columns] = levels
        pi = np.zeros(whole.rhs.size)
        pi[self.rows] = prices
        if self.forcing.size:
            rows = sparse.csr_array(whole.incidence)[self.forcing]
            wish = whole.incidence.T @ pi - whole.curves.margin - whole.curves.deviation(x)
            for k, row in enumerate(self.forcing):
                span = slice(rows.indptr[k], rows.indptr[k + 1])
                columns, entry = rows.indices[span], rows.data[span]
                price = max(0.0, float(np.max(-wish[columns] / entry, initial=0.0)))
                pi[row] = price
                wish[columns] += price * entry
        return x, pi


def reduce_problem(problem: MarketProblem) -> Reduction:
    """Return the problem without fixed activities and rows that decide nothing."""
    curves, incidence = problem.curves, sparse.csr_array(problem.incidence)
    upper = curves.ceiling()
    most = _extreme(incidence, curves.lower, upper, problem.rhs)
    entries = np.diff(incidence.indptr)
    tight = ~problem.is_equality & (entries > 0) & (most <= _NOTHING * problem.row_scale)
    level = curves.lower.copy()
    size = np.maximum(curves.reference, 1e-300)
    fixed = upper - curves.lower <= _NOTHING * size
    forcing = np.flatnonzero(tight)
    for row in forcing:
        span = slice(incidence.indptr[row], incidence.indptr[row + 1])
        columns = incidence.indices[span]
        level[columns] = np.where(incidence.data[span] > 0.0, upper[columns], curves.lower[columns])
        fixed[columns] = True
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
    return Reduction(small, rows, columns, problem, level, forcing)


def _extreme(incidence: sparse.csr_array, lower: Vector, upper: Vector, rhs: Vector) -> Vector:
    """Return the largest surplus that a row can have."""
    positive, negative = incidence.maximum(0.0), incidence.minimum(0.0)
    finite = np.where(np.isfinite(upper), upper, 0.0)
    endless = (positive != 0.0) @ (~np.isfinite(upper)).astype(float) > 0.0
    most = positive @ finite + negative @ lower - rhs
    return np.where(endless, np.inf, most)
