"""What partners could do for each other, in a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from lodeline.results.complementarity import ComplementarityResult

__all__ = ["complementarity_text"]

WIDTH = 80
_HEADS = (("at risk", "t/year"), ("", "share"), ("spare", "free"), ("exports", "free"),
          ("cover", ""), ("state", "stock t"), ("trade", "now"))  # fmt: skip
_ITEMS = ("at-risk", "at-risk-share", "spare-free", "exports-free", "cover", "stock-state", "trade")
_WIDTHS = (8, 6, 7, 8, 6, 8, 7)
_NAME = 28
_LEGEND = (
    "Tonnes of the form's unit, flows a year; cover: free spare output and free exports over what "
    "is at risk. '.': no figure, --json says why. m: million."
)


def complementarity_text(result: ComplementarityResult) -> str:
    """Return a block for each receiver and helper: a line per material and form."""
    parts = [f"{' and '.join(result.partners)}: who could help whom, base year {result.year}"]
    matrix = result.matrix()
    for (receiver, helper), rows in matrix.group_by(["receiver", "helper"], maintain_order=True):
        parts += ["", *_block(str(receiver), str(helper), rows)]
    parts += ["", *textwrap.wrap(_LEGEND, WIDTH)]
    parts += [line for note in result.notes for line in textwrap.wrap(note, WIDTH)]
    return "\n".join(parts)


def _block(receiver: str, helper: str, rows: pl.DataFrame) -> Iterator[str]:
    sides = rows["against"].unique(maintain_order=True).to_list()
    whom = f"{sides[0]} restricts" if len(sides) == 1 else "the largest outside maker restricts"
    yield f"{helper} for {receiver}, if {whom}"
    shown = rows.filter(
        (pl.col("at-risk-share") >= 0.001) | (pl.col("passed-share") >= 0.1) | (pl.col("trade") > 0)
    )
    for k in (0, 1):
        yield _line("", [head[k] for head in _HEADS])
    for row in shown.sort("at-risk-share", descending=True).iter_rows(named=True):
        name = row["material"] if row["form"] == row["material"] else (
            f"{row['material']} {row['form']}"
        )  # fmt: skip
        if len(sides) > 1:
            name = f"{name[: _NAME - 4]} {row['against']}"
        yield _line(name[:_NAME], [_cell(row, item) for item in _ITEMS])
    mined = [f"{m} {_tonnes(t)} t" for m, t in rows.select("material", "ore").iter_rows() if t]
    if mined:
        yield f"  mined by {helper}, not yet separated: {', '.join(mined)}"
    if shown.height < rows.height:
        yield f"  {rows.height - shown.height} forms with nothing at risk and no trade: --json"


def _line(name: str, cells: list[str]) -> str:
    body = "".join(f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS, strict=True))
    return f"  {name:<{_NAME}}{body}".rstrip()


def _cell(row: Mapping[str, Any], item: str) -> str:
    value = row[item]
    if value is None:
        return "."
    if item in ("at-risk-share", "cover"):
        return f"{value:.0%}" if value < 9.995 else ">9x"
    return _tonnes(value)


def _tonnes(value: float) -> str:
    if value == 0.0:
        return "0"
    if value < 10.0:
        return f"{value:.1f}" if value >= 0.05 else "<0.1"
    return f"{value:,.0f}" if value < 1e5 else f"{value / 1e6:.2g}m"
