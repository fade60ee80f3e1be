"""80 % intervals of forecasts, from how far forecasts of other events were off.

A residual is the logarithm of what happened over what was told, both with 1 % of world trade
added, so that small flows do not count as booms. The interval of a country holds the middle 80 %
of the residuals of the other events, on the same side of trade (split conformal prediction: Vovk,
Gammerman and Shafer 2005). It knows nothing of the episode itself: intervals are as wide for a
small stop as for a large one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lodeline.studies.backtest.case import Case
from lodeline.studies.backtest.market import Forecast

__all__ = ["SIDES", "Residual", "country_rows", "quantiles", "residuals"]

Vector = NDArray[np.float64]

SIDES = ("exporter", "importer")
_ADDED = 0.01
_WORTH_TELLING = 0.01
"""Share of world trade, told or before, from which a country is shown and counted."""
_TAILS = (0.1, 0.9)


@dataclass(frozen=True)
class Residual:
    """Residuals of one case by side of trade."""

    case: Case
    values: tuple[Vector, Vector]


def residuals(case: Case, forecasts: Sequence[Forecast]) -> Residual:
    """Return how far the forecasts of a case were off, all years together."""
    found: tuple[list[Vector], list[Vector]] = ([], [])
    for year, forecast in enumerate(forecasts):
        for side, (told, came, shown) in enumerate(_sides(case, year, forecast)):
            added = _ADDED * case.history.world
            found[side].append(np.log((came + added) / (told + added))[shown])
    return Residual(case, (np.concatenate(found[0]), np.concatenate(found[1])))


def quantiles(training: Sequence[Residual]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the 10 and 90 % quantiles of residuals by side; each event weighs as it has rows."""
    out = []
    for side in range(len(SIDES)):
        values = np.concatenate([r.values[side] for r in training])
        low, high = np.quantile(values, _TAILS)
        out.append((float(low), float(high)))
    return out[0], out[1]


def country_rows(
    case: Case,
    track: str,
    forecasts: Sequence[Forecast],
    spread: tuple[tuple[float, float], tuple[float, float]] | None,
) -> pl.DataFrame:
    """Return told and happened by country, t/year; see `BacktestResult.countries`."""
    added = _ADDED * case.history.world
    base = case.history.base.sum(axis=1), case.history.base.sum(axis=0)
    parts = []
    for year, forecast in enumerate(forecasts):
        for side, (told, came, shown) in enumerate(_sides(case, year, forecast)):
            low = high = np.full(told.size, np.nan)
            if spread is not None:
                low, high = (
                    np.maximum((told + added) * np.exp(q) - added, 0.0) for q in spread[side]
                )
            chosen = np.flatnonzero(shown)
            parts.append(
                pl.DataFrame(
                    {
                        "episode": [case.episode.id] * chosen.size,
                        "track": [track] * chosen.size,
                        "year": [case.outcomes[year].year] * chosen.size,
                        "side": [SIDES[side]] * chosen.size,
                        "country": [case.history.partners[i] for i in chosen],
                        "base_t": base[side][chosen],
                        "told_t": told[chosen],
                        "low_t": low[chosen],
                        "high_t": high[chosen],
                        "happened_t": came[chosen],
                    }
                )
            )
    return pl.concat(parts).with_columns(pl.col("low_t", "high_t").fill_nan(None))


def _sides(
    case: Case, year: int, forecast: Forecast
) -> tuple[tuple[Vector, Vector, NDArray[np.bool_]], ...]:
    """Return told, happened and whether it is shown, by side: other exporters, importers."""
    history, flows = case.history, case.outcomes[year].flows
    least = _WORTH_TELLING * history.world
    others = ~history.is_restricting
    sold, bought = history.base.sum(axis=1), history.base.sum(axis=0)
    exports, imports = forecast.exports[0], forecast.imports[0]
    return (
        (exports, flows.sum(axis=1), others & (np.maximum(exports, sold) >= least)),
        (imports, flows.sum(axis=0), others & (np.maximum(imports, bought) >= least)),
    )
