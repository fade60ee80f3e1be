"""The tables of a stress test as one workbook, for those who work in spreadsheets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from lodeline.report import brief
from lodeline.report.columns import column_sheet
from lodeline.report.workbook import write_workbook
from lodeline.results.concentration import supplier_concentration
from lodeline.results.dates import date_table
from lodeline.results.stress import ChainResult, StressResult
from lodeline.results.users import with_world_share

__all__ = ["stress_sheets", "write_stress_book"]

_GUIDE = {
    "losses": "Worst month, tonnes, times, price and cost by country and form, over all months; "
    "is_price_capped: the price means nothing; is_remainder: use below a tenth of intake_t",
    "groups": "The same of the groups asked about: sums of their members",
    "groups by month": "The same as by month of the groups asked about: sums of their members, "
    "which never stand among countries",
    "dates": "Months in which a country runs short, its stock is gone, its price peaks",
    "by month": "Countries asked about: use, price and stocks of every month",
    "suppliers": "Who supplies whom, before and during (mean of the restricted months), t/month; "
    "basis inferred: no trade code shows it",
    "concentration": "Largest other supplier, own output and HHI of supply, before and during",
    "third countries": "Who brings restricted-origin material to whom",
    "reserves": "What states hold, and how long it lasts",
    "sectors": "Which uses stop first, where shares are published",
    "costs": "Cost by country over all materials, USD of the base year; minus is a gain; "
    "is_remainder: the use behind the worst share is one",
    "sensitivity": "The headline with one number at an end of its range; last, with the widest "
    "ones together: at_low all at their mild ends, at_high at their severe ends",
    "parameters": "Every parameter with range and source; assumed ones say so",
    "reported": "Figures of the base year before balancing (reported, inferred or a prior: see "
    "basis) and after, t/year",
    "trade": "Rows of the trade table behind the imports of the countries asked about, of the base "
    "year; rows of a related good (stands_in) may be of another: see year",
    "limits": "What this does not show: limits of the chains and of the scenario",
    "data": "Tables of the dataset that were used: edition, licence, attribution",
    "sources": "Sources of the scenario",
    "columns": "Unit and meaning of every column of every sheet",
}

_ABSENT = {
    "groups": "no group was asked about",
    "groups by month": "no group was asked about",
    "third countries": "no restriction has a target, or nothing came through third countries",
    "reserves": "no state is known to hold any",
    "sectors": "no shares of sectors are published",
    "sensitivity": "no sensitivity was run, or there is no headline",
    "trade": "the trade table holds no imports of the countries asked about",
}
"""Why a sheet may be left out."""


def write_stress_book(result: StressResult, path: Path) -> None:
    """Write the workbook of a stress test; its first sheet is the answer and a guide."""
    write_workbook(path, stress_sheets(result))


def stress_sheets(result: StressResult) -> dict[str, pl.DataFrame]:
    """Return the sheets by name; those without rows are left out, and the first one says why.

    ``by month``, ``suppliers``, ``concentration``, ``third countries`` and ``trade`` keep to the
    countries asked about (``losses.csv`` and ``flows.parquet`` have the others); the rest hold all.
    """
    found = {name: table for name, table in _tables(result).items() if not table.is_empty()}
    found["columns"] = column_sheet(found)
    return {"about": _about(result, found), **found}


def _tables(result: StressResult) -> dict[str, pl.DataFrame]:
    asked = pl.col("country").is_in(list(result.members))
    buys = pl.col("importer").is_in(list(result.members))

    def gather(table_of: Callable[[ChainResult], pl.DataFrame]) -> pl.DataFrame:
        return _named(_gathered(result.chains.values(), table_of), result.country_names)

    return {
        "losses": gather(lambda c: with_world_share(c.metrics)),
        "groups": gather(lambda c: c.groups.metrics),
        "dates": gather(lambda c: date_table(c.series)),
        "groups by month": gather(lambda c: c.groups.series),
        "by month": gather(lambda c: c.series.filter(asked)),
        "suppliers": gather(lambda c: c.supply.filter(buys)),
        "concentration": gather(
            lambda c: supplier_concentration(c.supply.filter(buys), c.reconciliation)
        ),
        "third countries": gather(lambda c: c.via.filter(buys)),
        "reserves": gather(lambda c: c.reserves),
        "sectors": gather(lambda c: c.sectors),
        "costs": _named(result.countries, result.country_names),
        "sensitivity": _sensitivity(result),
        "parameters": gather(lambda c: c.assumptions),
        "reported": gather(lambda c: c.reconciliation),
        "trade": gather(lambda c: c.trade),
        "limits": _limits(result),
        "data": _texts(result.dataset["tables"], _DATA),
        "sources": _texts(result.scenario["sources"], _SOURCES),
    }


_DATA = ("name", "title", "publisher", "source", "edition", "licence", "attribution", "url")
_SOURCES = ("title", "url", "date", "confidence", "says")
_SENSITIVITY = {
    "chain": pl.String,
    "parameter": pl.String,
    "unit": pl.String,
    **dict.fromkeys(("low", "high", "at_low", "at_high", "central"), pl.Float64),
}


def _sensitivity(result: StressResult) -> pl.DataFrame:
    """Return the rows of the sensitivity and, below them, the widest numbers together."""
    rows = [{name: vars(row)[name] for name in _SENSITIVITY} for row in result.sensitivity]
    if result.corners:
        mild, severe = (
            next(c for c in result.corners if c.is_severe is end) for end in (False, True)
        )
        turned = [
            f"{name} {better:g} / {worse:g}"
            for (name, _, better), (_, _, worse) in zip(mild.numbers, severe.numbers, strict=True)
        ]
        together = {
            "chain": mild.chain,
            "parameter": f"together, mild / severe: {'; '.join(turned)}",
            "at_low": mild.value,
            "at_high": severe.value,
            "central": result.headline["unmet_share_peak"],
        }
        rows.append(dict.fromkeys(_SENSITIVITY) | together)
    return pl.DataFrame(rows, schema=_SENSITIVITY)


def _limits(result: StressResult) -> pl.DataFrame:
    """Return what the result does not show: ``kind, chain, text, why``."""
    rows = [
        *(("limit", c.chain, text, None) for c in result.chains.values() for text in c.limits),
        *(("left out", None, text, None) for text in result.scenario["notes"]),
        *(("assumed", None, a["text"], a["why"]) for a in result.scenario["assumptions"]),
        *(("note", None, text, None) for text in result.notes),
    ]
    names = ("kind", "chain", "text", "why")
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")


def _about(result: StressResult, sheets: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    answer = brief.answer(result)
    rows = [
        ("scenario", str(result.scenario["id"])),
        ("title", str(result.scenario["title"])),
        ("answer", answer.lead),
        *(("", sentence) for sentence in (*answer.beside, *answer.rest)),
        ("base year", str(result.base_year)),
        ("months", f"{result.months[0]} to {result.months[-1]}"),
        ("mode", result.mode),
        ("dataset", str(result.dataset["edition"])),
        ("dataset sha256", str(result.dataset["sha256"])),
        ("certificate, worst residual", f"{result.certificate['max_residual']:.1e}"),
        ("certificate, worst gap", f"{result.certificate['max_gap']:.1e}"),
        *(("note", note) for note in result.notes),
        *((f"sheet '{name}'", words) for name, words in _GUIDE.items() if name in sheets),
        *((f"no sheet '{name}'", why) for name, why in _ABSENT.items() if name not in sheets),
    ]
    return pl.DataFrame(rows, schema={"what": pl.String, "value": pl.String}, orient="row")


def _gathered(
    chains: Iterable[ChainResult], table_of: Callable[[ChainResult], pl.DataFrame]
) -> pl.DataFrame:
    """Return one table of all chains, with the chain and, where there is a form, its unit."""
    parts = []
    for chain in chains:
        table = table_of(chain)
        head = [pl.lit(chain.chain).alias("chain")]
        tail = []
        if "form" in table.columns:
            units = pl.col("form").replace_strict(dict(chain.units), return_dtype=pl.String)
            head.append(units.alias("unit"))
            if "exporter" in table.columns or "hhi_before" in table.columns:
                is_inferred = pl.col("form").is_in(list(chain.inferred))
                basis = pl.when(is_inferred).then(pl.lit("inferred")).otherwise(pl.lit("trade"))
                tail.append(basis.alias("basis"))
        parts.append(table.select(*head, pl.all(), *tail))
    return pl.concat(parts, how="vertical_relaxed")


def _named(table: pl.DataFrame, names: Mapping[str, str]) -> pl.DataFrame:
    """Return a table with English names beside the codes of countries."""
    table = table.clone()  # insert_column changes what it is called on
    for column in ("country", "exporter", "importer"):
        if column in table.columns:
            name = pl.col(column).replace_strict(dict(names), default=None, return_dtype=pl.String)
            at = table.columns.index(column)
            # A copy: polars inserts in place, and the table belongs to the result.
            table = table.clone().insert_column(
                at + 1, table.select(name.alias(f"{column}_name"))[:, 0]
            )
    return table


def _texts(rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> pl.DataFrame:
    kept = [[None if row.get(c) is None else str(row[c]) for c in columns] for row in rows]
    return pl.DataFrame(kept, schema=dict.fromkeys(columns, pl.String), orient="row")
