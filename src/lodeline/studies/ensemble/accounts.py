"""What a walk meant: the months gone over again at the prices found, compiled.

Equations are those of `lodeline.results.metrics` and `lodeline.results.welfare`, for eight
scenarios at once. Levels, surplus and certificate follow from the prices alone, by other code than
the one that found them. Months in which a lane is still in its base year add nothing.
"""

# Numba infers the types; a checker of Python types cannot follow vectors of eight.
# ruff: noqa: ANN001, ANN201, ANN202
# mypy: ignore-errors

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lodeline.network.network import PRICE_CAP
from lodeline.results.metrics import UNMET_THRESHOLD
from lodeline.solver.curves import CHOKE_OVER_CAP, SUPPLY_KNEE, Vector
from lodeline.solver.kernels.evaluate import free_level, margin_of, residual
from lodeline.solver.kernels.links import carry
from lodeline.solver.simd import (
    at,
    entry,
    exp,
    fma,
    inlined,
    inner,
    load,
    log,
    magnitude,
    maximum,
    minimum,
    select_greater,
    splat,
    store,
)

__all__ = ["Books", "Sums", "account"]

Positions = NDArray[np.int32]


class Books(NamedTuple):
    """What is counted, for one block; vectors flat.

    Attributes
    ----------
    owner
        Cell (form and country) of each sorted activity.
    slope
        h of each straight activity, vectors; 0 where ψ is no cost (stores).
    normal, least_level, margin, latent_price, growing
        Of each sorted activity, numbers that all scenarios share: x̄ (of no meaning in stores),
        lower bound, m without the cost of entry, what that is a multiple of, and the scale of its
        growth, −1 where its bound does not grow from its level.
    entry_cost, growth, begin
        Cost of entry, g, and the first month in which anything acts, one vector each.
    use, use_row, use_normal, use_price
        Position, row, reference (t/month), and one over the reference price of each use.
    store_owner, store_price
        Cell and reference price of each store.
    worth, rise, least
        Of each bent activity, set by `account`: P x̄, 1 ± 1/ε, and what else its ψ needs.
    checked
        Month whose levels, bounds and right-hand side are kept.
    """

    owner: Positions
    slope: Vector
    normal: Vector
    least_level: Vector
    margin: Vector
    latent_price: Vector
    growing: Vector
    entry_cost: Vector
    growth: Vector
    begin: Vector
    use: Positions
    use_row: Positions
    use_normal: Vector
    use_price: Vector
    store_owner: Positions
    store_price: Vector
    worth: Vector
    rise: Vector
    least: Vector
    checked: int


class Sums(NamedTuple):
    """What is added up, vectors flat: per cell, use, limit, or one."""

    gain: Vector
    peak: Vector
    total: Vector
    multiple: Vector
    first: Vector
    last: Vector
    rent: Vector
    residual: Vector
    gap: Vector
    levels: Vector
    upper: Vector
    rhs: Vector


@inner
def _prepare(p, w, m):
    """Set what the curves of bent activities need in every month."""
    one = splat(1.0)
    for a in range(p.group[3], p.group[5]):
        b = a - p.group[3]
        power = load(w.power, b)
        store(m.worth, b, load(w.level, b) / magnitude(load(w.gain, a)))
        if a < p.group[4]:
            store(m.rise, b, one + one / power)
            store(m.least, b, splat(0.5) * splat(SUPPLY_KNEE) / load(w.bend, b))
        else:
            store(m.rise, b, one - one / power)
            store(m.least, b, exp((splat(0.0) - power) * log(load(w.bend, b))))


@inlined
def _psi_supply(share, rise, knee, half_slope):
    """Return ψ / (P x̄) of supply; see `lodeline.solver.curves`."""
    one = splat(1.0)
    bent = (exp(rise * log(maximum(share, knee))) - one) / rise
    low = minimum(share, knee)
    below = half_slope * (low * low - knee * knee)
    return bent + below - (share - one)


@inlined
def _psi_use(share, rise, top, least):
    """Return ψ / (P x̄) of use; see `lodeline.solver.curves`."""
    zero, one = splat(0.0), splat(1.0)
    inside = maximum(share, least)
    height = log(inside)
    flat = select_greater(splat(1e-9), magnitude(rise), one, zero)
    safe = select_greater(flat, splat(0.5), one, rise)
    paid = (exp(safe * height) - one) / safe
    paid = select_greater(flat, splat(0.5), height, paid)
    low = minimum(share, least)
    slope = splat(0.5 * (CHOKE_OVER_CAP - 1.0)) / least
    fading = splat(CHOKE_OVER_CAP) * (low - least) - slope * (low * low - least * least)
    return share - one - paid - top * fading


@inlined
def _psi_bent(p, w, m, a, x):
    """Return ψ(x) of a bent activity a, USD/month."""
    b = a - p.group[3]
    share, rise, bend, least = (
        x / load(w.level, b), load(m.rise, b), load(w.bend, b), load(m.least, b)
    )  # fmt: skip
    if a < p.group[4]:
        return load(m.worth, b) * _psi_supply(share, rise, bend, least)
    return load(m.worth, b) * _psi_use(share, rise, bend, least)


@inlined
def _psi_straight(m, a, x):
    """Return ψ(x) of a straight activity a, USD/month."""
    moved = x - splat(at(m.normal, a))
    return splat(0.5) * load(m.slope, a) * moved * moved


@inlined
def _held(w, l, m, out, a, free, active, keeps):  # noqa: E741
    """Return the level, and let the bound of the next month grow from it in the active lanes."""
    high = load(w.upper, a)
    x = minimum(maximum(free, splat(at(m.least_level, a))), high)
    scale = at(m.growing, a)
    if scale >= 0.0:
        rise = fma(load(l.growth, 0), x, load(m.growth, 0) * splat(scale))
        store(w.upper, a, select_greater(active, splat(0.5), rise, high))
    if keeps:
        store(out.levels, a, x)
        store(out.upper, a, high)
    return x


@inlined
def _earn(m, out, a, q, x, psi, active):
    """Add the surplus of an activity to that of its owner, in the active lanes."""
    c = at(m.owner, a)
    margin = splat(at(m.margin, a)) + load(m.entry_cost, 0) * splat(at(m.latent_price, a))
    store(out.gain, c, fma(active, (q - margin) * x - psi, load(out.gain, c)))


@inner
def _lane_levels(p, w, l, m, out, active, keeps):  # noqa: E741
    """As `_levels`, for the activities with two entries; those that share their first go together.

    Sums are taken in the same order as one activity after the other would.
    """
    first = p.group[1]
    for i in range(p.row.size):
        start, end = at(p.lane_start, i), at(p.lane_start, i + 1)
        if start == end:
            continue
        price, total = load(w.prices, i), load(w.surplus, i)
        for a in range(start, end):
            e = first + 2 * (a - first)
            j = at(p.entry_row, e + 1)
            here, there = splat(at(p.entry_value, e)), splat(at(p.entry_value, e + 1))
            q = fma(there, load(w.prices, j), here * price)
            free = fma(load(w.gain, a), q, load(w.offset, a))
            x = _held(w, l, m, out, a, free, active, keeps)
            total = fma(here, x, total)
            store(w.surplus, j, fma(there, x, load(w.surplus, j)))
            _earn(m, out, a, q, x, _psi_straight(m, a, x), active)
        store(w.surplus, i, total)


@inner
def _levels(p, w, l, m, out, active, keeps):  # noqa: E741
    """Set the surplus at the prices, and add what owners earn in the active lanes.

    Bounds grow to those of the next month. Levels of uses are left in the scratch; all levels and
    bounds are kept if `keeps`.
    """
    zero = splat(0.0)
    for i in range(p.row.size):
        store(w.surplus, i, zero - load(w.rhs, i))
    for a in range(p.group[1]):
        i, value = at(p.entry_row, a), splat(at(p.entry_value, a))
        q = value * load(w.prices, i)
        free = fma(load(w.gain, a), q, load(w.offset, a))
        x = _held(w, l, m, out, a, free, active, keeps)
        store(w.surplus, i, fma(value, x, load(w.surplus, i)))
        _earn(m, out, a, q, x, _psi_straight(m, a, x), active)
    _lane_levels(p, w, l, m, out, active, keeps)
    for a in range(p.group[2], p.group[5]):
        q = margin_of(p, a, w.prices)
        free, _ = free_level(p, w, a, q)
        x = _held(w, l, m, out, a, free, active, keeps)
        for e in range(at(p.entry_start, a), at(p.entry_start, a + 1)):
            i = at(p.entry_row, e)
            store(w.surplus, i, fma(splat(at(p.entry_value, e)), x, load(w.surplus, i)))
        if a < p.group[3]:
            _earn(m, out, a, q, x, _psi_straight(m, a, x), active)
        else:
            store(w.scratch, a, x)
            _earn(m, out, a, q, x, _psi_bent(p, w, m, a, x), active)


@inner
def _transfers(w, l, m, out, active):  # noqa: E741
    """Add what stocks and limits bring their owners. Tax is in the surplus: m leaves it out."""
    zero = splat(0.0)
    for k in range(l.store.size):
        row, c = at(l.store_row, k), at(m.store_owner, k)
        rise = load(w.prices, row) - splat(at(m.store_price, k))
        held = zero - load(w.rhs, row)
        store(out.gain, c, fma(active * rise, held, load(out.gain, c)))
    for k in range(l.limit_row.size):
        row = at(l.limit_row, k)
        allowed = zero - load(w.rhs, row)
        allowed = select_greater(splat(at(l.loose, k)), allowed, allowed, zero)
        rent = load(w.prices, row) * allowed
        store(out.rent, k, fma(active, rent, load(out.rent, k)))


@inner
def _unmet(w, m, out, month, active):
    """Update what is known of each use."""
    zero, now = splat(0.0), splat(float(month))
    for k in range(m.use.size):
        normal = splat(at(m.use_normal, k))
        unmet = active * maximum(normal - load(w.scratch, at(m.use, k)), zero)
        share = unmet / normal
        store(out.peak, k, maximum(load(out.peak, k), share))
        store(out.total, k, load(out.total, k) + unmet)
        multiple = load(w.prices, at(m.use_row, k)) * splat(at(m.use_price, k))
        multiple = minimum(multiple, splat(PRICE_CAP))
        store(out.multiple, k, maximum(load(out.multiple, k), multiple))
        limit = splat(UNMET_THRESHOLD)
        last = select_greater(share, limit, now, load(out.last, k))
        first = select_greater(zero, load(out.first, k), last, load(out.first, k))
        store(out.last, k, last)
        store(out.first, k, first)


@inner
def _proof(p, w, out, counts):
    """Update residual and gap: the worst of the months that count."""
    worst = counts * residual(p, w.prices, w.surplus)
    store(out.residual, 0, maximum(load(out.residual, 0), worst))
    gap = splat(0.0)
    for i in range(p.row.size):
        gap = gap + magnitude(load(w.prices, i) * load(w.surplus, i))
    store(out.gap, 0, maximum(load(out.gap, 0), counts * gap))


@inner
def _enter(w, l, month):  # noqa: E741
    """Set what a month changes in all lanes; see `links.enter`."""
    columns = l.limit_row.size
    for k in range(columns):
        store(w.rhs, at(l.limit_row, k), load(l.limit, month * columns + k))
    columns = l.cut.size
    for k in range(columns):
        share = load(l.share, month * columns + k)
        store(w.upper, at(l.cut, k), share * load(l.cut_capacity, k))
    columns = l.taxed.size
    for k in range(columns):
        a, tax = at(l.taxed, k), load(l.tax, month * columns + k)
        store(w.offset, a, load(l.untaxed, k) - load(w.gain, a) * tax)


@entry
def account(p, w, l, h, m, months, out):  # noqa: E741
    """Go over the months of eight scenarios at prices h and add up what they mean."""
    zero, one = splat(0.0), splat(1.0)
    rows = p.row.size
    begin = load(m.begin, 0)
    earliest = months
    for lane in range(8):
        earliest = min(earliest, int(m.begin[lane]))
    _prepare(p, w, m)
    for month in range(months):
        # The base year needs no accounts; its first month is proved all the same.
        if 0 < month < earliest:
            continue
        active = select_greater(begin, splat(month + 0.5), zero, one)
        _enter(w, l, month)
        for i in range(rows):
            store(w.prices, i, load(h, month * rows + i))
        keeps = month == m.checked
        if keeps:
            for i in range(rows):
                store(out.rhs, i, load(w.rhs, i))
        _levels(p, w, l, m, out, active, keeps)
        _transfers(w, l, m, out, active)
        _unmet(w, m, out, month, active)
        _proof(p, w, out, one if month == 0 else active)
        carry(p, w, l, w.prices, active)
