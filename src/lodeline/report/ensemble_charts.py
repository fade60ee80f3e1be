"""Charts of an ensemble: the values of all futures, from the mildest to the worst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from lodeline.report import figures
from lodeline.report import format as fmt
from lodeline.report.clause import material
from lodeline.report.figures import COLOURS, DASHES, HEIGHT, LEFT, RIGHT, TOP, WIDTH
from lodeline.results.ensemble import EnsembleResult
from lodeline.results.metrics import UNMET_THRESHOLD

__all__ = ["panels"]

_MOST_LINES = 6
_LABEL_GAP = 13.0


def panels(result: EnsembleResult) -> list[figures.LinePanel]:
    """Return unmet use and price of the headline's material and of one more."""
    out = []
    chains = list(result.forms)
    head = result.headline.get("chain")
    for chain in sorted(chains, key=lambda c: c != head)[:2]:
        title = f"Unmet use of {material(result.chains[chain])}, worst month"
        out.append(_panel(result, chain, "unmet_share_peak", title, "% of use", "share"))
        title = f"Price of {material(result.chains[chain])}, highest month"
        unit = f"{result.base_year} = 1"
        out.append(_panel(result, chain, "price_multiple_peak", title, unit, "multiple"))
    return out


def _panel(
    result: EnsembleResult, chain: str, metric: str, title: str, unit: str, kind: str
) -> figures.LinePanel:
    """Return the values of all futures, mildest first: an exceedance curve laid on its side."""
    own = result.exceedance.filter((pl.col("chain") == chain) & (pl.col("metric") == metric))
    curves = []
    for country in [c for c in result.asked if c in set(own["country"])][:_MOST_LINES]:
        rows = own.filter(pl.col("country") == country).sort("probability", descending=True)
        points = list(zip(rows["probability"], rows["value"], strict=True))
        curves.append((result.country_names.get(country, country), points))
    base = 1.0 if kind == "multiple" else 0.0
    top = max([base, *(v for _, points in curves for _, v in points)])
    ticks = figures.nice_ticks(base, max(top, base + 0.05))
    low, high = ticks[0], ticks[-1]
    bottom = HEIGHT - figures.BOTTOM

    def x(probability: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (1.0 - probability), 1)

    def y(value: float) -> float:
        return round(bottom - (bottom - TOP) * (value - low) / (high - low), 1)

    lines = [_line(name, points, k, x, y, kind) for k, (name, points) in enumerate(curves)]
    label = fmt.share if kind == "share" else fmt.times
    return figures.LinePanel(
        title=title,
        unit=f"{unit}; futures from the mildest to the worst",
        lines=_apart(lines),
        x_ticks=tuple(
            figures.Tick(x(1.0 - q), f"{100 * q:.0f}{fmt.SPACE}%")
            for q in (0.0, 0.25, 0.5, 0.75, 1.0)
        ),
        y_ticks=tuple(figures.Tick(y(t), label(t)) for t in ticks),
        band=None,
        threshold=y(UNMET_THRESHOLD) if kind == "share" else None,
        whisker=None,
        has_marks=False,
        description="; ".join(line.summary for line in lines),
    )


def _line(
    name: str,
    points: Sequence[tuple[float, float]],
    number: int,
    x: Any,  # noqa: ANN401
    y: Any,  # noqa: ANN401
    kind: str,
) -> figures.Line:
    words = fmt.share if kind == "share" else fmt.times
    at = [(x(p), y(v)) for p, v in points]
    path = "M" + "L".join(f"{a:g} {b:g}" for a, b in at) if at else ""
    worst = f"{words(points[-1][1])} in the worst {fmt.share(points[-1][0])}" if points else "none"
    return figures.Line(
        label=name, colour=COLOURS[number % len(COLOURS)], dash=DASHES[number % len(DASHES)],
        path=path, marks=(), end=at[-1] if at else None, label_y=at[-1][1] if at else 0.0,
        summary=f"{name}: {worst}",
    )  # fmt: skip


def _apart(lines: Sequence[figures.Line]) -> tuple[figures.Line, ...]:
    """Move labels apart, from the top down, in the order of the lines' ends."""
    last = TOP - _LABEL_GAP
    heights: dict[str, float] = {}
    for line in sorted(lines, key=lambda e: e.label_y):
        last = max(line.label_y, last + _LABEL_GAP)
        heights[line.label] = last
    return tuple(replace(line, label_y=heights[line.label]) for line in lines)
