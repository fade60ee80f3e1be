"""Rows of scenarios turned into vectors of eight, compiled."""

# Numba infers the types; a checker of Python types cannot follow vectors of eight.
# ruff: noqa: ANN001, ANN201
# mypy: ignore-errors

from __future__ import annotations

from lodeline.solver.simd import at, entry

__all__ = ["turn"]


@entry
def turn(out, rows, order):
    """Set vectors to columns of eight scenarios.

    Parameters
    ----------
    out
        One vector for each of `order`, flat.
    rows
        Values of eight scenarios, shape (8, column).
    order
        Columns that are wanted.
    """
    flat, width = rows.reshape(rows.size), rows.shape[1]
    for k in range(order.size):
        column = at(order, k)
        for s in range(8):
            out[8 * k + s] = at(flat, s * width + column)
