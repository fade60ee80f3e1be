"""Which parameters the other episodes speak for.

Candidates are spread evenly over the ranges of `PARAMETERS` once; every episode is run with all of
them. A set's weight is the likelihood of the training episodes, each counting as one observation of
volumes (Laplace errors of unknown scale: one over the error) and one of the unit value (Laplace
errors of the logarithm with scale `PRICE_SCALE`). Forecasts are
means over the sets with these weights, so that what the episodes cannot tell apart stays open.
Because the runs are there, leaving an episode out costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lodeline.results.backtest import Estimate
from lodeline.scenarios.episode import FormType, Instrument
from lodeline.studies.backtest.case import Case, Scored, compliance, is_same_event
from lodeline.studies.backtest.parameters import PARAMETERS, Parameters

__all__ = [
    "OTHER_KINDS",
    "PRICE_SCALE",
    "estimates",
    "expected_compliance",
    "others",
    "weights_for",
]

Vector = NDArray[np.float64]

PRICE_SCALE = 0.5
"""Scale of what moves a unit value beside the restriction (logarithm). Assumed: a little above the
mean absolute change of the library's unit values against the median code, 0.3."""
OTHER_KINDS = 0.5
"""How much an episode of another kind of material teaches, against one of the same kind."""
_PRIOR_EPISODES = 2.0
"""How many episodes the mean over all instruments counts as, in the mean of one instrument."""
_COMPLIANCE_RANGE = (-0.5, 1.5)
"""A single episode's compliance is cut to this: one wild year should not rule."""


def weights_for(kind: FormType, training: Sequence[Scored]) -> Vector:
    """Return the weights of the sets for a kind of material, shape (set,), summing to one.

    Parameters
    ----------
    kind
        Kind of the material to forecast.
    training
        Episodes to learn from.

    Raises
    ------
    ValueError
        If there is nothing to learn from.
    """
    if not training:
        raise ValueError("no episode to learn from")
    loss = np.zeros_like(training[0].errors)
    for scored in training:
        share = 1.0 if scored.case.kind is kind else OTHER_KINDS
        loss += share * np.log(np.maximum(scored.errors, 1e-12))
        loss += share * scored.price_errors / PRICE_SCALE
    weight = np.exp(loss.min() - loss)
    return np.asarray(weight / weight.sum())


def expected_compliance(instrument: Instrument, training: Sequence[Case]) -> float:
    """Return the share of an announced loss that came true in the training episodes.

    The mean over episodes with the instrument, drawn to the mean over all.
    """
    known = [(c.episode.instrument, compliance(c)) for c in training]
    values = [(i, float(np.clip(v, *_COMPLIANCE_RANGE))) for i, v in known if v is not None]
    if not values:
        return 1.0
    overall = float(np.mean([v for _, v in values]))
    own = [v for i, v in values if i is instrument]
    return (sum(own) + _PRIOR_EPISODES * overall) / (len(own) + _PRIOR_EPISODES)


def others(case: Case, training: Sequence[Scored]) -> list[Scored]:
    """Return the episodes that may teach a case: all but its own event."""
    return [s for s in training if not is_same_event(case, s.case)]


def estimates(
    parameters: Parameters, training: Sequence[Scored], kinds: Sequence[FormType]
) -> tuple[Estimate, ...]:
    """Return every parameter for each kind of material, with its 80 % range."""
    out = []
    for kind in kinds:
        weight = weights_for(kind, training)
        for parameter in PARAMETERS:
            value = getattr(parameters, parameter.name)
            scale = np.log(value) if parameter.is_relative else value
            mean = float(weight @ scale)
            low, high = _quantiles(value, weight)
            middle = float(np.exp(mean)) if parameter.is_relative else mean
            out.append(
                Estimate(
                    name=parameter.name,
                    unit=parameter.unit,
                    meaning=parameter.meaning,
                    kind=str(kind),
                    value=middle,
                    low=low,
                    high=high,
                    prior_low=parameter.low,
                    prior_high=parameter.high,
                )
            )
    return tuple(out)


def _quantiles(value: Vector, weight: Vector) -> tuple[float, float]:
    """Return the weighted 10 and 90 % quantiles."""
    order = np.argsort(value)
    total = np.cumsum(weight[order])
    places = np.searchsorted(total, [0.1, 0.9])
    low, high = value[order][np.minimum(places, value.size - 1)]
    return float(low), float(high)
