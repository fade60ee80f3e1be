"""Eight scenarios of a chain side by side: what the compiled kernels read of them.

`Lines` keeps where everything lies in the compiled order of a chain, `Tables` what changes by month
for a whole block, `Queue` puts a block into the order of its walk. An `Eight` packs its scenarios
once, for the walk (`walks`) and to add up what came of it (`accounts`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lodeline.network import ActivityKind
from lodeline.network.network import NO_LIMIT
from lodeline.solver.certificate import certify
from lodeline.solver.compiled import Variation
from lodeline.solver.kernels.batch import pack_block
from lodeline.solver.kernels.evaluate import UNTIED
from lodeline.solver.kernels.links import LinkVectors
from lodeline.solver.kernels.workspace import Inputs, Workspace, aligned, workspace
from lodeline.solver.problem import MarketProblem
from lodeline.solver.simd import WIDTH
from lodeline.studies.ensemble.accounts import Books, Sums, account
from lodeline.studies.ensemble.batch import Block, ChainModel
from lodeline.studies.ensemble.turning import turn
from lodeline.studies.market import ACCEPTED, UnsolvedError

__all__ = ["Eight", "Lines", "Queue"]

Vector = NDArray[np.float64]
Positions = NDArray[np.int32]


@dataclass(frozen=True)
class Lines:
    """Where activities and rows of a chain lie in the compiled order.

    Attributes
    ----------
    place, row
        Compiled position of each activity and row of the problem.
    cell
        Form and country that own each activity, in compiled order.
    rooms, spares
        Work spaces of the eights of a block, and arrays by name, used again by the next block: to
        get so much memory from the system and give it back for every block costs more than to fill
        it.
    """

    model: ChainModel
    place: Positions
    row: Positions
    cell: Positions
    rooms: list[Workspace]
    spares: dict[str, Vector]

    @classmethod
    def of(cls, model: ChainModel) -> Lines:
        """Return the lines of a chain, kept with it."""
        if model.lines is None:
            pattern, network = model.market.analysis.pattern, model.network
            cell = network.form.astype(np.int64) * len(network.countries) + network.origin
            room = workspace(model.market.analysis, _SHARED)
            model.lines = cls(
                model, pattern.place, pattern.row_place,
                cell[pattern.activity].astype(np.int32), [room], {},
            )  # fmt: skip
        lines: Lines = model.lines
        return lines

    @cached_property
    def uses(self) -> NDArray[np.intp]:
        """Activities that use something."""
        return self.model.network.of_kind(ActivityKind.USE)

    @property
    def stores(self) -> Positions:
        """Compiled positions of stores."""
        return self.place[self.model.stores]

    @cached_property
    def apart(self) -> NDArray[np.intp]:
        """Lanes whose curve or capacity changes by month; see `LinkVectors.apart`."""
        model = self.model
        return np.intersect1d(model.lanes, np.union1d(model.cut, model.taxed))

    @cached_property
    def work(self) -> Workspace:
        """Room for the eight scenarios that walk."""
        return workspace(self.model.market.analysis, _SHARED)

    def room(self, number: int) -> Workspace:
        """Return room for an eight of a block: its own but for scratch."""
        while len(self.rooms) <= number:
            first = self.rooms[0]
            own = {k: aligned(getattr(first, k).size // WIDTH) for k in _PACKED}
            self.rooms.append(first._replace(**own))
        return self.rooms[number]

    def spare(self, name: str, scenarios: int, columns: int) -> Vector:
        """Return an array that the last block is done with, shape (scenario, column); not clear."""
        kept = self.spares.get(name)
        if kept is None or kept.shape[0] < scenarios:
            kept = self.spares[name] = np.empty((scenarios, columns))
        return kept[:scenarios]

    @cached_property
    def start(self) -> Vector:
        """Prices of the base year, shape (row,): limits have none."""
        prices = self.model.problem.row_price.copy()
        prices[self.model.limit_rows] = 0.0
        return prices

    @cached_property
    def shared(self) -> dict[str, Vector]:
        """What all scenarios share of `Inputs`."""
        curves = self.model.problem.curves
        given = {"start": self.start, "lower": curves.lower, "price": curves.price,
                 "extra": np.zeros(curves.lower.size)}  # fmt: skip
        return {k: np.ascontiguousarray(v[None, :]) for k, v in given.items()}

    @cached_property
    def positions(self) -> dict[str, NDArray[Any]]:
        """What all scenarios share of `LinkVectors`."""
        model = self.model
        return {
            "apart": self.place[self.apart],
            "store": self.stores,
            "store_row": self.row[model.store_rows],
            "limit_row": self.row[model.limit_rows],
            "loose": NO_LIMIT * model.network.row_scale[model.limit_rows],
            "cut": self.place[model.cut],
            "taxed": self.place[model.taxed],
        }

    @cached_property
    def counts(self) -> dict[str, NDArray[Any]]:
        """What all scenarios share of `Books`."""
        model, network, order = self.model, self.model.network, self.model.market.analysis.pattern
        rows = network.incidence.indices[network.incidence.indptr[self.uses]]
        latent, growing = np.zeros(network.activities), np.full(network.activities, -1.0)
        latent[model.latent] = network.price[model.latent]
        growing[model.lanes] = network.scale[model.lanes]
        growing[self.apart] = -1.0
        shared = {"normal": network.reference, "least_level": model.problem.curves.lower,
                  "margin": model.free_margin, "latent_price": latent,
                  "growing": growing}  # fmt: skip
        return {
            **{k: np.ascontiguousarray(v[order.activity]) for k, v in shared.items()},
            "owner": self.cell,
            "use": self.place[self.uses],
            "use_row": self.row[rows],
            "use_normal": network.reference[self.uses],
            "use_price": 1.0 / network.row_price[rows],
            "store_owner": self.cell[self.stores],
            "store_price": network.row_price[model.store_rows],
        }


_PACKED = ("gain", "offset", "upper", "level", "power", "bend", "rhs", "prices")
"""What packing sets and walks and accounts read of a work space, and scenarios change."""
_SHARED = ("lower",)
"""What packing sets and no scenario changes."""


def _span(index: NDArray[np.intp]) -> NDArray[np.intp] | slice:
    """Return the slice that an index is, if it is one: copies are several times as fast."""
    if index.size and np.array_equal(index, np.arange(index[0], index[0] + index.size)):
        return slice(int(index[0]), int(index[-1]) + 1)
    return index


def _vectors(values: Vector, columns: NDArray[np.integer] | None = None) -> Vector:
    """Return values of eight scenarios, shape (8, …), as vectors, flat; of chosen columns."""
    rows = np.ascontiguousarray(values).reshape(WIDTH, math.prod(values.shape[1:]))
    order = np.arange(rows.shape[1]) if columns is None else columns
    out = aligned(order.size)
    turn(out, rows, order.astype(np.int32, copy=False))
    return out


def _filled(vectors: Vector) -> Vector:
    """Return a copy of vectors on cache lines of its own."""
    out = aligned(vectors.size // WIDTH)
    out[:] = vectors
    return out


@dataclass(frozen=True)
class Tables:
    """What changes by month, for all scenarios.

    Attributes
    ----------
    limit
        Right-hand side, shape (scenario, month, limit).
    share
        Of capacity, shape (scenario, month, cut).
    tax
        USD/t, shape (scenario, month, taxed).
    begin
        First month in which anything acts, shape (scenario,); the number of months: none.
    """

    limit: Vector
    share: Vector
    tax: Vector
    begin: NDArray[np.int64]

    def order(self) -> NDArray[np.intp]:
        """Return the scenarios, those with the most work first, so that no lane is left alone.

        In which order they walk changes no number.
        """
        bound = self.limit > self.limit.min(axis=(0, 1))
        return np.lexsort((-bound.sum(axis=(1, 2)), self.begin))

    def ordered(self, chosen: NDArray[np.intp]) -> Tables:
        """Return the tables of chosen scenarios, in their order."""
        return Tables(self.limit[chosen], self.share[chosen], self.tax[chosen], self.begin[chosen])

    @classmethod
    def of(cls, block: Block) -> Tables:
        """Return the tables of a block."""
        model = block.model
        count = len(model.months)
        months = np.arange(count)[:, None]
        loose = NO_LIMIT * model.network.row_scale[model.limit_rows]
        limits, acts = block.limits(months), block.is_restricted(months)
        bound = -np.where(np.isfinite(limits), limits, loose)
        return cls(
            limit=bound.swapaxes(0, 1),
            share=block.capacity_left(months).swapaxes(0, 1),
            tax=block.tax_paid(months).swapaxes(0, 1),
            begin=np.where(acts.any(axis=0), acts.argmax(axis=0), count),
        )


@dataclass(frozen=True)
class Queue:
    """A block in the order of its walk, in whole eights: the last scenario fills up the last one.

    Attributes
    ----------
    block, tables
        In that order.
    count
        Scenarios without those that fill up.
    back
        Where each scenario of the block as it was given stands.
    upper, rhs
        First bounds and first right-hand side, shape (scenario, activity or row).
    room
        What may be added to stores in a month, t, shape (scenario, store).
    growth_base
        As in `LinkVectors`, shape (scenario, activity).
    """

    lines: Lines
    block: Block
    tables: Tables
    count: int
    back: NDArray[np.intp]
    upper: Vector
    rhs: Vector
    room: Vector
    growth_base: Vector

    @classmethod
    def of(cls, lines: Lines, given: Block) -> Queue:
        """Return the queue of a block."""
        found, model = Tables.of(given), lines.model
        order = found.order()
        filled = np.concatenate([order, np.repeat(order[-1:], -order.size % WIDTH)])
        block, tables = given.ordered(filled, lines.spare), found.ordered(filled)
        lanes, stores = _span(model.lanes), _span(model.stores)
        held = block.reference[:, stores]
        room = block.rebuild[:, None] * held + model.network.growth_base[model.stores]
        upper, base, rhs = (
            lines.spare(name, filled.size, columns)
            for name, columns in (
                ("upper", model.network.activities), ("base", model.network.activities),
                ("rhs", model.problem.rhs.size),
            )
        )  # fmt: skip
        upper[:] = block.capacity
        upper[:, lanes] = (1.0 + block.growth)[:, None] * block.reference[:, lanes]
        upper[:, lanes] += block.growth_base
        upper[:, stores] = held + room
        rhs[:] = 0.0
        rhs[:, model.store_rows] = -held
        base[:] = UNTIED
        base[:, lanes] = block.growth_base
        return cls(lines, block, tables, order.size, np.argsort(order), upper, rhs, room, base)

    def eights(self) -> list[Eight]:
        """Return the eights, in order."""
        return [Eight(self, k) for k in range(self.block.count // WIDTH)]


class Eight:
    """Eight scenarios of a queue, packed.

    Parameters
    ----------
    queue
        All scenarios.
    number
        Which eight.
    """

    def __init__(self, queue: Queue, number: int) -> None:
        self.lines, self.model = queue.lines, queue.lines.model
        self.block = queue.block
        self.first = WIDTH * number
        self.count = min(WIDTH, queue.count - self.first)
        self._own = slice(self.first, self.first + WIDTH)
        self.pattern = self.model.market.analysis.pattern
        self.months = len(self.model.months)
        self.begin = queue.tables.begin[self._own]
        self.work = self.lines.room(number)
        self._pack(queue)
        self.links = self._links(queue)
        self.sums = self._sums()

    def account(self, prices: Vector, checked: int, names: NDArray[np.intp]) -> None:
        """Add up what prices mean, and see that they clear every month.

        Uses up what was packed: an eight that was accounted for can no longer walk.

        Parameters
        ----------
        prices
            USD/t, shape (month, row, lane), in compiled order.
        checked
            Month of which levels, bounds and right-hand side are kept.
        names
            Index of each of the queue's scenarios, for messages.

        Raises
        ------
        UnsolvedError
            If they do not.
        """
        self.checked, self.prices = checked, prices
        account(
            self.pattern, self.work, self.links, prices.ravel(), self._books(), self.months,
            self.sums,
        )  # fmt: skip
        gap = self.sums.gap / self.model.market.value
        worst = np.maximum(self.sums.residual, gap)[: self.count]
        if not np.all(worst <= ACCEPTED):
            i = int(np.argmax(np.where(np.isfinite(worst), worst, np.inf)))
            raise UnsolvedError(
                f"scenario {names[self.first + i]}: a month was not cleared (residual "
                f"{self.sums.residual[i]:.1e}, gap {gap[i]:.1e}). Please report the ensemble and "
                "its seed as a defect."
            )

    def _pack(self, queue: Queue) -> None:
        """Put curves, first bounds, first stocks and first prices into the work space."""
        own, block = self._own, self.block
        inputs = Inputs(
            rhs=queue.rhs[own], upper=queue.upper[own], margin=block.margin[own],
            reference=block.reference[own], slope=block.slope[own],
            elasticity=block.elasticity[own], cap=block.cap[own], **self.lines.shared,
        )  # fmt: skip
        pack_block(self.pattern, self.work, inputs)

    def _links(self, queue: Queue) -> LinkVectors:
        model, block, tables, own = self.model, self.block, queue.tables, self._own
        place = self.lines.positions
        base = _vectors(queue.growth_base[own], self.pattern.activity)
        apart_base = base.reshape(-1, WIDTH)[place["apart"]].ravel()
        base.reshape(-1, WIDTH)[place["apart"]] = UNTIED
        return LinkVectors(
            growth=_vectors(1.0 + block.growth[own]),
            growth_base=base,
            apart_base=_filled(apart_base),
            room=_vectors(queue.room[own]),
            limit=_vectors(tables.limit[own]),
            cut_capacity=_vectors(block.capacity[own], model.cut),
            share=_vectors(tables.share[own]),
            untaxed=_filled(self.work.offset.reshape(-1, WIDTH)[place["taxed"]].ravel()),
            tax=_vectors(tables.tax[own]),
            **place,
        )

    def problem(self, lane: int, month: int, upper: Vector, rhs: Vector) -> MarketProblem:
        """Return the problem of a month of a lane, from bounds and rhs in compiled order."""
        model, block, i = self.model, self.block, self.first + lane
        bounds, b = np.empty(upper.size), np.empty(rhs.size)
        bounds[self.pattern.activity], b[self.pattern.row] = upper, rhs
        tax = np.zeros(upper.size)
        tax[model.taxed] = self.links.tax.reshape(self.months, -1, WIDTH)[month, :, lane]
        own = Variation(
            rhs=b, upper=bounds, extra_margin=tax, reference=block.reference[i],
            margin=block.margin[i], slope=block.slope[i], elasticity=block.elasticity[i],
            cap=block.cap[i],
        )  # fmt: skip
        return own.applied(model.problem)

    def _books(self) -> Books:
        block, own = self.block, self._own
        straight = self.pattern.activity[: self.pattern.group[3]]
        slope = _vectors(block.slope[own], straight)
        slope.reshape(-1, WIDTH)[self.lines.stores] = 0.0
        bent = self.work.level.size // WIDTH
        entry_cost = self.model.number(block.values, "behaviour.entry_cost")[own]
        return Books(
            slope=slope,
            entry_cost=_vectors(entry_cost),
            growth=_vectors(block.growth[own]),
            begin=_vectors(self.begin.astype(float)),
            worth=aligned(bent),
            rise=aligned(bent),
            least=aligned(bent),
            checked=self.checked,
            **self.lines.counts,
        )

    def _sums(self) -> Sums:
        network = self.model.network
        cells = len(network.forms) * len(network.countries)
        uses, size = self.lines.uses.size, network.activities
        sizes = {
            "gain": cells, "peak": uses, "total": uses, "multiple": uses, "first": uses,
            "last": uses, "rent": self.model.limit_rows.size, "residual": 1, "gap": 1,
            "levels": size, "upper": size, "rhs": network.row_kind.size,
        }  # fmt: skip
        sums = Sums(**{name: aligned(count) for name, count in sizes.items()})
        sums.first[:] = sums.last[:] = -1.0
        sums.multiple[:] = 1.0
        return sums

    def independent_residual(self) -> float:
        """Return the residual of the first lane's checked month, by the independent certificate."""
        sums = self.sums
        levels, upper, rhs = (
            values.reshape(-1, WIDTH)[:, 0] for values in (sums.levels, sums.upper, sums.rhs)
        )
        problem = self.problem(0, self.checked, upper, rhs)
        found, prices = np.empty(levels.size), np.empty(rhs.size)
        found[self.pattern.activity] = levels
        prices[self.pattern.row] = self.prices[self.checked, :, 0]
        return certify(problem, found, prices).residual

    def cost(self) -> Vector:
        """Return the cost, USD over all months, shape (scenario, form, country)."""
        network = self.model.network
        shape = (WIDTH, len(network.forms), len(network.countries))
        gain = np.ascontiguousarray(self.sums.gain.reshape(-1, WIDTH).T).reshape(shape)
        for k, limit in enumerate(network.limits):
            rent = self.sums.rent.reshape(-1, WIDTH)[k]
            gain[:, limit.form] += rent[:, None] * limit.owner_share
        return -gain
