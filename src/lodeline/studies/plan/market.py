"""A plan judged by the uncoordinated market: month by month, nobody knows the future.

The same measures, as columns of the market of `studies.ensemble`: a plant runs when it pays, a
stock is released while the price is above its threshold, a contract is called on when the price
gap covers its premium. Nothing here is optimised, and nothing here is a bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lodeline.network.network import PRICE_CAP
from lodeline.solver.compiled import BatchResult, CompiledMarket, Variation
from lodeline.studies.ensemble.batch import Block
from lodeline.studies.ensemble.metrics import BlockMetrics, Outcome
from lodeline.studies.market import ACCEPTED, UnsolvedError
from lodeline.studies.plan.columns import Columns
from lodeline.studies.plan.futures import Case, ChainCase, Values

__all__ = ["Judge", "Judgement"]

Vector = NDArray[np.float64]

_SIDE_BY_SIDE = 64
"""Futures that are solved together."""


@dataclass(frozen=True)
class Judgement:
    """What a plan's futures are like in the market; F futures, C countries, K chains.

    Attributes
    ----------
    countries
        ISO3 codes of all chains, sorted.
    cost
        Loss of surplus against the base year, USD, shape (future, country); charge left out.
    unmet_peak
        Largest share of use unmet in a month, by chain and form of use, shape
        (future, chain, country); NaN where a country does not use the chain's last form.
    unmet_tonnes
        Unmet use of the chain's last form over all months, t, shape (future, chain, country).
    worst
        Worst residual or gap of all solves.
    """

    countries: tuple[str, ...]
    cost: Vector
    unmet_peak: Vector
    unmet_tonnes: Vector
    worst: float

    @property
    def world(self) -> Vector:
        """Loss of the world, USD, shape (future,)."""
        return np.asarray(self.cost.sum(axis=1))

    def of(self, members: Sequence[str]) -> Vector:
        """Return the loss of some countries together, USD, shape (future,)."""
        inside = [k for k, c in enumerate(self.countries) if c in set(members)]
        return np.asarray(self.cost[:, inside].sum(axis=1))

    def short(self, members: Sequence[str], threshold: float) -> Vector:
        """Return the share of futures in which any of them is short, by chain, shape (chain,)."""
        inside = [k for k, c in enumerate(self.countries) if c in set(members)]
        peak = np.nan_to_num(self.unmet_peak[:, :, inside], nan=0.0)
        return np.asarray((peak.max(axis=2, initial=0.0) > threshold).mean(axis=0))


class Judge:
    """The market's verdict on plans in a fixed set of futures.

    Parameters
    ----------
    case
        The plan's case.
    values
        Drawn numbers of the futures, each of shape (future,).
    """

    def __init__(self, case: Case, values: Values) -> None:
        self._case, self._values = case, values
        self._markets = [CompiledMarket(c.network.problem()) for c in case.chains]
        self._known: dict[bytes, Judgement] = {}
        self.count = int(next(iter(values.values())).size)

    def __call__(self, plan: Vector) -> Judgement:
        """Return the judgement of a plan, shape (choice,)."""
        key = plan.tobytes()
        if key not in self._known:
            self._known[key] = self._judged(plan)
        return self._known[key]

    def _judged(self, plan: Vector) -> Judgement:
        chains = self._case.chains
        names = tuple(sorted({c for k in chains for c in k.network.countries}))
        cost = np.zeros((self.count, len(names)))
        shape = (self.count, len(chains), len(names))
        peak, tonnes = np.full(shape, np.nan), np.full(shape, np.nan)
        worst = 0.0
        for k, (chain, market) in enumerate(zip(chains, self._markets, strict=True)):
            place = np.array([names.index(c) for c in chain.network.countries])
            last = len(chain.network.forms) - 1
            for first in range(0, self.count, _SIDE_BY_SIDE):
                some = slice(first, min(first + _SIDE_BY_SIDE, self.count))
                own = {key: v[some] for key, v in self._values.items()}
                outcome = simulate_plan(chain, market, own, plan)
                cost[some, place] += outcome.cost.sum(axis=1)
                uses = np.flatnonzero(outcome.use_form == last)
                at = place[outcome.use_country[uses]]
                peak[some, k, at] = outcome.unmet_share_peak[:, uses]
                tonnes[some, k, at] = outcome.unmet_t_total[:, uses]
                worst = max(worst, float(outcome.residual.max()), float(outcome.gap.max()))
        return Judgement(names, cost, peak, tonnes, worst)


def simulate_plan(
    chain: ChainCase, market: CompiledMarket, values: Values, plan: Vector
) -> Outcome:
    """Run a block of futures of one chain under a plan, month by month.

    Parameters
    ----------
    chain
        The chain with the measures' columns.
    market
        Its compiled market.
    values
        Drawn numbers, each of shape (future,).
    plan
        x, shape (choice,).

    Raises
    ------
    UnsolvedError
        If a month of a future is not solved to the accepted tolerance.
    """
    model, columns, network = chain.model, chain.columns, chain.network
    block = Block.of(model, values)
    own, count = model.network.activities, block.count

    def both(varied: Vector, whole: Vector) -> Vector:
        more = np.broadcast_to(whole[own:], (count, columns.size))
        return np.hstack([varied, more])

    levels = both(block.reference, network.reference)
    reference = levels
    margin = both(block.margin, network.margin)
    slope = both(block.slope, network.slope)
    elasticity = both(block.elasticity, network.elasticity)
    metrics = BlockMetrics(network, reference, margin, slope, elasticity)
    prices = np.tile(network.row_price, (count, 1))
    left = np.tile(columns.stocked @ plan, (count, 1))
    for t, month in enumerate(model.months):
        limits = block.limits(t)
        stocks = levels[:, model.stores]
        upper = block.upper(t, np.ascontiguousarray(levels[:, :own]))
        tax = block.tax(t)
        extra = None if tax is None else np.hstack([tax, np.zeros((count, columns.size))])
        result = market.solve_batch(
            Variation(
                rhs=block.rhs(stocks, limits),
                upper=np.hstack([upper, _offered(columns.capacity[:, t] @ plan, left, columns)]),
                extra_margin=extra, reference=reference, margin=margin, slope=slope,
                elasticity=elasticity, cap=PRICE_CAP * network.price,
            ),
            prices,
        )  # fmt: skip
        _accept(result, f"{model.chain}, {month}")
        metrics.add(result, stocks, limits, block.is_restricted(t), None)
        levels, prices = result.levels, result.prices
        for s in range(left.shape[1]):
            released = levels[:, own:][:, columns.stock_of == s].sum(axis=1)
            left[:, s] = np.maximum(left[:, s] - released, 0.0)
    return metrics.outcome()


def _offered(capacity: Vector, left: Vector, columns: Columns) -> Vector:
    """Return what columns may do in a month, t, shape (future, column).

    Where several draw on one stock, each may take an equal part of what is left.
    """
    out = np.tile(capacity, (left.shape[0], 1))
    for s in range(left.shape[1]):
        drawing = np.flatnonzero((columns.stock_of == s) & (capacity > 0.0))
        for k in drawing:
            out[:, k] = np.minimum(out[:, k], left[:, s] / drawing.size)
    return out


def _accept(result: BatchResult, where: str) -> None:
    worst = float(np.maximum(result.residual, result.gap).max())
    if not worst <= ACCEPTED:
        raise UnsolvedError(
            f"{where}: the market under a plan was not cleared (residual or gap {worst:.1e}). "
            "Please report the plan as a defect."
        )
