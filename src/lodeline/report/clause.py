"""What is restricted, in words, from the restrictions of a scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lodeline.report import format as fmt
from lodeline.results.stress import StressResult
from lodeline.units import MONTHS_PER_YEAR, Month

__all__ = [
    "condition",
    "form_of",
    "material",
    "restricted_span",
    "restriction_sentences",
    "restrictors",
]

Row = Mapping[str, Any]
Number = float | Mapping[str, Any]
"""A number of a scenario, with or without its range."""

_NOT_RESTRICTING = ("demand-surge", "panic-buying", "stock-release", "closure")
"""Kinds in which nobody keeps material from others."""

_SMALL_WORDS = ("of", "and", "around", "the", "waters")

_MOST_GROUPS = 2
"""More different restrictions than this, and the sentence names the scenario instead."""


def restrictors(result: StressResult, chain: str) -> tuple[str, ...]:
    """Return the countries (ISO3) or groups that restrict a chain, or that others refuse."""
    found = [
        c
        for r in result.scenario["restrictions"]
        if r["chain"] == chain and r["type"] not in _NOT_RESTRICTING
        for c in r["by"]
    ]
    return tuple(dict.fromkeys(found))


def restricted_span(result: StressResult) -> tuple[int, int]:
    """Return positions of the first and last simulated month with a restriction in force."""
    first, last = Month.parse(result.months[0]), len(result.months) - 1
    starts, ends = [], []
    for r in result.scenario["restrictions"]:
        starts.append(max(0, Month.parse(str(r["start"])) - first))
        end = r.get("end")
        ends.append(last if end is None else min(last, Month.parse(str(end)) - first))
    return min(starts), max(ends)


def material(title: str) -> str:
    """Return a title as it reads inside a sentence; abbreviations keep their capitals.

    Examples
    --------
    >>> material("Rare earths"), material("LNG")
    ('rare earths', 'LNG')
    """
    return title if title[:2].isupper() else title[:1].lower() + title[1:]


def form_of(title: str, form: str) -> str:
    """Return a form of a chain as it reads inside a sentence.

    Examples
    --------
    >>> form_of("Rare earths", "metals"), form_of("Bauxite and aluminium", "bauxite")
    ('rare earths (metals)', 'bauxite')
    """
    words = form.replace("-", " ")
    return words if words in title.lower() else f"{material(title)} ({words})"


def condition(result: StressResult) -> str:
    """Return the condition of the answer: ``If China stopped its exports of ...``."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for r in result.scenario["restrictions"]:
        if r["chain"] not in result.chains:
            continue
        name = _what(r, result)
        before, after = _verb(r, result)
        key = (before, after, _period(r, result))
        groups.setdefault(key, []).append(name)
    if not groups or len(groups) > _MOST_GROUPS:
        return f"In the scenario “{result.scenario['title']}”"
    periods = {period for *_, period in groups}
    parts = [
        f"{before} {fmt.join(list(dict.fromkeys(names)))}{after}"
        + (f" {period}" if len(periods) > 1 else "")
        for (before, after, period), names in groups.items()
    ]
    tail = f" {periods.pop()}" if len(periods) == 1 else ""
    return f"If {fmt.join(parts)}{tail}"


def restriction_sentences(result: StressResult) -> list[str]:
    """Return the restrictions as sentences with their ranges; equal ones are told once."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for r in result.scenario["restrictions"]:
        key = (*_verb(r, result), _period(r, result), _ranges(r))
        groups.setdefault(key, []).append(_what(r, result))
    sentences = [
        f"{before} {fmt.join(list(dict.fromkeys(names)))}{after} {period}{ranges}."
        for (before, after, period, ranges), names in groups.items()
    ]
    return [f"{text[:1].upper()}{text[1:]}" for text in sentences]


def _what(r: Mapping[str, Any], result: StressResult) -> str:
    """Return the material, with its forms where only some of several are restricted."""
    chain = result.chains.get(r["chain"])
    title = chain.title if chain else r["chain"]
    forms = r.get("forms", "all")
    if forms == "all" or (chain and set(forms) >= set(chain.units)):
        return material(title)
    return fmt.join([form_of(title, form) for form in forms])


def _ranges(r: Mapping[str, Any]) -> str:
    """Return the uncertain numbers of a restriction, with their ranges."""
    parts = []
    severity = r.get("severity")
    if isinstance(severity, Mapping) and severity["low"] != severity["high"]:
        parts.append(f"{_uncertain(severity)} of the flow is stopped")
    later = r.get("leakage_later")
    if later is not None:
        parts.append(
            f"{_uncertain(r['leakage'])} of what is lost slips round the restriction at first, "
            f"{_uncertain(later)} from month {_value(r['leakage_months']):.0f} on"
        )
    elif r.get("leakage") is not None:
        parts.append(f"{_uncertain(r['leakage'])} of what is lost slips round the restriction")
    return f"; {fmt.join(parts)}" if parts else ""


def _names(places: Sequence[str] | str, result: StressResult) -> str:
    if isinstance(places, str):
        return "every country"
    return fmt.join([fmt.location(result.country_names.get(p, p)) for p in places])


def _verb(r: Mapping[str, Any], result: StressResult) -> tuple[str, str]:
    """Return the words before and after the material."""
    who = _names(r["by"], result)
    its = "its" if len(r["by"]) == 1 else "their"
    on = r.get("on", "all")
    whom = " to everyone else" if on == "all" else f" to {_names(on, result)}"
    kind = str(r["type"])
    if kind == "ban":
        if _value(r["severity"]) == 0:
            return f"{who} cut none of {its} exports of", whom
        if _value(r["severity"]) >= 1:
            return f"{who} stopped {its} exports of", whom
        return f"{who} cut {its} exports of", f"{whom} by {fmt.share(_value(r['severity']))}"
    if kind == "quota":
        return f"{who} limited {its} exports of", f"{whom} to {_ceiling(r)}"
    if kind == "licence":
        delay, approved = _value(r["delay_months"]), _value(r["approval_share"])
        return (
            f"{who} held back {its} exports of",
            f"{whom} for {fmt.months(delay)} and then licensed {_part(approved)} of them",
        )
    if kind == "tax":
        return f"{who} taxed {its} exports of", f"{whom} at {fmt.share(_value(r['rate']))}"
    if kind == "outage":
        return f"{who} lost {_part(_value(r['severity']))} of {its} output of", ""
    if kind in _OTHER_VERBS:
        return _OTHER_VERBS[kind](r, who, whom, result)
    return f"{who} applied a restriction of the kind “{kind}” to", whom


def _sanction(r: Row, who: str, whom: str, result: StressResult) -> tuple[str, str]:
    del whom
    buyers = "everyone else" if r["on"] == "all" else _names(r["on"], result)
    origin = "" if r["reach"] == "direct" else ", by whatever route it came"
    if _value(r["severity"]) >= 1:
        return f"{buyers} refused", f" from {who}{origin}"
    return f"{buyers} refused {fmt.share(_value(r['severity']))} of the", f" from {who}{origin}"


def _extraterritorial(r: Row, who: str, whom: str, result: StressResult) -> tuple[str, str]:
    del result
    approved = _part(_value(r["approval_share"]))
    return (
        f"third countries needed a permit of {who} to pass on",
        f"{whom}, and after {fmt.months(_value(r['delay_months']))} got it for {approved}",
    )


def _price_floor(r: Row, who: str, whom: str, result: StressResult) -> tuple[str, str]:
    floor = fmt.times(_value(r["floor"]))[1:]
    return f"{who} sold no", f"{whom} below {floor} times the level of {result.base_year}"


def _closure(r: Row, who: str, whom: str, result: StressResult) -> tuple[str, str]:
    del who, whom, result
    words = str(r["route"]).split("-")
    name = " ".join(w if w in _SMALL_WORDS else w.capitalize() for w in words)
    stopped = _value(r["severity"])
    ships = "no ships" if stopped >= 1 else f"{fmt.share(1.0 - stopped)} of the ships"
    return f"{ships} with", f" passed the {name}"


def _demand_surge(r: Row, who: str, whom: str, result: StressResult) -> tuple[str, str]:
    del whom, result
    return f"{who} wanted {fmt.share(_value(r['rise']))} more", ""


def _panic_buying(r: Row, who: str, whom: str, result: StressResult) -> tuple[str, str]:
    del whom, result
    return f"users in {who} laid in {_value(r['extra_days']):.0f} more days of", ""


def _stock_release(r: Row, who: str, whom: str, result: StressResult) -> tuple[str, str]:
    del whom, result
    its = "its reserve" if len(r["by"]) == 1 else "their reserves"
    return f"{who} released {_part(_value(r['share']))} of {its} of", ""


_OTHER_VERBS = {
    "sanction": _sanction,
    "extraterritorial": _extraterritorial,
    "price-floor": _price_floor,
    "closure": _closure,
    "demand-surge": _demand_surge,
    "panic-buying": _panic_buying,
    "stock-release": _stock_release,
}


def _part(value: float) -> str:
    return {0.0: "none", 1.0: "all"}.get(value, fmt.share(value))


def _ceiling(r: Mapping[str, Any]) -> str:
    if r.get("tonnes_per_year") is not None:
        return f"{fmt.tonnes(_value(r['tonnes_per_year']), 't')} a year"
    return f"{fmt.share(_value(r['share_of_base']))} of the base year’s"


def _period(r: Mapping[str, Any], result: StressResult) -> str:
    start = str(r["start"])
    end = r.get("end")
    beyond = end is None or Month.parse(str(end)) - Month.parse(result.months[-1]) >= 0
    if not beyond and start == str(end):
        return f"in {fmt.month(start)}"
    if not beyond:
        return f"from {fmt.month(start)} to {fmt.month(str(end))}"
    if start == result.months[0]:
        return f"for {_length(len(result.months))} from {fmt.month(start)}"
    return f"from {fmt.month(start)} on"


def _length(months: int) -> str:
    years, rest = divmod(months, MONTHS_PER_YEAR)
    if rest or not years:
        return fmt.months(months)
    return "a year" if years == 1 else fmt.count(years, "year")


def _value(number: Number) -> float:
    """Return the central value of a number that may carry its range."""
    return float(number["value"] if isinstance(number, Mapping) else number)


def _uncertain(number: Number) -> str:
    if isinstance(number, Mapping):
        return fmt.share_range(number["value"], number["low"], number["high"])
    return fmt.share(float(number))
