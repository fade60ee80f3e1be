"""From plans and futures to the rows of the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lodeline.results.metrics import UNMET_THRESHOLD
from lodeline.results.plan import (
    CoalitionValue,
    Decision,
    MarketView,
    MeasureOutcome,
    PartnerShare,
    StockPrice,
)
from lodeline.scenarios.measures import Access, Measure, Stock
from lodeline.scenarios.restrictions import Uncertain
from lodeline.studies.plan.bundle import Optimum, Search
from lodeline.studies.plan.futures import Case
from lodeline.studies.plan.market import Judge, Judgement
from lodeline.studies.plan.master import Master, risk_of
from lodeline.studies.plan.menu import Menu, service
from lodeline.studies.plan.sharing import CoreCheck, core_check, nucleolus, shapley
from lodeline.units import MONTHS_PER_YEAR, Month

__all__ = [
    "core_words",
    "decided",
    "market_views",
    "measure_outcomes",
    "partner_shares",
    "stock_prices",
]

Vector = NDArray[np.float64]

_TENTH = 0.1
_NOTICEABLE = 0.01
_MOST = 5
"""Futures that are named."""


def _cvar(losses: Vector, tail: float) -> float:
    return risk_of(losses, np.full(losses.size, 1.0 / losses.size), tail)


def _members(case: Case) -> tuple[str, ...]:
    return tuple(c for p in case.plan.partners for c in p.members)


def market_views(case: Case, judge: Judge, plans: Mapping[str, Vector]) -> tuple[MarketView, ...]:
    """Return how doing nothing and plans fare in the fresh futures of the market."""
    every = {"nothing": np.zeros(case.menu.size), **plans}
    return tuple(_view(case, judge(plan), name, plan) for name, plan in every.items())


def _view(case: Case, found: Judgement, name: str, plan: Vector) -> MarketView:
    tail, members = case.plan.goal.tail, _members(case)
    short = found.short(members, UNMET_THRESHOLD)
    own = found.of(members)
    return MarketView(
        name=name,
        world_mean=float(found.world.mean()),
        world_cvar=_cvar(found.world, tail),
        own_mean=float(own.mean()),
        own_cvar=_cvar(own, tail),
        short=dict(zip(case.plan.chains, short.tolist(), strict=True)),
        charge=float(case.menu.charge @ plan),
        measures=decided(case.menu, plan),
    )


def decided(menu: Menu, plan: Vector) -> tuple[tuple[str, int, float], ...]:
    """Return what a plan decides: measure, year, modules."""
    return tuple(
        (menu.measures[menu.measure[j]], menu.years[menu.year[j]], float(plan[j]))
        for j in np.flatnonzero(plan > 0.0)
    )


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
    prevents = _prevented(case, judge, joint.plan, k) if built.size else (None,) * 4 + ((),)
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
        charge_usd=float(menu.charge[own] @ joint.plan[own]),
        paid_by={p: cash * share for p, share in measure.weights.items()},
        prevents_usd=prevents[0],
        prevents_own_usd=prevents[1],
        helps_in=prevents[2],
        tail_usd=prevents[3],
        helps_most=prevents[4],
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


def _prevented(
    case: Case, judge: Judge, plan: Vector, k: int
) -> tuple[float, float, float, float, tuple[int, ...]]:
    """Return what a measure prevents: world, own, share of futures, tail, where most.

    Leave one out: the same plan without it, and without what cannot be without it.
    """
    without = plan.copy()
    without[case.menu.measure == k] = 0.0
    # What needs it goes too, and what needs that: an access right without its stock is nothing.
    for i in _needing(case.plan.measures, k):
        without[case.menu.measure == i] = 0.0
    before, after = judge(without), judge(plan)
    members = _members(case)
    fall = before.world - after.world
    noticed = fall > _NOTICEABLE * abs(float(before.world.mean()))
    tail = case.plan.goal.tail
    return (
        float(fall.mean()),
        float((before.of(members) - after.of(members)).mean()),
        float(noticed.mean()),
        _cvar(before.world, tail) - _cvar(after.world, tail),
        tuple(int(i) for i in np.argsort(-fall, kind="stable")[:_MOST] if noticed[i]),
    )


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
    feasible = _is_allowed(changed.menu, joint.plan)
    if feasible and kept - fresh <= allowed:
        return "same"
    if after == before:
        return "same, others change"
    return f"{before:g} to {after:g}"


def _is_allowed(menu: Menu, plan: Vector) -> bool:
    rules, limit = menu.constraints(menu.partners)
    return bool(np.all(rules @ plan <= limit + 1e-7 * np.maximum(np.abs(limit), 1.0)))


def partner_shares(
    case: Case,
    judge: Judge,
    joint: Optimum,
    groups: Sequence[CoalitionValue],
) -> tuple[dict[str, PartnerShare], CoreCheck | None]:
    """Return what each partner pays and gets, and whether anybody would rather leave."""
    names = case.menu.partners
    values = [0.0] * (1 << len(names))
    savings = [(g.members, g.saving) for g in groups if g.saving is not None]
    complete = len(savings) == len(values) - 1
    for members, saving in savings:
        values[sum(1 << i for i, p in enumerate(names) if p in members)] = saving
    fair = shapley(values) if complete else None
    level = nucleolus(values) if complete else None
    tail = case.plan.goal.tail
    before, after = judge(np.zeros(case.menu.size)), judge(joint.plan)
    out = {}
    for i, partner in enumerate(case.plan.partners):
        old, new = before.of(partner.members), after.of(partner.members)
        out[partner.id] = PartnerShare(
            pays=float((case.menu.weights[i] * case.menu.cash) @ joint.plan),
            alone=values[1 << i] if complete else None,
            joint_gain=fair[i] - values[1 << i] if fair else None,
            shapley=fair[i] if fair else None,
            nucleolus=level[i] if level else None,
            own_loss_before=float(old.mean()),
            own_loss_after=float(new.mean()),
            own_tail_before=_cvar(old, tail),
            own_tail_after=_cvar(new, tail),
        )
    return out, core_check(values, fair) if fair else None


def core_words(case: Case, core: CoreCheck | None) -> str:
    """Return what the core check found, in words."""
    if core is None:
        return "how it may be shared is not told: not every coalition has a value of its own"
    if core.is_empty:
        return (
            "the core is empty: however the saving is shared, somebody could claim more, as long "
            "as the others would then do nothing"
        )
    if core.leaving == 0:
        return "nobody would rather leave with the Shapley shares"
    names = [p.title for i, p in enumerate(case.plan.partners) if core.leaving >> i & 1]
    return (
        f"with the Shapley shares {' and '.join(names)} would gain "
        f"{core.worst / 1e6:,.1f} m USD by leaving; other shares keep all in"
    )


def stock_prices(case: Case, search: Search, joint: Optimum) -> tuple[StockPrice, ...]:
    """Return what one more month of each stock costs, and what it can be worth at most.

    A single cut can overstate by far what a stock that the plan does not hold is worth. All cuts
    together bound the goal's value with a month more from below, and so its worth from above.

    Parameters
    ----------
    case
        The case.
    search
        Cuts of all plans.
    joint
        The plan.
    """
    menu, out = case.menu, []
    for k, measure in enumerate(case.plan.measures):
        if not isinstance(measure, Stock):
            continue
        first = np.flatnonzero(menu.measure == k)[0]
        base = case.bases[measure.chain]
        use = base.absorbed()[base.forms.index(measure.form)]
        month = float(use[base.countries.index(measure.country)]) / MONTHS_PER_YEAR
        modules = month / measure.tonnes.value
        charge = float(menu.charge[first]) * modules
        more = joint.plan.copy()
        more[first] += modules
        least = _weighed(search, search.pool.values(more))
        out.append(
            StockPrice(
                measure=measure.id,
                tonnes=month,
                charge=charge,
                worth=max(_weighed(search, joint.losses) - least, 0.0),
            )
        )
    return tuple(out)


def _weighed(search: Search, losses: Vector) -> float:
    """Return mean loss plus weighted CVaR, USD."""
    goal, p = search.master.goal, search.master.probability
    return float(p @ losses) + goal.tail_weight * risk_of(losses, p, goal.tail)
