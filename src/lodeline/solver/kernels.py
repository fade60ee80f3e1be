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
    any_greater,
    exp,
    fma,
    inside,
    load,
    log,
    magnitude,
    maximum,
    minimum,
    select_greater,
    splat,
    store,
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
    kept: Vector
    """Trial after relaxation."""
    step: Vector
    diagonal: Vector
    inverse: Vector
    factor: Vector
    lane: Vector
    """Scratch, one vector."""
    scratch: Vector


_LEAST = 1e-12
"""Ridge of a row in balance, as a share of its slope."""
_WIDEST, _NARROWEST = 1e3, 0.1
"""Limits of the trust: how far a row may move by itself in a step, in multiples of its price."""
_HOLDS_UP = 0.02
"""Share of the slope along a step at which a single row counts as holding it up."""
_SWEEPS = 4.0
"""Times that the rows holding up a trial are cleared before the step is shortened."""
_ROW_STEPS = 10
"""Steps of clearing one row."""


@njit(cache=True, forceinline=True)
def _add(array, i, value):
    store(array, i, load(array, i) + value)


@njit(cache=True, forceinline=True)
def _supply(ratio, level, power, knee_level):
    """Return level and its derivative by ratio."""
    knee = splat(SUPPLY_KNEE)
    bent_ratio = maximum(ratio, knee)
    bent = level * exp(power * log(bent_ratio))
    straight = level * knee_level * splat(1.0 / SUPPLY_KNEE)
    free = select_greater(knee, ratio, straight * ratio, bent)
    rise = select_greater(knee, ratio, straight, power * bent / bent_ratio)
    return free, rise


@njit(cache=True, forceinline=True)
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


@njit(cache=True, forceinline=True)
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


@njit(cache=True, forceinline=True)
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
def _factorise(p, w, trust):
    """Factor ``A x' Aᵀ + ρ`` in place; rows at price zero with a surplus are left out."""
    zero, one = splat(0.0), splat(1.0)
    for i in range(p.row.size):
        d = load(w.diagonal, i)
        size = trust * maximum(magnitude(load(w.prices, i)), splat(p.price[i]))
        least = splat(_LEAST) * (splat(p.steepest[i]) + d)
        rho = magnitude(load(w.surplus, i)) / size + least
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


@njit(cache=True, forceinline=True)
def zero_minus(a):
    """Return −a."""
    return splat(0.0) - a


@njit(cache=True)
def _advance(p, w, length, relaxed):
    """Set the trial prices to ``max(0, π + t s)``, but in lanes whose trial was relaxed."""
    zero, half = splat(0.0), splat(0.5)
    for i in range(p.row.size):
        value = fma(length, load(w.step, i), load(w.prices, i))
        if not p.is_equality[i]:
            value = maximum(value, zero)
        store(w.trial, i, select_greater(relaxed, half, load(w.kept, i), value))


@njit(cache=True, forceinline=True)
def _row_balance(p, w, i, price):
    """Return surplus and its slope of row i, were its price another than in the trial."""
    surplus, slope = splat(0.0) - load(w.rhs, i), splat(0.0)
    shift = price - load(w.trial, i)
    for e in range(p.row_start[i], p.row_start[i + 1]):
        a, value = p.row_activity[e], splat(p.row_value[e])
        free, gain = _free_level(p, w, a, fma(value, shift, _margin(p, a, w.trial)))
        low, high = load(w.lower, a), load(w.upper, a)
        surplus = fma(value, minimum(maximum(free, low), high), surplus)
        slope = fma(value * value, inside(free, low, high, gain), slope)
    return surplus, slope


@njit(cache=True)
def _clear_row(p, w, i, wanted):
    """Clear row i by its own price between point and trial, the others as in the trial."""
    zero, one, half = splat(0.0), splat(1.0), splat(0.5)
    old, new = load(w.prices, i), load(w.trial, i)
    low, high = minimum(old, new), maximum(old, new)
    enough = splat(0.1) * magnitude(load(w.surplus, i))
    # Where even the old price is too far, the old price is the best of the interval.
    surplus, _ = _row_balance(p, w, i, old)
    stays = select_greater(zero, surplus * (new - old), zero, one)
    price, done = select_greater(stays, half, old, new), maximum(stays, one - wanted)
    for _ in range(_ROW_STEPS):
        if not any_greater(one, done):
            break
        surplus, slope = _row_balance(p, w, i, price)
        done = maximum(done, select_greater(magnitude(surplus), enough, zero, one))
        high = select_greater(surplus, zero, price, high)
        low = select_greater(surplus, zero, low, price)
        middle = half * (low + high)
        newton = price - surplus / select_greater(slope, zero, slope, splat(1e-300))
        newton = select_greater(newton, low, select_greater(high, newton, newton, middle), middle)
        price = select_greater(done, half, price, newton)
    store(w.trial, i, select_greater(wanted, half, price, new))


@njit(cache=True)
def _relax(p, w, before, sweeps, running):
    """Clear the rows that hold up a trial, one after the other; return in which lanes.

    A small country that a large one's lane may flood overshoots by orders of magnitude, and
    would shorten everybody's step. Such rows have a surplus of the wrong sign, larger than half
    of the one they started from, and a weight in the slope of the dual along the step.
    """
    zero, one = splat(0.0), splat(1.0)
    relaxed = zero
    weight = splat(_HOLDS_UP) * magnitude(before)
    may = select_greater(splat(_SWEEPS), sweeps, running, zero)
    share = select_greater(sweeps, splat(0.5), zero, splat(0.5))
    for i in range(p.row.size):
        surplus = load(w.trial_surplus, i)
        wrong = surplus * (load(w.trial, i) - load(w.prices, i))
        grown = magnitude(surplus) - share * magnitude(load(w.surplus, i))
        wanted = select_greater(wrong, weight, select_greater(grown, zero, may, zero), zero)
        if any_greater(wanted, zero):
            _clear_row(p, w, i, wanted)
            relaxed = maximum(relaxed, wanted)
    if any_greater(relaxed, zero):
        for i in range(p.row.size):
            store(w.kept, i, load(w.trial, i))
    return relaxed * one


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


@njit(cache=True, forceinline=True)
def _accepts(target, worst, reached, before, after):
    """Return 1 in lanes whose trial is good enough to go on from."""
    zero, one = splat(0.0), splat(1.0)
    flat = select_greater(after, splat(0.5) * magnitude(before), zero, one)
    # Close to the solution the slope drowns in rounding: the residual must do.
    closer = select_greater(splat(0.5) * worst, reached, one, zero)
    close = select_greater(splat(1e-6), worst, closer, zero)
    there = select_greater(reached, target, zero, one)
    return maximum(maximum(flat, close), there)


@njit(cache=True, forceinline=True)
def _next_trust(trust, length, before, after):
    """Return the trust: narrower after a shortened step, wider after a good one."""
    good = select_greater(after, splat(0.25) * magnitude(before), trust,
                          minimum(splat(4.0) * trust, splat(_WIDEST)))  # fmt: skip
    less = maximum(splat(0.25) * trust, splat(_NARROWEST))
    return select_greater(splat(1.0), length, less, good)


@njit(cache=True, forceinline=True)
def _shorter(length, before, after):
    """Return where the slope along the step would vanish if it were straight, or zero at last."""
    fall = magnitude(before)
    cut = fall / (fall + maximum(after, splat(1e-300)))
    length = length * minimum(maximum(cut, splat(0.1)), splat(0.6))
    return select_greater(splat(1e-8), length, splat(0.0), length)


@njit(cache=True)
def _newton(p, w, tolerance, first_trust, limit):
    """Solve one block; return residual and Newton steps of each lane."""
    zero, half, one = splat(0.0), splat(0.5), splat(1.0)
    target = splat(tolerance)
    for i in range(p.row.size):
        store(w.trial, i, load(w.prices, i))
        store(w.step, i, zero)
    _evaluate(p, w, w.trial, w.trial_surplus)
    _accept(p, w, one)
    worst = _residual(p, w.prices, w.surplus)
    trust, length, accepted = splat(first_trust), one, one
    taken, relaxed, sweeps = zero, zero, zero
    for _ in range(limit):
        running = select_greater(worst, target, one, zero)
        if not any_greater(running, half):
            break
        fresh = accepted * running
        if any_greater(fresh, half):
            _factorise(p, w, trust)
            _solve_factored(p, w, fresh)
            taken = taken + fresh
            length = select_greater(fresh, half, one, length)
            sweeps = select_greater(fresh, half, zero, sweeps)
        _advance(p, w, length * running, relaxed)
        _evaluate(p, w, w.trial, w.trial_surplus)
        before, after = _falls(p, w)
        reached = _residual(p, w.trial, w.trial_surplus)
        waiting = select_greater(reached, target, running, zero)
        relaxed = _relax(p, w, before, sweeps, waiting)
        sweeps = sweeps + relaxed
        judged = running - relaxed
        accepted = judged * _accepts(target, worst, reached, before, after)
        _accept(p, w, accepted)
        next_trust = _next_trust(trust, length, before, after)
        trust = select_greater(accepted, half, next_trust, trust)
        worst = select_greater(accepted, half, reached, worst)
        refused = judged - accepted
        length = select_greater(refused, half, _shorter(length, before, after), length)
        sweeps = select_greater(refused, half, zero, sweeps)
    return worst, taken


@njit(cache=True)
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


@njit(cache=True)
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


@njit(cache=True)
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


@njit(cache=True)
def _set_levels(p, w):
    """Write the levels at the prices into the scratch."""
    first, second = p.group[1], p.group[2]
    for a in range(first):
        q = splat(p.entry_value[a]) * load(w.prices, p.entry_row[a])
        free = fma(load(w.gain, a), q, load(w.offset, a))
        store(w.scratch, a, minimum(maximum(free, load(w.lower, a)), load(w.upper, a)))
    for a in range(first, second):
        e = first + 2 * (a - first)
        q = splat(p.entry_value[e]) * load(w.prices, p.entry_row[e])
        q = fma(splat(p.entry_value[e + 1]), load(w.prices, p.entry_row[e + 1]), q)
        free = fma(load(w.gain, a), q, load(w.offset, a))
        store(w.scratch, a, minimum(maximum(free, load(w.lower, a)), load(w.upper, a)))
    for a in range(second, p.group[5]):
        free, _ = _free_level(p, w, a, _margin(p, a, w.prices))
        store(w.scratch, a, minimum(maximum(free, load(w.lower, a)), load(w.upper, a)))


@njit(cache=True)
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


@njit(cache=True)
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


@njit(cache=True, nogil=True)
def solve_blocks(p, w, inputs, out, count, tolerance, trust, limit):
    """Solve scenarios 0 to count − 1, eight at a time."""
    for block in range((count + 7) // 8):
        _pack(p, w, inputs, block, count)
        worst, taken = _newton(p, w, tolerance, trust, limit)
        _unpack(p, w, out, block, count)
        last = min(8, count - 8 * block)
        store(w.lane, 0, worst)
        for s in range(last):
            out.residual[8 * block + s] = w.lane[s]
        store(w.lane, 0, taken)
        for s in range(last):
            out.iterations[8 * block + s] = int(w.lane[s])
