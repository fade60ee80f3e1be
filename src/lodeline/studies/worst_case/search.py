"""Search for the set of at most k things that does most harm.

The functions here know no markets: they ask `damage` for the harm of sets, many at a time, and
`bound` for a number that no set between two given ones exceeds. A tie goes to the set that is
found first: smaller sets before larger, then in the order of the candidates.

Branch and bound goes back to Land and Doig (1960), Econometrica 28, 497-520.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from math import comb

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BoundOf",
    "Chosen",
    "Found",
    "branch_and_bound",
    "count_sets",
    "enumerate_sets",
    "exchange",
]

Chosen = tuple[int, ...]
DamageOf = Callable[[Sequence[Chosen]], NDArray[np.float64]]
"""Damage of each set of candidates."""
BoundOf = Callable[[Sequence[tuple[Chosen, Chosen]]], NDArray[np.float64]]
"""For pairs (closed, undecided): a number that no set closed ∪ part of undecided exceeds."""
Progress = Callable[[int], None]

_BATCH = 1024
"""Sets asked for at a time."""
_TIE = 1e-9
"""Relative difference below which two damages are one: the solver's rounding."""


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes
    ----------
    best, damage
        The worst set and its damage; the empty set with damage 0 if nothing does harm.
    bound
        No set of at most k does more harm; None where the search proves nothing.
    evaluated
        Sets whose damage was asked for.
    bounds
        Bounds that were asked for.
    seen
        Damage of the sets that were evaluated.
    """

    best: Chosen
    damage: float
    bound: float | None
    evaluated: int
    bounds: int
    seen: dict[Chosen, float]


def count_sets(candidates: int, k: int) -> int:
    """Return the number of sets of 1 to k out of so many candidates.

    Examples
    --------
    >>> count_sets(20, 2)
    210
    """
    return sum(comb(candidates, size) for size in range(1, k + 1))


def enumerate_sets(
    candidates: int, k: int, damage: DamageOf, *, progress: Progress | None = None
) -> Found:
    """Evaluate every set of 1 to k candidates."""
    search = _Search(damage, progress)
    for size in range(1, k + 1):
        sets = combinations(range(candidates), size)
        while part := list(islice(sets, _BATCH)):
            search.ask(part)
    return search.found(bound=search.damage)


def exchange(
    candidates: int, k: int, damage: DamageOf, *, progress: Progress | None = None
) -> Found:
    """Add the worst candidate one at a time, then swap one for another while that does more harm.

    Nothing is proven: a set whose members do little harm alone may be missed.
    """
    search = _Search(damage, progress)
    search.ask([(i,) for i in range(candidates)])
    for _ in range(1, k):
        search.ask(_with_one_more(search.best, candidates))
    while True:
        before = search.best
        search.ask(_swapped(before, candidates))
        if search.best == before:
            return search.found(bound=None)


def branch_and_bound(
    candidates: int,
    k: int,
    damage: DamageOf,
    bound: BoundOf,
    *,
    most_sets: int,
    progress: Progress | None = None,
) -> Found:
    """Search the tree of sets, largest bound first, and leave branches that cannot be worse.

    A branch is a set S and the first candidate i that is not decided on: it stands for all sets
    that add to S at most k − |S| of the candidates from i on. Its bound is that of S with all of
    them. The search ends when the largest bound that is open does not exceed the best damage, or
    after `most_sets`; then the bound that is left is reported.

    Parameters
    ----------
    candidates
        Their number; sets grow in their order, so the worst should come first.
    k
        Largest size of a set.
    damage, bound
        See `DamageOf` and `BoundOf`.
    most_sets
        Evaluations after which the search gives up.
    progress
        Called with the number of evaluations.
    """
    search = _Search(damage, progress)
    everything = tuple(range(candidates))
    open_: list[tuple[float, Chosen, int]] = [(-float(bound([((), everything)])[0]), (), 0)]
    bounds = 1
    while open_ and -open_[0][0] > search.damage * (1.0 + _TIE) and len(search.seen) < most_sets:
        _, chosen, first = heapq.heappop(open_)
        children = [(*chosen, i) for i in range(first, candidates)]
        search.ask(children)
        if len(chosen) + 1 == k:
            continue
        grown = [c for c in children if c[-1] + 1 < candidates]
        limits = bound([(c, everything[c[-1] + 1 :]) for c in grown])
        bounds += len(grown)
        for child, limit in zip(grown, limits.tolist(), strict=True):
            if limit > search.damage * (1.0 + _TIE):
                heapq.heappush(open_, (-limit, child, child[-1] + 1))
    left = max((-b for b, _, _ in open_), default=search.damage)
    return search.found(bound=max(left, search.damage), bounds=bounds)


class _Search:
    """Asks for damages, once each, and remembers the worst."""

    def __init__(self, damage: DamageOf, progress: Progress | None) -> None:
        self._damage_of, self._progress = damage, progress
        self.best: Chosen = ()
        self.damage = 0.0
        self.seen: dict[Chosen, float] = {}

    def ask(self, sets: Iterable[Chosen]) -> None:
        new = [s for s in dict.fromkeys(sets) if s not in self.seen]
        if not new:
            return
        for chosen, value in zip(new, self._damage_of(new).tolist(), strict=True):
            self.seen[chosen] = value
            if value > self.damage * (1.0 + _TIE):
                self.best, self.damage = chosen, value
        if self._progress is not None:
            self._progress(len(self.seen))

    def found(self, *, bound: float | None, bounds: int = 0) -> Found:
        return Found(self.best, self.damage, bound, len(self.seen), bounds, self.seen)


def _with_one_more(chosen: Chosen, candidates: int) -> list[Chosen]:
    return [tuple(sorted((*chosen, i))) for i in range(candidates) if i not in chosen]


def _swapped(chosen: Chosen, candidates: int) -> list[Chosen]:
    kept = [tuple(c for c in chosen if c != out) for out in chosen]
    return [s for rest in kept for s in _with_one_more(rest, candidates) if s != chosen]
