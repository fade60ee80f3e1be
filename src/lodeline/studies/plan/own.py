"""A plan for the partners' own loss: exchanges, judged by the market; good, but no bound.

The proven plan is best for the world. Its partners will ask what is best for them. From the proven
plan on, the best single change (a module more, less, or moved to another choice) that lowers

    charge + mean own loss + λ · CVaR of the own loss

in the market is made, until none helps. The market's losses have no duals, so nothing is proven.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lodeline.studies.plan.futures import Case
from lodeline.studies.plan.market import Judge
from lodeline.studies.plan.master import risk_of
from lodeline.studies.plan.menu import Menu

__all__ = ["improve_for_members", "own_value"]

Vector = NDArray[np.float64]

_WORTH = 1e-6
"""Smallest relative fall that counts."""


def own_value(case: Case, judge: Judge, plan: Vector, members: Sequence[str]) -> float:
    """Return charge, mean own loss and weighted CVaR of it in the judge's futures, USD."""
    losses = judge(plan).of(members)
    goal = case.plan.goal
    tail = risk_of(losses, np.full(losses.size, 1.0 / losses.size), goal.tail)
    return float(case.menu.charge @ plan) + float(losses.mean()) + goal.tail_weight * tail


def improve_for_members(
    case: Case,
    judge: Judge,
    plan: Vector,
    *,
    rounds: int = 3,
    message: Callable[[str], None] | None = None,
) -> Vector:
    """Return a plan that is better for the partners' own loss, found by exchanges.

    Parameters
    ----------
    case
        The case.
    judge
        Market in the futures to choose by; judge the result in others.
    plan
        Where to start, shape (choice,).
    rounds
        Exchanges at most.
    message
        Told what was exchanged.
    """
    members = tuple(c for p in case.plan.partners for c in p.members)
    best, value = plan, own_value(case, judge, plan, members)
    for k in range(rounds):
        tried = [(own_value(case, judge, p, members), p) for p in _neighbours(case.menu, best)]
        if not tried:
            break
        least, found = min(tried, key=lambda pair: pair[0])
        if least >= value - _WORTH * abs(value):
            break
        best, value = found, least
        if message is not None:
            message(f"own loss, exchange {k + 1}: {value / 1e6:,.1f} m USD")
    return best


def _neighbours(menu: Menu, plan: Vector) -> Iterator[Vector]:
    """Yield the allowed plans that differ by one module more, less or moved in time."""
    rules, limit = menu.constraints(menu.partners)
    slack = 1e-7 * np.maximum(np.abs(limit), 1.0)

    def allowed(trial: Vector) -> bool:
        inside = np.all(trial >= 0.0) and np.all(trial <= menu.modules)
        return bool(inside and np.all(rules @ trial <= limit + slack))

    for j in range(menu.size):
        for step in (1.0, -1.0):
            trial = plan.copy()
            trial[j] += step
            if allowed(trial):
                yield trial
        for i in np.flatnonzero((menu.measure == menu.measure[j]) & (plan > 0.0)):
            if i != j:
                trial = plan.copy()
                trial[j], trial[i] = trial[j] + min(plan[i], 1.0), plan[i] - min(plan[i], 1.0)
                if allowed(trial):
                    yield trial
