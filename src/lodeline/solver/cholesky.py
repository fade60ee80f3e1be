"""Sparse Cholesky factorisation of a fixed pattern: analysed once, refactored often.

Multifrontal, after Duff and Reid (1983, ACM Trans. Math. Softw. 9, 302-325): each front is a dense
panel, and what it subtracts from later columns goes up the tree as a dense block. Nearly all work
is in one dense kernel.

Legend: front s has k columns and m rows; m − k of them are passed on to its parent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from lodeline.solver.curves import Vector
from lodeline.solver.dissection import Layout, minimum_degree_order
from lodeline.solver.fronts import Fronts, Integers, analyse, block_sizes, slots
from lodeline.solver.machine_code import kept

__all__ = ["Cholesky"]

_BLOCK = 32
"""Columns of a panel that are factorised before the rest of it is updated."""
_EMPTY = 1e64
"""Root of the pivot of a row that has none: its solution is zero."""


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
    _stack: Vector

    @classmethod
    def analyse(cls, pattern: sparse.csc_array, layout: Layout | None = None) -> Cholesky:
        """Return an empty factor for matrices of a pattern (both triangles given).

        The rows' layout makes the factor of a long horizon sparser; without one the order is by
        minimum degree.
        """
        order = minimum_degree_order(pattern) if layout is None else layout.order()
        fronts, position = analyse(pattern, order.astype(np.int64))
        largest, deepest = block_sizes(fronts)
        return cls(
            fronts, position, np.zeros(int(fronts.panel[-1])), np.zeros(largest), np.zeros(deepest)
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
        i, j = self.position[row], self.position[column]
        return slots(self.fronts, np.maximum(i, j), np.minimum(i, j))

    def factorise(self, least: float) -> None:
        """Turn the entries of M in `values` into L, in place.

        A pivot below `least` (an empty row, or rounding) is replaced by a huge one: the solution
        is zero there.
        """
        _factorise(self.fronts, self.values, self._work, self._stack, least)

    def solve(self, right: Vector) -> Vector:
        """Return ``M⁻¹ right``, shape (row,)."""
        x = np.empty_like(right)
        x[self.position] = right
        _substitute(self.fronts, self.values, x, self._work)
        return x[self.position]


@kept(fastmath={"contract"})
def _subtract(
    target: Vector, base: int, stride: int, columns: int, size: int,
    source: Vector, offset: int, ld: int, depth: int,
) -> None:  # fmt: skip
    """Subtract ``S Sᵀ`` from the lower part of a dense block, the first `columns` of `size` rows.

    Element (r, c) of the block is ``target[base + c·stride + r]``; S is `size` × `depth`, its
    element (r, p) is ``source[offset + p·ld + r]``.
    """
    c = 0
    while c < columns:
        pair = c + 1 < columns
        t0 = target[base + c * stride + c : base + c * stride + size]
        p = 0
        if pair:
            t1 = target[base + (c + 1) * stride + c : base + (c + 1) * stride + size]
            while p + 4 <= depth:
                o = offset + p * ld + c
                s0 = source[o : o + size - c]
                s1 = source[o + ld : o + ld + size - c]
                s2 = source[o + 2 * ld : o + 2 * ld + size - c]
                s3 = source[o + 3 * ld : o + 3 * ld + size - c]
                a0, a1, a2, a3 = s0[0], s1[0], s2[0], s3[0]
                b0, b1, b2, b3 = s0[1], s1[1], s2[1], s3[1]
                for r in range(size - c):
                    t0[r] -= a0 * s0[r] + a1 * s1[r] + a2 * s2[r] + a3 * s3[r]
                    t1[r] -= b0 * s0[r] + b1 * s1[r] + b2 * s2[r] + b3 * s3[r]
                p += 4
            while p < depth:
                o = offset + p * ld + c
                s0 = source[o : o + size - c]
                a0, b0 = s0[0], s0[1]
                for r in range(size - c):
                    t0[r] -= a0 * s0[r]
                    t1[r] -= b0 * s0[r]
                p += 1
            c += 2
        else:
            while p < depth:
                o = offset + p * ld + c
                s0 = source[o : o + size - c]
                a0 = s0[0]
                for r in range(size - c):
                    t0[r] -= a0 * s0[r]
                p += 1
            c += 1


@kept(fastmath={"contract"})
def _dense(values: Vector, base: int, m: int, k: int, least: float) -> None:
    """Factorise a panel of m rows and k columns in place."""
    for j0 in range(0, k, _BLOCK):
        j1 = min(j0 + _BLOCK, k)
        for p in range(j0, j1):
            pivot = values[base + p * m + p]
            root = np.sqrt(pivot) if pivot > least else _EMPTY
            own = values[base + p * m + p : base + (p + 1) * m]
            scale = 1.0 / root
            for r in range(m - p):
                own[r] *= scale
            own[0] = root
            for q in range(p + 1, j1):
                a = values[base + p * m + q]
                t = values[base + q * m + q : base + (q + 1) * m]
                s = values[base + p * m + q : base + (p + 1) * m]
                for r in range(m - q):
                    t[r] -= a * s[r]
        if j1 < k:
            _subtract(
                values,
                base + j1 * m + j1,
                m,
                k - j1,
                m - j1,
                values,
                base + j0 * m + j1,
                m,
                j1 - j0,
            )


@kept()
def _factorise(fronts: Fronts, values: Vector, work: Vector, stack: Vector, least: float) -> None:
    """Factorise all fronts, children first."""
    count = fronts.parent.size
    waiting = np.empty(count, np.int64)
    waiters = 0
    top = 0
    for s in range(count):
        k = fronts.first[s + 1] - fronts.first[s]
        m = fronts.start[s + 1] - fronts.start[s]
        u = m - k
        base = fronts.panel[s]
        work[: u * u] = 0.0
        while waiters > 0 and fronts.parent[waiting[waiters - 1]] == s:
            child = waiting[waiters - 1]
            waiters -= 1
            begin = fronts.start[child] + fronts.first[child + 1] - fronts.first[child]
            uc = fronts.start[child + 1] - begin
            top -= uc * uc
            place = fronts.place[begin : begin + uc]
            for c in range(uc):
                block = stack[top + c * uc : top + (c + 1) * uc]
                to = place[c]
                if to < k:
                    t = values[base + to * m : base + (to + 1) * m]
                    for r in range(c, uc):
                        t[place[r]] += block[r]
                else:
                    t = work[(to - k) * u : (to - k + 1) * u]
                    for r in range(c, uc):
                        t[place[r] - k] += block[r]
        _dense(values, base, m, k, least)
        if u > 0:
            _subtract(work, 0, u, u, u, values, base + k, m, k)
            stack[top : top + u * u] = work[: u * u]
            top += u * u
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
