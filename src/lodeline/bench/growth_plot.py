"""How the cost of ensembles grows, as one picture: seconds by scenarios, months, rows, workers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["growth_svg"]

_WIDTH, _HEIGHT, _EDGE = 210.0, 190.0, 44.0
_COLOUR = "#0b4f7d"
_PANELS = {"scenarios": "scenarios", "months": "months", "nodes": "rows", "workers": "workers"}


def growth_svg(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return an SVG document of the `growth` rows of `bench_ensemble`.

    One panel each for scenarios, months, rows of the network and workers: the rows that differ
    from the first in that alone (with its chain, if it is the network). Both axes are logarithmic
    and have the same scale, so that linear growth is the dashed line through the first point.
    """
    panels = [
        _panel(k * _WIDTH, title, points)
        for k, (name, title) in enumerate(_PANELS.items())
        for points in [_points(rows, name)]
    ]
    width, height = len(panels) * _WIDTH, _HEIGHT + 20.0
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}"'
            ' font-family="sans-serif" font-size="10" role="img"'
            ' aria-label="Seconds of an ensemble by scenarios, months, rows and workers">',
            *panels,
            "</svg>\n",
        ]
    )


def _points(rows: Sequence[Mapping[str, Any]], name: str) -> list[tuple[float, float]]:
    """Return (value, seconds) of the rows that measure one kind of growth, sorted."""
    first = rows[0]
    if name == "workers":
        kept = [r for r in rows if r["workers"]]
    else:
        same = [k for k in ("spec", "scenarios", "months") if k != name]
        same = [k for k in same if not (name == "nodes" and k == "spec")]
        kept = [r for r in rows if not r["workers"] and all(r[k] == first[k] for k in same)]
    return sorted((float(r[name]), float(r["seconds"])) for r in kept)


def _panel(left: float, title: str, points: Sequence[tuple[float, float]]) -> str:
    """Draw one panel; logarithms to base 10."""
    size = _WIDTH - _EDGE - 14.0
    base = _HEIGHT - 4.0
    logs = [(math.log10(x), math.log10(max(y, 1e-3))) for x, y in points]
    out = [f'<text x="{left + _EDGE:g}" y="{base + 22:g}">{title}</text>']
    if not logs:
        return out[0]
    low_x, low_y = min(x for x, _ in logs), min(y for _, y in logs)
    span = max(0.3, *(x - low_x for x, _ in logs), *(y - low_y for _, y in logs))

    def at(x: float, y: float) -> tuple[float, float]:
        return left + _EDGE + size * (x - low_x) / span, base - size * (y - low_y) / span

    x0, y0 = at(low_x, low_y)
    slope = -1.0 if title == "workers" else 1.0
    rise = [at(logs[0][0] + t, logs[0][1] + slope * t) for t in (0.0, span)]
    out.append(
        f'<path d="M{x0:.1f} {y0 - size:.1f}V{y0:.1f}H{x0 + size:.1f}" fill="none" stroke="#777"/>'
        f'<path d="M{rise[0][0]:.1f} {rise[0][1]:.1f}L{rise[1][0]:.1f} {rise[1][1]:.1f}"'
        ' stroke="#bbb" stroke-dasharray="4 3"/>'
    )
    placed = [at(*p) for p in logs]
    line = "L".join(f"{x:.1f} {y:.1f}" for x, y in placed)
    out.append(f'<path d="M{line}" fill="none" stroke="{_COLOUR}"/>')
    for (x, y), (value, seconds) in zip(placed, points, strict=True):
        out.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{_COLOUR}"/>'
            f'<text x="{x:.1f}" y="{base + 11:g}" text-anchor="middle">{value:g}</text>'
            f'<text x="{x0 - 4:.1f}" y="{y + 3:.1f}" text-anchor="end">{seconds:.3g} s</text>'
        )
    return "".join(out)
