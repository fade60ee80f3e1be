"""The Newton step: factorise ``A x' Aᵀ + ρ`` and solve, for eight scenarios at once.

The factor holds L D: its entries over the pivot are those of L. Chunks of four columns that touch
the same rows are eliminated together, so that a target is read and written once for four products.
"""

# Numba infers the types; a checker of Python types cannot follow vectors of eight.
# ruff: noqa: ANN001, ANN201, ANN202
# mypy: ignore-errors

from __future__ import annotations

from lodeline.solver.simd import (
    at,
    fma,
    inlined,
    inner,
    load,
    magnitude,
    maximum,
    select_greater,
    splat,
    store,
)

__all__ = ["factorise", "solve_factored"]

_LEAST = 1e-12
"""Ridge of a row in balance, as a share of its slope."""


@inlined
def _less(array, i, a, b):
    """Subtract a b from element i."""
    store(array, i, fma(splat(0.0) - a, b, load(array, i)))


@inner
def _add_ridge(p, w, trust):
    """Add ρ to the diagonal; put the least that a pivot can be, but for rounding, in its place."""
    for i in range(p.row.size):
        d = load(w.diagonal, i)
        size = trust * maximum(magnitude(load(w.prices, i)), splat(at(p.price, i)))
        least = splat(_LEAST) * (splat(at(p.steepest, i)) + d)
        rho = magnitude(load(w.surplus, i)) / size + least
        store(w.diagonal, i, d + rho)
        store(w.inverse, i, splat(0.5) * rho)


@inlined
def _pivot(p, w, k):
    """Set and return one over the pivot; zero in rows at price zero with a surplus: left out."""
    zero = splat(0.0)
    inverse = splat(1.0) / maximum(load(w.diagonal, k), load(w.inverse, k))
    if not p.is_equality[k]:
        idle = select_greater(load(w.surplus, k), zero, zero, inverse)
        at_zero = load(w.prices, k) * splat(at(p.inverse_price, k))
        inverse = select_greater(at_zero, splat(1e-12), inverse, idle)
    store(w.inverse, k, inverse)
    return inverse


@inlined
def _eliminate_one(p, w, s, k):
    zero = splat(0.0)
    inverse = _pivot(p, w, k)
    place, target = at(p.chunk_place, s), at(p.target_start, s)
    first = at(p.below_start, s)
    size = at(p.below_start, s + 1) - first
    for b in range(size):
        v = load(w.factor, place + b)
        scaled = zero - v * inverse
        j = at(p.below, first + b)
        store(w.diagonal, j, fma(scaled, v, load(w.diagonal, j)))
        for c in range(b + 1, size):
            t = at(p.target, target)
            target += 1
            store(w.factor, t, fma(scaled, load(w.factor, place + c), load(w.factor, t)))


@inlined
def _eliminate_two(p, w, s, k):
    zero = splat(0.0)
    place, target = at(p.chunk_place, s), at(p.target_start, s)
    first = at(p.below_start, s)
    size = at(p.below_start, s + 1) - first
    inner = load(w.factor, place)
    inverse0 = _pivot(p, w, k)
    ratio = inner * inverse0
    _less(w.diagonal, k + 1, ratio, inner)
    inverse1 = _pivot(p, w, k + 1)
    place += 1
    for b in range(size):
        _less(w.factor, place + 2 * b + 1, ratio, load(w.factor, place + 2 * b))
    for b in range(size):
        v0, v1 = load(w.factor, place + 2 * b), load(w.factor, place + 2 * b + 1)
        scaled0, scaled1 = zero - v0 * inverse0, zero - v1 * inverse1
        j = at(p.below, first + b)
        store(w.diagonal, j, fma(scaled1, v1, fma(scaled0, v0, load(w.diagonal, j))))
        for c in range(b + 1, size):
            t = at(p.target, target)
            target += 1
            total = fma(scaled0, load(w.factor, place + 2 * c), load(w.factor, t))
            store(w.factor, t, fma(scaled1, load(w.factor, place + 2 * c + 1), total))


@inlined
def _eliminate_four(p, w, s, k):
    zero = splat(0.0)
    place, target = at(p.chunk_place, s), at(p.target_start, s)
    first = at(p.below_start, s)
    size = at(p.below_start, s + 1) - first
    e10, e20, e30 = (load(w.factor, place), load(w.factor, place + 1), load(w.factor, place + 2))
    inverse0 = _pivot(p, w, k)
    r10, r20, r30 = e10 * inverse0, e20 * inverse0, e30 * inverse0
    _less(w.diagonal, k + 1, r10, e10)
    _less(w.diagonal, k + 2, r20, e20)
    _less(w.diagonal, k + 3, r30, e30)
    _less(w.factor, place + 3, r20, e10)
    _less(w.factor, place + 4, r30, e10)
    _less(w.factor, place + 5, r30, e20)
    e21, e31 = load(w.factor, place + 3), load(w.factor, place + 4)
    inverse1 = _pivot(p, w, k + 1)
    r21, r31 = e21 * inverse1, e31 * inverse1
    _less(w.diagonal, k + 2, r21, e21)
    _less(w.diagonal, k + 3, r31, e31)
    _less(w.factor, place + 5, r31, e21)
    e32 = load(w.factor, place + 5)
    inverse2 = _pivot(p, w, k + 2)
    r32 = e32 * inverse2
    _less(w.diagonal, k + 3, r32, e32)
    inverse3 = _pivot(p, w, k + 3)
    place += 6
    for b in range(size):
        here = place + 4 * b
        v0 = zero - load(w.factor, here)
        v1 = fma(r10, v0, load(w.factor, here + 1))
        store(w.factor, here + 1, v1)
        v1 = zero - v1
        v2 = fma(r21, v1, fma(r20, v0, load(w.factor, here + 2)))
        store(w.factor, here + 2, v2)
        v3 = fma(r31, v1, fma(r30, v0, load(w.factor, here + 3)))
        store(w.factor, here + 3, fma(r32, zero - v2, v3))
    for b in range(size):
        here = place + 4 * b
        v0, v1 = load(w.factor, here), load(w.factor, here + 1)
        v2, v3 = load(w.factor, here + 2), load(w.factor, here + 3)
        s0, s1 = zero - v0 * inverse0, zero - v1 * inverse1
        s2, s3 = zero - v2 * inverse2, zero - v3 * inverse3
        j = at(p.below, first + b)
        total = fma(s1, v1, fma(s0, v0, load(w.diagonal, j)))
        store(w.diagonal, j, fma(s3, v3, fma(s2, v2, total)))
        for c in range(b + 1, size):
            t = at(p.target, target)
            target += 1
            there = place + 4 * c
            total = fma(s0, load(w.factor, there), load(w.factor, t))
            total = fma(s1, load(w.factor, there + 1), total)
            total = fma(s2, load(w.factor, there + 2), total)
            store(w.factor, t, fma(s3, load(w.factor, there + 3), total))


@inner
def factorise(p, w, trust):
    """Factor ``A x' Aᵀ + ρ`` in place; rows at price zero with a surplus are left out."""
    _add_ridge(p, w, trust)
    for s in range(p.chunk_place.size):
        k = at(p.chunk_start, s)
        width = at(p.chunk_start, s + 1) - k
        if width == 1:
            _eliminate_one(p, w, s, k)
        elif width == 2:
            _eliminate_two(p, w, s, k)
        else:
            _eliminate_four(p, w, s, k)


@inlined
def _forward(p, w, s, k):
    """Eliminate the columns of a chunk from the right-hand side."""
    zero = splat(0.0)
    width = at(p.chunk_start, s + 1) - k
    place = at(p.chunk_place, s)
    for c in range(width):
        value = load(w.trial, k + c) * load(w.inverse, k + c)
        store(w.trial, k + c, value)
        for d in range(c + 1, width):
            _less(w.trial, k + d, value, load(w.factor, place))
            place += 1
    first, last = at(p.below_start, s), at(p.below_start, s + 1)
    if width == 4:
        y0, y1 = zero - load(w.trial, k), zero - load(w.trial, k + 1)
        y2, y3 = zero - load(w.trial, k + 2), zero - load(w.trial, k + 3)
        for b in range(first, last):
            j = at(p.below, b)
            total = fma(load(w.factor, place), y0, load(w.trial, j))
            total = fma(load(w.factor, place + 1), y1, total)
            total = fma(load(w.factor, place + 2), y2, total)
            store(w.trial, j, fma(load(w.factor, place + 3), y3, total))
            place += 4
        return
    for b in range(first, last):
        j = at(p.below, b)
        total = load(w.trial, j)
        for c in range(width):
            total = fma(load(w.factor, place), zero - load(w.trial, k + c), total)
            place += 1
        store(w.trial, j, total)


@inlined
def _backward(p, w, s, k):
    """Set the unknowns of a chunk from those of the rows below."""
    zero = splat(0.0)
    width = at(p.chunk_start, s + 1) - k
    first, last = at(p.below_start, s), at(p.below_start, s + 1)
    place = at(p.chunk_place, s) + width * (width - 1) // 2
    t0, t1, t2, t3 = zero, zero, zero, zero
    for b in range(first, last):
        x = load(w.trial, at(p.below, b))
        t0 = fma(load(w.factor, place), x, t0)
        if width > 1:
            t1 = fma(load(w.factor, place + 1), x, t1)
        if width > 2:
            t2 = fma(load(w.factor, place + 2), x, t2)
            t3 = fma(load(w.factor, place + 3), x, t3)
        place += width
    start = at(p.chunk_place, s)
    if width > 2:
        x3 = load(w.trial, k + 3) - t3 * load(w.inverse, k + 3)
        store(w.trial, k + 3, x3)
        t2 = fma(load(w.factor, start + 5), x3, t2)
        x2 = load(w.trial, k + 2) - t2 * load(w.inverse, k + 2)
        store(w.trial, k + 2, x2)
        t1 = fma(load(w.factor, start + 3), x2, fma(load(w.factor, start + 4), x3, t1))
        t0 = fma(load(w.factor, start + 1), x2, fma(load(w.factor, start + 2), x3, t0))
    if width > 1:
        x1 = load(w.trial, k + 1) - t1 * load(w.inverse, k + 1)
        store(w.trial, k + 1, x1)
        t0 = fma(load(w.factor, start), x1, t0)
    store(w.trial, k, load(w.trial, k) - t0 * load(w.inverse, k))


@inner
def solve_factored(p, w, accepted):
    """Set the step to ``−(A x' Aᵀ + ρ)⁻¹ r`` in the accepted lanes."""
    zero, half = splat(0.0), splat(0.5)
    for i in range(p.row.size):
        store(w.trial, i, zero - load(w.surplus, i))
    for s in range(p.chunk_place.size):
        _forward(p, w, s, at(p.chunk_start, s))
    for m in range(p.chunk_place.size):
        s = p.chunk_place.size - 1 - m
        _backward(p, w, s, at(p.chunk_start, s))
    for i in range(p.row.size):
        chosen = select_greater(accepted, half, load(w.trial, i), load(w.step, i))
        store(w.step, i, chosen)
