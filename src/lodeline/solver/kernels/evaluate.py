"""Levels, surplus and the Newton matrix at given prices, for eight scenarios at once.

Legend: π prices, q margin, x level, r surplus ``A x − b``; the matrix is ``A x' Aᵀ``.
"""

# Numba infers the types; a checker of Python types cannot follow vectors of eight.
# ruff: noqa: ANN001, ANN201, ANN202
# mypy: ignore-errors

from __future__ import annotations

from lodeline.solver.curves import CHOKE_OVER_CAP, SUPPLY_KNEE, USE_GLUT
from lodeline.solver.simd import (
    at,
    exp,
    fma,
    inlined,
    inner,
    inside,
    load,
    log,
    magnitude,
    maximum,
    minimum,
    negative,
    select_greater,
    splat,
    store,
)  # fmt: skip

__all__ = ["UNKNOWN", "UNTIED", "evaluate", "free_level", "grown", "margin_of", "residual"]

UNKNOWN = 1e300
"""Residual of a point that cannot be judged."""
UNTIED = 1e300
"""Growth base at and above which an activity's upper bound does not follow from its level."""


@inlined
def _add(array, i, value):
    store(array, i, load(array, i) + value)


@inlined
def _supply(ratio, level, power, knee_level):
    """Return level and its derivative by ratio."""
    knee = splat(SUPPLY_KNEE)
    bent_ratio = maximum(ratio, knee)
    bent = level * exp(power * log(bent_ratio))
    straight = level * knee_level * splat(1.0 / SUPPLY_KNEE)
    free = select_greater(knee, ratio, straight * ratio, bent)
    rise = select_greater(knee, ratio, straight, power * bent / bent_ratio)
    return free, rise


@inlined
def _use(ratio, level, power, top):
    """Return level and minus its derivative by ratio."""
    zero, one = splat(0.0), splat(1.0)
    held = minimum(maximum(ratio, splat(USE_GLUT)), top)
    bent = level * exp(negative(power) * log(held))
    width = splat(CHOKE_OVER_CAP - 1.0) * top
    choke = splat(CHOKE_OVER_CAP) * top
    # One division for both: it takes as long as ten multiplications.
    both = one / (width * held)
    per_width, per_held = both * held, both * width
    fade = minimum(maximum((choke - ratio) * per_width, zero), one)
    rise = select_greater(ratio, splat(USE_GLUT), power * bent * per_held, zero)
    rise = select_greater(ratio, top, select_greater(choke, ratio, bent * per_width, zero), rise)
    return bent * fade, rise


@inlined
def free_level(p, w, a, q):
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


@inlined
def margin_of(p, a, prices):
    """Return the margin of activity a at prices."""
    q = splat(0.0)
    for e in range(at(p.entry_start, a), at(p.entry_start, a + 1)):
        q = fma(splat(at(p.entry_value, e)), load(prices, at(p.entry_row, e)), q)
    return q


@inlined
def grown(l, a, x, high, chosen):  # noqa: E741
    """Return the upper bound of activity a: in the chosen lanes it grows from the level x."""
    base = load(l.growth_base, a)
    bound = select_greater(chosen, splat(0.5), fma(load(l.growth, 0), x, base), high)
    return select_greater(splat(UNTIED), base, bound, high)


@inlined
def _upper(w, l, a, free, low, opening):  # noqa: E741
    """Return the upper bound, after the opening lanes have let it grow from the month before."""
    high = load(w.upper, a)
    if l is None:
        return high
    high = grown(l, a, minimum(maximum(free, low), high), high, opening)
    store(w.upper, a, high)
    return high


@inlined
def _evaluate_twins(p, w, prices, surplus, l, opening, first, a, price):  # noqa: E741
    """Add lane a and its twin; return what leaves the earlier row, and how steeply."""
    j = at(p.entry_row, first + 2 * (a - first) + 1)
    other = load(prices, j)
    gain, low = load(w.gain, a), load(w.lower, a)
    free = fma(gain, other - price, load(w.offset, a))
    high = _upper(w, l, a, free, low, opening)
    back_gain, back_low = load(w.gain, a + 1), load(w.lower, a + 1)
    back_free = fma(back_gain, price - other, load(w.offset, a + 1))
    back_high = _upper(w, l, a + 1, back_free, back_low, opening)
    x = minimum(maximum(free, low), high)
    net = x - minimum(maximum(back_free, back_low), back_high)
    slope = inside(free, low, high, gain) + inside(back_free, back_low, back_high, back_gain)
    _add(surplus, j, net)
    _add(w.diagonal, j, slope)
    store(w.factor, at(p.pair_place, a - first), negative(slope))
    return net, slope


@inlined
def _evaluate_single(p, w, prices, surplus, l, opening, first, a, price):  # noqa: E741
    """Add lane a, which has no twin; return what leaves the earlier row, and how steeply."""
    e = first + 2 * (a - first) + 1
    j, sign = at(p.entry_row, e), splat(at(p.entry_value, e))
    gain, low = load(w.gain, a), load(w.lower, a)
    free = fma(gain, sign * (load(prices, j) - price), load(w.offset, a))
    high = _upper(w, l, a, free, low, opening)
    net = sign * minimum(maximum(free, low), high)
    slope = inside(free, low, high, gain)
    _add(surplus, j, net)
    _add(w.diagonal, j, slope)
    store(w.factor, at(p.pair_place, a - first), negative(slope))
    return net, slope


@inner
def _evaluate_lanes(p, w, prices, surplus, l, opening):  # noqa: E741
    """Add the lanes, row by row; what lies between two rows is theirs alone: the factor is set."""
    first = p.group[1]
    for i in range(p.row.size):
        start, single = at(p.lane_start, i), at(p.lane_single, i)
        end = at(p.lane_start, i + 1)
        if start == end:
            continue
        price, total, steep = load(prices, i), splat(0.0), splat(0.0)
        for a in range(start, single, 2):
            net, slope = _evaluate_twins(p, w, prices, surplus, l, opening, first, a, price)
            total, steep = total + net, steep + slope
        for a in range(single, end):
            net, slope = _evaluate_single(p, w, prices, surplus, l, opening, first, a, price)
            total, steep = total + net, steep + slope
        _add(surplus, i, negative(total))
        _add(w.diagonal, i, steep)


@inner
def evaluate(p, w, prices, surplus, l, opening):  # noqa: E741
    """Set surplus, diagonal and factor to ``A x − b`` and ``A x' Aᵀ`` at prices.

    Lanes that open a month first let their activities grow from the levels at these prices, with
    which the month before ended; `l` says how, None: no lane does.
    """
    zero = splat(0.0)
    for i in range(p.row.size):
        store(surplus, i, negative(load(w.rhs, i)))
        store(w.diagonal, i, zero)
    for k in range(p.filled.size):
        store(w.factor, at(p.filled, k), zero)
    for a in range(p.group[1]):
        i = at(p.entry_row, a)
        value = splat(at(p.entry_value, a))
        gain, low = load(w.gain, a), load(w.lower, a)
        free = fma(gain, value * load(prices, i), load(w.offset, a))
        high = _upper(w, l, a, free, low, opening)
        _add(surplus, i, value * minimum(maximum(free, low), high))
        _add(w.diagonal, i, value * value * inside(free, low, high, gain))
    _evaluate_lanes(p, w, prices, surplus, l, opening)
    for a in range(p.group[2], p.group[5]):
        free, slope = free_level(p, w, a, margin_of(p, a, prices))
        low = load(w.lower, a)
        high = _upper(w, l, a, free, low, opening)
        x = minimum(maximum(free, low), high)
        slope = inside(free, low, high, slope)
        for e in range(at(p.entry_start, a), at(p.entry_start, a + 1)):
            value, i = splat(at(p.entry_value, e)), at(p.entry_row, e)
            _add(surplus, i, value * x)
            _add(w.diagonal, i, value * value * slope)
        for e in range(at(p.pair_start, a), at(p.pair_start, a + 1)):
            _add(w.factor, at(p.pair_place, e), splat(at(p.pair_value, e)) * slope)


@inner
def residual(p, prices, surplus):
    """Return the worst row's distance from balance, over its throughput.

    It is `UNKNOWN` where a price or a surplus is not a finite number.
    """
    zero = splat(0.0)
    worst, nothing = zero, zero
    for i in range(p.row.size):
        scaled = load(surplus, i) * splat(p.inverse_scale[i])
        nothing = fma(scaled + load(prices, i), zero, nothing)
        if not p.is_equality[i]:
            scaled = minimum(scaled, load(prices, i) * splat(p.inverse_price[i]))
        worst = maximum(magnitude(scaled), worst)
    # Zero unless something is not finite: comparisons alone would pass over it.
    return select_greater(splat(1.0), magnitude(nothing), worst, splat(UNKNOWN))
