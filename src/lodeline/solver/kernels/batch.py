"""Batches: scenarios in, eight at a time side by side, results out."""

# Numba infers the types; a checker of Python types cannot follow vectors of eight.
# ruff: noqa: ANN001, ANN201, ANN202
# mypy: ignore-errors

from __future__ import annotations

from lodeline.solver.curves import SUPPLY_KNEE
from lodeline.solver.kernels.evaluate import free_level, margin_of
from lodeline.solver.kernels.steps import newton
from lodeline.solver.simd import (
    at,
    entry,
    exp,
    fma,
    inner,
    load,
    load_rows,
    log,
    magnitude,
    maximum,
    minimum,
    splat,
    store,
    store_rows,
)

__all__ = ["pack_block", "solve_blocks"]


@inner
def _pack_one(out, array, order, first, last, block, count):
    """Copy rows of scenario data into vectors; the last scenario fills up the last block."""
    if array.shape[0] == 1:
        for a in range(first, last):
            store(out, a - first, splat(array[0, order[a]]))
        return
    if out.ndim == 1:
        flat, width, top = array.reshape(array.size), array.shape[1], count - 1
        for a in range(first, last):
            for s in range(8):
                out[8 * (a - first) + s] = flat[min(8 * block + s, top) * width + order[a]]


@inner
def _pack_all(out, array, order, place, block, count):
    """As `_pack_one` for all columns; `place` is where each column goes."""
    if out.ndim == 1:
        flat, width = array.reshape(array.size), array.shape[1]
        if 8 * block + 8 <= count and array.shape[0] > 1:
            start, whole = 8 * block * width, width // 8 * 8
            for k in range(0, whole, 8):
                load_rows(out, place, k, flat, start + k, width)
            for k in range(whole, width):
                for s in range(8):
                    out[8 * place[k] + s] = flat[start + s * width + k]
            return
    _pack_one(out, array, order, 0, order.size, block, count)


@inner
def _pack(p, w, inputs, block, count):
    """Turn scenario data into vectors; what all scenarios share is turned once."""
    rows = p.row.size
    if block == 0 or inputs.lower.shape[0] > 1:
        _pack_all(w.lower, inputs.lower, p.activity, p.place, block, count)
    if block == 0 or inputs.upper.shape[0] > 1:
        _pack_all(w.upper, inputs.upper, p.activity, p.place, block, count)
    if block == 0 or inputs.rhs.shape[0] > 1:
        _pack_all(w.rhs, inputs.rhs, p.row, p.row_place, block, count)
    _pack_all(w.prices, inputs.start, p.row, p.row_place, block, count)
    for i in range(rows):
        if not p.is_equality[i]:
            store(w.prices, i, maximum(load(w.prices, i), splat(0.0)))
    linear = max(inputs.reference.shape[0], inputs.slope.shape[0])
    bent = max(inputs.price.shape[0], inputs.elasticity.shape[0], inputs.cap.shape[0])
    margin = max(inputs.margin.shape[0], inputs.extra.shape[0])
    if block == 0 or max(linear, bent, margin) > 1:
        _pack_curves(p, w, inputs, block, count)


@inner
def _pack_bent(p, w, out, array, block, count):
    """Copy what bent curves alone have."""
    bent, n = p.group[3], p.group[5]
    if array.shape[0] == 1:
        _pack_one(out, array, p.activity, bent, n, block, count)
        return
    _pack_all(w.scratch, array, p.activity, p.place, block, count)
    for a in range(bent, n):
        store(out, a - bent, load(w.scratch, a))


@inner
def _pack_curves(p, w, inputs, block, count):
    """Turn curves into what the kernels evaluate: level or ratio of prices = offset + gain q."""
    n, bent = p.group[5], p.group[3]
    one = splat(1.0)
    _pack_bent(p, w, w.level, inputs.reference, block, count)
    _pack_bent(p, w, w.power, inputs.elasticity, block, count)
    _pack_bent(p, w, w.bend, inputs.cap, block, count)
    # margin, with the extra cost
    _pack_all(w.offset, inputs.margin, p.activity, p.place, block, count)
    _pack_all(w.scratch, inputs.extra, p.activity, p.place, block, count)
    for a in range(n):
        store(w.offset, a, load(w.offset, a) + load(w.scratch, a))
    # linear: x = (x̄ − m/h) + q/h
    _pack_all(w.gain, inputs.slope, p.activity, p.place, block, count)
    _pack_all(w.scratch, inputs.reference, p.activity, p.place, block, count)
    for a in range(bent):
        gain = one / load(w.gain, a)
        store(w.gain, a, gain)
        store(w.offset, a, load(w.scratch, a) - load(w.offset, a) * gain)
    # bent: the ratio of prices is (1 ∓ m/P) ± q/P, + for supply and − for use
    _pack_all(w.scratch, inputs.price, p.activity, p.place, block, count)
    for a in range(bent, n):
        b = a - bent
        price = load(w.scratch, a)
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
def _set_level(w, a, free):
    store(w.scratch, a, minimum(maximum(free, load(w.lower, a)), load(w.upper, a)))


@inner
def _set_levels(p, w):
    """Write the levels at the prices into the scratch."""
    first, second, third = p.group[0], p.group[1], p.group[2]
    for a in range(first, second):
        q = splat(at(p.entry_value, a)) * load(w.prices, at(p.entry_row, a))
        _set_level(w, a, fma(load(w.gain, a), q, load(w.offset, a)))
    for a in range(second, third):
        e = second + 2 * (a - second)
        here, there = load(w.prices, at(p.entry_row, e)), load(w.prices, at(p.entry_row, e + 1))
        q = splat(at(p.entry_value, e + 1)) * (there - here)
        _set_level(w, a, fma(load(w.gain, a), q, load(w.offset, a)))
    for a in range(third, p.group[5]):
        free, _ = free_level(p, w, a, margin_of(p, a, w.prices))
        _set_level(w, a, free)


@inner
def _unpack_one(array, vectors, place, block, last):
    """Copy vectors into rows of scenarios; `place` is where each column lies."""
    flat, width = array.reshape(array.size), array.shape[1]
    start, whole = 8 * block * width, 0
    if last == 8:
        whole = width // 8 * 8
        for k in range(0, whole, 8):
            store_rows(flat, start + k, width, vectors, place, k)
    for k in range(whole, width):
        for s in range(last):
            flat[start + s * width + k] = vectors[8 * place[k] + s]


@inner
def _unpack(p, w, out, block, count):
    """Write levels and prices of a block, and the worth of what is out of balance."""
    last = min(8, count - 8 * block)
    _set_levels(p, w)
    _unpack_one(out.levels, w.scratch, p.place, block, last)
    _unpack_one(out.prices, w.prices, p.row_place, block, last)
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
