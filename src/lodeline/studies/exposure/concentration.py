"""Arithmetic that the measures of concentration share: shares of suppliers, summed up by row.

    s_i = amount_i / Σ amount      HHI = Σ s_i²      top-k = Σ of the k largest s_i

Countries that the source does not name stay in the whole: their part is not shared out among the
named ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from lodeline.results.exposure import figure, with_inputs
from lodeline.studies.exposure.materials import find_materials
from lodeline.studies.exposure.registry import Basis, Request
from lodeline.studies.exposure.suppliers import KEYS, WORLD, basis, members, suppliers

__all__ = ["asked_years", "concentration_rows", "concentrations", "whole_grid"]

FIRST_PROJECTION = 2030
"""Curated shares of this year and later are projections (docs/data.md)."""


def concentrations(request: Request) -> pl.DataFrame:
    """Return one row per country, material, stage and year.

    Returns
    -------
    polars.DataFrame
        ``country, material, stage, year, hhi, top1, top3`` (0-1), ``leaders`` (the three largest
        suppliers), ``suppliers`` (number), ``total`` (in `unit`), ``named`` (share of the whole
        that has a name), ``imputed`` (share of the whole on rebuilt tonnes), ``unit, table,
        where, reason``. Cells asked for by name and year without figures have a `reason`.
    """
    table = suppliers(request)
    table = asked_years(table, request.years)
    share = pl.col("amount") / pl.coalesce(pl.col("whole").first(), pl.col("amount").sum())
    ranked = table.sort(*KEYS, "amount", "supplier", descending=[False] * 4 + [True, False])
    summed = ranked.group_by(KEYS, maintain_order=True).agg(
        hhi=(share**2).sum(),
        top1=share.first(),
        top3=share.head(3).sum(),
        leaders=pl.col("supplier").head(3),
        suppliers=pl.len(),
        total=pl.col("amount").sum(),
        named=share.sum(),
        imputed=(pl.col("imputed") * share).sum(),
        unit=pl.col("unit").first(),
        table=pl.col("table").first(),
        where=pl.col("where").first(),
    )
    known = summed.filter(pl.col("total") > 0.0).with_columns(reason=pl.lit(None, pl.String))
    return whole_grid(known, request)


def asked_years(table: pl.DataFrame, years: Sequence[int]) -> pl.DataFrame:
    """Return the rows of these years; none given: of each material's and stage's last one.

    Projections are no last year: they are shown to those who name their year.
    """
    if years:
        return table.filter(pl.col("year").is_in(list(years)))
    seen = table.filter(pl.col("year") < FIRST_PROJECTION)
    return seen.filter(pl.col("year") == pl.col("year").max().over("material", "stage"))


def whole_grid(known: pl.DataFrame, request: Request) -> pl.DataFrame:
    """Return `known` with a row and a reason for each cell asked for by name that has no figure."""
    if not request.materials:
        return known
    of_world = basis(request) is Basis.PRODUCTION or not request.countries
    names = [WORLD] if of_world else [*members(request.countries)]
    years = request.years or known["year"].unique().to_list() or [None]
    cells = [
        (country, material.id, request.stage, year)
        for material in find_materials(request.materials)
        for country in names
        for year in years
    ]
    grid = pl.DataFrame(cells, schema={k: known.schema[k] for k in KEYS}, orient="row")
    missing = grid.join(known, on=KEYS, how="anti", nulls_equal=True)
    return pl.concat(
        [known, missing.with_columns(reason=pl.lit("the tables hold no figure for this cell"))],
        how="diagonal",
    )


def concentration_inputs() -> list[pl.Expr]:
    """Return the figures behind a share: the total, its suppliers, what is not named or imputed."""
    at: dict[str, Any] = {"table": pl.col("table"), "where": pl.col("where")}
    rebuilt = pl.when(pl.col("imputed") > 0.0).then(pl.lit("imputed"))
    largest = pl.format("largest: {}", pl.col("leaders").list.join(", "))
    return [
        figure("total", pl.col("total"), pl.col("unit"), **at),
        figure("suppliers", pl.col("suppliers"), "countries", **at),
        figure(largest, pl.col("top3"), "share", **at),
        figure("share of the whole that is named", pl.col("named"), "share", **at),
        figure("share on rebuilt tonnes", pl.col("imputed"), "share", mark=rebuilt, **at),
    ]


def concentration_rows(request: Request, value: str) -> pl.DataFrame:
    """Return rows of a measure whose value is the column `value` of `concentrations`."""
    rest = [name for name in ("hhi", "top1", "top3", "leaders") if name != value]
    return with_inputs(concentrations(request), concentration_inputs()).select(
        *KEYS,
        value=value,
        unit=pl.lit("1 (0-1)"),
        inputs=pl.when(pl.col("reason").is_null()).then("inputs"),
        reason="reason",
        **{name: pl.col(name) for name in rest},
    )
