"""The market, month by month.

Each month is one market problem. What links the months: stocks (what is held at the end is there
at the start of the next), lanes (a lane grows by at most a share of its flow of the month before)
and the restrictions in force. Holders of stock expect the reference price to return: storage is
the column of the foresight problem with next month's price replaced by p̄.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lodeline.errors import LodelineError
from lodeline.network import ActivityKind
from lodeline.results.run import Run
from lodeline.scenarios.compile import Schedule
from lodeline.solver import newton
from lodeline.solver.problem import MarketProblem, Solution

__all__ = ["ACCEPTED", "Solver", "UnsolvedError", "run_market"]

Vector = NDArray[np.float64]
Solver = Callable[[MarketProblem, Vector], Solution]

ACCEPTED = 1e-8
"""Largest relative residual and gap with which a result leaves the program."""


class UnsolvedError(LodelineError):
    """A month could not be solved to the accepted tolerance."""


@dataclass
class _State:
    """What one month hands to the next."""

    stocks: Vector
    lanes: Vector
    prices: Vector


def run_market(schedule: Schedule, *, bent: bool = True, solver: Solver = newton.solve) -> Run:
    """Simulate the market over the months of a schedule.

    Parameters
    ----------
    schedule
        Network and restrictions by month.
    bent
        Iso-elastic curves (default), or straight ones: then every month is a QP.
    solver
        Any solver of `MarketProblem`.

    Returns
    -------
    Run
        Its schedule has the levies of price floors, as they were paid, among the taxes.

    Raises
    ------
    UnsolvedError
        If a month's certificate is worse than `ACCEPTED`, also from a second start.
    """
    network = schedule.network
    lanes = network.of_kind(ActivityKind.SHIP)
    stores = network.of_kind(ActivityKind.STORE)
    problem = network.problem(bent=bent)
    state = _State(network.reference[stores].copy(), network.reference[lanes].copy(),
                   problem.row_price.copy())  # fmt: skip
    count = len(schedule.months)
    cost = schedule.tax.copy()
    levels = np.empty((count, network.activities))
    prices = np.empty((count, network.row_price.size))
    stocks = np.empty((count + 1, stores.size))
    stocks[0] = state.stocks
    residual = gap = 0.0
    fallbacks = 0
    for t in range(count):
        upper = schedule.capacity(t)
        grown = (1.0 + network.lane_growth) * state.lanes + network.growth_base[lanes]
        upper[lanes] = np.minimum(upper[lanes], grown)
        lower = np.zeros(network.activities)
        # An order to release outweighs the rule that keeps.
        lower[stores] = np.minimum(schedule.least_stock(stores, state.stocks), upper[stores])
        grown = state.stocks + network.growth_base[stores]
        grown += network.rebuild * network.reference[stores]
        upper[stores] = np.maximum(np.minimum(upper[stores], grown), lower[stores])
        for limit, allowed in zip(network.limits, schedule.limit[t], strict=True):
            upper[limit.lanes] = np.minimum(upper[limit.lanes], allowed)
        cost[t] += _levy(schedule, t, state.prices)
        curves = network.curves(bent=bent, demand=schedule.demand[t])
        month = problem.with_rhs(network.rhs(state.stocks, schedule.limit[t])).with_curves(
            curves.with_bounds(lower, upper).with_extra_cost(cost[t])
        )
        solution, retried = _solve(month, state.prices, solver, str(schedule.months[t]))
        fallbacks += retried
        residual = max(residual, solution.certificate.residual)
        gap = max(gap, solution.certificate.gap)
        levels[t], prices[t] = solution.levels, solution.prices
        state = _State(solution.levels[stores], solution.levels[lanes], solution.prices)
        stocks[t + 1] = state.stocks
    paid = replace(schedule, tax=cost)
    return Run(paid, levels, prices, stocks, residual, gap, count, fallbacks)


def _levy(schedule: Schedule, month: int, prices: Vector) -> Vector:
    """Return what lifts exports to their price floor, USD/t, shape (activity,).

    levy = max(0, floor − price at the origin in the month before)
    """
    floor = schedule.floor[month]
    levy: Vector = np.zeros(floor.size)
    lanes = np.flatnonzero(floor > 0.0)
    leaving = schedule.network.leaves_from()[lanes]
    levy[lanes] = np.maximum(floor[lanes] - prices[leaving], 0.0)
    return levy


def _solve(
    problem: MarketProblem, start: Vector, solver: Solver, month: str
) -> tuple[Solution, bool]:
    """Solve from the month before, then from the reference; return also whether that was needed."""
    solution = solver(problem, start)
    if _accepted(solution):
        return solution, False
    solution = solver(problem, problem.row_price)
    if _accepted(solution):
        return solution, True
    raise UnsolvedError(
        f"{month}: the market was not cleared (residual {solution.certificate.residual:.1e}, gap "
        f"{solution.certificate.gap:.1e}). Please report the scenario as a defect."
    )


def _accepted(solution: Solution) -> bool:
    return max(solution.certificate.residual, solution.certificate.gap) <= ACCEPTED
