"""Three forecasts that need no model: what the market's forecast has to beat.

All three get what the model gets: the base years, the history before them, who is a target, and
what the restricting countries export.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from lodeline.studies.backtest.history import History
from lodeline.studies.backtest.market import Forecast, deliveries

__all__ = ["Rival", "line_exports", "rival_forecast", "standing_still"]

Vector = NDArray[np.float64]


class Rival(StrEnum):
    """A forecast without a model."""

    NO_SUBSTITUTION = "no_substitution"
    """Nothing is replaced: others sell what they sold, buyers lose what they lose."""
    FULL_SUBSTITUTION = "full_substitution"
    """Everything is replaced: others sell more in proportion, buyers get what they got."""
    TREND = "trend"
    """The straight line through the years before goes on."""


def rival_forecast(rival: Rival, history: History, exports: Vector, *, year: int) -> Forecast:
    """Return a rival's forecast of a year.

    Parameters
    ----------
    rival
        Which one.
    history
        Trade up to the last base year.
    exports
        Exports of the restricting countries, t/year, shape (partner,).
    year
        Calendar year to tell.
    """
    if rival is Rival.NO_SUBSTITUTION:
        return _unmoved(history, history.base, exports)
    restricting, weight = history.is_restricting, history.exposure
    came = history.base[restricting].sum(axis=0)
    delivered = deliveries(history, exports)
    comes = delivered.sum(axis=0)
    others = np.where(restricting[:, None], 0.0, history.base)
    if rival is Rival.FULL_SUBSTITUTION:
        sold, exposed = others.sum(axis=1), others @ weight
        sold = sold * _raised(sold, came - comes)
        exposed = exposed * _raised(exposed, (came - comes) * weight)
        bought = np.maximum(others.sum(axis=0) + came - comes, 0.0)
    else:
        past = np.where(restricting[:, None], 0.0, history.flows)
        sold = _line(history, past.sum(axis=2), year)
        exposed = _line(history, past @ weight, year)
        bought = _line(history, past.sum(axis=1), year)
    return Forecast(
        exports=(sold + delivered.sum(axis=1))[None],
        exposed=(exposed + delivered @ weight)[None],
        imports=(bought + comes)[None],
        restricted=comes[None],
        log_price=np.full(1, np.nan),
        is_solved=np.ones(1, dtype=np.bool_),
    )


def standing_still(history: History, exports: Vector) -> Forecast:
    """Return the market's own reference with nothing replaced: what the market adds is the rest.

    Not a rival to choose from, because it shares half of the forecast.
    """
    return _unmoved(history, history.reference, exports)


def _unmoved(history: History, level: Vector, exports: Vector) -> Forecast:
    """Return others' flows as they were, and what the restricting countries deliver."""
    delivered = deliveries(history, exports)
    flows = np.where(history.is_restricting[:, None], delivered, level)
    return Forecast(
        exports=flows.sum(axis=1)[None],
        exposed=(flows @ history.exposure)[None],
        imports=flows.sum(axis=0)[None],
        restricted=delivered.sum(axis=0)[None],
        log_price=np.full(1, np.nan),
        is_solved=np.ones(1, dtype=np.bool_),
    )


def _raised(sold: Vector, lost: Vector) -> float:
    """Return the factor by which all sell more (or less) to make good what is lost."""
    return max(1.0 + float(lost.sum()) / max(float(sold.sum()), 1e-300), 0.0)


def line_exports(history: History, year: int) -> Vector:
    """Return the restricting countries' exports if nothing happened and the line went on."""
    line = _line(history, history.flows.sum(axis=2), year)
    return np.where(history.is_restricting, line, 0.0)


def _line(history: History, totals: Vector, year: int) -> Vector:
    """Return the least-squares line over the years seen at `year`, at least zero, (partner,)."""
    x = np.array(history.years, dtype=float)
    x -= x.mean()
    mean = totals.mean(axis=0)
    slope = x @ (totals - mean) / max(float(x @ x), 1e-300)
    return np.asarray(np.maximum(mean + slope * (year - np.mean(history.years)), 0.0))
