"""The window: what a market with lead times decides in a month.

What leaves in month k on a lane with lead time L arrives in month k + L. So a month is decided in a
window of W = max L + 1 months, expecting what is in force now to persist; its first month is
carried out. Without lead times W = 1 and the window is the month. It is one market problem with its
own prices and certificate:

* a lane takes in month k and gives in k + L; beyond the window its cargo is worth p̄
* what is stored in month k is there in k + 1; in the last month holders expect p̄, as they do
  without lead times. Reserves that a trigger opens are decided in the first month alone
* cargo that left before the window arrives in it: it is on the right-hand side
* limits, taxes, outages and demand are those of the first month in every month

With nothing restricted every month of it is the base year.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lodeline.network import ActivityKind, RowKind
from lodeline.network.transit import arrivals_of, arrived
from lodeline.scenarios.compile import Schedule
from lodeline.solver.curves import Curves
from lodeline.solver.problem import MarketProblem

__all__ = ["Window", "window_of"]

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Window:
    """The pattern of a window, the same for all months of a run.

    Attributes
    ----------
    schedule
        What binds when.
    months
        W.
    incidence
        Shape (W · row, W · activity): month k's rows and columns after those of month k − 1.
    beyond
        p̄ at the destination for lanes that arrive after the window, USD/t, shape (W, activity).
    gives
        What lanes with a lead time give where they arrive, shape (row, activity).
    linked
        Stores whose content goes on to the next month of the window, shape (store,).
    bent
        Whether curves are iso-elastic.
    """

    schedule: Schedule
    months: int
    incidence: sparse.csc_array
    beyond: Vector
    gives: sparse.csc_array
    linked: NDArray[np.bool_]
    bent: bool

    def problem(self, month: int, stocks: Vector, departed: Vector, cost: Vector) -> MarketProblem:
        """Return the problem of the window that begins with a month.

        Parameters
        ----------
        month
            Position of its first month in the schedule.
        stocks
            Opening stocks, t, shape (store,).
        departed
            What left in the months before, t, shape (W, activity) or longer, the latest last.
        cost
            Added costs, USD/t, shape (activity,).
        """
        network, schedule = self.schedule.network, self.schedule
        rhs = np.tile(network.rhs(np.zeros_like(stocks), schedule.limit[month]), (self.months, 1))
        rhs[0] = network.rhs(stocks, schedule.limit[month])
        for k in range(self.months - 1):
            rhs[k] -= self.gives @ arrived(departed, schedule.lead, ahead=k)
        lower, upper = self._bounds(month, stocks, departed[-1])
        return MarketProblem(
            incidence=self.incidence,
            rhs=rhs.ravel(),
            is_equality=np.tile(network.row_kind == RowKind.SERVICE, self.months),
            curves=self._curves(month, cost, lower, upper),
            row_price=np.tile(network.row_price, self.months),
            row_scale=np.tile(network.row_scale, self.months),
        )

    def _bounds(self, month: int, stocks: Vector, before: Vector) -> tuple[Vector, Vector]:
        """Return bounds by month of the window, growth compounded, shape (W, activity)."""
        network, schedule = self.schedule.network, self.schedule
        lanes, stores = network.of_kind(ActivityKind.SHIP), network.of_kind(ActivityKind.STORE)
        upper = np.tile(schedule.capacity(month), (self.months, 1))
        lower = np.zeros_like(upper)
        room = network.growth_base[stores] + network.rebuild * network.reference[stores]
        highest, least = before[lanes], stocks
        for limit, allowed in zip(network.limits, schedule.limit[month], strict=True):
            upper[:, limit.lanes] = np.minimum(upper[:, limit.lanes], allowed)
        for k in range(self.months):
            highest = (1.0 + network.lane_growth) * highest + network.growth_base[lanes]
            upper[k, lanes] = np.minimum(upper[k, lanes], highest)
            # An order to release outweighs the rule that keeps.
            least = np.minimum(schedule.least_stock(stores, least), upper[k, stores])
            lower[k, stores] = least
            grown = np.minimum(upper[k, stores], stocks + (k + 1) * room)
            upper[k, stores] = np.maximum(grown, least)
        alone = stores[~self.linked]
        lower[1:, alone] = upper[1:, alone] = 0.0
        return lower, upper

    def _curves(self, month: int, cost: Vector, lower: Vector, upper: Vector) -> Curves:
        network, schedule = self.schedule.network, self.schedule
        one = network.curves(bent=self.bent, demand=schedule.demand[month])
        tiled = {f.name: np.tile(getattr(one, f.name), self.months) for f in fields(Curves)}
        margin = np.tile(one.margin + cost, (self.months, 1)) - self.beyond
        stores = network.of_kind(ActivityKind.STORE)[self.linked]
        margin[:-1, stores] += network.row_price[network.store_rows()[self.linked]]
        tiled |= {"margin": margin.ravel(), "lower": lower.ravel(), "upper": upper.ravel()}
        return Curves(**tiled)


def window_of(schedule: Schedule, *, bent: bool) -> Window:
    """Return the window of a schedule with lead times."""
    network = schedule.network
    months = int(schedule.lead.max()) + 1
    stores = network.of_kind(ActivityKind.STORE)
    # A trigger is a price, not a difference of prices: such reserves do not look ahead.
    linked = ~(network.is_reserve[stores] & np.isfinite(network.capacity[stores]))
    gives = arrivals_of(network, schedule.lead)
    stays = sparse.csc_array(network.incidence - gives)
    value = gives.T @ network.row_price
    k = np.arange(months)[:, None]
    incidence = sparse.coo_array(sparse.kron(sparse.eye_array(months), stays))
    rows, size = network.incidence.shape
    coming = gives.tocoo()
    to = k + schedule.lead[coming.col][None, :]
    inside = to < months
    store_rows = network.store_rows()[linked]
    month = np.repeat(np.arange(months - 1), store_rows.size)
    parts = (
        np.concatenate([
            incidence.row, (to * rows + coming.row)[inside],
            (month + 1) * rows + np.tile(store_rows, months - 1),
        ]),
        np.concatenate([
            incidence.col, (k * size + coming.col)[inside],
            month * size + np.tile(stores[linked], months - 1),
        ]),
    )  # fmt: skip
    data = np.concatenate([
        incidence.data, np.broadcast_to(coming.data, to.shape)[inside], np.ones(month.size)
    ])  # fmt: skip
    matrix = sparse.csc_array((data, parts), shape=(months * rows, months * size))
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    matrix.sort_indices()
    return Window(
        schedule=schedule,
        months=months,
        incidence=matrix,
        beyond=np.where(k + schedule.lead[None, :] >= months, value[None, :], 0.0),
        gives=gives,
        linked=linked,
        bent=bent,
    )
