"""Runs of one network side by side: what a month leaves to the next, and what activities earn.

The rules are those of `lodeline.studies.window` and `lodeline.results.welfare`, for arrays over
runs; tests compare them with single runs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lodeline.network import ActivityKind, Network
from lodeline.solver.curves import CurveKind, Curves

__all__ = ["Surplus", "highest_levels"]

Vector = NDArray[np.float64]


def highest_levels(
    network: Network,
    capacity: Vector,
    before: Vector,
    *,
    growth: float | Vector,
    growth_base: Vector,
    rebuilt: Vector,
) -> Vector:
    """Return what may run in a month: capacity, growth of lanes, room of stores.

    Lanes: u = (1 + g) x₋₁ + base; stores: u = s₋₁ + what may be added in a month.

    Parameters
    ----------
    network
        Whose lanes and stores they are.
    capacity
        Upper bounds of everything else, t/month, shape (run, activity).
    before
        Levels of the month before, t/month (stores: t), shape (run, activity).
    growth
        g, 1/month, one for all or shape (run, 1).
    growth_base
        What a lane may add to that, t/month, shape (run, lane) or (lane,).
    rebuilt
        What may be stored in a month, t, shape (run, store) or (store,).
    """
    upper = capacity.copy()
    lanes, stores = network.of_kind(ActivityKind.SHIP), network.of_kind(ActivityKind.STORE)
    upper[:, lanes] = (1.0 + growth) * before[:, lanes] + growth_base
    upper[:, stores] = before[:, stores] + rebuilt
    return upper


class Surplus:
    """S = (q − m) x − ψ(x) of every activity; ψ of stores is behaviour and no cost.

    Parameters
    ----------
    network
        Network that is run.
    reference, margin, slope, elasticity, cap
        Of the runs, shape (run, activity).
    """

    def __init__(
        self,
        network: Network,
        *,
        reference: Vector,
        margin: Vector,
        slope: Vector,
        elasticity: Vector,
        cap: Vector,
    ) -> None:
        self._network, self._reference, self._margin = network, reference, margin
        self._slope = np.where(network.kind == ActivityKind.STORE, 0.0, slope)
        self._bent = np.flatnonzero(network.curve != CurveKind.LINEAR)
        self._curves = self._bent_curves(elasticity, cap)

    @classmethod
    def of_network(cls, network: Network, runs: int) -> Surplus:
        """Return the surplus of runs that share the curves of a network."""

        def each(values: Vector) -> Vector:
            return np.broadcast_to(values, (runs, values.size))

        return cls(
            network,
            reference=each(network.reference),
            margin=each(network.margin),
            slope=each(network.slope),
            elasticity=each(network.elasticity),
            cap=each(network.cap),
        )

    def __call__(self, levels: Vector, prices: Vector) -> Vector:
        """Return the surplus of a month, USD, shape (run, activity).

        Parameters
        ----------
        levels, prices
            t/month and USD/t, shapes (run, activity), (run, row).
        """
        q = (self._network.incidence.T @ prices.T).T
        cost = 0.5 * self._slope * (levels - self._reference) ** 2
        bent = self._curves.adjustment(levels[:, self._bent].ravel())
        cost[:, self._bent] = bent.reshape(levels.shape[0], -1)
        return np.asarray((q - self._margin) * levels - cost)

    def _bent_curves(self, elasticity: Vector, cap: Vector) -> Curves:
        """Return the bent curves of all runs as one long list."""
        network, bent, count = self._network, self._bent, len(self._reference)
        size = count * bent.size
        return Curves(
            kind=np.tile(network.curve[bent], count).astype(np.int8),
            reference=self._reference[:, bent].ravel(),
            margin=np.zeros(size),
            slope=np.ones(size),
            price=np.tile(network.price[bent], count),
            elasticity=elasticity[:, bent].ravel(),
            cap=cap[:, bent].ravel(),
            lower=np.zeros(size),
            upper=np.full(size, np.inf),
        )
