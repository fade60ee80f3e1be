"""Since when: the months in which a country runs short, its stock is gone, its price peaks."""

from __future__ import annotations

import polars as pl

from lodeline.results.metrics import UNMET_THRESHOLD
from lodeline.results.reserves import EMPTY

__all__ = ["date_table"]

_RISEN = 1.005
"""Below this multiple of the base year's price a price has not risen."""


def date_table(series: pl.DataFrame) -> pl.DataFrame:
    """Return one row per country and form with the months that a calendar needs.

    Parameters
    ----------
    series
        Use, price and stocks by month; see `ChainResult.series`.

    Returns
    -------
    polars.DataFrame
        ``country, form, short_from`` (first month with more than 5 % of use unmet), ``short_until``
        (last such month), ``stock_empty_from`` (first month at whose end users and state together
        hold less than 5 % of what they held at most), ``stock_lowest_t``, ``price_peak_month``.
        Months as YYYY-MM, null where it does not happen; a price
        that never rises by half a per cent has no peak.
    """
    ordered = series.sort("country", "form", "month")
    is_short = pl.col("unmet_share") > UNMET_THRESHOLD
    most_held = pl.max_horizontal(pl.col("stock_before_t").max(), pl.col("stock_t").max())
    is_empty = (pl.col("stock_t") < EMPTY * most_held) & (most_held > 0.0)
    month = pl.col("month")
    at_peak = month.sort_by("price_multiple", descending=True, maintain_order=True).first()
    return ordered.group_by("country", "form", maintain_order=True).agg(
        month.filter(is_short).first().alias("short_from"),
        month.filter(is_short).last().alias("short_until"),
        month.filter(is_empty).first().alias("stock_empty_from"),
        pl.col("stock_t").min().alias("stock_lowest_t"),
        pl.when(pl.col("price_multiple").max() >= _RISEN).then(at_peak).alias("price_peak_month"),
    )
