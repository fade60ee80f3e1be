"""Which sectors stop first: the use of a country shared out among those who use it.

The market says how much of a form a country uses in a month. Within the country it goes to whoever
is willing to pay most for it, or first to those with a stated priority. Sector s wants w X of the
whole X and answers to a common scarcity μ ≥ 1 by its ease of giving up e,

    x_s = w_s X μ^(−e_s)         with μ such that Σ x_s is what the country uses

so that sectors which find it easy to do without stop first. A priority gives some sectors all they
want before the others get any.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lodeline.network.sectors import Sector, sectors_of
from lodeline.results.metrics import UNMET_THRESHOLD
from lodeline.results.run import Run

__all__ = ["sector_table", "share_out"]

Vector = NDArray[np.float64]

_STEPS = 80
_MOST = 400.0
"""Largest log μ: at it every sector has stopped."""


def sector_table(run: Run, series: pl.DataFrame, priority: Collection[str] = ()) -> pl.DataFrame:
    """Return one row per country, form and sector; see `ChainResult.sectors`.

    Parameters
    ----------
    run
        The run.
    series
        Its `series_table`.
    priority
        Sectors that are served first; the others share what is left.
    """
    chain = run.network.base.chain
    active = np.flatnonzero(run.schedule.is_restricted)
    onset = int(active[0]) if active.size else 0
    rows = []
    for (country, form), part in series.group_by("country", "form", maintain_order=True):
        use, unmet = part["use_t"].to_numpy(), part["unmet_t"].to_numpy()
        sectors = sectors_of(chain.id, str(form), str(country))
        if len(sectors) < 2:
            continue
        wanted = np.outer(use + unmet, [s.share for s in sectors])
        first = np.array([s.id in priority for s in sectors])
        ease = np.array([s.ease for s in sectors])
        got = share_out(use, wanted, ease, first)
        rows += _rows(str(country), str(form), sectors, wanted, got, onset)
    return pl.DataFrame(rows, schema=_SCHEMA)


def share_out(use: Vector, wanted: Vector, ease: Vector, first: NDArray[np.bool_]) -> Vector:
    """Return what each sector gets, t, shape (month, sector).

    Parameters
    ----------
    use
        What there is, t, shape (month,).
    wanted
        What each sector wants at the reference price, t, shape (month, sector).
    ease
        e of each sector, shape (sector,).
    first
        Sectors with priority, shape (sector,).
    """
    out = np.zeros_like(wanted)
    left = use.copy()
    for tier in (first, ~first):
        if tier.any():
            out[:, tier] = _one_tier(left, wanted[:, tier], ease[tier])
            left = np.maximum(left - out[:, tier].sum(axis=1), 0.0)
    return out


def _one_tier(use: Vector, wanted: Vector, ease: Vector) -> Vector:
    """Share out by willingness to pay; more than is wanted goes to all in proportion."""
    total = wanted.sum(axis=1)
    low, high = np.zeros(use.size), np.full(use.size, _MOST / float(ease.min()))
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        too_much = (wanted * np.exp(-np.outer(middle, ease))).sum(axis=1) > use
        low, high = np.where(too_much, middle, low), np.where(too_much, high, middle)
    got = wanted * np.exp(-np.outer(0.5 * (low + high), ease))
    return np.asarray(np.where((use < total)[:, None], got, wanted))


def _rows(
    country: str,
    form: str,
    sectors: Sequence[Sector],
    wanted: Vector,
    got: Vector,
    onset: int,
) -> list[dict[str, object]]:
    unmet = np.maximum(wanted - got, 0.0)
    share = unmet / np.maximum(wanted, 1e-300)
    out: list[dict[str, object]] = []
    for k, sector in enumerate(sectors):
        short = np.flatnonzero(share[:, k] > UNMET_THRESHOLD)
        out.append(
            {
                "country": country,
                "form": form,
                "sector": sector.id,
                "title": sector.title,
                "share": sector.share,
                "ease": sector.ease,
                "unmet_share_peak": float(share[:, k].max()),
                "unmet_t_total": float(unmet[:, k].sum()),
                "time_to_survive_months": max(int(short[0]) - onset, 0) if short.size else None,
                "region": sector.region,
                "source": sector.source,
            }
        )
    return sorted(out, key=lambda row: -float(str(row["unmet_share_peak"])))


_SCHEMA = {
    "country": pl.String,
    "form": pl.String,
    "sector": pl.String,
    "title": pl.String,
    "share": pl.Float64,
    "ease": pl.Float64,
    "unmet_share_peak": pl.Float64,
    "unmet_t_total": pl.Float64,
    "time_to_survive_months": pl.Int64,
    "region": pl.String,
    "source": pl.String,
}
