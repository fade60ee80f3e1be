"""What the interior-point method moves: iterates and steps, and the activities they belong to.

The legend is that of `lodeline.solver.interior`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lodeline.solver.curves import Curves, Vector
from lodeline.solver.presolve import smallest_end
from lodeline.solver.problem import MarketProblem

__all__ = ["Activities", "Aim", "Point", "Residuals", "bounded", "correction", "length"]

_NEAR = 0.1
"""Products between this and its inverse times their target are left alone."""
_BELIEVED = 30.0
"""Change of a product, over the mean, up to which a guess is believed."""


@dataclass
class Point:
    """An iterate, or a step.

    Distances from the bounds are kept, not computed: near a bound x − l loses its digits.
    """

    x: Vector
    dl: Vector
    du: Vector
    s: Vector
    pi: Vector
    zl: Vector
    zu: Vector

    def moved(self, step: Point, primal: float, dual: float) -> Point:
        """Return the point after a step of these lengths in levels and in prices."""
        return Point(
            self.x + primal * step.x,
            self.dl + primal * step.dl,
            self.du + primal * step.du,
            self.s + primal * step.s,
            self.pi + dual * step.pi,
            self.zl + dual * step.zl,
            self.zu + dual * step.zu,
        )


class Activities:
    """Curves, bounds and weights of the activities."""

    def __init__(self, problem: MarketProblem) -> None:
        curves = problem.curves
        self.curves = curves
        self.lower, self.upper = curves.lower, curves.ceiling()
        self.bounded = np.isfinite(self.upper)
        endless = np.full(self.lower.size, np.inf)
        self.free: Curves = curves.with_bounds(-endless, endless)
        entries = np.maximum(np.diff(problem.incidence.indptr), 1)
        worth = np.abs(problem.incidence).T @ problem.row_price / entries
        self.price = np.maximum(worth, 1e-300)
        # A lane that could carry much is as small as the smaller of its ends.
        least = smallest_end(problem)
        scale = np.minimum(self.price * curves.steepest(), least)
        self.size = np.maximum(np.maximum(curves.reference, scale), 0.1 * least)
        room = np.where(self.bounded, self.upper - self.lower, np.inf)
        self.room = np.minimum(room, self.size)
        self.weight = self.room * self.price

    def slopes(self, x: Vector) -> tuple[Vector, Vector]:
        """Return φ' and φ''."""
        marginal = self.curves.margin + self.free.deviation(x)
        rise = self.free.response_slope(marginal)
        return marginal, 1.0 / np.maximum(rise, 1e-12 * self.size / self.price)


@dataclass
class Aim:
    """By how much the products of bounds and rows are to change."""

    lower: Vector
    upper: Vector
    row: Vector


@dataclass
class Residuals:
    """How far an iterate is from the optimality conditions."""

    rows: Vector
    activities: Vector
    curvature: Vector
    mean: float
    worst: float


def bounded(change: Vector, product: Vector, mean: Vector) -> Vector:
    """Return what a guess of the step would change products by, as far as it is believed.

    A guess many times as long as the way to the bounds would spoil the products of the step.
    """
    most = np.maximum(product, _BELIEVED * mean)
    return np.clip(change, -most, most)


def correction(product: Vector, target: Vector) -> Vector:
    """Return what brings products that are far from their target back to within a tenth and ten."""
    near = np.clip(product, _NEAR * target, target / _NEAR)
    return np.maximum(near - product, -target / _NEAR)


def length(value: Vector, step: Vector) -> float:
    """Return how far one may go along a step until a value reaches zero."""
    falling = step < 0.0
    return float(np.min(value[falling] / -step[falling], initial=np.inf))
