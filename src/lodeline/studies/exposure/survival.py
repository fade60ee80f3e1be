"""Time to survive and performance impact of a supply network, as linear programs.

With activities x over a time t, capacities c, stocks s, demands d worth f a unit:

    PI  = min Σ f_j l_j      TTS = max t        subject to
          A x + s ≥ 0                           what is taken was there or came in
          0 ≤ x ≤ c t,  x = 0 where disrupted   capacities over the time
          x_j + l_j = d_j t                     demand is met or lost (TTS: l = 0)

for one disruption at a time, t = TTR for PI. All quantities are totals over the time, as in the
source: within it anything may come first.

Source: Simchi-Levi, Schmidt and Wei (2014), Harvard Business Review 92(1-2), 96-101; Simchi-Levi
and others (2015), Interfaces 45(5), 375-390.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from lodeline.errors import MachineError

__all__ = ["HORIZON", "SupplyNetwork", "performance_impact", "time_to_survive"]

Vector = NDArray[np.float64]

HORIZON = 120.0
"""Times to survive above this are no longer told apart."""
_SOLVED = 0
_ROUNDING = 1e-9
"""Part of a demand below which its loss is rounding."""


@dataclass(frozen=True)
class SupplyNetwork:
    """What somebody can draw on, and what has to be met.

    Attributes
    ----------
    incidence
        A, shape (row, activity): −1 or −recipe where an activity takes, + where it gives.
    stock
        s at the start, shape (row,).
    capacity
        c a unit of time, shape (activity,); of demands their d.
    demand
        Positions of the activities that are demands, shape (demand,).
    value
        f a unit of lost demand, shape (demand,).
    """

    incidence: sparse.csc_array
    stock: Vector
    capacity: Vector
    demand: NDArray[np.intp]
    value: Vector


def performance_impact(
    network: SupplyNetwork, disrupted: NDArray[np.intp], duration: float
) -> Vector:
    """Return lost demand at the least loss of value, shape (demand,).

    The impact is its product with `value`; who loses it is not always unique, the value is.

    Parameters
    ----------
    network
        What can be drawn on.
    disrupted
        Activities that stop.
    duration
        Time to recover, in the unit of the capacities.
    """
    upper = network.capacity * duration
    upper[disrupted] = 0.0
    # Losing the least value is meeting the most.
    cost = np.zeros(upper.size)
    cost[network.demand] = -network.value
    scale = _scale(upper[network.demand])
    done = linprog(
        cost / max(float(network.value.max()), 1e-300),
        A_ub=-network.incidence,
        b_ub=network.stock / scale,
        bounds=np.column_stack([np.zeros(upper.size), upper / scale]),
        method="highs",
    )
    _check(done.status, done.message)
    asked = upper[network.demand]
    lost = asked - np.asarray(done.x)[network.demand] * scale
    return np.where(lost > _ROUNDING * asked, lost, 0.0)


def time_to_survive(network: SupplyNetwork, disrupted: NDArray[np.intp]) -> float:
    """Return how long all demand is met, at most `HORIZON`; in the unit of the capacities."""
    size = network.capacity.size
    free = np.setdiff1d(np.arange(size), np.concatenate([network.demand, disrupted]))
    free = free[np.isfinite(network.capacity[free])]
    scale = _scale(network.capacity[network.demand])
    column = np.zeros((network.incidence.shape[0], 1))
    over_time = sparse.csr_array(
        (np.ones(free.size), (np.arange(free.size), free)), shape=(free.size, size)
    )
    capacity = sparse.csr_array(-network.capacity[free][:, None] / scale)
    met = sparse.csr_array(
        (np.ones(network.demand.size), (np.arange(network.demand.size), network.demand)),
        shape=(network.demand.size, size),
    )
    rate = sparse.csr_array(-network.capacity[network.demand][:, None] / scale)
    upper = np.full(size + 1, np.inf)
    upper[disrupted] = 0.0
    upper[size] = HORIZON
    cost = np.zeros(size + 1)
    cost[size] = -1.0
    done = linprog(
        cost,
        A_ub=sparse.vstack([
            sparse.hstack([-network.incidence, column]), sparse.hstack([over_time, capacity])
        ]),
        b_ub=np.concatenate([network.stock / scale, np.zeros(free.size)]),
        A_eq=sparse.hstack([met, rate]),
        b_eq=np.zeros(network.demand.size),
        bounds=np.column_stack([np.zeros(size + 1), upper]),
        method="highs",
    )  # fmt: skip
    _check(done.status, done.message)
    return float(done.x[size])


def _scale(demand: Vector) -> float:
    """Return a size of flows, so that the solver sees numbers near one."""
    return max(float(demand.max(initial=0.0)), 1e-300)


def _check(status: int, message: str) -> None:
    if status != _SOLVED:
        raise MachineError(
            f"a linear program was not solved ({message}). Please report country, material and "
            "year as a defect."
        )
