"""The dual of a market on some of its rows: what prices bring about, and the step to better ones.

Newton steps on the dual, with what makes them quick where many activities stand at a bound:

* the length of a step is where the dual stops falling (nearly), not a power of one half: past a
  kink the direction is worth nothing, and before it something is given away.
* a row all of whose activities stand at bounds has no slope of its own: the Newton step for it is
  anything, and as long as it is clipped it shortens the step of all rows. Its price goes, alone, to
  where its own surplus vanishes (a search in one variable); then the row has a slope.

Legend: π prices, q = Aᵀπ margins, D(π) = Σ φ*(q) − bᵀπ the dual to be minimised, with gradient the
surplus A x(π) − b.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lodeline.solver.curves import Curves, Vector
from lodeline.solver.normal import NormalEquations
from lodeline.solver.problem import MarketProblem

__all__ = ["CLEARED", "Dual", "Point"]

Index = NDArray[np.intp]

CLEARED = 1e-10
"""Scaled row residual at which a market is cleared."""
_LONGEST = 0.3
"""Largest change of a price in one step, over the larger of the price and its reference."""
_IDLE = 1e20
"""Weight of a row that is left out of a step."""
_TRIALS = 10
"""Lengths of a step that are tried."""
_FLAT = 0.3
"""Share of its first slope to which D must flatten along a step."""
_ARMIJO = 1e-4
_NO_SLOPE = 1e-9
"""Slope of a row, over its scale, below which its price is sought alone."""
_SEARCHES = 60


@dataclass(frozen=True)
class Point:
    """Prices and what they bring about, on the rows of a system.

    Attributes
    ----------
    prices
        π, USD/t, shape (row,).
    margin
        q, USD/t, shape (activity,).
    levels
        The answer to q, t/period, shape (activity,).
    surplus
        A x − b, t/period, shape (row,).
    worst
        Largest scaled surplus; of an inequality the smaller of surplus and price.
    """

    prices: Vector
    margin: Vector
    levels: Vector
    surplus: Vector
    worst: float


class Dual:
    """The dual of a market on the rows of a system.

    Parameters
    ----------
    problem
        The market.
    system
        Rows that take part.
    """

    def __init__(self, problem: MarketProblem, system: NormalEquations) -> None:
        self.system, self.curves = system, problem.curves
        self.rhs = problem.rhs[system.rows]
        self._squares = sparse.csr_array(system.matrix.multiply(system.matrix))
        self._floor = system.scale / system.price
        self._own: dict[int, tuple[Index, Vector, Curves]] = {}

    def at(self, prices: Vector) -> Point:
        """Return the answer to prices, shape (row,)."""
        s = self.system
        margin = s.transposed @ prices
        levels = self.curves.response(margin)
        surplus = s.matrix @ levels - self.rhs
        scaled = surplus / s.scale
        natural = np.where(s.is_equality, scaled, np.minimum(scaled, prices / s.price))
        worst = float(np.max(np.abs(natural), initial=0.0))
        return Point(prices, margin, levels, surplus, worst)

    def value(self, point: Point) -> float:
        """Return D against its value at the reference prices, USD."""
        curves = self.curves
        kept = (point.margin - curves.margin) * point.levels - curves.adjustment(point.levels)
        return float(kept.sum() - self.rhs @ (point.prices - self.system.price))

    def step(self, point: Point, ridge: float) -> tuple[Point, Vector]:
        """Return the point, prices of rows without a slope put right, and the Newton step there.

        Parameters
        ----------
        point
            Where to begin.
        ridge
            What is added to the slope of every row, over its scale and the worst surplus.

        Returns
        -------
        tuple
            The point, and the change of every price, USD/t, clipped, shape (row,).
        """
        s = self.system
        slope = self.curves.response_slope(point.margin)
        diagonal = self._squares @ slope
        flat = np.flatnonzero(
            (diagonal <= _NO_SLOPE * self._floor)
            & (np.abs(point.surplus) > 0.1 * CLEARED * s.scale)
            & ~self._idle(point)
        )
        if flat.size:
            point = self._singly(point, flat)
            slope = self.curves.response_slope(point.margin)
            diagonal = self._squares @ slope
        idle = self._idle(point)
        own = ridge * min(1.0, point.worst) * self._floor + 1e-13 * diagonal
        s.factorise(slope, np.where(idle, _IDLE * self._floor, own))
        step = -s.solve(np.where(idle, 0.0, point.surplus))
        longest = _LONGEST * np.maximum(np.abs(point.prices), s.price)
        return point, np.clip(np.where(idle, 0.0, step), -longest, longest)

    def _idle(self, point: Point) -> NDArray[np.bool_]:
        s = self.system
        return ~s.is_equality & (point.prices <= 1e-12 * s.price) & (point.surplus > 0.0)

    def search(self, point: Point, step: Vector) -> tuple[float, Point | None]:
        """Return how far to go along a step, and the point there; None if D does not fall.

        Prices of inequalities stop at zero. D is convex: where it still falls at the end of a way
        it has fallen all along.
        """
        length, low, high = 1.0, 0.0, np.inf
        first = downhill = float(point.surplus @ step)
        uphill = 0.0
        best: tuple[float, Point | None] = (length, None)
        for _ in range(_TRIALS):
            after, rise = self._trial(point, step, length)
            if rise <= 0.0:
                low, downhill, best = length, rise, (length, after)
                if np.isinf(high) or -rise <= -_FLAT * first:
                    return best
            else:
                if rise <= -_FLAT * first and self._has_fallen(point, after):
                    return length, after
                high, uphill = length, rise
            share = downhill / (downhill - uphill)
            length = low + min(max(share, 0.1), 0.9) * (high - low)
        return best

    def _trial(self, point: Point, step: Vector, length: float) -> tuple[Point, float]:
        """Return the point after a part of a step, and the slope of D there along the way."""
        s = self.system
        trial = point.prices + length * step
        after = self.at(np.where(s.is_equality, trial, np.maximum(trial, 0.0)))
        return after, float(after.surplus @ (after.prices - point.prices)) / length

    def _has_fallen(self, point: Point, after: Point) -> bool:
        """Return whether D is lower, or as low as rounding can tell while rows are clearer."""
        before, now = self.value(point), self.value(after)
        wanted = _ARMIJO * float(point.surplus @ (after.prices - point.prices))
        if now <= before + wanted:
            return True
        return after.worst < point.worst and now <= before + 1e-14 * abs(before)

    def _singly(self, point: Point, rows: Index) -> Point:
        """Return the point with the price of each row where its own surplus vanishes."""
        s, prices, margin = self.system, point.prices.copy(), point.margin.copy()
        for i in rows:
            change = self._alone(int(i), prices, margin)
            prices[i] += change
            own, value, _ = self._of(int(i))
            margin[own] += value * change
        return self.at(np.where(s.is_equality, prices, np.maximum(prices, 0.0)))

    def _of(self, row: int) -> tuple[Index, Vector, Curves]:
        """Return the activities of a row, its entries and their curves."""
        if row not in self._own:
            matrix = self.system.matrix
            entries = slice(matrix.indptr[row], matrix.indptr[row + 1])
            own = matrix.indices[entries].astype(np.intp)
            self._own[row] = own, matrix.data[entries], self.curves.some(own)
        return self._own[row]

    def _alone(self, row: int, prices: Vector, margin: Vector) -> float:
        """Return the change of one price at which its row is clear, others as they are, USD/t.

        The surplus rises with the price: widening steps, then the interval is cut.
        """
        s = self.system
        own, value, curves = self._of(row)

        def surplus(change: float) -> float:
            return float(value @ curves.response(margin[own] + value * change) - self.rhs[row])

        enough = 0.01 * CLEARED * s.scale[row]
        least = -np.inf if s.is_equality[row] else -prices[row]
        near, left = 0.0, surplus(0.0)
        sign, width = (-1.0 if left > 0.0 else 1.0), 0.01 * s.price[row]
        for _ in range(_SEARCHES):
            far = max(near + sign * width, least)
            beyond = surplus(far)
            if beyond * sign >= 0.0:
                break
            near, left, width = far, beyond, 2.0 * width
            if far <= least:
                return float(far)
        else:
            return near
        for k in range(_SEARCHES):
            if abs(beyond) <= enough or abs(far - near) <= 1e-14 * s.price[row]:
                break
            share = 0.5 if k % 3 == 2 else min(max(left / (left - beyond), 0.05), 0.95)
            middle = near + share * (far - near)
            found = surplus(middle)
            if found * sign >= 0.0:
                far, beyond = middle, found
            else:
                near, left = middle, found
        return float(far)
