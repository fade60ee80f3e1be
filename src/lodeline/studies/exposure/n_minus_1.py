"""N-1: what is left of supply, against demand, when the largest supplier and its demand are gone.

    N-1 = (S - S_1) / (D - D_1)       S, D  world output and demand; 1 the largest supplier

Source: IEA, *Global Critical Minerals Outlook* 2025. Its projections of demand by country are not
public; the base year of a chain has demand by country, so the measure is taken there, by form. The
figures that the IEA publishes for 2035 are shown for their year. For a stage of the table
`stage_shares` only the supply side is known: the value is absent, `supply_left` is not.

Demand of the others is their supply and what they get from the largest supplier, net: D - D_1 =
(S - S_1) + (X_1 - M_1). The range is the 5 to 95 per cent quantiles of `DRAWS` draws of outputs and
lanes that nobody observed (`lodeline.network.doubt`). Supply that is not traced counts as that of
others in the value; at the low end as the largest supplier's.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lodeline import data
from lodeline.errors import InputError
from lodeline.network.base_year import BaseYear, base_year, outputs
from lodeline.network.catalogue import load_chain
from lodeline.network.doubt import Doubt, doubt_of
from lodeline.results.exposure import figure, with_inputs
from lodeline.studies.exposure.balances import asked_chains, balances, last_trade_year
from lodeline.studies.exposure.concentration import concentration_inputs, concentrations
from lodeline.studies.exposure.registry import Basis, Request
from lodeline.studies.exposure.suppliers import WORLD

__all__ = ["NOTES", "measure"]

DRAWS = 100
SEED = 0
QUANTILES = (0.05, 0.95)

NOTES = (
    "Below 1 the others cannot cover their own demand. Demand is what a form's next stage or use "
    "absorbs in the balanced base year.",
    f"Range: 5 to 95 per cent of {DRAWS} draws of what nobody observed; at the low end, what is "
    "not traced counts as the largest supplier's. output_years: years of the figures of output.",
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
    rows = _of_chains(balances(chains, years, request.stage)).join(
        _ranges(chains, years), on=["material", "stage", "year"], how="left"
    )
    parts = [rows, _published(request, years)]
    if without:
        names = tuple(m.id for m in without)
        parts.append(_supply_side(_world(request, names)))
    return pl.concat(parts, how="diagonal")


def _world(request: Request, materials: tuple[str, ...]) -> Request:
    return Request(request.method, materials=materials, years=request.years)


def _of_chains(table: pl.DataFrame) -> pl.DataFrame:
    form = ["material", "stage", "year", "unit"]
    biggest = (pl.col("output") - pl.col("untraced")).arg_max()
    cells = table.group_by(form, maintain_order=True).agg(
        largest=pl.col("country").get(biggest),
        supply=pl.col("output").sum(),
        supply_1=pl.col("output").get(biggest),
        untraced=pl.col("untraced").sum(),
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
        figure("of supply not traced", pl.col("untraced"), table="trade", mark="imputed", **at),
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


def _ranges(chains: list[str], years: list[int]) -> pl.DataFrame:
    """Return low, high and the years of the figures of output, by form."""
    rows: list[tuple[object, ...]] = []
    for chain in chains:
        for year in years:
            with suppress(InputError):  # no trade in that year: there is no value either
                doubt = doubt_of(base_year(load_chain(chain), year))
                rows += [
                    (chain, form, year, *_range(doubt, f), _years(doubt.base, form))
                    for f, form in enumerate(doubt.base.forms)
                ]
    return pl.DataFrame(rows, schema=_RANGES, orient="row")


_RANGES: dict[str, Any] = {
    "material": pl.String, "stage": pl.String, "year": pl.Int32, "low": pl.Float64,
    "high": pl.Float64, "output_years": pl.List(pl.Int32),
}  # fmt: skip


def _range(doubt: Doubt, f: int) -> tuple[float | None, float | None]:
    """Return the quantiles of the measure over draws, widened to hold what it is now."""
    made = outputs(doubt.base)[f]
    untraced = np.where(doubt.is_untraced[f], made, 0.0)
    largest = int(np.argmax(made - untraced))
    bases = [doubt.base]
    bases += [doubt.draw(np.random.default_rng([SEED, k])) for k in range(DRAWS)]
    values = [_ends(base, f, largest, doubt.is_untraced[f]) for base in bases]
    known = np.array([v for v in values if v is not None])
    if values[0] is None or not known.size:
        return None, None
    low = np.quantile(known[:, 0], QUANTILES[0])
    high = np.quantile(known[:, 1], QUANTILES[1])
    return float(min(low, known[0, 0])), float(max(high, known[0, 1]))


def _ends(
    base: BaseYear, f: int, largest: int, is_untraced: NDArray[np.bool_]
) -> tuple[float, float] | None:
    """Return the measure with all that is not traced as the largest supplier's, and as others'."""
    made, here = outputs(base)[f], base.lane_form == f
    others = float(made.sum() - made[largest])
    untraced = float(made[is_untraced].sum())
    sent = base.lane_level[here & (base.lane_origin == largest)].sum()
    got = base.lane_level[here & (base.lane_destination == largest)].sum()
    demand = others + float(sent - got)
    return (max(others - untraced, 0.0) / demand, others / demand) if demand > 0.0 else None


def _years(base: BaseYear, form: str) -> list[int]:
    """Return the years of the figures that output rests on; a prior names its own."""
    basis = base.reconciliation.filter((pl.col("form") == form) & (pl.col("item") == "output"))
    found = basis["basis"].str.extract(r"(\d{4})").drop_nulls().cast(pl.Int32)
    return sorted(found.unique().to_list())


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
