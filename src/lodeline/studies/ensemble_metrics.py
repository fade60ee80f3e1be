"""Metrics of a block of scenarios, gathered month by month so that no flows are kept.

The definitions are those of `lodeline.results.metrics` and `lodeline.results.welfare`, for arrays
over scenarios; a test compares them with the tables of a single run.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lodeline.network import ActivityKind, Network, RowKind
from lodeline.network.network import PRICE_CAP
from lodeline.results.metrics import UNMET_THRESHOLD
from lodeline.solver.compiled import BatchResult
from lodeline.solver.curves import CurveKind, Curves

__all__ = ["BlockMetrics", "Outcome"]

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
    first_short: NDArray[np.int16]
    last_short: NDArray[np.int16]
    cost: Vector
    residual: Vector
    gap: Vector
    fallbacks: NDArray[np.int16]
    independent_residual: float
    months: int


class BlockMetrics:
    """Gathers the metrics of a block.

    Parameters
    ----------
    network
        The chain's network.
    reference, margin, slope, elasticity
        Of the scenarios, shape (scenario, activity).
    """

    def __init__(
        self,
        network: Network,
        reference: Vector,
        margin: Vector,
        slope: Vector,
        elasticity: Vector,
    ) -> None:
        self._network, self._reference, self._margin, self._slope = (
            network, reference, margin, slope,
        )  # fmt: skip
        count = reference.shape[0]
        self._uses = network.of_kind(ActivityKind.USE)
        self._rows = network.incidence.indices[network.incidence.indptr[self._uses]]
        self._use_reference = network.reference[self._uses]
        self._store_rows = network.store_rows()
        self._straight = np.flatnonzero(network.curve == CurveKind.LINEAR)
        self._bent = np.flatnonzero(network.curve != CurveKind.LINEAR)
        self._curves = _bent_curves(network, self._bent, reference, elasticity)
        self._transposed = sparse.csr_array(network.incidence.T)
        self._owner = _owner_sums(network)
        self._store_owner = _sums(
            network.row_form[self._store_rows], network.row_country[self._store_rows], network
        )
        self._limit_rows = np.flatnonzero(network.row_kind == RowKind.LIMIT)
        shape = (count, self._uses.size)
        self._peak, self._total = np.zeros(shape), np.zeros(shape)
        self._price = np.zeros(shape)
        self._first = np.full(shape, -1, dtype=np.int16)
        self._last = np.full(shape, -1, dtype=np.int16)
        self._gain = np.zeros((count, len(network.forms) * len(network.countries)))
        self._residual, self._gap = np.zeros(count), np.zeros(count)
        self._fallbacks = np.zeros(count, dtype=np.int16)
        self._independent = 0.0
        self._month = 0

    def add(
        self, result: BatchResult, stocks: Vector, limits: Vector, independent: float | None
    ) -> None:
        """Add a month.

        Parameters
        ----------
        result
            Levels, prices and certificates.
        stocks
            Opening stocks, t, shape (scenario, store).
        limits
            What may pass, t/month, shape (scenario, limit).
        independent
            Residual of a spot check, if one was made.
        """
        unmet = np.maximum(self._use_reference - result.levels[:, self._uses], 0.0)
        share = unmet / self._use_reference
        np.maximum(self._peak, share, out=self._peak)
        self._total += unmet
        multiple = result.prices[:, self._rows] / self._network.row_price[self._rows]
        np.maximum(self._price, np.minimum(multiple, PRICE_CAP), out=self._price)
        short = share > UNMET_THRESHOLD
        self._first[short & (self._first < 0)] = self._month
        self._last[short] = self._month
        self._add_gain(result, stocks, limits)
        np.maximum(self._residual, result.residual, out=self._residual)
        np.maximum(self._gap, result.gap, out=self._gap)
        self._fallbacks += result.is_fallback
        self._independent = max(self._independent, independent or 0.0)
        self._month += 1

    def _add_gain(self, result: BatchResult, stocks: Vector, limits: Vector) -> None:
        network = self._network
        levels, prices = result.levels, result.prices
        surplus = np.ascontiguousarray((self._transposed @ prices.T).T)
        surplus -= self._margin
        surplus *= levels
        moved = levels[:, self._straight] - self._reference[:, self._straight]
        surplus[:, self._straight] -= 0.5 * self._slope[:, self._straight] * moved**2
        bent = self._curves.adjustment(levels[:, self._bent].ravel())
        surplus[:, self._bent] -= bent.reshape(levels.shape[0], -1)
        self._gain += (self._owner @ surplus.T).T
        revalued = (prices - network.row_price)[:, self._store_rows] * stocks
        self._gain += (self._store_owner @ revalued.T).T
        countries = len(network.countries)
        for k, row in enumerate(self._limit_rows):
            limit = network.limits[k]
            rent = prices[:, row] * np.where(np.isfinite(limits[:, k]), limits[:, k], 0.0)
            here = slice(limit.form * countries, (limit.form + 1) * countries)
            self._gain[:, here] += rent[:, None] * limit.owner_share

    def outcome(self) -> Outcome:
        """Return what was gathered."""
        network = self._network
        shape = (-1, len(network.forms), len(network.countries))
        return Outcome(
            use_form=network.form[self._uses],
            use_country=network.origin[self._uses],
            unmet_share_peak=self._peak,
            unmet_t_total=self._total,
            price_multiple_peak=self._price,
            first_short=self._first,
            last_short=self._last,
            cost=-self._gain.reshape(shape),
            residual=self._residual,
            gap=self._gap,
            fallbacks=self._fallbacks,
            independent_residual=self._independent,
            months=self._month,
        )


def _bent_curves(
    network: Network, bent: NDArray[np.intp], reference: Vector, elasticity: Vector
) -> Curves:
    """Return the bent curves of all scenarios as one long list."""
    count = reference.shape[0]

    def each(values: Vector) -> Vector:
        return np.tile(values[bent], count)

    return Curves(
        kind=np.tile(network.curve[bent], count).astype(np.int8),
        reference=reference[:, bent].ravel(),
        margin=np.zeros(count * bent.size),
        slope=np.ones(count * bent.size),
        price=each(network.price),
        elasticity=elasticity[:, bent].ravel(),
        cap=PRICE_CAP * each(network.price),
        lower=np.zeros(count * bent.size),
        upper=np.full(count * bent.size, np.inf),
    )


def _owner_sums(network: Network) -> sparse.csr_array:
    """Return the matrix that adds activities up by form and owner."""
    return _sums(network.form, network.origin, network)


def _sums(
    form: NDArray[np.int16], country: NDArray[np.int16], network: Network
) -> sparse.csr_array:
    cells = form.astype(np.intp) * len(network.countries) + country
    size = len(network.forms) * len(network.countries)
    entries = (np.ones(cells.size), (cells, np.arange(cells.size)))
    return sparse.csr_array(entries, shape=(size, cells.size))
