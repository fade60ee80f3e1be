"""Shapes of line charts and tornado bars: data to coordinates, nothing else.

Templates draw them as inline SVG, so the report needs no script and prints as it shows.
Coordinates are SVG units, y grows downward.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lodeline.report import format as fmt
from lodeline.results.stress import SensitivityRow

__all__ = [
    "COLOURS",
    "DASHES",
    "Line",
    "LinePanel",
    "Series",
    "Tick",
    "TornadoBar",
    "Whisker",
    "line_panel",
    "nice_ticks",
    "tornado",
]

WIDTH, HEIGHT = 380.0, 226.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 76.0, 12.0, 28.0

COLOURS = ("#0b4f7d", "#c2571a", "#3d3d3d", "#2a8c6d", "#a4538a", "#8a7a12")
"""Told apart by people with any colour vision, and by dash and label besides."""

DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 2", "1 2")


@dataclass(frozen=True)
class Tick:
    """A tick: where along its axis, and what it says."""

    at: float
    label: str


@dataclass(frozen=True)
class Line:
    """One line of a panel.

    Attributes
    ----------
    label, colour, dash
        Name at the line's end and how it is drawn.
    path
        SVG path; gaps where values are absent.
    marks
        Points ``(x, y)`` whose price is capped.
    end
        Point where the line ends, None if all of it is absent.
    label_y
        Height of the label, moved apart from its neighbours.
    summary
        The line in words, for readers who do not see it.
    """

    label: str
    colour: str
    dash: str
    path: str
    marks: tuple[tuple[float, float], ...]
    end: tuple[float, float] | None
    label_y: float
    summary: str


@dataclass(frozen=True)
class Whisker:
    """A vertical range at one month."""

    x: float
    low: float
    high: float


@dataclass(frozen=True)
class LinePanel:
    """A chart of one measure over the months."""

    title: str
    unit: str
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    band: tuple[float, float] | None
    threshold: float | None
    whisker: Whisker | None
    has_marks: bool
    description: str
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    bottom: float = HEIGHT - BOTTOM


@dataclass(frozen=True)
class Series:
    """Values of one line: one a month, None where absent."""

    label: str
    values: Sequence[float | None]
    is_capped: Sequence[bool] = ()


def nice_ticks(low: float, high: float, *, most: int = 5) -> list[float]:
    """Return round values that cover the range from `low` to at least `high`.

    Examples
    --------
    >>> nice_ticks(0, 0.37)
    [0.0, 0.1, 0.2, 0.3, 0.4]
    """
    if not high > low:
        high = low + 1.0
    rough = (high - low) / (most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1.0, 2.0, 2.5, 5.0, 10.0) if s * power >= rough * (1 - 1e-9))
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def line_panel(
    title: str,
    unit: str,
    series: Sequence[Series],
    *,
    months: Sequence[str],
    kind: str,
    band: tuple[int, int] | None = None,
    threshold: float | None = None,
    whisker: tuple[int, float, float] | None = None,
) -> LinePanel:
    """Return a panel of lines over the months.

    Parameters
    ----------
    title, unit
        What is shown, and its unit in words.
    series
        Lines, one value a month.
    months
        YYYY-MM.
    kind
        ``share``, ``multiple``, ``months`` or ``units``: how values are written, and where the
        axis begins.
    band
        Positions of the first and last restricted month, shaded.
    threshold
        A level to mark.
    whisker
        Position of a month with the low and high end of a range.
    """
    values = [v for s in series for v in s.values if v is not None and math.isfinite(v)]
    extra = [*([whisker[2]] if whisker else []), *([threshold] if threshold else [])]
    base = 1.0 if kind == "multiple" else 0.0
    floor = min([base, *values])
    top = max([base, *values, *extra])
    ticks = nice_ticks(floor, max(top, floor + _LEAST_SPAN[kind]))
    axes = _Axes(max(len(months) - 1, 1), ticks[0], ticks[-1])
    lines = _apart([_line(s, i, axes, kind, months) for i, s in enumerate(series)])
    return LinePanel(
        title=title,
        unit=unit,
        lines=lines,
        x_ticks=tuple(Tick(axes.x(i), fmt.month(months[i])) for i in _month_ticks(len(months))),
        y_ticks=tuple(Tick(axes.y(t), _tick_label(t, kind)) for t in ticks),
        band=_band(axes, band) if band else None,
        threshold=axes.y(threshold) if threshold else None,
        whisker=_whisker(axes, whisker) if whisker else None,
        has_marks=any(line.marks for line in lines),
        description="; ".join(line.summary for line in lines),
    )


@dataclass(frozen=True)
class TornadoBar:
    """How the headline moves with one number, in percent of the width of the chart.

    Attributes
    ----------
    parameter, chain
        Names in words.
    low_label, high_label
        The ends of the parameter's range, and the headline there.
    at_low, at_high, centre
        Positions, 0 to 100.
    left, width
        The bar.
    """

    parameter: str
    chain: str
    low_label: str
    high_label: str
    at_low: float
    at_high: float
    centre: float
    left: float
    width: float


def tornado(
    rows: Sequence[SensitivityRow], titles: Mapping[str, str], units: Sequence[str]
) -> tuple[TornadoBar, ...]:
    """Return the bars of a tornado in the order given.

    Parameters
    ----------
    rows
        Widest first.
    titles
        Title by chain.
    units
        Unit of each row's parameter, in words.
    """
    if not rows:
        return ()
    ends = [v for r in rows for v in (r.at_low, r.at_high, r.central)]
    ticks = nice_ticks(min(0.0, *ends), max(ends))

    def place(value: float) -> float:
        return round(100 * (value - ticks[0]) / (ticks[-1] - ticks[0]), 2)

    return tuple(
        TornadoBar(
            parameter=r.parameter[:1].upper() + r.parameter[1:],
            chain=titles.get(r.chain, r.chain),
            low_label=f"at {fmt.parameter(r.low, unit)}: {fmt.share(r.at_low)}",
            high_label=f"at {fmt.parameter(r.high, unit)}: {fmt.share(r.at_high)}",
            at_low=place(r.at_low),
            at_high=place(r.at_high),
            centre=place(r.central),
            left=min(place(r.at_low), place(r.at_high)),
            width=max(abs(place(r.at_high) - place(r.at_low)), 0.4),
        )
        for r, unit in zip(rows, units, strict=True)
    )


_LEAST_SPAN = {"share": 0.1, "multiple": 0.5, "months": 1.0, "units": 1.0}
"""A flat line is drawn flat, not as noise blown up to the height of the panel."""

_LABEL_GAP = 13.0


@dataclass(frozen=True)
class _Axes:
    last: int
    floor: float
    top: float

    def x(self, position: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * position / self.last, 1)

    def y(self, value: float) -> float:
        part = (value - self.floor) / (self.top - self.floor)
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * part, 1)


def _tick_label(value: float, kind: str) -> str:
    if kind == "share":
        return f"{value * 100:g}{fmt.SPACE}%"
    return f"×{value:g}" if kind == "multiple" else f"{value:,g}"


def _worded(value: float, kind: str) -> str:
    if kind == "share":
        return fmt.share(value)
    if kind == "units":
        return fmt.magnitude(value)
    return fmt.times(value) if kind == "multiple" else fmt.months(round(value, 1))


def _line(series: Series, number: int, axes: _Axes, kind: str, months: Sequence[str]) -> Line:
    points = [
        None if v is None or not math.isfinite(v) else (axes.x(i), axes.y(v))
        for i, v in enumerate(series.values)
    ]
    there = [(v, i) for i, v in enumerate(series.values) if v is not None and math.isfinite(v)]
    if there:
        (low, at_low), (high, at_high) = min(there), max(there, key=lambda p: (p[0], -p[1]))
        summary = (
            f"{series.label}: between {_worded(low, kind)} ({fmt.month(months[at_low])}) "
            f"and {_worded(high, kind)} ({fmt.month(months[at_high])})"
        )
    else:
        summary = f"{series.label}: no figures"
    seen = [p for p in points if p is not None]
    capped = [p for p, c in zip(points, series.is_capped, strict=False) if c and p is not None]
    return Line(
        label=series.label,
        colour=COLOURS[number % len(COLOURS)],
        dash=DASHES[number % len(DASHES)],
        path=_path(points),
        marks=tuple(capped),
        end=seen[-1] if seen else None,
        label_y=seen[-1][1] if seen else 0.0,
        summary=summary,
    )


def _path(points: Sequence[tuple[float, float] | None]) -> str:
    parts, is_drawing = [], False
    for point in points:
        if point is None:
            is_drawing = False
            continue
        parts.append(f"{'L' if is_drawing else 'M'}{point[0]:g} {point[1]:g}")
        is_drawing = True
    return "".join(parts)


def _apart(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Move the labels at the lines' ends apart, keeping their order and the lines' order."""
    ends = sorted((line for line in lines if line.end), key=lambda line: line.label_y)
    heights: dict[str, float] = {}
    lowest = HEIGHT - BOTTOM
    for i, line in enumerate(ends):
        floor = heights[ends[i - 1].label] + _LABEL_GAP if i else TOP
        heights[line.label] = max(line.label_y, floor)
    for line in reversed(ends):
        heights[line.label] = min(heights[line.label], lowest)
        lowest = heights[line.label] - _LABEL_GAP
    return tuple(replace(line, label_y=heights.get(line.label, 0.0)) for line in lines)


def _month_ticks(number: int) -> list[int]:
    """Return positions of at most four labelled months: the first, then every half year or year."""
    step = next(s for s in (1, 2, 3, 6, 12, 24, 48) if number <= 4 * s or s == 48)
    return list(range(0, number, step))


def _band(axes: _Axes, band: tuple[int, int]) -> tuple[float, float]:
    half = (axes.x(1) - axes.x(0)) / 2
    start = max(axes.x(band[0]) - half, LEFT)
    end = min(axes.x(band[1]) + half, WIDTH - RIGHT)
    return round(start, 1), round(end - start, 1)


def _whisker(axes: _Axes, whisker: tuple[int, float, float]) -> Whisker:
    position, low, high = whisker
    return Whisker(axes.x(position), axes.y(low), axes.y(high))
