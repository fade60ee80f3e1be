"""What a scenario costs, and whom: surplus lost against the base year.

The world's cost of a month is ``Σ φ(x)`` (taxes left out, they are transfers) plus the reference
value ``p̄ s`` of the opening stocks, whose use is a loss of wealth; in the base year it is zero.
Duality splits it without remainder,

    cost = − Σₐ Sₐ − Σ (π − p̄) s − Σₖ ρₖ Lₖ        Sₐ = (qₐ − mₐ) xₐ − ψₐ(xₐ)

S is the surplus of an activity at its margin q: consumer surplus for use, producer surplus for
output, rent for lanes (to the exporter) and limits L with price ρ (to the restricting countries),
and the gain or loss on stocks at their new price. Tax goes to the exporter's treasury: it is part
of S because m leaves it out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lodeline.network import RowKind
from lodeline.results.run import Run

__all__ = ["cost_by_country", "world_cost"]

Vector = NDArray[np.float64]


def world_cost(run: Run, *, bent: bool = True) -> float:
    """Return the world's cost from the levels alone, USD over all months."""
    network = run.network
    curves = network.curves(bent=bent)
    stock_price = network.row_price[network.store_rows()]
    total = 0.0
    for t in range(len(run.schedule.months)):
        # m x̄-part of φ is valued against p̄ᵀb, so that big turnovers cancel before summing
        turnover = float(network.row_price @ (network.incidence @ run.levels[t]))
        entry = network.margin - network.incidence.T @ network.row_price
        total += float(np.sum(curves.adjustment(run.levels[t]) + entry * run.levels[t]))
        total += turnover + float(stock_price @ run.stocks[t])
    return total


def cost_by_country(run: Run, *, bent: bool = True) -> Vector:
    """Return the cost by form and country, USD over all months, shape (form, country).

    The sum equals `world_cost`: nothing is lost between countries.
    """
    network = run.network
    curves = network.curves(bent=bent)
    gain = np.zeros((len(network.forms), len(network.countries)))
    store_rows = network.store_rows()
    limit_rows = np.flatnonzero(network.row_kind == RowKind.LIMIT)
    # An exporter owns its lanes; everything else belongs to the country where it happens.
    owner = network.origin
    for t in range(len(run.schedule.months)):
        prices = run.prices[t]
        margin = network.incidence.T @ prices
        surplus = (margin - network.margin) * run.levels[t] - curves.adjustment(run.levels[t])
        np.add.at(gain, (network.form, owner), surplus)
        revalued = (prices - network.row_price)[store_rows] * run.stocks[t]
        np.add.at(gain, (network.row_form[store_rows], network.row_country[store_rows]), revalued)
        for k, row in enumerate(limit_rows):
            allowed = run.schedule.limit[t, k]
            if np.isfinite(allowed):
                limit = network.limits[k]
                gain[limit.form] += prices[row] * allowed * limit.owner_share
    return -gain
