"""Shares of origin in a terminal of 80 columns: what arrives beside what it is in the end."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from lodeline.results.exposure import ExposureResult

__all__ = ["LEGEND", "is_inferred", "legend", "origin_cells", "origin_text"]

WIDTH = 80
MOST_ORIGINS = 9
LEGEND = (
    "Per cent of what the country uses and processes. arrives: what customs show, the last "
    "exporter (or made at home). Then by stage: where it took place, with its range: low is what "
    "is traced there, high as if all that is not traced came from there. been: what has been in "
    "the country at any stage. via: last exporters of what was made there, * a re-export hub. "
    "not traced: countries ship or use more than they take in, and no source says that they make "
    "it (stocks, scrap, feed under other codes); behind it in which it is first seen."
)
UNTRACED = "not-traced"
REST = "rest"


def origin_text(result: ExposureResult) -> str:
    """Return a block for each country and form: origins in rows, stages in columns."""
    parts = [f"{result.method}: {result.title}"]
    known = result.rows.filter(pl.col("value").is_not_null())
    for (country, material, form, year), rows in known.group_by(
        ["country", "material", "form", "year"], maintain_order=True
    ):
        unit = str(rows["unit"][0]).removeprefix("share of ")
        mark = " (inferred)" if is_inferred(rows) else ""
        parts.append(f"\n{country}, {material}: {form} of {year}, {unit}{mark}")
        parts.extend(_block(rows))
    for row in result.rows.filter(pl.col("value").is_null()).iter_rows(named=True):
        reason = f"{row['country']}, {row['material']}, {row['year']}: absent: {row['reason']}"
        parts.append("\n" + textwrap.fill(reason, WIDTH))
    if known.height:
        parts.append("\n" + textwrap.fill(legend(known), WIDTH))
    return "\n".join(parts)


def is_inferred(rows: pl.DataFrame) -> bool:
    """Return whether the lanes of the form that the rows are about are inferred."""
    own = rows.filter(pl.col("stage") == pl.col("form"))
    return bool((own if own.height else rows)["inferred_from"].is_not_null().any())


def legend(rows: pl.DataFrame) -> str:
    """Return what the columns of rows say, and which lanes nobody observed."""
    known = rows.filter(pl.col("inferred_from").is_not_null())
    sources = known["inferred_from"].unique(maintain_order=True).to_list()
    if not sources:
        return LEGEND
    return (
        f"{LEGEND} inferred: no trade code shows who delivers the form; arrives and via are fitted "
        f"to {'; '.join(sources)} and are no customs' data, and the ranges hold every fit, from "
        "maximum entropy to the fewest lanes."
    )


def _block(rows: pl.DataFrame) -> Iterator[str]:
    heads, lines, left_out = origin_cells(rows)
    yield _line("", "arrives", [h[:14] for h in heads], "been", "via")
    for line in lines:
        origin, direct, *shares, been, via = line
        yield _line(origin, direct, shares, been, via)
    if left_out:
        yield f"  and {left_out} more with less: --json or --out DIR"


def origin_cells(rows: pl.DataFrame) -> tuple[list[str], list[list[str]], int]:
    """Return the table of one country and form: the leading origins.

    Returns
    -------
    tuple
        Stages from use back to the mine; rows of origin, what arrives, shares by stage, what has
        been there, the last exporters; and how many origins are left out.
    """
    stages = rows["stage"].unique(maintain_order=True).to_list()
    form = rows["form"][0]
    stages.sort(key=lambda s: (s == form, s != "mine"), reverse=True)
    by_origin: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in rows.iter_rows(named=True):
        by_origin.setdefault(row["origin"], {})[row["stage"]] = row
    heads = ["mined" if stage == "mine" else stage for stage in stages]
    shown = _leading(by_origin)
    lines = []
    for origin in shown:
        cells = by_origin[origin]
        first = next(iter(cells.values()))
        shares = [_share(cells.get(stage)) for stage in stages]
        last = cells.get(form) or first
        via = _via(last)
        if origin == UNTRACED:
            via = " ".join(["in", *(last["first_seen"] or ())[:2]]) if last["first_seen"] else ""
        name, been = origin.replace("-", " "), _percent(first["passed"])
        lines.append([name, _percent(first["direct"]), *shares, been, via])
    named = [o for o in by_origin if o != REST]
    return heads, lines, len(named) - len(shown)


def _leading(by_origin: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    """Return the origins that matter most in any column, largest first."""

    def weight(origin: str) -> float:
        rows = by_origin[origin].values()
        return max(
            float(max(r["value"], r["direct"] or 0.0, 0.3 * (r["passed"] or 0.0))) for r in rows
        )

    named = sorted((o for o in by_origin if o not in (REST, UNTRACED)), key=weight, reverse=True)
    last = [UNTRACED] if _untraced(by_origin) > 0.0 else []
    return [*named[: MOST_ORIGINS - len(last)], *last]


def _untraced(by_origin: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> float:
    """Return the largest share over the stages that is not traced."""
    return max((float(r["value"]) for r in by_origin.get(UNTRACED, {}).values()), default=0.0)


def _share(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return ""
    text = _percent(row["value"])
    is_wide = (
        row["value"] > 0.0
        and row["high"] is not None
        and _percent(row["low"]) != _percent(row["high"])
    )
    if is_wide:
        low = _percent(row["low"]) if row["low"] else "0"
        text += f" ({low}-{_percent(row['high'])})"
    return text


def _via(row: Mapping[str, Any]) -> str:
    hubs = set(row["via_hubs"] or ())
    return " ".join(c + ("*" if c in hubs else "") for c in (row["via"] or ())[:3])


def _percent(share: float | None) -> str:
    if share is None:
        return ""
    if share == 0.0:
        return "-"
    if 0.0 < share < 0.005:
        return "<1"
    return f"{share:.0%}".removesuffix("%")


def _line(name: str, direct: str, shares: Sequence[str], been: str, via: str) -> str:
    cells = "".join(f"{share:>15}" for share in shares)
    return f"  {name}{direct:>{13 - len(name)}}{cells}{been:>6}  {via}".rstrip()
