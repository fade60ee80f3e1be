"""One future of one chain: what it costs the world under a plan, with bounds that hold.

    Q(x) = min Σ φ(z)   subject to   A z ≥ b(x),  l ≤ z ≤ u(x)

over all periods of the plan, as a market that knew the future (`studies.foresight`). The plan x
adds capacity, u = u₀ + U x, and stocks, b = b₀ − D x. For any prices π ≥ 0

    g(π; x) = πᵀ b(x) + Σ min { φ(z) − (Aᵀπ) z : l ≤ z ≤ u(x) }  ≤  Q(x)

is a lower bound, whatever solver found π and however exactly: g is affine in b, convex in u and
explicit. Its tangent at x̂ is a lower bound at every other plan too: the cut. The upper bound is
the cost of the levels that the solver found, with whatever they leave unbalanced bought at the
price at which users go without.

Q is the world's cost against the base year: 0 where nothing happens and nothing is built.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lodeline.network import Network, RowKind
from lodeline.network.network import NO_LIMIT, PRICE_CAP
from lodeline.solver.again import Again, Patterns
from lodeline.solver.curves import CHOKE_OVER_CAP, Curves
from lodeline.solver.dissection import Layout
from lodeline.solver.horizon import Growth, Horizon, month_layout, over_months
from lodeline.solver.problem import MarketProblem
from lodeline.studies.plan.columns import Columns

__all__ = ["Bounds", "Future", "Recourse", "recourse_of"]

Vector = NDArray[np.float64]
Index = NDArray[np.intp]

_ANCHOR = 0.3
"""Modules of every choice at which the solver settles: no bound is tight, all plans are near."""
_TRACE = 1e-9
"""Normal stock below this share of its row's throughput does not move."""


@dataclass(frozen=True)
class Future:
    """What one future does to a chain, by month; N activities of the network without measures.

    Attributes
    ----------
    reference, margin, slope, elasticity, cap, capacity
        As in `Network`, shape (activity,).
    lane_growth, rebuild
        Shares a month.
    growth_base
        t/month, shape (lane,).
    limit
        t/month, shape (month, limit); infinite where nothing binds.
    output_factor
        Share of capacity, shape (month, activity).
    tax
        USD/t, shape (month, activity).
    """

    reference: Vector
    margin: Vector
    slope: Vector
    elasticity: Vector
    cap: Vector
    capacity: Vector
    lane_growth: float
    rebuild: float
    growth_base: Vector
    limit: Vector
    output_factor: Vector
    tax: Vector


@dataclass(frozen=True)
class Bounds:
    """Bounds on Q at a plan and the cut there, USD.

    Attributes
    ----------
    lower, upper
        ``lower <= Q(x) <= upper``.
    slope
        ``Q(y) >= lower + slope @ (y − x)`` for every plan y >= 0, shape (choice,).
    """

    lower: float
    upper: float
    slope: Vector


@dataclass(frozen=True)
class Recourse:
    """A future of a chain, ready to be asked what it costs under a plan.

    Attributes
    ----------
    problem
        Without measures: their columns have the upper bound 0, their stocks hold nothing.
    late, layout
        See `interior.solve`.
    columns
        Positions of the measures' columns, shape (column,).
    capacity
        U, t/period that a unit of each choice adds to them, shape (column, choice).
    stock_rows, stocked
        Rows of stocks, one for each period by whose end no more can be released than has been
        bought, and D, tonnes that a unit of each choice adds, shape (stock row, choice).
    constant
        What makes the cost of the base year zero, USD.
    start
        Reference prices: those of the base year, limits without one, USD/t, shape (row,).
    loose
        Limits that limit nothing in this future, shape (row,). They have their entries all the
        same, so that all futures of a chain have one pattern.
    patterns
        Factors, which all futures of a chain share.
    """

    problem: MarketProblem
    late: NDArray[np.bool_]
    layout: Layout
    columns: Index
    capacity: sparse.csr_array
    stock_rows: Index
    stocked: Vector
    constant: float
    start: Vector
    loose: NDArray[np.bool_]
    patterns: Patterns

    @cached_property
    def _again(self) -> Again:
        """The solver, settled where some of everything is there."""
        again = Again(self.late, self.layout, self.start, self.patterns)
        choices = self.capacity.shape[1]
        again.settle(self.at(np.full(choices, _ANCHOR)))
        return again

    def at(self, plan: Vector) -> MarketProblem:
        """Return the problem under a plan, shape (choice,)."""
        curves = self.problem.curves
        upper = curves.upper.copy()
        upper[self.columns] = self.capacity @ plan
        rhs = self.problem.rhs.copy()
        rhs[self.stock_rows] = -(self.stocked @ plan)
        return self.problem.with_rhs(rhs).with_curves(curves.with_bounds(curves.lower, upper))

    def evaluate(self, plan: Vector) -> Bounds:
        """Return bounds on the cost of a plan and the cut there."""
        problem = self.at(plan)
        answer = self._again.solve(problem)
        lower, slope = self.bound(problem, answer.prices)
        return Bounds(lower, self.cost(problem, answer.levels), slope)

    def bound(self, problem: MarketProblem, prices: Vector) -> tuple[float, Vector]:
        """Return g(π; x) and its slope in x, USD.

        Parameters
        ----------
        problem
            The problem under a plan, see `at`.
        prices
            Any π, non-negative where the row is no equality, shape (row,).
        """
        curves = problem.curves
        q = problem.incidence.T @ prices
        best = curves.response(q)
        kept = (curves.margin - q) * best + curves.adjustment(best)
        own = self.columns
        # d/du min over [0, u]: the marginal gain at u, as long as more would be wanted
        marginal = (curves.margin + curves.deviation(best) - q)[own]
        wanted = np.where(best[own] >= curves.upper[own], np.minimum(marginal, 0.0), 0.0)
        slope = self.capacity.T @ wanted - self.stocked.T @ prices[self.stock_rows]
        return float(kept.sum() + prices @ problem.rhs) + self.constant, np.asarray(slope)

    def cost(self, problem: MarketProblem, levels: Vector) -> float:
        """Return the cost of levels, what they leave unbalanced paid at the choke price, USD."""
        curves = problem.curves
        inside = np.clip(levels, curves.lower, curves.upper)
        missing = problem.rhs - problem.incidence @ inside
        missing = np.where(problem.is_equality, np.abs(missing), np.maximum(missing, 0.0))
        paid = CHOKE_OVER_CAP * PRICE_CAP * float(problem.row_price @ missing)
        return float(curves.cost(inside).sum()) + paid + self.constant

    def sharing(self, other: Recourse) -> Recourse:
        """Return the same with every array that equals the other's being the other's."""
        one, two = self.problem, other.problem
        curves = replace(one.curves, **_equal_arrays(one.curves, two.curves))
        same = np.array_equal(one.incidence.indices, two.incidence.indices) and np.array_equal(
            one.incidence.indptr, two.incidence.indptr
        )
        pattern = two.incidence if same else one.incidence
        incidence = sparse.csc_array(
            (one.incidence.data, pattern.indices, pattern.indptr), shape=one.incidence.shape
        )
        problem = replace(one, curves=curves, incidence=incidence, **_equal_arrays(one, two))
        layout = replace(self.layout, **_equal_arrays(self.layout, other.layout))
        return replace(self, problem=problem, layout=layout, **_equal_arrays(self, other))


_Record = MarketProblem | Curves | Layout | Recourse


def _equal_arrays(one: _Record, other: _Record) -> dict[str, Any]:
    """Return the arrays of another record that equal one's own, by name."""
    out = {}
    for name in (f.name for f in fields(one)):
        own, its = getattr(one, name), getattr(other, name)
        if isinstance(own, np.ndarray) and np.array_equal(own, its):
            out[name] = its
    return out


def recourse_of(
    network: Network,
    columns: Columns,
    future: Future,
    *,
    period: int,
    patterns: Patterns | None = None,
) -> Recourse:
    """Return the recourse of a future.

    Parameters
    ----------
    network
        The chain's network with the measures' columns at the end, see `columns.extended`.
    columns
        Those columns.
    future
        What the future does, by month.
    period
        Months of a period; must divide the months of the future.
    patterns
        Factors that other futures of the chain use too; default its own.
    """
    own = network.activities - columns.size
    periods = future.limit.shape[0] // period
    horizon = _horizon(network, columns, future, period)
    problem = over_months(horizon)
    stores = horizon.stores
    # Stocks at the end are worth what their holders expect: the reference price, no more.
    lower = problem.curves.lower.reshape(periods, -1).copy()
    upper = problem.curves.upper.reshape(periods, -1).copy()
    trace = horizon.terminal < _TRACE * network.row_scale[horizon.store_rows]
    lower[-1, stores] = np.where(trace, horizon.terminal, 0.0)
    upper[-1, stores] = np.where(trace, horizon.terminal, np.inf)
    problem = problem.with_curves(problem.curves.with_bounds(lower.ravel(), upper.ravel()))
    rows = horizon.rhs.size
    late = np.arange(problem.rhs.size) >= rows
    until = _stocks_until(columns, periods)
    problem = _with_stocks(problem, columns, until, own, network)
    stock_rows = np.arange(late.size, problem.rhs.size)
    # That stocks of later years are not released before is seldom at stake.
    early = np.array([u.period < periods - 1 for u in until], dtype=np.bool_)
    where = (
        np.arange(periods)[:, None] * network.activities + own + np.arange(columns.size)
    ).ravel()
    by_period = columns.capacity.reshape(columns.size, periods, period, -1).sum(axis=2)
    capacity = by_period.transpose(1, 0, 2).reshape(where.size, -1)
    opening = future.reference[stores]
    is_limit = np.tile(network.row_kind == RowKind.LIMIT, periods)
    start = np.zeros(problem.rhs.size)
    start[:rows] = np.where(is_limit, 0.0, np.tile(network.row_price, periods))
    loose = np.zeros(problem.rhs.size, dtype=np.bool_)
    loose[:rows] = is_limit & (horizon.rhs.ravel() <= _loosest(network, period, periods).ravel())
    return Recourse(
        problem=problem,
        late=np.concatenate([late, early]),
        layout=month_layout(horizon).followed_by(len(until)),
        columns=where,
        capacity=sparse.csr_array(capacity),
        stock_rows=stock_rows,
        stocked=np.array([u.tonnes for u in until]).reshape(len(until), columns.held.shape[2]),
        constant=float(network.row_price[horizon.store_rows] @ opening),
        start=start,
        loose=loose,
        patterns=Patterns() if patterns is None else patterns,
    )


def _loosest(network: Network, period: int, periods: int) -> Vector:
    """Return the right-hand side of limits that limit nothing, t/period, shape (period, row)."""
    return np.tile(-NO_LIMIT * network.row_scale * period, (periods, 1))


def _horizon(network: Network, columns: Columns, future: Future, period: int) -> Horizon:
    """Return the market over periods; flows are t/period, stocks t."""
    months = future.limit.shape[0]
    periods = months // period
    lanes = np.flatnonzero(network.kind[: -columns.size or None] == 2)
    stores = np.flatnonzero(network.kind == 3)
    month = _month(network, columns, future, period, stores)
    rows = network.row_kind.size
    limit_rows = np.flatnonzero(network.row_kind == RowKind.LIMIT)
    rhs = np.zeros((periods, rows))
    loosest = _loosest(network, period, periods)[:, limit_rows]
    given = future.limit.reshape(periods, period, -1).sum(axis=1)
    rhs[:, limit_rows] = np.maximum(-given, loosest)
    normal = month.curves.reference[stores]
    store_rows = network.store_rows()
    np.subtract.at(rhs[0], store_rows, normal)
    factor = _mean(future.output_factor, periods)
    padded = np.ones((periods, network.activities))
    padded[:, : factor.shape[1]] = factor
    tax = np.zeros((periods, network.activities))
    tax[:, : factor.shape[1]] = _mean(future.tax, periods)
    with np.errstate(invalid="ignore"):
        upper = np.where(np.isfinite(month.curves.upper), month.curves.upper * padded, np.inf)
    trace = normal < _TRACE * network.row_scale[store_rows]
    lower = np.zeros_like(upper)
    lower[:, stores[trace]] = upper[:, stores[trace]] = normal[trace]
    return Horizon(
        month=month, rhs=rhs, lower=lower, upper=upper, extra=tax, stores=stores,
        store_rows=store_rows, terminal=normal,
        growth=_growth(month, future, lanes, stores, period),
    )  # fmt: skip


def _mean(by_month: Vector, periods: int) -> Vector:
    return np.asarray(by_month.reshape(periods, -1, by_month.shape[1]).mean(axis=1))


def _month(
    network: Network, columns: Columns, future: Future, period: int, stores: Index
) -> MarketProblem:
    """Return the problem of a period: flows times its months, stocks as they are."""
    size = columns.size
    flow = np.full(network.activities, float(period))
    flow[stores] = 1.0

    def both(own: Vector, whole: Vector) -> Vector:
        return np.concatenate([own, whole[whole.size - size :]])

    curves = Curves(
        kind=network.curve.astype(np.int8),
        reference=both(future.reference, network.reference) * flow,
        margin=both(future.margin, network.margin),
        slope=both(future.slope, network.slope) / flow,
        price=network.price,
        elasticity=both(future.elasticity, network.elasticity),
        cap=both(future.cap, network.cap),
        lower=np.zeros(network.activities),
        upper=both(future.capacity, network.capacity) * flow,
    )
    return MarketProblem(
        incidence=network.incidence,
        rhs=np.zeros(network.row_kind.size),
        is_equality=network.row_kind == RowKind.SERVICE,
        curves=curves,
        row_price=network.row_price,
        row_scale=network.row_scale * period,
    )


def _growth(
    month: MarketProblem, future: Future, lanes: Index, stores: Index, period: int
) -> Growth:
    """Return the growth limits of a period, implied by those of its months.

    ``x_{m+1} ≤ (1+g) x_m + κ`` gives ``x_{m+P} ≤ (1+g)^P x_m + κ Σ_{k<P} (1+g)^k``, and so the
    same for sums over P months. In the first period the months before are the base year's.
    """
    g = future.lane_growth
    powers = (1.0 + g) ** np.arange(period)
    reference = month.curves.reference
    lane_reference, normal = reference[lanes], reference[stores]
    kappa = period * future.growth_base * powers.sum()
    scale = np.maximum(lane_reference, period * future.growth_base / max(g, 1e-9))
    return Growth(
        activities=np.concatenate([lanes, stores]),
        factor=np.repeat([(1.0 + g) ** period, 1.0], [lanes.size, stores.size]),
        base=np.concatenate([kappa, period * future.rebuild * normal]),
        before=np.concatenate([lane_reference, normal]),
        scale=np.concatenate([scale, np.maximum(normal, 1e-12)]),
    )


@dataclass(frozen=True)
class _StockUntil:
    """What can have been released from a stock by the end of a period, t by choice."""

    stock: int
    period: int
    tonnes: Vector


def _stocks_until(columns: Columns, periods: int) -> list[_StockUntil]:
    """Return a limit for each stock at the end, and before whatever is added to it later."""
    month = columns.held.shape[0] // periods
    out = []
    for s in range(columns.held.shape[1]):
        tonnes = columns.held[month - 1 :: month, s]
        for p in range(periods):
            is_last = p == periods - 1
            if is_last or (tonnes[p].any() and np.any(tonnes[p + 1] > tonnes[p])):
                out.append(_StockUntil(s, p, tonnes[p]))
    return out


def _with_stocks(
    problem: MarketProblem,
    columns: Columns,
    until: list[_StockUntil],
    own: int,
    network: Network,
) -> MarketProblem:
    """Return the problem with a row for each limit of a stock: what is released is there."""
    if not until:
        return problem
    rows, at = [], []
    for k, limit in enumerate(until):
        drawing = own + np.flatnonzero(columns.stock_of == limit.stock)
        for p in range(limit.period + 1):
            at.append(p * network.activities + drawing)
            rows.append(np.full(drawing.size, k))
    row, column = np.concatenate(rows), np.concatenate(at)
    block = sparse.csc_array(
        (np.full(row.size, -1.0), (row, column)), shape=(len(until), problem.incidence.shape[1])
    )
    price = [columns.price[np.flatnonzero(columns.stock_of == u.stock)[0]] for u in until]
    count = len(until)
    return replace(
        problem,
        incidence=sparse.csc_array(sparse.vstack([problem.incidence, block])),
        rhs=np.concatenate([problem.rhs, np.zeros(count)]),
        is_equality=np.concatenate([problem.is_equality, np.zeros(count, dtype=np.bool_)]),
        row_price=np.concatenate([problem.row_price, price]),
        row_scale=np.concatenate(
            [problem.row_scale, [max(float(u.tonnes.max()), 1e-12) for u in until]]
        ),
    )
