"""Batches: scenarios in, eight at a time side by side, results out."""

# Numba infers the types; a checker of Python types cannot follow vectors of eight.
# ruff: noqa: ANN001, ANN201, ANN202
# mypy: ignore-errors

from __future__ import annotations

from lodeline.solver.curves import SUPPLY_KNEE
from lodeline.solver.kernels.evaluate import free_level, margin_of
from lodeline.solver.kernels.steps import newton
from lodeline.solver.simd import (
    entry,
    exp,
    inner,
    load,
    log,
    magnitude,
    maximum,
    minimum,
    splat,
    store,
)

__all__ = ["pack_block", "solve_blocks"]


@inner
def _pack_one(out, array, order, first, last, block, count):
    """Copy rows of scenario data into vectors; the last scenario fills up the last block."""
    if array.shape[0] == 1:
        for a in range(first, last):
            store(out, a - first, splat(array[0, order[a]]))
        return
    flat, width, top = array.reshape(array.size), array.shape[1], count - 1
    start = 8 * block * width
    if 8 * block + 7 <= top:
        for a in range(first, last):
            here = start + order[a]
            for s in range(8):
                out[8 * (a - first) + s] = flat[here + s * width]
        return
    for a in range(first, last):
        for s in range(8):
            out[8 * (a - first) + s] = flat[min(8 * block + s, top) * width + order[a]]


@inner
def _pack(p, w, inputs, block, count):
    """Turn scenario data into vectors; what all scenarios share is turned once."""
    n, rows = p.group[5], p.row.size
    if block == 0 or inputs.lower.shape[0] > 1:
        _pack_one(w.lower, inputs.lower, p.activity, 0, n, block, count)
    if block == 0 or inputs.upper.shape[0] > 1:
        _pack_one(w.upper, inputs.upper, p.activity, 0, n, block, count)
    if block == 0 or inputs.rhs.shape[0] > 1:
        _pack_one(w.rhs, inputs.rhs, p.row, 0, rows, block, count)
    _pack_one(w.prices, inputs.start, p.row, 0, rows, block, count)
    for i in range(rows):
        if not p.is_equality[i]:
            store(w.prices, i, maximum(load(w.prices, i), splat(0.0)))
    linear = max(inputs.reference.shape[0], inputs.slope.shape[0])
    bent = max(inputs.price.shape[0], inputs.elasticity.shape[0], inputs.cap.shape[0])
    margin = max(inputs.margin.shape[0], inputs.extra.shape[0])
    if block == 0 or max(linear, bent, margin) > 1:
        _pack_curves(p, w, inputs, block, count)


@inner
def _pack_curves(p, w, inputs, block, count):
    """Turn curves into what the kernels evaluate: level or ratio of prices = offset + gain q."""
    n, bent = p.group[5], p.group[3]
    one = splat(1.0)
    _pack_one(w.level, inputs.reference, p.activity, bent, n, block, count)
    _pack_one(w.power, inputs.elasticity, p.activity, bent, n, block, count)
    _pack_one(w.bend, inputs.cap, p.activity, bent, n, block, count)
    # margin, with the extra cost
    _pack_one(w.offset, inputs.margin, p.activity, 0, n, block, count)
    _pack_one(w.scratch, inputs.extra, p.activity, 0, n, block, count)
    for a in range(n):
        store(w.offset, a, load(w.offset, a) + load(w.scratch, a))
    # linear: x = (x̄ − m/h) + q/h
    _pack_one(w.gain, inputs.slope, p.activity, 0, bent, block, count)
    _pack_one(w.scratch, inputs.reference, p.activity, 0, bent, block, count)
    for a in range(bent):
        gain = one / load(w.gain, a)
        store(w.gain, a, gain)
        store(w.offset, a, load(w.scratch, a) - load(w.offset, a) * gain)
    # bent: the ratio of prices is (1 ∓ m/P) ± q/P, + for supply and − for use
    _pack_one(w.scratch, inputs.price, p.activity, bent, n, block, count)
    for a in range(bent, n):
        b = a - bent
        price = load(w.scratch, b)
        if a < p.group[4]:
            gain = one / price
            bend = exp(load(w.power, b) * log(splat(SUPPLY_KNEE)))
        else:
            gain = splat(-1.0) / price
            bend = load(w.bend, b) / price
        store(w.gain, a, gain)
        store(w.bend, b, bend)
        store(w.offset, a, one - gain * load(w.offset, a))


@entry
def pack_block(p, w, inputs):
    """Turn the data of eight scenarios into vectors, to walk with."""
    _pack(p, w, inputs, 0, 8)


@inner
def _set_levels(p, w):
    """Write the levels at the prices into the scratch."""
    for a in range(p.group[5]):
        free, _ = free_level(p, w, a, margin_of(p, a, w.prices))
        held = minimum(maximum(free, load(w.lower, a)), load(w.upper, a))
        store(w.scratch, a, held)


@inner
def _unpack_one(array, vectors, order, block, last):
    """Copy vectors into rows of scenarios."""
    flat, width = array.reshape(array.size), array.shape[1]
    start = 8 * block * width
    if last == 8:
        for a in range(order.size):
            here = start + order[a]
            for s in range(8):
                flat[here + s * width] = vectors[8 * a + s]
        return
    for a in range(order.size):
        for s in range(last):
            flat[start + s * width + order[a]] = vectors[8 * a + s]


@inner
def _unpack(p, w, out, block, count):
    """Write levels and prices of a block, and the worth of what is out of balance."""
    last = min(8, count - 8 * block)
    _set_levels(p, w)
    _unpack_one(out.levels, w.scratch, p.activity, block, last)
    _unpack_one(out.prices, w.prices, p.row, block, last)
    gap = splat(0.0)
    for i in range(p.row.size):
        gap = gap + magnitude(load(w.prices, i) * load(w.surplus, i))
    store(w.lane, 0, gap)
    for s in range(last):
        out.gap[8 * block + s] = w.lane[s]


@entry
def solve_blocks(p, w, inputs, out, count, tolerance, trust, limit):
    """Solve scenarios 0 to count − 1, eight at a time."""
    for block in range((count + 7) // 8):
        _pack(p, w, inputs, block, count)
        worst, taken = newton(p, w, tolerance, trust, limit)
        _unpack(p, w, out, block, count)
        last = min(8, count - 8 * block)
        store(w.lane, 0, worst)
        for s in range(last):
            out.residual[8 * block + s] = w.lane[s]
        store(w.lane, 0, taken)
        for s in range(last):
            out.iterations[8 * block + s] = int(w.lane[s])
