"""Measures as activities: columns of the network whose limits the plan decides.

Every measure is one column: a plant makes its form, a stock releases it, a contract ships it. What
the plan decides is how much of it there is, by month. Costs of a column rise by `RISE` of its
price from empty to full, so that it has a slope like every other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lodeline.errors import InputError
from lodeline.network import ActivityKind, Layer, Network, RowKind
from lodeline.network.network import PRICE_CAP
from lodeline.scenarios.measures import (
    Access,
    ActionPlan,
    Capacity,
    Measure,
    Offtake,
    Stock,
    Substitution,
)
from lodeline.solver.curves import CurveKind
from lodeline.studies.plan.menu import Menu
from lodeline.studies.plan.rules import service
from lodeline.units import MONTHS_PER_YEAR

__all__ = ["RISE", "Columns", "columns_of", "extended"]

Vector = NDArray[np.float64]
Index = NDArray[np.intp]
Kind = TypeVar("Kind", bound=np.generic)

RISE = 0.02
"""Rise of a column's cost from empty to full, as a share of its price."""


@dataclass(frozen=True)
class Columns:
    """Columns of the measures of one chain; K columns, S stocks.

    Attributes
    ----------
    measure
        Position of each column's measure in the plan, shape (column,).
    kind, form, origin, destination
        As in `Network`, shape (column,).
    incidence
        Shape (row, column).
    margin, price
        Cost of a tonne and the price it is compared with, USD/t, shape (column,).
    full
        Level if everything is decided, t/month, shape (column,).
    capacity
        t/month that a unit of each choice adds, shape (column, month, choice).
    stock_of
        Stock that a column draws on, −1 where none, shape (column,).
    held
        Tonnes that a unit of each choice adds to each stock, if nothing is released, from the
        month on in which it is in service, shape (month, stock, choice).
    """

    measure: Index
    kind: NDArray[np.int8]
    form: NDArray[np.int16]
    origin: NDArray[np.int16]
    destination: NDArray[np.int16]
    incidence: sparse.csc_array
    margin: Vector
    price: Vector
    full: Vector
    capacity: Vector
    stock_of: Index
    held: Vector

    @property
    def size(self) -> int:
        """K."""
        return int(self.measure.size)

    @property
    def acts(self) -> NDArray[np.bool_]:
        """Which choices do anything in the chain, shape (choice,)."""
        return np.asarray(self.capacity.any(axis=(0, 1)) | self.held.any(axis=(0, 1)))


def columns_of(plan: ActionPlan, menu: Menu, network: Network) -> Columns:
    """Return the columns of the measures that act on a network's chain.

    Raises
    ------
    InputError
        If a measure stands where the network has no place for it.
    """
    chain = network.base.chain.id
    own = [k for k, m in enumerate(plan.measures) if m.chain == chain]
    stocks = [k for k in own if isinstance(plan.measures[k], Stock)]
    entries = [_entries(network, plan.measures[k]) for k in own]
    rows = np.array([r for e in entries for r, _ in e], dtype=np.intp)
    values = np.array([v for e in entries for _, v in e])
    at = np.repeat(np.arange(len(own)), [len(e) for e in entries])
    incidence = sparse.csc_array((values, (rows, at)), shape=(network.row_kind.size, len(own)))
    priced = np.where(network.row_kind == RowKind.LIMIT, 0.0, network.row_price)
    price = np.array([_price(network, plan.measures[k]) for k in own])
    margin = incidence.T @ priced + np.array([0.0] * len(own))
    margin = np.array(
        [
            _cost(plan, plan.measures[k], float(margin[i]), float(price[i]))
            for i, k in enumerate(own)
        ]
    )
    capacity = np.zeros((len(own), plan.months, menu.size))
    held = np.zeros((plan.months, len(stocks), menu.size))
    for i, k in enumerate(own):
        measure = plan.measures[k]
        for j in np.flatnonzero(menu.measure == k):
            share = service(measure, int(menu.year[j]), plan.months)
            capacity[i, :, j] = _monthly(plan, measure) * share
            if isinstance(measure, Stock):
                held[:, stocks.index(k), j] = measure.tonnes.value * (share > 0.0)
    modules = np.array([plan.measures[k].modules for k in own])
    countries = list(network.countries)
    destination = [countries.index(plan.measures[k].country) for k in own]
    origin = [
        countries.index(m.origin) if isinstance(m := plan.measures[k], Offtake) else destination[i]
        for i, k in enumerate(own)
    ]
    drawn = [_stock_of(plan, k) for k in own]
    return Columns(
        measure=np.array(own, dtype=np.intp),
        kind=np.array([_kind(network, plan.measures[k]) for k in own], dtype=np.int8),
        form=np.array([network.forms.index(plan.measures[k].form) for k in own], dtype=np.int16),
        origin=np.array(origin, dtype=np.int16),
        destination=np.array(destination, dtype=np.int16),
        incidence=incidence,
        margin=margin,
        price=price,
        full=np.array([_monthly(plan, plan.measures[k]) for k in own]) * modules,
        capacity=capacity,
        stock_of=np.array([stocks.index(s) if s in stocks else -1 for s in drawn], dtype=np.intp),
        held=held,
    )


def extended(network: Network, columns: Columns) -> Network:
    """Return the network with the measures' columns, their capacity zero."""
    size = columns.size

    def longer(values: NDArray[Kind], more: object) -> NDArray[Kind]:
        added: NDArray[Kind] = np.broadcast_to(np.asarray(more, values.dtype), (size,))
        return np.concatenate([values, added])

    slope = RISE * columns.price / np.maximum(columns.full, 1e-12)
    return replace(
        network,
        kind=longer(network.kind, columns.kind),
        form=longer(network.form, columns.form),
        origin=longer(network.origin, columns.origin),
        destination=longer(network.destination, columns.destination),
        recipe=longer(network.recipe, -1),
        layer=longer(network.layer, Layer.ALL),
        is_latent=longer(network.is_latent, False),
        incidence=sparse.csc_array(sparse.hstack([network.incidence, columns.incidence])),
        reference=longer(network.reference, 0.0),
        margin=longer(network.margin, columns.margin),
        slope=longer(network.slope, slope),
        price=longer(network.price, columns.price),
        cap=longer(network.cap, PRICE_CAP * columns.price),
        elasticity=longer(network.elasticity, 1.0 / RISE),
        curve=longer(network.curve, CurveKind.LINEAR),
        scale=longer(network.scale, columns.full),
        capacity=longer(network.capacity, 0.0),
        growth_base=longer(network.growth_base, 0.0),
        # A plant can be larger than all that a small country trades: rows are weighed by both.
        row_scale=np.maximum(network.row_scale, np.abs(columns.incidence) @ columns.full),
    )  # fmt: skip


def _kind(network: Network, measure: Measure) -> ActivityKind:
    made = {r.makes for r in network.base.chain.recipes}
    if isinstance(measure, Capacity) and measure.form in made:
        return ActivityKind.PROCESS
    return ActivityKind.PRODUCE


def _price(network: Network, measure: Measure) -> float:
    return float(network.base.prices[network.forms.index(measure.form)])


def _monthly(plan: ActionPlan, measure: Measure) -> float:
    """Return the level of a module in full service, t/month."""
    if isinstance(measure, Stock):
        return measure.tonnes.value * measure.release_share_per_month.value
    if isinstance(measure, Access):
        stock = _stock(plan, measure)
        return stock.tonnes.value * measure.share_per_month.value
    return measure.tonnes_per_year.value / MONTHS_PER_YEAR


def _stock(plan: ActionPlan, measure: Access) -> Stock:
    found = next(m for m in plan.measures if m.id == measure.stock)
    assert isinstance(found, Stock)
    return found


def _stock_of(plan: ActionPlan, k: int) -> int:
    """Return the position of the stock that a measure draws on, −1 where none."""
    measure = plan.measures[k]
    if isinstance(measure, Stock):
        return k
    if isinstance(measure, Access):
        return next(i for i, m in enumerate(plan.measures) if m.id == measure.stock)
    return -1


def _cost(plan: ActionPlan, measure: Measure, margin: float, price: float) -> float:
    """Return the cost of a tonne, USD; `margin` is what existing plants earn on one."""
    if isinstance(measure, Stock):
        return measure.release_over_price.value * price
    if isinstance(measure, Access):
        return _stock(plan, measure).release_over_price.value * price
    if isinstance(measure, Offtake):
        return margin + measure.premium_over_price.value * price
    if measure.opex_usd_per_t is not None:
        return measure.opex_usd_per_t.value
    return margin + (measure.opex_over_price.value - 1.0) * price


def _entries(network: Network, measure: Measure) -> list[tuple[int, float]]:
    """Return rows and amounts of a measure's column."""
    if isinstance(measure, Offtake):
        lanes = [(_node(network, measure, measure.form, measure.origin), -1.0)]
        lanes.append((_node(network, measure, measure.form, measure.country), 1.0))
        return lanes + _limits(network, measure)
    if isinstance(measure, Substitution):
        return [(_user(network, measure), 1.0)]
    out = [(_node(network, measure, measure.form, measure.country), 1.0)]
    if isinstance(measure, Capacity):
        for recipe in network.base.chain.recipes:
            if recipe.makes == measure.form:
                for name, amount in recipe.inputs.items():
                    out.append((_node(network, measure, name, measure.country), -amount.value))
                break
    return out


def _rows(network: Network, form: str, country: str) -> Index:
    here = network.row_form == network.forms.index(form)
    here &= network.row_country == list(network.countries).index(country)
    return np.flatnonzero(here)


def _node(network: Network, measure: Measure, form: str, country: str) -> int:
    """Return the balance of a form in a country, of material that no restriction touches."""
    rows = _rows(network, form, country) if country in network.countries else np.empty(0, np.intp)
    rows = rows[network.row_kind[rows] == RowKind.BALANCE]
    free = rows[network.row_layer[rows] != Layer.RESTRICTED]
    if rows.size == 0:
        raise InputError(
            f"measure '{measure.id}': {country} neither trades, makes nor uses "
            f"'{form}' in the base year, so nothing can be added there. Choose another country."
        )
    return int((free if free.size else rows)[0])


def _user(network: Network, measure: Measure) -> int:
    """Return the row that the users of a country draw on."""
    country, form = measure.country, measure.form
    uses = network.of_kind(ActivityKind.USE)
    if country in network.countries:
        at = list(network.countries).index(country)
        chosen = uses[
            (network.origin[uses] == at) & (network.form[uses] == network.forms.index(form))
        ]
        if chosen.size:
            return int(network.incidence.indices[network.incidence.indptr[chosen[0]]])
    raise InputError(
        f"measure '{measure.id}': {country} does not use '{form}' itself in the base year, so "
        "there is nothing to replace. Choose another form or country."
    )


def _limits(network: Network, measure: Offtake) -> list[tuple[int, float]]:
    """Return the limits that a contract's lane falls under: a ban stops contracts too."""
    names: Sequence[str] = network.countries
    origin, destination = names.index(measure.origin), names.index(measure.country)
    form = network.forms.index(measure.form)
    rows = np.flatnonzero(network.row_kind == RowKind.LIMIT)
    out = []
    for row, limit in zip(rows, network.limits, strict=True):
        same = network.form[limit.lanes] == form
        same &= network.origin[limit.lanes] == origin
        same &= network.destination[limit.lanes] == destination
        if same.any():
            out.append((int(row), -1.0))
    return out
