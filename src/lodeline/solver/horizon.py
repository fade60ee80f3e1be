"""One market over many months: what is stored in a month is there in the next.

The problem of one month is copied T times. Column ``t·N + a`` is activity a in month t, row
``t·R + r`` is row r in month t. What links the months:

* carry   a storing activity that takes from row r in month t gives to row r in month t + 1;
          its level in the last month is given (terminal stock), the opening stock is in the
          right-hand side of the first month
* transit an activity with lead time L takes in month t and gives in month t + L. What arrives after
          the last month is given, row by row and month by month: equalities, one row for each
* growth  ``x_t ≤ γ x_{t−1} + κ``, written ``γ x_{t−1} − x_t ≥ −κ``: one row for each growing
          activity and month after the first; in the first it is a bound

Legend: T months, R rows and N activities a month, S storing and G growing activities, E rows of
arrivals after the end.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lodeline.solver.curves import Curves, Vector
from lodeline.solver.dissection import Layout, minimum_degree_order
from lodeline.solver.problem import MarketProblem

__all__ = ["Growth", "Horizon", "Transit", "is_late", "month_layout", "over_months"]

Index = NDArray[np.intp]


@dataclass(frozen=True)
class Growth:
    """Limits on growth: ``x_t ≤ γ x_{t−1} + κ``.

    Attributes
    ----------
    activities
        Positions in the month's problem, shape (growing,).
    factor
        γ, shape (growing,).
    base
        κ, t/month, shape (growing,).
    before
        Level before the first month, t/month, shape (growing,).
    scale
        Level by which violations are weighed, t/month, shape (growing,).
    """

    activities: Index
    factor: Vector
    base: Vector
    before: Vector
    scale: Vector


@dataclass(frozen=True)
class Transit:
    """What is under way between months.

    Attributes
    ----------
    lead
        L, months from taking to giving, shape (activity,).
    landing
        What arrives after the last month of what left in it or before, t, shape (max L, row).
        What left before the first month is no part of it.
    """

    lead: Index
    landing: Vector

    @property
    def longest(self) -> int:
        """Largest L."""
        return int(self.lead.max(initial=0))

    def gives(self, month: MarketProblem) -> sparse.coo_array:
        """Return the entries of a month's matrix that give later."""
        entries = month.incidence.tocoo()
        later = (self.lead[entries.col] > 0) & (entries.data > 0.0)
        own = (entries.data[later], (entries.row[later], entries.col[later]))
        return sparse.coo_array(own, shape=entries.shape)

    def beyond(self, month: MarketProblem, months: int) -> tuple[Index, Index]:
        """Return the rows of arrivals after the end: months after the last (from 0), and rows."""
        gives = self.gives(month)
        k, entry = np.nonzero(
            (np.arange(self.longest)[:, None] < self.lead[gives.col])
            & (months + np.arange(self.longest)[:, None] >= self.lead[gives.col])
        )
        places = np.unique(k * month.rhs.size + gives.row[entry])
        return places // month.rhs.size, places % month.rhs.size


@dataclass(frozen=True)
class Horizon:
    """A market over T months.

    Attributes
    ----------
    month
        The problem of one month: incidence, curves, row prices and scales. Its right-hand side
        and bounds are not used.
    rhs
        b without what is carried over, t/month, shape (month, row); −inf where nothing binds.
    lower, upper
        Bounds, t/month, shape (month, activity).
    extra
        Cost per unit added (a tax), USD/t, shape (month, activity).
    stores, store_rows
        Storing activities and the rows they take from, shape (store,).
    terminal
        What they hold at the end, t, shape (store,).
    growth
        Limits on growth.
    reference_factor
        How much more everybody wants at every price, shape (month, activity); None: no more.
    transit
        What is under way between months; None: nothing, everything arrives when it leaves.
    """

    month: MarketProblem
    rhs: Vector
    lower: Vector
    upper: Vector
    extra: Vector
    stores: Index
    store_rows: Index
    terminal: Vector
    growth: Growth
    reference_factor: Vector | None = None
    transit: Transit | None = None

    @property
    def months(self) -> int:
        """T."""
        return int(self.rhs.shape[0])


def over_months(horizon: Horizon) -> MarketProblem:
    """Return the problem of all months at once.

    Rows: the R rows of every month, then the G growth rows of every month after the first, then the
    E rows of arrivals after the end. Columns: the N activities of every month. Rows whose
    right-hand side is −inf stay, empty.
    """
    rhs = horizon.rhs.ravel()
    binds = np.isfinite(rhs)
    month = horizon.month
    grow = horizon.growth
    links = horizon.months - 1
    price = np.abs(month.incidence).T @ month.row_price
    # A lane takes and gives: half of what its two ends are worth is the price of what it moves.
    entries = np.maximum(np.diff(month.incidence.indptr), 1)
    grow_price = (price / entries)[grow.activities]
    after, places = _beyond(horizon)
    landing = np.empty(0) if horizon.transit is None else horizon.transit.landing[after, places]
    return MarketProblem(
        incidence=_incidence(horizon, binds),
        rhs=np.concatenate([np.where(binds, rhs, 0.0), np.tile(-grow.base, links), landing]),
        is_equality=np.concatenate(
            [
                np.tile(month.is_equality, horizon.months),
                np.zeros(links * grow.base.size, dtype=np.bool_),
                np.ones(landing.size, dtype=np.bool_),
            ]
        ),
        curves=_curves(horizon),
        row_price=np.concatenate(
            [
                np.tile(month.row_price, horizon.months),
                np.tile(grow_price, links),
                month.row_price[places],
            ]
        ),
        row_scale=np.concatenate(
            [
                np.tile(month.row_scale, horizon.months),
                np.tile(grow.scale, links),
                month.row_scale[places],
            ]
        ),
    )


def is_late(horizon: Horizon) -> NDArray[np.bool_]:
    """Return which rows of `over_months` are limits on growth, of which few bind, shape (row,)."""
    parts = (horizon.rhs.size, (horizon.months - 1) * horizon.growth.base.size)
    return np.repeat([False, True, False], [*parts, _beyond(horizon)[0].size])


def _beyond(horizon: Horizon) -> tuple[Index, Index]:
    if horizon.transit is None:
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
    return horizon.transit.beyond(horizon.month, horizon.months)


def month_layout(horizon: Horizon) -> Layout:
    """Return where the rows of `over_months` lie."""
    months, rows = horizon.rhs.shape
    near = abs(sparse.csr_array(horizon.month.incidence))
    order = minimum_degree_order(sparse.csc_array(near @ near.T))
    turn = np.empty(rows, dtype=np.intp)
    turn[order] = np.arange(rows)
    # A limit on growth comes right before the first of the rows that its activity touches.
    ends = sparse.csc_array(horizon.month.incidence[:, horizon.growth.activities])
    links = ends.shape[1]
    first = np.full(links, rows, dtype=np.intp)
    np.minimum.at(first, np.repeat(np.arange(links), np.diff(ends.indptr)), turn[ends.indices])
    places = np.lexsort((np.arange(rows + links), np.concatenate([2 * turn + 1, 2 * first])))
    rank = np.empty(rows + links, dtype=np.intp)
    rank[places] = np.arange(rows + links)
    month = np.arange(months)
    after, where = _beyond(horizon)
    return Layout(
        month=np.concatenate([np.repeat(month, rows), np.repeat(month[1:], links), months + after]),
        rank=np.concatenate(
            [np.tile(rank[:rows], months), np.tile(rank[rows:], months - 1), rank[where]]
        ),
        is_link=is_late(horizon),
        width=1 if horizon.transit is None else max(1, horizon.transit.longest),
    )


def _incidence(horizon: Horizon, binds: NDArray[np.bool_]) -> sparse.csc_array:
    """Return the matrix of all months: copies, carries, growth, arrivals after the end."""
    month, grow, months = horizon.month, horizon.growth, horizon.months
    rows, activities = month.incidence.shape
    t = np.arange(months)[:, None]
    next_row = (t[1:] * rows + horizon.store_rows).ravel()
    storing = (t[:-1] * activities + horizon.stores).ravel()
    links = (months - 1) * grow.base.size
    link = months * rows + np.arange(links)
    before = (t[:-1] * activities + grow.activities).ravel()
    after = (t[1:] * activities + grow.activities).ravel()
    given = -month.incidence[horizon.store_rows, horizon.stores]
    row, column, value = _copies(horizon)
    kept = np.concatenate([binds, np.ones(_beyond(horizon)[0].size, dtype=np.bool_)])[row]
    # Arrivals after the end come after the limits on growth.
    row = np.where(row < months * rows, row, row + links)
    matrix = sparse.csc_array(
        (
            np.concatenate(
                [
                    value[kept],
                    np.tile(np.asarray(given), months - 1),
                    np.tile(grow.factor, months - 1),
                    np.full(link.size, -1.0),
                ]
            ),
            (
                np.concatenate([row[kept], next_row, link, link]),
                np.concatenate([column[kept], storing, before, after]),
            ),
        ),
        shape=(months * rows + links + _beyond(horizon)[0].size, months * activities),
    )
    matrix.sum_duplicates()
    matrix.sort_indices()
    return matrix


def _copies(horizon: Horizon) -> tuple[Index, Index, Vector]:
    """Return rows, columns and values of the months' entries; what gives later is in a later month.

    Rows of arrivals after the end come right after those of the last month.
    """
    month, months = horizon.month, horizon.months
    rows, activities = month.incidence.shape
    one = month.incidence.tocoo()
    t = np.arange(months)[:, None]
    column = (t * activities + one.col).ravel()
    value = np.tile(one.data, months)
    if horizon.transit is None:
        return (t * rows + one.row).ravel(), column, value
    later = np.where(one.data > 0.0, horizon.transit.lead[one.col], 0)
    row = ((t + later) * rows + one.row).ravel()
    after, places = _beyond(horizon)
    beyond = row >= months * rows
    row[beyond] = months * rows + np.searchsorted(
        after * rows + places, row[beyond] - months * rows
    )
    return row, column, value


def _curves(horizon: Horizon) -> Curves:
    """Return the curves of all months: stores earn next month's price instead of expecting it."""
    month, months = horizon.month, horizon.months
    size = month.curves.reference.size
    tiled = {f.name: np.tile(getattr(month.curves, f.name), months) for f in fields(Curves)}
    margin = np.tile(month.curves.margin, (months, 1)) + horizon.extra
    margin[:-1, horizon.stores] += month.row_price[horizon.store_rows]
    lower, upper = horizon.lower.copy(), horizon.upper.copy()
    grow = horizon.growth
    first = grow.factor * grow.before + grow.base
    upper[0, grow.activities] = np.minimum(upper[0, grow.activities], first)
    lower[-1, horizon.stores] = upper[-1, horizon.stores] = horizon.terminal
    tiled |= {"margin": margin.ravel(), "lower": lower.ravel(), "upper": upper.ravel()}
    assert margin.shape == (months, size)
    curves = Curves(**tiled)
    wanted = horizon.reference_factor
    return curves if wanted is None else curves.with_reference_factor(wanted.ravel())
