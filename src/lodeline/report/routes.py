"""The way from the mine to use as bands between columns: shares to coordinates, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lodeline.report import format as fmt
from lodeline.results.pictures import Column, Routes

__all__ = ["Band", "Block", "Way", "way"]

WIDTH = 880.0
_BAR = 12.0
_LEFT, _RIGHT = 8.0, 142.0
_TOP = 58.0
_TALL = 300.0
"""Height of a share of one."""
_LETTER, _GAP = 6.6, 8.0
"""Width of a letter of 12 pixels, and what stays free before the next column."""
_SLOT = 18.0
"""Least height of a name."""


@dataclass(frozen=True)
class Block:
    """A country in a column; `lead` is the height that the leading country makes."""

    name: str
    amount: str
    x: float
    y: float
    height: float
    lead: float
    is_untraced: bool
    label_y: float
    title: str


@dataclass(frozen=True)
class Band:
    """Material between two columns."""

    path: str
    kind: str
    title: str


@dataclass(frozen=True)
class Way:
    """All of it, in SVG units.

    Attributes
    ----------
    heads
        Where each column stands, and what it says in two lines.
    """

    heads: tuple[tuple[float, str, str], ...]
    blocks: tuple[Block, ...]
    bands: tuple[Band, ...]
    description: str
    width: float
    height: float


def way(routes: Routes, *, name: Callable[[str], str], words: Mapping[str, tuple[str, str]]) -> Way:
    """Return columns, countries and bands.

    Parameters
    ----------
    routes
        Shares, see `lodeline.results.pictures.Routes`.
    name
        Country's name by code.
    words
        What a column says, by its key.
    """
    columns = routes.columns
    step = (WIDTH - _LEFT - _RIGHT - _BAR) / max(len(columns) - 1, 1)
    xs = [round(_LEFT + k * step, 1) for k in range(len(columns))]
    blocks = {(k, b.code): b for k, column in enumerate(columns) for b in _stack(column)}
    bands = _bands(routes, xs, blocks, name)
    room = int((step - _BAR - _GAP) / _LETTER)
    drawn = tuple(
        _block(slot, xs[k], name, " ".join(words[columns[k].key]), room)
        for (k, _), slot in blocks.items()
    )
    low = max(b.y + max(b.height, _SLOT) for b in drawn)
    heads = tuple((x, *words[c.key]) for x, c in zip(xs, columns, strict=True))
    said = "; ".join(f"{b.name} {b.title}" for b in drawn if b.height > 0.05 * _TALL)
    return Way(heads, drawn, bands, said, WIDTH, round(low + 8, 1))


@dataclass(frozen=True)
class _Slot:
    code: str
    share: float
    lead: float
    is_untraced: bool
    y: float


def _stack(column: Column) -> Sequence[_Slot]:
    out, y = [], _TOP
    for stop in column.stops:
        out.append(_Slot(stop.code, stop.share, stop.lead, stop.is_untraced, round(y, 1)))
        y += max(stop.share * _TALL + 6, _SLOT)
    return out


def _block(slot: _Slot, x: float, name: Callable[[str], str], word: str, room: int) -> Block:
    height = slot.share * _TALL
    share = fmt.share(slot.share)
    return Block(
        name=fmt.shorten(name(slot.code), room - len(share) - 1),
        amount=share,
        x=x,
        y=slot.y,
        height=round(max(height, 0.8), 1),
        lead=round(slot.lead * _TALL, 1),
        is_untraced=slot.is_untraced,
        label_y=round(slot.y + max(height, _SLOT - 6) / 2 + 4, 1),
        title=share if slot.is_untraced else f"{word}: {share}",
    )


def _bands(
    routes: Routes,
    xs: Sequence[float],
    blocks: Mapping[tuple[int, str], _Slot],
    name: Callable[[str], str],
) -> tuple[Band, ...]:
    """Return bands; at both ends the leading country's part lies on top."""
    order = {key: place for place, key in enumerate(blocks)}
    rows = routes.links.to_dicts()
    places: dict[int, tuple[float, float]] = {}
    for side, shift in (("left", 0), ("right", 1)):
        other = "right" if side == "left" else "left"
        filled = {key: slot.y for key, slot in blocks.items()}
        ranked = sorted(
            range(len(rows)),
            key=lambda i, s=side, o=other, d=shift: (  # type: ignore[misc]
                order[(rows[i]["column"] + d, rows[i][s])],
                not rows[i]["is_lead"],
                order[(rows[i]["column"] + 1 - d, rows[i][o])],
            ),
        )
        for i in ranked:
            key = (rows[i]["column"] + shift, rows[i][side])
            first = places.get(i, (0.0, 0.0))[0]
            places[i] = (filled[key], 0.0) if side == "left" else (first, filled[key])
            filled[key] += rows[i]["share"] * _TALL
    out = []
    for i, row in enumerate(rows):
        k, thick = row["column"], row["share"] * _TALL
        if thick < 0.2:
            continue
        path = _ribbon(xs[k] + _BAR, places[i][0], xs[k + 1], places[i][1], thick)
        text = f"{name(row['left'])} to {name(row['right'])}: {fmt.share(row['share'])}"
        out.append(Band(path, "lead" if row["is_lead"] else "other", text))
    return tuple(out)


def _ribbon(x0: float, y0: float, x1: float, y1: float, thick: float) -> str:
    middle = (x0 + x1) / 2
    return (
        f"M{x0:g} {y0:.1f}C{middle:g} {y0:.1f} {middle:g} {y1:.1f} {x1:g} {y1:.1f}"
        f"L{x1:g} {y1 + thick:.1f}C{middle:g} {y1 + thick:.1f} {middle:g} {y0 + thick:.1f} "
        f"{x0:g} {y0 + thick:.1f}Z"
    )
