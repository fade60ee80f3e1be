"""The line: month by month, what a programme gets, builds and has left. No market, no minerals.

A unit needs all its forms (Leontief). With scheduled units u, backlog b, stock s, kilograms a unit
k and target stock B, a month is

    planned  q = min(u + b, (1 + c) u)                      c: `catch_up`
    wanted   w = min(k q + B − s, (1 + c) k u), not below 0
    got      g = p n + (1 − p) n (U − p n) / (W' − p n)  +  (w − n) · max(0, 1 − (1 − U / W) / θ)
             with n = min(w, k u),  W' = W − k u + n        p: `priority`,  θ: `SHORT`
    built    y = min(q, min over forms (s + g) / k)
    after    s + g − k y,   b + u − y

W is what the country's users want in the month, U what they get; p n is never more than U, and
where U reaches W' all of n is got. Orders above the schedule bring nothing while users lack more
than θ: else whoever orders more than it needs would get more. Everything is kilograms and units a
month.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lodeline.results.metrics import UNMET_THRESHOLD

__all__ = [
    "DAYS_A_MONTH",
    "SHORT",
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
SHORT = UNMET_THRESHOLD
"""Share that users lack above which orders beyond the schedule are not filled at all."""
_SERVED = 1e-6
"""Shares of supply closer to one than this are one: the market is solved to 1e-8."""
_HAIR = 1e-9
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
    # Plain floats: a month has a handful of forms, and arrays that small are slow.
    lines = range(len(forms))
    need = [f.kg_per_unit for f in forms]
    target = [f.buffer_kg for f in forms]
    wanted = [f.wanted_kg.tolist() for f in forms]
    there = [f.there_kg.tolist() for f in forms]
    stock, behind, most = list(target), 0.0, 1.0 + catch_up
    out = _Record([], [], [], [], [], [], [])
    for t, due in enumerate(units.tolist()):
        planned = min(due + behind, most * due)
        order = [
            min(max(need[k] * planned + target[k] - stock[k], 0.0), most * need[k] * due)
            for k in lines
        ]
        got = [_got(order[k], need[k] * due, wanted[k][t], there[k][t], priority) for k in lines]
        possible = [(stock[k] + got[k]) / need[k] for k in lines]
        slowest = min(lines, key=possible.__getitem__)
        held = possible[slowest] < planned * (1.0 - _SERVED)
        built = possible[slowest] if held else planned
        came = got[slowest] / need[slowest]
        out.fed.append(max(built - came, 0.0) / (planned - came) if held else 1.0)
        stock = [max(stock[k] + got[k] - need[k] * built, 0.0) for k in lines]
        behind = max(behind + due - built, 0.0)
        out.add(built, behind, order, got, stock, slowest if held else -1)
    return out.build(units)


@dataclass(frozen=True)
class _Record:
    """The months so far; fields as in `Build`."""

    built: list[float]
    backlog: list[float]
    wanted: list[list[float]]
    got: list[list[float]]
    stock: list[list[float]]
    binding: list[int]
    fed: list[float]

    def add(
        self,
        built: float,
        behind: float,
        order: list[float],
        got: list[float],
        stock: list[float],
        binding: int,
    ) -> None:
        self.built.append(built)
        self.backlog.append(behind)
        self.wanted.append(order)
        self.got.append(got)
        self.stock.append(stock)
        self.binding.append(binding)

    def build(self, units: Vector) -> Build:
        tables = (np.array(x) for x in (self.built, self.backlog, self.wanted, self.got))
        built, backlog, wanted, got = tables
        binding = np.array(self.binding, dtype=np.intp)
        return Build(
            units, built, backlog, wanted, got, np.array(self.stock), binding, np.array(self.fed)
        )


def _got(order: float, scheduled: float, wanted: float, there: float, priority: float) -> float:
    """Return what an order brings among all that is wanted, kg."""
    need = min(order, scheduled)
    all_wanted = wanted - scheduled + need
    if there >= all_wanted * (1.0 - _SERVED):
        got = need
    else:
        first = min(priority * need, there)
        rest, others = (1.0 - priority) * need, all_wanted - priority * need
        got = first + (rest * (there - first) / others if others > 0.0 else 0.0)
    lacking = max(1.0 - _SERVED - there / wanted, 0.0)
    return got + (order - need) * max(1.0 - lacking / SHORT, 0.0)


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
        stock += _got(order, need, form.wanted_kg[t], form.there_kg[t], priority) - need
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
    due, have = (np.concatenate([[0.0], np.cumsum(x)]) for x in (done.units, done.built))
    if have[-1] < due[-1] * (1.0 - _HAIR):
        return None
    # The wait is longest just before or after a kink of either curve.
    kinks = np.concatenate([due, have])
    levels = np.clip(
        np.concatenate([kinks - _HAIR * due[-1], kinks + _HAIR * due[-1]]), 0, have[-1]
    )
    times = np.arange(float(due.size))
    wait = np.interp(levels, have, times) - np.interp(levels, due, times)
    return float(max(wait.max(), 0.0))


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
