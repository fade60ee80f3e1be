"""What plans cost whom in the market, added up month by month for futures side by side.

The definitions are those of `lodeline.results.welfare` (costs of resources: how readily holders
sell is behaviour and no cost) and `lodeline.results.metrics`, by country; a test compares them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lodeline.network import ActivityKind, Network, RowKind
from lodeline.studies.side_by_side import Surplus

__all__ = ["Ledger", "uses_of"]

Vector = NDArray[np.float64]


class Ledger:
    """Adds up gains of countries and what their users lack.

    Parameters
    ----------
    network
        The network that is run.
    reference, margin, slope, elasticity, cap
        Of the futures, shape (future, activity).

    Attributes
    ----------
    uses
        Uses of the chain's last form, positions in the network, shape (use,).
    unmet_peak, unmet_tonnes
        Largest share of use unmet in a month and t over all months, shape (future, use).
    """

    def __init__(
        self,
        network: Network,
        reference: Vector,
        margin: Vector,
        slope: Vector,
        elasticity: Vector,
        cap: Vector,
    ) -> None:
        self._network = network
        self._surplus = Surplus(
            network, reference=reference, margin=margin, slope=slope,
            elasticity=elasticity, cap=cap,
        )  # fmt: skip
        size = len(network.countries)
        self._owner = _adder(network.origin, size)
        self._stores = network.store_rows()
        self._holder = _adder(network.row_country[self._stores], size)
        self._limits = np.flatnonzero(network.row_kind == RowKind.LIMIT)
        self.uses = uses_of(network)
        count = reference.shape[0]
        self.unmet_peak = np.zeros((count, self.uses.size))
        self.unmet_tonnes = np.zeros((count, self.uses.size))
        self._gain = np.zeros((count, size))

    def add(self, levels: Vector, prices: Vector, stocks: Vector, limits: Vector) -> None:
        """Add a month.

        Parameters
        ----------
        levels, prices
            t/month and USD/t, shapes (future, activity), (future, row).
        stocks
            Opening stocks, t, shape (future, store).
        limits
            What may pass, t/month, shape (future, limit).
        """
        network = self._network
        self._gain += self._surplus(levels, prices) @ self._owner
        self._gain += ((prices - network.row_price)[:, self._stores] * stocks) @ self._holder
        for k, row in enumerate(self._limits):
            allowed = np.where(np.isfinite(limits[:, k]), limits[:, k], 0.0)
            self._gain += (prices[:, row] * allowed)[:, None] * network.limits[k].owner_share
        normal = network.reference[self.uses]
        unmet = np.maximum(normal - levels[:, self.uses], 0.0)
        self.unmet_peak = np.maximum(self.unmet_peak, unmet / normal)
        self.unmet_tonnes += unmet

    @property
    def cost(self) -> Vector:
        """Surplus lost against the base year, USD, shape (future, country)."""
        return -self._gain


def uses_of(network: Network) -> NDArray[np.intp]:
    """Return the uses of a chain's last form, positions in the network, shape (use,)."""
    last = network.form == len(network.forms) - 1
    return np.flatnonzero((network.kind == ActivityKind.USE) & last)


def _adder(owner: NDArray[np.int16], size: int) -> sparse.csr_array:
    """Return the matrix that adds what belongs to a country, shape (owned, country)."""
    count = owner.size
    return sparse.csr_array((np.ones(count), (np.arange(count), owner)), shape=(count, size))
