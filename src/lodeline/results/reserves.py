"""How long what states hold would last: tables of reserves from a run."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lodeline.network import ActivityKind
from lodeline.results.run import Run

__all__ = ["EMPTY", "reserve_table"]

EMPTY = 0.05
"""A reserve below this share of what it held at the start counts as empty."""

Vector = NDArray[np.float64]
_DAYS_A_YEAR = 365.0


def reserve_table(run: Run) -> pl.DataFrame:
    """Return one row for each reserve; see `ChainResult.reserves`."""
    network = run.network
    stores = network.of_kind(ActivityKind.STORE)
    held: dict[tuple[int, int], Vector] = {}
    for k, a in enumerate(stores):
        if network.is_reserve[a]:
            place = (int(network.form[a]), int(network.origin[a]))
            held[place] = held.get(place, np.zeros(len(run.stocks))) + run.stocks[:, k]
    active = np.flatnonzero(run.schedule.is_restricted)
    onset = int(active[0]) if active.size else 0
    absorbed = network.base.absorbed() / _DAYS_A_YEAR
    rows = []
    for (f, c), path in sorted(held.items()):
        empty = np.flatnonzero(path[1:] < EMPTY * path[0])
        lowest = int(np.argmin(path[1:]))
        rows.append(
            {
                "country": network.countries[c],
                "form": network.forms[f],
                "opening_t": float(path[0]),
                "opening_days": float(path[0] / absorbed[f, c]),
                "lowest_t": float(path[1 + lowest]),
                "lowest_month": str(run.schedule.months[lowest]),
                "released_share": max(0.0, float(1.0 - path[1 + lowest] / path[0])),
                "lasts_months": max(int(empty[0]) - onset, 0) if empty.size else None,
            }
        )
    return pl.DataFrame(rows, schema=_SCHEMA)


_SCHEMA = {
    "country": pl.String,
    "form": pl.String,
    "opening_t": pl.Float64,
    "opening_days": pl.Float64,
    "lowest_t": pl.Float64,
    "lowest_month": pl.String,
    "released_share": pl.Float64,
    "lasts_months": pl.Int64,
}
