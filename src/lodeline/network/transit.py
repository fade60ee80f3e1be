"""How long lanes take: whole months between leaving and arriving."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lodeline.network.network import ActivityKind, Network
from lodeline.network.sea import DAYS_A_MONTH, sea

__all__ = ["arrivals_of", "arrived", "lead_months"]

Vector = NDArray[np.float64]


def lead_months(network: Network) -> NDArray[np.intp]:
    """Return the lead time of each lane in whole months, shape (activity,); 0 for all else.

    L = ⌊days / (365/12) + ½⌋, days from door to door by the shortest way, see `Sea.days`.
    """
    names = network.countries
    out = np.zeros(network.activities, dtype=np.intp)
    for a in network.of_kind(ActivityKind.SHIP):
        out[a] = _months(names[network.origin[a]], names[network.destination[a]])
    return out


@cache
def _months(origin: str, destination: str) -> int:
    return int(sea().days(origin, destination) / DAYS_A_MONTH + 0.5)


def arrivals_of(network: Network, lead: NDArray[np.intp]) -> sparse.csc_array:
    """Return what lanes with a lead time give where they arrive, the rest of A being zero.

    Parameters
    ----------
    network
        The network.
    lead
        Lead time in months, shape (activity,).
    """
    entries = network.incidence.tocoo()
    kept = (lead[entries.col] > 0) & (entries.data > 0.0)
    return sparse.csc_array(
        (entries.data[kept], (entries.row[kept], entries.col[kept])), shape=entries.shape
    )


def arrived(departed: Vector, lead: NDArray[np.intp], *, ahead: int = 0) -> Vector:
    """Return what arrives `ahead` months from now of what has left before, t, shape (activity,).

    Parameters
    ----------
    departed
        Levels of the months before now, shape (month before, activity), the latest last; at least
        as many as the longest lead time.
    lead
        Lead time in months, shape (activity,).
    ahead
        Months from now.
    """
    since = lead - ahead  # departed that many months before now
    out = np.zeros(lead.size)
    coming = np.flatnonzero((since > 0) & (lead > 0))
    out[coming] = departed[-since[coming], coming]
    return out
