"""Output by country of the materials: World Mining Data where imported, else the USGS.

An imported year replaces the bundled figures of that year as a whole; figures stay in the
publisher's own content (lithium oxide, lithium).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from lodeline import data
from lodeline.studies.exposure.materials import Material

__all__ = ["OTHERS", "output_table"]

OTHERS = "ROW"
"""Other countries, as the USGS prints them: part of the whole, but nobody by name."""

SCHEMA = {
    "material": pl.String,
    "year": pl.Int32,
    "country": pl.String,
    "value": pl.Float64,
    "unit": pl.String,
    "table": pl.String,
    "where": pl.String,
}


def output_table(materials: Sequence[Material]) -> pl.DataFrame:
    """Return output by material, year and country.

    Returns
    -------
    polars.DataFrame
        ``material, year, country`` (ISO3, or `OTHERS`), ``value`` (in ``unit``: t, m3 or carat),
        ``table, where``: the table and the place in it.
    """
    bundled = _bundled(materials)
    own = _own(materials)
    if own is None:
        return bundled
    return pl.concat([bundled.join(own, on=["material", "year"], how="anti"), own])


def _shaped(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())


def _bundled(materials: Sequence[Material]) -> pl.DataFrame:
    names = pl.DataFrame(
        [(m.id, *m.usgs) for m in materials if m.usgs],
        schema={"material": pl.String, "commodity": pl.String, "stage": pl.String},
        orient="row",
    )
    known = (pl.col("country") != "WLD") & pl.col("value").is_not_null()
    rows = data.production().filter(known).join(names, on=["commodity", "stage"])
    key = ["material", "year", "country", "unit", "commodity", "stage"]
    summed = rows.group_by(key, maintain_order=True).agg(pl.col("value").sum())
    where = pl.format("commodity={}, stage={}", "commodity", "stage")
    return _shaped(summed.with_columns(table=pl.lit("production"), where=where))


def _own(materials: Sequence[Material]) -> pl.DataFrame | None:
    imported = data.world_mining_data()
    if imported is None:
        return None
    names = pl.DataFrame(
        [(m.id, m.own_table) for m in materials if m.own_table],
        schema={"material": pl.String, "commodity": pl.String},
        orient="row",
    )
    rows = imported.join(names, on="commodity")
    where = pl.format("commodity={}", "commodity")
    return _shaped(rows.with_columns(table=pl.lit("world_mining_data"), where=where))
