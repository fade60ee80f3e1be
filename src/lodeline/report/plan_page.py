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

__all__ = ["render_plan", "write_plan"]

_NAME, _BAR, _ROW, _HEAD = 250.0, 640.0, 26.0, 24.0
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
    """A point of the frontier."""

    x: float
    y: float
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
    templates = environment(usd=usd, share=share, when=when)
    bars = _calendar(result)
    dots, x_ticks, y_ticks = _frontier(result)
    return templates.get_template("plan.html.j2").render(
        result=result,
        spec=result.specification,
        lines=list(plan_lines(result))[1:],
        tables=list(plan_tables(result))[1:],
        built=[m for m in result.measures if m.decisions],
        left_out=[m for m in result.measures if not m.decisions],
        bars=bars,
        years=[(_x(result, f"{y}-01"), y) for y in result.years],
        gantt=(_NAME + _BAR, _HEAD + _ROW * max(len(bars), 1)),
        dots=dots,
        x_ticks=x_ticks,
        y_ticks=y_ticks,
        frame=(_WIDE, _HIGH, _LEFT, _BOTTOM, _TOP),
        colours=COLOURS,
        version=__version__,
    )


def _x(result: PlanResult, month: str) -> float:
    """Return where a month begins in the calendar."""
    year, number = (int(part) for part in month.split("-"))
    months = 12 * (year - result.years[0]) + number - 1
    return _NAME + _BAR * months / (12 * len(result.years))


def _calendar(result: PlanResult) -> list[Bar]:
    bars: list[Bar] = []
    for m in result.measures:
        for d in m.decisions:
            begins = _x(result, f"{d.year}-01")
            works = None if d.works_from is None else _x(result, d.works_from)
            until = _NAME + _BAR
            times = "" if d.modules == 1.0 else f" ×{d.modules:g}"
            bars.append(
                Bar(
                    y=_HEAD + _ROW * len(bars),
                    prepared=(begins, (until if works is None else works) - begins),
                    working=None if works is None else (works, until - works),
                    label=f"{m.title}{times}",
                    money=f"{usd(d.cost_usd)} m",
                )
            )
    return bars


def _frontier(
    result: PlanResult,
) -> tuple[list[Dot], list[tuple[float, str]], list[tuple[float, str]]]:
    points = result.frontier
    if not points:
        return [], [], []
    xs, ys = [p.cost_usd / 1e6 for p in points], [p.cvar / 1e6 for p in points]
    x_ticks, y_ticks = nice_ticks(0.0, max(*xs, 1e-9)), nice_ticks(0.0, max(*ys, 1e-9))
    right, high = max(x_ticks[-1], *xs), max(y_ticks[-1], *ys)

    def across(value: float) -> float:
        return _LEFT + (_WIDE - _LEFT - 90.0) * value / right

    def down(value: float) -> float:
        return _HIGH - _BOTTOM - (_HIGH - _BOTTOM - _TOP) * value / high

    dots: list[Dot] = []
    for p, x, y in zip(points, xs, ys, strict=True):
        at, label = (across(x), down(y)), f"×{p.budget_factor:g}"
        if dots and (dots[-1].x, dots[-1].y) == at:
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
         "cost_usd", "charge_usd", "prevents_usd", "prevents_own_usd", "tail_usd", "helps_in",
         "helps_most",
         "if_dearer", "if_cheaper", "source"]
    )  # fmt: skip
    for m in measures:
        writer.writerow(
            [m.id, m.title, m.kind, m.chain, m.form, m.country, m.modules, when(m), m.works_from,
             m.cost_usd, m.charge_usd, m.prevents_usd, m.prevents_own_usd, m.tail_usd, m.helps_in,
             " ".join(map(str, m.helps_most)),
             m.if_dearer, m.if_cheaper, m.source]
        )  # fmt: skip
    return text.getvalue()
