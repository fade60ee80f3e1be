"""Groups of countries as rows of their own: what their members use, lack and pay, together.

Rows of groups never stand among those of countries, which would then be counted twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lodeline.network import ActivityKind
from lodeline.results.metrics import onset_of, use_metrics
from lodeline.results.run import Run
from lodeline.scenarios.groups import GROUPS
from lodeline.units import MONTHS_PER_YEAR

__all__ = ["GroupTables", "group_peak", "group_tables", "groups_among", "hardest_hit"]

_CAPPED_USE = 0.01
"""Least share of a group's use at the price cap for the group's price to count as capped."""

_LARGE_MEMBER = 0.05
"""Least share of a group's use for a member to be the one whose share is named."""


@dataclass(frozen=True)
class GroupTables:
    """Tables with the columns of `ChainResult.metrics`, `costs` and `series`, by group.

    Tonnes, stocks and costs are the sums of the members. Shares are of these sums, times and months
    of cover follow from them. A price is the mean of the members', weighted by their reference use.
    """

    metrics: pl.DataFrame
    costs: pl.DataFrame
    series: pl.DataFrame


def groups_among(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names that are groups, in order.

    Examples
    --------
    >>> groups_among(["JPN", "EU27"])
    ('EU27',)
    """
    return tuple(n for n in names if n in GROUPS)


def group_tables(
    run: Run, groups: Sequence[str], series: pl.DataFrame, metrics: pl.DataFrame
) -> GroupTables:
    """Return the rows of groups; none where no group is named.

    Parameters
    ----------
    run
        The run.
    groups
        Names of groups (``EU27``).
    series, metrics
        The run's `series_table` and `metric_table`.
    """
    parts = [_group_series(run, group, series) for group in groups]
    together = pl.concat([series.clear(), *parts])
    names = pl.DataFrame(
        [(group, country) for group in groups for country in GROUPS[group]],
        schema={"group": pl.String, "country": pl.String}, orient="row",
    )  # fmt: skip
    cost = (
        metrics.join(names, on="country")
        .group_by("group", "form", maintain_order=True)
        .agg(cost_usd=pl.col("cost_usd").sum())
        .rename({"group": "country"})
    )
    rows = cost.join(use_metrics(together, onset_of(run)), on=["country", "form"], how="left")
    return GroupTables(
        metrics=rows.select(metrics.columns),
        costs=rows.group_by("country", maintain_order=True).agg(cost_usd=pl.col("cost_usd").sum()),
        series=together,
    )


def group_peak(run: Run, group: str, form: str, series: pl.DataFrame) -> float | None:
    """Return the peak of a group's unmet share of a form, None where no member uses it."""
    rows = _group_series(run, group, series).filter(pl.col("form") == form)
    peak = rows["unmet_share"].max()
    return None if peak is None else float(str(peak))


def hardest_hit(
    metrics: pl.DataFrame, group: str, form: str
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return the member that lacks most, t, and of the larger users the one with the worst share.

    Parameters
    ----------
    metrics
        Of countries; see `ChainResult.metrics`.
    group
        A group; None is returned for a country, and where no member uses the form.
    form
        The form.
    """
    is_member = pl.col("country").is_in(GROUPS.get(group, ()))
    users = metrics.filter((pl.col("form") == form) & is_member).drop_nulls("unmet_share_peak")
    if users.is_empty():
        return None
    most = users.sort("unmet_t_total", "country", descending=[True, False])
    least = _LARGE_MEMBER * float(users["reference_use_t"].sum())
    large = most.filter(pl.col("reference_use_t") >= least)
    worst = large.sort("unmet_share_peak", "country", descending=[True, False])
    return most.row(0, named=True), worst.row(0, named=True)


def _group_series(run: Run, group: str, series: pl.DataFrame) -> pl.DataFrame:
    """Return the months of a group; forms that no member uses are left out."""
    use, weight = pl.col("use_t"), pl.col("reference_use_t")
    wanted, absorbed = pl.col("wanted_t"), pl.col("absorbed_t")
    is_capped = weight.filter(pl.col("is_price_capped")).sum() > _CAPPED_USE * weight.sum()
    sums = (
        series.with_columns(wanted_t=_wanted(run), absorbed_t=_absorbed(run))
        .filter(pl.col("country").is_in(GROUPS[group]))
        .group_by("month", "form", maintain_order=True)
        .agg(
            use_t=use.sum(),
            reference_use_t=weight.sum(),
            unmet_t=pl.col("unmet_t").sum(),
            unmet_share=pl.col("unmet_t").sum() / wanted.sum(),
            price_usd_t=(weight * pl.col("price_usd_t")).sum() / weight.sum(),
            price_multiple=(weight * pl.col("price_multiple")).sum() / weight.sum(),
            is_price_capped=is_capped,
            stock_t=pl.col("stock_t").sum(),
            stock_before_t=pl.col("stock_before_t").sum(),
            months_of_cover=pl.col("stock_t").sum() / absorbed.sum(),
        )
    )
    return sums.with_columns(country=pl.lit(group)).select(series.columns)


def _wanted(run: Run) -> NDArray[np.float64]:
    """Return what users want at reference prices, t/month, in the rows' order of the series."""
    uses = run.network.of_kind(ActivityKind.USE)
    return (run.network.reference[uses] * run.schedule.demand[:, uses]).ravel()


def _absorbed(run: Run) -> NDArray[np.float64]:
    """Return use and processing of the base year, t/month, in the rows' order of the series."""
    network = run.network
    uses = network.of_kind(ActivityKind.USE)
    monthly = network.base.absorbed()[network.form[uses], network.origin[uses]] / MONTHS_PER_YEAR
    return np.tile(monthly, len(run.schedule.months))
