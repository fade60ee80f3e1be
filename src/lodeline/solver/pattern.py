"""What never changes between the markets of one network, worked out once.

The matrix of a Newton step, ``A x' Aᵀ``, has an off-diagonal entry where two rows share an
activity. Its pattern is that of A alone: the elimination order, the pattern of the factor and the
places that each activity adds to are the same for every month and scenario.

Legend: rows are counted in elimination order; a factor entry (j, i) with j > i lies in column i.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lodeline.solver.curves import CurveKind, Vector
from lodeline.solver.ordering import Chunk, chunks_of, least_fill, neighbours, postorder
from lodeline.solver.problem import MarketProblem

__all__ = ["Analysis", "Pattern", "analyse"]

Integers = NDArray[np.int32]


class Pattern(NamedTuple):
    """Arrays that the compiled kernels read, all in elimination order of rows.

    Activities are sorted into five groups: linear with one entry, lanes, other linear, supply, use;
    `group` holds where each begins and the end. A lane is linear, takes one and gives one, and is
    alone on its way between two rows. They are sorted by their earlier row; of each row those come
    first that have a twin which goes the other way, each beside its twin, the one that gives to the
    later row first.
    """

    group: Integers
    activity: Integers
    """Position in the problem of each sorted activity."""
    place: Integers
    """Where each activity of the problem was sorted to."""
    entry_start: Integers
    """First entry of each sorted activity, shape (activity + 1,)."""
    entry_row: Integers
    entry_value: Vector
    lane_start: Integers
    """First lane whose earlier row is each row, shape (row + 1,)."""
    lane_single: Integers
    """First lane without a twin among them, shape (row,)."""
    pair_start: Integers
    """First off-diagonal place of each sorted activity, shape (activity + 1,)."""
    pair_place: Integers
    """Where a pair of entries (the later row, the earlier) adds in the factor."""
    pair_value: Vector
    filled: Integers
    """Entries of the factor in which no lane's pair lies."""
    row: Integers
    """Position in the problem of each row."""
    row_place: Integers
    """Elimination place of each row of the problem."""
    is_equality: NDArray[np.bool_]
    inverse_scale: Vector
    price: Vector
    inverse_price: Vector
    steepest: Vector
    """Slope below which a row counts as floating, t/month per USD/t."""
    row_start: Integers
    """First touch of each row, shape (row + 1,)."""
    row_activity: Integers
    """Sorted activities that touch a row."""
    row_value: Vector
    chunk_start: Integers
    """First column of each chunk of the factor, shape (chunk + 1,); see `Chunk`."""
    chunk_place: Integers
    """First factor entry of each chunk: those between its own columns, then row by row."""
    below_start: Integers
    """First row below each chunk, shape (chunk + 1,)."""
    below: Integers
    target_start: Integers
    """First target of each chunk."""
    target: Integers
    """For each pair of rows below a chunk (later, earlier): where their product goes."""


@dataclass(frozen=True)
class Analysis:
    """Pattern and its size.

    Attributes
    ----------
    pattern
        For the kernels.
    entries
        Off-diagonal entries of the factor, with the zeros that chunks hold.
    fill
        Those among them that the matrix itself does not have.
    multiplications
        Of one factorisation.
    """

    pattern: Pattern
    entries: int
    fill: int
    multiplications: int


@dataclass(frozen=True)
class _Factor:
    """Layout of the factor: arrays of `Pattern`, and where entry (j, i) lies."""

    arrays: dict[str, Any]
    place: dict[tuple[int, int], int]
    entries: int
    multiplications: int


def _layout(chunks: list[Chunk]) -> _Factor:
    """Return the places of all entries, and the targets of each chunk's products."""
    place: dict[tuple[int, int], int] = {}
    starts, entries = [], 0
    for chunk in chunks:
        starts.append(entries)
        own = range(chunk.first, chunk.first + chunk.width)
        inner = [(j, i) for i in own for j in own if j > i]
        for entry in inner + [(j, i) for j in chunk.rows for i in own]:
            place[entry] = entries
            entries += 1
    targets: list[int] = []
    target_start = [0]
    multiplications = 0
    for chunk in chunks:
        rows = chunk.rows
        targets += [place[j, i] for b, i in enumerate(rows) for j in rows[b + 1 :]]
        target_start.append(len(targets))
        width, size = chunk.width, len(rows)
        multiplications += width * size * (size + 1) // 2 + (size + 1) * width * (width - 1) // 2
    arrays: dict[str, Any] = {
        "chunk_start": [c.first for c in chunks] + [sum(c.width for c in chunks)],
        "chunk_place": starts,
        "below_start": np.cumsum([0, *(len(c.rows) for c in chunks)]),
        "below": [i for c in chunks for i in c.rows],
        "target_start": target_start,
        "target": targets,
    }
    arrays = {name: np.array(values, dtype=np.int32) for name, values in arrays.items()}
    return _Factor(arrays, place, entries, multiplications)


def _sorted_activities(
    problem: MarketProblem, position: NDArray[np.int64]
) -> tuple[Integers, Integers]:
    """Return the activities sorted by group, and where each group begins."""
    incidence = problem.incidence
    entries = np.diff(incidence.indptr)
    kind = problem.curves.kind
    group = np.where(entries == 1, 0, np.where(entries == 2, 1, 2))
    group = np.where(kind == CurveKind.SUPPLY, 3, np.where(kind == CurveKind.USE, 4, group))
    lanes = _lanes(problem, position, np.flatnonzero(group == 1))
    group[np.setdiff1d(np.flatnonzero(group == 1), lanes)] = 2
    chosen = [lanes if g == 1 else np.flatnonzero(group == g) for g in range(5)]
    start = np.cumsum([0, *(c.size for c in chosen)])
    return np.concatenate(chosen).astype(np.int32), start.astype(np.int32)


def _lanes(
    problem: MarketProblem, position: NDArray[np.int64], two: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return those of the activities with two entries that are lanes, sorted; see `Pattern`."""
    incidence = problem.incidence
    ends = incidence.indptr[two] + np.array([[0], [1]])
    rows, values = position[incidence.indices[ends]], incidence.data[ends]
    is_back = (values[0] > 0.0) != (rows[0] > rows[1])
    early, late = rows.min(axis=0), rows.max(axis=0)
    way = early * position.size + late
    is_unit = (np.abs(values) == 1.0).all(axis=0) & (values.sum(axis=0) == 0.0)
    unit = np.flatnonzero(is_unit)
    kept = unit[np.unique(2 * way[unit] + is_back[unit], return_index=True)[1]]
    ways, count = np.unique(way[kept], return_counts=True)
    is_single = count[np.searchsorted(ways, way[kept])] == 1
    by = np.lexsort((is_back[kept], late[kept], is_single, early[kept]))
    return np.asarray(two[kept[by]])


def _entries(
    problem: MarketProblem,
    position: NDArray[np.int64],
    activity: Integers,
    place: dict[tuple[int, int], int],
) -> dict[str, Any]:
    """Return the arrays of `Pattern` about entries and pairs of entries."""
    incidence = problem.incidence
    rows_of, values_of, places, products = [], [], [], []
    entry_start, pair_start = [0], [0]
    for a in activity.tolist():
        span = slice(incidence.indptr[a], incidence.indptr[a + 1])
        rows = position[incidence.indices[span]]
        by_row = np.argsort(rows, kind="stable")
        here, value = rows[by_row].tolist(), incidence.data[span][by_row].tolist()
        rows_of += here
        values_of += value
        for b in range(len(here)):
            for c in range(b + 1, len(here)):
                places.append(place[here[c], here[b]])
                products.append(value[b] * value[c])
        entry_start.append(len(rows_of))
        pair_start.append(len(places))
    touch = np.argsort(rows_of, kind="stable")
    owner = np.repeat(np.arange(activity.size), np.diff(entry_start))
    row_start = np.searchsorted(np.array(rows_of)[touch], np.arange(position.size + 1))
    return {
        "entry_start": np.array(entry_start, dtype=np.int32),
        "entry_row": np.array(rows_of, dtype=np.int32),
        "entry_value": np.array(values_of, dtype=float),
        "pair_start": np.array(pair_start, dtype=np.int32),
        "pair_place": np.array(places, dtype=np.int32),
        "pair_value": np.array(products, dtype=float),
        "row_start": row_start.astype(np.int32),
        "row_activity": owner[touch].astype(np.int32),
        "row_value": np.array(values_of, dtype=float)[touch],
    }


def _lane_places(
    entries: dict[str, Any], group: Integers, rows: int, factor: int
) -> dict[str, Any]:
    """Return the arrays of `Pattern` about lanes, of a factor with so many entries."""
    starts = entries["entry_start"][group[1] : group[2]]
    early, late = entries["entry_row"][starts], entries["entry_row"][starts + 1]
    start = np.searchsorted(early, np.arange(rows + 1))
    ways, count = np.unique(early.astype(np.int64) * rows + late, return_counts=True)
    twins = np.bincount(ways[count == 2] // rows, minlength=rows)
    pairs = slice(*entries["pair_start"][group[1:3]])
    return {
        "lane_start": (group[1] + start).astype(np.int32),
        "lane_single": (group[1] + start[:-1] + 2 * twins).astype(np.int32),
        "filled": np.setdiff1d(np.arange(factor), entries["pair_place"][pairs]).astype(np.int32),
    }


def _inverse(order: NDArray[Any]) -> Integers:
    out = np.empty(order.size, dtype=np.int32)
    out[order] = np.arange(order.size, dtype=np.int32)
    return out


def analyse(problem: MarketProblem) -> Analysis:
    """Return the pattern of a problem's Newton matrix: order, factor, places."""
    near = neighbours(problem)
    order, columns = postorder(*least_fill(near))
    factor = _layout(chunks_of(columns))
    position = _inverse(np.array(order)).astype(np.int64)
    activity, group = _sorted_activities(problem, position)
    entries = _entries(problem, position, activity, factor.place)
    steepest = (problem.incidence**2) @ problem.curves.steepest()
    steepest = np.maximum(steepest, 1e-12 * problem.row_scale / problem.row_price)
    pattern = Pattern(
        group=group,
        activity=activity,
        place=_inverse(activity),
        row=np.array(order, dtype=np.int32),
        row_place=position.astype(np.int32),
        is_equality=problem.is_equality[order],
        inverse_scale=1.0 / problem.row_scale[order],
        price=problem.row_price[order],
        inverse_price=1.0 / problem.row_price[order],
        steepest=steepest[order],
        **entries,
        **_lane_places(entries, group, len(order), factor.entries),
        **factor.arrays,
    )
    own = sum(len(others) for others in near) // 2
    return Analysis(pattern, factor.entries, factor.entries - own, factor.multiplications)
