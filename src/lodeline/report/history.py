"""A line over the years with what happened: values to coordinates, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lodeline.report import format as fmt
from lodeline.report.figures import COLOURS, DASHES, nice_ticks
from lodeline.results.pictures import History, Scale

__all__ = ["Mark", "Strip", "Years", "written", "years"]

WIDTH = 880.0
_LEFT, _RIGHT, _TOP = 46.0, 170.0, 30.0
_TALL = 230.0
_ROW = 26.0
_LEAST_STRIP = 19.0
_LABEL_GAP = 15.0


@dataclass(frozen=True)
class Curve:
    """One line and its name."""

    label: str
    colour: str
    dash: str
    path: str
    points: tuple[tuple[float, float, str], ...]
    end: tuple[float, float]
    label_y: float


@dataclass(frozen=True)
class Mark:
    """A year in which something happened."""

    x: float
    number: int
    title: str


@dataclass(frozen=True)
class Strip:
    """Years in a row with one largest supplier."""

    x: float
    width: float
    y: float
    code: str
    title: str
    is_odd: bool


@dataclass(frozen=True)
class Years:
    """The chart, in SVG units."""

    curves: tuple[Curve, ...]
    marks: tuple[Mark, ...]
    strips: tuple[Strip, ...]
    strip_heads: tuple[tuple[float, str, str], ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    no_data: tuple[float, float] | None
    left: float
    right: float
    top: float
    bottom: float
    width: float
    height: float
    description: str


def written(value: float | None, scale: Scale) -> str:
    """Return a value as its measure is written."""
    if value is None or fmt.is_absent(value):
        return fmt.ABSENT
    if scale is Scale.SHARE:
        return fmt.share(value)
    if scale is Scale.INDEX:
        return f"{value:.2f}"
    return f"{value:.1f}" if scale is Scale.MONTHS else fmt.magnitude(value)


def years(history: History, *, name: Callable[[str], str]) -> Years:
    """Return lines, marks of events, and by line the largest supplier of each year."""
    series = history.series
    labels = series["label"].unique(maintain_order=True).to_list()
    seen = [int(y) for y in series["year"]]
    happened = [int(y) for y in history.events["year"]]
    first, last = min(seen), max(seen)
    events = [y for y in happened if y >= first]
    end = max([last, *events])
    top = max(v for v in series["value"] if v is not None)
    ticks = nice_ticks(0.0, max(float(top), 1e-9))

    def x(year: float) -> float:
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * (year - first) / max(end - first, 1), 1)

    def y(value: float) -> float:
        return round(_TOP + _TALL * (1.0 - value / ticks[-1]), 1)

    curves = _apart([_curve(history, s, i, x, y) for i, s in enumerate(labels)])
    strips, heads = _strips(history, labels, x, name)
    bottom = _TOP + _TALL
    step = 5 if end - first > 12 else 1
    shown = [year for year in range(first, end + 1) if year % step == 0]
    return Years(
        curves=curves,
        marks=_marks(history, first, x),
        strips=strips,
        strip_heads=heads,
        x_ticks=tuple((x(year), str(year)) for year in shown),
        y_ticks=tuple((y(t), written(t, history.scale)) for t in ticks),
        no_data=(x(last), x(end)) if end > last else None,
        left=_LEFT,
        right=WIDTH - _RIGHT,
        top=_TOP,
        bottom=bottom,
        width=WIDTH,
        height=bottom + 34 + _ROW * len(heads),
        description="; ".join(f"{c.label}: {c.points[-1][2]}" for c in curves if c.points),
    )


def _curve(
    history: History, label: str, number: int, x: Callable[[float], float],
    y: Callable[[float], float],
) -> Curve:  # fmt: skip
    rows = history.series.filter(history.series["label"] == label).sort("year").to_dicts()
    points, path, before = [], "", None
    for row in rows:
        if row["value"] is None:
            continue
        at = (x(row["year"]), y(row["value"]))
        is_next = before is not None and row["year"] == before + 1
        path += f"{'L' if is_next else 'M'}{at[0]:g} {at[1]:g}"
        points.append((*at, f"{row['year']}: {written(row['value'], history.scale)}"))
        before = row["year"]
    last = points[-1] if points else (0.0, 0.0, "")
    return Curve(
        label, COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)], path,
        tuple(points), (last[0], last[1]), last[1],
    )  # fmt: skip


def _apart(curves: Sequence[Curve]) -> tuple[Curve, ...]:
    """Move the names at the lines' ends apart, from the top down."""
    out: list[Curve] = []
    floor = _TOP
    for curve in sorted(curves, key=lambda c: c.label_y):
        at = max(curve.label_y, floor)
        floor = at + _LABEL_GAP
        out.append(
            Curve(curve.label, curve.colour, curve.dash, curve.path, curve.points, curve.end, at)
        )
    return tuple(sorted(out, key=lambda c: [k.label for k in curves].index(c.label)))


def _marks(history: History, first: int, x: Callable[[float], float]) -> tuple[Mark, ...]:
    texts: dict[tuple[int, int], list[str]] = {}
    for row in history.events.filter(history.events["year"] >= first).to_dicts():
        texts.setdefault((row["year"], row["number"]), []).append(row["text"])
    return tuple(Mark(x(year), number, "; ".join(t)) for (year, number), t in texts.items())


def _strips(
    history: History, labels: Sequence[str], x: Callable[[float], float],
    name: Callable[[str], str],
) -> tuple[tuple[Strip, ...], tuple[tuple[float, str, str], ...]]:  # fmt: skip
    """Return a row for each line that has leaders: runs of years with the same one."""
    strips: list[Strip] = []
    heads: list[tuple[float, str, str]] = []
    for number, label in enumerate(labels):
        rows = history.series.filter(history.series["label"] == label).sort("year").to_dicts()
        led = [(r["year"], r["leader"]) for r in rows if r["leader"]]
        if not led:
            continue
        at = _TOP + _TALL + 30 + _ROW * len(heads)
        runs: list[tuple[int, int, str]] = []
        for year, leader in led:
            if runs and runs[-1][2] == leader and runs[-1][1] == year - 1:
                runs[-1] = (runs[-1][0], year, leader)
            else:
                runs.append((year, year, leader))
        for k, (start, stop, leader) in enumerate(runs):
            left = max(x(start - 0.5), _LEFT)
            wide = min(x(stop + 0.5), WIDTH - _RIGHT) - left
            code = leader if wide >= _LEAST_STRIP else ""
            title = (
                f"{name(leader)}, {start}–{stop}" if stop > start else f"{name(leader)}, {start}"
            )
            strips.append(Strip(left, round(wide, 1), at, code, title, k % 2 == 1))
        heads.append((at, label, COLOURS[number % len(COLOURS)]))
    return tuple(strips), tuple(heads)
