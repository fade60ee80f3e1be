"""What belongs beside a headline: its range, and what could make it larger or smaller."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lodeline.report import format as fmt
from lodeline.report.clause import form_of, restrictors
from lodeline.results.stress import Corner, StressResult

__all__ = ["beside_headline", "corner_words"]

_MUCH = 0.02
"""Share of the country's material below which nothing is said of what is not traced."""


def beside_headline(result: StressResult) -> Iterator[str]:
    """Yield what is not traced, the runs at the ends of the range, and severities at their top."""
    if not result.headline or result.headline["unmet_share_peak"] is None:
        return
    yield from _untraced(result)
    yield from _together(result)
    yield from _at_the_top(result)


def corner_words(corner: Corner) -> str:
    """Return the numbers of a corner with their values: ``leakage 60 % and severity 30 %``."""
    return fmt.join(
        [f"{name} {fmt.parameter(value, unit)}" for name, unit, value in corner.numbers]
    )


def _untraced(result: StressResult) -> Iterator[str]:
    part = result.untraced
    if part is None or part.share < _MUCH:
        return
    names = result.country_names
    seen = [fmt.location(names.get(c, c)) for c in part.first_seen]
    where = f" (first seen in {fmt.join(seen)})" if seen else ""
    who = fmt.possessive(fmt.location(names.get(part.country, part.country)))
    what = form_of(result.chains[part.chain].title, part.form)
    by = [fmt.location(names.get(c, c)) for c in restrictors(result, part.chain)]
    yield (
        f"Of {who} {what}, {fmt.share(part.share)} cannot be traced to a maker{where} and counts "
        f"as free of {fmt.join(by)}: if it is not, the loss could be larger."
    )


def _together(result: StressResult) -> Iterator[str]:
    """Yield which numbers stand behind an end of the range that no number reaches alone."""
    head = result.headline
    ends = {False: head.get("low"), True: head.get("high")}
    told = [c for c in result.corners if c.value == ends[c.is_severe] and c.numbers]
    if not told:
        return
    runs = [f"{fmt.share(c.value)} with {corner_words(c)}" for c in told]
    which = "ends" if len(told) > 1 else "upper end" if told[0].is_severe else "lower end"
    yield f"The {which} of the range: {'; '.join(runs)}."


def _at_the_top(result: StressResult) -> Iterator[str]:
    found = [
        r["severity"]
        for r in result.scenario["restrictions"]
        if r["chain"] == result.headline["chain"] and isinstance(r.get("severity"), Mapping)
    ]
    for number in found:
        if number["value"] == number["high"] > number["low"]:
            yield (
                f"The severity, {fmt.share(number['value'], is_exact=True)}, is the most that is "
                f"assumed (least: {fmt.share(number['low'], is_exact=True)}): a milder stop would "
                "make the loss smaller."
            )
            return
