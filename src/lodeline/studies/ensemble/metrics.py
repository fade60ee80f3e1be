"""Metrics of a block of scenarios, gathered month by month so that no flows are kept.

The definitions are those of `lodeline.results.metrics` and `lodeline.results.welfare`, for arrays
over scenarios; a test compares them with the tables of a single run.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lodeline.network import ActivityKind, Network, RowKind
from lodeline.network.network import PRICE_CAP
from lodeline.results.metrics import UNMET_THRESHOLD
from lodeline.solver.compiled import BatchResult
from lodeline.solver.curves import CurveKind, Curves
from lodeline.studies.ensemble.kernels import add_surplus

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
    onset
        First month in which anything acts, −1: none, shape (scenario,).
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
    onset: NDArray[np.int16]
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
        self._network, self._reference, self._margin = network, reference, margin
        # How readily stock is sold is behaviour and no cost: see `lodeline.results.welfare`.
        self._slope = np.where(network.kind == ActivityKind.STORE, 0.0, slope)
        count = reference.shape[0]
        self._uses = network.of_kind(ActivityKind.USE)
        self._rows = network.incidence.indices[network.incidence.indptr[self._uses]]
        self._use_reference = network.reference[self._uses]
        self._store_rows = network.store_rows()
        self._is_bent = network.curve != CurveKind.LINEAR
        self._bent = np.flatnonzero(self._is_bent)
        self._curves = _bent_curves(network, self._bent, reference, elasticity)
        # An exporter owns its lanes; everything else belongs to the country where it happens.
        self._owner = _cells(network.form, network.origin, network)
        self._stores = network.of_kind(ActivityKind.STORE)
        self._layers = _rank_in_cell(self._owner[self._stores])
        self._limit_rows = np.flatnonzero(network.row_kind == RowKind.LIMIT)
        shape = (count, self._uses.size)
        self._peak, self._total = np.zeros(shape), np.zeros(shape)
        self._price = np.zeros(shape)
        self._first = np.full(shape, -1, dtype=np.int16)
        self._last = np.full(shape, -1, dtype=np.int16)
        self._onset = np.full(count, -1, dtype=np.int16)
        self._gain = np.zeros((count, len(network.forms) * len(network.countries)))
        self._residual, self._gap = np.zeros(count), np.zeros(count)
        self._fallbacks = np.zeros(count, dtype=np.int16)
        self._independent = 0.0
        self._month = 0

    def add(
        self,
        result: BatchResult,
        stocks: Vector,
        limits: Vector,
        is_restricted: NDArray[np.bool_],
        independent: float | None,
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
        is_restricted
            Whether anything acts, shape (scenario,).
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
        self._onset[is_restricted & (self._onset < 0)] = self._month
        self._add_gain(result, stocks, limits)
        np.maximum(self._residual, result.residual, out=self._residual)
        np.maximum(self._gap, result.gap, out=self._gap)
        self._fallbacks += result.is_fallback
        self._independent = max(self._independent, independent or 0.0)
        self._month += 1

    def _add_gain(self, result: BatchResult, stocks: Vector, limits: Vector) -> None:
        network = self._network
        levels, prices = result.levels, result.prices
        bent = self._curves.adjustment(levels[:, self._bent].ravel())
        add_surplus(
            self._gain, prices, levels, self._margin, self._reference, self._slope,
            self._is_bent, bent.reshape(levels.shape[0], -1), network.incidence.indptr,
            network.incidence.indices, network.incidence.data, self._owner,
        )  # fmt: skip
        revalued = (prices - network.row_price)[:, self._store_rows] * stocks
        for chosen in self._layers:
            self._gain[:, self._owner[self._stores[chosen]]] += revalued[:, chosen]
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
            onset=self._onset,
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


def _cells(
    form: NDArray[np.int16], country: NDArray[np.int16], network: Network
) -> NDArray[np.intp]:
    """Return form · countries + country."""
    return form.astype(np.intp) * len(network.countries) + country


def _rank_in_cell(cells: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Return groups of positions in which no cell comes twice: each can be added at once."""
    seen: dict[int, int] = {}
    groups: list[list[int]] = []
    for k, cell in enumerate(cells):
        rank = seen.get(int(cell), 0)
        seen[int(cell)] = rank + 1
        if rank == len(groups):
            groups.append([])
        groups[rank].append(k)
    return [np.array(g, dtype=np.intp) for g in groups]
