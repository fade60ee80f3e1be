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
from lodeline.solver.kernels.evaluate import free_level, grown, margin_of, residual
from lodeline.solver.kernels.links import carry, enter
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
    normal, margin, slope
        x̄, m and h of each sorted activity; h is 0 where ψ is no cost (stores).
    begin
        First month in which anything acts, one vector.
    use, use_row, use_normal, use_price
        Position, row, reference (t/month), and one over the reference price of each use.
    store_owner, store_price
        Cell and reference price of each store.
    checked
        Month whose levels, bounds and right-hand side are kept.
    """

    owner: Positions
    normal: Vector
    margin: Vector
    slope: Vector
    begin: Vector
    use: Positions
    use_row: Positions
    use_normal: Vector
    use_price: Vector
    store_owner: Positions
    store_price: Vector
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


@inlined
def _psi_supply(share, power, knee):
    """Return ψ / (P x̄) of supply; see `lodeline.solver.curves`."""
    one, half = splat(1.0), splat(0.5)
    rise = one + one / power
    bent = (exp(rise * log(maximum(share, knee))) - one) / rise
    low = minimum(share, knee)
    below = half * splat(SUPPLY_KNEE) / knee * (low * low - knee * knee)
    return bent + below - (share - one)


@inlined
def _psi_use(share, power, top):
    """Return ψ / (P x̄) of use; see `lodeline.solver.curves`."""
    zero, one = splat(0.0), splat(1.0)
    least = exp((zero - power) * log(top))
    rise = one - one / power
    inside = maximum(share, least)
    flat = select_greater(splat(1e-9), magnitude(rise), one, zero)
    safe = select_greater(flat, splat(0.5), one, rise)
    paid = (exp(safe * log(inside)) - one) / safe
    paid = select_greater(flat, splat(0.5), log(inside), paid)
    low = minimum(share, least)
    slope = splat(0.5 * (CHOKE_OVER_CAP - 1.0)) / least
    fading = splat(CHOKE_OVER_CAP) * (low - least) - slope * (low * low - least * least)
    return share - one - paid - top * fading


@inlined
def _psi(p, w, m, a, x):
    """Return ψ(x) of activity a, USD/month."""
    if a < p.group[3]:
        moved = x - load(m.normal, a)
        return splat(0.5) * load(m.slope, a) * moved * moved
    b = a - p.group[3]
    level = load(w.level, b)
    worth = level / magnitude(load(w.gain, a))
    if a < p.group[4]:
        return worth * _psi_supply(x / level, load(w.power, b), load(w.bend, b))
    return worth * _psi_use(x / level, load(w.power, b), load(w.bend, b))


@inner
def _levels(p, w, m, out, active):
    """Set levels and surplus at the prices, and add the surplus of owners in the active lanes."""
    zero = splat(0.0)
    for i in range(p.row.size):
        store(w.surplus, i, zero - load(w.rhs, i))
    for a in range(p.group[5]):
        q = margin_of(p, a, w.prices)
        free, _ = free_level(p, w, a, q)
        x = minimum(maximum(free, load(w.lower, a)), load(w.upper, a))
        store(w.scratch, a, x)
        for e in range(at(p.entry_start, a), at(p.entry_start, a + 1)):
            i = at(p.entry_row, e)
            store(w.surplus, i, fma(splat(at(p.entry_value, e)), x, load(w.surplus, i)))
        earned = (q - load(m.margin, a)) * x - _psi(p, w, m, a, x)
        c = at(m.owner, a)
        store(out.gain, c, fma(active, earned, load(out.gain, c)))


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


@entry
def account(p, w, l, h, m, months, out):  # noqa: E741
    """Go over the months of eight scenarios at prices h and add up what they mean."""
    zero, one = splat(0.0), splat(1.0)
    rows = p.row.size
    begin = load(m.begin, 0)
    earliest = months
    for lane in range(8):
        earliest = min(earliest, int(m.begin[lane]))
    for month in range(months):
        # The base year needs no accounts; its first month is proved all the same.
        if 0 < month < earliest:
            continue
        active = select_greater(begin, splat(month + 0.5), zero, one)
        for lane in range(8):
            enter(w, l, lane, month)
        for i in range(rows):
            store(w.prices, i, load(h, month * rows + i))
        _levels(p, w, m, out, active)
        _transfers(w, l, m, out, active)
        _unmet(w, m, out, month, active)
        _proof(p, w, out, one if month == 0 else active)
        if month == m.checked:
            for a in range(p.group[5]):
                store(out.levels, a, load(w.scratch, a))
                store(out.upper, a, load(w.upper, a))
            for i in range(rows):
                store(out.rhs, i, load(w.rhs, i))
        carry(p, w, l, w.prices, active)
        for a in range(p.group[5]):
            store(w.upper, a, grown(l, a, load(w.scratch, a), load(w.upper, a), active))
