"""What the planning study returns: the plan, its proof, its judgement, and how it is shared."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = [
    "Benchmark",
    "CoalitionValue",
    "Decision",
    "FreshComparison",
    "FrontierPoint",
    "LevelOutcome",
    "MarketView",
    "MeasureOutcome",
    "PartnerShare",
    "PlanResult",
    "StockPrice",
    "UnmetOutcome",
    "plan_document",
]


@dataclass(frozen=True)
class Decision:
    """Modules of a measure decided in a year.

    Attributes
    ----------
    year, modules, cost_usd
        When how many are decided, and the cash for them.
    works_from
        First calendar month in which they do something, ``YYYY-MM``; None if not within the plan.
    """

    year: int
    modules: float
    cost_usd: float
    works_from: str | None


@dataclass(frozen=True)
class MeasureOutcome:
    """A measure of the menu and what the plan makes of it.

    Attributes
    ----------
    id, title, kind, chain, form, country
        As in the menu.
    decisions
        When how much is decided; empty if it is not built.
    cost_usd, charge_usd
        Cash within the plan's years; the part that they have to bear.
    paid_by
        Cash by partner, USD.
    prevents_usd
        Mean fall of the world's loss in the fresh futures against the plan without it, and without
        what cannot be without it.
    prevents_own_usd
        The same for the partners' own loss.
    prevents_error_usd
        Standard error of `prevents_usd`: how sure that is with so many futures.
    prevents_if
        The same mean over those fresh futures alone in which an event happens, by event that
        touches its chain; None where it happens in none.
    helps_in
        Share of the fresh futures in which the world's loss falls by more than its charge, and that
        of what cannot be without it and so is left out too: in which they pay for themselves.
    helps_most
        Numbers of those futures in which that fall is largest, at most five, the largest
        first; with the seed after the plan's they can be drawn again.
    tail_usd
        Fall of the world's CVaR in the fresh futures.
    if_dearer, if_cheaper
        Whether the decision changes when its cost rises or falls by a tenth, by the same cuts.
    too_late
        Nothing that may be decided works before the plan's futures end.
    source, assumed
        Where its numbers come from; which of them nobody publishes.
    """

    id: str
    title: str
    kind: str
    chain: str
    form: str
    country: str
    decisions: tuple[Decision, ...]
    cost_usd: float
    charge_usd: float
    paid_by: Mapping[str, float]
    prevents_usd: float | None
    prevents_own_usd: float | None
    prevents_error_usd: float | None
    prevents_if: Mapping[str, float | None]
    helps_in: float | None
    helps_most: tuple[int, ...]
    tail_usd: float | None
    if_dearer: str
    if_cheaper: str
    too_late: bool
    source: str
    assumed: tuple[str, ...]

    @property
    def modules(self) -> float:
        """Modules decided in all."""
        return float(sum(d.modules for d in self.decisions))

    @property
    def works_from(self) -> str | None:
        """First month in which any of it does something, ``YYYY-MM``."""
        return min((d.works_from for d in self.decisions if d.works_from), default=None)


@dataclass(frozen=True)
class CoalitionValue:
    """The best that a coalition can do, outsiders doing nothing.

    Attributes
    ----------
    members
        Partners.
    upper, lower
        Proven bounds of the goal's value, USD; `upper` is that of the plan found.
    saving
        Value without any measure less `upper`, USD; None where doing nothing breaks the limit on
        the CVaR and so has no value.
    cost_usd
        Cash of the plan found.
    measures
        What it decides: identifier, year, modules.
    """

    members: tuple[str, ...]
    upper: float
    lower: float
    saving: float | None
    cost_usd: float
    measures: tuple[tuple[str, int, float], ...]


@dataclass(frozen=True)
class PartnerShare:
    """What the joint plan means for a partner, USD.

    Attributes
    ----------
    pays
        Cash by the plan's own rule of who pays what.
    alone, joint_gain
        Saving of the partner's own plan alone; Shapley share of the joint saving less that.
    shapley, nucleolus
        Share of the joint saving; None if coalitions were left out.
    own_loss_before, own_loss_after
        Mean loss of its members in the fresh futures, without measures and under the joint plan.
    own_tail_before, own_tail_after
        CVaR of the same.
    """

    pays: float
    alone: float | None
    joint_gain: float | None
    shapley: float | None
    nucleolus: float | None
    own_loss_before: float
    own_loss_after: float
    own_tail_before: float
    own_tail_after: float


@dataclass(frozen=True)
class FrontierPoint:
    """The best plan for a multiple of the budgets, USD.

    Attributes
    ----------
    budget_factor, cost_usd
        Multiple of the budgets; cash spent.
    upper, lower
        Proven bounds of the goal's value.
    expected_loss, cvar
        The world's mean loss, and the mean of the worst futures.
    mean_prevented, tail_prevented
        By how much both are lower than without measures.
    """

    budget_factor: float
    cost_usd: float
    upper: float
    lower: float
    expected_loss: float
    cvar: float
    mean_prevented: float
    tail_prevented: float


@dataclass(frozen=True)
class MarketView:
    """A plan in the fresh futures of the market that nobody coordinates, USD.

    Attributes
    ----------
    name
        ``nothing``, ``joint``, ``separate``, ``alone: X``, ``own loss, separate``, ``own loss``,
        ``unmet limits``.
    world_mean, world_cvar
        Loss of the world.
    own_mean, own_cvar
        Loss of all partners' members.
    short
        Share of futures in which one of the partners' members lacks more than 5 % of its use in a
        month, by chain.
    charge
        Charge of the plan.
    measures
        What it decides: identifier, year, modules.
    """

    name: str
    world_mean: float
    world_cvar: float
    own_mean: float
    own_cvar: float
    short: Mapping[str, float]
    charge: float
    measures: tuple[tuple[str, int, float], ...]


@dataclass(frozen=True)
class FreshComparison:
    """What one plan saves against another in the fresh futures of the market, USD.

    Loss and charge together, future by future: what the two have in common falls out.

    Attributes
    ----------
    plan, against
        Names as in `MarketView`.
    world_usd, world_error_usd
        Mean saving by the world's loss, and one standard error; None of a single future.
    own_usd, own_error_usd
        The same by the partners' own loss.
    world_largest, own_largest
        Part of the sum of absolute savings that the single future with the largest one makes.
        Where it is much, the standard error is too small: a sample without that future would not
        know of it.
    better_in
        Share of the futures in which the world's loss and the charge are lower.
    """

    plan: str
    against: str
    world_usd: float
    world_error_usd: float | None
    own_usd: float
    own_error_usd: float | None
    world_largest: float
    own_largest: float
    better_in: float


@dataclass(frozen=True)
class StockPrice:
    """What one more month of use in a strategic stock costs and is worth, USD a month of use.

    Attributes
    ----------
    measure
        The stock.
    tonnes
        A month of the country's use and processing, t.
    charge
        What holding it charges the plan's years with.
    worth
        By how much it lowers mean loss plus weighted CVaR, at most (proven by the cuts).
    """

    measure: str
    tonnes: float
    charge: float
    worth: float


@dataclass(frozen=True)
class Benchmark:
    """Own output and dependence on one supplier, before and after; shares.

    Attributes
    ----------
    who, chain, form, stage
        Whose, and at which stage.
    own_before, own_after
        Output for which there is a source (with measures in full service), over use and processing.
    untraced
        What counts as own output although no source says that they make it, over the same; in no
        other column.
    own_target
        Target of Regulation (EU) 2024/1252 for the stage; None where it sets none.
    recycled_added
        What recycling in the plan adds, over use and processing.
    top_supplier
        Largest single country of supply from outside.
    top_before, top_after
        Its share of supply; afterwards as if what measures add replaced that supplier.
    """

    who: str
    chain: str
    form: str
    stage: str
    own_before: float
    own_after: float
    untraced: float
    own_target: float | None
    recycled_added: float
    top_supplier: str
    top_before: float
    top_after: float


@dataclass(frozen=True)
class LevelOutcome:
    """A level of security that the plan has to reach.

    Attributes
    ----------
    label, countries
        What is asked, and whose it is.
    unit
        ``t`` of stock or ``t/year``.
    short_before, spare_after
        What is missing without the plan; what the plan holds beyond the level.
    """

    label: str
    countries: tuple[str, ...]
    unit: str
    short_before: float
    spare_after: float


@dataclass(frozen=True)
class UnmetOutcome:
    """A limit on unmet use, and how plans keep it in the market; nothing here is proven.

    Attributes
    ----------
    chain, countries, share_at_most, in_futures, over
        The limit.
    kept
        Share of the fresh futures in which it holds, by plan; ``unmet limits`` is the plan sought
        for it, ``whole menu`` everything at once.
    reached
        Whether the plan sought for it keeps it in the futures that it was chosen by.
    """

    chain: str
    countries: tuple[str, ...]
    share_at_most: float
    in_futures: float
    over: str
    kept: Mapping[str, float]
    reached: bool


@dataclass(frozen=True)
class PlanResult:
    """The plan.

    Attributes
    ----------
    specification
        The action plan in full.
    seed, n, fresh
        Of the futures; how many it is made for and judged by.
    base_year, years
        Year of the trade data; the plan's years.
    objective, bound, gap
        Goal's value of the plan, its proven lower bound over all plans, their relative distance.
    gap_of_saving
        The distance of the bounds over what the plan saves; None if it saves nothing.
    without
        The goal's value without any measure; None if that breaks the limit on the CVaR.
    expected_loss, cvar, charge_usd, cost_usd
        Of the plan in the futures that it is made for.
    expected_loss_before, cvar_before
        The same without any measure.
    cash_by_year
        Who pays when, USD: by partner, then by year.
    tail, tail_weight
        α and λ.
    measures, coalitions, shares, frontier, market, comparisons, stock_prices, benchmarks, levels,
    unmet_limits
        See their classes.
    separate_usd, saved_by_joining_usd
        Value of both standalone plans carried out together, None where they cannot be; by how much
        the joint plan beats it:
        at least this much is proven up to the gap.
    saved_at_least_usd, saved_at_most_usd
        What is saved for certain: the separate plans' lower bound less the joint plan's value; and
        what the best joint plan could save at most: their value less its bound.
    core
        What the core check found, in words.
    value_of_stochastic_solution
        Value of the plan made for the central future, in all futures, less that of the plan.
    evaluations, rounds, seconds
        Work done.
    dataset, country_names
        Provenance.
    """

    specification: Mapping[str, Any]
    seed: int
    n: int
    fresh: int
    base_year: int
    years: tuple[int, ...]
    objective: float
    bound: float
    gap: float
    gap_of_saving: float | None
    without: float | None
    expected_loss: float
    cvar: float
    charge_usd: float
    cost_usd: float
    expected_loss_before: float
    cvar_before: float
    cash_by_year: Mapping[str, Mapping[int, float]]
    tail: float
    tail_weight: float
    measures: tuple[MeasureOutcome, ...]
    coalitions: tuple[CoalitionValue, ...]
    shares: Mapping[str, PartnerShare]
    frontier: tuple[FrontierPoint, ...]
    market: tuple[MarketView, ...]
    comparisons: tuple[FreshComparison, ...]
    stock_prices: tuple[StockPrice, ...]
    benchmarks: tuple[Benchmark, ...]
    levels: tuple[LevelOutcome, ...]
    unmet_limits: tuple[UnmetOutcome, ...]
    separate_usd: float | None
    saved_by_joining_usd: float | None
    saved_at_least_usd: float | None
    saved_at_most_usd: float | None
    core: str
    value_of_stochastic_solution: float | None
    evaluations: int
    rounds: int
    seconds: Mapping[str, float]
    dataset: Mapping[str, Any]
    country_names: Mapping[str, str]

    @property
    def tail_futures(self) -> int:
        """Futures that the tail is made of, the last of them perhaps in part."""
        return math.ceil(round((1.0 - self.tail) * self.n, 9))

    @property
    def over_budget(self) -> Mapping[str, float]:
        """What partners pay beyond budgets of their own, USD: others' money where they are pooled.

        By the plan's rule of who pays what, by partner; those who stay within are left out.
        """
        budgets = {p["id"]: p["budget_usd"]["value"] for p in self.specification["partners"]}
        over = {name: share.pays - budgets[name] for name, share in self.shares.items()}
        return {name: usd for name, usd in over.items() if usd > 1e-6 * budgets[name]}


def plan_document(result: PlanResult) -> dict[str, Any]:
    """Return the result as plain data, the contract of ``lodeline plan --json``."""
    document = asdict(result)
    del document["country_names"]
    document["id"] = result.specification["id"]
    document["expected_cost"] = result.charge_usd + result.expected_loss
    measures = []
    for m in result.measures:
        row = asdict(m)
        first = m.decisions[0].year if m.decisions else None
        head = {"id": m.id, "built": m.modules > 0.0, "modules": m.modules, "when": first}
        measures.append(head | {"works_from": m.works_from} | row)
    document["measures"] = measures
    return document
