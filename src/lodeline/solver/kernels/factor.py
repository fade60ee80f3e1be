"""The Newton step: factorise ``A x' Aᵀ + ρ`` and solve, for eight scenarios at once.

The factor holds L D: its entries over the pivot are those of L. Chunks of four columns that touch
the same rows are eliminated together, so that a target is read and written once for four products,
and two rows at a time, so that what is read of the chunk serves two targets.
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
    negative,
    select_greater,
    splat,
    store,
)

__all__ = ["factorise", "solve_factored"]

_LEAST = 1e-12
"""Ridge of a row in balance, as a share of its slope."""


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
def _unknown(w, k, inverse):
    """Set row k of the right-hand side to its unknown, but for the rows below; return minus it."""
    value = load(w.trial, k) * inverse
    store(w.trial, k, value)
    return negative(value)


@inlined
def _eliminate_one(p, w, s, k):
    inverse = _pivot(p, w, k)
    y = _unknown(w, k, inverse)
    place, here = at(p.chunk_place, s), at(p.target_start, s)
    first = at(p.below_start, s)
    size = at(p.below_start, s + 1) - first
    for b in range(0, size - 1, 2):
        i, j = at(p.below, first + b), at(p.below, first + b + 1)
        v, u = load(w.factor, place + b), load(w.factor, place + b + 1)
        s0, t0 = negative(v * inverse), negative(u * inverse)
        store(w.diagonal, i, fma(s0, v, load(w.diagonal, i)))
        store(w.diagonal, j, fma(t0, u, load(w.diagonal, j)))
        store(w.trial, i, fma(y, v, load(w.trial, i)))
        store(w.trial, j, fma(y, u, load(w.trial, j)))
        t = at(p.target, here)
        store(w.factor, t, fma(s0, u, load(w.factor, t)))
        more = size - b - 2
        for c in range(more):
            v = load(w.factor, place + b + 2 + c)
            t, u = at(p.target, here + 1 + c), at(p.target, here + 1 + more + c)
            store(w.factor, t, fma(s0, v, load(w.factor, t)))
            store(w.factor, u, fma(t0, v, load(w.factor, u)))
        here += 1 + 2 * more
    if size % 2 == 1:
        v, i = load(w.factor, place + size - 1), at(p.below, first + size - 1)
        store(w.diagonal, i, fma(negative(v * inverse), v, load(w.diagonal, i)))
        store(w.trial, i, fma(y, v, load(w.trial, i)))


@inlined
def _scaled_two(array, place, inverse):
    i0, i1 = inverse
    return negative(load(array, place) * i0), negative(load(array, place + 1) * i1)


@inlined
def _add_two(array, i, scaled, values, place):
    """Add the products of two scaled values and two others to element i."""
    s0, s1 = scaled
    total = fma(s0, load(values, place), load(array, i))
    store(array, i, fma(s1, load(values, place + 1), total))


@inlined
def _eliminate_two(p, w, s, k):
    place, here = at(p.chunk_place, s), at(p.target_start, s)
    first = at(p.below_start, s)
    size = at(p.below_start, s + 1) - first
    own = load(w.factor, place)
    inverse0 = _pivot(p, w, k)
    ratio = negative(own * inverse0)
    store(w.diagonal, k + 1, fma(ratio, own, load(w.diagonal, k + 1)))
    y0 = _unknown(w, k, inverse0)
    store(w.trial, k + 1, fma(y0, own, load(w.trial, k + 1)))
    inverse1 = _pivot(p, w, k + 1)
    inverse, y = (inverse0, inverse1), (y0, _unknown(w, k + 1, inverse1))
    place += 1
    for b in range(place, place + 2 * size, 2):
        store(w.factor, b + 1, fma(ratio, load(w.factor, b), load(w.factor, b + 1)))
    for b in range(0, size - 1, 2):
        v, u = place + 2 * b, place + 2 * b + 2
        scaled, after = _scaled_two(w.factor, v, inverse), _scaled_two(w.factor, u, inverse)
        i, j = at(p.below, first + b), at(p.below, first + b + 1)
        _add_two(w.diagonal, i, scaled, w.factor, v)
        _add_two(w.diagonal, j, after, w.factor, u)
        _add_two(w.trial, i, y, w.factor, v)
        _add_two(w.trial, j, y, w.factor, u)
        _add_two(w.factor, at(p.target, here), scaled, w.factor, u)
        more = size - b - 2
        for c in range(more):
            v = u + 2 + 2 * c
            _add_two(w.factor, at(p.target, here + 1 + c), scaled, w.factor, v)
            _add_two(w.factor, at(p.target, here + 1 + more + c), after, w.factor, v)
        here += 1 + 2 * more
    if size % 2 == 1:
        v = place + 2 * size - 2
        i = at(p.below, first + size - 1)
        _add_two(w.diagonal, i, _scaled_two(w.factor, v, inverse), w.factor, v)
        _add_two(w.trial, i, y, w.factor, v)


@inlined
def _scaled_four(array, place, inverse):
    i0, i1, i2, i3 = inverse
    s0, s1 = negative(load(array, place) * i0), negative(load(array, place + 1) * i1)
    return s0, s1, negative(load(array, place + 2) * i2), negative(load(array, place + 3) * i3)


@inlined
def _add_four(array, i, scaled, values, place):
    """Add the products of four scaled values and four others to element i."""
    s0, s1, s2, s3 = scaled
    total = fma(s0, load(values, place), load(array, i))
    total = fma(s1, load(values, place + 1), total)
    total = fma(s2, load(values, place + 2), total)
    store(array, i, fma(s3, load(values, place + 3), total))


@inlined
def _inside_four(p, w, k, place):
    """Eliminate four columns from one another; return the inverse pivots and minus the ratios."""
    e10, e20, e30 = (load(w.factor, place), load(w.factor, place + 1), load(w.factor, place + 2))
    e21, e31 = load(w.factor, place + 3), load(w.factor, place + 4)
    e32 = load(w.factor, place + 5)
    i0 = _pivot(p, w, k)
    r10, r20, r30 = negative(e10 * i0), negative(e20 * i0), negative(e30 * i0)
    store(w.diagonal, k + 1, fma(r10, e10, load(w.diagonal, k + 1)))
    e21, e31, e32 = fma(r20, e10, e21), fma(r30, e10, e31), fma(r30, e20, e32)
    i1 = _pivot(p, w, k + 1)
    r21, r31 = negative(e21 * i1), negative(e31 * i1)
    store(w.diagonal, k + 2, fma(r21, e21, fma(r20, e20, load(w.diagonal, k + 2))))
    e32 = fma(r31, e21, e32)
    i2 = _pivot(p, w, k + 2)
    r32 = negative(e32 * i2)
    d3 = fma(r31, e31, fma(r30, e30, load(w.diagonal, k + 3)))
    store(w.diagonal, k + 3, fma(r32, e32, d3))
    store(w.factor, place + 3, e21)
    store(w.factor, place + 4, e31)
    store(w.factor, place + 5, e32)
    return (i0, i1, i2, _pivot(p, w, k + 3)), (r10, r20, r30, r21, r31, r32)


@inlined
def _unknown_four(w, k, place, inverse):
    """As `_unknown`, for four columns."""
    i0, i1, i2, i3 = inverse
    y0 = _unknown(w, k, i0)
    for c in range(3):
        store(w.trial, k + 1 + c, fma(y0, load(w.factor, place + c), load(w.trial, k + 1 + c)))
    y1 = _unknown(w, k + 1, i1)
    for c in range(2):
        store(w.trial, k + 2 + c, fma(y1, load(w.factor, place + 3 + c), load(w.trial, k + 2 + c)))
    y2 = _unknown(w, k + 2, i2)
    store(w.trial, k + 3, fma(y2, load(w.factor, place + 5), load(w.trial, k + 3)))
    return y0, y1, y2, _unknown(w, k + 3, i3)


@inlined
def _eliminate_four(p, w, s, k):
    place, here = at(p.chunk_place, s), at(p.target_start, s)
    first = at(p.below_start, s)
    size = at(p.below_start, s + 1) - first
    inverse, ratios = _inside_four(p, w, k, place)
    y = _unknown_four(w, k, place, inverse)
    r10, r20, r30, r21, r31, r32 = ratios
    place += 6
    for b in range(place, place + 4 * size, 4):
        v0 = load(w.factor, b)
        v1 = fma(r10, v0, load(w.factor, b + 1))
        v2 = fma(r21, v1, fma(r20, v0, load(w.factor, b + 2)))
        v3 = fma(r32, v2, fma(r31, v1, fma(r30, v0, load(w.factor, b + 3))))
        store(w.factor, b + 1, v1)
        store(w.factor, b + 2, v2)
        store(w.factor, b + 3, v3)
    for b in range(0, size - 1, 2):
        v, u = place + 4 * b, place + 4 * b + 4
        scaled, after = _scaled_four(w.factor, v, inverse), _scaled_four(w.factor, u, inverse)
        i, j = at(p.below, first + b), at(p.below, first + b + 1)
        _add_four(w.diagonal, i, scaled, w.factor, v)
        _add_four(w.diagonal, j, after, w.factor, u)
        _add_four(w.trial, i, y, w.factor, v)
        _add_four(w.trial, j, y, w.factor, u)
        _add_four(w.factor, at(p.target, here), scaled, w.factor, u)
        more = size - b - 2
        for c in range(more):
            v = u + 4 + 4 * c
            _add_four(w.factor, at(p.target, here + 1 + c), scaled, w.factor, v)
            _add_four(w.factor, at(p.target, here + 1 + more + c), after, w.factor, v)
        here += 1 + 2 * more
    if size % 2 == 1:
        v = place + 4 * size - 4
        i = at(p.below, first + size - 1)
        _add_four(w.diagonal, i, _scaled_four(w.factor, v, inverse), w.factor, v)
        _add_four(w.trial, i, y, w.factor, v)


@inner
def factorise(p, w, trust):
    """Factor ``A x' Aᵀ + ρ`` in place; rows at price zero with a surplus are left out.

    Columns are eliminated from the right-hand side ``−r`` while they are at hand: the trial holds
    what `solve_factored` goes on from.
    """
    _add_ridge(p, w, trust)
    for i in range(p.row.size):
        store(w.trial, i, negative(load(w.surplus, i)))
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
    """Set the step to ``−(A x' Aᵀ + ρ)⁻¹ r`` in the accepted lanes, after `factorise`."""
    half = splat(0.5)
    for m in range(p.chunk_place.size):
        s = p.chunk_place.size - 1 - m
        _backward(p, w, s, at(p.chunk_start, s))
    for i in range(p.row.size):
        chosen = select_greater(accepted, half, load(w.trial, i), load(w.step, i))
        store(w.step, i, chosen)
