"""Newton steps, how far to go along them, and when to stop, for eight scenarios at once.

The method is that of `lodeline.solver.newton`, with two differences that keep the eight lanes in
step. A step is judged by the slope of the dual along it, not by its value: going along s, the
dual falls by about −(r + r₊)ᵀs/2, so a step is taken where r₊ᵀs has not risen beyond a share of
−rᵀs. A lane that must shorten its step does so while the others go on.

Legend, one vector of eight scenarios per element: π prices, r surplus, s step, t length of step.
Every lane does the same arithmetic whatever the others hold: results are equal to the bit.
"""

# Numba infers the types; a checker of Python types cannot follow vectors of eight.
# ruff: noqa: ANN001, ANN201, ANN202
# mypy: ignore-errors

from __future__ import annotations

from lodeline.solver.kernels.evaluate import UNKNOWN, evaluate, free_level, margin_of, residual
from lodeline.solver.kernels.factor import factorise, solve_factored
from lodeline.solver.simd import (
    any_greater,
    fma,
    inlined,
    inner,
    inside,
    load,
    magnitude,
    maximum,
    minimum,
    select_greater,
    splat,
    store,
)  # fmt: skip

__all__ = ["iterate", "newton"]

_WIDEST, _NARROWEST = 1e3, 0.1
"""Limits of the trust: how far a row may move by itself in a step, in multiples of its price."""
_HASTE, _CAREFUL = 12.0, 1.0
"""Tries after which the trust is limited further, and to what."""
_HOLDS_UP = 0.02
"""Share of the slope along a step at which a single row counts as holding it up."""
_SWEEPS = 4.0
"""Times that the rows holding up a trial are cleared before the step is shortened."""
_WAITS = 3
"""Times in a row that lanes of a block wait for others that try again."""
_ROW_STEPS = 10
"""Steps of clearing one row."""


@inner
def _advance(p, w, length, going, relaxed):
    """Set the trial prices to ``max(0, π + t s)`` where lanes go; keep a trial that was relaxed."""
    zero, half = splat(0.0), splat(0.5)
    for i in range(p.row.size):
        price = load(w.prices, i)
        value = fma(length, load(w.step, i), price)
        if not p.is_equality[i]:
            value = maximum(value, zero)
        value = select_greater(going, half, value, price)
        store(w.trial, i, select_greater(relaxed, half, load(w.kept, i), value))


@inlined
def _row_balance(p, w, i, price):
    """Return surplus and its slope of row i, were its price another than in the trial."""
    surplus, slope = splat(0.0) - load(w.rhs, i), splat(0.0)
    shift = price - load(w.trial, i)
    for e in range(p.row_start[i], p.row_start[i + 1]):
        a, value = p.row_activity[e], splat(p.row_value[e])
        free, gain = free_level(p, w, a, fma(value, shift, margin_of(p, a, w.trial)))
        low, high = load(w.lower, a), load(w.upper, a)
        surplus = fma(value, minimum(maximum(free, low), high), surplus)
        slope = fma(value * value, inside(free, low, high, gain), slope)
    return surplus, slope


@inner
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


@inner
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


@inner
def _accept(p, w, accepted):
    """Make the trial the point, in the accepted lanes."""
    half = splat(0.5)
    for i in range(p.row.size):
        value = select_greater(accepted, half, load(w.trial, i), load(w.prices, i))
        store(w.prices, i, value)
        value = select_greater(accepted, half, load(w.trial_surplus, i), load(w.surplus, i))
        store(w.surplus, i, value)


@inner
def _falls(p, w):
    """Return the slope of the dual along the trial's move, before and after it."""
    before, after = splat(0.0), splat(0.0)
    for i in range(p.row.size):
        moved = load(w.trial, i) - load(w.prices, i)
        before = fma(load(w.surplus, i), moved, before)
        after = fma(load(w.trial_surplus, i), moved, after)
    return before, after


@inlined
def _accepts(target, worst, reached, before, after):
    """Return 1 in lanes whose trial is good enough to go on from."""
    zero, one = splat(0.0), splat(1.0)
    flat = select_greater(after, splat(0.5) * magnitude(before), zero, one)
    # Close to the solution the slope drowns in rounding: the residual must do.
    closer = select_greater(splat(0.5) * worst, reached, one, zero)
    close = select_greater(splat(1e-6), worst, closer, zero)
    there = select_greater(reached, target, zero, one)
    good = maximum(maximum(flat, close), there)
    return select_greater(splat(UNKNOWN), reached, good, zero)


@inlined
def _next_trust(trust, length, before, after, tries):
    """Return the trust: narrower after a shortened step, wider after a good one.

    A lane that has tried long enough goes carefully: it may circle with wide steps.
    """
    widest = select_greater(tries, splat(_HASTE), splat(_CAREFUL), splat(_WIDEST))
    good = select_greater(after, splat(0.25) * magnitude(before), minimum(trust, widest),
                          minimum(splat(4.0) * trust, widest))  # fmt: skip
    less = maximum(splat(0.25) * trust, splat(_NARROWEST))
    return select_greater(splat(1.0), length, less, good)


@inlined
def _shorter(length, before, after):
    """Return where the slope along the step would vanish if it were straight, or zero at last."""
    fall = magnitude(before)
    cut = fall / (fall + maximum(after, splat(1e-300)))
    length = length * minimum(maximum(cut, splat(0.1)), splat(0.6))
    return select_greater(splat(1e-8), length, splat(0.0), length)


@inlined
def iterate(
    p, w, l, target, running, opening, growing,  # noqa: E741
    worst, trust, length, accepted, relaxed, sweeps, tries,
):  # fmt: skip
    """Take or try one step in the running lanes; return what changes from step to step.

    Lanes that are `opening` look at the point where they stand and go on from there; those that are
    `growing` first let activities grow, see `evaluate`. `worst` is the residual at the point,
    `accepted` is 1 where the last trial became the point, `relaxed` where rows of the trial were
    cleared, `sweeps` how often since the last step, `tries` counts trials.
    """
    zero, half, one = splat(0.0), splat(0.5), splat(1.0)
    going = running - opening
    fresh = accepted * going
    if any_greater(fresh, half):
        factorise(p, w, trust)
        solve_factored(p, w, fresh)
        length = select_greater(fresh, half, one, length)
        sweeps = select_greater(fresh, half, zero, sweeps)
    _advance(p, w, length, going, relaxed)
    if l is not None and any_greater(growing, half):
        evaluate(p, w, w.trial, w.trial_surplus, l, growing)
    else:
        evaluate(p, w, w.trial, w.trial_surplus, None, zero)
    before, after = _falls(p, w)
    reached = residual(p, w.trial, w.trial_surplus)
    relaxed = _relax(p, w, before, sweeps, select_greater(reached, target, going, zero))
    sweeps = sweeps + relaxed
    judged = going - relaxed
    good = judged * _accepts(target, worst, reached, before, after)
    accepted = good + opening
    _accept(p, w, accepted)
    trust = select_greater(good, half, _next_trust(trust, length, before, after, tries), trust)
    worst = select_greater(accepted, half, reached, worst)
    refused = judged - good
    length = select_greater(refused, half, _shorter(length, before, after), length)
    sweeps = select_greater(refused, half, zero, sweeps)
    return worst, trust, length, accepted, relaxed, sweeps


@inner
def newton(p, w, tolerance, first_trust, limit):
    """Solve one block; return residual and Newton steps of each lane.

    Lanes whose step was taken wait up to `_WAITS` times in a row for those that must try again: a
    factorisation takes as long as two trials, and is then made for all. Waiting changes no lane.
    """
    zero, half, one = splat(0.0), splat(0.5), splat(1.0)
    target, most = splat(tolerance), splat(limit + 0.5)
    running, opening = one, one
    worst, trust, length, accepted = one, splat(first_trust), one, zero
    taken, relaxed, sweeps, tries = zero, zero, zero, zero
    waits = 0
    while any_greater(running, half):
        again = select_greater(accepted, half, zero, running - opening)
        waits = waits + 1 if waits < _WAITS and any_greater(again, half) else 0
        going = again if waits > 0 else running
        taken = taken + accepted * (going - opening)
        waiting = accepted * (running - going)
        worst, trust, length, accepted, relaxed, sweeps = iterate(
            p, w, None, target, going, opening, zero,
            worst, trust, length, accepted, relaxed, sweeps, tries,
        )  # fmt: skip
        accepted = accepted + waiting
        opening, tries = zero, tries + going
        running = select_greater(worst, target, select_greater(most, tries, one, zero), zero)
    return worst, taken
