"""N-1: what is left of supply, against demand, when the largest supplier and its demand are gone.

    N-1 = (S - S_1) / (D - D_1)       S, D  world output and demand; 1 the largest supplier

Source: IEA, *Global Critical Minerals Outlook* 2025. Its projections of demand by country are not
public; the base year of a chain has demand by country, so the measure is taken there, by form. The
figures that the IEA publishes for 2035 are shown for their year. For a stage of the table
`stage_shares` only the supply side is known: the value is absent, `supply_left` is not.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from lodeline import data
from lodeline.results.exposure import figure, with_inputs
from lodeline.studies.exposure.balances import asked_chains, balances, last_trade_year
from lodeline.studies.exposure.concentration import concentration_inputs, concentrations
from lodeline.studies.exposure.registry import Basis, Request
from lodeline.studies.exposure.suppliers import WORLD

__all__ = ["NOTES", "measure"]

NOTES = (
    "Below 1 the others cannot cover their own demand. Demand is what a form's next stage or use "
    "absorbs in the balanced base year.",
)
NO_DEMAND = "demand by country is not public; supply_left is the supply side alone"
UNIT = "1 (share of demand)"


def measure(request: Request) -> pl.DataFrame:
    """Return the measure by form, with the largest supplier and the share of supply left.

    Extra columns: ``largest`` (ISO3), ``supply_left`` (0-1).

    Raises
    ------
    UnknownNameError
        If a material or stage does not exist.
    """
    chains, without = asked_chains(request)
    curated = set(data.stage_shares()["stage"])
    if request.stage in curated:
        return _supply_side(request)
    years = list(request.years) or [last_trade_year()]
    rows = _of_chains(balances(chains, years, request.stage))
    parts = [rows, _published(request, years)]
    if without:
        names = tuple(m.id for m in without)
        parts.append(_supply_side(_world(request, names)))
    return pl.concat(parts, how="diagonal")


def _world(request: Request, materials: tuple[str, ...]) -> Request:
    return Request(request.method, materials=materials, years=request.years)


def _of_chains(table: pl.DataFrame) -> pl.DataFrame:
    form = ["material", "stage", "year", "unit"]
    biggest = pl.col("output").arg_max()
    cells = table.group_by(form, maintain_order=True).agg(
        largest=pl.col("country").get(biggest),
        supply=pl.col("output").sum(),
        supply_1=pl.col("output").max(),
        demand=pl.col("absorbed").sum(),
        demand_1=pl.col("absorbed").get(biggest),
        table=pl.col("table").get(biggest),
        mark=pl.col("mark").get(biggest),
        reason=pl.col("reason").first(),
    )
    where = pl.format("chain={}, form={}, year={}", "material", "stage", "year")
    at: dict[str, Any] = {"unit": pl.col("unit"), "where": where}
    supplier, own_use = pl.format("output of {}", "largest"), pl.format("demand of {}", "largest")
    made = pl.col("table")
    figures = [
        figure("world output", pl.col("supply"), table=made, mark="reconciled", **at),
        figure(supplier, pl.col("supply_1"), table=made, mark=pl.col("mark"), **at),
        figure("world demand", pl.col("demand"), table="trade", mark="reconciled", **at),
        figure(own_use, pl.col("demand_1"), table="trade", mark="reconciled", **at),
    ]
    left = pl.col("supply") - pl.col("supply_1")
    others = pl.col("demand") - pl.col("demand_1")
    alone = pl.when(others <= 0.0).then(pl.lit("nobody else uses it"))
    return with_inputs(cells, figures).select(
        "material", "stage", "year", "largest",
        country=pl.lit(WORLD),
        value=pl.when(others > 0.0).then(left / others),
        unit=pl.lit(UNIT),
        inputs=pl.when(pl.col("reason").is_null()).then("inputs"),
        reason=pl.coalesce("reason", alone),
        supply_left=left / pl.col("supply"),
    )  # fmt: skip


def _supply_side(request: Request) -> pl.DataFrame:
    """Return the share of supply left; demand, and with it the value, is absent."""
    asked = Request("top1", request.materials, (), request.years, request.stage, Basis.PRODUCTION)
    cells = concentrations(asked)
    return with_inputs(cells, concentration_inputs()).select(
        "country", "material", "stage", "year",
        unit=pl.lit(UNIT),
        inputs=pl.when(pl.col("reason").is_null()).then("inputs"),
        reason=pl.coalesce("reason", pl.lit(NO_DEMAND)),
        largest=pl.col("leaders").list.first(),
        supply_left=1.0 - pl.col("top1"),
    )  # fmt: skip


def _published(request: Request, years: list[int]) -> pl.DataFrame:
    """Return the IEA's own figures for the years asked for."""
    metric = "supply_without_largest_supplier_over_demand_"
    table = data.demand_structure().filter(
        pl.col("metric").str.starts_with(metric) & pl.col("year").is_in(years)
    )
    table = table.with_columns(material=pl.col("material").str.replace_all("_", "-"))
    if request.materials:
        table = table.filter(pl.col("material").is_in(asked_chains(request)[0]))
    made = figure("N-1", pl.col("value"), "share", table="demand_structure",
                  where=pl.format("metric={}, source={}", "metric", "source"),
                  mark=pl.concat_str(pl.lit("confidence "), "confidence"))  # fmt: skip
    return with_inputs(table, [made]).select(
        "material", "value", "inputs",
        country=pl.lit(WORLD),
        stage=pl.lit("as published"),
        year=pl.col("year").cast(pl.Int32),
        unit=pl.lit(UNIT),
    )  # fmt: skip
