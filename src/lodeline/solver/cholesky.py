"""Sparse Cholesky factorisation of a fixed pattern: analysed once, refactored often.

Multifrontal, after Duff and Reid (1983, ACM Trans. Math. Softw. 9, 302-325): each front is a dense
panel, and what it subtracts from later columns goes up the tree as a dense block. Nearly all work
is in one dense kernel.

Legend: front s has k columns and m rows; m − k of them are passed on to its parent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lodeline.solver.curves import Vector
from lodeline.solver.dissection import Layout, minimum_degree_order
from lodeline.solver.fronts import Fronts, Integers, analyse, sides, slots, stack_sizes
from lodeline.solver.machine_code import kept
from lodeline.solver.panels import factorise_panel, subtract

__all__ = ["Cholesky"]


@dataclass
class Cholesky:
    """``P M Pᵀ = L Lᵀ`` for symmetric positive definite M of one pattern.

    Attributes
    ----------
    fronts
        Pattern of L.
    position
        Elimination position of each row of M, shape (row,).
    values
        Panels of L.
    """

    fronts: Fronts
    position: Integers
    values: Vector
    _work: Vector
    _stacks: tuple[Vector, Vector]

    @classmethod
    def analyse(
        cls, size: int, row: Integers, column: Integers, layout: Layout | None = None
    ) -> Cholesky:
        """Return an empty factor for matrices of a pattern.

        Parameters
        ----------
        size
            Rows.
        row, column
            Where the entries are, in any order; one of a pair will do, twice does no harm.
        layout
            Makes the factor of a long horizon sparser; without one the order is by minimum degree.
        """
        order = _minimum_degree(size, row, column) if layout is None else layout.order()
        fronts, position = analyse(row, column, order.astype(np.int64))
        first, second = stack_sizes(fronts)
        return cls(
            fronts,
            position,
            np.zeros(int(fronts.panel[-1])),
            np.zeros(int(np.diff(fronts.start).max(initial=0))),
            (np.zeros(first), np.zeros(second)),
        )

    @property
    def entries(self) -> int:
        """Stored values of L, zeros within fronts included."""
        return int(self.values.size)

    @property
    def operations(self) -> float:
        """Floating point operations of one factorisation."""
        k = np.diff(self.fronts.first).astype(float)
        m = np.diff(self.fronts.start).astype(float)
        return float(np.sum(k * m * m - k * k * m + k**3 / 3.0))

    def slots(self, row: Integers, column: Integers) -> Integers:
        """Return where entries (row, column) of M are stored, in `values`."""
        return slots(self.fronts, self.position, row, column)

    def factorise(self, least: float) -> None:
        """Turn the entries of M in `values` into L, in place.

        A pivot below `least` (an empty row, or rounding) is replaced by a huge one: the solution
        is zero there.
        """
        _factorise(self.fronts, self.values, *self._stacks, least)

    def solve(self, right: Vector) -> Vector:
        """Return ``M⁻¹ right``, shape (row,)."""
        x = np.empty_like(right)
        x[self.position] = right
        _substitute(self.fronts, self.values, x, self._work)
        return x[self.position]


def _minimum_degree(size: int, row: Integers, column: Integers) -> NDArray[np.intp]:
    """Return the rows by minimum degree."""
    places = (
        np.concatenate([row, column, np.arange(size)]),
        np.concatenate([column, row, np.arange(size)]),
    )
    pattern = sparse.csc_array((np.ones(places[0].size), places), shape=(size, size))
    return minimum_degree_order(pattern)


@kept()
def _factorise(fronts: Fronts, values: Vector, even: Vector, odd: Vector, least: float) -> None:
    """Factorise all fronts, children first.

    What a front passes on lies on one of two stacks, what its children pass on lies on the other:
    so it is written where it stays while theirs is read.
    """
    side = sides(fronts.parent)
    tops = np.zeros(2, np.int64)
    waiting = np.empty(fronts.parent.size, np.int64)
    waiters = 0
    for s in range(fronts.parent.size):
        k = fronts.first[s + 1] - fronts.first[s]
        m = fronts.start[s + 1] - fronts.start[s]
        u = m - k
        base, top = fronts.panel[s], tops[side[s]]
        own, other = (even, odd) if side[s] == 0 else (odd, even)
        for c in range(u):
            own[top + c * u + max(0, c - 10) : top + (c + 1) * u] = 0.0
        while waiters > 0 and fronts.parent[waiting[waiters - 1]] == s:
            waiters -= 1
            child = waiting[waiters]
            begin = fronts.start[child] + fronts.first[child + 1] - fronts.first[child]
            uc = fronts.start[child + 1] - begin
            tops[1 - side[s]] -= uc * uc
            at, place = tops[1 - side[s]], fronts.place[begin : begin + uc]
            for c in range(uc):
                block = other[at + c * uc : at + (c + 1) * uc]
                to = place[c]
                if to < k:
                    t = values[base + to * m : base + (to + 1) * m]
                    for r in range(c, uc):
                        t[place[r]] += block[r]
                else:
                    t = own[top + (to - k) * u : top + (to - k + 1) * u]
                    for r in range(c, uc):
                        t[place[r] - k] += block[r]
        factorise_panel(values, base, m, k, least)
        if u > 0:
            subtract(own, top, u, u, u, values, base + k, m, k)
            tops[side[s]] += u * u
            waiting[waiters] = s
            waiters += 1


@kept()
def _substitute(fronts: Fronts, values: Vector, x: Vector, work: Vector) -> None:
    """Solve ``L Lᵀ x = x`` in place, front by front."""
    count = fronts.parent.size
    for s in range(count):
        k = fronts.first[s + 1] - fronts.first[s]
        m = fronts.start[s + 1] - fronts.start[s]
        rows = fronts.rows[fronts.start[s] : fronts.start[s + 1]]
        own = x[fronts.first[s] : fronts.first[s + 1]]
        passed = work[: m - k]
        passed[:] = 0.0
        for p in range(k):
            column = values[fronts.panel[s] + p * m : fronts.panel[s] + (p + 1) * m]
            own[p] /= column[p]
            a = own[p]
            for r in range(p + 1, k):
                own[r] -= a * column[r]
            tail = column[k:]
            for r in range(m - k):
                passed[r] += a * tail[r]
        for r in range(k, m):
            x[rows[r]] -= passed[r - k]
    for s in range(count - 1, -1, -1):
        k = fronts.first[s + 1] - fronts.first[s]
        m = fronts.start[s + 1] - fronts.start[s]
        rows = fronts.rows[fronts.start[s] : fronts.start[s + 1]]
        own = x[fronts.first[s] : fronts.first[s + 1]]
        passed = work[: m - k]
        for r in range(k, m):
            passed[r - k] = x[rows[r]]
        for p in range(k - 1, -1, -1):
            column = values[fronts.panel[s] + p * m : fronts.panel[s] + (p + 1) * m]
            total = own[p]
            for r in range(p + 1, k):
                total -= column[r] * own[r]
            tail = column[k:]
            for r in range(m - k):
                total -= tail[r] * passed[r]
            own[p] = total / column[p]
