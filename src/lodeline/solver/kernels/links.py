"""What links the months of a walk: stores hold what they held, lanes grow from what they carried.

Legend: as in `steps`; `l` the links.
"""

# Numba infers the types; a checker of Python types cannot follow vectors of eight.
# ruff: noqa: ANN001, ANN201, ANN202
# mypy: ignore-errors

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lodeline.solver.curves import Vector
from lodeline.solver.kernels.evaluate import margin_of
from lodeline.solver.simd import (
    at,
    fma,
    inlined,
    inner,
    load,
    maximum,
    minimum,
    select_greater,
    splat,
    store,
)

__all__ = ["LinkVectors", "carry", "enter"]

Positions = NDArray[np.int32]


class LinkVectors(NamedTuple):
    """What links the months of eight scenarios; positions are those of `Pattern`, vectors flat.

    Tables by month have shape (month, column, lane), flat.
    """

    growth: Vector
    """1 + g, one vector."""
    growth_base: Vector
    """Of every activity, t/month; `evaluate.UNTIED` where the bound does not grow."""
    apart: Positions
    """Growing activities whose curve or capacity changes by month: they grow before it does."""
    apart_base: Vector
    store: Positions
    store_row: Positions
    room: Vector
    """What may be added to a store in a month, t."""
    limit_row: Positions
    loose: Vector
    """Minus the right-hand side of a limit that binds nothing, t/month, shape (limit,)."""
    limit: Vector
    """Right-hand side of limits by month, t/month."""
    cut: Positions
    """Activities that may lose capacity."""
    cut_capacity: Vector
    share: Vector
    """What is left of it by month."""
    taxed: Positions
    untaxed: Vector
    """Offsets without tax."""
    tax: Vector
    """By month, USD/t."""


@inner
def enter(w, l, lane, month):  # noqa: E741
    """Set what a month changes in one lane: limits, shares of capacity, taxes."""
    columns = l.limit_row.size
    for k in range(columns):
        w.rhs[8 * at(l.limit_row, k) + lane] = at(l.limit, 8 * (month * columns + k) + lane)
    columns = l.cut.size
    for k in range(columns):
        share = at(l.share, 8 * (month * columns + k) + lane)
        w.upper[8 * at(l.cut, k) + lane] = share * at(l.cut_capacity, 8 * k + lane)
    columns = l.taxed.size
    for k in range(columns):
        place = 8 * at(l.taxed, k) + lane
        tax = at(l.tax, 8 * (month * columns + k) + lane)
        w.offset[place] = at(l.untaxed, 8 * k + lane) - at(w.gain, place) * tax


@inlined
def _level(p, w, a, prices):
    """Return the level of a linear activity at prices."""
    free = fma(load(w.gain, a), margin_of(p, a, prices), load(w.offset, a))
    return minimum(maximum(free, load(w.lower, a)), load(w.upper, a))


@inner
def carry(p, w, l, prices, chosen):  # noqa: E741
    """Hand stocks over to the next month, in the chosen lanes; and the flows of lanes `apart`.

    All other lanes grow in the next evaluation (see there), which has their levels at hand.
    """
    half, zero = splat(0.5), splat(0.0)
    for k in range(l.store.size):
        a, row = at(l.store, k), at(l.store_row, k)
        x = _level(p, w, a, prices)
        store(w.rhs, row, select_greater(chosen, half, zero - x, load(w.rhs, row)))
        store(w.upper, a, select_greater(chosen, half, x + load(l.room, k), load(w.upper, a)))
    for k in range(l.apart.size):
        a = at(l.apart, k)
        high = fma(load(l.growth, 0), _level(p, w, a, prices), load(l.apart_base, k))
        store(w.upper, a, select_greater(chosen, half, high, load(w.upper, a)))
