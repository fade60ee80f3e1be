"""The pattern of a sparse Cholesky factor, worked out once: which columns form a front.

Columns of the factor with nearly the same rows form a *front*, a dense panel of m rows and k
columns; what it subtracts from later columns travels up the elimination tree (Liu 1990, SIAM J.
Matrix Anal. Appl. 11, 134-172).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lodeline.solver.machine_code import kept

__all__ = ["Fronts", "Integers", "analyse", "sides", "slots", "stack_sizes"]

Integers = NDArray[np.int64]

_HANDLED = 12.0
"""Operations in whose time a value that a front passes on is added, moved and fetched."""
_BEGUN = 5000.0
"""Operations in whose time a front is begun."""


class Fronts(NamedTuple):
    """The pattern of a factor, as kernels read it."""

    first: Integers
    """First column of each front, shape (front + 1,)."""
    start: Integers
    """First entry in `rows` of each front, shape (front + 1,)."""
    rows: Integers
    """Rows of the fronts, ascending, own columns first."""
    place: Integers
    """Where each of `rows` that is passed on lies among the rows of the parent front."""
    parent: Integers
    """Parent front, −1 for a root."""
    panel: Integers
    """First value of each front's panel (m × k, by columns), shape (front + 1,)."""


def analyse(row: Integers, column: Integers, order: Integers) -> tuple[Fronts, Integers]:
    """Return the fronts of a symmetric pattern and the elimination position of each row.

    Parameters
    ----------
    row, column
        Entries of the pattern in any order; one of a pair will do, twice does no harm.
    order
        The rows in the order in which they are eliminated, up to what leaves the fill as it is:
        rows that are eliminated into one another become neighbours.
    """
    n = order.size
    position = np.empty(n, dtype=np.int64)
    position[order] = np.arange(n)
    place = np.empty(n, dtype=np.int64)
    place[_postorder(_tree(*_upper(row, column, position)))] = np.arange(n)
    position = place[position]
    below, left = _upper(row, column, position)
    parent = _tree(below, left)
    counts, start, rows = _columns(below, left, parent)
    first = _merged(parent, counts)
    return Fronts(first, *_front_arrays(first, start, rows)), position


@kept()
def _upper(row: Integers, column: Integers, position: Integers) -> tuple[Integers, Integers]:
    """Return the strictly upper triangle of the permuted pattern by columns: starts and rows."""
    n = position.size
    start = np.zeros(n + 1, np.int64)
    for e in range(row.size):
        i, j = position[row[e]], position[column[e]]
        if i != j:
            start[max(i, j) + 1] += 1
    for j in range(n):
        start[j + 1] += start[j]
    out = np.empty(start[n], np.int64)
    fill = start[:n].copy()
    for e in range(row.size):
        i, j = position[row[e]], position[column[e]]
        if i != j:
            last = max(i, j)
            out[fill[last]] = min(i, j)
            fill[last] += 1
    return start, out


@kept()
def _tree(start: Integers, row: Integers) -> Integers:
    """Return the elimination tree: the parent of each column (Liu 1990), −1 for roots."""
    n = start.size - 1
    parent = np.full(n, -1, np.int64)
    ancestor = np.full(n, -1, np.int64)
    for j in range(n):
        for e in range(start[j], start[j + 1]):
            i = row[e]
            while i != -1 and i < j:
                above = ancestor[i]
                ancestor[i] = j
                if above == -1:
                    parent[i] = j
                i = above
    return parent


@kept()
def _postorder(parent: Integers) -> Integers:
    """Return the columns with every child before its parent, subtrees together."""
    n = parent.size
    head = np.full(n, -1, np.int64)
    following = np.full(n, -1, np.int64)
    for j in range(n - 1, -1, -1):
        if parent[j] >= 0:
            following[j] = head[parent[j]]
            head[parent[j]] = j
    order = np.empty(n, np.int64)
    stack = np.empty(n, np.int64)
    count = 0
    for root in range(n):
        if parent[root] >= 0:
            continue
        stack[0] = root
        top = 0
        while top >= 0:
            j = stack[top]
            child = head[j]
            if child == -1:
                order[count] = j
                count += 1
                top -= 1
            else:
                head[j] = following[child]
                top += 1
                stack[top] = child
    return order


@kept()
def _columns(
    start: Integers, row: Integers, parent: Integers
) -> tuple[Integers, Integers, Integers]:
    """Return the counts, starts and rows (ascending) of L's columns, diagonal included.

    Row j of L holds the columns on the paths from the entries of row j of M up to j.
    """
    n = parent.size
    counts = np.ones(n, np.int64)
    seen = np.full(n, -1, np.int64)
    for j in range(n):
        seen[j] = j
        for e in range(start[j], start[j + 1]):
            i = row[e]
            while seen[i] != j:
                seen[i] = j
                counts[i] += 1
                i = parent[i]
    first = np.zeros(n + 1, np.int64)
    for j in range(n):
        first[j + 1] = first[j] + counts[j]
    rows = np.empty(first[n], np.int64)
    fill = first[:n].copy()
    seen[:] = -1
    for j in range(n):
        rows[fill[j]] = j
        fill[j] += 1
        seen[j] = j
        for e in range(start[j], start[j + 1]):
            i = row[e]
            while seen[i] != j:
                seen[i] = j
                rows[fill[i]] = j
                fill[i] += 1
                i = parent[i]
    return counts, first, rows


@kept()
def _merged(parent: Integers, counts: Integers) -> Integers:
    """Return the first column of each front, and n: columns that may share a dense panel.

    A front is merged with the one that it is passed on to where that costs less, zeros included.
    """
    n = parent.size
    first = np.empty(n + 1, np.int64)
    spent = np.empty(n + 1)
    fronts = 0
    for j in range(n):
        first[fronts] = j
        spent[fronts] = _cost(1, counts[j])
        fronts += 1
        while fronts > 1:
            a, b = first[fronts - 2], first[fronts - 1]
            if parent[b - 1] != b:
                break
            # Columns a … j would have the rows of the last one, and each other.
            k = j - a + 1
            together = _cost(k, counts[j] + k - 1)
            if together > spent[fronts - 2] + spent[fronts - 1]:
                break
            spent[fronts - 2] = together
            fronts -= 1
    first[fronts] = n
    return first[: fronts + 1].copy()


@kept()
def _cost(columns: int, rows: int) -> float:
    """Return what a front costs: its operations, and handling what it passes on."""
    k, m = float(columns), float(rows)
    passed = m - k
    return k * m * m - k * k * m + k**3 / 3.0 + _HANDLED * (passed * passed) + _BEGUN


@kept()
def _front_arrays(
    first: Integers, column_start: Integers, column_rows: Integers
) -> tuple[Integers, Integers, Integers, Integers, Integers]:
    """Return the other arrays of `Fronts`: start, rows, place, parent, panel."""
    count = first.size - 1
    start = np.zeros(count + 1, np.int64)
    panel = np.zeros(count + 1, np.int64)
    for s in range(count):
        k = first[s + 1] - first[s]
        last = first[s + 1] - 1
        m = k + column_start[last + 1] - column_start[last] - 1
        start[s + 1] = start[s] + m
        panel[s + 1] = panel[s] + m * k
    rows = np.empty(start[count], np.int64)
    front_of = np.empty(first[count], np.int64)
    for s in range(count):
        k = first[s + 1] - first[s]
        last = first[s + 1] - 1
        for p in range(k):
            rows[start[s] + p] = first[s] + p
            front_of[first[s] + p] = s
        for e in range(column_start[last] + 1, column_start[last + 1]):
            rows[start[s] + k + e - column_start[last] - 1] = column_rows[e]
    parent = np.full(count, -1, np.int64)
    place = np.full(start[count], -1, np.int64)
    for s in range(count):
        k = first[s + 1] - first[s]
        if start[s] + k == start[s + 1]:
            continue
        above = front_of[rows[start[s] + k]]
        parent[s] = above
        at = start[above]
        for e in range(start[s] + k, start[s + 1]):
            while rows[at] != rows[e]:
                at += 1
            place[e] = at - start[above]
    return start, rows, place, parent, panel


@kept()
def sides(parent: Integers) -> Integers:
    """Return on which of two stacks each front leaves what it passes on: never its parent's."""
    out = np.zeros(parent.size, np.int64)
    for s in range(parent.size - 1, -1, -1):
        if parent[s] >= 0:
            out[s] = 1 - out[parent[s]]
    return out


@kept()
def stack_sizes(fronts: Fronts) -> tuple[int, int]:
    """Return the most that lies on each of the two stacks at a time."""
    side = sides(fronts.parent)
    held = np.zeros(2, np.int64)
    most = np.zeros(2, np.int64)
    owed = np.zeros(fronts.parent.size, np.int64)  # size of the children's blocks
    for s in range(fronts.parent.size):
        u = fronts.start[s + 1] - fronts.start[s] - (fronts.first[s + 1] - fronts.first[s])
        held[side[s]] += u * u
        most[side[s]] = max(most[side[s]], held[side[s]])
        held[1 - side[s]] -= owed[s]
        if fronts.parent[s] >= 0:
            owed[fronts.parent[s]] += u * u
    return most[0], most[1]


@kept()
def slots(fronts: Fronts, position: Integers, row: Integers, column: Integers) -> Integers:
    """Return where the entries (row, column) lie in the panels; either of a pair will do."""
    n, count = position.size, fronts.parent.size
    front_of = np.empty(n, np.int64)
    for s in range(count):
        front_of[fronts.first[s] : fronts.first[s + 1]] = s
    # Entries of each front as a list, so that its rows are looked up once.
    head = np.full(count, -1, np.int64)
    following = np.empty(row.size, np.int64)
    for e in range(row.size):
        s = front_of[min(position[row[e]], position[column[e]])]
        following[e] = head[s]
        head[s] = e
    at = np.empty(n, np.int64)
    out = np.empty(row.size, np.int64)
    for s in range(count):
        a, m = fronts.start[s], fronts.start[s + 1] - fronts.start[s]
        for r in range(m):
            at[fronts.rows[a + r]] = r
        e = head[s]
        while e >= 0:
            i, j = position[row[e]], position[column[e]]
            own = fronts.panel[s] + (min(i, j) - fronts.first[s]) * m
            out[e] = own + at[max(i, j)]
            e = following[e]
    return out
