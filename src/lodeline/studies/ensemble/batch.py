"""Many scenarios of one chain, side by side, month by month.

What differs between scenarios never touches A: behaviour changes slopes, capacities and stocks,
restrictions change limits, taxes and output. `ChainModel` calibrates the network once and keeps
what is needed to turn drawn numbers into the arrays that `calibrate` and `compile_schedule` would
give for each scenario by itself (a test compares them).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lodeline.network import ActivityKind, BaseYear, Limit, Network, RowKind
from lodeline.scenarios.compile import compile_schedule
from lodeline.scenarios.effects import approved_share
from lodeline.scenarios.ensemble_spec import Ensemble
from lodeline.scenarios.restrictions import Licence, Outage, Restriction, Tax
from lodeline.solver.compiled import CompiledMarket
from lodeline.solver.newton import Settings
from lodeline.solver.problem import MarketProblem
from lodeline.studies.ensemble.factors import Factor, restrictions_of
from lodeline.studies.ensemble.restrictions import (
    Limiting,
    Months,
    Timing,
    allowed_flow,
    check_side_by_side,
    lost_share,
)

__all__ = ["Block", "ChainModel"]

Vector = NDArray[np.float64]
Values = Mapping[str, Vector]

_TOLERANCE = 1e-9
"""Row residual at which a month is solved: the whole certificate is then within 1e-8.

A tenth of it is at times beneath the rounding of prices where large and small countries meet.
"""

_LEAST_DAYS = 1e-6
"""A stock of zero days keeps a trace: a column without a reference has no slope."""

_ELASTICITY = {
    ActivityKind.PRODUCE: "supply_elasticity",
    ActivityKind.PROCESS: "processing_elasticity",
    ActivityKind.SERVE: "processing_elasticity",
    ActivityKind.SHIP: "trade_elasticity",
    ActivityKind.USE: "demand_elasticity",
    ActivityKind.STORE: "stock_elasticity",
}


@dataclass(frozen=True)
class Effect:
    """A restriction and the activities or the limits that it acts on."""

    event: str
    restriction: Restriction
    where: NDArray[np.intp]


class ChainModel:
    """One chain of an ensemble: the network, and what scenarios change in it.

    Parameters
    ----------
    ensemble
        The specification.
    base
        Base year of the chain.
    factors
        All factors of the ensemble.
    message
        See `CompiledMarket`.
    """

    def __init__(
        self,
        ensemble: Ensemble,
        base: BaseYear,
        factors: Sequence[Factor],
        *,
        message: Callable[[str], None] | None = None,
    ) -> None:
        self.chain = base.chain.id
        self.months = ensemble.calendar
        self._ranges = {f.key: f for f in factors}
        pairs = restrictions_of(ensemble, self.chain)
        self.restrictions = tuple(r for _, r in pairs)
        for restriction in self.restrictions:
            check_side_by_side(restriction)
        event_of = {r.id: e.name for e, r in pairs}
        filled = self._with_full_stocks(base)
        schedule = compile_schedule(filled, self.restrictions, self.months[:1])
        self.network: Network = schedule.network
        self.effects = tuple(
            Effect(event_of[r.id], r, where)
            for r in self.restrictions
            for where in [_where(filled, self.restrictions, r, self.network)]
        )
        self.problem: MarketProblem = self.network.problem()
        settings = Settings(tolerance=_TOLERANCE)
        self.market = CompiledMarket(self.problem, settings, message=message)
        self._index(filled)
        self.lines: Any = None
        """Where everything lies in the compiled order; see `simulate`."""

    def number(self, values: Values, name: str) -> Vector:
        """Return the drawn values of a number of this chain, shape (scenario,)."""
        return values[f"{self.chain}.{name}"]

    def _with_full_stocks(self, base: BaseYear) -> BaseYear:
        """Return the base year with stocks at the upper ends, so that each has its column."""
        chain = base.chain
        top = self._ranges[f"{self.chain}.behaviour.stock_days"].high
        days = chain.behaviour.stock_days.model_copy(update={"value": top, "high": top})
        stocks = []
        for k, stock in enumerate(chain.stocks):
            most = self._ranges[self._stock_keys(base)[k]].high
            held = stock.days.model_copy(update={"value": most, "high": most})
            stocks.append(stock.model_copy(update={"days": held}))
        changed = {"stock_days": days}
        if chain.behaviour.trader_days is not None:
            most = self._ranges[f"{self.chain}.behaviour.trader_days"].high
            held = chain.behaviour.trader_days
            changed["trader_days"] = held.model_copy(update={"value": most, "high": most})
        behaviour = chain.behaviour.model_copy(update=changed)
        full = chain.model_copy(update={"behaviour": behaviour, "stocks": tuple(stocks)})
        return replace(base, chain=full)

    def _stock_keys(self, base: BaseYear) -> list[str]:
        return [
            f"{self.chain}.stocks.{s.country}.{s.form}"
            if s.form
            else f"{self.chain}.stocks.{s.country}"
            for s in base.chain.stocks
        ]

    def _index(self, base: BaseYear) -> None:
        """Keep where each kind of number goes."""
        network = self.network
        self.lanes = network.of_kind(ActivityKind.SHIP)
        self.stores = network.of_kind(ActivityKind.STORE)
        self.store_rows = network.store_rows()
        self.limit_rows = np.flatnonzero(network.row_kind == RowKind.LIMIT)
        self.stock_keys = self._stock_keys(base)
        countries, forms = np.array(network.countries), np.array(network.forms)
        at, of = countries[network.origin[self.stores]], forms[network.form[self.stores]]
        self.holds = np.array(
            [
                (at == s.country) & ((of == s.form) if s.form is not None else True)
                for s in base.chain.stocks
            ],
            dtype=float,
        ).reshape(len(base.chain.stocks), self.stores.size)
        state = np.array([s.days.value for s in base.chain.stocks])
        days = state @ self.holds + base.chain.behaviour.stock_days.value
        traders = base.chain.behaviour.trader_days
        self.has_traders = traders is not None
        days = days + (traders.value if traders is not None else 0.0)
        self.stock_per_day = network.reference[self.stores] / days
        self.surging = np.flatnonzero(np.isfinite(network.capacity))
        # Where layers share a capacity, their recipes and blends keep the calibrated elasticity.
        drawn = np.isin(network.kind, list(_ELASTICITY))
        drawn &= (network.kind != ActivityKind.PROCESS) | np.isfinite(network.capacity)
        self.drawn_elasticity = {
            name: np.flatnonzero(
                drawn & np.isin(network.kind, [k for k, v in _ELASTICITY.items() if v == name])
            )
            for name in dict.fromkeys(_ELASTICITY.values())
        }
        rows = network.row_kind.size - self.limit_rows.size
        self.free_margin = network.incidence[:rows].T @ network.row_price[:rows]
        self.latent = np.flatnonzero(network.is_latent)
        self.by_use = [_by_use(network, self.restrictions, m) for m in network.limits]
        self.cut = self._hit_by(Outage)
        self.taxed = self._hit_by(Tax)

    def _hit_by(self, kind: type[Restriction]) -> NDArray[np.intp]:
        """Return the activities that restrictions of a kind act on, sorted."""
        where = [e.where for e in self.effects if isinstance(e.restriction, kind)]
        return np.unique(np.concatenate([np.arange(0), *where]))


def _by_use(
    network: Network, restrictions: Sequence[Restriction], limit: Limit
) -> tuple[float, float]:
    """Return what a licence approves at an approval share of 0, and how much more at 1."""
    own = next(r for r in restrictions if limit.label.startswith(f"{r.id}: "))
    if not isinstance(own, Licence) or not own.approval_by_use:
        return 0.0, 1.0
    none, all_ = (
        own.model_copy(update={"approval_share": type(own.approval_share)(value=v, low=v, high=v)})
        for v in (0.0, 1.0)
    )
    least = approved_share(network, none, limit)
    return least, approved_share(network, all_, limit) - least


def _where(
    base: BaseYear, restrictions: Sequence[Restriction], own: Restriction, network: Network
) -> NDArray[np.intp]:
    """Return the activities (tax, outage) or limits (else) that a restriction acts on."""
    if not isinstance(own, Tax | Outage):
        prefix = f"{own.id}: "
        labels = [m.label.startswith(prefix) for m in network.limits]
        return np.flatnonzero(labels)
    # Compiled alone at full force beside the others at none, its marks are its own.
    probes = [_probe(r, 1.0 if r.id == own.id else 0.0) for r in restrictions]
    schedule = compile_schedule(base, probes, [own.start])
    marks = schedule.tax[0] if isinstance(own, Tax) else 1.0 - schedule.output_factor[0]
    return np.flatnonzero(marks != 0.0)


def _probe(restriction: Restriction, force: float) -> Restriction:
    if isinstance(restriction, Tax):
        rate = type(restriction.rate)(value=force, low=force, high=force)
        return restriction.model_copy(update={"rate": rate})
    if isinstance(restriction, Outage):
        share = type(restriction.severity)(value=force, low=force, high=force)
        return restriction.model_copy(update={"severity": share})
    return restriction


def _caps(model: ChainModel, values: Values, count: int) -> Vector:
    """Return the price caps, USD/t, shape (scenario, activity); see `price_caps`."""
    network, base = model.network, model.network.base
    caps = np.tile(network.cap, (count, 1))
    for f, form in enumerate(base.chain.forms):
        if form.onward_price is not None:
            worth = model.number(values, f"forms.{form.id}.onward_price")[:, None]
            uses = np.flatnonzero((network.kind == ActivityKind.USE) & (network.form == f))
            caps[:, uses] = network.price[uses] * worth
    return caps


_ARRAYS = ("reference", "margin", "slope", "elasticity", "cap", "capacity", "growth",
           "growth_base", "rebuild")  # fmt: skip
"""What a block holds of each scenario."""


@dataclass
class Block:
    """Arrays of a block of scenarios: what months share, then what each month changes.

    Attributes
    ----------
    reference, margin, slope, elasticity, cap, capacity
        As in `Network`, shape (scenario, activity).
    growth, growth_base, rebuild
        As in `Network`, shapes (scenario,), (scenario, lane), (scenario,).
    """

    model: ChainModel
    values: Values
    reference: Vector
    margin: Vector
    slope: Vector
    elasticity: Vector
    cap: Vector
    capacity: Vector
    growth: Vector
    growth_base: Vector
    rebuild: Vector

    @classmethod
    def of(cls, model: ChainModel, values: Values) -> Block:
        """Return the block of drawn values, each of shape (scenario,)."""
        network = model.network
        count = next(iter(values.values())).size
        size = network.activities
        stocks = [values[k] for k in model.stock_keys]
        days = np.zeros((count, model.stores.size))
        for held, where in zip(stocks, model.holds, strict=True):
            days += held[:, None] * where
        if model.has_traders:
            days += model.number(values, "behaviour.trader_days")[:, None]
        days = np.maximum(model.number(values, "behaviour.stock_days")[:, None] + days, _LEAST_DAYS)
        reference = np.tile(network.reference, (count, 1))
        reference[:, model.stores] = days * model.stock_per_day
        elasticity = np.tile(network.elasticity, (count, 1))
        for name, where in model.drawn_elasticity.items():
            elasticity[:, where] = model.number(values, f"behaviour.{name}")[:, None]
        scale = np.tile(network.scale, (count, 1))
        scale[:, model.stores] = reference[:, model.stores]
        capacity = np.full((count, size), np.inf)
        surge = model.number(values, "behaviour.surge")[:, None]
        capacity[:, model.surging] = network.reference[model.surging] * (1.0 + surge)
        growth = model.number(values, "behaviour.lane_growth")
        margin = np.tile(model.free_margin, (count, 1))
        entry = model.number(values, "behaviour.entry_cost")[:, None]
        margin[:, model.latent] += entry * network.price[model.latent]
        return cls(
            model=model, values=values, reference=reference, margin=margin,
            slope=network.price / (elasticity * scale), elasticity=elasticity,
            cap=_caps(model, values, count), capacity=capacity,
            growth=growth, growth_base=growth[:, None] * network.scale[model.lanes],
            rebuild=model.number(values, "behaviour.rebuild"),
        )  # fmt: skip

    @property
    def count(self) -> int:
        """Number of scenarios."""
        return int(self.reference.shape[0])

    def timing(self, effect: Effect) -> Timing:
        """Return when a restriction is in force in each scenario."""
        first = self.model.months[0]
        delay = self.values[f"{effect.event}.delay_months"]
        start = (effect.restriction.start - first) + delay
        lasts = self.values.get(f"{effect.event}.duration_months")
        if lasts is not None:
            end = start + lasts - 1.0
        elif effect.restriction.end is not None:
            end = (effect.restriction.end - first) + delay
        else:
            end = np.full(self.count, np.inf)
        return Timing(self.values[f"{effect.event}.happens"] > 0.0, start, end)

    def ordered(self, chosen: NDArray[np.intp], spare: Callable[[str, int, int], Vector]) -> Block:
        """Return the block of chosen scenarios, in their order.

        Parameters
        ----------
        chosen
            Which of this block's scenarios.
        spare
            Gives an array to use: of which name, scenarios and columns.
        """
        own = {k: v[chosen] for k, v in self.values.items()}
        arrays = {}
        for name in _ARRAYS:
            given = getattr(self, name)
            out = spare(name, chosen.size, math.prod(given.shape[1:]))
            arrays[name] = out.reshape(chosen.size, *given.shape[1:])
            # Without a mode numpy would go by way of another copy.
            np.take(given, chosen, axis=0, out=arrays[name], mode="clip")
        return Block(model=self.model, values=own, **arrays)

    def limits(self, month: Months) -> Vector:
        """Return what may pass, t/month, shape (scenario, limit); infinite: no limit.

        Months with the axis that scenarios lie along, shape (month, 1), come first in the shape of
        what is returned; so everywhere below.
        """
        limits = self.model.network.limits
        out = np.full((*np.shape(month)[:1], self.count, len(limits)), np.inf)
        for effect in self.model.effects:
            if isinstance(effect.restriction, Limiting):
                timing = self.timing(effect)
                for k in effect.where:
                    out[..., k] = allowed_flow(
                        effect.restriction, limits[k].reference, timing, month,
                        self.values, by_use=self.model.by_use[k],
                    )  # fmt: skip
        return out

    def capacity_left(self, month: Months) -> Vector:
        """Return the share of capacity left to what outages hit, shape (scenario, cut)."""
        cut = self.model.cut
        # The surge above the reference is lost with the first tonne: x ≤ (1 − s) x̄.
        whole = self.reference[:, cut] / self.capacity[:, cut]
        shape = (*np.shape(month)[:1], *whole.shape)
        out, is_hit = np.ones(shape), np.zeros(shape, dtype=np.bool_)
        for effect in self.model.effects:
            if isinstance(effect.restriction, Outage):
                lost = lost_share(effect.restriction, self.timing(effect), month, self.values)
                hit = np.isin(cut, effect.where) & (lost[..., None] > 0.0)
                out *= np.where(hit, (1.0 - lost)[..., None], 1.0)
                is_hit |= hit
        # A second outage of the same plants finds the surge gone already.
        return np.where(is_hit, out * whole, out)

    def is_restricted(self, month: Months) -> NDArray[np.bool_]:
        """Return whether anything acts in a month, shape (scenario,)."""
        out = np.zeros((*np.shape(month)[:1], self.count), dtype=np.bool_)
        for effect in self.model.effects:
            timing = self.timing(effect)
            if isinstance(effect.restriction, Outage):
                out |= lost_share(effect.restriction, timing, month, self.values) > 0.0
            else:
                out |= timing.in_force(month)
        return out

    def tax_paid(self, month: Months) -> Vector:
        """Return the tax on what is taxed, USD/t, shape (scenario, taxed)."""
        taxed = self.model.taxed
        out = np.zeros((*np.shape(month)[:1], self.count, taxed.size))
        for effect in self.model.effects:
            if isinstance(effect.restriction, Tax):
                rate = self.values[f"{effect.restriction.id}.rate"]
                rate = np.where(self.timing(effect).in_force(month), rate, 0.0)
                hit = np.isin(taxed, effect.where)
                out += rate[..., None] * (hit * self.model.network.price[taxed])
        return out
