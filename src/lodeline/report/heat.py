"""A heat map of countries by materials: levels to colours and places, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lodeline.report.history import written
from lodeline.report.worldmap import CLASSES
from lodeline.results.pictures import CELLS, HeatMap, Scale

__all__ = ["Heat", "Tile", "heat"]

_LEFT, _TOP = 132.0, 62.0
_ROW, _LEAST, _MOST = 30.0, 46.0, 84.0
_WIDE = 860.0
_MOST_COLUMNS = 16
_DARK = 3
"""From this class on letters are white."""
_SHADES = tuple(shade.colour for shade in CLASSES)


@dataclass(frozen=True)
class Tile:
    """One cell; `who` is the country behind the value."""

    x: float
    y: float
    colour: str
    is_dark: bool
    text: str
    who: str
    title: str


@dataclass(frozen=True)
class Heat:
    """The map, in SVG units.

    Attributes
    ----------
    rows, columns
        Place and name.
    left_out
        Countries beyond the last column.
    scale
        Colour and meaning of each class.
    """

    tiles: tuple[Tile, ...]
    rows: tuple[tuple[float, str], ...]
    columns: tuple[tuple[float, str, str], ...]
    left_out: int
    scale: tuple[tuple[float, str, str], ...]
    cell: tuple[float, float]
    width: float
    height: float
    description: str


def heat(table: HeatMap, *, name: Callable[[str], str]) -> Heat:
    """Return tiles of the materials and the first sixteen countries."""
    shown = table.countries[:_MOST_COLUMNS]
    wide = min(max((_WIDE - _LEFT) / len(shown), _LEAST), _MOST)
    xs = {c: round(_LEFT + i * wide, 1) for i, c in enumerate(shown)}
    ys = {m: _TOP + i * _ROW for i, m in enumerate(table.materials)}
    tiles = []
    found = {(row["material"], row["country"]): row for row in table.cells.to_dicts()}
    for place_of in ((m, c) for m in ys for c in xs):
        row = found.get(place_of, _nothing(*place_of))
        value = written(row["value"], table.scale)
        place = f"{row['material']}, {name(row['country'])}, {row['year'] or 'no year'}"
        behind = f", {name(row['who'])}" if row["who"] else ""
        told = row["reason"] if row["value"] is None else f"{value}{behind}"
        stage = f", {row['stage']}" if row["stage"] else ""
        number = _class(row["level"])
        tiles.append(
            Tile(
                x=xs[row["country"]],
                y=ys[row["material"]],
                colour="#ffffff" if number is None else _SHADES[number],
                is_dark=number is not None and number >= _DARK,
                text=value,
                who=row["who"] or "",
                title=f"{place}{stage}: {told}",
            )
        )
    right = _LEFT + wide * len(shown)
    low = _TOP + _ROW * len(ys)
    return Heat(
        tiles=tuple(tiles),
        rows=tuple((y, m.replace("-", " ")) for m, y in ys.items()),
        columns=tuple((x, c, name(c)) for c, x in xs.items()),
        left_out=len(table.countries) - len(shown),
        scale=_legend(table),
        cell=(round(wide - 2, 1), _ROW - 2),
        width=max(right + 8, _LEFT + 84 * len(_SHADES)),
        height=low + 46,
        description=f"{table.title}: {len(ys)} materials, {len(shown)} countries",
    )


def _nothing(material: str, country: str) -> dict[str, Any]:
    """Return the cell that no row of the result is about."""
    return dict.fromkeys(CELLS) | {
        "material": material, "country": country, "reason": "the tables hold no figure",
    }  # fmt: skip


def _class(level: float | None) -> int | None:
    return None if level is None else min(int(level * len(_SHADES)), len(_SHADES) - 1)


def _legend(table: HeatMap) -> tuple[tuple[float, str, str], ...]:
    ends: tuple[str, ...]
    if table.scale is Scale.MONTHS:
        ends = ("a year and more", "", "", "", "", "at once")
    elif table.scale in (Scale.SHARE, Scale.INDEX):
        ends = tuple(f"from {written(i / 6, table.scale)}" for i in range(6))
    else:
        ends = ("least", "", "", "", "", "most of those shown")
    return tuple((round(_LEFT + 84 * i, 1), colour, ends[i]) for i, colour in enumerate(_SHADES))
