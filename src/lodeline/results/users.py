"""Users by size: who matters in a ranking, and who is hit hardest that nobody asked about."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import polars as pl

__all__ = ["CLEARLY", "LARGE_USER", "SMALL_USER", "hit_elsewhere", "with_world_share"]

CLEARLY = 0.01
"""Least difference of two unmet shares (0-1) for one country to be called harder hit."""

LARGE_USER = 0.01
"""Least share of the world's use for a country that was not asked about to be named."""

SMALL_USER = 0.001
"""Below this share of the world's use a country is counted with others like it, not ranked."""


def with_world_share(metrics: pl.DataFrame) -> pl.DataFrame:
    """Return metrics with ``world_use_share`` (0-1): a country's part of the use of a form.

    Null where a country does not use the form.

    Examples
    --------
    >>> use = pl.DataFrame({"form": ["a", "a"], "reference_use_t": [1.0, 3.0]})
    >>> with_world_share(use)["world_use_share"].to_list()
    [0.25, 0.75]
    """
    use = pl.col("reference_use_t")
    return metrics.with_columns(world_use_share=use / use.sum().over("form"))


def hit_elsewhere(
    metrics: pl.DataFrame, form: str, asked: Collection[str], worst: float
) -> dict[str, Any] | None:
    """Return the large user that lacks the largest share of those not asked about.

    Uses that are a mere remainder of two large figures are passed over.

    Parameters
    ----------
    metrics
        Of countries; see `ChainResult.metrics`.
    form
        The form.
    asked
        Countries asked about, ISO3.
    worst
        Peak of the unmet share (0-1) among them; a country that lacks less than
        `CLEARLY` more is not returned.
    """
    large = with_world_share(metrics).filter(
        (pl.col("form") == form)
        & ~pl.col("country").is_in(list(asked))
        & (pl.col("world_use_share") >= LARGE_USER)
        & (pl.col("unmet_share_peak") >= worst + CLEARLY)
        & ~pl.col("is_remainder")
    )
    if large.is_empty():
        return None
    ranked = large.sort("unmet_share_peak", "country", descending=[True, False])
    return ranked.row(0, named=True)
