"""From plans and futures to the rows of the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lodeline.results.metrics import UNMET_THRESHOLD
from lodeline.results.plan import (
    CoalitionValue,
    FreshComparison,
    FrontierPoint,
    LevelOutcome,
    MarketView,
    PartnerShare,
    StockPrice,
)
from lodeline.scenarios.measures import Stock
from lodeline.studies.plan.bundle import Optimum, Search
from lodeline.studies.plan.futures import Case
from lodeline.studies.plan.levels import conditions_of
from lodeline.studies.plan.market import Judge, Judgement
from lodeline.studies.plan.master import Master, mean_of_worst, risk_of
from lodeline.studies.plan.menu import Menu
from lodeline.studies.plan.questions import Answers
from lodeline.studies.plan.sharing import CoreCheck, core_check, nucleolus, shapley
from lodeline.units import MONTHS_PER_YEAR

__all__ = [
    "cash_by_year",
    "coalition_values",
    "core_words",
    "fresh_comparisons",
    "frontier_points",
    "level_outcomes",
    "market_views",
    "partner_shares",
    "standard_error",
    "stock_prices",
]

Vector = NDArray[np.float64]


def market_views(case: Case, judge: Judge, plans: Mapping[str, Vector]) -> tuple[MarketView, ...]:
    """Return how doing nothing and plans fare in the fresh futures of the market."""
    every = {"nothing": np.zeros(case.menu.size), **plans}
    return tuple(_view(case, judge(plan), name, plan) for name, plan in every.items())


def _view(case: Case, found: Judgement, name: str, plan: Vector) -> MarketView:
    tail, members = case.plan.goal.tail, case.plan.members
    short = found.short(members, UNMET_THRESHOLD)
    own = found.of(members)
    return MarketView(
        name=name,
        world_mean=float(found.world.mean()),
        world_cvar=mean_of_worst(found.world, tail),
        own_mean=float(own.mean()),
        own_cvar=mean_of_worst(own, tail),
        short=dict(zip(case.plan.chains, short.tolist(), strict=True)),
        charge=float(case.menu.charge @ plan),
        measures=_decided(case.menu, plan),
    )


_PAIRS = (
    ("joint", "nothing"),
    ("joint", "separate"),
    ("own loss", "separate"),
    ("own loss", "own loss, separate"),
)


def fresh_comparisons(
    case: Case, judge: Judge, plans: Mapping[str, Vector]
) -> tuple[FreshComparison, ...]:
    """Return what plans save against each other in the fresh futures, as far as there are both."""
    every = {"nothing": np.zeros(case.menu.size), **plans}
    out = []
    for plan, against in _PAIRS:
        if plan in every and against in every:
            one, other = every[plan], every[against]
            charge = float(case.menu.charge @ (other - one))
            better, worse = judge(one), judge(other)
            members = case.plan.members
            world = worse.world - better.world + charge
            own = worse.of(members) - better.of(members) + charge
            out.append(
                FreshComparison(
                    plan, against, float(world.mean()), standard_error(world),
                    float(own.mean()), standard_error(own), _largest(world), _largest(own),
                    float((world > 0.0).mean()),
                )
            )  # fmt: skip
    return tuple(out)


def standard_error(values: Vector) -> float | None:
    """Return the standard error of a mean; None of a single value, which has none."""
    if values.size < 2:
        return None
    return float(values.std(ddof=1)) / float(np.sqrt(values.size))


def _largest(values: Vector) -> float:
    """Return the part of the sum of absolute values that the largest makes."""
    sizes = np.abs(values)
    total = float(sizes.sum())
    return float(sizes.max()) / total if total > 0.0 else 0.0


def coalition_values(menu: Menu, answers: Answers) -> tuple[CoalitionValue, ...]:
    """Return the best that every coalition can do."""
    return tuple(
        CoalitionValue(
            members=members,
            upper=found.upper,
            lower=found.lower,
            saving=None if answers.without is None else answers.without - found.upper,
            cost_usd=float(menu.cash @ found.plan),
            measures=_decided(menu, found.plan),
        )
        for members, found in answers.groups.items()
    )


def cash_by_year(case: Case, plan: Vector) -> dict[str, dict[int, float]]:
    """Return who pays how much in which year, USD."""
    menu = case.menu
    paid = (menu.weights * plan) @ menu.cash_by_year.T
    return {
        partner: {year: float(paid[i, y]) for y, year in enumerate(menu.years)}
        for i, partner in enumerate(menu.partners)
    }


def frontier_points(
    master: Master, budgets: Mapping[float, Optimum], before: Vector
) -> tuple[FrontierPoint, ...]:
    """Return what the best plan for every multiple of the budgets spends and leaves.

    Parameters
    ----------
    master
        Goal and money.
    budgets
        Plans by multiple of the budgets.
    before
        Losses without any measure, USD, shape (future,).
    """
    p, tail = master.probability, master.goal.tail
    mean, worst = float(p @ before), risk_of(before, p, tail)
    return tuple(
        FrontierPoint(
            budget_factor=factor,
            cost_usd=float(master.menu.cash @ found.plan),
            upper=found.upper,
            lower=found.lower,
            expected_loss=float(p @ found.losses),
            cvar=risk_of(found.losses, p, tail),
            mean_prevented=mean - float(p @ found.losses),
            tail_prevented=worst - risk_of(found.losses, p, tail),
        )
        for factor, found in budgets.items()
    )


def level_outcomes(case: Case, plan: Vector) -> tuple[LevelOutcome, ...]:
    """Return how a plan meets the levels of security that are conditions."""
    out = []
    conditions = conditions_of(case.plan, case.whole)
    first = case.menu.rule_limit.size - len(conditions)
    for k, condition in enumerate(conditions, first):
        reached = float((case.menu.rules[[k]] @ plan)[0])
        out.append(
            LevelOutcome(
                label=condition.label,
                countries=condition.members,
                unit="t" if condition.is_stock else "t/year",
                short_before=max(-condition.bound, 0.0),
                spare_after=condition.bound - reached,
            )
        )
    return tuple(out)


def _decided(menu: Menu, plan: Vector) -> tuple[tuple[str, int, float], ...]:
    """Return what a plan decides: measure, year, modules."""
    return tuple(
        (menu.measures[menu.measure[j]], menu.years[menu.year[j]], float(plan[j]))
        for j in np.flatnonzero(plan > 0.0)
    )


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
            own_tail_before=mean_of_worst(old, tail),
            own_tail_after=mean_of_worst(new, tail),
        )
    return out, core_check(values, fair) if fair else None


def core_words(case: Case, core: CoreCheck | None) -> str:
    """Return what the core check found, in words."""
    if core is None:
        return "how it may be shared is not told: not every coalition has a value of its own"
    if core.is_empty:
        return (
            "the core is empty: what partners save alone overlaps, so however the joint saving is "
            "shared somebody could claim more, as long as the others would then do nothing"
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
