"""Month after month: each of eight lanes walks through its own months at its own pace.

A lane whose month is solved hands its flows over to the next one and goes on, while the others are
still on their way. What links the months: stores hold what they held, lanes may grow from what
they carried, and limits, shares of capacity and taxes change by month.

Legend: as in `steps`; `l` the links, `h` the history, `s` the state of the lanes.
"""

# Numba infers the types; a checker of Python types cannot follow vectors of eight.
# ruff: noqa: ANN001, ANN201, ANN202
# mypy: ignore-errors

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lodeline.solver.curves import Vector
from lodeline.solver.kernels.evaluate import evaluate, margin_of, residual
from lodeline.solver.kernels.steps import begin, iterate
from lodeline.solver.simd import (
    any_greater,
    at,
    entry,
    fma,
    inlined,
    inner,
    load,
    load_lane,
    maximum,
    minimum,
    select_greater,
    splat,
    store,
)

__all__ = ["History", "LinkVectors", "State", "carry", "enter", "start", "walk"]

_TOGETHER = 2
"""Lanes that wait for each other before they hand over: that costs an evaluation for all."""

Positions = NDArray[np.int32]


class LinkVectors(NamedTuple):
    """What links the months of a block; positions are those of `Pattern`, vectors flat.

    Tables by month have shape (month, column, lane), flat.
    """

    growing: Positions
    growth: Vector
    """1 + g, one vector."""
    growth_base: Vector
    first_flow: Vector
    """What the growing lanes carried before the first month, t/month."""
    store: Positions
    store_row: Positions
    first_stock: Vector
    """What stores hold before the first month, t."""
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


class History(NamedTuple):
    """What a walk leaves behind, flat: shapes (month, row, lane) and (month, lane)."""

    prices: Vector
    residual: Vector
    steps: Vector


class State(NamedTuple):
    """Where the eight lanes are."""

    month: NDArray[np.int64]
    is_open: Vector
    """1 where a lane has months before it, one vector."""
    given: Vector
    """1 where the prices of the month come from elsewhere, one vector."""


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


@inlined
def _link(w, l, k, x, chosen):  # noqa: E741
    """Let store k of the chosen lanes begin the next month with x."""
    half = splat(0.5)
    a, row = at(l.store, k), at(l.store_row, k)
    store(w.rhs, row, select_greater(chosen, half, splat(0.0) - x, load(w.rhs, row)))
    store(w.upper, a, select_greater(chosen, half, x + load(l.room, k), load(w.upper, a)))


@inlined
def _grow(w, l, k, x, chosen):  # noqa: E741
    """Let growing activity k of the chosen lanes grow from x."""
    a = at(l.growing, k)
    high = fma(load(l.growth, 0), x, load(l.growth_base, k))
    store(w.upper, a, select_greater(chosen, splat(0.5), high, load(w.upper, a)))


@inner
def carry(p, w, l, prices, chosen):  # noqa: E741
    """Hand the flows at prices over to the next month, in the chosen lanes."""
    for k in range(l.store.size):
        _link(w, l, k, _level(p, w, at(l.store, k), prices), chosen)
    for k in range(l.growing.size):
        _grow(w, l, k, _level(p, w, at(l.growing, k), prices), chosen)


@entry
def start(w, l):  # noqa: E741
    """Let all lanes begin from the flows before the first month."""
    one = splat(1.0)
    for k in range(l.store.size):
        _link(w, l, k, load(l.first_stock, k), one)
    for k in range(l.growing.size):
        _grow(w, l, k, load(l.first_flow, k), one)


@inner
def _hand_over(p, w, l, h, s, months, worst, taken, arrived):  # noqa: E741
    """Record a month of the lanes that arrived, and let them enter the next."""
    rows = p.row.size
    carry(p, w, l, w.prices, arrived)
    for lane in range(8):
        if load_lane(arrived, lane) < 0.5:
            continue
        month = s.month[lane]
        for i in range(rows):
            h.prices[8 * (month * rows + i) + lane] = w.prices[8 * i + lane]
        h.residual[8 * month + lane] = load_lane(worst, lane)
        h.steps[8 * month + lane] = load_lane(taken, lane)
        s.month[lane] = month + 1
        if month + 1 < months:
            enter(w, l, lane, month + 1)
        else:
            s.is_open[lane] = 0.0


@inlined
def _count(mask):
    """Return in how many lanes a mask is 1."""
    total = 0.0
    for lane in range(8):
        total += load_lane(mask, lane)
    return total


@entry
def walk(p, w, l, h, s, months, tolerance, first_trust, limit):  # noqa: E741
    """Walk until every lane has ended or needs help: it is then open at an unsolved month."""
    zero, half, one = splat(0.0), splat(0.5), splat(1.0)
    target, most = splat(tolerance), splat(limit)
    for lane in range(8):
        if s.is_open[lane] > 0.5 and s.given[lane] < 0.5:
            enter(w, l, lane, s.month[lane])
    worst = begin(p, w)
    given = load(s.given, 0)
    trust, length, accepted = splat(first_trust), one, one
    taken, relaxed, sweeps, spent, stuck = zero, zero, zero, zero, zero
    while True:
        under_way = select_greater(stuck, half, zero, load(s.is_open, 0))
        running = select_greater(worst, target, under_way, zero) * (one - given)
        stuck = maximum(stuck, select_greater(spent, most, running, zero))
        running = select_greater(stuck, half, zero, running)
        arrived = select_greater(stuck, half, zero, under_way - running)
        is_any_running = any_greater(running, half)
        if not is_any_running and not any_greater(arrived, half):
            break
        if not is_any_running or _count(arrived) > _TOGETHER - 0.5:
            _hand_over(p, w, l, h, s, months, worst, taken, arrived)
            evaluate(p, w, w.prices, w.surplus)
            worst = residual(p, w.prices, w.surplus)
            given = select_greater(arrived, half, zero, given)
            trust = select_greater(arrived, half, splat(first_trust), trust)
            accepted = maximum(accepted, arrived)
            relaxed = select_greater(arrived, half, zero, relaxed)
            spent = select_greater(arrived, half, zero, spent)
            taken = select_greater(arrived, half, zero, taken)
            continue
        taken = taken + accepted * running
        spent = spent + running
        worst, trust, length, accepted, relaxed, sweeps = iterate(
            p, w, target, running, worst, trust, length, accepted, relaxed, sweeps
        )
