"""The worst case in a terminal of 80 columns, and as a brief in Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from lodeline.report.format import SPACE, join, money, months, share, times, tonnes
from lodeline.results.worst_case import Restriction, WorstCaseResult

__all__ = ["worst_case_brief", "worst_case_lines"]

WIDTH = 80
_SHOWN = 5


def worst_case_lines(result: WorstCaseResult) -> list[str]:
    """Return the answer in lines of at most 80 columns."""
    lines = _wrapped(_question(result))
    lines += ["", *_wrapped(_answer(result)), ""]
    for r in result.restrictions:
        lines += _wrapped(_restriction(result, r), "  ")
    lines += ["", *_wrapped(_proof(result))]
    if result.left_out.count:
        lines += _wrapped(_left_out(result))
    lines += ["", "Next worst sets of that size:"]
    for rank, names, damage in _others(result):
        lines += _wrapped(f"{rank}. {damage}: {names}", "  ")
    for note in result.notes:
        lines += ["", *_wrapped(note)]
    return lines


def worst_case_brief(result: WorstCaseResult) -> str:
    """Return the brief as Markdown."""
    out = [f"# {_question(result)}", "", _answer(result), ""]
    out += [f"- {_restriction(result, r)}" for r in result.restrictions]
    out += ["", "## What proves it", "", _proof(result)]
    if result.left_out.count:
        out += ["", _left_out(result)]
    out += ["", "## By country", "", *_outcome(result)]
    out += ["", "## Next worst sets of that size", ""]
    out += [f"{rank}. {damage}: {names}" for rank, names, damage in _others(result)]
    out += ["", "## Limits", "", *(f"- {note}" for note in result.notes)]
    certificate = result.certificate
    out += [
        "",
        f"Dataset {result.dataset['edition']}. Worst residual {certificate['max_residual']:.0e}, "
        f"worst gap {certificate['max_gap']:.0e}.",
    ]
    return "\n".join(out) + "\n"


def _wrapped(text: str, indent: str = "") -> list[str]:
    hanging = indent + "  " if indent else ""
    return [
        line.replace(SPACE, " ")
        for line in textwrap.wrap(
            text, WIDTH, initial_indent=indent, subsequent_indent=hanging,
            break_long_words=False, break_on_hyphens=False,
        )
    ]  # fmt: skip


def _question(result: WorstCaseResult) -> str:
    what = " or ".join({"exporter": "exporters", "lane": "lanes", "stage": "producers"}[k]
                       for k in result.kinds)  # fmt: skip
    names = join([result.country_names.get(c, c) for c in result.target])
    count = f"{result.k} {what}" if result.k > 1 else what.replace("s or ", " or ").rstrip("s")
    return (
        f"{result.title}: which {count} would hurt {names} most? "
        f"(base year {result.base_year}, {months(result.months)})"
    )


def _answer(result: WorstCaseResult) -> str:
    if not result.restrictions:
        return "Nothing on the list does harm."
    [total] = result.outcome.filter(result.outcome["country"] == "total").to_dicts()
    return (
        f"Closed for {months(result.months)}, {_count(len(result.restrictions))} would leave "
        f"{share(total['unmet_share'])} of the use of {result.form} unmet "
        f"({tonnes(total['unmet_t_total'], result.unit)}), with a price up to "
        f"{times(total['price_multiple_peak'])} that of {result.base_year}, at a cost of "
        f"{money(total['cost_usd'])} in the chain's markets."
    )


def _count(number: int) -> str:
    return "this" if number == 1 else f"these {number}"


def _restriction(result: WorstCaseResult, r: Restriction) -> str:
    what = "output" if r.kind == "stage" else "trade"
    country = result.country_names[r.country]
    to = f" to {result.country_names[r.destination]}" if r.destination else ""
    verb = {"exporter": "exports", "lane": "ships", "stage": "makes"}[r.kind]
    return f"{country} {verb} no {r.form}{to} ({share(r.share)} of the world's {what})"


def _proof(result: WorstCaseResult) -> str:
    if result.method == "enumeration":
        return (
            f"Proven: all {result.possible:,} sets of up to {result.k} out of "
            f"{result.candidates} candidates were run."
        )
    tried = f"{result.evaluated:,} of {result.possible:,} sets were run"
    if result.bound is None:
        return f"Not proven to be the worst: {tried}, and there is {result.bound_reason}."
    if result.is_exact:
        return f"Proven among {result.candidates} candidates: {tried}; {result.bound_reason}."
    return (
        f"Not proven to be the worst: {tried}. No set does more than "
        f"{_amount(result, result.bound)}; this one does {_amount(result, result.damage)}."
    )


def _left_out(result: WorstCaseResult) -> str:
    left = result.left_out
    text = (
        f"{left.count} candidates with less than {share(left.least_share)} of the world's and of "
        "the target's trade were run alone only"
    )
    if left.largest_alone is None or left.largest_damage_alone is None:
        return text + "."
    return (
        f"{text}; the worst of them, {_restriction(result, left.largest_alone)}, does "
        f"{_amount(result, left.largest_damage_alone)}."
    )


def _others(result: WorstCaseResult) -> list[tuple[int, str, str]]:
    size = len(result.restrictions)
    table = result.ranking.filter((result.ranking["size"] == size) & (result.ranking["rank"] > 1))
    rows = table.head(_SHOWN).to_dicts()
    return [(r["rank"], r["restrictions"], _amount(result, r["damage"])) for r in rows]


def _amount(result: WorstCaseResult, value: float) -> str:
    return money(value) if result.damage_unit == "USD" else tonnes(value, result.unit)


def _outcome(result: WorstCaseResult) -> Sequence[str]:
    head = [
        "| country | unmet | share of use | worst month | price | cost |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    return head + [
        f"| {result.country_names.get(r['country'], r['country'])} "
        f"| {tonnes(r['unmet_t_total'], result.unit)} | {share(r['unmet_share'])} "
        f"| {share(r['unmet_share_peak'])} "
        f"| {times(r['price_multiple_peak'])} | {money(r['cost_usd'])} |"
        for r in result.outcome.to_dicts()
    ]  # fmt: skip
