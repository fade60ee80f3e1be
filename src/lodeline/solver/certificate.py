"""Prove a solution from the optimality conditions, whoever found it.

For ``min Σ φ(x), A x ≥ b, l ≤ x ≤ u`` with prices π ≥ 0 the pair (x, π) is optimal if and only if

* primal           ``A x ≥ b`` and ``l ≤ x ≤ u``
* dual             ``φ'(x) = Aᵀπ`` inside the bounds, ``≥`` at l, ``≤`` at u; ``π ≥ 0``
* complementarity  ``π (A x − b) = 0``

and then the gap ``Σ φ(x) + Σ φ*(Aᵀπ) − bᵀπ`` is zero.
"""

from __future__ import annotations

import numpy as np

from lodeline.solver.curves import Vector
from lodeline.solver.problem import Certificate, MarketProblem

__all__ = ["certify", "natural_residual"]


def natural_residual(problem: MarketProblem, surplus: Vector, prices: Vector) -> Vector:
    """Return how far each row is from balance, over its throughput, shape (row,).

    For an equality row the surplus itself; else ``min(surplus, π)``, both scaled: zero exactly
    where surplus ≥ 0, π ≥ 0 and one of them is zero.
    """
    scaled = surplus / problem.row_scale
    natural = np.minimum(scaled, prices / problem.row_price)
    return np.where(problem.is_equality, np.abs(scaled), np.abs(natural))


def certify(problem: MarketProblem, levels: Vector, prices: Vector) -> Certificate:
    """Return the certificate of levels (t/month) and prices (USD/t).

    Parameters
    ----------
    problem
        The problem.
    levels
        Shape (activity,).
    prices
        Shape (row,).
    """
    curves = problem.curves
    surplus = problem.incidence @ levels - problem.rhs
    scaled = surplus / problem.row_scale
    row_violation = np.where(problem.is_equality, np.abs(scaled), np.maximum(0.0, -scaled))
    size = _activity_size(problem)
    bound_violation = np.maximum(curves.lower - levels, levels - curves.upper) / size

    margin = problem.incidence.T @ prices
    price_level = np.maximum(np.abs(problem.incidence).T @ problem.row_price, 1e-300)
    difference = (curves.margin + curves.deviation(levels) - margin) / price_level
    # Zero exactly where the marginal cost equals the margin or the bound explains the difference.
    wants_less = np.minimum(difference, (levels - curves.lower) / size)
    wants_more = np.minimum(-difference, (curves.ceiling() - levels) / size)
    negative = np.where(problem.is_equality, 0.0, -prices / problem.row_price)

    complementary = np.where(problem.is_equality, 0.0, scaled * prices / problem.row_price)
    return Certificate(
        primal=_worst(row_violation, bound_violation),
        dual=_worst(wants_less, wants_more, negative),
        complementarity=_worst(np.abs(complementary)),
        gap=_gap(problem, levels, prices, margin),
    )


def _activity_size(problem: MarketProblem) -> Vector:
    """Return what an activity's distances from its bounds are weighed by, t/month.

    Its reference, or the smallest throughput among its rows if larger: never its bounds, which
    may be no more than a very large number.
    """
    incidence = problem.incidence
    size = np.zeros(incidence.shape[1])
    filled = np.diff(incidence.indptr) > 0
    per_entry = problem.row_scale[incidence.indices] / np.maximum(np.abs(incidence.data), 1e-300)
    size[filled] = np.minimum.reduceat(per_entry, incidence.indptr[:-1][filled])
    return np.maximum(np.maximum(size, problem.curves.reference), 1e-300)


def _gap(problem: MarketProblem, levels: Vector, prices: Vector, margin: Vector) -> float:
    """Return the relative duality gap.

    The linear parts of φ and φ* cancel in exact arithmetic; they are cancelled here too,
    so that the rounding of large turnovers does not hide the gap.
    """
    curves = problem.curves
    best = curves.response(margin)
    surplus_part = (margin - curves.margin) * best - curves.adjustment(best)
    cost_part = (curves.margin - margin) * levels + curves.adjustment(levels)
    turnover = np.abs(problem.incidence).T @ problem.row_price
    value = float(np.sum(turnover * np.maximum(levels, curves.reference)))
    complementarity = float(prices @ (problem.incidence @ levels - problem.rhs))
    gap = float(np.sum(cost_part + surplus_part)) + complementarity
    return _worst(np.array([abs(gap) / max(value, 1e-300)]))


def _worst(*parts: Vector) -> float:
    """Return the largest of all numbers, infinite where one is none: it must not pass as small."""
    largest = float(np.max([np.max(p, initial=0.0) for p in parts], initial=0.0))
    return np.inf if np.isnan(largest) else largest
