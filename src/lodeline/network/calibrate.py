"""From a balanced base year to a network: every activity gets its curve.

The slope of marginal cost is ``h = P / (ε · max(x̄, s))``: at the reference a relative rise of the
price by one per cent moves the activity by ε per cent. P is a price level (destination price of a
lane, value of output of a recipe, own price otherwise), never a price difference. The margin at the
reference is ``(Aᵀp̄) + c⁰``, so the base year is the equilibrium (positive mathematical
programming: Howitt 1995, Amer. J. Agr. Econ. 77, 329-342).

With an `Origin` the layered forms have two nodes in each country outside the restricting set
(free and restricted-origin material) and a pool from which users draw; inside it, one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lodeline.network.base_year import BaseYear
from lodeline.network.chain import Behaviour
from lodeline.network.network import PRICE_CAP, ActivityKind, Layer, Network, RowKind
from lodeline.network.origin import Origin
from lodeline.network.price_caps import price_caps
from lodeline.network.return_lanes import return_lanes
from lodeline.network.stocks import StockPolicy, StockRule
from lodeline.solver.curves import CurveKind, Vector
from lodeline.units import DAYS_PER_YEAR, MONTHS_PER_YEAR

__all__ = ["calibrate"]

BLEND_ELASTICITY = 20.0
"""How readily users and processors swap one layer for the other: moving all of it costs about a
twentieth of the price. Assumed; nodes are homogeneous, so this only keeps the problem regular."""
_SCALE_FLOOR = 1e-9


def calibrate(
    base: BaseYear,
    behaviour: Behaviour | None = None,
    *,
    origin: Origin | None = None,
    stocks: StockRule | None = None,
    stopped: Collection[tuple[int, int]] = (),
) -> Network:
    """Return the network of a base year.

    Parameters
    ----------
    base
        Balanced flows.
    behaviour
        Elasticities and limits; default those of the chain.
    origin
        Keeps restricted-origin material apart; default one layer.
    stocks
        Keeps reserves apart from the stocks of users, and says how they are released; default one
        stock in each place, sold as its price rises.
    stopped
        Form and country of makers whose works may stand still: they can buy back, see
        `return_lanes`.
    """
    behaviour = behaviour or base.chain.behaviour
    build = _Builder(base, behaviour, origin, stocks, stopped)
    build.add_nodes()
    build.add_outputs()
    build.add_recipes()
    build.add_lanes()
    build.add_uses()
    build.add_stocks()
    return build.network()


@dataclass
class _Column:
    kind: ActivityKind
    form: int
    origin: int
    destination: int
    entries: Sequence[tuple[int, float]]
    reference: float
    price: float
    elasticity: float
    scale: float
    layer: Layer = Layer.ALL
    recipe: int = -1
    curve: CurveKind = CurveKind.LINEAR
    cap: float = np.inf
    capacity: float = np.inf
    growth_base: float = 0.0
    entry_cost: float = 0.0
    margin: float | None = None
    is_latent: bool = False
    is_reserve: bool = False


@dataclass
class _Builder:
    base: BaseYear
    behaviour: Behaviour
    origin: Origin | None
    stocks: StockRule | None = None
    stopped: Collection[tuple[int, int]] = ()
    rows: list[tuple[RowKind, int, int, Layer, float]] = field(default_factory=list)
    columns: list[_Column] = field(default_factory=list)
    node: dict[tuple[int, int, Layer], int] = field(default_factory=dict)
    pool: dict[tuple[int, int], int] = field(default_factory=dict)
    common: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        base = self.base
        self.n = len(base.countries)
        self.world = np.array([self._world(f) for f in range(len(base.forms))])

    def _world(self, f: int) -> float:
        level = self.base.lane_level[self.base.lane_form == f].sum()
        return (
            float(level + self.base.produced[f].sum() + self.base.used[f].sum()) / MONTHS_PER_YEAR
        )

    # rows

    def add_nodes(self) -> None:
        """Add a balance for every form, country and layer with material, and the pools."""
        throughput = self._throughput()
        for f in range(len(self.base.forms)):
            for c in range(self.n):
                if throughput[f, c] <= 0.0:
                    continue
                for layer, share in self._layers(f, c):
                    if share > 0.0 or layer is not Layer.RESTRICTED:
                        self.node[f, c, layer] = self._row(RowKind.BALANCE, f, c, layer)
                if self._is_split(f, c) and self.base.used[f, c] > 0.0:
                    self.pool[f, c] = self._row(RowKind.POOL, f, c, Layer.ALL)

    def _throughput(self) -> Vector:
        base = self.base
        out = base.produced + base.absorbed()
        np.add.at(out, (base.lane_form, base.lane_destination), base.lane_level)
        np.add.at(out, (base.lane_form, base.lane_origin), base.lane_level)
        ids = list(base.forms)
        for r, recipe in enumerate(base.chain.recipes):
            out[ids.index(recipe.makes)] += base.processed[r]
        return np.asarray(out)

    def _row(
        self, kind: RowKind, form: int, country: int, layer: Layer, price: float | None = None
    ) -> int:
        self.rows.append(
            (kind, form, country, layer, float(self.base.prices[form]) if price is None else price)
        )
        return len(self.rows) - 1

    def _is_layered(self, f: int) -> bool:
        return self.origin is not None and bool(self.origin.is_layered[f])

    def _is_split(self, f: int, c: int) -> bool:
        """Return whether the country keeps two layers of the form."""
        origin = self.origin
        return origin is not None and bool(origin.is_layered[f]) and not origin.restrictors[c]

    def _layers(self, f: int, c: int) -> list[tuple[Layer, float]]:
        """Return the layers of a node and their shares of its supply."""
        if self.origin is None or not self.origin.is_layered[f]:
            return [(Layer.ALL, 1.0)]
        if self.origin.restrictors[c]:
            return [(Layer.RESTRICTED, 1.0)]
        share = float(self.origin.share[f, c])
        return [(Layer.FREE, 1.0 - share), (Layer.RESTRICTED, share)]

    def _arrives(self, f: int, c: int, layer: Layer) -> int | None:
        """Return the node in which material of a layer arrives in a country; None: nobody there."""
        if self._is_layered(f) and not self._is_split(f, c):
            layer = Layer.RESTRICTED
        return self.node.get((f, c, layer))

    # columns

    def add_outputs(self) -> None:
        """Add direct output: iso-elastic supply up to the surge."""
        b = self.behaviour
        for f in range(len(self.base.forms)):
            price = float(self.base.prices[f])
            for c in _positive(self.base.produced[f]):
                level = float(self.base.produced[f, c]) / MONTHS_PER_YEAR
                layer = self._layers(f, c)[0][0]
                self.columns.append(
                    _Column(
                        ActivityKind.PRODUCE, f, c, c, [(self.node[f, c, layer], 1.0)],
                        level, price, b.supply_elasticity.value, level, layer,
                        curve=CurveKind.SUPPLY, capacity=level * (1.0 + b.surge.value),
                    )
                )  # fmt: skip

    def add_recipes(self) -> None:
        """Add recipes; where layers meet, one capacity serves the variants of all layers."""
        ids = list(self.base.forms)
        for r, recipe in enumerate(self.base.chain.recipes):
            made = ids.index(recipe.makes)
            inputs = [(ids.index(k), v.value) for k, v in recipe.inputs.items()]
            for c in _positive(self.base.processed[r]):
                level = float(self.base.processed[r, c]) / MONTHS_PER_YEAR
                if self._is_split(made, c) and any(self._is_layered(k) for k, _ in inputs):
                    self._add_layered_recipe(r, made, inputs, c, level)
                else:
                    self._add_recipe(r, made, inputs, c, level)

    def _add_recipe(
        self, r: int, made: int, inputs: list[tuple[int, float]], c: int, level: float
    ) -> None:
        b = self.behaviour
        layer = self._layers(made, c)[0][0]
        entries = [(self.node[made, c, layer], 1.0)]
        entries += [(self.node[k, c, self._layers(k, c)[0][0]], -v) for k, v in inputs]
        self.columns.append(
            _Column(
                ActivityKind.PROCESS, made, c, c, entries, level, float(self.base.prices[made]),
                b.processing_elasticity.value, level, layer, recipe=r,
                capacity=level * (1.0 + b.surge.value),
            )
        )  # fmt: skip

    def _add_layered_recipe(
        self, r: int, made: int, inputs: list[tuple[int, float]], c: int, level: float
    ) -> None:
        b = self.behaviour
        price = float(self.base.prices[made])
        service = self._row(RowKind.SERVICE, made, c, Layer.ALL, price)
        self.columns.append(
            _Column(
                ActivityKind.SERVE, made, c, c, [(service, 1.0)], level, price,
                b.processing_elasticity.value, level, recipe=r,
                capacity=level * (1.0 + b.surge.value),
            )
        )  # fmt: skip
        kept_apart = next(k for k, _ in inputs if self._is_layered(k))
        for layer, share in self._layers(kept_apart, c):
            if (made, c, layer) not in self.node:
                continue
            source = [self._layers(k, c)[0][0] if k != kept_apart else layer for k, _ in inputs]
            if any((k, c, s) not in self.node for (k, _), s in zip(inputs, source, strict=True)):
                continue
            entries = [(self.node[made, c, layer], 1.0), (service, -1.0)]
            entries += [(self.node[k, c, s], -v) for (k, v), s in zip(inputs, source, strict=True)]
            self.columns.append(
                _Column(
                    ActivityKind.PROCESS, made, c, c, entries, share * level, price,
                    BLEND_ELASTICITY, level, layer, recipe=r,
                )
            )  # fmt: skip

    def add_lanes(self) -> None:
        """Add lanes with a flow, and at an entry cost latent ones and those for buying back."""
        base = self.base
        for f, i, j, level in zip(
            base.lane_form, base.lane_origin, base.lane_destination, base.lane_level, strict=True
        ):
            self._add_lane(int(f), int(i), int(j), float(level) / MONTHS_PER_YEAR, is_latent=False)
        for f, i, j, level in zip(
            base.latent_form,
            base.latent_origin,
            base.latent_destination,
            base.latent_level,
            strict=True,
        ):
            self._add_lane(int(f), int(i), int(j), float(level) / MONTHS_PER_YEAR, is_latent=True)
        for f, i, j, level in return_lanes(base, self.stopped):
            self._add_lane(f, i, j, level / MONTHS_PER_YEAR, is_latent=True)

    def _add_lane(self, f: int, i: int, j: int, level: float, *, is_latent: bool) -> None:
        b = self.behaviour
        price = float(self.base.prices[f])
        for layer, share in self._layers(f, i):
            leaves, arrives = self.node.get((f, i, layer)), self._arrives(f, j, layer)
            if share <= 0.0 or leaves is None or arrives is None or leaves == arrives:
                continue
            flow = share * level
            scale = max(flow, _SCALE_FLOOR * float(self.world[f])) if is_latent else flow
            self.columns.append(
                _Column(
                    ActivityKind.SHIP, f, i, j, [(leaves, -1.0), (arrives, 1.0)],
                    0.0 if is_latent else flow, price, b.trade_elasticity.value, scale, layer,
                    growth_base=b.lane_growth.value * scale,
                    entry_cost=b.entry_cost.value * price if is_latent else 0.0,
                    is_latent=is_latent,
                )
            )  # fmt: skip

    def add_uses(self) -> None:
        """Add final use, drawn from the pool where there are layers."""
        b, caps = self.behaviour, price_caps(self.base)
        for f in range(len(self.base.forms)):
            price = float(self.base.prices[f])
            for c in _positive(self.base.used[f]):
                level = float(self.base.used[f, c]) / MONTHS_PER_YEAR
                row = self.pool.get((f, c))
                if row is None:
                    layer = self._layers(f, c)[0][0]
                    row = self.node[f, c, layer]
                else:
                    for layer, share in self._layers(f, c):
                        if (f, c, layer) in self.node:
                            self.columns.append(
                                _Column(
                                    ActivityKind.BLEND, f, c, c,
                                    [(self.node[f, c, layer], -1.0), (row, 1.0)],
                                    share * level, price, BLEND_ELASTICITY, level, layer,
                                )
                            )  # fmt: skip
                self.columns.append(
                    _Column(
                        ActivityKind.USE, f, c, c, [(row, -1.0)], level, price,
                        b.demand_elasticity.value, level, curve=CurveKind.USE,
                        cap=price * float(caps[f]),
                    )
                )  # fmt: skip

    def add_stocks(self) -> None:
        """Add storage: what is held falls as the price rises over the expected one."""
        b = self.behaviour
        absorbed = self.base.absorbed()
        for f, form in enumerate(self.base.forms):
            for c in _positive(absorbed[f]):
                a_day = float(absorbed[f, c]) / DAYS_PER_YEAR
                state = self._state_days(form, self.base.countries[c])
                held = b.stock_days.value + (b.trader_days.value if b.trader_days else 0.0)
                if self.stocks is None:
                    held, state = held + state, 0.0
                for layer, share in self._layers(f, c):
                    if (f, c, layer) not in self.node:
                        continue
                    self._add_stock(f, c, layer, held * a_day * share)
                    if state > 0.0:
                        self._add_reserve(f, c, layer, state * a_day * share)
            self._add_joint_release(f)

    def _add_stock(self, f: int, c: int, layer: Layer, stock: float) -> None:
        if stock <= 0.0:
            return
        self.columns.append(
            _Column(
                ActivityKind.STORE, f, c, c, [(self.node[f, c, layer], -1.0)], stock,
                float(self.base.prices[f]), self.behaviour.stock_elasticity.value, stock, layer,
            )
        )  # fmt: skip

    def _add_reserve(self, f: int, c: int, layer: Layer, stock: float) -> None:
        """Add what a state holds: as users' stock, or full up to the trigger and empty later.

        With a trigger θ and the price e at which it is empty the marginal value of the stock is
        ``(θ + (e − θ)(1 − x/x̄)) p̄``: a straight curve that the upper bound x̄ cuts off at θ p̄.
        """
        rule, price = self.stocks, float(self.base.prices[f])
        assert rule is not None
        if stock <= 0.0:
            return
        row = self.node[f, c, layer]
        if rule.policy is StockPolicy.JOINT and self.base.countries[c] in rule.coalition:
            if f not in self.common:
                self.common[f] = self._row(RowKind.RESERVE, f, -1, Layer.ALL)
            row = self.common[f]
        elasticity = self.behaviour.stock_elasticity.value
        if rule.has_trigger:
            elasticity = 1.0 / (rule.empty_at - rule.trigger)
        self.columns.append(
            _Column(
                ActivityKind.STORE, f, c, c, [(row, -1.0)], stock, price, elasticity, stock, layer,
                capacity=stock if rule.has_trigger else np.inf,
                entry_cost=(1.0 - rule.trigger) * price if rule.has_trigger else 0.0,
                is_reserve=True,
            )
        )  # fmt: skip

    def _add_joint_release(self, f: int) -> None:
        """Let every member of the coalition draw on the common reserve of a form, and refill it.

        Who holds none draws, and refills nothing.
        """
        row, rule = self.common.get(f), self.stocks
        if row is None or rule is None:
            return
        price = float(self.base.prices[f])
        for iso3 in rule.coalition:
            c = self.base.countries.index(iso3) if iso3 in self.base.countries else -1
            node = next(
                (self.node[f, c, y] for y in (Layer.FREE, Layer.ALL, Layer.RESTRICTED)
                 if (f, c, y) in self.node), None
            )  # fmt: skip
            if node is None:
                continue
            absorbed = float(self.base.absorbed()[f, c])
            scale = max(absorbed / MONTHS_PER_YEAR, _SCALE_FLOOR * float(self.world[f]))
            # No faster than its own reserve is rebuilt: else what one member sells would reach
            # another at once, through the reserve and past lanes, bans and closures.
            own = self._state_days(self.base.forms[f], iso3) * absorbed / DAYS_PER_YEAR
            refill = self.behaviour.rebuild.value * own
            for takes, gives, most in ((row, node, np.inf), (node, row, refill)):
                if most > 0.0:
                    self.columns.append(
                        _Column(
                            ActivityKind.BLEND, f, c, c, [(takes, -1.0), (gives, 1.0)], 0.0, price,
                            BLEND_ELASTICITY, scale, capacity=most,
                        )
                    )  # fmt: skip

    def _state_days(self, form: str, country: str) -> float:
        """Return what a state holds of a form, in days of the country's own use."""
        return sum(
            s.days.value
            for s in self.base.chain.stocks
            if s.country == country and s.form in (None, form)
        )

    # assembly

    def network(self) -> Network:
        """Put rows and columns together."""
        cols = self.columns
        row_price = np.array([r[4] for r in self.rows])
        entries = [(r, k, v) for k, c in enumerate(cols) for r, v in c.entries]
        r, k, v = (np.array(part) for part in zip(*entries, strict=True))
        incidence = sparse.csc_array((v, (r, k)), shape=(len(self.rows), len(cols)))
        incidence.sort_indices()

        def column(name: str) -> Vector:
            return np.array([getattr(c, name) for c in cols], dtype=float)

        def small(name: str) -> NDArray[np.int8]:
            return np.array([getattr(c, name) for c in cols], dtype=np.int8)

        def index(name: str) -> NDArray[np.int16]:
            return np.array([getattr(c, name) for c in cols], dtype=np.int16)

        reference, price = column("reference"), column("price")
        elasticity, scale = column("elasticity"), column("scale")
        kind = small("kind")
        flows = np.where(kind == ActivityKind.STORE, 0.0, reference)
        throughput = np.abs(incidence) @ flows
        # A layer is weighed by the whole of its country's form: a trace of restricted-origin
        # material balances to the rounding of what it is blended with, not of itself.
        total: dict[tuple[int, int], float] = {}
        for row, amount in zip(self.rows, throughput, strict=True):
            total[row[1], row[2]] = max(total.get((row[1], row[2]), 0.0), float(amount))
        floor = 1e-12 * self.world[[x[1] for x in self.rows]]
        row_scale = np.maximum([total[x[1], x[2]] for x in self.rows], floor)
        # Nothing flows through a common reserve in the base year: it is weighed by what it holds.
        for common in self.common.values():
            row_scale[common] = (np.abs(incidence) @ reference)[common]
        return Network(
            base=self.base,
            row_kind=np.array([x[0] for x in self.rows], dtype=np.int8),
            row_form=np.array([x[1] for x in self.rows], dtype=np.int16),
            row_country=np.array([x[2] for x in self.rows], dtype=np.int16),
            row_layer=np.array([x[3] for x in self.rows], dtype=np.int8),
            kind=kind,
            form=index("form"),
            origin=index("origin"),
            destination=index("destination"),
            recipe=index("recipe"),
            layer=small("layer"),
            is_latent=small("is_latent").astype(np.bool_),
            is_reserve=small("is_reserve").astype(np.bool_),
            incidence=incidence,
            reference=reference,
            margin=incidence.T @ row_price + column("entry_cost"),
            slope=price / (elasticity * scale),
            price=price,
            cap=np.minimum(column("cap"), PRICE_CAP * price),
            elasticity=elasticity,
            curve=small("curve"),
            scale=scale,
            capacity=column("capacity"),
            growth_base=column("growth_base"),
            lane_growth=self.behaviour.lane_growth.value,
            rebuild=self.behaviour.rebuild.value,
            row_price=row_price,
            row_scale=row_scale,
        )


def _positive(values: Vector) -> list[int]:
    """Return the positions of the positive values."""
    return [int(i) for i in np.flatnonzero(values > 0.0)]
