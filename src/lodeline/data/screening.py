"""Screen traded tonnes by unit value, in sight.

Values of trade are far better reported than tonnes. A flow whose unit value (USD per tonne) lies
outside what its code and year show has wrong tonnes, or carries another product. This module finds
such flows and rebuilds tonnes from value. Nothing is deleted: the reported tonnes stay beside the
rebuilt ones, and every flow carries a `Quality`.

The usual range of a code and year runs between two medians of unit value: the tonne-weighted one
(half of the tonnes were cheaper) and the value-weighted one (half of the value was dearer). For a
bulk good the two agree; for a code that mixes products they lie apart. One wrong lane can be a
median by itself (Guinea to China, bauxite, 2023), so each is compared with its own neighbours in
time first.
"""

from __future__ import annotations

import math
from enum import StrEnum

import polars as pl

__all__ = ["OUTLIER_FACTOR", "Quality", "code_year_unit_values", "screen"]

OUTLIER_FACTOR = 5.0
"""A unit value this many times off is an outlier."""
OWN_HISTORY_FACTOR = 3.0
"""With an exporter's history: this far out of range and `OUTLIER_FACTOR` off its habit."""
MEDIAN_JUMP = 2.5
"""A median this many times off its neighbours in time is replaced by theirs."""
WINDOW_YEARS = 2
"""Years before and after that count as neighbours."""
OWN_YEARS = 4
"""Other years an exporter needs before its own habit counts."""
MATERIAL_SHARE = 1e-3
"""Flows below this share of the code-year, in value and in tonnes, are kept as reported."""
MIXED_FACTOR = 2.0
"""Medians further apart than this: the code mixes products, so value does not tell tonnes."""

_KEY = ["code", "year"]


class Quality(StrEnum):
    """Where the tonnes of a flow come from."""

    OBSERVED = "observed"
    """As reported."""
    IMPUTED_MISSING = "imputed_missing"
    """None reported; rebuilt from value."""
    IMPUTED_OUTLIER = "imputed_outlier"
    """Reported tonnes implausible; rebuilt from value."""
    KEPT_OUTLIER = "kept_outlier"
    """Unit value out of range, but another product is as likely; kept as reported."""


def _weighted_median(flows: pl.DataFrame, weight: str, name: str) -> pl.DataFrame:
    """Return the median unit value of each code and year, weighted by `weight`."""
    ranked = flows.sort(*_KEY, "unit", "exporter", "importer").with_columns(
        reached=pl.col(weight).cum_sum().over(_KEY), total=pl.col(weight).sum().over(_KEY)
    )
    upper = ranked.filter(pl.col("reached") * 2 >= pl.col("total"))
    return upper.group_by(_KEY, maintain_order=True).agg(pl.col("unit").first().alias(name))


def _steady(medians: pl.DataFrame, name: str) -> pl.DataFrame:
    """Replace a median that jumped away from its neighbours in time by theirs."""
    pairs = medians.select(*_KEY, name).join(
        medians.select("code", pl.col("year").alias("near"), pl.col(name).alias("value")), on="code"
    )
    near = pairs.filter((pl.col("near") - pl.col("year")).abs() <= WINDOW_YEARS)
    usual = near.group_by(_KEY, maintain_order=True).agg(usual=pl.col("value").log().median().exp())
    jumped = (pl.col(name) / pl.col("usual")).log().abs() > math.log(MEDIAN_JUMP)
    return (
        medians.join(usual, on=_KEY)
        .with_columns(pl.when(jumped).then("usual").otherwise(name).alias(name))
        .drop("usual")
    )


def code_year_unit_values(flows: pl.DataFrame) -> pl.DataFrame:
    """Return the usual unit values of every code and year.

    Parameters
    ----------
    flows
        ``code, year, exporter, importer, value_usd`` (USD), ``tonnes_reported`` (t or null).

    Returns
    -------
    polars.DataFrame
        ``code, year, low_usd_per_t, median_usd_per_t, high_usd_per_t, flows_used``: low and high
        are the smaller and larger of the tonne-weighted and the value-weighted median, each
        steadied in time; the median is their geometric mean.
    """
    known = flows.filter(pl.col("tonnes_reported") > 0).with_columns(
        unit=pl.col("value_usd") / pl.col("tonnes_reported")
    )
    medians = (
        _weighted_median(known, "value_usd", "by_value")
        .join(_weighted_median(known, "tonnes_reported", "by_tonnes"), on=_KEY)
        .sort(_KEY)
    )
    for name in ("by_value", "by_tonnes"):
        medians = _steady(medians, name)
    used = known.group_by(_KEY, maintain_order=True).agg(flows_used=pl.len().cast(pl.Int32))
    both = pl.concat_list("by_value", "by_tonnes")
    return (
        medians.join(used, on=_KEY)
        .select(
            *_KEY,
            low_usd_per_t=both.list.min(),
            median_usd_per_t=(pl.col("by_value") * pl.col("by_tonnes")).sqrt(),
            high_usd_per_t=both.list.max(),
            flows_used=pl.col("flows_used"),
        )
        .sort(_KEY)
    )


def _own_habit(flows: pl.DataFrame) -> pl.DataFrame:
    """Return each exporter's usual log ratio to the code's median, from its other years."""
    key = ["code", "exporter"]
    yearly = (
        flows.filter(pl.col("tonnes_reported") > 0)
        .group_by(*key, "year", maintain_order=True)
        .agg(
            ratio=(
                pl.col("value_usd").sum()
                / pl.col("tonnes_reported").sum()
                / pl.col("median_usd_per_t").first()
            ).log()
        )
    )
    years = flows.select(*key, "year").unique()
    pairs = years.join(yearly.rename({"year": "other"}), on=key)
    others = pairs.filter(pl.col("other") != pl.col("year"))
    return (
        others.group_by(*key, "year", maintain_order=True)
        .agg(habit=pl.col("ratio").median(), years=pl.len())
        .filter(pl.col("years") >= OWN_YEARS)
        .drop("years")
    )


def _lane_habit(flows: pl.DataFrame) -> pl.DataFrame:
    """Return each lane's median unit value in the neighbouring years, where there is one."""
    key = ["code", "exporter", "importer"]
    known = flows.filter(pl.col("tonnes_reported") > 0).select(
        *key, other="year", near=pl.col("value_usd") / pl.col("tonnes_reported")
    )
    pairs = flows.select(*key, "year").join(known, on=key)
    gap = (pl.col("other") - pl.col("year")).abs()
    near = pairs.filter((gap > 0) & (gap <= WINDOW_YEARS))
    return near.group_by(*key, "year", maintain_order=True).agg(lane=pl.col("near").median())


def _is_mixed() -> pl.Expr:
    """Whether the code mixes products: in this year, or in most years."""
    apart = pl.col("high_usd_per_t") / pl.col("low_usd_per_t")
    return (apart > MIXED_FACTOR) | (apart.median().over("code") > MIXED_FACTOR)


def _share(column: str) -> pl.Expr:
    return (pl.col(column) / pl.col(column).sum().over(_KEY)).fill_null(0.0)


def _verdict() -> pl.Expr:
    """Return the quality of each flow from the columns that `screen` prepares."""
    off = pl.max_horizontal(
        (pl.col("low_usd_per_t") / pl.col("unit")).log(),
        (pl.col("unit") / pl.col("high_usd_per_t")).log(),
    )
    from_habit = (pl.col("unit") / pl.col("expected")).log().abs()
    strange = (from_habit > math.log(OUTLIER_FACTOR)) & (
        off
        > pl.when("has_habit")
        .then(math.log(OWN_HISTORY_FACTOR))
        .otherwise(math.log(OUTLIER_FACTOR))
    )
    material = pl.max_horizontal(_share("value_usd"), _share("tonnes_reported")) >= MATERIAL_SHARE
    too_dear = pl.col("unit") > pl.col("high_usd_per_t")
    lane_usual = (pl.col("unit") / pl.col("lane")).log().abs() < math.log(OWN_HISTORY_FACTOR)
    lane_usual = lane_usual.fill_null(value=False)
    mixed = pl.col("is_mixed")
    other_product = pl.when(too_dear).then(mixed | lane_usual).otherwise(mixed & lane_usual)
    return (
        pl.when(pl.col("tonnes_reported").is_null())
        .then(pl.lit(Quality.IMPUTED_MISSING.value))
        .when(strange & material & other_product)
        .then(pl.lit(Quality.KEPT_OUTLIER.value))
        .when(strange & material)
        .then(pl.lit(Quality.IMPUTED_OUTLIER.value))
        .otherwise(pl.lit(Quality.OBSERVED.value))
    )


def screen(flows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the flows with `quality` and `tonnes_rebuilt`, and the unit values used.

    A flow is an outlier when its unit value is more than `OUTLIER_FACTOR` times outside the
    usual range of its code and year, or `OWN_HISTORY_FACTOR` times outside it where its exporter
    has a history, and more than `OUTLIER_FACTOR` times off what that exporter usually gets. Its
    tonnes become value / (median unit value x the exporter's usual ratio). Too few tonnes are kept
    where the code mixes products (medians more than `MIXED_FACTOR` apart) or the lane had such
    unit values in neighbouring years: a dearer product is as likely there, and rebuilding would
    invent material. Too many tonnes are kept only where both hold. Flows below `MATERIAL_SHARE`
    of the code-year are kept: their unit values are noise.

    Parameters
    ----------
    flows
        ``code, year, exporter, importer, value_usd, tonnes_reported``, whole code-years.

    Returns
    -------
    tuple of polars.DataFrame
        The flows in the same order, and the table of `code_year_unit_values`.
    """
    units = code_year_unit_values(flows)
    mixed = units.with_columns(is_mixed=_is_mixed())
    base = flows.with_row_index("row").join(mixed, on=_KEY, how="left")
    habit = _own_habit(base)
    lane = _lane_habit(base)
    joined = base.join(habit, on=["code", "exporter", "year"], how="left").join(
        lane, on=["code", "exporter", "importer", "year"], how="left"
    )
    prepared = joined.with_columns(
        has_habit=pl.col("habit").is_not_null(),
        unit=pl.col("value_usd") / pl.col("tonnes_reported"),
        expected=pl.col("median_usd_per_t") * pl.col("habit").fill_null(0.0).exp(),
    )
    judged = prepared.with_columns(quality=_verdict()).sort("row")
    rebuilt = pl.col("quality").is_in([Quality.IMPUTED_MISSING, Quality.IMPUTED_OUTLIER])
    judged = judged.with_columns(
        tonnes_rebuilt=pl.when(rebuilt).then(pl.col("value_usd") / pl.col("expected"))
    )
    return judged.select(*flows.columns, "quality", "tonnes_rebuilt"), units
