"""Metrics of closures side by side, gathered month by month so that no flows are kept.

The definitions are those of `lodeline.results.metrics` and `lodeline.results.welfare`, for arrays
over closures of one network without layers and limits; a test compares them with single runs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lodeline.network import ActivityKind, Network
from lodeline.network.network import PRICE_CAP
from lodeline.results.metrics import UNMET_THRESHOLD
from lodeline.solver.compiled import BatchResult
from lodeline.studies.ensemble.metrics import Outcome
from lodeline.studies.side_by_side import Surplus

__all__ = ["Books"]

Vector = NDArray[np.float64]


class Books:
    """Gathers the metrics of some closures.

    Parameters
    ----------
    network
        Calibrated, without layers and limits.
    acts
        Whether anything is closed at all, shape (closure,).
    """

    def __init__(self, network: Network, acts: NDArray[np.bool_]) -> None:
        self._network, self._acts = network, acts
        self._surplus = Surplus.of_network(network, acts.size)
        self._uses = network.of_kind(ActivityKind.USE)
        self._rows = network.incidence.indices[network.incidence.indptr[self._uses]]
        self._stores = network.of_kind(ActivityKind.STORE)
        # An exporter owns its lanes; everything else belongs to the country where it happens.
        countries = len(network.countries)
        owner = network.form.astype(np.intp) * countries + network.origin
        self._owned = np.zeros((owner.size, len(network.forms) * countries))
        self._owned[np.arange(owner.size), owner] = 1.0
        shape = (acts.size, self._uses.size)
        self._peak, self._total, self._price = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self._first = np.full(shape, -1, dtype=np.int16)
        self._last = np.full(shape, -1, dtype=np.int16)
        self._gain = np.zeros((acts.size, self._owned.shape[1]))
        self._residual, self._gap = np.zeros(acts.size), np.zeros(acts.size)
        self._fallbacks = np.zeros(acts.size, dtype=np.int16)
        self._independent = 0.0
        self._month = 0

    def add(self, result: BatchResult, stocks: Vector, independent: float | None) -> None:
        """Add a month.

        Parameters
        ----------
        result
            Levels, prices and certificates.
        stocks
            Opening stocks, t, shape (closure, store).
        independent
            Residual of the independent certificate, if it was asked.
        """
        network = self._network
        reference = network.reference[self._uses]
        unmet = np.maximum(reference - result.levels[:, self._uses], 0.0)
        share = unmet / reference
        np.maximum(self._peak, share, out=self._peak)
        self._total += unmet
        multiple = result.prices[:, self._rows] / network.row_price[self._rows]
        np.maximum(self._price, np.minimum(multiple, PRICE_CAP), out=self._price)
        short = share > UNMET_THRESHOLD
        self._first[short & (self._first < 0)] = self._month
        self._last[short] = self._month
        surplus = self._surplus(result.levels, result.prices)
        moved = (result.prices - network.row_price)[:, network.store_rows()]
        surplus[:, self._stores] += moved * stocks
        self._gain += surplus @ self._owned
        np.maximum(self._residual, result.residual, out=self._residual)
        np.maximum(self._gap, result.gap, out=self._gap)
        self._fallbacks += result.is_fallback
        self._independent = max(self._independent, independent or 0.0)
        self._month += 1

    def outcome(self) -> Outcome:
        """Return what was gathered."""
        network = self._network
        return Outcome(
            use_form=network.form[self._uses],
            use_country=network.origin[self._uses],
            unmet_share_peak=self._peak,
            unmet_t_total=self._total,
            price_multiple_peak=self._price,
            onset=np.where(self._acts, 0, -1).astype(np.int16),
            first_short=self._first,
            last_short=self._last,
            cost=-self._gain.reshape(-1, len(network.forms), len(network.countries)),
            residual=self._residual,
            gap=self._gap,
            fallbacks=self._fallbacks,
            independent_residual=self._independent,
            months=self._month,
        )
