"""The two loops of an ensemble that run over every activity of every scenario, compiled.

They do what `lodeline.studies.market` and `lodeline.results.welfare` say for one scenario; arrays
are gone over once, where numpy would go over them a dozen times. Sums run in the order of the
activities, so results do not depend on the machine's vector width.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["add_surplus", "fill_upper"]

Vector = NDArray[np.float64]
Positions = NDArray[np.intp]


@njit(cache=True)
def fill_upper(
    out: Vector,
    capacity: Vector,
    levels: Vector,
    lanes: Positions,
    growth: Vector,
    growth_base: Vector,
    stores: Positions,
    rebuild: Vector,
    normal: Vector,
) -> None:
    """Fill the upper bounds of a month: capacity, growth limits of lanes, room of stores.

    Parameters
    ----------
    out, capacity, levels, normal
        t/month (stores: t), shape (scenario, activity): the result, what does not depend on the
        month before, what ran in the month before, and the reference.
    lanes, stores
        Positions of lanes and stores.
    growth, rebuild
        Shape (scenario,).
    growth_base
        t/month, shape (scenario, lane).
    """
    for i in range(out.shape[0]):
        for a in range(out.shape[1]):
            out[i, a] = capacity[i, a]
        factor = 1.0 + growth[i]
        for k in range(lanes.size):
            out[i, lanes[k]] = factor * levels[i, lanes[k]] + growth_base[i, k]
        for k in range(stores.size):
            a = stores[k]
            out[i, a] = levels[i, a] + rebuild[i] * normal[i, a]


@njit(cache=True)
def add_surplus(
    gain: Vector,
    prices: Vector,
    levels: Vector,
    margin: Vector,
    reference: Vector,
    slope: Vector,
    is_bent: NDArray[np.bool_],
    adjustment: Vector,
    start: NDArray[np.int32],
    row: NDArray[np.int32],
    amount: Vector,
    owner: Positions,
) -> None:
    """Add the surplus ``(q − m) x − ψ(x)`` of every activity to its owner.

    Parameters
    ----------
    gain
        USD, shape (scenario, owner): added to.
    prices
        USD/t, shape (scenario, row).
    levels, margin, reference, slope
        Shape (scenario, activity); ψ of straight curves is ``½ h (x − x̄)²``.
    is_bent, adjustment
        Which curves are not straight, shape (activity,), and their ψ in the order of the
        activities, USD, shape (scenario, bent).
    start, row, amount
        A by columns.
    owner
        Shape (activity,).
    """
    for i in range(levels.shape[0]):
        b = 0
        for a in range(levels.shape[1]):
            q = 0.0
            for e in range(start[a], start[a + 1]):
                q += amount[e] * prices[i, row[e]]
            x = levels[i, a]
            if is_bent[a]:
                psi = adjustment[i, b]
                b += 1
            else:
                moved = x - reference[i, a]
                psi = 0.5 * slope[i, a] * moved * moved
            gain[i, owner[a]] += (q - margin[i, a]) * x - psi
