"""Month after month: each of eight lanes walks through the months of one scenario after another.

A lane whose month is solved hands its flows over to the next one and goes on, while the others are
still on their way; one whose last month is solved takes the next scenario from the shelf. So no
lane waits for another, and nothing that a lane does depends on what the others hold.

Legend: as in `steps`; `l` the links, `h` the history, `s` the state of the lanes.
"""

# Numba infers the types; a checker of Python types cannot follow vectors of eight.
# ruff: noqa: ANN001, ANN201, ANN202
# mypy: ignore-errors

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lodeline.solver.curves import Vector
from lodeline.solver.kernels.evaluate import UNKNOWN
from lodeline.solver.kernels.links import LinkVectors, carry, enter
from lodeline.solver.kernels.steps import iterate
from lodeline.solver.kernels.workspace import Workspace
from lodeline.solver.simd import (
    any_greater,
    at,
    entry,
    inner,
    load,
    select_greater,
    splat,
    store,
)

__all__ = ["Shelf", "State", "walk"]


class State(NamedTuple):
    """Where the eight lanes are. Vectors hold one number for each, 1 for yes and 0 for no."""

    scenario: NDArray[np.int64]
    """Which of the queue's scenarios walks in each lane, shape (8,)."""
    month: NDArray[np.int64]
    """Shape (8,)."""
    is_open: Vector
    """Whether a lane has months before it."""
    opening: Vector
    """Whether a lane has just entered a month, so that its point is to be evaluated."""
    growing: Vector
    """Whether it comes from the month before."""
    worst: Vector
    trust: Vector
    length: Vector
    accepted: Vector
    relaxed: Vector
    sweeps: Vector
    """These six as in `steps.iterate`."""
    spent: Vector
    """Steps tried in the month."""


class Shelf(NamedTuple):
    """The next eight scenarios of the queue, packed."""

    work: Workspace
    links: LinkVectors
    begin: NDArray[np.int64]
    """First month to be solved, shape (8,)."""
    bounds: NDArray[np.int64]
    """Next scenario to take, and the one behind the last on the shelf; its place is k modulo 8."""


@inner
def _take(out, source, lane, place):
    for k in range(source.size // 8):
        out[8 * k + lane] = at(source, 8 * k + place)


@inner
def _take_scenario(w, l, shelf, lane, place):  # noqa: E741
    """Copy a scenario from its place on the shelf into a lane; lower bounds are all scenarios'."""
    work, links = shelf.work, shelf.links
    _take(w.gain, work.gain, lane, place)
    _take(w.offset, work.offset, lane, place)
    _take(w.upper, work.upper, lane, place)
    _take(w.level, work.level, lane, place)
    _take(w.power, work.power, lane, place)
    _take(w.bend, work.bend, lane, place)
    _take(w.rhs, work.rhs, lane, place)
    _take(w.prices, work.prices, lane, place)
    _take(l.growth, links.growth, lane, place)
    _take(l.growth_base, links.growth_base, lane, place)
    _take(l.apart_base, links.apart_base, lane, place)
    _take(l.room, links.room, lane, place)
    _take(l.limit, links.limit, lane, place)
    _take(l.cut_capacity, links.cut_capacity, lane, place)
    _take(l.share, links.share, lane, place)
    _take(l.untaxed, links.untaxed, lane, place)
    _take(l.tax, links.tax, lane, place)


@inner
def _open(w, l, s, lane, month, grows, trust):  # noqa: E741
    """Let a lane enter a month."""
    enter(w, l, lane, month)
    s.month[lane] = month
    s.is_open[lane] = s.opening[lane] = 1.0
    s.growing[lane] = grows
    s.worst[lane] = UNKNOWN
    s.trust[lane] = trust
    s.length[lane] = 1.0
    s.accepted[lane] = s.relaxed[lane] = s.sweeps[lane] = s.spent[lane] = 0.0


@inner
def _hand_over(p, w, l, h, s, months, tolerance, trust):  # noqa: E741
    """Record the months that are solved, and let their lanes enter the next."""
    rows = p.row.size
    under_way = load(s.is_open, 0)
    arrived = select_greater(load(s.worst, 0), splat(tolerance), splat(0.0), under_way)
    if not any_greater(arrived, splat(0.5)):
        return
    carry(p, w, l, w.prices, arrived)
    for lane in range(8):
        if s.is_open[lane] < 0.5 or s.worst[lane] > tolerance:
            continue
        month, k = s.month[lane], s.scenario[lane]
        first = (k // 8 * months + month) * rows
        for i in range(rows):
            h[8 * (first + i) + k % 8] = at(w.prices, 8 * i + lane)
        if month + 1 < months:
            _open(w, l, s, lane, month + 1, 1.0, trust)
        else:
            s.is_open[lane] = s.opening[lane] = 0.0


@inner
def _fill(w, l, shelf, s, months, trust):  # noqa: E741
    """Give lanes that are free the next scenarios; return whether one stays free."""
    for lane in range(8):
        while s.is_open[lane] < 0.5:
            k = shelf.bounds[0]
            if k == shelf.bounds[1]:
                return True
            shelf.bounds[0] = k + 1
            begin = shelf.begin[k % 8]
            if begin < months:
                s.scenario[lane] = k
                _take_scenario(w, l, shelf, lane, k % 8)
                _open(w, l, s, lane, begin, 0.0, trust)
    return False


@entry
def walk(p, w, l, shelf, h, s, months, tolerance, trust, limit, is_last):  # noqa: E741
    """Walk until the shelf is empty, a lane needs help, or, from the last shelf, all have ended.

    A lane needs help if it has spent `limit` steps on a month. `h` are the prices found, shape
    (eight, month, row, lane), flat.
    """
    half = splat(0.5)
    while True:
        _hand_over(p, w, l, h, s, months, tolerance, trust)
        if _fill(w, l, shelf, s, months, trust) and not is_last:
            return
        running, opening = load(s.is_open, 0), load(s.opening, 0)
        spent = load(s.spent, 0)
        if any_greater(running * spent, splat(limit - 0.5)) or not any_greater(running, half):
            return
        worst, length, accepted, relaxed, sweeps, trusted = (
            load(s.worst, 0), load(s.length, 0), load(s.accepted, 0), load(s.relaxed, 0),
            load(s.sweeps, 0), load(s.trust, 0),
        )  # fmt: skip
        worst, trusted, length, accepted, relaxed, sweeps = iterate(
            p, w, l, splat(tolerance), running, opening, load(s.growing, 0),
            worst, trusted, length, accepted, relaxed, sweeps, spent,
        )  # fmt: skip
        store(s.worst, 0, worst)
        store(s.trust, 0, trusted)
        store(s.length, 0, length)
        store(s.accepted, 0, accepted)
        store(s.relaxed, 0, relaxed)
        store(s.sweeps, 0, sweeps)
        store(s.spent, 0, spent + running - opening)
        store(s.opening, 0, splat(0.0))
        store(s.growing, 0, splat(0.0))
