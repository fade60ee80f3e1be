"""The market, month by month.

Each month is one market problem. What links the months: stocks (what is held at the end is there
at the start of the next), lanes (a lane grows by at most a share of its flow of the month before),
cargo at sea where lanes have a lead time, and the restrictions in force. Holders of stock expect
the reference price to return: storage is the column of the foresight problem with next month's
price replaced by p̄. `lodeline.studies.window` writes the problem of a month.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lodeline.errors import LodelineError
from lodeline.network import ActivityKind
from lodeline.results.run import Run
from lodeline.scenarios.compile import Schedule
from lodeline.solver import newton
from lodeline.solver.problem import MarketProblem, Solution
from lodeline.studies.window import window_of

__all__ = ["ACCEPTED", "Solver", "UnsolvedError", "run_market"]

Vector = NDArray[np.float64]
Solver = Callable[[MarketProblem, Vector], Solution]

ACCEPTED = 1e-8
"""Largest relative residual and gap with which a result leaves the program."""


class UnsolvedError(LodelineError):
    """A month could not be solved to the accepted tolerance."""


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
    stores = network.of_kind(ActivityKind.STORE)
    window = window_of(schedule, bent=bent)
    before, count, rows = window.months, len(schedule.months), network.row_price.size
    cost = schedule.tax.copy()
    # The months before the first are the base year.
    levels = np.tile(network.reference, (before + count, 1))
    prices = np.tile(network.row_price, (1 + count, 1))
    stocks = np.tile(network.reference[stores], (1 + count, 1))
    start = np.tile(network.row_price, window.months)
    residual = gap = 0.0
    fallbacks = 0
    for t in range(count):
        cost[t] += _levy(schedule, t, prices[t])
        problem = window.problem(t, stocks[t], levels[: before + t], cost[t])
        solution, retried = _solve(problem, start, solver, str(schedule.months[t]))
        fallbacks += retried
        residual = max(residual, solution.certificate.residual)
        gap = max(gap, solution.certificate.gap)
        levels[before + t] = solution.levels[: network.activities]
        prices[1 + t] = solution.prices[:rows]
        stocks[1 + t] = levels[before + t, stores]
        start = solution.prices
    paid = replace(schedule, tax=cost)
    return Run(paid, levels[before:], prices[1:], stocks, residual, gap, count, fallbacks)


def _levy(schedule: Schedule, month: int, prices: Vector) -> Vector:
    """Return what lifts exports to their price floor, USD/t, shape (activity,).

    levy = max(0, floor − price at the origin in the month before)
    """
    floor = schedule.floor[month]
    levy: Vector = np.zeros(floor.size)
    lanes = np.flatnonzero(floor > 0.0)
    if lanes.size == 0:
        return levy
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
