"""The line: month by month, what a programme gets, builds and has left. No market, no minerals.

A unit needs all its forms (Leontief). With scheduled units u, backlog b, stock s, kilograms a unit
k and target stock B, a month is

    planned  q = min(u + b, (1 + c) u)                      c: `catch_up`
    wanted   w = min(k q + B − s, (1 + c) k u), not below 0
    got      g = p w + (1 − p) w · (U − p w) / (W' − p w)   p: `priority`,  W' = W + w − k u
    built    y = min(q, min over forms (s + g) / k)
    after    s + g − k y,   b + u − y

W is what the country's users want in the month, U what they get. Where U reaches W' all is got; and
p w is never more than U. Everything is kilograms and units a month.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "DAYS_A_MONTH",
    "SLIP",
    "Build",
    "Form",
    "Slip",
    "build",
    "least",
    "release_needed",
    "slip_of",
]

Vector = NDArray[np.float64]

DAYS_A_MONTH = 365.0 / 12.0
SLIP = 0.01
"""Share of a month's units by which a programme must be behind for it to have slipped."""
_SERVED = 1e-6
"""Shares of supply closer to one than this are one: the market is solved to 1e-8."""
_STEPS = 60


@dataclass(frozen=True)
class Form:
    """One form of the bill, and what there is of it in the country.

    Attributes
    ----------
    kg_per_unit
        k, kg a unit.
    buffer_kg
        B, kg: the stock at the start, and what orders refill it to.
    wanted_kg, there_kg
        W and U: what all users want and get, kg/month, shape (month,).
    """

    kg_per_unit: float
    buffer_kg: float
    wanted_kg: Vector
    there_kg: Vector


@dataclass(frozen=True)
class Build:
    """What was built.

    Attributes
    ----------
    units
        Scheduled, units/month, shape (month,).
    built
        Units/month, shape (month,).
    backlog
        Units behind at the end of each month, shape (month,).
    wanted_kg, got_kg, stock_kg
        Ordered, got, and left at the end of the month, kg, shape (month, form).
    binding
        Index of the form that held the line up, −1 where none did, shape (month,).
    fed
        Share of the month until that form ran out: stock is drawn down evenly, shape (month,).
    """

    units: Vector
    built: Vector
    backlog: Vector
    wanted_kg: Vector
    got_kg: Vector
    stock_kg: Vector
    binding: NDArray[np.intp]
    fed: Vector


@dataclass(frozen=True)
class Slip:
    """When and by how much: indices of months; None where it does not happen.

    Attributes
    ----------
    month
        First month at whose end the programme is behind by more than `SLIP` of a month's units.
    days
        Days from the start of month 0 until the line first stands still or slows.
    peak, peak_month
        Most units behind, and when.
    delay
        Longest delay of a unit, months; None: it is not built within the schedule.
    recovered
        First month from which it is behind no more, for good.
    at_end
        Units behind at the end of the schedule.
    """

    month: int | None
    days: float | None
    peak: float
    peak_month: int | None
    delay: float | None
    recovered: int | None
    at_end: float


def build(
    units: Vector, forms: Sequence[Form], *, priority: float = 0.0, catch_up: float = 0.25
) -> Build:
    """Build month by month.

    Parameters
    ----------
    units
        u, units/month, shape (month,).
    forms
        The bill.
    priority
        p, 0 to 1.
    catch_up
        c, share of the schedule.
    """
    count = units.size
    need = np.array([f.kg_per_unit for f in forms])
    target = np.array([f.buffer_kg for f in forms])
    stock, behind = target.copy(), 0.0
    built, backlog = np.zeros(count), np.zeros(count)
    wanted, got, left = (np.zeros((count, need.size)) for _ in range(3))
    binding, fed = np.full(count, -1, dtype=np.intp), np.ones(count)
    for t, due in enumerate(units):
        planned = min(due + behind, (1.0 + catch_up) * due)
        order = np.clip(need * planned + target - stock, 0.0, (1.0 + catch_up) * need * due)
        for k, form in enumerate(forms):
            wanted_now = form.wanted_kg[t] + order[k] - need[k] * due
            got[t, k] = _got(order[k], wanted_now, form.there_kg[t], priority)
        possible = (stock + got[t]) / need
        slowest = int(np.argmin(possible))
        built[t] = min(planned, possible[slowest])
        if possible[slowest] < planned * (1.0 - _SERVED):
            binding[t] = slowest
            came = got[t, slowest] / need[slowest]
            fed[t] = max(built[t] - came, 0.0) / (planned - came)
        else:
            built[t] = planned
        stock = np.maximum(stock + got[t] - need * built[t], 0.0)
        behind = max(behind + due - built[t], 0.0)
        wanted[t], left[t], backlog[t] = order, stock, behind
    return Build(units, built, backlog, wanted, got, left, binding, fed)


def _got(order: float, wanted: float, there: float, priority: float) -> float:
    """Return what an order brings among all that is wanted, kg."""
    if order <= 0.0:
        return 0.0
    if there >= wanted * (1.0 - _SERVED):
        return order
    first = min(priority * order, there)
    rest = order - priority * order
    others = wanted - priority * order
    return first + (rest * (there - first) / others if others > 0.0 else 0.0)


def release_needed(
    units: Vector, form: Form, *, priority: float = 0.0, catch_up: float = 0.25
) -> float:
    """Return what others would have to hand over, kg in all, for the form never to fail.

    The line keeps its schedule; each month that stock and supply do not feed it, the rest comes
    from outside. It is not given back.
    """
    stock, total = form.buffer_kg, 0.0
    for t, due in enumerate(units):
        need = form.kg_per_unit * due
        order = min(max(need + form.buffer_kg - stock, 0.0), (1.0 + catch_up) * need)
        wanted = form.wanted_kg[t] + order - need
        stock += _got(order, wanted, form.there_kg[t], priority) - need
        total += max(-stock, 0.0)
        stock = max(stock, 0.0)
    return float(total)


def slip_of(done: Build) -> Slip:
    """Return when a programme slips, by how much, and when it has caught up."""
    limit = SLIP * np.maximum(done.units, float(done.units[done.units > 0.0].min()))
    late = np.flatnonzero(done.backlog > limit)
    if late.size == 0:
        return Slip(None, None, 0.0, None, 0.0, None, 0.0)
    first, last, peak = int(late[0]), int(late[-1]), int(np.argmax(done.backlog))
    over = last == done.units.size - 1
    return Slip(
        month=first,
        days=DAYS_A_MONTH * (first + float(done.fed[first])),
        peak=float(done.backlog[peak]),
        peak_month=peak,
        delay=_delay(done),
        recovered=None if over else last + 1,
        at_end=float(done.backlog[-1]) if over else 0.0,
    )


def _delay(done: Build) -> float | None:
    """Return the longest time that a unit waits, months; None if some are never built."""
    due, have = np.cumsum(done.units), np.cumsum(done.built)
    if have[-1] < due[-1] * (1.0 - 1e-9):
        return None
    months = np.arange(1.0, due.size + 1.0)
    # A hair less than what is due: the last unit before a halt was ready when the halt began.
    ready = np.interp(
        due * (1.0 - 1e-9), np.concatenate([[0.0], have]), np.concatenate([[0.0], months])
    )
    return float(np.max(np.maximum(ready - months, 0.0)))


def least(slips: Callable[[float], bool], most: float) -> float | None:
    """Return the least number at which nothing slips, None if `most` is not enough.

    `slips` must be true below some number and false above it.
    """
    if not slips(0.0):
        return 0.0
    if slips(most):
        return None
    low, high = 0.0, most
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if slips(middle) else (low, middle)
    return high
