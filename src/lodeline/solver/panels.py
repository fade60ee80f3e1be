"""The dense kernels under the sparse Cholesky factor: what is subtracted, and substitution.

Blocks and panels are stored by columns. What lies above a diagonal is never read, so that a tile of
eight rows may begin there.
"""

# Code generators take whatever numba hands them: their types are numba's own affair.
# ruff: noqa: ANN401, ARG001
# mypy: ignore-errors

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from lodeline.solver.curves import Vector
from lodeline.solver.machine_code import kept
from lodeline.solver.simd import at, fma, lanes, splat

__all__ = ["factorise_panel", "subtract"]

_BLOCK = 8
"""Columns of a panel that are factorised before the rest of it is updated."""
_EMPTY = 1e64
"""Root of the pivot of a row that has none: its solution is zero."""
_DOUBLES = ir.VectorType(ir.DoubleType(), 8)


def _place(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    """Return the address of eight doubles from an element on, which need not be aligned."""
    first = context.cast(builder, args[1], sig.args[1], types.intp)
    data = context.make_array(sig.args[0])(context, builder, args[0]).data
    return builder.bitcast(builder.gep(data, [first]), _DOUBLES.as_pointer())


@intrinsic
def _eight(typingctx: Any, array: Any, first: Any) -> Any:
    """Return eight elements of a contiguous array from `first` on."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load(_place(context, builder, sig, args), align=8)

    return lanes(array, first), codegen


@intrinsic
def _put(typingctx: Any, array: Any, first: Any, value: Any) -> Any:
    """Set eight elements of a contiguous array from `first` on."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.store(args[2], _place(context, builder, sig, args), align=8)
        return context.get_dummy_value()

    return types.void(array, first, lanes), codegen


@kept()
def subtract(
    target: Vector, base: int, stride: int, columns: int, size: int,
    source: Vector, offset: int, ld: int, depth: int,
) -> None:  # fmt: skip
    """Subtract ``S Sᵀ`` from the lower part of a dense block, the first `columns` of `size` rows.

    Element (r, c) of the block is ``target[base + c·stride + r]``; S is `size` × `depth`, its
    element (r, p) is ``source[offset + p·ld + r]``. Up to ten elements above the diagonal change.
    """
    c = 0
    while c + 4 <= columns:
        r = size
        while r > c:
            if r >= 16 and r > c + 8:
                r -= 16
                _tile_16(target, base + c * stride + r, stride, source, offset, r, c, ld, depth)
            elif r >= 8:
                r -= 8
                _tile_8(target, base + c * stride + r, stride, source, offset, r, c, ld, depth)
            else:
                for q in range(4):
                    _column(target, base + (c + q) * stride, source, offset, c + q, r, ld, depth)
                r = 0
        c += 4
    while c < columns:
        _column(target, base + c * stride, source, offset, c, size, ld, depth)
        c += 1


@kept()
def _tile_16(
    target: Vector, first: int, stride: int,
    source: Vector, offset: int, row: int, column: int, ld: int, depth: int,
) -> None:  # fmt: skip
    """Subtract from sixteen rows of four columns; `first` is the place of the first element."""
    a0, b0 = _eight(target, first), _eight(target, first + 8)
    a1, b1 = _eight(target, first + stride), _eight(target, first + stride + 8)
    a2, b2 = _eight(target, first + 2 * stride), _eight(target, first + 2 * stride + 8)
    a3, b3 = _eight(target, first + 3 * stride), _eight(target, first + 3 * stride + 8)
    for p in range(depth):
        begin = offset + p * ld
        s, t = _eight(source, begin + row), _eight(source, begin + row + 8)
        f0 = splat(-at(source, begin + column))
        f1 = splat(-at(source, begin + column + 1))
        f2 = splat(-at(source, begin + column + 2))
        f3 = splat(-at(source, begin + column + 3))
        a0, b0 = fma(s, f0, a0), fma(t, f0, b0)
        a1, b1 = fma(s, f1, a1), fma(t, f1, b1)
        a2, b2 = fma(s, f2, a2), fma(t, f2, b2)
        a3, b3 = fma(s, f3, a3), fma(t, f3, b3)
    _put(target, first, a0)
    _put(target, first + 8, b0)
    _put(target, first + stride, a1)
    _put(target, first + stride + 8, b1)
    _put(target, first + 2 * stride, a2)
    _put(target, first + 2 * stride + 8, b2)
    _put(target, first + 3 * stride, a3)
    _put(target, first + 3 * stride + 8, b3)


@kept()
def _tile_8(
    target: Vector, first: int, stride: int,
    source: Vector, offset: int, row: int, column: int, ld: int, depth: int,
) -> None:  # fmt: skip
    """Subtract from eight rows of four columns."""
    a0, a1 = _eight(target, first), _eight(target, first + stride)
    a2, a3 = _eight(target, first + 2 * stride), _eight(target, first + 3 * stride)
    for p in range(depth):
        begin = offset + p * ld
        s = _eight(source, begin + row)
        a0 = fma(s, splat(-at(source, begin + column)), a0)
        a1 = fma(s, splat(-at(source, begin + column + 1)), a1)
        a2 = fma(s, splat(-at(source, begin + column + 2)), a2)
        a3 = fma(s, splat(-at(source, begin + column + 3)), a3)
    _put(target, first, a0)
    _put(target, first + stride, a1)
    _put(target, first + 2 * stride, a2)
    _put(target, first + 3 * stride, a3)


@kept(fastmath={"contract"})
def _column(
    target: Vector, base: int, source: Vector, offset: int, column: int, end: int,
    ld: int, depth: int,
) -> None:  # fmt: skip
    """Subtract from a column, rows `column` to `end`."""
    if end <= column:
        return
    t = target[base + column : base + end]
    for p in range(depth):
        s = source[offset + p * ld + column : offset + p * ld + end]
        a = s[0]
        for r in range(end - column):
            t[r] -= a * s[r]


@kept(fastmath={"contract"})
def factorise_panel(values: Vector, base: int, m: int, k: int, least: float) -> None:
    """Factorise a panel of m rows and k columns in place.

    A pivot below `least` is replaced by a huge one: the solution is zero there.
    """
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
            subtract(
                values, base + j1 * m + j1, m, k - j1, m - j1,
                values, base + j0 * m + j1, m, j1 - j0,
            )  # fmt: skip
