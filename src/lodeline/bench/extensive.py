"""A plan's two stages as one big problem, for comparison: all futures side by side.

    minimise   f·x + Σ pₛ Σ φ(zₛ)   subject to   Aₛ zₛ ≥ b₀ − D x,  l ≤ zₛ ≤ u₀,  zₛ ≤ U x,  G x ≤ d

With straight curves φ is quadratic and the whole a QP in (x, z₁, …, zₙ), for continuous measures
and a goal without tail. With every φ cut into straight pieces it is a mixed-integer linear problem.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lodeline.errors import InputError
from lodeline.solver.curves import CurveKind
from lodeline.studies.plan.menu import Menu
from lodeline.studies.plan.recourse import Recourse

__all__ = [
    "Extensive",
    "Found",
    "Pieces",
    "extensive_form",
    "in_pieces",
    "solve_by_highs",
    "solve_by_piqp",
]

Vector = NDArray[np.float64]
Flags = NDArray[np.bool_]

UNIT = 1e6
"""USD in which the big problem counts."""
_OPTIMAL = highspy.HighsModelStatus.kOptimal


@dataclass(frozen=True)
class Extensive:
    """The big problem: ``½ vᵀ diag(h) v + cᵀ v``, ``low <= A v <= high``, ``lower <= v <= upper``.

    Attributes
    ----------
    quadratic, linear
        h and c, millions of USD, shape (variable,); the first variables are x.
    matrix, low, high, lower, upper
        Constraints.
    constant
        Millions of USD.
    is_integer
        Shape (variable,).
    choices
        Number of variables that are x.
    """

    quadratic: Vector
    linear: Vector
    matrix: sparse.csc_array
    low: Vector
    high: Vector
    lower: Vector
    upper: Vector
    constant: float
    is_integer: Flags
    choices: int


@dataclass(frozen=True)
class Found:
    """What a peer finds: its value and bound (USD), plan and seconds of one core."""

    value: float
    bound: float
    plan: Vector
    seconds: float


def extensive_form(menu: Menu, recourses: Sequence[Recourse], probability: Vector) -> Extensive:
    """Return the big problem of a menu and its futures.

    Raises
    ------
    InputError
        If a curve is bent: the big problem would be no QP.
    """
    rules, limit = menu.constraints(menu.partners)
    j = menu.size
    h, c = [np.zeros(j)], [menu.charge / UNIT]
    lower, upper = [np.zeros(j)], [menu.modules]
    constant = 0.0
    left, blocks = [rules], []
    low, high = [np.full(limit.size, -np.inf)], [limit]
    for r, p in zip(recourses, probability, strict=True):
        curves = r.problem.curves
        if np.any(curves.kind != CurveKind.LINEAR):
            raise InputError("the big problem needs straight curves.")
        h.append(p * curves.slope / UNIT)
        c.append(p * (curves.margin - curves.slope * curves.reference) / UNIT)
        constant += p * (0.5 * float(curves.slope @ curves.reference**2) + r.constant) / UNIT
        top = curves.upper.copy()
        top[r.columns] = np.inf
        lower.append(curves.lower)
        upper.append(top)
        rows, size = r.problem.incidence.shape
        stocked = np.zeros((rows, j))
        stocked[r.stock_rows] = r.stocked
        own = np.arange(r.columns.size)
        pick = sparse.csr_array((np.ones(own.size), (own, r.columns)), shape=(own.size, size))
        binds = ~r.loose
        left += [sparse.csr_array(stocked[binds]), -r.capacity]
        blocks.append(sparse.vstack([r.problem.incidence.tocsr()[binds], pick]))
        low += [r.problem.rhs[binds], np.full(own.size, -np.inf)]
        equal = np.where(r.problem.is_equality, r.problem.rhs, np.inf)
        high += [equal[binds], np.zeros(own.size)]
    futures = sparse.block_diag([sparse.csr_array((limit.size, 0)), *blocks])
    total = sum(v.size for v in h)
    return Extensive(
        quadratic=np.concatenate(h),
        linear=np.concatenate(c),
        matrix=sparse.csc_array(sparse.hstack([sparse.vstack(left), futures])),
        low=np.concatenate(low),
        high=np.concatenate(high),
        lower=np.concatenate(lower),
        upper=np.concatenate(upper),
        constant=constant,
        is_integer=np.concatenate([menu.is_integer, np.zeros(total - j, dtype=np.bool_)]),
        choices=j,
    )


def solve_by_piqp(problem: Extensive, *, tolerance: float = 1e-8) -> Found:
    """Solve the big problem by PIQP, measures divisible.

    Raises
    ------
    InputError
        If PIQP gives up.
    """
    import piqp

    equal = problem.low == problem.high
    matrix = problem.matrix.tocsr()
    began = time.process_time()
    solver = piqp.SparseSolver()
    solver.settings.eps_abs = tolerance
    solver.settings.eps_rel = tolerance
    solver.settings.eps_duality_gap_abs = tolerance
    solver.settings.eps_duality_gap_rel = tolerance
    solver.settings.max_iter = 500
    solver.setup(
        sparse.csc_matrix(sparse.diags(problem.quadratic)),
        problem.linear,
        sparse.csc_matrix(matrix[equal]),
        problem.low[equal],
        sparse.csc_matrix(matrix[~equal]),
        problem.low[~equal],
        problem.high[~equal],
        problem.lower,
        problem.upper,
    )
    status = solver.solve()
    seconds = time.process_time() - began
    if status != piqp.PIQP_SOLVED:
        raise InputError(f"PIQP did not solve the big problem ({status}). Take fewer futures.")
    x = np.array(solver.result.x)
    value = 0.5 * float(problem.quadratic @ x**2) + float(problem.linear @ x) + problem.constant
    return Found(UNIT * value, UNIT * value, x[: problem.choices], seconds)


@dataclass(frozen=True)
class Pieces:
    """A problem with every curve replaced by tangents from below: linear, some columns whole.

    Columns are those of the big problem and one for the cost of each curve.

    Attributes
    ----------
    cost, lower, upper, is_integer
        By column; money in millions of USD.
    matrix, low, high
        ``low <= A v <= high``.
    constant
        What the objective leaves out, millions of USD.
    choices
        Number of first-stage columns, at the front.
    """

    cost: Vector
    matrix: sparse.csr_array
    low: Vector
    high: Vector
    lower: Vector
    upper: Vector
    is_integer: Flags
    constant: float
    choices: int


def in_pieces(problem: Extensive, *, pieces: int = 8) -> Pieces:
    """Return a problem with its curves in pieces; its value is at most the true one.

    Parameters
    ----------
    problem
        The big problem, of one future or many.
    pieces
        Tangents of every curve, spread evenly from its lower bound to twice its middle.
    """
    curved = np.flatnonzero(problem.quadratic > 0.0)
    count, size = curved.size, problem.linear.size
    middle = np.maximum(-problem.linear[curved] / problem.quadratic[curved], 0.0)
    top = np.minimum(problem.upper[curved], 2.0 * np.maximum(middle, 1e-9))
    floor = problem.lower[curved]
    share = np.linspace(0.0, 1.0, pieces)
    # epigraph: w >= ½ h t² + h t (v − t), rows  w − h t v >= −½ h t²
    at = floor[None, :] + share[:, None] * np.maximum(top - floor, 0.0)[None, :]
    bend = problem.quadratic[curved]
    rows = np.arange(pieces * count)
    own = np.tile(np.arange(count), pieces)
    tangents = sparse.csr_array(
        (
            np.concatenate([np.ones(rows.size), -(bend * at).ravel()]),
            (np.concatenate([rows, rows]), np.concatenate([size + own, curved[own]])),
        ),
        shape=(rows.size, size + count),
    )
    wide = sparse.hstack([problem.matrix, sparse.csr_array((problem.matrix.shape[0], count))])
    return Pieces(
        cost=np.concatenate([problem.linear, np.ones(count)]),
        matrix=sparse.csr_array(sparse.vstack([wide, tangents])),
        low=np.concatenate([problem.low, -(0.5 * bend * at**2).ravel()]),
        high=np.concatenate([problem.high, np.full(rows.size, np.inf)]),
        lower=np.concatenate([problem.lower, np.zeros(count)]),
        upper=np.concatenate([problem.upper, np.full(count, np.inf)]),
        is_integer=np.concatenate([problem.is_integer, np.zeros(count, dtype=np.bool_)]),
        constant=problem.constant,
        choices=problem.choices,
    )


def solve_by_highs(problem: Extensive, *, gap: float, limit: float = 600.0) -> Found:
    """Solve the big problem by HiGHS, its curves in pieces.

    Parameters
    ----------
    problem
        The big problem.
    gap
        Relative gap at which HiGHS may stop.
    limit
        Seconds at most.

    Raises
    ------
    InputError
        If HiGHS does not reach the gap in time.
    """
    linear = in_pieces(problem)
    began = time.process_time()
    model = highspy.HighsLp()
    model.num_row_, model.num_col_ = linear.matrix.shape
    model.col_cost_, model.col_lower_, model.col_upper_ = linear.cost, linear.lower, linear.upper
    model.row_lower_, model.row_upper_ = linear.low, linear.high
    model.offset_ = linear.constant
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = linear.matrix.indptr
    model.a_matrix_.index_ = linear.matrix.indices
    model.a_matrix_.value_ = linear.matrix.data
    whole, part = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
    model.integrality_ = [whole if w else part for w in linear.is_integer]
    highs = highspy.Highs()  # type: ignore[no-untyped-call]
    options = {"output_flag": False, "threads": 1, "mip_rel_gap": gap, "time_limit": limit}
    for name, value in options.items():
        highs.setOptionValue(name, value)
    highs.passModel(model)
    highs.run()
    seconds = time.process_time() - began
    info = highs.getInfo()
    if info.primal_solution_status != 2 or highs.getModelStatus() != _OPTIMAL:
        raise InputError(f"HiGHS did not reach the gap in {limit:.0f} s")
    plan = np.array(highs.getSolution().col_value[: problem.choices])
    found = info.objective_function_value
    bound = info.mip_dual_bound if problem.is_integer.any() else found
    return Found(UNIT * found, UNIT * bound, plan, seconds)
