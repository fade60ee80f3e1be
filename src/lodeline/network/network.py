"""A calibrated network: rows, activities, what each does at which price.

Everything is an activity: one column of A. The reference levels balance (``A x̄ = b``) and at the
reference prices p̄ everybody runs at the reference level, so that with nothing restricted the base
year is the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from lodeline.network.base_year import BaseYear
from lodeline.solver.curves import Curves, Vector
from lodeline.solver.problem import MarketProblem

__all__ = ["PRICE_CAP", "ActivityKind", "Layer", "Limit", "Network", "RowKind"]

Index = NDArray[np.int16]
Small = NDArray[np.int8]

PRICE_CAP = 20.0
"""Cap price over the reference price: above it a price stops meaning anything.

Assumed. Rare-earth oxides rose 26-fold from 2009 to 2011 and yttrium 27-fold outside China in 2025;
those quotes rest on thin trade, most of which happened far below them.
"""
NO_LIMIT = 1e6
"""A limit that does not bind, as a multiple of the row's scale."""


class ActivityKind(IntEnum):
    """What an activity does."""

    PRODUCE = 0
    PROCESS = 1
    SHIP = 2
    STORE = 3
    USE = 4
    BLEND = 5
    """Material of either layer enters the common pool of its users."""
    SERVE = 6
    """Processing capacity of a country, shared by the layers."""


class RowKind(IntEnum):
    """What a row balances or limits."""

    BALANCE = 0
    POOL = 1
    SERVICE = 2
    LIMIT = 3
    RESERVE = 4
    """What a coalition holds together."""


class Layer(IntEnum):
    """Whose material it is, where a targeted restriction keeps it apart."""

    ALL = 0
    FREE = 1
    RESTRICTED = 2


@dataclass(frozen=True)
class Limit:
    """A common limit on lanes.

    Attributes
    ----------
    label
        Restriction and form, for reports.
    form
        Index of the form.
    lanes
        Activities that share the limit, shape (lane,).
    reference
        Their flow in the base year, t/month.
    owner_share
        Who earns the rent of the limit, shape (country,), sums to 1.
    """

    label: str
    form: int
    lanes: NDArray[np.intp]
    reference: float
    owner_share: Vector


@dataclass(frozen=True)
class Network:
    """Calibrated network of one chain and base year.

    Attributes
    ----------
    base
        The reconciled base year.
    row_kind, row_form, row_country, row_layer
        What each row is about, shape (row,); country −1 for limits.
    kind, form, origin, destination, recipe, layer
        What each activity is, shape (activity,). `form` is the form moved, made, kept or used;
        recipe −1 where none.
    is_latent
        Lane used in earlier years but not in the base year, shape (activity,).
    is_reserve
        Stock held by a state or by its order, where it is kept apart, shape (activity,).
    incidence
        A, shape (row, activity).
    reference
        x̄, t/month; for `STORE` the normal stock, t.
    margin, slope, price, elasticity
        Curve of each activity, see `lodeline.solver.curves`.
    cap
        Price from which use fades to nothing, USD/t: `PRICE_CAP` over p̄, less for forms that are
        worked on (see `price_caps`).
    curve
        Natural curve kind of each activity.
    scale
        s, t/month (of `STORE`: t): the level by which an elasticity becomes a slope,
        ``slope = price / (elasticity · scale)``.
    capacity
        Upper bound that does not depend on the month, t/month (inf where none).
    growth_base
        κ of the growth limit ``x_t ≤ (1 + g) x_{t−1} + κ`` of lanes, t/month; of stores what may be
        added on top of `rebuild`.
    lane_growth, rebuild
        g a month; share of the normal stock that can be rebuilt a month.
    row_price, row_scale
        Reference price (USD/t) and throughput (t/month) of each row.
    limits
        Common limits, in the order of the `LIMIT` rows.
    """

    base: BaseYear
    row_kind: Small
    row_form: Index
    row_country: Index
    row_layer: Small
    kind: Small
    form: Index
    origin: Index
    destination: Index
    recipe: Index
    layer: Small
    is_latent: NDArray[np.bool_]
    is_reserve: NDArray[np.bool_]
    incidence: sparse.csc_array
    reference: Vector
    margin: Vector
    slope: Vector
    price: Vector
    cap: Vector
    elasticity: Vector
    curve: Small
    scale: Vector
    capacity: Vector
    growth_base: Vector
    lane_growth: float
    rebuild: float
    row_price: Vector
    row_scale: Vector
    limits: tuple[Limit, ...] = ()

    @property
    def nodes(self) -> int:
        """Number of material forms in countries (and layers)."""
        return int(np.sum(self.row_kind == RowKind.BALANCE))

    @property
    def activities(self) -> int:
        """Number of activities."""
        return int(self.reference.size)

    @property
    def countries(self) -> tuple[str, ...]:
        """ISO3 codes, the index of `origin`, `destination` and `row_country`."""
        return self.base.countries

    @property
    def forms(self) -> tuple[str, ...]:
        """Form identifiers, the index of `form` and `row_form`."""
        return self.base.forms

    def of_kind(self, kind: ActivityKind) -> NDArray[np.intp]:
        """Return the positions of the activities of a kind."""
        return np.flatnonzero(self.kind == kind)

    def store_rows(self) -> NDArray[np.intp]:
        """Return the row of each `STORE` activity, in the order of `of_kind(STORE)`."""
        stores = self.of_kind(ActivityKind.STORE)
        return np.asarray(self.incidence.indices[self.incidence.indptr[stores]], dtype=np.intp)

    def leaves_from(self) -> NDArray[np.intp]:
        """Return the row that each lane takes from, shape (activity,); −1 for other activities."""
        out = np.full(self.activities, -1, dtype=np.intp)
        entries = self.incidence.tocoo()
        taken = (entries.data < 0.0) & (self.row_kind[entries.row] == RowKind.BALANCE)
        taken &= self.kind[entries.col] == ActivityKind.SHIP
        out[entries.col[taken]] = entries.row[taken]
        return out

    def rhs(self, stocks: Vector, limits: Sequence[float] | Vector = ()) -> Vector:
        """Return b for opening stocks (t, shape (store,)) and limits (t/month, shape (limit,)).

        A limit of infinity does not bind.
        """
        out = np.zeros(self.row_kind.size)
        np.subtract.at(out, self.store_rows(), stocks)
        if self.limits:
            rows = np.flatnonzero(self.row_kind == RowKind.LIMIT)
            given = np.asarray(limits, dtype=float)
            out[rows] = -np.where(np.isfinite(given), given, NO_LIMIT * self.row_scale[rows])
        return out

    def curves(self, *, bent: bool = True, demand: Vector | None = None) -> Curves:
        """Return the responses with bounds 0 and `capacity`.

        Parameters
        ----------
        bent
            Iso-elastic curves, or straight ones.
        demand
            How much more everybody wants at every price, shape (activity,); default 1.
        """
        size = self.reference.size
        kind = self.curve if bent else np.zeros(size, dtype=np.int8)
        out = Curves(
            kind=kind.astype(np.int8),
            reference=self.reference,
            margin=self.margin,
            slope=self.slope,
            price=self.price,
            elasticity=self.elasticity,
            cap=self.cap,
            lower=np.zeros(size),
            upper=self.capacity,
        )
        return out if demand is None else out.with_reference_factor(demand)

    def problem(self, *, bent: bool = True) -> MarketProblem:
        """Return the base month: opening stocks normal, no limit binding."""
        stocks = self.reference[self.of_kind(ActivityKind.STORE)]
        return MarketProblem(
            incidence=self.incidence,
            rhs=self.rhs(stocks, np.full(len(self.limits), np.inf)),
            is_equality=self.row_kind == RowKind.SERVICE,
            curves=self.curves(bent=bent),
            row_price=self.row_price,
            row_scale=self.row_scale,
        )

    def with_limits(self, limits: Sequence[Limit]) -> Self:
        """Return the network with one more row for each limit: ``−Σ x ≥ −limit``."""
        if not limits:
            return self
        count = len(limits)
        blocks = [self.incidence]
        for limit in limits:
            row = np.zeros(limit.lanes.size, dtype=np.intp)
            blocks.append(
                sparse.csc_array(
                    (np.full(limit.lanes.size, -1.0), (row, limit.lanes)),
                    shape=(1, self.activities),
                )
            )
        floor = 1e-6 * np.array([self.form_scale(m.form) for m in limits])
        scale = np.maximum([m.reference for m in limits], floor)
        prices = np.array([self.base.prices[m.form] for m in limits])
        return replace(
            self,
            incidence=sparse.csc_array(sparse.vstack(blocks)),
            row_kind=np.append(self.row_kind, np.full(count, RowKind.LIMIT, dtype=np.int8)),
            row_form=np.append(self.row_form, np.array([m.form for m in limits], dtype=np.int16)),
            row_country=np.append(self.row_country, np.full(count, -1, dtype=np.int16)),
            row_layer=np.append(self.row_layer, np.full(count, Layer.ALL, dtype=np.int8)),
            row_price=np.append(self.row_price, prices),
            row_scale=np.append(self.row_scale, scale),
            limits=(*self.limits, *limits),
        )

    def form_scale(self, form: int) -> float:
        """Return world use plus processing of a form, t/month."""
        return float(self.base.absorbed()[form].sum()) / 12.0

    def table(self) -> pl.DataFrame:
        """Return the activities: kind, form, origin, destination, layer, reference."""
        names = np.array(self.countries)
        return pl.DataFrame(
            {
                "kind": [ActivityKind(k).name.lower() for k in self.kind],
                "form": np.array(self.forms)[self.form],
                "origin": names[self.origin],
                "destination": names[self.destination],
                "layer": [Layer(k).name.lower() for k in self.layer],
                "is_latent": self.is_latent,
                "reference_t": self.reference,
            }
        )
