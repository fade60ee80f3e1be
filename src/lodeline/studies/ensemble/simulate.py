"""Run a block of scenarios of one chain: `run_market` and its metrics, eight side by side.

`Lines` keeps where everything lies in the compiled order of a chain. `simulate` takes eight
scenarios at a time, lets them walk through their months (`lodeline.solver.kernels.walk`) and adds
up what came of it (`lodeline.studies.ensemble.accounts`). Months before anything acts are those of
the base year, whose answer is known: a walk begins with the first month in which something does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lodeline.network import ActivityKind
from lodeline.network.network import NO_LIMIT
from lodeline.solver import newton
from lodeline.solver.certificate import certify
from lodeline.solver.compiled import LIMIT, TRUST, Variation
from lodeline.solver.kernels.batch import pack_block
from lodeline.solver.kernels.walk import History, LinkVectors, State, start, walk
from lodeline.solver.kernels.workspace import Inputs, aligned
from lodeline.solver.simd import WIDTH
from lodeline.studies.ensemble.accounts import Books, Sums, account
from lodeline.studies.ensemble.batch import Block, ChainModel
from lodeline.studies.ensemble.metrics import Outcome
from lodeline.studies.market import ACCEPTED, UnsolvedError

__all__ = ["simulate"]

Vector = NDArray[np.float64]
Positions = NDArray[np.int32]


def simulate(model: ChainModel, values: Mapping[str, Vector], *, first: int = 0) -> Outcome:
    """Run a block of scenarios of one chain through all months.

    Parameters
    ----------
    model
        The chain.
    values
        Every factor by its key, each of shape (scenario,).
    first
        Index of the block's first scenario, for messages.

    Raises
    ------
    UnsolvedError
        If a month of a scenario is not solved to the accepted tolerance.
    """
    lines = Lines.of(model)
    block = Block.of(model, values)
    tables = _Tables.of(block)
    checked = (first // max(block.count, 1)) % len(model.months)
    order = tables.order()
    eights = [
        _Eight(lines, block, tables, order[begin : begin + WIDTH], checked).run(first)
        for begin in range(0, block.count, WIDTH)
    ]
    return _outcome(model, tables, eights, np.argsort(order))


@dataclass(frozen=True)
class Lines:
    """Where activities and rows of a chain lie in the compiled order.

    Attributes
    ----------
    place, row
        Compiled position of each activity and row of the problem.
    cell
        Form and country that own each activity, in compiled order.
    """

    model: ChainModel
    place: Positions
    row: Positions
    cell: Positions

    @classmethod
    def of(cls, model: ChainModel) -> Lines:
        """Return the lines of a chain, kept with it."""
        if model.lines is None:
            pattern, network = model.market.analysis.pattern, model.network
            cell = network.form.astype(np.int64) * len(network.countries) + network.origin
            model.lines = cls(
                model, _inverse(pattern.activity), _inverse(pattern.row),
                cell[pattern.activity].astype(np.int32),
            )  # fmt: skip
        lines: Lines = model.lines
        return lines

    @cached_property
    def uses(self) -> NDArray[np.intp]:
        """Activities that use something."""
        return self.model.network.of_kind(ActivityKind.USE)

    @cached_property
    def counted(self) -> Vector:
        """1 where moving away from the reference is a cost: everywhere but in stores."""
        return np.asarray(self.model.network.kind != ActivityKind.STORE, dtype=float)

    @cached_property
    def start(self) -> Vector:
        """Prices of the base year, shape (row,): limits have none."""
        prices = self.model.problem.row_price.copy()
        prices[self.model.limit_rows] = 0.0
        return prices


def _inverse(order: Positions) -> Positions:
    out = np.empty(order.size, dtype=np.int32)
    out[order] = np.arange(order.size, dtype=np.int32)
    return out


def _vectors(values: Vector) -> Vector:
    """Return values of eight scenarios, shape (8, …), as vectors, flat."""
    moved = np.moveaxis(values, 0, -1)
    out = aligned(moved.size // WIDTH)
    out[:] = moved.ravel()
    return out


@dataclass(frozen=True)
class _Tables:
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
        """Return the scenarios so that those with much the same work come together.

        Which ones walk side by side changes no number, only how long they wait for each other.
        """
        bound = self.limit > self.limit.min(axis=(0, 1))
        return np.lexsort((bound.sum(axis=(1, 2)), self.begin))

    @classmethod
    def of(cls, block: Block) -> _Tables:
        model = block.model
        months = range(len(model.months))
        loose = NO_LIMIT * model.network.row_scale[model.limit_rows]
        limits = np.stack([block.limits(t) for t in months], axis=1)
        acts = np.stack([block.is_restricted(t) for t in months], axis=1)
        return cls(
            limit=-np.where(np.isfinite(limits), limits, loose),
            share=np.stack([block.capacity_left(t) for t in months], axis=1),
            tax=np.stack([block.tax_paid(t) for t in months], axis=1),
            begin=np.where(acts.any(axis=1), acts.argmax(axis=1), len(months)),
        )


class _Eight:
    """Eight scenarios on their walk; the last one fills up an incomplete eight."""

    def __init__(
        self,
        lines: Lines,
        block: Block,
        tables: _Tables,
        chosen: NDArray[np.intp],
        checked: int,
    ) -> None:
        self.lines, self.block, self.model = lines, block, block.model
        self.count = chosen.size
        self.chosen = np.concatenate([chosen, np.repeat(chosen[-1:], WIDTH - chosen.size)])
        self.pattern = self.model.market.analysis.pattern
        self.work = self.model.market.work
        self.months = len(self.model.months)
        self.checked = checked
        self.begin = tables.begin[self.chosen]
        self.links = self._links(tables)
        self.history = self._history()
        self.fallbacks = np.zeros(WIDTH, dtype=np.int16)

    def run(self, first: int) -> _Eight:
        """Walk, and add up."""
        self._pack()
        self._walk()
        self.sums = self._sums()
        self._pack()
        account(
            self.pattern, self.work, self.links, self.history, self._books(), self.months,
            self.sums,
        )  # fmt: skip
        gap = self.sums.gap / self.model.market.value
        worst = np.maximum(self.sums.residual, gap)[: self.count]
        if not np.all(worst <= ACCEPTED):
            i = int(np.argmax(np.where(np.isfinite(worst), worst, np.inf)))
            raise UnsolvedError(
                f"scenario {first + int(self.chosen[i])}: a month was not cleared (residual "
                f"{self.sums.residual[i]:.1e}, gap {gap[i]:.1e}). Please report the ensemble and "
                "its seed as a defect."
            )
        return self

    def of(self, values: Vector) -> Vector:
        """Return the rows of an array over scenarios that belong to the eight."""
        return np.ascontiguousarray(values[self.chosen])

    def _pack(self) -> None:
        """Put curves, first bounds and first prices into the workspace."""
        block, curves = self.block, self.model.problem.curves
        upper = self.of(block.capacity)
        upper[:, self.model.lanes] = 0.0  # set by the walk
        rows = self.model.problem.rhs.size

        def shared(values: Vector) -> Vector:
            return np.ascontiguousarray(values[None, :])

        inputs = Inputs(
            rhs=shared(np.zeros(rows)), start=shared(self.lines.start), upper=upper,
            lower=shared(curves.lower), margin=self.of(block.margin),
            extra=shared(np.zeros(curves.lower.size)), reference=self.of(block.reference),
            slope=self.of(block.slope), price=shared(curves.price),
            elasticity=self.of(block.elasticity), cap=self.of(block.cap),
        )  # fmt: skip
        pack_block(self.pattern, self.work, inputs)
        self.links.untaxed[:] = self.work.offset.reshape(-1, WIDTH)[self.links.taxed].ravel()

    def _links(self, tables: _Tables) -> LinkVectors:
        model, block, place = self.model, self.block, self.lines.place
        reference = self.of(block.reference)
        room = self.of(block.rebuild)[:, None] * reference[:, model.stores]
        room += model.network.growth_base[model.stores]
        return LinkVectors(
            growing=place[model.lanes],
            growth=_vectors(1.0 + self.of(block.growth)),
            growth_base=_vectors(self.of(block.growth_base)),
            first_flow=_vectors(reference[:, model.lanes]),
            store=place[model.stores],
            store_row=self.lines.row[model.store_rows],
            first_stock=_vectors(reference[:, model.stores]),
            room=_vectors(room),
            limit_row=self.lines.row[model.limit_rows],
            loose=NO_LIMIT * model.network.row_scale[model.limit_rows],
            limit=_vectors(tables.limit[self.chosen]),
            cut=place[model.cut],
            cut_capacity=_vectors(self.of(block.capacity)[:, model.cut]),
            share=_vectors(tables.share[self.chosen]),
            taxed=place[model.taxed],
            untaxed=aligned(model.taxed.size),
            tax=_vectors(tables.tax[self.chosen]),
        )

    def _history(self) -> History:
        """Return a history in which every month is the base year's."""
        prices = aligned(self.months * self.lines.start.size)
        start = np.repeat(self.lines.start[self.pattern.row], WIDTH)
        prices.reshape(self.months, -1)[:] = start
        return History(prices, aligned(self.months), aligned(self.months))

    def _walk(self) -> None:
        settings = self.model.market.settings
        state = State(self.begin.copy(), aligned(1), aligned(1))
        state.is_open[:] = self.begin < self.months
        start(self.work, self.links)
        while True:
            walk(
                self.pattern, self.work, self.links, self.history, state, self.months,
                settings.tolerance, TRUST, LIMIT,
            )  # fmt: skip
            stuck = np.flatnonzero(state.is_open > 0.5)
            if stuck.size == 0:
                return
            state.given[:] = 0.0
            for lane in stuck:
                self._fall_back(int(lane), int(state.month[lane]))
                state.given[lane] = 1.0

    def _fall_back(self, lane: int, month: int) -> None:
        """Solve a month of a lane by the reference solver, from the month before."""
        work, row = self.work, self.pattern.row
        before = self.lines.start.copy()
        if month > 0:
            shape = (self.months, -1, WIDTH)
            before[row] = self.history.prices.reshape(shape)[month - 1, :, lane]
        problem = self._problem(lane, month, work.upper, work.rhs)
        settings = newton.Settings(tolerance=self.model.market.settings.tolerance)
        solution = newton.solve(problem, before, settings)
        work.prices.reshape(-1, WIDTH)[:, lane] = solution.prices[row]
        self.fallbacks[lane] += 1

    def _problem(self, lane: int, month: int, upper: Vector, rhs: Vector) -> Any:  # noqa: ANN401
        """Return the problem of a month of a lane, from bounds and rhs in compiled order."""
        model, block, i = self.model, self.block, int(self.chosen[lane])
        size, rows = model.problem.curves.lower.size, model.problem.rhs.size
        bounds, b, tax = np.empty(size), np.empty(rows), np.zeros(size)
        bounds[self.pattern.activity] = upper.reshape(-1, WIDTH)[:, lane]
        b[self.pattern.row] = rhs.reshape(-1, WIDTH)[:, lane]
        tax[model.taxed] = self.links.tax.reshape(self.months, -1, WIDTH)[month, :, lane]
        own = Variation(
            rhs=b, upper=bounds, extra_margin=tax, reference=block.reference[i],
            margin=block.margin[i], slope=block.slope[i], elasticity=block.elasticity[i],
            cap=block.cap[i],
        )  # fmt: skip
        return own.applied(model.problem)

    def _books(self) -> Books:
        lines, network, order = self.lines, self.model.network, self.pattern.activity
        block = self.block
        rows = network.incidence.indices[network.incidence.indptr[lines.uses]]
        return Books(
            owner=lines.cell,
            normal=_vectors(self.of(block.reference)[:, order]),
            margin=_vectors(self.of(block.margin)[:, order]),
            slope=_vectors((self.of(block.slope) * lines.counted)[:, order]),
            begin=_vectors(self.begin.astype(float)),
            use=lines.place[lines.uses],
            use_row=lines.row[rows],
            use_normal=network.reference[lines.uses],
            use_price=1.0 / network.row_price[rows],
            store_owner=lines.cell[lines.place[self.model.stores]],
            store_price=network.row_price[self.model.store_rows],
            checked=self.checked,
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
        problem = self._problem(0, self.checked, self.sums.upper, self.sums.rhs)
        levels, prices = np.empty(problem.curves.lower.size), np.empty(problem.rhs.size)
        levels[self.pattern.activity] = self.sums.levels.reshape(-1, WIDTH)[:, 0]
        shape = (self.months, -1, WIDTH)
        prices[self.pattern.row] = self.history.prices.reshape(shape)[self.checked, :, 0]
        return certify(problem, levels, prices).residual

    def cost(self) -> Vector:
        """Return the cost, USD over all months, shape (scenario, form, country)."""
        network = self.model.network
        shape = (WIDTH, len(network.forms), len(network.countries))
        gain = np.ascontiguousarray(self.sums.gain.reshape(-1, WIDTH).T).reshape(shape)
        for k, limit in enumerate(network.limits):
            rent = self.sums.rent.reshape(-1, WIDTH)[k]
            gain[:, limit.form] += rent[:, None] * limit.owner_share
        return -gain


def _outcome(
    model: ChainModel, tables: _Tables, eights: list[_Eight], back: NDArray[np.intp]
) -> Outcome:
    network, uses = model.network, eights[0].lines.uses

    def wide(name: str) -> Vector:
        parts = [getattr(e.sums, name).reshape(-1, WIDTH).T for e in eights]
        return np.concatenate(parts)[back]

    months = len(model.months)
    return Outcome(
        use_form=network.form[uses],
        use_country=network.origin[uses],
        unmet_share_peak=wide("peak"),
        unmet_t_total=wide("total"),
        price_multiple_peak=wide("multiple"),
        onset=np.where(tables.begin < months, tables.begin, -1).astype(np.int16),
        first_short=wide("first").astype(np.int16),
        last_short=wide("last").astype(np.int16),
        cost=np.concatenate([e.cost() for e in eights])[back],
        residual=wide("residual")[:, 0],
        gap=wide("gap")[:, 0] / model.market.value,
        fallbacks=np.concatenate([e.fallbacks for e in eights])[back],
        independent_residual=eights[0].independent_residual(),
        months=months,
    )
