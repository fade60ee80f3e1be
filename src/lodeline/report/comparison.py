"""Two runs beside each other, for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from lodeline.report.format import ABSENT, WIDTH, count, magnitude, plain, share, wrapped
from lodeline.results.comparison import Comparison

__all__ = ["comparison_text"]

_MOST = 20
_EACH = 6
"""Figures of one country that are shown, so that several countries are."""
_WORDS = {
    "unmet_share_peak": "worst month",
    "unmet_t_total": "unmet, t",
    "time_to_survive_months": "months until short",
    "time_to_recover_months": "months to recover",
    "price_multiple_peak": "price, multiple",
    "cost_usd": "cost, USD",
}
_VALUE = 24
"""Letters of a value that are shown."""


def comparison_text(result: Comparison) -> str:
    """Return what went in otherwise, then the figures that moved most."""
    lines = [*wrapped(f"Before: {result.before}"), *wrapped(f"After:  {result.after}"), ""]
    lines += [*_inputs(result), "", *_figures(result)]
    return "\n".join(lines)


def _inputs(result: Comparison) -> Iterator[str]:
    if result.inputs.is_empty():
        yield "Both were made from the same: version, data, options, scenario, chains."
        return
    yield f"What went in otherwise ({count(result.inputs.height, 'entry', 'entries')}):"
    for row in result.inputs.head(_MOST).iter_rows(named=True):
        told = f"{row['what']}: {_short(row['before'])} → {_short(row['after'])}"
        yield from wrapped(f"- {told}")
    if result.inputs.height > _MOST:
        yield f"  and {result.inputs.height - _MOST} more, in --json"


def _figures(result: Comparison) -> Iterator[str]:
    moved = result.figures.height
    least = f"by {share(result.least, is_exact=True)} or more" if result.least > 0 else "at all"
    yield from wrapped(f"{moved} of {count(result.compared, 'figure')} moved {least}.")
    if not moved:
        return
    yield ""
    yield _line("", "country", "figure", "before", "after", "change")
    first = result.figures.filter(pl.int_range(pl.len()).over("country") < _EACH).head(_MOST)
    for row in first.iter_rows(named=True):
        yield _row(row)
    if moved > first.height:
        yield f"  and {moved - first.height} more, in --json and the files of --out"
    yield ""
    yield from wrapped("Change: over the larger of the two. all: over all chains.")


def _row(row: Mapping[str, Any]) -> str:
    metric = row["metric"]
    as_text = share if metric == "unmet_share_peak" else _number
    if metric.endswith("_months"):
        as_text = _months
    change = ABSENT if row["change"] is None else _signed(row["change"])
    return _line(
        row["chain"] or "all",
        row["country"],
        _WORDS[metric],
        as_text(row["before"]),
        as_text(row["after"]),
        change,
    )


def _line(chain: str, country: str, metric: str, before: str, after: str, change: str) -> str:
    text = f"{chain:<22}{country:<8}{metric:<20}{before:>10}{after:>10}{change:>9}"
    return text.replace("\u00a0", " ")[:WIDTH].rstrip()


def _signed(change: float) -> str:
    return f"{'+' if change > 0.0 else '−'}{share(abs(change))}"


def _number(value: float | None) -> str:
    if value is None:
        return ABSENT
    return f"{magnitude(value / 1e6)}M" if abs(value) >= 1e6 else magnitude(value)


def _months(value: float | None) -> str:
    return ABSENT if value is None else plain(value)


def _short(text: str | None) -> str:
    if text is None:
        return "absent"
    return text if len(text) <= _VALUE else text[: _VALUE - 1] + "…"
