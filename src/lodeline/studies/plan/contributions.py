"""What each measure of the menu does: when, for how much, what it prevents, and how sure that is.

What a measure prevents is found by leaving it out: the plan without it is run in the same futures
of the market. Whether the decision changes with its cost is answered by the cuts of the proof.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lodeline.results.plan import Decision, MeasureOutcome
from lodeline.scenarios.measures import Access, Measure
from lodeline.scenarios.restrictions import Uncertain
from lodeline.studies.plan.bundle import Optimum, Search
from lodeline.studies.plan.futures import Case
from lodeline.studies.plan.market import Judge
from lodeline.studies.plan.master import Master, mean_of_worst
from lodeline.studies.plan.outcomes import standard_error
from lodeline.studies.plan.rules import service
from lodeline.units import Month

__all__ = ["measure_outcomes"]

Vector = NDArray[np.float64]

_TENTH = 0.1
_MOST = 5
"""Futures that are named."""


def measure_outcomes(
    case: Case, search: Search, judge: Judge, joint: Optimum
) -> tuple[MeasureOutcome, ...]:
    """Return a row for every measure of the menu: when, for how much, what it prevents."""
    return tuple(_outcome(case, search, judge, joint, k) for k in range(len(case.plan.measures)))


def _outcome(case: Case, search: Search, judge: Judge, joint: Optimum, k: int) -> MeasureOutcome:
    menu, measure = case.menu, case.plan.measures[k]
    own = np.flatnonzero(menu.measure == k)
    built = own[joint.plan[own] > 0.0]
    cash = float(menu.cash[own] @ joint.plan[own])
    charge = float(menu.charge[own] @ joint.plan[own])
    found = _prevented(case, judge, joint.plan, k) if built.size else _NOTHING
    return MeasureOutcome(
        id=measure.id,
        title=measure.title,
        kind=measure.type.value,
        chain=measure.chain,
        form=measure.form,
        country=measure.country,
        decisions=tuple(
            Decision(
                menu.years[menu.year[j]],
                float(joint.plan[j]),
                float(menu.cash[j] * joint.plan[j]),
                _works_from(case, measure, int(menu.year[j])),
            )
            for j in built
        ),
        cost_usd=cash,
        charge_usd=charge,
        paid_by={p: cash * share for p, share in measure.weights.items()},
        prevents_usd=found.world,
        prevents_own_usd=found.own,
        prevents_error_usd=found.error,
        prevents_if=found.by_event,
        helps_in=found.helps_in,
        tail_usd=found.tail,
        helps_most=found.helps_most,
        if_dearer=_stability(search, joint, k, 1.0 + _TENTH),
        if_cheaper=_stability(search, joint, k, 1.0 - _TENTH),
        too_late=not any(service(measure, int(menu.year[j]), case.plan.months).any() for j in own),
        source=measure.source,
        assumed=tuple(
            name
            for name in type(measure).model_fields
            if isinstance(value := getattr(measure, name), Uncertain) and value.assumed
        ),
    )


def _works_from(case: Case, measure: Measure, year: int) -> str | None:
    """Return the first month in which a module decided in a year does something."""
    months = np.flatnonzero(service(measure, year, case.plan.months))
    return str(Month(case.plan.first_year, 1) + int(months[0])) if months.size else None


@dataclass(frozen=True)
class _Prevented:
    """What a measure prevents in the fresh futures, see `MeasureOutcome`."""

    world: float | None = None
    own: float | None = None
    error: float | None = None
    by_event: Mapping[str, float | None] = field(default_factory=dict)
    helps_in: float | None = None
    tail: float | None = None
    helps_most: tuple[int, ...] = ()


_NOTHING = _Prevented()


def _prevented(case: Case, judge: Judge, plan: Vector, k: int) -> _Prevented:
    """Return what a measure prevents: the same plan without it is run beside the plan.

    What cannot be without it goes too, with its charge: an access right without its stock is
    nothing.
    """
    without = plan.copy()
    for i in {k, *_needing(case.plan.measures, k)}:
        without[case.menu.measure == i] = 0.0
    before, after = judge(without), judge(plan)
    members, tail = case.plan.members, case.plan.goal.tail
    fall = before.world - after.world
    pays = fall > float(case.menu.charge @ (plan - without))
    return _Prevented(
        world=float(fall.mean()),
        own=float((before.of(members) - after.of(members)).mean()),
        error=standard_error(fall),
        by_event=_by_event(case, judge, case.plan.measures[k].chain, fall),
        helps_in=float(pays.mean()),
        tail=mean_of_worst(before.world, tail) - mean_of_worst(after.world, tail),
        helps_most=tuple(int(i) for i in np.argsort(-fall, kind="stable")[:_MOST] if pays[i]),
    )


def _by_event(case: Case, judge: Judge, chain: str, fall: Vector) -> dict[str, float | None]:
    """Return the mean over the futures in which each event happens that touches a chain."""
    out: dict[str, float | None] = {}
    for event in case.ensemble.events:
        if chain not in {r.chain for r in event.chosen}:
            continue
        happens = judge.values[f"{event.name}.happens"] > 0.0
        out[event.name] = float(fall[happens].mean()) if happens.any() else None
    return out


def _needing(measures: Sequence[Measure], k: int) -> set[int]:
    """Return the measures that cannot be without one, directly or through others."""
    gone = {k}
    while True:
        ids = {measures[i].id for i in gone}
        more = {
            i
            for i, m in enumerate(measures)
            if ids & {*m.requires, *([m.stock] if isinstance(m, Access) else [])}
        }
        if more <= gone:
            return gone - {k}
        gone |= more


def _stability(search: Search, joint: Optimum, k: int, factor: float) -> str:
    """Return what becomes of a measure when its cost changes, by the cuts that are there."""
    menu, master = search.master.menu, search.master
    changed = Master(menu.with_cost(k, factor), master.goal, master.probability, master.mip_gap)
    answer = changed.solve(search.pool)
    if not answer.is_possible:
        return "no plan is possible"
    own = menu.measure == k
    before, after = float(joint.plan[own].sum()), float(answer.plan[own].sum())
    # Another plan counts only if it is better by more than the gap that was asked for.
    kept = changed.objective(joint.plan, search.pool.values(joint.plan))
    fresh = changed.objective(answer.plan, search.pool.values(answer.plan))
    allowed = joint.upper - joint.lower
    if changed.menu.allows(joint.plan) and kept - fresh <= allowed:
        return "same"
    if after == before:
        return "same, others change"
    return f"{before:g} to {after:g}"
