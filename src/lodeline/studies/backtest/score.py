"""How far a forecast is from what happened, in tonnes that went another way.

A buyer counts by its exposure: the share of its imports that came from the restricting countries. A
buyer that took nothing from them counts nothing. Errors are divided by what the restricting
countries sold before, so 1 means: as many tonnes astray as were at stake. The same errors over all
countries alike, divided by world trade, are reported beside them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lodeline.studies.backtest.history import History, Outcome
from lodeline.studies.backtest.market import Forecast

__all__ = ["MEASURES", "bootstrap", "errors_of_all", "exposed_errors", "geometric"]

Vector = NDArray[np.float64]

_RESAMPLES = 4000

MEASURES = ("exporters", "replacement", "supply")
"""What is scored: what each exporter sells to the buyers hit, what each of them replaces from
others, and what each gets in all."""


def exposed_errors(
    forecast: Forecast, outcome: Outcome, history: History, *, with_restricting: bool
) -> Vector:
    """Return the absolute errors of a year, weighted by exposure, over what was at stake.

    A replacement is a change against the base, which drops out of the difference of two changes:
    levels are compared.

    Parameters
    ----------
    forecast, outcome, history
        What was told, what happened, and the base.
    with_restricting
        Whether exports of the restricting countries are scored too, as where they are foretold.

    Returns
    -------
    Vector
        Shape (set, measure), measures in the order of `MEASURES`.
    """
    weight = history.exposure
    stake = float((history.base.sum(axis=0) * weight).sum())
    told = forecast.exposed, forecast.imports, forecast.restricted
    is_scored = np.ones_like(history.is_restricting) if with_restricting else _others(history)
    happened = outcome.flows @ weight
    return _errors(told, happened, outcome, history, is_scored, weight) / stake


def errors_of_all(
    forecast: Forecast, outcome: Outcome, history: History, *, with_restricting: bool
) -> Vector:
    """Return the same with every buyer counted fully, over world trade of the base years."""
    told = forecast.exports, forecast.imports, forecast.restricted
    is_scored = np.ones_like(history.is_restricting) if with_restricting else _others(history)
    weight = np.ones(len(history.partners))
    happened = outcome.flows.sum(axis=1)
    return _errors(told, happened, outcome, history, is_scored, weight) / history.world


def _others(history: History) -> NDArray[np.bool_]:
    return ~history.is_restricting


def _errors(
    told: tuple[Vector, Vector, Vector],
    sold: Vector,
    outcome: Outcome,
    history: History,
    is_scored: NDArray[np.bool_],
    weight: Vector,
) -> Vector:
    """Return sums of absolute errors by measure, t/year, shape (set, measure)."""
    exports, imports, restricted = told
    came = outcome.flows[history.is_restricting].sum(axis=0)
    bought = outcome.flows.sum(axis=0)
    return np.stack(
        [
            np.abs(exports - sold)[:, is_scored].sum(axis=1),
            np.abs((imports - restricted) - (bought - came)) @ weight,
            np.abs(imports - bought) @ weight,
        ],
        axis=1,
    )


def geometric(values: Sequence[float]) -> float:
    """Return the geometric mean."""
    return float(np.exp(np.mean(np.log(values))))


def bootstrap(logs: Vector, seed: int) -> tuple[float, float]:
    """Return the 95 % interval of the geometric mean over episodes, drawn with replacement.

    Parameters
    ----------
    logs
        Logarithm of each episode's error over its rival's.
    seed
        Fixes the draws.
    """
    generator = np.random.default_rng(seed)
    draws = generator.integers(0, logs.size, size=(_RESAMPLES, logs.size))
    low, high = np.quantile(np.exp(logs[draws].mean(axis=1)), [0.025, 0.975])
    return float(low), float(high)
