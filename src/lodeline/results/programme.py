"""What a programme's run returns: the slip, the bottleneck, what would have prevented it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import polars as pl

__all__ = ["ProgrammeResult", "RangeRow", "SlipFigures", "programme_document"]


@dataclass(frozen=True)
class SlipFigures:
    """The slip as readers need it; None where it does not happen.

    Attributes
    ----------
    slip_month
        First month at whose end the programme is behind by more than 1 % of a month's units.
    days_to_slip
        Days from the start of `days_from` until the line stands still or slows, `lead_months`
        before the units are missed.
    days_from
        First month of the scenario, or the first in which the programme takes material, if later.
    units_late_peak, peak_month
        Most units behind, and when.
    months_late_peak
        Longest delay of a unit, months; None: some units are not built within the schedule.
    recovery_month
        First month from which it is behind no more; None: it never slipped, or not by the end.
    units_late_end
        Units behind at the end of the schedule.
    """

    slip_month: str | None
    days_to_slip: float | None
    days_from: str
    units_late_peak: float
    peak_month: str | None
    months_late_peak: float | None
    recovery_month: str | None
    units_late_end: float


@dataclass(frozen=True)
class RangeRow:
    """The most units behind with one number at an end of its range.

    Attributes
    ----------
    parameter, unit
        Name and unit in words.
    low, high
        Ends of the range.
    at_low, at_high
        Most units behind at those ends.
    central
        Most units behind at the central values.
    """

    parameter: str
    unit: str
    low: float
    high: float
    at_low: float
    at_high: float
    central: float


@dataclass(frozen=True)
class ProgrammeResult:
    """A programme in a scenario.

    Attributes
    ----------
    programme, scenario
        Both specifications as plain data.
    base_year, begin, simulated_months
        Base year; month in which the scenario begins; months of the market that were simulated:
        afterwards the last of them stays.
    slip
        When, and by how much.
    slip_without
        The same without the scenario: what the programme's own demand does. None where its need is
        part of the country's use in all forms.
    bottleneck
        Chain and form that held the line up longest, ``chain/form``; None: nothing did.
    priority_needed
        Least share of its need served before others at which nothing slips; None: not even all.
    forms
        One row per line of the bill: ``chain, form, title, unit, kg_per_unit, share_of_use`` (need
        at the highest rate over the country's use), ``is_added`` (to the country's use),
        ``buffer_days, buffer_kg, served_share_lowest, price_multiple_peak, is_price_capped`` (a
        price that means nothing), ``inferred_from`` (what the form's lanes are inferred from; null
        where a trade code shows them), ``months_binding,
        units_late_alone`` (most units behind if all else were there), ``slip_month_alone,
        buffer_days_needed, buffer_kg_needed, release_kg_needed, reserve_kg, reserve_left_kg``.
    months
        One row per month of the schedule: ``month, units, built, units_total, built_total,
        units_late, binding`` (chain/form).
    supply
        One row per month and line: ``month, chain, form, need_kg, ordered_kg, got_kg, stock_kg,
        served_share`` (of the country's users), ``price_multiple, is_price_capped``.
    low, high
        Span of the most units behind over `ranges` and the corners; None without them.
    ranges
        How it moves with each uncertain number, widest first.
    certificate
        Worst over all solves: ``max_residual, max_gap``; zero where no market was run.
    dataset
        ``edition, sha256``.
    limits
        What the chains of the bill do not show, in sentences.
    notes
        Sentences about the result.
    untouched
        Chains of the bill of which the scenario restricts nothing.
    seconds
        Wall time.
    """

    programme: Mapping[str, Any]
    scenario: Mapping[str, Any]
    base_year: int
    begin: str
    simulated_months: int
    slip: SlipFigures
    slip_without: SlipFigures | None
    bottleneck: str | None
    priority_needed: float | None
    forms: pl.DataFrame
    months: pl.DataFrame
    supply: pl.DataFrame
    low: float | None
    high: float | None
    ranges: tuple[RangeRow, ...]
    certificate: Mapping[str, float]
    dataset: Mapping[str, Any]
    limits: tuple[str, ...]
    seconds: float
    notes: tuple[str, ...] = field(default=())
    untouched: tuple[str, ...] = ()


def programme_document(result: ProgrammeResult) -> dict[str, Any]:
    """Return the document that ``--json`` prints; absent values are None, never NaN."""
    return {
        "programme": result.programme["id"],
        "title": result.programme["title"],
        "illustrative": result.programme["illustrative"],
        "country": result.programme["country"],
        "scenario": result.scenario["id"],
        "base_year": result.base_year,
        "begin": result.begin,
        "simulated_months": result.simulated_months,
        "slip": asdict(result.slip),
        "slip_without_scenario": asdict(result.slip_without) if result.slip_without else None,
        "bottleneck": result.bottleneck,
        "prevention": {
            "priority": result.priority_needed,
            "buffers": [
                {k: _plain(row[k]) for k in _PREVENTION} for row in result.forms.to_dicts()
            ],
        },
        "units_late_peak_low": result.low,
        "units_late_peak_high": result.high,
        "ranges": [asdict(row) for row in result.ranges],
        "forms": [{k: _plain(v) for k, v in row.items()} for row in result.forms.to_dicts()],
        "months": [{k: _plain(v) for k, v in row.items()} for row in result.months.to_dicts()],
        "certificate": dict(result.certificate),
        "dataset": {k: result.dataset[k] for k in ("edition", "sha256")},
        "limits": list(result.limits),
        "notes": list(result.notes),
        "untouched": list(result.untouched),
        "seconds": round(result.seconds, 3),
    }


_PREVENTION = (
    "chain",
    "form",
    "buffer_days_needed",
    "buffer_kg_needed",
    "release_kg_needed",
    "reserve_kg",
    "reserve_left_kg",
)


def _plain(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value
