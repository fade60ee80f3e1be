"""A plan in words and tables, for the terminal and the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lodeline.report import format as fmt
from lodeline.results.plan import FreshComparison, MeasureOutcome, PlanResult

__all__ = ["compared", "decision", "plan_lines", "plan_tables", "share", "usd", "when"]

_MUCH = 0.1
"""Part of what is saved that a single future may make before that is said."""
_FEW = 5
"""Futures in the tail below which a plan is called a sketch."""

Table = tuple[str, Sequence[str], Sequence[Sequence[object]], Sequence[str]]


def usd(value: float | None) -> str:
    """Return money in millions of dollars.

    Examples
    --------
    >>> usd(1_234_500_000.0), usd(31_400.0), usd(None)
    ('1,234', '0.03', '–')
    """
    if value is None:
        return "–"
    millions = value / 1e6
    if abs(millions) >= 1000.0:
        return f"{millions:,.0f}"
    return f"{millions:,.1f}" if abs(millions) >= 1.0 else f"{millions:,.2f}"


def share(value: float | None) -> str:
    """Return a share as per cent."""
    return "–" if value is None else f"{value:.0%}"


def plan_lines(result: PlanResult) -> Iterator[str]:
    """Yield the answer in sentences."""
    yield str(result.specification["title"])
    built = [m for m in result.measures if m.decisions]
    payers = ", ".join(f"{p} {usd(s.pays)}" for p, s in result.shares.items())
    yield (
        f"{len(built)} of {len(result.measures)} measures for {usd(result.cost_usd)} m USD in "
        f"{result.years[0]} to {result.years[-1]} ({payers}); these years have to bear "
        f"{usd(result.charge_usd)} of it, the rest outlives them."
    )
    for name, over in result.over_budget.items():
        yield (
            f"Budgets are pooled: of what stands for {name} {usd(over)} m USD is beyond its own "
            "budget, paid out of what the others leave."
        )
    yield (
        f"In {result.n} futures lived through with foresight the world's mean loss falls from "
        f"{usd(result.expected_loss_before)} to {usd(result.expected_loss)} m USD, that of the "
        f"worst {1.0 - result.tail:.0%} from {usd(result.cvar_before)} to {usd(result.cvar)}."
    )
    if result.tail_futures < _FEW:
        yield (
            f"{fmt.count(result.n, 'future')} are too few to decide by: the worst "
            f"{1.0 - result.tail:.0%} rest on {result.tail_futures} of them, and other futures may "
            f"choose other measures. Take more ('n' in the file)."
        )
    yield from _in_the_market(result)
    yield (
        f"No plan on this menu can be better by the goal than this one by more than "
        f"{result.gap:.3%}: {usd(result.objective)} m USD against a bound of {usd(result.bound)}"
        + ("." if result.without is None else f"; without measures {usd(result.without)}.")
        + _of_saving(result)
    )
    if result.value_of_stochastic_solution is not None:
        yield (
            f"A plan made for the central future alone would be worse in all futures by "
            f"{usd(result.value_of_stochastic_solution)} m USD (value of the stochastic solution)."
        )
    yield from _joint(result)
    yield from _own_loss(result)
    yield from _if_a_cost_changes(result)


def _in_the_market(result: PlanResult) -> Iterator[str]:
    views = {v.name: v for v in result.market}
    nothing, joint = views["nothing"], views["joint"]
    yield (
        f"In {result.fresh} fresh futures of the market, where nobody knows what comes, the "
        f"partners' own mean loss falls from {usd(nothing.own_mean)} to {usd(joint.own_mean)} m "
        f"USD, the world's from {usd(nothing.world_mean)} to {usd(joint.world_mean)}. "
        + "".join(
            compared(c, "Charge included, the plan saves")
            for c in result.comparisons
            if _is(c, "nothing")
        )
    )


def _is(comparison: FreshComparison, against: str) -> bool:
    return (comparison.plan, comparison.against) == ("joint", against)


def compared(c: FreshComparison, words: str) -> str:
    """Return what one plan saves against another in fresh futures, with its standard errors."""
    return (
        f"{words} {usd(c.world_usd)} ± {usd(c.world_error_usd)} m USD of the world's loss, "
        f"{usd(c.own_usd)} ± {usd(c.own_error_usd)} of the partners' own (± one standard "
        f"error{_told_apart(c)})."
    )


def _told_apart(c: FreshComparison) -> str:
    """Return what makes these figures less sure than their errors say."""
    pairs = (
        ("the world", c.world_usd, c.world_error_usd, c.world_largest),
        ("the partners", c.own_usd, c.own_error_usd, c.own_largest),
    )
    unsure = [who for who, mean, error, _ in pairs if error is None or abs(mean) <= 2.0 * error]
    if unsure:
        return f"; for {' and '.join(unsure)} these futures are too few to tell it from nothing"
    skewed = [f"{share(part)} for {who}" for who, _, _, part in pairs if part > _MUCH]
    if skewed:
        return (
            f"; a single future makes {' and '.join(skewed)}: so few carry it that the error is "
            "more than it says"
        )
    return ""


def _joint(result: PlanResult) -> Iterator[str]:
    least, most = result.saved_at_least_usd, result.saved_at_most_usd
    if result.saved_by_joining_usd is None or least is None or most is None:
        return
    yield (
        f"One joint plan saves {usd(result.saved_by_joining_usd)} m USD against separate plans "
        f"carried out together: by the goal, in the plan's own {result.n} futures (proven there "
        f"between {usd(max(least, 0.0))} and {usd(most)}; other futures give other figures)."
    )
    for c in result.comparisons:
        if _is(c, "separate"):
            yield compared(c, "In the fresh futures of the market, charge included, joining saves")
    yield f"Sharing what is saved: {result.core}."


def _own_loss(result: PlanResult) -> Iterator[str]:
    """Yield what plans for the partners' own loss are worth, and how they were kept honest."""
    found = [c for c in result.comparisons if c.plan == "own loss"]
    if found:
        yield (
            f"Plans for the partners' own loss were sought by exchanges in the plan's {result.n} "
            f"futures; only exchanges that help in {result.fresh} others too were made. Nothing "
            f"about them is proven."
        )
    for c in found:
        words = f"In the {result.fresh} fresh futures, charge included, “{c.plan}” saves against"
        yield compared(c, f"{words} “{c.against}”")


def _if_a_cost_changes(result: PlanResult) -> Iterator[str]:
    """Yield whether the decision on each chosen measure changes with a tenth of its cost."""
    built = [m for m in result.measures if m.decisions]
    if not built:
        return
    moved = [m for m in built if not is_stable(m)]
    yield (
        f"If the cost of one measure rises or falls by a tenth, nothing changes for "
        f"{len(built) - len(moved)} of the {len(built)} chosen ones, as far as the proof can tell"
        + ("; the others: " if moved else "")
        + ", ".join(
            f"{m.title} (modules if dearer: {m.if_dearer}; if cheaper: {m.if_cheaper})"
            for m in moved
        )
        + "."
    )


def _of_saving(result: PlanResult) -> str:
    if result.without is None:
        return " Without measures the limit on the loss of the worst futures is not kept."
    if result.gap_of_saving is None:
        return " It saves nothing by the goal: levels of security cost more than they save."
    return f" Of what it saves that is {result.gap_of_saving:.1%} at most."


def plan_tables(result: PlanResult) -> Iterator[Table]:
    """Yield tables: title, headings, rows, which headings are numbers."""
    yield _calendar(result)
    yield _cash(result)
    yield _market(result)
    if result.levels:
        yield _levels(result)
    if result.unmet_limits:
        yield _unmet(result)
    if len(result.shares) > 1:
        yield _shares(result)
    if result.frontier:
        yield _frontier(result)


def when(measure: MeasureOutcome) -> str:
    """Return the years of a measure's decisions, with modules where there are several."""
    return ", ".join(
        f"{d.year}" if d.modules == 1.0 else f"{d.year} ×{d.modules:g}" for d in measure.decisions
    )


def is_stable(measure: MeasureOutcome) -> bool:
    """Return whether nothing changes if its cost rises or falls by a tenth."""
    return measure.if_dearer == measure.if_cheaper == "same"


def decision(measure: MeasureOutcome) -> str:
    """Return what becomes of the decision on a measure if its cost changes by a tenth."""
    if is_stable(measure):
        return "same"
    own = {x.partition(",")[0] for x in (measure.if_dearer, measure.if_cheaper)}
    return "others" if own == {"same"} else "changes"


def _calendar(result: PlanResult) -> Table:
    headings = (
        "measure",
        "decided",
        "works from",
        "cash",
        "charge",
        "prevents",
        "pays in",
        "±10 %",
    )
    rows = [
        (m.id, when(m), m.works_from, usd(m.cost_usd), usd(m.charge_usd), usd(m.prevents_usd),
         share(m.helps_in), decision(m))
        for m in result.measures
        if m.decisions
    ]  # fmt: skip
    title = (
        "Decided, m USD (prevents: mean fall of the world's loss in fresh futures; pays in: share "
        "of them in which that is more than the charge; ±10 %: the decision on it if its cost "
        "changes; others: the same, but other measures change)"
    )
    return title, headings, rows, ("cash", "charge", "prevents", "pays in")


def _cash(result: PlanResult) -> Table:
    years = tuple(str(y) for y in result.years)
    rows = [
        (partner, *(usd(paid[y]) for y in result.years))
        for partner, paid in result.cash_by_year.items()
    ]
    return "Who pays when, m USD", ("partner", *years), rows, years


def _levels(result: PlanResult) -> Table:
    headings = ("level", "short before", "spare after", "unit")
    rows = [
        (x.label, f"{x.short_before:,.0f}", f"{x.spare_after:,.0f}", x.unit) for x in result.levels
    ]
    return "Levels of security that the plan reaches", headings, rows, headings[1:3]


def _unmet(result: PlanResult) -> Table:
    names = tuple(result.unmet_limits[0].kept)
    rows = [
        (f"{x.chain}, {', '.join(x.countries)}: {x.share_at_most:.0%}, {x.over.replace('-', ' ')}",
         share(x.in_futures), *(share(x.kept[n]) for n in names))
        for x in result.unmet_limits
    ]  # fmt: skip
    title = "Limits on unmet use: share of fresh futures in which they hold (found by trying)"
    return title, ("limit", "asked", *names), rows, ("asked", *names)


def _market(result: PlanResult) -> Table:
    headings = ("plan", "world", "world, tail", "partners", "partners, tail", "charge")
    rows = [
        (v.name, usd(v.world_mean), usd(v.world_cvar), usd(v.own_mean), usd(v.own_cvar),
         usd(v.charge))
        for v in result.market
    ]  # fmt: skip
    title = f"Judged by the market in {result.fresh} fresh futures: mean losses, m USD"
    return title, headings, rows, headings[1:]


def _shares(result: PlanResult) -> Table:
    headings = ("partner", "pays", "alone", "Shapley", "nucleolus", "own loss", "with plan")
    rows = [
        (name, usd(s.pays), usd(s.alone), usd(s.shapley), usd(s.nucleolus),
         usd(s.own_loss_before), usd(s.own_loss_after))
        for name, s in result.shares.items()
    ]  # fmt: skip
    return "Who pays, what is saved and how it is shared, m USD", headings, rows, headings[1:]


def _frontier(result: PlanResult) -> Table:
    headings = ("budget", "spent", "mean prevented", "tail prevented", "goal", "bound")
    rows = [
        (f"×{p.budget_factor:g}", usd(p.cost_usd), usd(p.mean_prevented), usd(p.tail_prevented),
         usd(p.upper), usd(p.lower))
        for p in result.frontier
    ]  # fmt: skip
    return "Budget against security, m USD", headings, rows, headings
