"""The page of a plan: calendar, frontier, verdict of the market, shares, benchmarks."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lodeline import __version__
from lodeline.report.figures import COLOURS, nice_ticks
from lodeline.report.page import environment, write_texts
from lodeline.report.plan import plan_lines, plan_tables, share, usd, when
from lodeline.results.plan import MeasureOutcome, PlanResult, plan_document

__all__ = ["assumed_numbers", "render_plan", "write_plan"]

_NAME, _BAR, _MONEY, _ROW, _HEAD = 400.0, 440.0, 150.0, 24.0, 24.0
_APART = 12.0
"""Points nearer than that share a label."""
_WIDE, _HIGH, _LEFT, _BOTTOM, _TOP = 640.0, 300.0, 70.0, 40.0, 14.0


@dataclass(frozen=True)
class Bar:
    """A decision in the calendar: where it is prepared and where it works, in SVG units."""

    y: float
    prepared: tuple[float, float]
    working: tuple[float, float] | None
    label: str
    money: str


@dataclass(frozen=True)
class Dot:
    """A point of the frontier: what is prevented on the mean and in the worst futures."""

    x: float
    mean: float
    worst: float
    label: str


def write_plan(result: PlanResult, folder: Path) -> list[Path]:
    """Write report, table of measures and summary; return their paths.

    Raises
    ------
    MachineError
        If the disk refuses.
    """
    document = plan_document(result)
    # Timings and work are left out of the file: a resumed run gives the same bytes.
    for name in ("seconds", "evaluations"):
        del document[name]
    contents = {
        "report.html": render_plan(result),
        "measures.csv": _measures_csv(result.measures),
        "summary.json": json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n",
    }
    return write_texts(folder, contents, remedy="Free some space, then go on with --resume.")


def render_plan(result: PlanResult) -> str:
    """Return the report as one self-contained HTML document."""
    templates = environment(usd=usd, share=share, when=when, assumed=_assumed)
    bars = _calendar(result)
    built = [m for m in result.measures if m.decisions]
    dots, x_ticks, y_ticks = _frontier(result)
    return templates.get_template("plan.html.j2").render(
        result=result,
        spec=result.specification,
        lines=list(plan_lines(result))[1:],
        tables=list(plan_tables(result))[1:],
        built=built,
        assumed_numbers=assumed_numbers(built),
        left_out=[m for m in result.measures if not m.decisions],
        bars=bars,
        event_names=list(dict.fromkeys(e for m in result.measures for e in m.prevents_if)),
        years=[(_x(result, f"{y}-01"), y) for y in result.years],
        gantt=(_NAME + _BAR + _MONEY, _HEAD + _ROW * max(len(bars), 1)),
        paid_from=_NAME + _BAR + 8.0,
        dots=dots,
        x_ticks=x_ticks,
        y_ticks=y_ticks,
        frame=(_WIDE, _HIGH, _LEFT, _BOTTOM, _TOP),
        colours=COLOURS,
        version=__version__,
    )


def _assumed(measure: MeasureOutcome) -> str:
    """Return the names of a measure's assumed numbers in words."""
    return ", ".join(measure.assumed).replace("_", " ")


def assumed_numbers(measures: Sequence[MeasureOutcome]) -> dict[str, list[str]]:
    """Return titles of measures by the names of their assumed numbers."""
    out: dict[str, list[str]] = {}
    for m in measures:
        if m.assumed:
            out.setdefault(_assumed(m), []).append(m.title)
    return out


def _x(result: PlanResult, month: str) -> float:
    """Return where a month begins in the calendar."""
    year, number = (int(part) for part in month.split("-"))
    months = 12 * (year - result.years[0]) + number - 1
    return _NAME + _BAR * months / (12 * len(result.years))


def _calendar(result: PlanResult) -> list[Bar]:
    bars: list[Bar] = []
    for m in result.measures:
        payers = " + ".join(p for p, paid in m.paid_by.items() if paid > 0.0)
        for k, d in enumerate(m.decisions):
            begins = _x(result, f"{d.year}-01")
            until = _NAME + _BAR
            works = None if d.works_from is None else _x(result, d.works_from)
            times = "" if d.modules == 1.0 else f" ×{d.modules:g}"
            bars.append(
                Bar(
                    y=_HEAD + _ROW * len(bars),
                    prepared=(begins, (until if works is None else works) - begins),
                    working=None if works is None else (works, until - works),
                    label=f"{m.title}{times}" if k == 0 else f"… more{times}",
                    money=f"{usd(d.cost_usd)} m, {payers}",
                )
            )
    return bars


def _frontier(
    result: PlanResult,
) -> tuple[list[Dot], list[tuple[float, str]], list[tuple[float, str]]]:
    points = result.frontier
    if not points:
        return [], [], []
    xs = [p.cost_usd / 1e6 for p in points]
    ys = [y / 1e6 for p in points for y in (p.mean_prevented, p.tail_prevented)]
    x_ticks, y_ticks = nice_ticks(0.0, max(*xs, 1e-9)), nice_ticks(min(0.0, *ys), max(*ys, 1e-9))
    right, low, high = max(x_ticks[-1], *xs), min(y_ticks[0], *ys), max(y_ticks[-1], *ys)

    def across(value: float) -> float:
        return _LEFT + (_WIDE - _LEFT - 90.0) * value / right

    def down(value: float) -> float:
        return _HIGH - _BOTTOM - (_HIGH - _BOTTOM - _TOP) * (value - low) / (high - low)

    dots: list[Dot] = []
    for p, x in zip(points, xs, strict=True):
        at = (across(x), down(p.mean_prevented / 1e6), down(p.tail_prevented / 1e6))
        label = f"×{p.budget_factor:g}"
        if dots and abs(dots[-1].x - at[0]) < _APART:
            label = f"{dots.pop().label.split(' to ')[0]} to {label}"
        dots.append(Dot(*at, label))
    return (
        dots,
        [(across(t), f"{t:g}") for t in x_ticks],
        [(down(t), f"{t:g}") for t in y_ticks],
    )


def _measures_csv(measures: Sequence[MeasureOutcome]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["id", "title", "type", "chain", "form", "country", "modules", "when", "works_from",
         "cost_usd", "charge_usd", "prevents_usd", "prevents_error_usd", "prevents_own_usd",
         "tail_usd", "helps_in", "helps_most",
         "if_dearer", "if_cheaper", "source"]
    )  # fmt: skip
    for m in measures:
        writer.writerow(
            [m.id, m.title, m.kind, m.chain, m.form, m.country, m.modules, when(m), m.works_from,
             m.cost_usd, m.charge_usd, m.prevents_usd, m.prevents_error_usd, m.prevents_own_usd,
             m.tail_usd, m.helps_in,
             " ".join(map(str, m.helps_most)),
             m.if_dearer, m.if_cheaper, m.source]
        )  # fmt: skip
    return text.getvalue()
