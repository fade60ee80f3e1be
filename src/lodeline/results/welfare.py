"""What a scenario costs, and whom: surplus lost against the base year.

The world's cost of a month is ``Σ φ(x)`` over all activities but storage (taxes left out, they are
transfers) plus the fall of stocks at the reference price; in the base year it is zero. Duality
splits it without remainder,

    cost = − Σₐ Sₐ − Σ (π − p̄)(s − y) − Σₖ ρₖ Lₖ        Sₐ = (qₐ − mₐ) xₐ − ψₐ(xₐ)

S is the surplus of an activity at its margin q: consumer surplus for use, producer surplus for
output, rent for lanes (to the exporter); ρ L the rent of limits (to the restricting countries);
(π − p̄)(s − y) what holders earn on the stock they release, s at the start and y at the end of the
month. Tax goes to the exporter's treasury: it is part of S because m leaves it out.

The slope of storage says how readily holders sell while they expect p̄ to return. That is behaviour,
not a resource that is used up, so it is no cost here. Where users want more than in the base year
(a demand surge), cost is counted against having all of it at reference prices. Foresight, which
minimises it with all the rest, is compared on `Costs.AS_PLANNED`, where holding less than the
normal stock counts.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from lodeline.network import ActivityKind, Network, RowKind
from lodeline.results.run import Run

__all__ = ["Costs", "cost_by_country", "world_cost"]

Vector = NDArray[np.float64]


class Costs(StrEnum):
    """What counts as a cost."""

    RESOURCES = "resources"
    """Everything but what holders would pay for a normal stock."""
    AS_PLANNED = "as planned"
    """The objective of foresight: also ψ of storage."""


def world_cost(run: Run, *, bent: bool = True, costs: Costs = Costs.RESOURCES) -> float:
    """Return the world's cost from the levels alone, USD over all months."""
    network = run.network
    counted = _counted(network, costs)
    stock_price = network.row_price[network.store_rows()]
    total = 0.0
    for t in range(len(run.schedule.months)):
        curves = network.curves(bent=bent, demand=run.schedule.demand[t])
        # m x̄-part of φ is valued against p̄ᵀb, so that big turnovers cancel before summing
        turnover = float(network.row_price @ run.balance(t))
        entry = _asked(network, costs) - network.incidence.T @ network.row_price
        adjusted = counted * curves.adjustment(run.levels[t])
        total += float(np.sum(adjusted + entry * run.levels[t]))
        total += turnover + float(stock_price @ run.stocks[t])
    return total


def _counted(network: Network, costs: Costs) -> Vector:
    """Return 1 for activities whose ψ is a cost, else 0, shape (activity,)."""
    if costs is Costs.AS_PLANNED:
        return np.ones(network.activities)
    return np.asarray(network.kind != ActivityKind.STORE, dtype=float)


def _asked(network: Network, costs: Costs) -> Vector:
    """Return the margin that activities ask for at the reference, USD/t, shape (activity,).

    What a reserve asks for beyond the reference price is a rule and no cost.
    """
    if costs is Costs.AS_PLANNED:
        return network.margin
    plain = network.incidence.T @ network.row_price
    return np.where(network.kind == ActivityKind.STORE, plain, network.margin)


def cost_by_country(run: Run, *, bent: bool = True, costs: Costs = Costs.RESOURCES) -> Vector:
    """Return the cost by form and country, USD over all months, shape (form, country).

    The sum equals `world_cost`: nothing is lost between countries.
    """
    network = run.network
    counted = _counted(network, costs)
    gain = np.zeros((len(network.forms), len(network.countries)))
    stores, store_rows = network.of_kind(ActivityKind.STORE), network.store_rows()
    limit_rows = np.flatnonzero(network.row_kind == RowKind.LIMIT)
    # An exporter owns its lanes; everything else belongs to the country where it happens.
    owner = network.origin
    takes, gives = network.incidence.T, run.gives.T
    for t in range(len(run.schedule.months)):
        prices = run.prices[t]
        curves = network.curves(bent=bent, demand=run.schedule.demand[t])
        margin = takes @ prices
        surplus = (margin - _asked(network, costs)) * run.levels[t]
        # What arrives was bought before: it earns today's price; cargo under way is worth p̄.
        surplus += (gives @ (prices - network.row_price)) * (run.landed(t) - run.levels[t])
        surplus -= counted * curves.adjustment(run.levels[t])
        np.add.at(gain, (network.form, owner), surplus)
        revalued = (prices - network.row_price)[store_rows] * run.stocks[t]
        np.add.at(gain, (network.form[stores], owner[stores]), revalued)
        for k, row in enumerate(limit_rows):
            allowed = run.schedule.limit[t, k]
            if np.isfinite(allowed):
                limit = network.limits[k]
                gain[limit.form] += prices[row] * allowed * limit.owner_share
    return -gain
