"""Lanes of a form from trade: content, exclusions, world price, lanes of earlier years.

Groups keep the order of their rows, here and wherever floats are added: the order of an addition
decides its last bit, and a run must repeat to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from lodeline import data
from lodeline.errors import DataError
from lodeline.network.chain import Basis, Chain, Code, Exclusion, Form, NetExports, Parameter

__all__ = [
    "FormTrade",
    "neighbour_form",
    "rows_of_form",
    "rows_used",
    "trade_of_form",
    "world_trade",
]

LATENT_YEARS = 10
"""How many years back a lane may have been used to count as latent."""


SMALLEST_LANE = 1e-8
"""Lanes below this share of the year's world trade are left out, and counted as such."""


@dataclass(frozen=True)
class FormTrade:
    """Trade of one form in one year, in the form's unit.

    Attributes
    ----------
    lanes
        ``exporter, importer, tonnes`` (t/year), ``value_usd``, ``quality`` (observed, imputed).
    earlier
        ``exporter, importer, tonnes``: mean over the last ten years in which the lane was used.
    price
        p̄: median unit value of observed lanes, weighted by tonnes, USD/t of the form's unit.
    world
        World trade by year, ``year, tonnes``.
    exports, imports
        By country and year, ``exporter, year, tonnes`` and ``importer, year, tonnes``.
    coverage
        ``form, year, quality, value_usd, tonnes, rows``.
    first_year, last_year
        Years with trade; None where there is none.
    """

    lanes: pl.DataFrame
    earlier: pl.DataFrame
    price: float
    world: pl.DataFrame
    exports: pl.DataFrame
    imports: pl.DataFrame
    coverage: pl.DataFrame
    first_year: int | None
    last_year: int | None


def rows_of_form(form: Form, exclusions: Sequence[Exclusion]) -> pl.DataFrame:
    """Return all trade rows of a form with ``amount`` in the form's unit, excluded ones marked.

    Returns
    -------
    polars.DataFrame
        The columns of `lodeline.data.trade`, ``amount`` (t of the form's unit) and
        ``is_excluded`` (named by an exclusion, or without tonnes).
    """
    codes = [c.code for c in form.codes]
    rows = data.trade(codes).with_columns(
        pl.col("code").cast(pl.String),
        pl.col("exporter").cast(pl.String),
        pl.col("importer").cast(pl.String),
    )
    rows = rows.with_columns(
        amount=pl.col("tonnes") * _content(form),
        quality=pl.when(pl.col("quality").cast(pl.String) == "observed")
        .then(pl.lit("observed"))
        .otherwise(pl.lit("imputed")),
    )
    left_out = pl.lit(value=False)
    for rule in exclusions:
        hit = (
            (pl.col("code") == rule.code)
            & (pl.col("exporter") == rule.exporter)
            & pl.col("year").is_between(rule.years[0], rule.years[1])
        )
        if rule.importer is not None:
            hit = hit & (pl.col("importer") == rule.importer)
        left_out = left_out | hit
    return rows.with_columns(is_excluded=left_out | pl.col("amount").is_null())


def _content(form: Form) -> pl.Expr:
    """Return tonnes of the form's unit in a gross tonne, by code and exporter."""
    expression = pl.lit(None, dtype=pl.Float64)
    for code in form.codes:
        is_code = pl.col("code") == code.code
        expression = pl.when(is_code).then(code.content.value).otherwise(expression)
        for exporter, content in code.origins.items():
            is_origin = is_code & (pl.col("exporter") == exporter)
            expression = pl.when(is_origin).then(content.value).otherwise(expression)
    return expression


def world_trade(chain: Chain, form: Form) -> pl.DataFrame:
    """Return world trade of a form by year: ``year, tonnes`` in the form's unit.

    A form without a code has that of its neighbour, in the neighbour's unit: with neighbours of one
    year (``neighbour.year``) the same in all years of the data.
    """
    if form.inferred is not None:
        near, chosen = neighbour_form(chain, form), form.inferred.neighbour.year
        series = world_trade(chain, near)
        if chosen is None:
            return series
        level = series.filter(pl.col("year") == chosen)["tonnes"].sum()
        lives = data.code_status().select(pl.col("first_year").min(), pl.col("last_year").max())
        years = range(lives.item(0, 0), lives.item(0, 1) + 1)
        return pl.DataFrame(
            {"year": years, "tonnes": np.full(len(years), float(level))},
            schema={"year": series.schema["year"], "tonnes": pl.Float64},
        )
    rows = rows_of_form(form, chain.exclusions).filter(~pl.col("is_excluded"))
    return (
        rows.group_by("year", maintain_order=True).agg(tonnes=pl.col("amount").sum()).sort("year")
    )


def neighbour_form(chain: Chain, form: Form) -> Form:
    """Return the form whose trade stands in for that of a form without a code.

    Codes that no form of the chain has become one in tonnes as traded.
    """
    assert form.inferred is not None
    near = form.inferred.neighbour
    if near.form is not None:
        return chain.form(near.form)
    as_traded = Parameter(value=1.0, low=1.0, high=1.0, source="Tonnes as traded")
    assert near.domestic_use is not None
    return Form(
        id=f"{form.id}-neighbour",
        title=f"What stands in for {form.title}",
        stage=form.stage,
        unit="t gross",
        basis=Basis.GROSS,
        codes=tuple(Code(code=code, content=as_traded) for code in near.codes),
        output=NetExports(kind="net-exports", domestic_use=near.domestic_use),
    )


def rows_used(form: Form, exclusions: Sequence[Exclusion]) -> pl.DataFrame:
    """Return `rows_of_form`, with rows of a country with itself and the smallest excluded too."""
    rows = rows_of_form(form, exclusions)
    least = SMALLEST_LANE * pl.col("amount").sum().over("year")
    return rows.with_columns(
        is_excluded=pl.col("is_excluded")
        | (pl.col("exporter") == pl.col("importer"))
        | (pl.col("amount") <= least)
    )


def trade_of_form(chain: Chain, form: Form, year: int) -> FormTrade:
    """Return the trade of a form with codes in a year; `lodeline.network.inferred` has the others.

    Rows of a country with itself and rows without any quantity or value are left out and counted
    in ``coverage``.
    """
    rows = rows_used(form, chain.exclusions)
    used = rows.filter(~pl.col("is_excluded"))
    lanes = (
        used.filter(pl.col("year") == year)
        .group_by("exporter", "importer", maintain_order=True)
        .agg(
            tonnes=pl.col("amount").sum(),
            value_usd=pl.col("value_usd").sum(),
            imputed=pl.col("amount").filter(pl.col("quality") == "imputed").sum(),
        )
        .with_columns(
            quality=pl.when(pl.col("imputed") > 0.5 * pl.col("tonnes"))
            .then(pl.lit("imputed"))
            .otherwise(pl.lit("observed"))
        )
        .drop("imputed")
        .sort("exporter", "importer")
    )
    earlier = (
        used.filter(pl.col("year").is_between(year - LATENT_YEARS, year - 1))
        .group_by("exporter", "importer", "year", maintain_order=True)
        .agg(tonnes=pl.col("amount").sum())
        .group_by("exporter", "importer", maintain_order=True)
        .agg(tonnes=pl.col("tonnes").mean())
        .sort("exporter", "importer")
    )
    coverage = (
        rows.filter(pl.col("year") == year)
        .with_columns(
            quality=pl.when(pl.col("is_excluded"))
            .then(pl.lit("left out"))
            .otherwise(pl.col("quality"))
        )
        .group_by("quality", maintain_order=True)
        .agg(
            value_usd=pl.col("value_usd").sum(),
            tonnes=pl.col("amount").sum(),
            rows=pl.len(),
        )
        .sort("quality")
        .select(pl.lit(form.id).alias("form"), pl.lit(year).alias("year"), pl.all())
    )
    world = (
        used.group_by("year", maintain_order=True).agg(tonnes=pl.col("amount").sum()).sort("year")
    )
    exports, imports = (
        used.group_by(side, "year", maintain_order=True).agg(tonnes=pl.col("amount").sum())
        for side in ("exporter", "importer")
    )
    years = world["year"]
    return FormTrade(
        lanes=lanes,
        earlier=earlier,
        price=_world_price(chain, form, used.filter(pl.col("year") == year)),
        world=world,
        exports=exports,
        imports=imports,
        coverage=coverage,
        first_year=int(years.min()) if len(years) else None,  # type: ignore[arg-type]
        last_year=int(years.max()) if len(years) else None,  # type: ignore[arg-type]
    )


def _world_price(chain: Chain, form: Form, rows: pl.DataFrame) -> float:
    """Return the median unit value of observed rows, weighted by amount, USD/t of the unit.

    One price for the whole world: unit values by country would make more than half of some
    materials flow from dear to cheap.
    """
    if rows.height == 0:
        return float("nan")
    seen = rows.filter(pl.col("quality") == "observed")
    seen = seen if seen.height else rows
    unit = (seen["value_usd"] / seen["amount"]).to_numpy()
    weight = seen["amount"].to_numpy()
    order = np.argsort(unit, kind="stable")
    total = np.cumsum(weight[order])
    price = float(unit[order][np.searchsorted(total, 0.5 * total[-1])])
    if not price > 0.0:
        raise DataError(
            f"chain '{chain.id}', form '{form.id}': world price is {price}. "
            "Check the trade rows of its codes with 'lodeline data quality'."
        )
    return price
