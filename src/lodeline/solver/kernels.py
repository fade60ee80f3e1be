"""Compiled kernels: eight scenarios through the dual Newton method at once.

The method is that of `lodeline.solver.newton`, with two differences that keep the eight lanes in
step. A step is judged by the slope of the dual along it, not by its value: going along s, the
dual falls by about −(r + r₊)ᵀs/2, so a step is taken where r₊ᵀs has not risen beyond a share of
−rᵀs. A lane that must shorten its step does so while the others go on.

Legend, one vector of eight scenarios per element: π prices, r surplus, d diagonal and v
off-diagonal entries of ``A x' Aᵀ`` and then of its factor, s step, δ ridge, t length of step.
Every lane does the same arithmetic whatever the others hold: results are equal to the bit.
"""

# Numba infers the types; a checker of Python types cannot follow vectors of eight.
# ruff: noqa: ANN001, ANN201, ANN202
# mypy: ignore-errors

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lodeline.solver.curves import CHOKE_OVER_CAP, SUPPLY_KNEE, USE_GLUT, Vector
from lodeline.solver.simd import (
    exp, fma, inside, load, log, magnitude, maximum, minimum, select_greater, splat, store,
)  # fmt: skip

__all__ = ["Inputs", "Outputs", "Workspace", "solve_blocks"]


class Inputs(NamedTuple):
    """Scenario data, shape (scenario or 1, activity or row); 1 where all scenarios share it."""

    rhs: Vector
    start: Vector
    lower: Vector
    upper: Vector
    margin: Vector
    extra: Vector
    reference: Vector
    slope: Vector
    price: Vector
    elasticity: Vector
    cap: Vector


class Outputs(NamedTuple):
    """Results, shape (scenario, …)."""

    levels: Vector
    prices: Vector
    iterations: NDArray[np.int32]
    residual: Vector
    gap: Vector
    """Σ |π (A x − b)|, USD/month."""


class Workspace(NamedTuple):
    """Vectors of eight scenarios, flat."""

    gain: Vector
    offset: Vector
    lower: Vector
    upper: Vector
    level: Vector
    """x̄ of bent curves."""
    power: Vector
    """ε of bent curves."""
    bend: Vector
    """Supply: level at the knee over x̄; use: cap price over price."""
    rhs: Vector
    prices: Vector
    surplus: Vector
    trial: Vector
    trial_surplus: Vector
    step: Vector
    diagonal: Vector
    inverse: Vector
    factor: Vector
    lane: Vector
    """Scratch, one vector."""
    scratch: Vector


@njit(cache=True, inline="always")
def _add(array, i, value):
    store(array, i, load(array, i) + value)


@njit(cache=True)
def _supply(ratio, level, power, knee_level):
    """Return level and its derivative by ratio."""
    knee = splat(SUPPLY_KNEE)
    bent_ratio = maximum(ratio, knee)
    bent = level * exp(power * log(bent_ratio))
    straight = level * knee_level * splat(1.0 / SUPPLY_KNEE)
    free = select_greater(knee, ratio, straight * ratio, bent)
    rise = select_greater(knee, ratio, straight, power * bent / bent_ratio)
    return free, rise


@njit(cache=True)
def _use(ratio, level, power, top):
    """Return level and minus its derivative by ratio."""
    zero, one = splat(0.0), splat(1.0)
    held = minimum(maximum(ratio, splat(USE_GLUT)), top)
    bent = level * exp((zero - power) * log(held))
    width = splat(CHOKE_OVER_CAP - 1.0) * top
    choke = splat(CHOKE_OVER_CAP) * top
    fade = minimum(maximum((choke - ratio) / width, zero), one)
    rise = select_greater(ratio, splat(USE_GLUT), power * bent / held, zero)
    rise = select_greater(ratio, top, select_greater(choke, ratio, bent / width, zero), rise)
    return bent * fade, rise


@njit(cache=True)
def _free_level(p, w, a, q):
    """Return the level before its bounds, and its slope, of activity a at margin q."""
    ratio = fma(load(w.gain, a), q, load(w.offset, a))
    if a < p.group[3]:
        return ratio, load(w.gain, a)
    b = a - p.group[3]
    gain = magnitude(load(w.gain, a))
    if a < p.group[4]:
        free, rise = _supply(ratio, load(w.level, b), load(w.power, b), load(w.bend, b))
    else:
        free, rise = _use(ratio, load(w.level, b), load(w.power, b), load(w.bend, b))
    return free, rise * gain


@njit(cache=True)
def _margin(p, a, prices):
    q = splat(0.0)
    for e in range(p.entry_start[a], p.entry_start[a + 1]):
        q = fma(splat(p.entry_value[e]), load(prices, p.entry_row[e]), q)
    return q


@njit(cache=True)
def _evaluate(p, w, prices, surplus):
    """Set surplus, diagonal and factor to ``A x − b`` and ``A x' Aᵀ`` at prices."""
    zero = splat(0.0)
    for i in range(p.row.size):
        store(surplus, i, zero - load(w.rhs, i))
        store(w.diagonal, i, zero)
    for e in range(p.column_row.size):
        store(w.factor, e, zero)
    for a in range(p.group[0], p.group[1]):
        i = p.entry_row[a]
        value = splat(p.entry_value[a])
        gain, low, high = load(w.gain, a), load(w.lower, a), load(w.upper, a)
        free = fma(gain, value * load(prices, i), load(w.offset, a))
        x = minimum(maximum(free, low), high)
        _add(surplus, i, value * x)
        _add(w.diagonal, i, value * value * inside(free, low, high, gain))
    first = p.group[1]
    for a in range(p.group[1], p.group[2]):
        e = first + 2 * (a - first)
        i, j = p.entry_row[e], p.entry_row[e + 1]
        here, there = splat(p.entry_value[e]), splat(p.entry_value[e + 1])
        gain, low, high = load(w.gain, a), load(w.lower, a), load(w.upper, a)
        q = fma(there, load(prices, j), here * load(prices, i))
        free = fma(gain, q, load(w.offset, a))
        x = minimum(maximum(free, low), high)
        slope = inside(free, low, high, gain)
        _add(surplus, i, here * x)
        _add(surplus, j, there * x)
        hence, thence = here * slope, there * slope
        _add(w.diagonal, i, here * hence)
        _add(w.diagonal, j, there * thence)
        _add(w.factor, p.pair_place[a - first], there * hence)
    for a in range(p.group[2], p.group[5]):
        free, slope = _free_level(p, w, a, _margin(p, a, prices))
        low, high = load(w.lower, a), load(w.upper, a)
        x = minimum(maximum(free, low), high)
        slope = inside(free, low, high, slope)
        for e in range(p.entry_start[a], p.entry_start[a + 1]):
            value = splat(p.entry_value[e])
            _add(surplus, p.entry_row[e], value * x)
            _add(w.diagonal, p.entry_row[e], value * value * slope)
        for e in range(p.pair_start[a], p.pair_start[a + 1]):
            _add(w.factor, p.pair_place[e], splat(p.pair_value[e]) * slope)


@njit(cache=True)
def _residual(p, prices, surplus):
    """Return the worst row's distance from balance, over its throughput."""
    worst = splat(0.0)
    for i in range(p.row.size):
        scaled = load(surplus, i) * splat(p.inverse_scale[i])
        if not p.is_equality[i]:
            scaled = minimum(scaled, load(prices, i) * splat(p.inverse_price[i]))
        worst = maximum(magnitude(scaled), worst)
    return worst


@njit(cache=True)
def _factorise(p, w, ridge):
    """Factor ``A x' Aᵀ + ρ`` in place; rows at price zero with a surplus are left out."""
    zero, one = splat(0.0), splat(1.0)
    for i in range(p.row.size):
        steepest = splat(p.steepest[i])
        d = load(w.diagonal, i)
        rho = fma(ridge, maximum(d, splat(1e-6) * steepest), splat(1e-15) * steepest)
        store(w.diagonal, i, d + rho)
        # Half of the ridge is the least that a pivot can be but for rounding.
        store(w.inverse, i, splat(0.5) * rho)
    place = 0
    for k in range(p.row.size):
        inverse = one / maximum(load(w.diagonal, k), load(w.inverse, k))
        if not p.is_equality[k]:
            idle = select_greater(load(w.surplus, k), zero, zero, inverse)
            at_zero = load(w.prices, k) * splat(p.inverse_price[k])
            inverse = select_greater(at_zero, splat(1e-12), inverse, idle)
        store(w.inverse, k, inverse)
        first, last = p.column_start[k], p.column_start[k + 1]
        for b in range(first, last):
            v = load(w.factor, b)
            scaled = zero - v * inverse
            j = p.column_row[b]
            store(w.diagonal, j, fma(scaled, v, load(w.diagonal, j)))
            place += 1
            for c in range(b + 1, last):
                target = p.update_place[place]
                place += 1
                store(w.factor, target, fma(scaled, load(w.factor, c), load(w.factor, target)))


@njit(cache=True)
def _solve_factored(p, w, accepted):
    """Set the step to ``−(A x' Aᵀ + ρ)⁻¹ r`` in the accepted lanes.

    The factor holds L D: its entries over the pivot are those of L.
    """
    n = p.row.size
    for i in range(n):
        store(w.trial, i, zero_minus(load(w.surplus, i)))
    for k in range(n):
        value = load(w.trial, k) * load(w.inverse, k)
        store(w.trial, k, value)
        value = zero_minus(value)
        for b in range(p.column_start[k], p.column_start[k + 1]):
            j = p.column_row[b]
            store(w.trial, j, fma(load(w.factor, b), value, load(w.trial, j)))
    half = splat(0.5)
    for m in range(n):
        k = n - 1 - m
        total = splat(0.0)
        for b in range(p.column_start[k], p.column_start[k + 1]):
            total = fma(load(w.factor, b), load(w.trial, p.column_row[b]), total)
        value = load(w.trial, k) - total * load(w.inverse, k)
        store(w.trial, k, value)
        store(w.step, k, select_greater(accepted, half, value, load(w.step, k)))


@njit(cache=True, inline="always")
def zero_minus(a):
    """Return −a."""
    return splat(0.0) - a


@njit(cache=True)
def _advance(p, w, length):
    """Set the trial prices to ``max(0, π + t s)``."""
    zero = splat(0.0)
    for i in range(p.row.size):
        value = fma(length, load(w.step, i), load(w.prices, i))
        if not p.is_equality[i]:
            value = maximum(value, zero)
        store(w.trial, i, value)


@njit(cache=True)
def _accept(p, w, accepted):
    """Make the trial the point, in the accepted lanes."""
    half = splat(0.5)
    for i in range(p.row.size):
        value = select_greater(accepted, half, load(w.trial, i), load(w.prices, i))
        store(w.prices, i, value)
        value = select_greater(accepted, half, load(w.trial_surplus, i), load(w.surplus, i))
        store(w.surplus, i, value)


@njit(cache=True)
def _falls(p, w):
    """Return the slope of the dual along the trial's move, before and after it."""
    before, after = splat(0.0), splat(0.0)
    for i in range(p.row.size):
        moved = load(w.trial, i) - load(w.prices, i)
        before = fma(load(w.surplus, i), moved, before)
        after = fma(load(w.trial_surplus, i), moved, after)
    return before, after


@njit(cache=True)
def _any(w, lanes_):
    """Return whether any lane is above one half."""
    store(w.lane, 0, lanes_)
    for s in range(8):
        if w.lane[s] > 0.5:
            return True
    return False


@njit(cache=True)
def _newton(p, w, tolerance, ridge, limit):
    """Solve one block; return residual and iterations of each lane."""
    zero, one = splat(0.0), splat(1.0)
    target = splat(tolerance)
    share, length, taken = splat(ridge), one, zero
    for i in range(p.row.size):
        store(w.trial, i, load(w.prices, i))
        store(w.step, i, zero)
    _evaluate(p, w, w.trial, w.trial_surplus)
    _accept(p, w, one)
    worst = _residual(p, w.prices, w.surplus)
    accepted = one
    for _ in range(limit):
        running = select_greater(worst, target, one, zero)
        if not _any(w, running):
            break
        taken = taken + running
        narrow = minimum(share, share * worst)
        length = select_greater(accepted, splat(0.5), one, length)
        if _any(w, accepted * running):
            _factorise(p, w, narrow)
            _solve_factored(p, w, accepted)
        _advance(p, w, length * running)
        _evaluate(p, w, w.trial, w.trial_surplus)
        before, after = _falls(p, w)
        reached = _residual(p, w.trial, w.trial_surplus)
        bound = splat(0.5) * magnitude(before)
        is_flat = select_greater(after, bound, zero, one)
        is_closer = select_greater(splat(0.5) * worst, reached, one, zero)
        is_close = select_greater(splat(1e-6), worst, is_closer, zero)
        accepted = maximum(is_flat, is_close) * running
        _accept(p, w, accepted)
        # the ridge: wider after short steps, narrower after slow ones
        slow = select_greater(reached, splat(0.3) * worst, one, zero)
        short = select_greater(splat(0.1), length, one, zero)
        narrower = maximum(splat(0.1) * share, splat(1e-13))
        changed = select_greater(slow, splat(0.5), narrower, share)
        wider = minimum(splat(10.0) * share, splat(1e2))
        changed = select_greater(short, splat(0.5), wider, changed)
        share = select_greater(accepted, splat(0.5), changed, share)
        worst = select_greater(accepted, splat(0.5), reached, worst)
        # the length: where the slope along the step would vanish if it were straight
        cut = magnitude(before) / (magnitude(before) + maximum(after, splat(1e-300)))
        length = length * minimum(maximum(cut, splat(0.1)), splat(0.6))
        # a lane at the end of its patience goes back to its point and takes a wider ridge
        lost = select_greater(splat(1e-8), length, one, zero)
        length = select_greater(lost, splat(0.5), zero, length)
    return worst, taken


@njit(cache=True)
def _pick(array, scenario):
    return scenario if array.shape[0] > 1 else 0


@njit(cache=True)
def _pack_one(out, array, order, first, last, block, count):
    """Copy rows of scenario data into vectors; the last scenario fills up the last block."""
    if array.shape[0] == 1:
        for a in range(first, last):
            store(out, a - first, splat(array[0, order[a]]))
        return
    for s in range(8):
        scenario = min(8 * block + s, count - 1)
        for a in range(first, last):
            out[8 * (a - first) + s] = array[scenario, order[a]]


@njit(cache=True)
def _pack(p, w, inputs, block, count):
    """Turn scenario data into what the kernels evaluate."""
    n, bent = p.group[5], p.group[3]
    one = splat(1.0)
    _pack_one(w.lower, inputs.lower, p.activity, 0, n, block, count)
    _pack_one(w.upper, inputs.upper, p.activity, 0, n, block, count)
    _pack_one(w.rhs, inputs.rhs, p.row, 0, p.row.size, block, count)
    _pack_one(w.prices, inputs.start, p.row, 0, p.row.size, block, count)
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
    for i in range(p.row.size):
        if not p.is_equality[i]:
            store(w.prices, i, maximum(load(w.prices, i), splat(0.0)))


@njit(cache=True)
def _unpack(p, w, out, block, count):
    """Write levels and prices of a block, and the worth of what is out of balance."""
    last = min(8, count - 8 * block)
    for a in range(p.group[5]):
        free, _ = _free_level(p, w, a, _margin(p, a, w.prices))
        store(w.lane, 0, minimum(maximum(free, load(w.lower, a)), load(w.upper, a)))
        for s in range(last):
            out.levels[8 * block + s, p.activity[a]] = w.lane[s]
    gap = splat(0.0)
    for i in range(p.row.size):
        gap = gap + magnitude(load(w.prices, i) * load(w.surplus, i))
        for s in range(last):
            out.prices[8 * block + s, p.row[i]] = w.prices[8 * i + s]
    store(w.lane, 0, gap)
    for s in range(last):
        out.gap[8 * block + s] = w.lane[s]


@njit(cache=True, nogil=True)
def solve_blocks(p, w, inputs, out, count, tolerance, ridge, limit):
    """Solve scenarios 0 to count − 1, eight at a time."""
    for block in range((count + 7) // 8):
        _pack(p, w, inputs, block, count)
        worst, taken = _newton(p, w, tolerance, ridge, limit)
        _unpack(p, w, out, block, count)
        last = min(8, count - 8 * block)
        store(w.lane, 0, worst)
        for s in range(last):
            out.residual[8 * block + s] = w.lane[s]
        store(w.lane, 0, taken)
        for s in range(last):
            out.iterations[8 * block + s] = int(w.lane[s])
