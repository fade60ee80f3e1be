"""A plan in words and tables, for the terminal and the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lodeline.results.plan import MeasureOutcome, PlanResult

__all__ = ["plan_lines", "plan_tables", "usd"]

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
    yield (
        f"{len(built)} of {len(result.measures)} measures, {usd(result.cost_usd)} m USD in "
        f"{result.years[0]} to {result.years[-1]}."
    )
    yield (
        f"In {result.n} futures the world's mean loss is {usd(result.expected_loss)} m USD, that "
        f"of the worst {1.0 - result.tail:.0%} {usd(result.cvar)} m USD."
    )
    yield (
        f"No plan can be better than this one by more than {result.gap:.2%}: "
        f"{usd(result.objective)} m USD against a bound of {usd(result.bound)}"
        + ("." if result.without is None else f"; without measures {usd(result.without)}.")
        + _of_saving(result)
    )
    if result.saved_by_joining_usd is not None:
        yield (
            f"One joint plan beats separate plans carried out together by "
            f"{usd(result.saved_by_joining_usd)} m USD; {result.core}."
        )


def _of_saving(result: PlanResult) -> str:
    if result.without is None:
        return " Without measures the limit on the loss of the worst futures is not kept."
    if result.gap_of_saving is None:
        return " It saves nothing."
    return f" Of what it saves that is {share(result.gap_of_saving)} at most."


def plan_tables(result: PlanResult) -> Iterator[Table]:
    """Yield tables: title, headings, rows, which headings are numbers."""
    yield _calendar(result)
    yield _market(result)
    if len(result.shares) > 1:
        yield _shares(result)
    if result.frontier:
        yield _frontier(result)


def when(measure: MeasureOutcome) -> str:
    """Return the years of a measure's decisions, with modules where there are several."""
    return ", ".join(
        f"{d.year}" if d.modules == 1.0 else f"{d.year} ×{d.modules:g}" for d in measure.decisions
    )


def _calendar(result: PlanResult) -> Table:
    headings = ("measure", "decided", "works from", "m USD", "prevents", "helps in", "±10 % cost")
    rows = []
    for m in result.measures:
        if not m.decisions:
            continue
        stable = "same" if m.if_dearer == m.if_cheaper == "same" else "changes"
        rows.append(
            (m.id, when(m), m.works_from, usd(m.cost_usd), usd(m.prevents_usd),
             share(m.helps_in), stable)
        )  # fmt: skip
    title = "Decided (prevents: mean fall of the world's loss in fresh futures, m USD)"
    return title, headings, rows, ("m USD", "prevents", "helps in")


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
    headings = ("budget", "spent", "mean loss", "tail loss", "goal", "bound")
    rows = [
        (f"×{p.budget_factor:g}", usd(p.cost_usd), usd(p.expected_loss), usd(p.cvar),
         usd(p.upper), usd(p.lower))
        for p in result.frontier
    ]  # fmt: skip
    return "Budget against security, m USD", headings, rows, headings
