"""How far numbers that are drawn move a result: two indices from one sample.

The formulas are those of the library SALib, which tests compare with; to import it takes longer
than both indices.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["first_order_shares", "pawn_medians"]

Vector = NDArray[np.float64]

_HARMONICS = 10
"""Of a factor's own frequency that count as its effect."""


def pawn_medians(u: Vector, y: Vector, slices: int) -> Vector:
    """Return the PAWN index of each factor: how far the distribution of y moves if it is known.

    The median over slices of a factor's range of max |F(y | slice) − F(y)|, 0 to 1
    (Pianosi and Wagener 2018, Environmental Modelling & Software 108, 197-207).

    Parameters
    ----------
    u
        Factors, shape (scenario, factor).
    y
        Result, shape (scenario,).
    slices
        Into how many parts, equally full, a factor's range is cut.
    """
    everything = np.sort(y)
    below = np.searchsorted(everything, everything, side="right")
    step = 1.0 / slices
    out = np.empty(u.shape[1])
    for k, drawn in enumerate(u.T):
        ends = np.nanquantile(drawn, np.arange(0.0, 1.0 + step, step))
        moved = []
        for low, high in pairwise(ends[: slices + 1]):
            own = np.sort(y[(drawn >= low) & (drawn < high)])
            if own.size:
                # In whole numbers, so that the distance is exact but for one division.
                common = int(np.lcm(own.size, y.size))
                here = np.searchsorted(own, everything, side="right") * (common // own.size)
                moved.append(np.abs(here - below * (common // y.size)).max() / common)
        out[k] = np.median(moved)
    return out


def first_order_shares(u: Vector, y: Vector) -> Vector:
    """Return the share of the variance of y that each factor explains alone, by RBD-FAST.

    y is put into the order of a factor going up and down again; what it explains is then of low
    frequency (Tissot and Prieur 2012, Reliability Engineering and System Safety 107, 205-213, with
    their correction of the bias). Below 0 by chance.

    Parameters
    ----------
    u, y
        As in `pawn_medians`.
    """
    n = y.size
    out = np.empty(u.shape[1])
    for k, drawn in enumerate(u.T):
        rising = np.argsort(drawn)
        wave = y[np.concatenate([rising[::2], rising[1::2][::-1]])]
        power = np.abs(np.fft.rfft(wave - wave.mean())) ** 2
        if n % 2 == 0:
            power[-1] *= 0.5  # the highest frequency has no twin
        out[k] = power[1 : _HARMONICS + 1].sum() / power[1:].sum()
    bias = 2.0 * _HARMONICS / n
    return out - bias / (1.0 - bias) * (1.0 - out)
