"""Who runs short of what, when, for how long, at what price: tables from a run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lodeline.network import ActivityKind, Layer
from lodeline.network.network import PRICE_CAP
from lodeline.results.run import Run
from lodeline.results.welfare import cost_by_country

__all__ = ["PRICE_CAP", "UNMET_THRESHOLD", "UseFigures", "flow_table", "metric_table", "onset_of",
           "series_table", "supply_table", "use_figures", "use_metrics"]  # fmt: skip

UNMET_THRESHOLD = 0.05
"""Unmet use above this share counts as not surviving."""

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class UseFigures:
    """What each use gets and pays, shape (month, use).

    Attributes
    ----------
    unmet, unmet_share
        t/month, and share of what is wanted at reference prices.
    price, multiple
        USD/t, and over the reference price; both end at `PRICE_CAP`.
    is_capped
        Whether the price has reached the cap of that use (`Network.cap`).
    """

    unmet: Vector
    unmet_share: Vector
    price: Vector
    multiple: Vector
    is_capped: NDArray[np.bool_]


def use_figures(run: Run) -> UseFigures:
    """Return what each use of a run gets and pays."""
    network = run.network
    uses = network.of_kind(ActivityKind.USE)
    rows = network.incidence.indices[network.incidence.indptr[uses]]
    wanted = network.reference[uses] * run.schedule.demand[:, uses]
    unmet = np.maximum(wanted - run.levels[:, uses], 0.0)
    price, normal = run.prices[:, rows], network.row_price[rows]
    multiple = price / normal
    return UseFigures(
        unmet=unmet,
        unmet_share=unmet / wanted,
        price=np.minimum(price, PRICE_CAP * normal),
        multiple=np.minimum(multiple, PRICE_CAP),
        is_capped=price >= network.cap[uses],
    )


def series_table(run: Run) -> pl.DataFrame:
    """Return use, price and stocks by month, country and form; see `ChainResult.series`."""
    network = run.network
    uses = network.of_kind(ActivityKind.USE)
    months = [str(m) for m in run.schedule.months]
    count, size = len(months), uses.size
    figures = use_figures(run)
    before, stock, absorbed = _stocks(run, uses)
    names, forms = np.array(network.countries), np.array(network.forms)
    return pl.DataFrame(
        {
            "month": np.repeat(months, size),
            "country": np.tile(names[network.origin[uses]], count),
            "form": np.tile(forms[network.form[uses]], count),
            "use_t": run.levels[:, uses].ravel(),
            "reference_use_t": np.tile(network.reference[uses], count),
            "unmet_t": figures.unmet.ravel(),
            "unmet_share": figures.unmet_share.ravel(),
            "price_usd_t": figures.price.ravel(),
            "price_multiple": figures.multiple.ravel(),
            "is_price_capped": figures.is_capped.ravel(),
            "stock_before_t": before.ravel(),
            "stock_t": stock.ravel(),
            "months_of_cover": (stock / np.maximum(absorbed, 1e-300)).ravel(),
        }
    )


def _stocks(run: Run, uses: NDArray[np.intp]) -> tuple[Vector, Vector, Vector]:
    """Return stocks (month, use) before and after each month, and monthly absorption (use,)."""
    network = run.network
    stores = network.of_kind(ActivityKind.STORE)
    held = np.zeros((len(run.stocks), len(network.forms), len(network.countries)))
    for k, a in enumerate(stores):
        held[:, network.form[a], network.origin[a]] += run.stocks[:, k]
    absorbed = network.base.absorbed() / 12.0
    where = (network.form[uses], network.origin[uses])
    held = held[:, where[0], where[1]]
    return held[:-1], held[1:], absorbed[where]


def metric_table(run: Run, series: pl.DataFrame) -> pl.DataFrame:
    """Return one row per country and form; see `ChainResult.metrics`.

    Countries without use of a form (they only produce or re-export) appear with their cost and
    absent metrics.
    """
    network = run.network
    metrics = use_metrics(series, onset_of(run))
    cost = cost_by_country(run)
    f, c = np.nonzero(np.abs(cost) >= 0.0)
    costs = pl.DataFrame(
        {
            "country": np.array(network.countries)[c],
            "form": np.array(network.forms)[f],
            "cost_usd": cost[f, c],
        }
    )
    return costs.join(metrics, on=["country", "form"], how="left").select(
        "country",
        "form",
        "reference_use_t",
        "unmet_share_peak",
        "unmet_t_total",
        "time_to_survive_months",
        "time_to_recover_months",
        "price_multiple_peak",
        "cost_usd",
        "is_price_capped",
    )


def onset_of(run: Run) -> int:
    """Return the position of the first month in which something is restricted."""
    active = np.flatnonzero(run.schedule.is_restricted)
    return int(active[0]) if active.size else 0


def use_metrics(series: pl.DataFrame, onset: int) -> pl.DataFrame:
    """Return the metrics of use by country and form: those of `ChainResult.metrics` but cost.

    Parameters
    ----------
    series
        Use and price by month, country and form.
    onset
        Position of the first restricted month.
    """
    grouped = series.group_by("country", "form", maintain_order=True).agg(
        reference_use_t=pl.col("reference_use_t").first(),
        unmet_share_peak=pl.col("unmet_share").max(),
        unmet_t_total=pl.col("unmet_t").sum(),
        shares=pl.col("unmet_share"),
        price_multiple_peak=pl.col("price_multiple").max(),
        is_price_capped=pl.col("is_price_capped").any(),
    )
    survive, recover = [], []
    for shares in grouped["shares"].to_list():
        first, back = _times(np.array(shares), onset)
        survive.append(first)
        recover.append(back)
    return grouped.drop("shares").with_columns(
        time_to_survive_months=pl.Series(survive, dtype=pl.Int64),
        time_to_recover_months=pl.Series(recover, dtype=pl.Int64),
    )


def _times(shares: Vector, onset: int) -> tuple[int | None, int | None]:
    """Return time to survive and time to recover, months.

    Survive: whole months from the first month of a restriction (`onset`) until unmet use exceeds
    the threshold; None: never. Recover: months from then until it is below for good; 0: it never
    exceeded; None: not in the horizon.
    """
    short = np.flatnonzero(shares > UNMET_THRESHOLD)
    if short.size == 0:
        return None, 0
    first, last = int(short[0]), int(short[-1])
    survived = max(first - onset, 0)
    return survived, (None if last == shares.size - 1 else last + 1 - first)


def flow_table(run: Run) -> pl.DataFrame:
    """Return every activity by month; see `ChainResult.flows`."""
    network = run.network
    size = network.activities
    months = [str(m) for m in run.schedule.months]
    names, forms = np.array(network.countries), np.array(network.forms)
    kinds = np.array([k.name.lower() for k in ActivityKind])
    layers = np.array([k.name.lower() for k in Layer])
    margin = np.vstack([network.incidence.T @ p for p in run.prices])
    count = len(months)
    return pl.DataFrame(
        {
            "month": np.repeat(months, size),
            "kind": np.tile(kinds[network.kind], count),
            "form": np.tile(forms[network.form], count),
            "origin": np.tile(names[network.origin], count),
            "destination": np.tile(names[network.destination], count),
            "layer": np.tile(layers[network.layer], count),
            "level_t": run.levels.ravel(),
            "reference_t": np.tile(network.reference, count),
            "unit_margin_usd_t": margin.ravel(),
        }
    )


def supply_table(run: Run) -> pl.DataFrame:
    """Return who supplied whom before and during the restriction; see `ChainResult.supply`."""
    network = run.network
    active = run.schedule.is_restricted
    levels = run.levels[active] if active.any() else run.levels
    counted = np.isin(network.kind, [ActivityKind.SHIP, ActivityKind.PRODUCE, ActivityKind.PROCESS])
    chosen = np.flatnonzero(counted)
    names, forms = np.array(network.countries), np.array(network.forms)
    table = pl.DataFrame(
        {
            "form": forms[network.form[chosen]],
            "exporter": names[network.origin[chosen]],
            "importer": names[network.destination[chosen]],
            "before_t": network.reference[chosen],
            "during_t": levels[:, chosen].mean(axis=0),
        }
    )
    return (
        table.group_by("form", "exporter", "importer", maintain_order=True)
        .agg(pl.col("before_t").sum(), pl.col("during_t").sum())
        .filter((pl.col("before_t") > 0.0) | (pl.col("during_t") > 0.0))
        .sort("form", "importer", "before_t", descending=[False, False, True])
    )
