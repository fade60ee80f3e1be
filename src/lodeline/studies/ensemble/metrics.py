"""Metrics of a block of scenarios, gathered month by month so that no flows are kept.

The definitions are those of `lodeline.results.metrics` and `lodeline.results.welfare`, for arrays
over scenarios; a test compares them with the tables of a single run.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Outcome"]

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """Metrics of a block of scenarios of one chain.

    Attributes
    ----------
    use_form, use_country
        What each use is about, indices of `Network.forms` and `Network.countries`, shape (use,).
    unmet_share_peak, unmet_t_total, price_multiple_peak
        Shape (scenario, use).
    onset
        First month in which anything acts, −1: none, shape (scenario,).
    first_short, last_short
        First and last month in which unmet use exceeds the threshold, −1: never,
        shape (scenario, use).
    cost
        USD over all months, shape (scenario, form, country).
    residual, gap
        Worst certificate over the months, shape (scenario,).
    fallbacks
        Months that went to the reference solver, shape (scenario,).
    independent_residual
        Worst of the spot checks by the independent certificate.
    months
        Number of months.
    """

    use_form: NDArray[np.int16]
    use_country: NDArray[np.int16]
    unmet_share_peak: Vector
    unmet_t_total: Vector
    price_multiple_peak: Vector
    onset: NDArray[np.int16]
    first_short: NDArray[np.int16]
    last_short: NDArray[np.int16]
    cost: Vector
    residual: Vector
    gap: Vector
    fallbacks: NDArray[np.int16]
    independent_residual: float
    months: int
