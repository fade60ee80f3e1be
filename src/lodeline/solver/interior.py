"""A primal-dual interior-point method for large markets with few binding couplings.

For ``min Σ φ(x), A x − s = b, l ≤ x ≤ u, s ≥ 0`` the steps follow Mehrotra (1992, SIAM J. Optim. 2,
575-601). Every step solves ``(A Θ⁻¹ Aᵀ + S Π⁻¹) dπ = …`` by a sparse Cholesky factorisation whose
pattern is analysed once.

* Every product of a distance and its multiplier is driven to ``μ w``: w is the size of the activity
  times its price, so that a small lane is as well centred as a large one.
* Rows that the caller calls *late* (limits on growth: many, of which few bind) stay out until an
  iterate breaks them, then come in with their neighbours. So the matrix stays that of the balances.
* A step that would be short is corrected for centring with the same factor (Gondzio 1996, Comput.
  Optim. Appl. 6, 137-156): a solution costs a fifth of a factorisation or less.
* Near the end Newton steps on the dual (see `newton`) finish: the levels are those with which
  everybody answers to the prices, ``x(π)``.

Legend: π, s price and surplus of rows; zl, zu multipliers of the bounds, dl, du distances to them;
Θ = φ'' + zl/dl + zu/du; rp, rd residuals of rows and activities; cl, cu, cr products.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lodeline.solver.certificate import certify
from lodeline.solver.curves import Vector
from lodeline.solver.dissection import Layout
from lodeline.solver.iterate import Activities, Aim, Point, Residuals, bounded, correction, length
from lodeline.solver.normal import NormalEquations
from lodeline.solver.presolve import reduce_problem
from lodeline.solver.problem import MarketProblem, Solution, Status

__all__ = ["Settings", "solve"]

Flags = NDArray[np.bool_]
Index = NDArray[np.intp]


@dataclass(frozen=True)
class Settings:
    """Settings of the interior-point method.

    Attributes
    ----------
    tolerance
        Largest certificate residual and gap of a solution.
    max_iterations
        Steps at most, each time it is tried.
    """

    tolerance: float = 1e-9
    max_iterations: int = 250


_FIRST = 0.1
"""Products of the first iterate, over their weights."""
_BOUNDARIES = ((0.95, 0.999), (0.8, 0.8))
"""Share of the way to the nearest bound that a step goes at most, far from the solution and near
it: first, and if that fails."""
_SHORT = 0.05
"""A step that is shorter is compared with one that only centres."""
_CENTRE = 0.5
"""σ of a step that only centres."""
_HALVINGS = 6
"""How often a step is halved, at most, that leaves larger residuals than before,"""
_RISE, _LARGE = 2.0, 1.0
"""by more than this factor, and above this (a price as far off as its reference)."""
_CORRECTORS = 3
"""Corrections for centring at most, each of which costs a solution with the same factor."""
_LONG = 0.9
"""A step that is longer is not corrected."""
_FURTHER = 1.5
"""How much further than the step allows a correction looks, as a factor and a tenth."""
_GAIN = 1.05
"""By how much longer a corrected step must be."""
_LOOK = 0.3
"""Mean product below which late rows are looked at, and its fall before the next look."""
_REACH = 1
"""How many rows to either side of a broken late row come in with it."""
_POLISH = 8
"""Newton steps on the dual at most, each time they are tried."""
_CLOSE, _CLOSER = 1e-5, 0.1
"""Products and residuals at which they are tried first, and their fall before the next time."""
_CLEARED = 1e-10
"""Scaled row residual at which they have succeeded."""
_EXHAUSTED = 1e-19
"""Mean product below which steps gain nothing more."""


def solve(
    problem: MarketProblem,
    late: Flags | None = None,
    settings: Settings | None = None,
    *,
    layout: Layout | None = None,
) -> Solution:
    """Solve a market by an interior-point method.

    Parameters
    ----------
    problem
        The market.
    late
        Rows to leave out until an iterate breaks them, shape (row,); default none.
    settings
        Tolerance and limits.
    layout
        Where the rows lie: makes the factor of a long horizon sparser (see `horizon.month_layout`).

    Returns
    -------
    Solution
        `Status.NOT_CONVERGED` is a result, not an exception: the certificate says how good it is.
    """
    settings = settings or Settings()
    reduction = reduce_problem(problem)
    waiting = np.zeros(problem.rhs.size, dtype=bool) if late is None else late
    own = None if layout is None else layout.of(reduction.rows)
    found: list[Solution] = []
    for boundaries in _BOUNDARIES:
        search = _Search(reduction.problem, waiting[reduction.rows], settings, own, boundaries)
        levels, prices = reduction.restore(*search.run())
        found.append(_proved(problem, levels, prices, search.iterations, settings.tolerance))
        if found[-1].status is Status.SOLVED:
            break
    best = min(found, key=_worst)
    return replace(best, iterations=sum(s.iterations for s in found))


def _proved(
    problem: MarketProblem, levels: Vector, prices: Vector, iterations: int, tolerance: float
) -> Solution:
    """Return the better of the levels found and everybody's answers to the prices."""
    answer = problem.curves.response(problem.incidence.T @ prices)
    pairs = [
        Solution(x, prices, Status.NOT_CONVERGED, iterations, certify(problem, x, prices))
        for x in (levels, answer)
    ]
    best = min(pairs, key=_worst)
    return replace(best, status=Status.SOLVED) if _worst(best) <= tolerance else best


def _worst(solution: Solution) -> float:
    return max(solution.certificate.residual, solution.certificate.gap)


class _Search:
    """Steps, and between them rows that come in late."""

    def __init__(
        self,
        problem: MarketProblem,
        late: Flags,
        settings: Settings,
        layout: Layout | None,
        boundaries: tuple[float, float],
    ) -> None:
        self.problem = problem
        self.settings = settings
        self.layout = layout
        self.boundaries, self.boundary = boundaries, boundaries[0]
        self.market = Activities(problem)
        self.matrix = sparse.csr_array(problem.incidence)
        self.pattern = abs(self.matrix)
        self.waiting = late.copy()
        self.iterations = 0
        self.system = NormalEquations(problem, np.flatnonzero(~late), layout)
        self.point = self._start()

    def run(self) -> tuple[Vector, Vector]:
        """Return levels and prices of all rows."""
        look, close = _LOOK, _CLOSE
        while self.iterations < self.settings.max_iterations:
            residuals = self._residuals(self.point)
            # As close as rounding lets it come, or lost: what there is must do.
            if not np.isfinite(residuals.mean) or residuals.mean < _EXHAUSTED:
                break
            if residuals.mean < look:
                look = _LOOK * residuals.mean
                if self._admit(self._broken(self.point.x), residuals.mean):
                    continue
            if max(residuals.mean, residuals.worst) < close:
                close = _CLOSER * max(residuals.mean, residuals.worst)
                prices, left = self._polished()
                x = self.market.curves.response(self.system.transposed @ prices)
                if left <= _CLEARED and not self._admit(self._broken(x), residuals.mean):
                    return x, self._spread(prices)
            self._step(residuals)
            self.iterations += 1
        prices, _ = self._polished()
        return self.point.x, self._spread(prices)

    def _spread(self, prices: Vector) -> Vector:
        out = np.zeros(self.problem.rhs.size)
        out[self.system.rows] = prices
        return out

    # where to begin, and with which rows

    def _start(self) -> Point:
        m, p, rows = self.market, self.problem, self.system.rows
        top = np.where(m.bounded, m.upper - 0.1 * m.room, np.inf)
        x = np.clip(p.curves.reference, m.lower + 0.1 * m.room, top)
        surplus = (self.matrix @ x - p.rhs)[rows]
        scale, price = p.row_scale[rows], p.row_price[rows]
        s = np.maximum(surplus, _FIRST * scale)
        # Limits (b < 0) start without a price unless they bind, balances with the reference price.
        pi = np.where(p.rhs[rows] < 0.0, np.minimum(_FIRST * price * scale / s, price), price)
        dl, du = x - m.lower, np.where(m.bounded, m.upper - x, 1.0)
        zl = _FIRST * m.weight / dl
        zu = np.where(m.bounded, _FIRST * m.weight / du, 0.0)
        return Point(x, dl, du, np.where(p.is_equality[rows], 0.0, s), pi, zl, zu)

    def _broken(self, x: Vector) -> Index:
        """Return late rows that x breaks, and their neighbours."""
        p = self.problem
        surplus = self.matrix @ x - p.rhs
        broken = self.waiting & (surplus < -0.01 * _CLEARED * p.row_scale)
        if broken.any():
            for _ in range(_REACH):
                touched = self.pattern.T @ broken.astype(float)
                broken = self.waiting & (broken | (self.pattern @ touched > 0.0))
        return np.flatnonzero(broken)

    def _admit(self, rows: Index, mean: float) -> bool:
        """Let late rows take part from here on; return whether there were any."""
        if rows.size == 0:
            return False
        p, before = self.problem, self.system.rows
        self.waiting[rows] = False
        now = np.flatnonzero(np.isin(np.arange(p.rhs.size), np.union1d(before, rows)))
        surplus = (self.matrix @ self.point.x - p.rhs)[now]
        scale = p.row_scale[now]
        s = np.maximum(surplus, np.sqrt(mean) * scale)
        pi = mean * scale * p.row_price[now] / s
        at = np.searchsorted(now, before)
        s[at], pi[at] = self.point.s, self.point.pi
        self.point.s, self.point.pi = s, pi
        self.system = NormalEquations(p, now, self.layout)
        return True

    # one step

    def _residuals(self, point: Point) -> Residuals:
        m, system = self.market, self.system
        marginal, curvature = m.slopes(point.x)
        activities = marginal - system.transposed @ point.pi - point.zl + point.zu
        rows = system.matrix @ point.x - point.s - system.rhs
        worst = max(
            float(np.max(np.abs(rows) / system.scale, initial=0.0)),
            float(np.max(np.abs(activities) / m.price, initial=0.0)),
        )
        return Residuals(rows, activities, curvature, self._mean(point), worst)

    def _mean(self, point: Point) -> float:
        """Return the mean product over its weight."""
        m, system = self.market, self.system
        total = float(np.sum((point.dl * point.zl + point.du * point.zu) / m.weight))
        inequality = ~system.is_equality
        total += float(np.sum((point.s * point.pi / (system.scale * system.price))[inequality]))
        return total / (m.lower.size + int(m.bounded.sum()) + int(inequality.sum()))

    def _step(self, r: Residuals) -> None:
        """Predict, centre and correct, move."""
        system, p = self.system, self.point
        far, near = self.boundaries
        self.boundary = max(far, min(near, 1.0 - np.sqrt(r.mean)))
        theta = r.curvature + p.zl / p.dl + p.zu / p.du
        equal = system.is_equality
        ratio = np.where(equal, 0.0, p.s / np.where(equal, 1.0, p.pi))
        solve = _Newton(self, r, 1.0 / theta, ratio)
        system.factorise(solve.inverse, ratio)
        guess = solve.direction(Aim(-p.dl * p.zl, -p.du * p.zu, -p.s * p.pi))
        left = self._mean(p.moved(guess, *self._lengths(guess, 1.0)))
        sigma = min(1.0, (left / r.mean) ** 3)
        aim = self._aim(r.mean, sigma, guess)
        step = solve.direction(aim)
        lengths = self._lengths(step, self.boundary)
        if min(lengths) < _SHORT:
            # The guess was far off, and with it the correction: only centre.
            sigma = max(sigma, _CENTRE)
            centring = self._aim(r.mean, sigma, None)
            other = solve.direction(centring)
            if min(self._lengths(other, self.boundary)) > min(lengths):
                aim, step, lengths = centring, other, self._lengths(other, self.boundary)
        step, (primal, dual) = self._centred(solve, aim, step, lengths, sigma * r.mean)
        self.point = self._moved(step, primal, dual, r)

    def _moved(self, step: Point, primal: float, dual: float, r: Residuals) -> Point:
        """Return the point after a step, shorter where it would undo the progress."""
        # Different lengths leave φ' behind by their difference.
        behind = (1.0 - dual) * r.activities + (primal - dual) * r.curvature * step.x
        if np.max(np.abs(behind) / self.market.price) > max(r.worst, 10.0 * r.mean):
            primal = dual = min(primal, dual)
        point = self.point.moved(step, primal, dual)
        # Past a kink of φ' whole steps may swap its two sides for ever.
        for _ in range(_HALVINGS):
            if self._residuals(point).worst <= max(_RISE * r.worst, _LARGE):
                break
            primal = dual = 0.5 * min(primal, dual)
            point = self.point.moved(step, primal, dual)
        return point

    def _aim(self, mean: float, sigma: float, guess: Point | None) -> Aim:
        """Return the change to products of σ times the mean, corrected for a guess of the step."""
        m, system, p = self.market, self.system, self.point
        aim = sigma * mean
        lower = aim * m.weight - p.dl * p.zl
        upper = np.where(m.bounded, aim * m.weight - p.du * p.zu, 0.0)
        row = aim * system.scale * system.price - p.s * p.pi
        if guess is not None:
            weight = system.scale * system.price
            lower -= bounded(guess.dl * guess.zl, p.dl * p.zl, mean * m.weight)
            upper -= bounded(guess.du * guess.zu, p.du * p.zu, mean * m.weight)
            row -= bounded(guess.s * guess.pi, p.s * p.pi, mean * weight)
        return Aim(lower, upper, row)

    def _centred(
        self,
        solve: _Newton,
        aim: Aim,
        step: Point,
        lengths: tuple[float, float],
        mean: float,
    ) -> tuple[Point, tuple[float, float]]:
        """Correct a step where it would spoil the centring (Gondzio 1996), as long as it pays."""
        m, system, p = self.market, self.system, self.point
        for _ in range(_CORRECTORS):
            if min(lengths) > _LONG:
                break
            further = [min(1.0, _FURTHER * a + 0.1) for a in lengths]
            ahead = p.moved(step, *further)
            weight = system.scale * system.price
            aim = Aim(
                aim.lower + correction(ahead.dl * ahead.zl, mean * m.weight),
                np.where(
                    m.bounded, aim.upper + correction(ahead.du * ahead.zu, mean * m.weight), 0.0
                ),
                aim.row + correction(ahead.s * ahead.pi, mean * weight),
            )
            other = solve.direction(aim)
            reach = self._lengths(other, self.boundary)
            if min(reach) < _GAIN * min(lengths):
                break
            step, lengths = other, reach
        return step, lengths

    def _lengths(self, step: Point, share: float) -> tuple[float, float]:
        """Return how far levels and prices may go, at most 1."""
        p, equal = self.point, self.system.is_equality
        primal = min(length(p.dl, step.dl), length(p.du, step.du), length(p.s, step.s))
        dual = min(
            length(p.zl, step.zl),
            length(p.zu, step.zu),
            length(np.where(equal, np.inf, p.pi), step.pi),
        )
        return min(1.0, share * primal), min(1.0, share * dual)

    # the end

    def _polished(self) -> tuple[Vector, float]:
        """Return prices at which the answers clear the rows, and what is left of the imbalance."""
        system, curves = self.system, self.market.curves
        equal, floor = system.is_equality, system.scale / system.price
        relative = self.point.pi / system.price
        idle = ~equal & (relative < self.point.s / system.scale) & (relative < 1e-4)
        pi = np.where(idle, 0.0, self.point.pi)
        best, least = pi, np.inf
        for _ in range(_POLISH):
            margin = system.transposed @ pi
            surplus = system.matrix @ curves.response(margin) - system.rhs
            scaled = surplus / system.scale
            natural = np.where(equal, scaled, np.minimum(scaled, pi / system.price))
            worst = float(np.max(np.abs(natural), initial=0.0))
            if not worst < 10.0 * least:
                break
            if worst < least:
                best, least = pi, worst
            if worst <= 0.01 * _CLEARED:
                break
            slope = curves.response_slope(margin)
            idle = ~equal & (pi <= 0.0) & (surplus > 0.0)
            ridge = 1e-9 * ((system.matrix**2) @ slope + floor * min(1.0, worst))
            system.factorise(slope, np.where(idle, 1e20 * floor, ridge))
            pi = pi - system.solve(np.where(idle, 0.0, surplus))
            pi = np.where(equal, pi, np.maximum(pi, 0.0))
        return best, least


@dataclass
class _Newton:
    """The linear system of a step, factorised: solved for one aim after another."""

    search: _Search
    residuals: Residuals
    inverse: Vector
    ratio: Vector

    def direction(self, aim: Aim) -> Point:
        """Return the step that changes the products as aimed and removes the residuals."""
        system, p, r = self.search.system, self.search.point, self.residuals
        equal = system.is_equality
        lower, upper = aim.lower / p.dl, aim.upper / p.du
        row = np.where(equal, 0.0, aim.row / np.where(equal, 1.0, p.pi))
        wish = -r.activities + lower - upper
        dpi = system.solve(-r.rows + row - system.matrix @ (self.inverse * wish))
        dx = self.inverse * (system.transposed @ dpi + wish)
        return Point(
            dx,
            dx,
            np.where(self.search.market.bounded, -dx, 0.0),
            row - self.ratio * dpi,
            dpi,
            lower - p.zl / p.dl * dx,
            upper + p.zu / p.du * dx,
        )
