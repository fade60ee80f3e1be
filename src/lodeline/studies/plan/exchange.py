"""Plans improved by exchanges, judged by the market: good, but nothing is proven.

The proven plan is best for the world. Partners will ask what is best for them, and how a level of
unmet use is reached: losses of a group and shares of futures have no duals, so plans for them are
found by trying. A *pass* tries every single change (a module more, less, or in another year), then
makes those that help, best first, as long as each still helps. Passes go on until none does.

What is best in a few futures is partly luck. So a change for the partners' own loss is made only
if it helps in a second set of futures too, by which none is chosen; the plan is then judged in a
third one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lodeline.results.plan import UnmetOutcome
from lodeline.scenarios.levels import Unmet, UnmetLimit
from lodeline.studies.plan.futures import Case
from lodeline.studies.plan.market import Judge
from lodeline.studies.plan.master import mean_of_worst
from lodeline.studies.plan.menu import Menu

__all__ = [
    "improve_for_members",
    "keeps",
    "own_value",
    "reach_unmet_limits",
    "unmet_outcomes",
    "unmet_share",
]

Vector = NDArray[np.float64]
Flags = NDArray[np.bool_]
Message = Callable[[str], None]
Cost = Callable[[Vector], float]

_WORTH = 1e-6
"""Smallest relative fall that counts."""
_PASSES = 4
_PRICE = 1e13
"""USD that a whole of use unmet beyond a limit counts for: more than any charge."""


def own_value(case: Case, judge: Judge, plan: Vector, partners: Sequence[str]) -> float:
    """Return charge, mean own loss and weighted CVaR of it in the judge's futures, USD."""
    members = [c for p in case.plan.partners if p.id in partners for c in p.members]
    losses = judge(plan).of(members)
    goal = case.plan.goal
    tail = mean_of_worst(losses, goal.tail)
    return float(case.menu.charge @ plan) + float(losses.mean()) + goal.tail_weight * tail


def improve_for_members(
    case: Case,
    judge: Judge,
    plan: Vector,
    *,
    confirmed_by: Judge,
    partners: Sequence[str] | None = None,
    message: Message = lambda _: None,
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
    confirmed_by
        Market in other futures, in which every change has to help too.
    partners
        Who acts, with measures and money of their own; default all.
    message
        Told what was found.
    """
    who = case.menu.partners if partners is None else tuple(partners)
    return _improve(
        case.menu,
        plan,
        lambda trial: own_value(case, judge, trial, who),
        partners=who,
        message=lambda text: message(f"own loss of {' and '.join(who)}: {text}"),
        confirm=lambda trial: own_value(case, confirmed_by, trial, who),
    )


def unmet_share(case: Case, judge: Judge, plan: Vector, limit: UnmetLimit) -> Vector:
    """Return the largest share of use that any country of a limit lacks, shape (future,)."""
    found = judge(plan)
    k = case.plan.chains.index(limit.chain)
    inside = [c for c, name in enumerate(found.countries) if name in limit.members]
    if limit.over is Unmet.WORST_MONTH:
        shares = found.unmet_peak[:, k, inside]
    else:
        normal = found.normal_tonnes[k, inside]
        shares = found.unmet_tonnes[:, k, inside] / np.where(normal > 0.0, normal, np.inf)
    return np.asarray(np.nan_to_num(shares, nan=0.0).max(axis=1, initial=0.0))


def keeps(case: Case, judge: Judge, plan: Vector, limit: UnmetLimit) -> float:
    """Return the share of the judge's futures in which a limit is kept."""
    return float((unmet_share(case, judge, plan, limit) <= limit.share_at_most).mean())


def reach_unmet_limits(
    case: Case, judge: Judge, plan: Vector, *, message: Message = lambda _: None
) -> Vector:
    """Return the plan of least charge found that keeps the limits on unmet use, or comes nearest.

    Parameters
    ----------
    case
        The case, with limits.
    judge
        Market in the futures to choose by; judge the result in others.
    plan
        Where to start, shape (choice,).
    message
        Told what was found.
    """
    limits = case.plan.unmet_limits

    def cost(trial: Vector) -> float:
        """Charge, and far dearer what is unmet beyond a limit in the futures that count."""
        return float(case.menu.charge @ trial) + _PRICE * sum(
            _beyond(unmet_share(case, judge, trial, limit), limit) for limit in limits
        )

    acts = np.zeros(case.menu.size, dtype=np.bool_)
    for chain, chain_case in zip(case.plan.chains, case.chains, strict=True):
        if chain in {limit.chain for limit in limits}:
            acts |= chain_case.columns.acts
    return _improve(
        case.menu, plan, cost, partners=case.menu.partners, acts=acts,
        message=lambda text: message(f"limits on unmet use: {text}"),
    )  # fmt: skip


def unmet_outcomes(
    case: Case, judge: Judge, chosen_by: Judge, plans: dict[str, Vector], found: Vector
) -> tuple[UnmetOutcome, ...]:
    """Return how often each plan keeps each limit in fresh futures.

    Parameters
    ----------
    case
        The case, with limits.
    judge, chosen_by
        Markets in the fresh futures and in those that the plan was chosen by.
    plans
        Plans by name.
    found
        The plan that was sought for the limits.
    """
    every = {"nothing": np.zeros(case.menu.size), **plans, "whole menu": case.menu.whole}
    return tuple(
        UnmetOutcome(
            chain=limit.chain,
            countries=limit.countries,
            share_at_most=limit.share_at_most,
            in_futures=limit.in_futures,
            over=limit.over.value,
            kept={name: keeps(case, judge, plan, limit) for name, plan in every.items()},
            reached=keeps(case, chosen_by, found, limit) >= limit.in_futures,
        )
        for limit in case.plan.unmet_limits
    )


def _beyond(shares: Vector, limit: UnmetLimit) -> float:
    """Return the mean excess over a limit in the best of the futures that must keep it."""
    count = int(np.ceil(limit.in_futures * shares.size - 1e-9))
    return float(np.maximum(np.sort(shares)[:count] - limit.share_at_most, 0.0).mean())


def _improve(
    menu: Menu,
    plan: Vector,
    cost: Cost,
    *,
    partners: Sequence[str],
    message: Message,
    acts: Flags | None = None,
    confirm: Cost = lambda _: -np.inf,
) -> Vector:
    """Return what exchanges make of a plan, see the module's head.

    `confirm` has to fall too where it is finite.
    """
    rules, limit = menu.constraints(partners)
    slack = 1e-7 * np.maximum(np.abs(limit), 1.0)
    top = np.where(menu.open_to(partners), menu.modules, 0.0)
    broken = np.maximum(rules @ plan - limit, 0.0)

    def is_allowed(trial: Vector) -> bool:
        inside = bool(np.all(trial >= 0.0) and np.all(trial <= top))
        return inside and bool(np.all(rules @ trial - limit <= np.maximum(slack, broken)))

    best, value, second = plan, cost(plan), confirm(plan)
    for k in range(_PASSES):
        tried = []
        changes = [c for c in _changes(menu, best, acts) if is_allowed(best + c)]
        for i, change in enumerate(changes):
            tried.append((cost(best + change), i))
            message(f"pass {k + 1}, {i + 1} of {len(changes)} changes tried")
        before = value
        for least, i in sorted(tried):
            if least >= before - _WORTH * abs(before):
                break
            trial = best + changes[i]
            if not is_allowed(trial) or not _falls(new := cost(trial), value):
                continue
            other = confirm(trial)
            if other == -np.inf or _falls(other, second):
                best, value, second = trial, new, other
        if value >= before:
            break
    return best


def _falls(new: float, old: float) -> bool:
    return new < old - _WORTH * abs(old)


def _changes(menu: Menu, plan: Vector, acts: Flags | None) -> Iterator[Vector]:
    """Yield single changes: a module more, less, or in another year."""
    for j in range(menu.size):
        if acts is not None and not acts[j]:
            continue
        unit = np.zeros(menu.size)
        unit[j] = 1.0
        yield unit
        if plan[j] > 0.0:
            yield -min(plan[j], 1.0) * unit
            for i in np.flatnonzero(menu.measure == menu.measure[j]):
                if i != j:
                    moved = -min(plan[j], 1.0) * unit
                    moved[i] = -moved[j]
                    yield moved
