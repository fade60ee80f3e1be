"""How far a dear material gets cheaper again, whatever is restricted.

Unit values return to where they were: what is dear against its own past falls, what is cheap rises
(commodity prices: Deaton and Laroque 1992, Review of Economic Studies 59, 1-23). The share ρ that
is made up for within two years is estimated on the trade of all codes, up to the last base year of
the episode and no further:

    r(t + h) − r̄(t) = ρ (r̄(before) − r̄(t)),   h = 1, 2

r is the logarithm of a code's world unit value less the common cycle of prices, r̄(t) its mean over
two years, r̄(before) over the `YEARS_BEFORE` years before them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lodeline import data

__all__ = ["YEARS_BEFORE", "UnitValues", "expected_return", "known_unit_values", "share_returned"]

Vector = NDArray[np.float64]

YEARS_BEFORE = 5
"""Years before the base years with which they are compared; a forecast sees as many."""
_BASE = 2
_AHEAD = (1, 2)
_LARGEST = 1.5
"""Largest change that is believed (logarithm): beyond it a code has changed its content."""


@dataclass(frozen=True)
class UnitValues:
    """Unit values of all codes.

    Attributes
    ----------
    years
        Calendar years, one after the other.
    relative
        Logarithm of world unit values less `cycle`, shape (code, year); not a number where absent.
    cycle
        Common cycle of prices: the median change over all codes, added up, shape (year,).
    """

    years: tuple[int, ...]
    relative: Vector
    cycle: Vector

    def until(self, last: int) -> UnitValues:
        """Return them up to a year."""
        count = sum(y <= last for y in self.years)
        return UnitValues(self.years[:count], self.relative[:, :count], self.cycle[:count])


@cache
def known_unit_values() -> UnitValues:
    """Return the unit values of the trade table."""
    codes = data.products()["code"].to_list()
    rows = data.trade(codes).filter(pl.col("tonnes") > 0.0)
    world = rows.group_by("code", "year", maintain_order=True).agg(
        pl.col("value_usd", "tonnes").sum()
    )
    value = world.with_columns(log=(pl.col("value_usd") / pl.col("tonnes")).log())
    median = data.unit_values(codes).filter(pl.col("median_usd_per_t") > 0.0)
    middle = median.with_columns(log=pl.col("median_usd_per_t").log())
    years = tuple(sorted(int(y) for y in world["year"].unique()))
    change = np.diff(_wide(middle, years), axis=1)
    cycle = np.concatenate([[0.0], np.cumsum(np.nanmedian(change, axis=0))])
    return UnitValues(years, _wide(value, years) - cycle, cycle)


def _wide(table: pl.DataFrame, years: Sequence[int]) -> Vector:
    """Return ``log`` by code and year, shape (code, year)."""
    wide = table.sort("code").pivot(on="year", index="code", values="log")
    return wide.select(str(y) for y in years).cast(pl.Float64).fill_null(np.nan).to_numpy()


def share_returned(seen: UnitValues) -> float:
    """Return ρ by least squares over codes and years, 0 where unit values do not return."""
    r = seen.relative
    away, later = [np.zeros(0)], [np.zeros(0)]
    for t in range(YEARS_BEFORE + _BASE - 1, len(seen.years)):
        now = r[:, t - _BASE + 1 : t + 1].mean(axis=1)
        past = r[:, t - _BASE + 1 - YEARS_BEFORE : t - _BASE + 1]
        known = ~np.isnan(past)
        before = np.where(known, past, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        for h in _AHEAD:
            if t + h < len(seen.years):
                is_whole = known.any(axis=1) & np.isfinite(now) & np.isfinite(r[:, t + h])
                away.append((before - now)[is_whole])
                later.append((r[:, t + h] - now)[is_whole])
    x, y = (np.clip(np.concatenate(v), -_LARGEST, _LARGEST) for v in (away, later))
    return max(float(x @ y) / max(float(x @ x), 1e-300), 0.0)


def expected_return(unit_value: Mapping[int, float], base_years: Sequence[int]) -> float:
    """Return the change of a unit value that is expected without a restriction (logarithm).

    Parameters
    ----------
    unit_value
        World unit value of the form by year, up to the last base year.
    base_years
        Years that the change is measured from.
    """
    seen = known_unit_values().until(max(base_years))
    cycle = dict(zip(seen.years, seen.cycle, strict=True))
    level = {y: np.log(v) - cycle[y] for y, v in unit_value.items() if y in cycle}
    first = min(base_years)
    before = [level[y] for y in range(first - YEARS_BEFORE, first) if y in level]
    if not before:
        return 0.0
    away = float(np.mean(before) - np.mean([level[y] for y in base_years]))
    return share_returned(seen) * float(np.clip(away, -_LARGEST, _LARGEST))
