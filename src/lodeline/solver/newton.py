"""The reference solver: a projected semismooth Newton method on the dual, sparse and readable.

The dual of the market problem is ``min D(π) = Σ φ*ₐ((Aᵀπ)ₐ) − bᵀπ`` over ``π ≥ 0``. It is convex
and once differentiable: its gradient is the surplus ``r = A x(π) − b``, its generalised Hessian
``A diag(x') Aᵀ``. Each step

1. leaves out rows whose price is zero and whose surplus is not (disposal);
2. solves ``(A x' Aᵀ + δ W) d = −r`` on the others. W weighs a row by its throughput over its
   price, so with δ = 1 a shortage of the whole throughput doubles the price (Levenberg-Marquardt):
   rows all of whose activities sit at a bound have no slope of their own;
3. clips d to once the price of each row: a small row on a flat piece of its curve would else jump
   from one end of the curve to the other for ever;
4. goes along ``max(0, π + t d)``, halving t until D has fallen enough (Armijo);
5. widens δ after a short step and narrows it after a full one.

See Bertsekas (1982), *Projected Newton methods*, SIAM J. Control Optim. 20, for the row selection;
Qi and Sun (1993), Math. Program. 58, for semismooth Newton.

Legend: A incidence, π prices, x levels, x' slope of the response, r surplus, d step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from lodeline.solver.certificate import certify, natural_residual
from lodeline.solver.curves import Vector
from lodeline.solver.problem import MarketProblem, Solution, Status

__all__ = ["Settings", "solve"]


@dataclass(frozen=True)
class Settings:
    """Settings of the reference solver.

    Attributes
    ----------
    tolerance
        Largest scaled row residual at which the search stops.
    acceptable
        Residual at which it also stops when rounding allows no progress.
    max_iterations
        Newton steps at most.
    ridge
        First δ; then adapted.
    armijo
        Share of the predicted fall of D that a step must achieve.
    """

    tolerance: float = 1e-13
    acceptable: float = 1e-9
    max_iterations: int = 300
    ridge: float = 1e-3
    armijo: float = 1e-4


_HALVINGS = 8
_PATIENCE = 4
_WIDEST, _NARROWEST = 1e6, 1e-12
_LONGEST_STEP = 1.0
"""Largest change of a price in one step, over the larger of the price and its reference."""


def solve(
    problem: MarketProblem, start: Vector | None = None, settings: Settings | None = None
) -> Solution:
    """Clear the market.

    Parameters
    ----------
    problem
        The market.
    start
        Prices to start from, USD/t, shape (row,); default `problem.row_price`.
    settings
        Tolerance and limits.

    Returns
    -------
    Solution
        Levels, prices, certificate. `Status.NOT_CONVERGED` is a result, not an exception: the
        certificate says how good the point is.
    """
    settings = settings or Settings()
    prices = (problem.row_price if start is None else start).copy()
    prices[~problem.is_equality] = np.maximum(prices[~problem.is_equality], 0.0)
    incidence = sparse.csr_array(problem.incidence)
    weight = problem.row_scale / problem.row_price
    ridge = settings.ridge

    value, levels, surplus = _dual(problem, prices)
    iteration = stalled = 0
    best = np.inf
    status = Status.NOT_CONVERGED
    while True:
        worst = float(natural_residual(problem, surplus, prices).max(initial=0.0))
        stalled = 0 if worst < 0.5 * best else stalled + 1
        best = min(best, worst)
        if worst <= settings.tolerance or (worst <= settings.acceptable and stalled > _PATIENCE):
            status = Status.SOLVED
            break
        if iteration == settings.max_iterations or ridge >= _WIDEST:
            break
        iteration += 1
        working = _working_rows(problem, prices, surplus)
        delta = ridge * min(1.0, worst)
        step = _newton_step(problem, incidence, prices, surplus, working, delta * weight)
        moved = _search(problem, prices, value, surplus, step, settings)
        if moved is None:
            ridge *= 100.0
            continue
        prices, value, levels, surplus, length = moved
        if length < 0.3:
            ridge *= 10.0
        elif length == 1.0:
            ridge = max(_NARROWEST, 0.1 * ridge)
    certificate = certify(problem, levels, prices)
    return Solution(levels, prices, status, iteration, certificate)


def _dual(problem: MarketProblem, prices: Vector) -> tuple[float, Vector, Vector]:
    """Return D(π) up to a constant, the levels and the surplus."""
    curves = problem.curves
    margin = problem.incidence.T @ prices
    levels = curves.response(margin)
    surplus = problem.incidence @ levels - problem.rhs
    conjugate = (margin - curves.margin) * levels - curves.adjustment(levels)
    return float(conjugate.sum() - problem.rhs @ (prices - problem.row_price)), levels, surplus


def _working_rows(problem: MarketProblem, prices: Vector, surplus: Vector) -> NDArray[np.bool_]:
    """Return the rows to solve for: all but those at price zero with a surplus."""
    near_zero = prices <= 1e-12 * problem.row_price
    idle = ~problem.is_equality & near_zero & (surplus > 0.0)
    return ~idle


def _newton_step(
    problem: MarketProblem,
    incidence: sparse.csr_array,
    prices: Vector,
    surplus: Vector,
    working: NDArray[np.bool_],
    rho: Vector,
) -> Vector:
    """Return the Newton direction, zero on idle rows and clipped, USD/t, shape (row,)."""
    slope = problem.curves.response_slope(problem.incidence.T @ prices)
    rows = incidence[working]
    hessian = sparse.csr_array((rows * slope) @ rows.T)
    hessian = hessian + sparse.diags_array(rho[working] + 1e-15 * hessian.diagonal())
    # Rows differ by orders of magnitude in throughput: solve the symmetrically scaled system.
    scale = 1.0 / np.sqrt(hessian.diagonal())
    balance = sparse.diags_array(scale)
    factors = splu(
        sparse.csc_array(balance @ hessian @ balance),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    step = np.zeros_like(prices)
    step[working] = -scale * factors.solve(scale * surplus[working])
    longest = _LONGEST_STEP * np.maximum(np.abs(prices), problem.row_price)
    return np.clip(step, -longest, longest)


def _search(
    problem: MarketProblem,
    prices: Vector,
    value: float,
    surplus: Vector,
    step: Vector,
    settings: Settings,
) -> tuple[Vector, float, Vector, Vector, float] | None:
    """Return the first point along the projected step that lowers D enough, or None."""
    length = 1.0
    for _ in range(_HALVINGS):
        trial = prices + length * step
        trial = np.where(problem.is_equality, trial, np.maximum(trial, 0.0))
        new_value, levels, new_surplus = _dual(problem, trial)
        moved = trial - prices
        predicted = float(surplus @ moved)
        # D is convex: if it still falls along the step at its end, it has fallen all the way.
        # Close to the solution this is seen in the surplus long after rounding hides it in D.
        is_falling = predicted < 0.0 and float(new_surplus @ moved) <= 0.0
        if is_falling or new_value <= value + settings.armijo * predicted:
            return trial, new_value, levels, new_surplus, length
        length *= 0.5
    return None
