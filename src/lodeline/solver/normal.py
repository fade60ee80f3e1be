"""The normal equations of an interior-point step, ``(A Θ⁻¹ Aᵀ + D) y = r``, of one set of rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lodeline.solver.cholesky import Cholesky
from lodeline.solver.curves import Vector
from lodeline.solver.dissection import Layout
from lodeline.solver.fronts import Integers
from lodeline.solver.machine_code import kept
from lodeline.solver.problem import MarketProblem

__all__ = ["NormalEquations"]


_ROUNDED = 1e-12
"""Residual of a solution, over the right side, above which it is refined."""


class NormalEquations:
    """Rows that take part, and the factor of their normal equations.

    Attributes
    ----------
    rows
        Positions in the problem, ascending.
    matrix, transposed
        A of these rows.
    rhs, is_equality, scale, price
        Of these rows, as in `MarketProblem`.
    """

    def __init__(
        self,
        problem: MarketProblem,
        rows: NDArray[np.intp],
        layout: Layout | None = None,
        *,
        like: NormalEquations | None = None,
    ) -> None:
        """Choose the rows; a system `like` it, of the same pattern, shares its factor."""
        self.rows = rows
        self.matrix = sparse.csr_array(sparse.csr_array(problem.incidence)[rows])
        self.transposed = sparse.csr_array(self.matrix.T)
        self.rhs = problem.rhs[rows]
        self.is_equality = problem.is_equality[rows]
        self.scale = problem.row_scale[rows]
        self.price = problem.row_price[rows]
        columns = self.transposed
        self._column, first, second, self._product = _pairs(
            columns.indptr.astype(np.int64), columns.indices.astype(np.int64), columns.data
        )
        self._weight = np.zeros(self.transposed.shape[0])
        self._extra = np.zeros(rows.size)
        if like is not None and like._has_pattern_of(self.matrix):
            self._factor: Cholesky = like._factor
            self._slot: Integers = like._slot
            self._diagonal: Integers = like._diagonal
            return
        n = rows.size
        diagonal = np.arange(n)
        own = None if layout is None else layout.of(rows)
        self._factor = Cholesky.analyse(n, first, second, own)
        self._slot = self._factor.slots(first, second)
        self._diagonal = self._factor.slots(diagonal, diagonal)

    def _has_pattern_of(self, matrix: sparse.csr_array) -> bool:
        own = self.matrix
        return np.array_equal(own.indptr, matrix.indptr) and np.array_equal(
            own.indices, matrix.indices
        )

    @property
    def factor(self) -> Cholesky:
        """The factor, for its size."""
        return self._factor

    def factorise(self, weight: Vector, extra: Vector) -> None:
        """Factorise ``A diag(weight) Aᵀ + diag(extra)``."""
        self._weight, self._extra = weight, extra
        _assemble(
            self._factor.values,
            self._slot,
            self._column,
            self._product,
            weight,
            self._diagonal,
            extra,
        )
        self._factor.factorise(0.0)

    def solve(self, right: Vector) -> Vector:
        """Return the solution, refined once where rounding shows: Θ spans many orders of size."""
        y = self._factor.solve(right)
        left = self.matrix @ (self._weight * (self.transposed @ y)) + self._extra * y
        lost = right - left
        if np.max(np.abs(lost) / self.scale) <= _ROUNDED * np.max(np.abs(right) / self.scale):
            return y
        return y + self._factor.solve(lost)


@kept()
def _pairs(
    start: Integers, row: Integers, value: Vector
) -> tuple[Integers, Integers, Integers, Vector]:
    """Return column, both rows and product of every pair of entries of a column."""
    total = 0
    for a in range(start.size - 1):
        k = start[a + 1] - start[a]
        total += k * (k + 1) // 2
    column = np.empty(total, np.int64)
    first = np.empty(total, np.int64)
    second = np.empty(total, np.int64)
    product = np.empty(total)
    at = 0
    for a in range(start.size - 1):
        for e in range(start[a], start[a + 1]):
            for f in range(start[a], e + 1):
                column[at] = a
                first[at] = row[e]
                second[at] = row[f]
                product[at] = value[e] * value[f]
                at += 1
    return column, first, second, product


@kept()
def _assemble(
    values: Vector,
    slot: Integers,
    column: Integers,
    product: Vector,
    weight: Vector,
    diagonal_slot: Integers,
    extra: Vector,
) -> None:
    """Fill the lower triangle of the normal matrix into the places of the factor."""
    values[:] = 0.0
    for e in range(slot.size):
        values[slot[e]] += product[e] * weight[column[e]]
    for i in range(extra.size):
        values[diagonal_slot[i]] += extra[i]
