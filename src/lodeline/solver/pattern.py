"""What never changes between the markets of one network, worked out once.

The matrix of a Newton step, ``A x' Aᵀ``, has an off-diagonal entry where two rows share an
activity. Its pattern is that of A alone: the elimination order, the pattern of the factor and the
places that each activity adds to are the same for every month and scenario.

Legend: rows are counted in elimination order; a factor entry (j, i) with j > i lies in column i.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lodeline.solver.curves import CurveKind, Vector
from lodeline.solver.problem import MarketProblem

__all__ = ["Analysis", "Pattern", "analyse", "minimum_degree"]

Integers = NDArray[np.int32]


class Pattern(NamedTuple):
    """Arrays that the compiled kernels read, all in elimination order of rows.

    Activities are sorted into five groups: linear with one entry, linear with two, other linear,
    supply, use; `group` holds where each begins and the end.
    """

    group: Integers
    activity: Integers
    """Position in the problem of each sorted activity."""
    entry_start: Integers
    """First entry of each sorted activity, shape (activity + 1,)."""
    entry_row: Integers
    entry_value: Vector
    pair_start: Integers
    """First off-diagonal place of each sorted activity, shape (activity + 1,)."""
    pair_place: Integers
    """Where a pair of entries (the later row, the earlier) adds in the factor."""
    pair_value: Vector
    row: Integers
    """Position in the problem of each row."""
    is_equality: NDArray[np.bool_]
    inverse_scale: Vector
    price: Vector
    inverse_price: Vector
    steepest: Vector
    """Slope below which a row counts as floating, t/month per USD/t."""
    column_start: Integers
    """First factor entry of each column, shape (row + 1,)."""
    column_row: Integers
    """Row of each factor entry, ascending within a column."""
    row_start: Integers
    """First touch of each row, shape (row + 1,)."""
    row_activity: Integers
    """Sorted activities that touch a row."""
    row_value: Vector
    update_place: Integers
    """For each column and pair of its entries (later, earlier or same): where the product goes;
    the diagonal of row j is written as −1 − j."""


@dataclass(frozen=True)
class Analysis:
    """Pattern and its size.

    Attributes
    ----------
    pattern
        For the kernels.
    entries
        Off-diagonal entries of the factor.
    fill
        Those among them that the matrix itself does not have.
    multiplications
        Of one factorisation.
    """

    pattern: Pattern
    entries: int
    fill: int
    multiplications: int


def neighbours(problem: MarketProblem) -> list[set[int]]:
    """Return for each row the other rows that share an activity with it."""
    incidence = problem.incidence
    near: list[set[int]] = [set() for _ in range(incidence.shape[0])]
    for a in range(incidence.shape[1]):
        rows = incidence.indices[incidence.indptr[a] : incidence.indptr[a + 1]].tolist()
        for i in rows:
            near[i].update(rows)
    for i, others in enumerate(near):
        others.discard(i)
    return near


def minimum_degree(near: list[set[int]]) -> tuple[list[int], list[list[int]]]:
    """Return an elimination order, and the rows that each eliminated row still touches.

    Always the row with the fewest neighbours left, the lowest number among equals.
    """
    left = [set(others) for others in near]
    alive = set(range(len(left)))
    order: list[int] = []
    touched: list[list[int]] = []
    while alive:
        best = min(alive, key=lambda i: (len(left[i]), i))
        around = left[best]
        order.append(best)
        touched.append(sorted(around))
        alive.discard(best)
        for i in around:
            left[i] |= around
            left[i] -= {i, best}
        left[best] = set()
    return order, touched


def _factor_pattern(order: list[int], touched: list[list[int]]) -> tuple[Integers, Integers]:
    """Return start and row of the factor's entries by column, in elimination order."""
    position = np.empty(len(order), dtype=np.int64)
    position[order] = np.arange(len(order))
    columns = [sorted(position[others].tolist()) for others in touched]
    start = np.cumsum([0, *(len(c) for c in columns)])
    return start.astype(np.int32), np.array([r for c in columns for r in c], dtype=np.int32)


def _updates(start: Integers, row: Integers, place: dict[tuple[int, int], int]) -> Integers:
    """Return where the products of each column's entries are subtracted."""
    targets: list[int] = []
    for k in range(start.size - 1):
        rows = row[start[k] : start[k + 1]].tolist()
        for b, earlier in enumerate(rows):
            targets.append(-1 - earlier)
            targets.extend(place[later, earlier] for later in rows[b + 1 :])
    return np.array(targets, dtype=np.int32)


def _sorted_activities(problem: MarketProblem) -> tuple[Integers, Integers]:
    """Return the activities sorted by group, and where each group begins."""
    entries = np.diff(problem.incidence.indptr)
    kind = problem.curves.kind
    group = np.where(entries == 1, 0, np.where(entries == 2, 1, 2))
    group = np.where(kind == CurveKind.SUPPLY, 3, np.where(kind == CurveKind.USE, 4, group))
    chosen = [np.flatnonzero(group == g) for g in range(5)]
    start = np.cumsum([0, *(c.size for c in chosen)])
    return np.concatenate(chosen).astype(np.int32), start.astype(np.int32)


def analyse(problem: MarketProblem) -> Analysis:
    """Return the pattern of a problem's Newton matrix: order, factor, places."""
    near = neighbours(problem)
    order, touched = minimum_degree(near)
    start, factor_row = _factor_pattern(order, touched)
    place = {
        (int(j), k): e
        for k in range(len(order))
        for e, j in enumerate(factor_row[start[k] : start[k + 1]], int(start[k]))
    }
    position = np.empty(len(order), dtype=np.int64)
    position[order] = np.arange(len(order))
    activity, group = _sorted_activities(problem)
    entries, values, places, products = [], [], [], []
    entry_start, pair_start = [0], [0]
    incidence = problem.incidence
    for a in activity.tolist():
        span = slice(incidence.indptr[a], incidence.indptr[a + 1])
        rows = position[incidence.indices[span]]
        by_row = np.argsort(rows, kind="stable")
        rows, value = rows[by_row].tolist(), incidence.data[span][by_row].tolist()
        entries += rows
        values += value
        for b in range(len(rows)):
            for c in range(b + 1, len(rows)):
                places.append(place[rows[c], rows[b]])
                products.append(value[b] * value[c])
        entry_start.append(len(entries))
        pair_start.append(len(places))
    steepest = (incidence**2) @ problem.curves.steepest()
    steepest = np.maximum(steepest, 1e-12 * problem.row_scale / problem.row_price)
    update = _updates(start, factor_row, place)
    touch = np.argsort(entries, kind="stable")
    owner = np.repeat(np.arange(activity.size), np.diff(entry_start))
    pattern = Pattern(
        group=group,
        activity=activity,
        entry_start=np.array(entry_start, dtype=np.int32),
        entry_row=np.array(entries, dtype=np.int32),
        entry_value=np.array(values, dtype=float),
        pair_start=np.array(pair_start, dtype=np.int32),
        pair_place=np.array(places, dtype=np.int32),
        pair_value=np.array(products, dtype=float),
        row=np.array(order, dtype=np.int32),
        is_equality=problem.is_equality[order],
        inverse_scale=1.0 / problem.row_scale[order],
        price=problem.row_price[order],
        inverse_price=1.0 / problem.row_price[order],
        steepest=steepest[order],
        column_start=start,
        column_row=factor_row,
        row_start=np.searchsorted(np.array(entries)[touch], np.arange(len(order) + 1)).astype(
            np.int32
        ),
        row_activity=owner[touch].astype(np.int32),
        row_value=np.array(values, dtype=float)[touch],
        update_place=update,
    )
    own = sum(len(others) for others in near) // 2
    return Analysis(pattern, factor_row.size, factor_row.size - own, update.size)
