"""Curated facts (CSV) to tables, without the rows that may not ship."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from .table import BuildError, BuiltTable, Change

__all__ = ["build_facts"]

VENDORS = re.compile(
    r"argus|fastmarkets|metal bulletin|asian ?metal|\bsmm\b|benchmark|adamas"
    r"|\b(?:lme|shfe|comex|cme)\b|metal exchange|futures exchange",
    re.IGNORECASE,
)
"""Price reporters and exchanges whose price levels may not be redistributed."""
PRICES = ("price_level", "price_floor", "warehouse_rent")
NUMBERS = {"share", "value", "usd_per_t", "effect_value", "capacity", "capex_value", "capex_usd_m",
           "capex_usd_per_unit_capacity", "lead_time_years"}  # fmt: skip
YEARS = {"year", "start_year"}


@dataclass(frozen=True)
class _Fact:
    name: str
    title: str
    unit: str
    sort: tuple[str, ...]


FACTS = (
    _Fact("stage_shares", "Shares of world output or capacity by country and stage", "share 0-1",
          ("material", "stage", "year", "country")),
    _Fact("restrictions", "Export restrictions and supply shocks with observed effects", "by row",
          ("start", "id")),
    _Fact("stocks_and_policy", "Stockpiles, policy targets, agreements", "by row", ("id",)),
    _Fact("demand_structure", "End uses, demand, recycling, import dependence", "by row",
          ("material", "region", "metric", "sector", "year")),
    _Fact("elasticities", "Elasticities, price responses, price levels that may ship", "by row",
          ("kind", "material", "form", "hs_code", "region", "year")),
    _Fact("projects_costs", "Diversification projects: capacity, cost, timing", "by row", ("id",)),
)  # fmt: skip


def _may_not_ship(name: str, row: dict[str, str]) -> str | None:
    """Return why a row stays out, or None."""
    where = f"{row['source']} {row['url']}"
    if name == "stage_shares" and ("_bgs" in row["stage"] or row["source"].startswith("BGS")):
        return "BGS, licence note not settled"
    kind = row.get("kind") or row.get("metric") or ""
    if kind in PRICES:
        if VENDORS.search(f"{where} {row['note']}"):
            return "price level of a price reporter or an exchange"
        if not re.search(r"USGS|World Bank", row["source"]) and kind == "price_level":
            return "price quoted by the press or a company; only USGS and World Bank ship"
    if not row["source"].strip():
        return "no source"
    return None


def _read(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except OSError as error:
        raise BuildError(f"{path}: {error}. Give the folder of the fact tables.") from None
    if not rows or not {"source", "url", "confidence", "note"} <= set(rows[0]):
        raise BuildError(f"{path.name}: needs the columns source, url, confidence, note.")
    return rows


def _typed(rows: list[dict[str, str]]) -> pl.DataFrame:
    names = list(rows[0])
    table = pl.DataFrame(
        [[(row[name] or "").strip() for name in names] for row in rows],
        schema=dict.fromkeys(names, pl.String),
        orient="row",
    )
    empty_to_null = [pl.when(pl.col(n) != "").then(pl.col(n)).alias(n) for n in names]
    table = table.with_columns(empty_to_null)
    numbers = [pl.col(n).cast(pl.Float64) for n in names if n in NUMBERS]
    years = [pl.col(n).cast(pl.Float64).cast(pl.Int16) for n in names if n in YEARS]
    try:
        table = table.with_columns(numbers + years)
    except pl.exceptions.PolarsError as error:
        raise BuildError(f"a figure is no number: {error}") from None
    return table.rename({"country_iso3": "country"}, strict=False)


TONNES = re.compile(r"([\d.e+]+) kt of ([\d.e+]+) kt world")
"""Output and world output in a note of the IEA's rows."""
LISTED = re.compile(r"^(k?t) .*; ([\d.e+]+) of ([\d.e+]+) listed")
"""The same in a note of the USGS's rows; the unit stands first."""


def _tonnes(note: str | None) -> tuple[float | None, float | None]:
    """Return output and world output, t a year, as far as the note of a share tells them.

    Examples
    --------
    >>> _tonnes("observed base year; 181.8 kt of 273.34 kt world")
    (181800.0, 273340.0)
    >>> _tonnes("t REO; computed from tonnages; 45500 of 384000 listed")
    (45500.0, 384000.0)
    """
    if found := TONNES.search(note or ""):
        return round(1e3 * float(found[1]), 3), round(1e3 * float(found[2]), 3)
    if found := LISTED.search(note or ""):
        factor = 1e3 if found[1] == "kt" else 1.0
        return factor * float(found[2]), factor * float(found[3])
    return None, None


def _with_tonnes(table: pl.DataFrame) -> pl.DataFrame:
    """Return shares with the tonnes that their notes tell."""
    told = [_tonnes(note) for note in table["note"]]
    return table.with_columns(
        output_t=pl.Series([t for t, _ in told], dtype=pl.Float64),
        world_t=pl.Series([w for _, w in told], dtype=pl.Float64),
    )


def _build(fact: _Fact, folder: Path) -> BuiltTable:
    rows = _read(folder / f"{fact.name}.csv")
    kept, reasons = [], dict[str, int]()
    for row in rows:
        reason = _may_not_ship(fact.name, row)
        if reason is None:
            kept.append(row)
        else:
            reasons[reason] = reasons.get(reason, 0) + 1
    table = _typed(kept)
    if fact.name == "stage_shares":
        table = _with_tonnes(table)
    table = table.sort(*fact.sort, "source", "note", nulls_last=True, maintain_order=True)
    return BuiltTable(
        name=fact.name,
        title=fact.title,
        publisher="Lodeline",
        source="curated: every row names its source, address and confidence",
        edition="2026-11",
        licence="Apache-2.0 for the compilation; the facts are those of the named sources "
        "(IEA Critical Minerals Dataset CC BY 4.0, USGS public domain, CEPII ProTEE Etalab 2.0)",
        attribution="Facts restated from the sources named in each row, among them IEA, Critical "
        "Minerals Dataset, May 2025 (CC BY 4.0); USGS; CEPII; European Commission CRM studies.",
        url="see column url",
        unit=fact.unit,
        columns=dict.fromkeys(table.columns, "as named"),
        content=table,
        steps=["rows that may not ship left out", "figures typed, empty cells null, sorted"],
        changes=[Change("dropped", n, reason) for reason, n in sorted(reasons.items())],
        coverage={"confidence": dict(sorted(table["confidence"].value_counts().iter_rows()))},
    )


def build_facts(folder: Path) -> list[BuiltTable]:
    """Return the curated tables."""
    return [_build(fact, folder) for fact in FACTS]
