"""Flows between makers and takers of which only the totals are known.

With F the flow from maker i to taker j, s what makers make, d what takers take and Q a prior:

    minimise  Σ F ln(F / Q)      subject to  Σⱼ Fᵢⱼ = sᵢ,  Σᵢ Fᵢⱼ = dⱼ

whose solution is Q with its rows and columns scaled (iterative proportional fitting). With a flat
prior it is the fit of maximum entropy, in which everybody buys from everybody in proportion: it
erases dependence. The other end is the fit that puts each taker on as few makers as the totals
allow.

References
----------
Deming, W. E. and Stephan, F. F. (1940), On a least squares adjustment of a sampled frequency table
when the expected marginal totals are known, Annals of Mathematical Statistics 11(4), 427-444.
Kullback, S. (1959), Information Theory and Statistics, Wiley.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lodeline.errors import DataError
from lodeline.solver.curves import Vector

__all__ = ["concentrated", "cross_entropy_fit", "prior_flows", "top_share"]

Index = NDArray[np.intp]

_STEPS = 20_000
_TOLERANCE = 1e-10


def prior_flows(
    lanes: Vector, kept: Vector, own: Index, supply: Vector, *, home: float, openness: float
) -> Vector:
    """Return what is thought beforehand of who makes what each taker takes.

    Parameters
    ----------
    lanes
        Trade of the neighbouring stage, t/year, shape (maker, taker).
    kept
        What each maker keeps of the neighbouring stage, t/year, shape (maker,).
    own
        Position of each maker among the takers, shape (maker,); -1 for none.
    supply
        What makers make of the form, t/year, shape (maker,).
    home
        Least share of a country's material that it makes itself, where it makes any.
    openness
        Share of every taker's material that is spread over all makers by what they make, so that
        no pair is impossible.

    Returns
    -------
    Vector
        Shares of each taker's material, shape (maker, taker); columns add up to one.
    """
    flows = lanes * 1.0
    for i in np.flatnonzero(own >= 0):
        j = own[i]
        away = flows[:, j].sum() - flows[i, j]
        least = home / (1.0 - home) * away if away > 0.0 and home < 1.0 else float(home > 0.0)
        flows[i, j] = max(kept[i], least)
    weight = flows.sum(axis=0)
    even = supply[:, None] / supply.sum()
    shares = np.where(weight > 0.0, flows / np.where(weight > 0.0, weight, 1.0), even)
    return np.asarray((1.0 - openness) * shares + openness * even)


def cross_entropy_fit(prior: Vector, supply: Vector, demand: Vector) -> Vector:
    """Return the flows nearest to a prior that meet the totals, t/year, shape (maker, taker).

    Parameters
    ----------
    prior
        Any positive multiple of what is thought beforehand, shape (maker, taker). Zero stays zero.
    supply, demand
        Totals, t/year, shapes (maker,) and (taker,); they must add up to the same.

    Raises
    ------
    DataError
        If no flows on the lanes of the prior meet the totals.

    Examples
    --------
    >>> cross_entropy_fit(np.ones((2, 2)), np.array([3.0, 1.0]), np.array([2.0, 2.0])).tolist()
    [[1.5, 1.5], [0.5, 0.5]]
    """
    total = float(supply.sum())
    if not np.isclose(total, demand.sum(), rtol=1e-9):
        raise DataError(
            f"inferred lanes: makers make {total:.6g} t and takers take {demand.sum():.6g} t. "
            "Check the output and the absorption of the form."
        )
    flows = prior * 1.0
    for _ in range(_STEPS):
        flows *= _ratio(supply, flows.sum(axis=1))[:, None]
        taken = flows.sum(axis=0)
        if np.abs(taken - demand).max() <= _TOLERANCE * total:
            return flows
        flows *= _ratio(demand, taken)
    raise DataError(
        "inferred lanes: the lanes of the neighbouring stage cannot carry what is made and taken. "
        "Raise 'openness' of the form."
    )


def concentrated(fit: Vector, supply: Vector, demand: Vector) -> Vector:
    """Return flows that meet the totals on few lanes: the largest of a fit are filled first.

    Each taker is put on its main maker until one of the two is done. At most as many lanes are
    left as there are makers and takers: a corner of all that the totals allow.
    """
    left, wanted = supply * 1.0, demand * 1.0
    flows = np.zeros_like(fit)
    for cell in np.argsort(-fit, axis=None, kind="stable"):
        i, j = divmod(int(cell), fit.shape[1])
        amount = min(left[i], wanted[j])
        if amount > 0.0:
            flows[i, j] = amount
            left[i] -= amount
            wanted[j] -= amount
    return flows


def top_share(flows: Vector) -> float:
    """Return the share of each taker's main maker, weighted by what takers take, 0 to 1."""
    return float(flows.max(axis=0).sum() / flows.sum())


def _ratio(wanted: Vector, there: Vector) -> Vector:
    return np.asarray(np.where(there > 0.0, wanted / np.where(there > 0.0, there, 1.0), 0.0))
