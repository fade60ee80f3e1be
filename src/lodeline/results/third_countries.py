"""Through whom restricted material comes: what third countries pass on, before and during."""

from __future__ import annotations

import numpy as np
import polars as pl

from lodeline.network import ActivityKind, Layer
from lodeline.results.run import Run

__all__ = ["via_table"]


def via_table(run: Run) -> pl.DataFrame:
    """Return who brings restricted-origin material to whom; see `ChainResult.via`.

    Empty where no restriction has targets: then origins are not told apart.
    """
    network = run.network
    active = run.schedule.is_restricted
    levels = run.levels[active] if active.any() else run.levels
    lanes = np.flatnonzero(
        (network.kind == ActivityKind.SHIP) & (network.layer == Layer.RESTRICTED)
    )
    free = network.row_layer == Layer.FREE
    split = set(zip(network.row_form[free], network.row_country[free], strict=True))
    # Who restricts has one layer; everybody else keeps what is free beside it.
    places = zip(network.form[lanes], network.origin[lanes], strict=True)
    names, forms = np.array(network.countries), np.array(network.forms)
    table = pl.DataFrame(
        {
            "form": forms[network.form[lanes]],
            "exporter": names[network.origin[lanes]],
            "importer": names[network.destination[lanes]],
            "is_third": pl.Series([place in split for place in places], dtype=pl.Boolean),
            "before_t": network.reference[lanes],
            "during_t": levels[:, lanes].mean(axis=0),
        }
    )
    total = pl.col("before_t").sum()
    third = pl.col("before_t").filter("is_third").sum()
    return (
        table.group_by("form", "exporter", "importer", "is_third", maintain_order=True)
        .agg(pl.col("before_t").sum(), pl.col("during_t").sum())
        .filter((pl.col("before_t") > 0.0) | (pl.col("during_t") > 0.0))
        .with_columns(third_share=(third / total).fill_nan(0.0).over("form", "importer"))
        .sort("form", "importer", "before_t", descending=[False, False, True])
    )
