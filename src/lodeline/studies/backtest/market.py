"""One year of a world market from its history: the market of a stress test, at the scale of years.

A row is the balance of the form in a country, a column a lane, the supply of an exporter or the use
of an importer: the same curves as in `lodeline.network.calibrate`, around the reference of the
history, which follows the last years. Trade is gross: what a country passes on of what it buys
(`re_export`) moves with its own balance, the rest of its exports is supply and the rest of its
imports is use. Restricting countries supply what they are said to supply and no more. A part of
the world's growth before the start moves the references of supply, use and lanes; the restriction
then moves prices and flows.

Use is a straight line here, not iso-elastic: over a year it tells volumes a little better, with the
same error of prices.

Quantities are t/year; prices are relative to that of the base years.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lodeline.network.network import PRICE_CAP
from lodeline.solver.compiled import BatchResult, CompiledMarket, Variation
from lodeline.solver.curves import CurveKind, Curves
from lodeline.solver.newton import Settings
from lodeline.solver.problem import MarketProblem
from lodeline.studies.backtest.history import History
from lodeline.studies.backtest.parameters import Parameters

__all__ = ["AnnualMarket", "Forecast", "deliveries"]

Vector = NDArray[np.float64]

ENTRY_COST = 0.15
"""Cost of a lane unused in the base years over the price, as in the chains of the package."""
_LEAST_LANE = 1e-5
"""Lanes below this share of world trade are left out of the market."""
_DUST = 1e-9
"""Smallest level of a supply or use, as a share of world trade."""
_FASTEST_TREND = 0.5
"""Largest growth rate that is believed, 1/year (log)."""
_TREND_YEARS = 3.0
"""Years after which a trend stops."""
_SETTINGS = Settings(tolerance=1e-8, max_iterations=100)


@dataclass(frozen=True)
class Forecast:
    """A year foretold, for one or more sets of parameters.

    Attributes
    ----------
    exports
        By exporter, t/year, shape (set, partner).
    exposed
        By exporter, what goes to buyers weighted by their exposure (`History.exposure`).
    imports
        By importer, from everybody, t/year, shape (set, partner).
    restricted
        Of these, from the restricting countries.
    log_price
        Price of what is used, weighted by use, natural logarithm of it over that of the base years,
        shape (set,), with what the unit value is expected to return by (`History.price_return`).
        Not a number where a forecast tells no price.
    is_solved
        Whether the market cleared, shape (set,); sets that did not are left out of means.
    """

    exports: Vector
    exposed: Vector
    imports: Vector
    restricted: Vector
    log_price: Vector
    is_solved: NDArray[np.bool_]

    @classmethod
    def joined(cls, parts: Sequence[Forecast]) -> Self:
        """Return the sets of several forecasts of one year as one."""
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)))

    def mean(self, weight: Vector) -> Forecast:
        """Return the mean over the sets, weighted by `weight`, shape (set,)."""
        weight = np.where(self.is_solved, weight, 0.0)
        weight = weight / weight.sum()
        return Forecast(
            exports=(weight @ self.exports)[None],
            exposed=(weight @ self.exposed)[None],
            imports=(weight @ self.imports)[None],
            restricted=(weight @ self.restricted)[None],
            log_price=np.atleast_1d(weight @ self.log_price),
            is_solved=np.ones(1, dtype=np.bool_),
        )


def deliveries(history: History, exports: Vector) -> Vector:
    """Return what restricting countries deliver if they keep their customers' shares.

    Targets are cut first, in proportion; if more is exported than before, all get more alike.

    Parameters
    ----------
    history
        Base flows and targets.
    exports
        Exports of the restricting countries, t/year, shape (partner,), zero for others.

    Returns
    -------
    Vector
        t/year, shape (exporter, importer), zero for exporters that do not restrict.
    """
    out = np.zeros_like(history.base)
    for r in np.flatnonzero(history.is_restricting):
        row, given = history.base[r], float(exports[r])
        spared = np.where(history.is_target, 0.0, row)
        hit = row - spared
        if row.sum() <= 0.0:
            continue
        if given >= row.sum() or hit.sum() <= 0.0:
            out[r] = row * (given / row.sum())
        elif given >= spared.sum():
            out[r] = spared + hit * ((given - spared.sum()) / hit.sum())
        else:
            out[r] = spared * (given / spared.sum())
    return out


class AnnualMarket:
    """The market of one history, whose pattern is analysed once.

    Parameters
    ----------
    history
        All that a forecast may know.
    """

    def __init__(self, history: History) -> None:
        self.history = history
        self.reference = history.reference
        world = history.world
        largest = history.flows.max(axis=0)
        is_used = self.reference > _LEAST_LANE * world
        is_lane = is_used | (largest > 10.0 * _LEAST_LANE * world)
        self.origin, self.destination = np.nonzero(is_lane)
        self.lane = self.reference[is_lane]
        self.largest = largest[is_lane]
        self.is_latent = self.lane <= _LEAST_LANE * world
        self.sources = np.unique(self.origin)
        self.users = np.unique(self.destination)
        self.nodes = np.union1d(self.sources, self.users)
        self.growth = _growth(history)

    @cached_property
    def _market(self) -> CompiledMarket:
        """Pattern and defaults: lanes, supply, use, in this order."""
        history = self.history
        lanes, sources, users = self.lane.size, self.sources.size, self.users.size
        row = {c: i for i, c in enumerate(self.nodes)}
        at = [np.array([row[c] for c in part]) for part in (
            self.origin, self.destination, self.sources, self.users)]  # fmt: skip
        column = np.arange(lanes + sources + users)
        rows = np.concatenate(at)
        columns = np.concatenate([column[:lanes], column])
        values = np.concatenate(
            [-np.ones(lanes), np.ones(lanes), np.ones(sources), -np.ones(users)]
        )
        kind = np.repeat([CurveKind.LINEAR, CurveKind.SUPPLY, CurveKind.LINEAR],
                         [lanes, sources, users]).astype(np.int8)  # fmt: skip
        hit = np.flatnonzero(
            history.is_restricting[self.origin] & history.is_target[self.destination]
        )
        count = self.nodes.size
        if self._has_target_limit:
            rows = np.concatenate([rows, np.full(hit.size, count)])
            columns = np.concatenate([columns, hit])
            values = np.concatenate([values, -np.ones(hit.size)])
            count += 1
        incidence = sparse.csc_array((values, (rows, columns)), shape=(count, column.size))
        incidence.sort_indices()
        exports, imports = self.reference.sum(axis=1), self.reference.sum(axis=0)
        reference = np.concatenate([self.lane, exports[self.sources], imports[self.users]])
        ones = np.ones(column.size)
        curves = Curves(
            kind=kind, reference=reference,
            margin=np.concatenate([ENTRY_COST * self.is_latent, np.ones(sources), -np.ones(users)]),
            slope=ones, price=ones, elasticity=ones, cap=PRICE_CAP * ones,
            lower=np.zeros(column.size), upper=np.full(column.size, np.inf),
        )  # fmt: skip
        scale = np.maximum(np.abs(incidence) @ reference, 1e-6 * history.world)
        problem = MarketProblem(
            incidence, np.zeros(count), np.zeros(count, dtype=bool), curves, np.ones(count), scale
        )
        return CompiledMarket(problem, _SETTINGS)

    @property
    def _has_target_limit(self) -> bool:
        """Whether some buyers of the restricting countries are spared."""
        history = self.history
        is_hit = history.is_target | history.is_restricting
        return bool(history.base[history.is_restricting][:, ~is_hit].sum() > 0.0)

    def forecast(
        self, parameters: Parameters, exports: Vector, *, year: int, elapsed: float
    ) -> Forecast:
        """Clear the market of a year.

        Parameters
        ----------
        parameters
            One or more sets.
        exports
            Exports of the restricting countries, t/year, shape (partner,) or (set, partner).
        year
            Calendar year to tell.
        elapsed
            Years since the start of the restriction.
        """
        variation = self._variation(parameters, np.atleast_2d(exports), year, max(elapsed, 0.5))
        return self._summary(self._market.solve_batch(variation))

    def _variation(self, p: Parameters, exports: Vector, year: int, elapsed: float) -> Variation:
        history = self.history
        sold, bought = self.reference.sum(axis=1), self.reference.sum(axis=0)
        ahead = min(year - history.centre, _TREND_YEARS)
        grown = np.exp(ahead * self.growth * p.trend)[:, None]
        passed_on = np.outer(p.re_export, np.minimum(sold, bought))
        dust = _DUST * history.world
        lane = self.lane * grown
        lane_scale = np.maximum(lane, (1.0 - p.stickiness)[:, None] * self.largest)
        lane_room = np.maximum(lane, self.largest) * (1.0 + np.outer(p.lane_growth, [elapsed]))
        is_held = history.is_restricting[self.sources]
        held = np.broadcast_to(np.maximum(exports, dust), (p.size, sold.size))[:, self.sources]
        supply = np.maximum(grown * sold - passed_on, dust)[:, self.sources]
        room = supply * (1.0 + np.outer(p.surge, [elapsed]))
        # What the restricting countries export is given: a supply without a choice. Their lanes
        # may grow freely, or it could not leave.
        supply, room = np.where(is_held, held, supply), np.where(is_held, held, room)
        least = np.where(is_held, held, 0.0)
        lane_room = np.where(history.is_restricting[self.origin], np.inf, lane_room)
        use = np.maximum(grown * bought - passed_on, dust)[:, self.users]
        demand = p.demand_elasticity * max(elapsed, 1.0) ** p.demand_delay
        elasticity = np.concatenate(
            [np.broadcast_to(e[:, None], shape.shape)
             for e, shape in ((p.trade_elasticity, lane), (p.supply_elasticity, supply),
                              (demand, use))], axis=1,
        )  # fmt: skip
        scale = np.maximum(np.concatenate([lane_scale, supply, use], axis=1), dust)
        return Variation(
            rhs=self._rhs(exports),
            reference=np.concatenate([lane, supply, use], axis=1),
            elasticity=elasticity,
            slope=1.0 / (elasticity * scale),
            lower=np.concatenate([np.zeros_like(lane), least, np.zeros_like(use)], axis=1),
            upper=np.concatenate([lane_room, room, np.full_like(use, np.inf)], axis=1),
        )

    def _rhs(self, exports: Vector) -> Vector | None:
        """Return minus what the targets may get, where some buyers are spared."""
        if not self._has_target_limit:
            return None
        target = self.history.is_target
        allowed = [deliveries(self.history, row)[:, target].sum() for row in exports]
        out = np.zeros((len(allowed), self.nodes.size + 1))
        out[:, -1] = -np.asarray(allowed)
        return out if len(allowed) > 1 else out[0]

    def _summary(self, result: BatchResult) -> Forecast:
        history, lanes = self.history, self.lane.size
        level = result.levels[:, :lanes]
        count = len(history.partners)
        leaves = np.zeros((lanes, count))
        leaves[np.arange(lanes), self.origin] = 1.0
        arrives = np.zeros((lanes, count))
        arrives[np.arange(lanes), self.destination] = 1.0
        use = result.levels[:, lanes + self.sources.size :]
        price = result.prices[:, np.searchsorted(self.nodes, self.users)]
        world = (price * use).sum(axis=1) / np.maximum(use.sum(axis=1), _DUST * history.world)
        is_restricted = history.is_restricting[self.origin]
        return Forecast(
            exports=level @ leaves,
            exposed=(level * history.exposure[self.destination]) @ leaves,
            imports=level @ arrives,
            restricted=level[:, is_restricted] @ arrives[is_restricted],
            log_price=np.log(np.clip(world, 1e-3, PRICE_CAP)) + history.price_return,
            is_solved=result.is_solved,
        )


def _growth(history: History) -> float:
    """Return the growth rate of the form's world trade up to the base years, 1/year (log).

    From the mean of the three years before the base years to that of the base years. A decline
    counts as zero: what was built stays. The growth of single countries is left alone: it
    foretells nothing.
    """
    years, world = np.array(history.years), history.flows.sum(axis=(1, 2))
    is_base = np.isin(years, history.base_years)
    early = np.flatnonzero((years < history.base_years[0]) & (world > 0.0))[-3:]
    if early.size == 0:
        return 0.0
    rate = np.log(world[is_base].mean() / world[early].mean())
    rate /= years[is_base].mean() - years[early].mean()
    return float(np.clip(rate, 0.0, _FASTEST_TREND))
