"""The answer in sentences, built from the numbers of a stress test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from lodeline.report import format as fmt
from lodeline.report.beside import beside_headline
from lodeline.report.clause import condition, form_of, material, restriction_sentences
from lodeline.report.depends import cautions, depends
from lodeline.results.groups import hardest_hit
from lodeline.results.metrics import UNMET_THRESHOLD
from lodeline.results.stress import ChainResult, SensitivityRow, StressResult
from lodeline.results.users import CLEARLY

__all__ = [
    "NOTHING",
    "REMAINDER_MARK",
    "Answer",
    "Point",
    "answer",
    "asked_rows",
    "changes",
    "earlier",
    "form_words",
    "leaves_out",
    "members",
    "metric_row",
    "rests_on",
    "share_of_use",
]

NOTHING = 0.005
"""Below this share of use a loss is called next to nothing."""

_SAME_PRICE = 1.02
"""Below this multiple of the base year's price nothing is said to have risen."""

_SENTENCES = 3
"""Other countries that get a sentence; the table holds the rest."""

_CHANGES = 3

_MUCH = 0.2
"""Share of use from which an earlier form is told of beside a table of the form shown."""

_RESTRICTIONS, _ASSUMPTIONS, _NOTES = 3, 4, 3
_POINT, _ROOM = 200, 1400
"""Letters of a point, and of all that the answer rests on: what two printed pages hold."""

REMAINDER_MARK = "‡"
"""Behind a share of a use that is less than a tenth of what the country takes in."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """The answer of a brief.

    Attributes
    ----------
    lead
        One sentence with the range.
    rest
        What follows: how long, at what cost, and the other countries.
    beside
        What belongs right beside the lead: what is not traced, how the range was made.
    """

    lead: str
    rest: tuple[str, ...]
    beside: tuple[str, ...] = ()


def answer(result: StressResult) -> Answer:
    """Return the answer to the scenario's question."""
    head = result.headline
    clause = condition(result)
    if not head:
        who = fmt.join([fmt.location(_name(result, c)) for c in result.asked], "or")
        lead = f"{clause}, nothing would be lost by {who}: no use of these materials is recorded."
        return Answer(lead, tuple(cautions(result)))
    chain = result.chains[head["chain"]]
    row = metric_row(chain, head["country"])
    worst = head["unmet_share_peak"]
    if not result.sensitivity:
        head = {**head, "low": None, "high": None}
    name = _name(result, head["country"])
    if row is None or worst is None or fmt.is_absent(worst):
        lead = f"{clause}, no shortage could be computed for {fmt.location(name)}."
        return Answer(lead, (*_others(result), *cautions(result)))
    lead = f"{clause}, {_loss(name, chain, head)}"
    price = _price(chain, row, result)
    lead += f"; {price}." if price else "."
    rest = [
        *_course(name, chain, row, result),
        *members(result),
        *depends(result),
        *_others(result),
    ]
    return Answer(lead, (*rest, *cautions(result)), tuple(beside_headline(result)))


@dataclass(frozen=True)
class Point:
    """Something the answer rests on, or leaves out; `why` is empty where there is no room."""

    text: str
    why: str = ""
    is_assumed: bool = False


def rests_on(result: StressResult) -> tuple[list[Point], int]:
    """Return what the answer rests on, as much as a brief has room for, and how many are left."""
    told = restriction_sentences(result)
    points = [Point(fmt.shorten(text, _POINT)) for text in told[:_RESTRICTIONS]]
    assumed = result.scenario["assumptions"]
    points += [
        Point(fmt.shorten(a["text"], _POINT), fmt.shorten(a["why"], _POINT), is_assumed=True)
        for a in assumed[:_ASSUMPTIONS]
    ]
    room = _ROOM - sum(len(p.text) for p in points)
    out = []
    for point in points:
        room -= len(point.why)
        out.append(point if room >= 0 else replace(point, why=""))
    return out, len(told) + len(assumed) - len(points)


def leaves_out(result: StressResult) -> list[str]:
    """Return what the answer leaves out, as much as a brief has room for."""
    return [fmt.shorten(note, _POINT) for note in result.scenario["notes"][:_NOTES]]


def changes(result: StressResult) -> list[str]:
    """Return what would change the answer, widest first, a sentence each."""
    return [_change(row) for row in result.sensitivity[:_CHANGES]]


def metric_row(chain: ChainResult, country: str, form: str | None = None) -> dict[str, Any] | None:
    """Return the metrics of a country or group in a chain, None where it has none.

    Without a form they are those of the form shown, with the cost of all forms of the chain.
    """
    rows = chain.metrics_of(country).filter(pl.col("form") == (form or chain.form)).to_dicts()
    if rows and form is None:
        whole = chain.costs_of(country)["cost_usd"].to_list()
        rows[0]["cost_usd"] = whole[0] if whole else None
    return rows[0] if rows else None


def asked_rows(result: StressResult) -> list[tuple[ChainResult, str, dict[str, Any]]]:
    """Return chain, country and metrics of the countries asked about that use it, worst first."""
    found = [
        (chain, country, row)
        for chain in result.chains.values()
        for country in result.asked
        if (row := metric_row(chain, country)) is not None and row["reference_use_t"]
    ]
    return sorted(found, key=lambda item: -_or_zero(item[2]["unmet_share_peak"]))


def form_words(chain: ChainResult, form: str | None = None) -> str:
    """Return a form as a sentence names it: ``rare earths (metals)``."""
    if len(chain.units) < 2:
        return material(chain.title)
    return form_of(chain.title, form or chain.form)


def share_of_use(row: Row) -> str:
    """Return the worst month of a row of metrics, marked where the use is a mere remainder."""
    return f"{fmt.share(row['unmet_share_peak'])}{_mark(row)}"


def _mark(row: Row) -> str:
    return REMAINDER_MARK if row["is_remainder"] else ""


def is_capped(chain: ChainResult, country: str, form: str | None = None) -> bool:
    """Return whether the price of a country ever reaches the cap."""
    rows = chain.series_of(country).filter(pl.col("form") == (form or chain.form))
    return bool(rows["is_price_capped"].fill_null(value=False).any())


def _loss(name: str, chain: ChainResult, head: Row) -> str:
    what = form_words(chain, head["form"])
    worst, low, high = head["unmet_share_peak"], head.get("low"), head.get("high")
    who = fmt.location(name)
    if worst < NOTHING:
        reach = fmt.span(low, high)
        tail = f", range {reach}" if reach != fmt.ABSENT else ""
        if worst == 0:
            return f"{who} would lack none of its {what} in any month{tail}"
        text = f"{who} would lack next to none of its {what}"
        return f"{text} ({_at_most(worst)} of its use in any month{tail})"
    row = metric_row(chain, head["country"], head["form"])
    mark = "" if row is None else _mark(row)
    text = f"{who} would lack up to {fmt.share_range(worst, low, high)}{mark} of its {what}"
    return f"{text}{_short_span(chain, head['country'], head['form'])}"


def _price(chain: ChainResult, row: Row, result: StressResult) -> str:
    multiple = row["price_multiple_peak"]
    if is_capped(chain, row["country"], row["form"]):
        return "prices there would reach the model’s cap, where a price no longer means anything"
    if multiple is None or fmt.is_absent(multiple):
        return ""
    level = f"the level of {result.base_year}"
    if multiple < _SAME_PRICE:
        return f"prices there would stay near {level}"
    return f"prices there would peak at {fmt.times(multiple)[1:]} times {level}"


def _course(name: str, chain: ChainResult, row: Row, result: StressResult) -> Iterator[str]:
    horizon = fmt.months(len(result.months))
    if row["time_to_survive_months"] is not None:
        lasted, back = row["time_to_survive_months"], row["time_to_recover_months"]
        first = (
            "The shortage would begin at once"
            if lasted == 0
            else f"Stocks and other suppliers would carry {fmt.location(name)} for the first "
            f"{fmt.months(lasted) if lasted > 1 else 'month'}"
        )
        then = (
            f"the shortage would not be over by {fmt.month(result.months[-1])}, the last month seen"
            if back is None
            else f"the shortage would last {fmt.months(back)}"
        )
        yield f"{first}; {then}."
    lost, cost = row["unmet_t_total"], row["cost_usd"]
    unit = chain.units[row["form"]]
    if lost is not None and row["unmet_share_peak"] >= NOTHING:
        text = f"Over {horizon} it would go without {fmt.tonnes(lost, unit)}"
        yield f"{text}, {_cost(cost)}." if cost is not None else f"{text}."


def members(result: StressResult) -> Iterator[str]:
    """Yield who of a group bears most, and who of its larger users lacks the largest share."""
    head = result.headline
    if not head or head["unmet_share_peak"] is None or head["unmet_share_peak"] < NOTHING:
        return
    chain, form = result.chains[head["chain"]], head["form"]
    hit = hardest_hit(chain.metrics, head["country"], form)
    if hit is None:
        return
    first, worst = hit
    who = fmt.location(_name(result, first["country"]))
    text = (
        f"The largest part of it would be missing in {who}: "
        f"{fmt.tonnes(first['unmet_t_total'], chain.units[form])}, up to "
        f"{fmt.share(first['unmet_share_peak'])} of its use"
    )
    if worst["unmet_share_peak"] >= first["unmet_share_peak"] + CLEARLY:
        text += (
            f"; the hardest hit of the larger users would be "
            f"{fmt.location(_name(result, worst['country']))} ("
            f"{fmt.share(worst['unmet_share_peak'])})"
        )
    yield f"{text}."


def _cost(cost: float) -> str:
    if cost < 0:
        return f"yet gain {fmt.money(-cost)}"
    return f"at a cost of {fmt.money(cost)}"


def _others(result: StressResult) -> Iterator[str]:
    """Yield a sentence for each other country asked about: its worst chain, and its price."""
    seen = {result.headline["country"]}
    rows = [item for item in asked_rows(result) if item[1] not in seen]
    told = 0
    for chain, country, row in rows:
        if country in seen:
            continue
        seen.add(country)
        if told == _SENTENCES:
            continue
        told += 1
        yield _other(result, chain, country, row) + _earlier(result, country, row)
    left = len(seen) - 1 - told
    if left:
        yield f"{fmt.count(left, 'more country', 'more countries')} asked about: see the table."
    for country in result.asked:
        if country not in seen:
            where = fmt.location(_name(result, country), first=True)
            yield f"{where} has no recorded use of these materials in {result.base_year}."


def _other(result: StressResult, chain: ChainResult, country: str, row: Row) -> str:
    who = fmt.location(_name(result, country), first=True)
    worst, multiple = row["unmet_share_peak"], row["price_multiple_peak"]
    what = form_words(chain)
    if worst is None:
        return f"For {fmt.location(_name(result, country))} no shortage could be computed."
    lack = (
        f"{who} would lack next to nothing: {_at_most(worst)}{_mark(row)} of its {what}"
        if worst < NOTHING
        else f"{who} would lack up to {share_of_use(row)} of its {what}"
    )
    if is_capped(chain, country):
        return f"{lack}, at prices that reach the model’s cap."
    if multiple is None or fmt.is_absent(multiple) or multiple < _SAME_PRICE:
        return f"{lack}."
    return f"{lack} and pay up to {fmt.times(multiple)[1:]} times the price of {result.base_year}."


def earlier(result: StressResult) -> Iterator[str]:
    """Yield which countries asked about lack much of an earlier form, and less of what is shown."""
    told: dict[str, Row] = {}
    for _, country, row in asked_rows(result):
        told.setdefault(country, row)
    found = [
        (worst, country, f"{share} of its {what}")
        for country, row in told.items()
        for worst, what, share in _worse_earlier(result, country, row)
        if worst >= _MUCH
    ]
    found.sort(key=lambda item: -item[0])
    if not found:
        return
    each = [f"{fmt.location(_name(result, c))} up to {text}" for _, c, text in found[:_SENTENCES]]
    left = len(found) - len(each)
    if left:
        each.append(fmt.count(left, "more country", "more countries"))
    more = f" {fmt.share(_MUCH)} or more" if left else ""
    yield f"Earlier in the chain more would be missing: {fmt.join(each)}{more}."


def _earlier(result: StressResult, country: str, told: Row) -> str:
    """Return a clause on an earlier form of which the country lacks more than what is told."""
    for _, what, share in _worse_earlier(result, country, told):
        return f" Earlier in the chain it would lack up to {share} of its {what}."
    return ""


def _worse_earlier(
    result: StressResult, country: str, told: Row
) -> Iterator[tuple[float, str, str]]:
    """Yield the earlier form of which most is lacking, if more than told: share, form, words."""
    found = [
        (row["unmet_share_peak"], form_words(chain, form), share_of_use(row))
        for chain in result.chains.values()
        for form in chain.units
        if form != chain.form
        and (row := metric_row(chain, country, form)) is not None
        and row["reference_use_t"]
        and row["unmet_share_peak"] is not None
    ]
    worst, what, told_share = max(found, default=(0.0, "", ""))
    if worst >= NOTHING and worst > (told["unmet_share_peak"] or 0.0):
        yield worst, what, told_share


def _at_most(value: float) -> str:
    text = fmt.share(value)
    return f"less than {text[2:]}" if text.startswith("<") else f"at most {text}"


def _change(row: SensitivityRow) -> str:
    name = row.parameter[:1].upper() + row.parameter[1:]
    unit = row.unit
    return (
        f"{name} from {fmt.parameter(row.low, unit)} to {fmt.parameter(row.high, unit)}: "
        f"{fmt.share(row.at_low)} to {fmt.share(row.at_high)}."
    )


def _short_span(chain: ChainResult, country: str, form: str) -> str:
    """Return when the country is short: from its first such month to its last."""
    rows = chain.series_of(country).filter(pl.col("form") == form)
    short = rows.filter(pl.col("unmet_share") > UNMET_THRESHOLD)["month"].sort().to_list()
    if not short:
        return ""
    if short[-1] == rows["month"].max():
        return f", and be short from {fmt.month(short[0])} on"
    if short[0] == short[-1]:
        return f", and be short in {fmt.month(short[0])} only"
    return f", and be short between {fmt.month(short[0])} and {fmt.month(short[-1])}"


def _name(result: StressResult, country: str) -> str:
    return result.country_names.get(country, country)


def _or_zero(value: float | None) -> float:
    """Return a number for sorting: what is absent comes last."""
    return -1.0 if value is None or fmt.is_absent(value) else value
