"""The worst case in a terminal of 80 columns, and as a brief."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lodeline.report.blocks import Block, BriefNames, write_brief
from lodeline.report.brief import REMAINDER_MARK
from lodeline.report.clause import form_of
from lodeline.report.format import SPACE, join, money, months, share, times, tonnes, wrapped
from lodeline.results.worst_case import Restriction, WorstCaseResult, worst_case_document

__all__ = ["worst_case_blocks", "worst_case_lines", "write_worst_case"]

_SHOWN = 5
_CAP_MARK = "†"
_REMAINDER = (
    "The recorded use is less than a tenth of what the country makes and takes in: a remainder of "
    "two large figures (or, of an exporter whose output nobody publishes, an assumed share of its "
    "net exports), of which a percentage or a cost says little."
)
_ISO3 = re.compile(r"\b[A-Z]{3}\b")
_GAIN = (
    "The minus is a gain: what is made or held there sells dearer, and that outweighs what users "
    "lose. Users are short all the same."
)


def worst_case_lines(result: WorstCaseResult) -> list[str]:
    """Return the answer in lines of at most 80 columns."""
    lines = wrapped(_question(result))
    lines += ["", *wrapped(_answer(result)), ""]
    for r in result.restrictions:
        lines += wrapped(_restriction(result, r), "  ")
    lines += ["", *wrapped(_proof(result))]
    if result.left_out.count:
        lines += wrapped(_left_out(result))
    lines += ["", "Next worst sets of that size:"]
    for rank, names, damage in _others(result):
        lines += wrapped(f"{rank}. {damage}: {names}", "  ")
    for note in (*_inferred(result), *result.notes):
        lines += ["", *wrapped(note)]
    return lines


def worst_case_blocks(result: WorstCaseResult) -> Iterator[Block]:
    """Yield the parts of the brief, in order."""
    restrictions = tuple(_restriction(result, r) for r in result.restrictions)
    text = (_answer(result), *_inferred(result))
    yield Block(_question(result), level=1, text=text, items=restrictions)
    left_out = (_left_out(result),) if result.left_out.count else ()
    yield Block("What proves it", text=(_proof(result), *left_out))
    yield _outcome(result)
    others = tuple((str(rank), names, damage) for rank, names, damage in _others(result))
    columns = ("rank", "restrictions", "damage")
    numbers = ("damage",)
    yield Block("Next worst sets of that size", columns=columns, rows=others, numbers=numbers)
    certificate = result.certificate
    proof = (
        f"Dataset {result.dataset['edition']}. Worst residual {certificate['max_residual']:.0e}, "
        f"worst gap {certificate['max_gap']:.0e}."
    )
    yield Block("Limits", items=(*result.notes, proof))


def write_worst_case(result: WorstCaseResult, folder: Path) -> list[str]:
    """Write brief, document and tables into a folder; return the names."""
    return write_brief(
        folder,
        worst_case_blocks(result),
        kind="worst case",
        names=BriefNames("report.html", "worst-case.md"),
        document=worst_case_document(result),
        tables={"sets": result.ranking, "countries": result.outcome},
    )


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
    answer = (
        f"Closed for {months(result.months)}, {_count(len(result.restrictions))} would leave "
        f"{share(total['unmet_share'])} of the use of {result.form} unmet "
        f"({tonnes(total['unmet_t_total'], result.unit)}), with {_price(result, total)}, at a cost "
        f"of {money(total['cost_usd'])} in the chain's markets."
    )
    if total["is_remainder"]:
        answer += f" {_REMAINDER}"
    if total["cost_usd"] >= 0.0:
        return answer
    return f"{answer} {_GAIN}"


def _price(result: WorstCaseResult, total: Mapping[str, Any]) -> str:
    if total["is_price_capped"]:
        return "prices that reach the model’s cap, where a price no longer means anything"
    return f"a price up to {times(total['price_multiple_peak'])} that of {result.base_year}"


def _inferred(result: WorstCaseResult) -> Iterator[str]:
    """Yield which forms have lanes that nobody observed."""
    for form, source in result.inferred.items():
        what = form_of(result.title, form)
        yield f"Who buys {what} from whom is inferred from {source}, not observed."


def _count(number: int) -> str:
    return "this" if number == 1 else f"these {number}"


def _restriction(result: WorstCaseResult, r: Restriction) -> str:
    what = "output" if r.kind == "stage" else "trade"
    country = result.country_names[r.country]
    does = r.title.removeprefix(f"{r.country} ")
    if r.destination:
        does = does.removesuffix(r.destination) + result.country_names[r.destination]
    return f"{country} {does} ({share(r.share)} of the world's {what})"


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
    return [
        (r["rank"], _named(result, r["restrictions"]), _amount(result, r["damage"])) for r in rows
    ]


def _named(result: WorstCaseResult, titles: str) -> str:
    """Return titles of restrictions with the names of countries for their codes."""
    return _ISO3.sub(lambda code: result.country_names.get(code[0], code[0]), titles)


def _amount(result: WorstCaseResult, value: float) -> str:
    return money(value) if result.damage_unit == "USD" else tonnes(value, result.unit)


def _outcome(result: WorstCaseResult) -> Block:
    columns = ("country", "unmet", "share of use", "worst month", "price", "cost")
    rows = tuple(
        (
            result.country_names.get(r["country"], r["country"]),
            tonnes(r["unmet_t_total"], result.unit),
            share(r["unmet_share"]) + (REMAINDER_MARK if r["is_remainder"] else ""),
            share(r["unmet_share_peak"])
            + (REMAINDER_MARK if r["is_remainder"] and r["unmet_share_peak"] is not None else ""),
            (f"≥{SPACE}" if r["is_price_capped"] else "")
            + times(r["price_multiple_peak"])
            + (_CAP_MARK if r["is_price_capped"] else ""),
            money(r["cost_usd"]),
        )
        for r in result.outcome.to_dicts()
    )
    marks = (
        (f"{_CAP_MARK} Price at the model’s cap, where it no longer means anything.", _CAP_MARK),
        (f"{REMAINDER_MARK} {_REMAINDER}", REMAINDER_MARK),
    )
    told = tuple(text for text, mark in marks if any(mark in cell for row in rows for cell in row))
    return Block("By country", text=told, columns=columns, rows=rows, numbers=columns[1:])
