"""Eight scenarios of a chain side by side: what the compiled kernels read of them.

`Lines` keeps where everything lies in the compiled order of a chain, `Tables` what changes by month
for a whole block. An `Eight` packs its scenarios for the walk (`walks`) and adds up what came of it
(`accounts`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

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
from lodeline.studies.market import ACCEPTED, UnsolvedError

__all__ = ["Eight", "Lines", "Tables"]

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
    def apart(self) -> NDArray[np.intp]:
        """Lanes whose curve or capacity changes by month; see `LinkVectors.apart`."""
        model = self.model
        return np.intersect1d(model.lanes, np.union1d(model.cut, model.taxed))

    @cached_property
    def shelf(self) -> Workspace:
        """Room for the eight scenarios that come next."""
        return workspace(self.model.market.analysis)

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

    @classmethod
    def of(cls, block: Block) -> Tables:
        """Return the tables of a block."""
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


class Eight:
    """Eight scenarios; the last one fills up an incomplete eight.

    Parameters
    ----------
    lines, block, tables
        Of the chain and of the scenarios.
    chosen
        Which of the block's scenarios, at most eight.
    """

    def __init__(
        self, lines: Lines, block: Block, tables: Tables, chosen: NDArray[np.intp]
    ) -> None:
        self.lines, self.block, self.model = lines, block, block.model
        self.count = chosen.size
        self.chosen = np.concatenate([chosen, np.repeat(chosen[-1:], WIDTH - chosen.size)])
        self.pattern = self.model.market.analysis.pattern
        self.months = len(self.model.months)
        self.begin = tables.begin[self.chosen]
        self.links = self._links(tables)
        self.sums = self._sums()

    def account(self, prices: Vector, checked: int, index: NDArray[np.intp]) -> None:
        """Add up what prices mean, and see that they clear every month.

        Parameters
        ----------
        prices
            USD/t, shape (month, row, lane), in compiled order.
        checked
            Month of which levels, bounds and right-hand side are kept.
        index
            Index of each of the block's scenarios, for messages.

        Raises
        ------
        UnsolvedError
            If they do not.
        """
        work = self.model.market.work
        self.pack(work)
        self.checked, self.prices = checked, prices
        account(
            self.pattern, work, self.links, prices.ravel(), self._books(), self.months, self.sums
        )
        gap = self.sums.gap / self.model.market.value
        worst = np.maximum(self.sums.residual, gap)[: self.count]
        if not np.all(worst <= ACCEPTED):
            i = int(np.argmax(np.where(np.isfinite(worst), worst, np.inf)))
            raise UnsolvedError(
                f"scenario {index[self.chosen[i]]}: a month was not cleared (residual "
                f"{self.sums.residual[i]:.1e}, gap {gap[i]:.1e}). Please report the ensemble and "
                "its seed as a defect."
            )

    def of(self, values: Vector) -> Vector:
        """Return the rows of an array over scenarios that belong to the eight."""
        return np.ascontiguousarray(values[self.chosen])

    def pack(self, work: Workspace) -> None:
        """Put curves, first bounds, first stocks and first prices into a workspace."""
        block, model, curves = self.block, self.model, self.model.problem.curves
        reference, upper = self.of(block.reference), self.of(block.capacity)
        grown = (1.0 + self.of(block.growth))[:, None] * reference[:, model.lanes]
        upper[:, model.lanes] = grown + self.of(block.growth_base)
        upper[:, model.stores] = reference[:, model.stores] + self._room()
        rhs = np.zeros((WIDTH, model.problem.rhs.size))
        rhs[:, model.store_rows] = -reference[:, model.stores]

        def shared(values: Vector) -> Vector:
            return np.ascontiguousarray(values[None, :])

        inputs = Inputs(
            rhs=rhs, start=shared(self.lines.start), upper=upper, lower=shared(curves.lower),
            margin=self.of(block.margin), extra=shared(np.zeros(curves.lower.size)),
            reference=reference, slope=self.of(block.slope), price=shared(curves.price),
            elasticity=self.of(block.elasticity), cap=self.of(block.cap),
        )  # fmt: skip
        pack_block(self.pattern, work, inputs)
        self.links.untaxed[:] = work.offset.reshape(-1, WIDTH)[self.links.taxed].ravel()

    def _room(self) -> Vector:
        """Return what may be added to stores in a month, t, shape (8, store)."""
        model, block = self.model, self.block
        reference = block.reference[self.chosen][:, model.stores]
        room = self.of(block.rebuild)[:, None] * reference
        return np.asarray(room + model.network.growth_base[model.stores])

    def _links(self, tables: Tables) -> LinkVectors:
        model, block, lines = self.model, self.block, self.lines
        place, base = lines.place, np.full((WIDTH, model.network.activities), UNTIED)
        base[:, model.lanes] = self.of(block.growth_base)
        apart_base = base[:, lines.apart]
        base[:, lines.apart] = UNTIED
        return LinkVectors(
            growth=_vectors(1.0 + self.of(block.growth)),
            growth_base=_vectors(base[:, self.pattern.activity]),
            apart=place[lines.apart],
            apart_base=_vectors(apart_base),
            store=place[model.stores],
            store_row=lines.row[model.store_rows],
            room=_vectors(self._room()),
            limit_row=lines.row[model.limit_rows],
            loose=NO_LIMIT * model.network.row_scale[model.limit_rows],
            limit=_vectors(tables.limit[self.chosen]),
            cut=place[model.cut],
            cut_capacity=_vectors(self.of(block.capacity)[:, model.cut]),
            share=_vectors(tables.share[self.chosen]),
            taxed=place[model.taxed],
            untaxed=aligned(model.taxed.size),
            tax=_vectors(tables.tax[self.chosen]),
        )

    def problem(self, lane: int, month: int, upper: Vector, rhs: Vector) -> MarketProblem:
        """Return the problem of a month of a lane, from bounds and rhs in compiled order."""
        model, block, i = self.model, self.block, int(self.chosen[lane])
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
