"""The behaviour that the fit may choose, one table: name, range, meaning.

A year of the backtest is a long time: these are annual responses, larger than the monthly ones of
a stress test. Names are those of a chain's behaviour where the meaning is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

__all__ = ["PARAMETERS", "ParameterRange", "Parameters", "candidates"]

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class ParameterRange:
    """Where the fit looks for a parameter.

    Attributes
    ----------
    name, meaning, unit
        Field of `Parameters`, and what it says.
    low, high
        Ends of the range.
    is_relative
        True where candidates are spread evenly over the logarithm.
    """

    name: str
    low: float
    high: float
    is_relative: bool
    unit: str
    meaning: str


PARAMETERS = (
    ParameterRange("trade_elasticity", 1.0, 30.0, True, "1",
                   "Relative rise of a lane per relative rise of the margin over it"),
    ParameterRange("supply_elasticity", 0.1, 10.0, True, "1",
                   "Relative rise of other exporters' supply per relative rise of the price"),
    ParameterRange("surge", 0.01, 0.5, True, "1/year",
                   "Supply that others can add in a year, as a share of what they exported"),
    ParameterRange("demand_elasticity", 0.1, 4.0, True, "1",
                   "Relative fall of use per relative rise of the price in the first year"),
    ParameterRange("demand_delay", 0.0, 1.0, False, "1",
                   "Exponent by which the demand elasticity grows with the years since the start"),
    ParameterRange("lane_growth", 0.1, 10.0, True, "1/year",
                   "Growth of a lane in a year at most, as a share of its largest flow before"),
    ParameterRange("stickiness", 0.0, 1.0, False, "1",
                   "1 less the weight of flows of earlier years in the scale of an unused lane"),
    ParameterRange("trend", 0.0, 0.6, False, "1",
                   "Share of the growth of world trade before the start that goes on after it"),
    ParameterRange("re_export", 0.0, 0.9, False, "1",
                   "Share of what a country both buys and sells that it passes on"),
)  # fmt: skip
"""Everything that the fit chooses."""


@dataclass(frozen=True)
class Parameters:
    """Sets of parameters, one array each, shape (set,). See `PARAMETERS` for their meaning."""

    trade_elasticity: Vector
    supply_elasticity: Vector
    surge: Vector
    demand_elasticity: Vector
    demand_delay: Vector
    lane_growth: Vector
    stickiness: Vector
    trend: Vector
    re_export: Vector

    @property
    def size(self) -> int:
        """Number of sets."""
        return int(self.surge.size)

    def take(self, chosen: NDArray[np.intp]) -> Self:
        """Return some of the sets."""
        return type(self)(*(getattr(self, f.name)[chosen] for f in fields(self)))


def candidates(count: int, *, seed: int = 0) -> Parameters:
    """Return sets spread evenly over the ranges (a scrambled Sobol sequence).

    Parameters
    ----------
    count
        Number of sets; a power of two keeps the sequence balanced.
    seed
        Fixes the scrambling.
    """
    sampler = qmc.Sobol(len(PARAMETERS), scramble=True, rng=np.random.default_rng(seed))
    unit = sampler.random(count)
    columns = []
    for place, parameter in zip(unit.T, PARAMETERS, strict=True):
        low, high = parameter.low, parameter.high
        if parameter.is_relative:
            columns.append(low * (high / low) ** place)
        else:
            columns.append(low + (high - low) * place)
    return Parameters(*columns)
