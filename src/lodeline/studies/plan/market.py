"""A plan judged by the uncoordinated market: month by month, nobody knows the future.

The same measures, as columns of the market of `studies.ensemble`: a plant runs when it pays, a
stock is released while the price is above its threshold, a contract is called on when the price
gap covers its premium. Nothing here is optimised, and nothing here is a bound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lodeline.network.network import NO_LIMIT
from lodeline.solver import interior
from lodeline.solver.compiled import BatchResult, CompiledMarket, Variation
from lodeline.studies.ensemble.batch import Block
from lodeline.studies.market import ACCEPTED, UnsolvedError
from lodeline.studies.plan.columns import Columns
from lodeline.studies.plan.futures import Case, ChainCase, Values, output_factor, tax
from lodeline.studies.plan.ledger import Ledger, uses_of
from lodeline.studies.side_by_side import highest_levels

__all__ = ["Judge", "Judgement"]

Vector = NDArray[np.float64]

_TRACE = 1e-9
"""Share of a stock below which it counts as empty."""
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
    normal_tonnes
        Use of the base year over all months, t, shape (chain, country); 0 where there is none.
    worst
        Worst residual or gap of all solves.
    """

    countries: tuple[str, ...]
    cost: Vector
    unmet_peak: Vector
    unmet_tonnes: Vector
    normal_tonnes: Vector
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


@dataclass(frozen=True)
class _Verdict:
    """What a plan does to one chain: countries and uses of its own network."""

    cost: Vector
    unmet_peak: Vector
    unmet_tonnes: Vector
    worst: float


class Judge:
    """The market's verdict on plans in a fixed set of futures.

    Chains do not touch each other, so that each is judged anew only where its own measures differ.

    Parameters
    ----------
    case
        The plan's case.
    values
        Drawn numbers of the futures, each of shape (future,).
    told
        Told what is judged.
    """

    def __init__(
        self, case: Case, values: Values, told: Callable[[str], None] = lambda _: None
    ) -> None:
        self._case, self.values = case, values
        self._told = told
        self._markets = [CompiledMarket(c.network.problem()) for c in case.chains]
        self._acts = [c.columns.acts for c in case.chains]
        self._known: dict[tuple[int, bytes], _Verdict] = {}
        self.count = int(next(iter(values.values())).size)
        self.countries = tuple(sorted({c for k in case.chains for c in k.network.countries}))

    def __call__(self, plan: Vector) -> Judgement:
        """Return the judgement of a plan, shape (choice,)."""
        chains = self._case.chains
        cost = np.zeros((self.count, len(self.countries)))
        shape = (self.count, len(chains), len(self.countries))
        peak, tonnes, normal = np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape[1:])
        worst = 0.0
        for k, chain in enumerate(chains):
            found, network = self._chain(k, plan), chain.network
            place = np.array([self.countries.index(c) for c in network.countries])
            uses = uses_of(network)
            at = place[network.origin[uses]]
            cost[:, place] += found.cost
            peak[:, k, at], tonnes[:, k, at] = found.unmet_peak, found.unmet_tonnes
            normal[k, at] = network.reference[uses] * self._case.plan.months
            worst = max(worst, found.worst)
        return Judgement(self.countries, cost, peak, tonnes, normal, worst)

    def _chain(self, k: int, plan: Vector) -> _Verdict:
        key = (k, plan[self._acts[k]].tobytes())
        if key not in self._known:
            self._known[key] = self._judged(k, plan)
        return self._known[key]

    def _judged(self, k: int, plan: Vector) -> _Verdict:
        parts, worst = [], 0.0
        self._told(f"market of {self._case.plan.chains[k]} in {self.count} futures")
        for first in range(0, self.count, _SIDE_BY_SIDE):
            own = {key: v[first : first + _SIDE_BY_SIDE] for key, v in self.values.items()}
            ledger, proof = simulate_plan(self._case.chains[k], self._markets[k], own, plan)
            parts.append(ledger)
            worst = max(worst, proof)
        return _Verdict(
            np.concatenate([p.cost for p in parts]),
            np.concatenate([p.unmet_peak for p in parts]),
            np.concatenate([p.unmet_tonnes for p in parts]),
            worst,
        )


def simulate_plan(
    chain: ChainCase, market: CompiledMarket, values: Values, plan: Vector
) -> tuple[Ledger, float]:
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

    Returns
    -------
    tuple
        What it costs whom, and the worst residual or gap.

    Raises
    ------
    UnsolvedError
        If a month of a future is not solved to the accepted tolerance.
    """
    model, columns, network = chain.model, chain.columns, chain.network
    block = Block.of(model, values)
    own, count = model.network.activities, block.count

    def both(varied: Vector, whole: Vector) -> Vector:
        return np.hstack([varied, np.broadcast_to(whole[own:], (count, columns.size))])

    levels = reference = both(block.reference, network.reference)
    margin, slope = both(block.margin, network.margin), both(block.slope, network.slope)
    elasticity = both(block.elasticity, network.elasticity)
    cap = both(block.cap, network.cap)
    # What a contract earns is the buyer's, who pays for the right; the rest stands in one country.
    owner = np.concatenate([network.origin[:own], columns.destination])
    ledger = Ledger(replace(network, origin=owner), reference, margin, slope, elasticity, cap)
    prices = np.tile(network.row_price, (count, 1))
    left = np.zeros((count, columns.held.shape[1]))
    held = columns.held @ plan
    none = np.zeros((count, columns.size))
    worst = 0.0
    for t, month in enumerate(model.months):
        left += held[t] - held[t - 1] if t else held[t]
        limits = block.limits(t)
        stocks = levels[:, model.stores]
        offered = _offered(columns.capacity[:, t] @ plan, left, columns)
        variation = Variation(
            rhs=_rhs(block, stocks, limits),
            upper=np.hstack([_upper(block, t, levels[:, :own]), offered]),
            extra_margin=np.hstack([tax(block, t), none]),
            reference=reference, margin=margin, slope=slope, elasticity=elasticity,
            cap=cap,
        )  # fmt: skip
        result = _mended(market, market.solve_batch(variation, prices), variation)
        worst = max(worst, _accepted(result, f"{model.chain}, {month}"))
        ledger.add(result.levels, result.prices, stocks, limits)
        levels, prices = result.levels, result.prices
        for s in range(left.shape[1]):
            released = levels[:, own:][:, columns.stock_of == s].sum(axis=1)
            rest = left[:, s] - released
            # What rounding leaves of an empty stock would be a bound that no solver likes.
            left[:, s] = np.where(rest > _TRACE * held[t, s], rest, 0.0)
    return ledger, worst


def _upper(block: Block, month: int, levels: Vector) -> Vector:
    """Return the upper bounds of a month after `levels`, shape (future, activity)."""
    model = block.model
    finite = np.isfinite(block.capacity)
    left = np.where(finite, block.capacity, 0.0) * output_factor(block, month)
    return highest_levels(
        model.network, np.where(finite, left, np.inf), levels,
        growth=block.growth[:, None], growth_base=block.growth_base,
        rebuilt=block.rebuild[:, None] * block.reference[:, model.stores],
    )  # fmt: skip


def _rhs(block: Block, stocks: Vector, limits: Vector) -> Vector:
    """Return b of a month, t/month, shape (future, row)."""
    model = block.model
    out = np.zeros((block.count, model.network.row_kind.size))
    out[:, model.store_rows] -= stocks
    loose = NO_LIMIT * model.network.row_scale[model.limit_rows]
    out[:, model.limit_rows] = -np.where(np.isfinite(limits), limits, loose)
    return out


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


def _mended(market: CompiledMarket, result: BatchResult, variation: Variation) -> BatchResult:
    """Return the result with what Newton could not clear solved from reference prices or inside."""
    if not np.any(np.maximum(result.residual, result.gap) > ACCEPTED):
        return result
    fresh = market.solve_batch(variation, np.tile(market.problem.row_price, (len(result.gap), 1)))
    result = _better(result, fresh)
    bad = np.flatnonzero(np.maximum(result.residual, result.gap) > ACCEPTED)
    levels, prices = result.levels.copy(), result.prices.copy()
    residual, gap = result.residual.copy(), result.gap.copy()
    for i in bad:
        found = interior.solve(variation.of(int(i)).applied(market.problem))
        proof = found.certificate
        if max(proof.residual, proof.gap) < max(residual[i], gap[i]):
            levels[i], prices[i] = found.levels, found.prices
            residual[i], gap[i] = proof.residual, proof.gap
    return replace(result, levels=levels, prices=prices, residual=residual, gap=gap)


def _better(one: BatchResult, other: BatchResult) -> BatchResult:
    """Return of every future the answer that is proven better, the first if they are alike."""
    takes = np.maximum(other.residual, other.gap) < np.maximum(one.residual, one.gap)
    return replace(
        one,
        levels=np.where(takes[:, None], other.levels, one.levels),
        prices=np.where(takes[:, None], other.prices, one.prices),
        residual=np.where(takes, other.residual, one.residual),
        gap=np.where(takes, other.gap, one.gap),
    )


def _accepted(result: BatchResult, where: str) -> float:
    """Return the worst residual or gap of a month, if it is good enough."""
    worst = float(np.maximum(result.residual, result.gap).max())
    if not worst <= ACCEPTED:
        raise UnsolvedError(
            f"{where}: the market under a plan was not cleared (residual or gap {worst:.1e}). "
            "Please report the plan as a defect."
        )
    return worst
