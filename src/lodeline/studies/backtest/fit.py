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

from lodeline.network.form_type import FormType
from lodeline.results.backtest import Estimate
from lodeline.scenarios.episode import Instrument
from lodeline.studies.backtest.case import Case, Scored, compliance, is_same_event
from lodeline.studies.backtest.parameters import PARAMETERS, Parameters

__all__ = [
    "OTHER_KINDS",
    "PRICE_SCALE",
    "estimates",
    "expected_compliance",
    "others",
    "weights_for",
    "weights_of",
]

Vector = NDArray[np.float64]

PRICE_SCALE = 0.5
"""Scale of what moves a unit value beside the restriction (logarithm). Assumed: a little above the
mean absolute change of the library's unit values against the median code, 0.3."""
OTHER_KINDS = 0.5
"""How much an episode of another kind of material teaches, against one of the same kind."""
OTHER_INSTRUMENTS = 0.5
"""How much an announcement of another instrument teaches on compliance, against one of the same."""


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
    return weights_of(kind, [(s.case.kind, s.errors, s.price_errors) for s in training])


def weights_of(
    kind: FormType,
    scores: Sequence[tuple[FormType, Vector, Vector]],
    counts: Sequence[float] | None = None,
) -> Vector:
    """Return the same from scores: kind, errors of volumes and of prices, each of shape (set,).

    `counts` says for how many episodes each one counts; default one each.
    """
    if not scores:
        raise ValueError("no episode to learn from")
    loss = np.zeros_like(scores[0][1])
    for (own, errors, price_errors), count in zip(
        scores, counts or [1.0] * len(scores), strict=True
    ):
        share = count * (1.0 if own is kind else OTHER_KINDS)
        loss += share * np.log(np.maximum(errors, 1e-12))
        loss += share * price_errors / PRICE_SCALE
    weight = np.exp(loss.min() - loss)
    return np.asarray(weight / weight.sum())


def expected_compliance(instrument: Instrument, training: Sequence[Case]) -> float:
    """Return the share of an announced loss that came true in the training episodes.

    The median, because most announcements come true nearly whole or not at all; episodes with
    another instrument count half. All of it (1) where nothing is known.
    """
    known = [(c.episode.instrument, compliance(c)) for c in training]
    found = [(v, 1.0 if i is instrument else OTHER_INSTRUMENTS) for i, v in known if v is not None]
    if not found:
        return 1.0
    value, weight = np.array(found).T
    return _quantiles(value, weight / weight.sum(), (0.5,))[0]


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
            low, high = _quantiles(value, weight, (0.1, 0.9))
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


def _quantiles(value: Vector, weight: Vector, places: Sequence[float]) -> tuple[float, ...]:
    """Return weighted quantiles: each is one of the values."""
    order = np.argsort(value)
    at = np.searchsorted(np.cumsum(weight[order]), places)
    return tuple(float(v) for v in value[order][np.minimum(at, value.size - 1)])
