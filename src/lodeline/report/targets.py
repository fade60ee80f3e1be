"""Targets of policy in a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from lodeline.results.targets import Status, TargetsResult

__all__ = ["targets_text"]

WIDTH = 80
_NAMES = {
    "EU_CRMA_EXTR": "Extraction, Critical Raw Materials Act",
    "EU_CRMA_PROC": "Processing, Critical Raw Materials Act",
    "EU_CRMA_RECY": "Recycling, Critical Raw Materials Act",
    "EU_CRMA_DIVERS": "One third country, Critical Raw Materials Act",
    "JPN_TARGET_50": "One country, rare earths, Japan's aim of 2019",
    "JPN_STOCK_BASE": "Stock of rare metals, Japan",
    "KOR_STOCK_RARE": "Stock of rare metals, Korea",
    "USA_VAULT_DAYS": "Stock for makers, United States",
}
_MEASURES = {
    "output over use": "output/use",
    "recycling input rate": "recycled",
    "share of imports": "imports",
    "share of use": "use",
}


def targets_text(result: TargetsResult) -> str:
    """Return a block for each target: a line per material and stage, and what has no figure."""
    parts = [f"{result.country}: targets of policy, base year {result.year}"]
    for (target,), rows in result.rows.group_by(["target"], maintain_order=True):
        parts += ["", *_block(str(target), rows, result.counts()[str(target)])]
    parts += ["", *textwrap.wrap(_LEGEND, WIDTH)]
    parts += [line for note in result.notes for line in textwrap.wrap(note, WIDTH)]
    return "\n".join(parts)


_LEGEND = (
    "Trend: the first and the last year there is, per cent. Open: the range holds the limit, or "
    "only the least there is is known. >: at least. p: as published, see --json for the source."
)


def _block(target: str, rows: pl.DataFrame, counts: Mapping[str, int]) -> Iterator[str]:
    first = rows.row(0, named=True)
    sign = "at most" if first["is_ceiling"] else "at least"
    limit = _figure(first["limit"], first["unit"])
    told = ", ".join(f"{n} {status}" for status, n in counts.items() if n)
    head = f"{_NAMES.get(target, target)}: {sign} {limit} ({first['due']}): {told}"
    yield from textwrap.wrap(head, WIDTH)
    known = rows.filter(pl.col("status") != Status.ABSENT.value)
    for row in known.iter_rows(named=True):
        yield _line(row)
    for reason, absent in rows.filter(pl.col("status") == Status.ABSENT.value).group_by(
        "reason", maintain_order=True
    ):
        names = ", ".join(absent["material"].unique(maintain_order=True))
        yield from textwrap.wrap(
            f"No figure for {names}: {reason[0]}.", WIDTH, initial_indent="  ",
            subsequent_indent="  ",
        )  # fmt: skip


def _line(row: Mapping[str, Any]) -> str:
    name = str(row["material"])
    stage = row["stage"] if row["stage"] not in (None, name) else ""
    measure = _MEASURES.get(row["measure"], row["measure"].replace("share by origin: ", "made: "))
    label = f"{name} {stage}".strip()[:29]
    leader = f" {row['leader']}" if row["leader"] else ""
    return (
        f"  {label:<29} {measure[:16]:<16}{_now(row):>7}{leader:<4}"
        f" {_trend(row):>12}  {row['status']}"
    ).rstrip()


def _now(row: Mapping[str, Any]) -> str:
    if row["value"] is None:
        bound = {"at least": ">", "at most": "<"}.get(str(row["published_as"] or "")[:8].strip(","))
        told = row["published"]
        return "" if told is None else f"p{bound or ''}{_figure(told, row['unit'])}"
    is_least = row["low"] is not None and row["high"] is None
    return ("> " if is_least else "") + _figure(row["value"], row["unit"])


def _trend(row: Mapping[str, Any]) -> str:
    points = row["trend"] or []
    if len({p["year"] for p in points}) < 2:
        return ""
    ends = points[0], points[-1]
    return " ".join(
        f"{p['year'] % 100:02d}:{_figure(p['value'], row['unit']).split()[0]}" for p in ends
    )


def _figure(value: float, unit: str) -> str:
    return f"{value:.0f} d" if unit == "days" else f"{value:.0%}".replace("%", " %")
