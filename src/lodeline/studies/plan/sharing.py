"""How a coalition's saving can be shared: Shapley value, nucleolus, core.

A game gives the saving v(S) of every coalition S of n players, v(∅) = 0. Coalitions are bit masks:
player i is in S if bit i of S is set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import factorial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

__all__ = ["CoreCheck", "core_check", "nucleolus", "shapley"]

Vector = NDArray[np.float64]

_SAME = 1e-9
"""Relative difference below which two excesses count as one."""


def shapley(values: Sequence[float]) -> tuple[float, ...]:
    """Return the Shapley value: everybody's mean contribution over all orders of joining.

    ``φᵢ = Σ_{S ∌ i} |S|! (n − |S| − 1)! / n! · (v(S + i) − v(S))`` (Shapley 1953). Computed in
    exact fractions and rounded so that the sum is v(N) to the last bit.

    Parameters
    ----------
    values
        v by bit mask, 2ⁿ of them, the first 0.

    Examples
    --------
    >>> [round(x, 4) for x in shapley([0, 1, 2, 2, 3, 3, 3, 3])]
    [0.3333, 0.8333, 1.8333]
    """
    n = len(values).bit_length() - 1
    exact = [Fraction(v) for v in values]
    out = []
    for i in range(n):
        total = Fraction(0)
        for mask in range(len(values)):
            if mask >> i & 1:
                continue
            size = mask.bit_count()
            weight = Fraction(factorial(size) * factorial(n - size - 1), factorial(n))
            total += weight * (exact[mask | 1 << i] - exact[mask])
        out.append(float(total))
    return _adding_up(out, float(values[-1]))


def _adding_up(shares: list[float], total: float) -> tuple[float, ...]:
    """Return the shares with the rounding moved into one of them, so that they add up."""
    largest_first = sorted(range(len(shares)), key=lambda i: -abs(shares[i]))
    for k in [*largest_first, *reversed(range(len(shares)))]:
        moved = list(shares)
        moved[k] = total - sum(moved[:k] + moved[k + 1 :])
        for _ in range(4):
            missing = total - sum(moved)
            if missing == 0.0:
                return tuple(moved)
            moved[k] = float(np.nextafter(moved[k], np.copysign(np.inf, missing)))
    return tuple(shares)


@dataclass(frozen=True)
class CoreCheck:
    """Whether anybody would rather leave.

    Attributes
    ----------
    is_empty
        No way of sharing keeps everybody in.
    worst
        Largest ``v(S) − Σ shares of S`` over coalitions for a given sharing: above 0 they would
        rather leave.
    leaving
        The coalition (bit mask) for which that is so; 0 if none gains.
    """

    is_empty: bool
    worst: float
    leaving: int


def core_check(values: Sequence[float], shares: Sequence[float]) -> CoreCheck:
    """Return whether the core is empty and whether a sharing lies in it.

    Parameters
    ----------
    values
        v by bit mask.
    shares
        What each player gets.
    """
    n = len(shares)
    full = len(values) - 1
    worst, leaving = 0.0, 0
    for mask in range(1, full):
        excess = values[mask] - sum(shares[i] for i in range(n) if mask >> i & 1)
        if excess > worst:
            worst, leaving = excess, mask
    least = _least_excess(values, n)
    scale = max(abs(values[-1]), 1e-300)
    return CoreCheck(least > _SAME * scale, worst, leaving)


def _least_excess(values: Sequence[float], n: int) -> float:
    """Return the smallest largest excess of proper coalitions that a sharing can reach."""
    masks = list(range(1, len(values) - 1))
    if not masks:
        return 0.0
    rows = np.array([[-float(m >> i & 1) for i in range(n)] + [-1.0] for m in masks])
    found = linprog(
        np.append(np.zeros(n), 1.0),
        A_ub=rows,
        b_ub=[-float(values[m]) for m in masks],
        A_eq=[[1.0] * n + [0.0]],
        b_eq=[float(values[-1])],
        bounds=[(None, None)] * (n + 1),
        method="highs",
    )
    return float(found.x[-1])


def nucleolus(values: Sequence[float]) -> tuple[float, ...]:
    """Return the nucleolus: the sharing whose sorted dissatisfactions are least (Schmeidler 1969).

    A sequence of linear programmes: the largest excess is made as small as it can be, the
    coalitions that cannot do better are held there, and so on.

    Parameters
    ----------
    values
        v by bit mask, 2ⁿ of them.

    Examples
    --------
    >>> [round(x, 4) for x in nucleolus([0, 1, 2, 2, 3, 3, 3, 3])]
    [0.5, 0.75, 1.75]
    """
    n = len(values).bit_length() - 1
    full = len(values) - 1
    scale = max(max(abs(v) for v in values), 1e-300)
    game = [v / scale for v in values]
    held = {full: game[full]}
    free = set(range(1, full))
    shares = np.zeros(n)
    while free:
        shares, level = _level(game, held, sorted(free), n)
        stuck = [m for m in sorted(free) if _is_stuck(game, held, sorted(free), m, level, n)]
        for mask in stuck or sorted(free):
            held[mask] = game[mask] - level
            free.discard(mask)
        if np.linalg.matrix_rank(np.array([_row(m, n) for m in held])) == n:
            rows = np.array([_row(m, n) for m in held])
            shares = np.linalg.lstsq(rows, np.array(list(held.values())), rcond=None)[0]
            break
    if full == 1:
        shares = np.array([game[full]])
    return _adding_up([float(x) * scale for x in shares], float(values[-1]))


def _row(mask: int, n: int) -> list[float]:
    return [float(mask >> i & 1) for i in range(n)]


def _level(
    game: Sequence[float], held: dict[int, float], free: list[int], n: int
) -> tuple[Vector, float]:
    """Return a sharing with the smallest largest excess of the free coalitions, and that excess."""
    found = linprog(
        np.append(np.zeros(n), 1.0),
        A_ub=[[-x for x in _row(m, n)] + [-1.0] for m in free],
        b_ub=[-game[m] for m in free],
        A_eq=[[*_row(m, n), 0.0] for m in held],
        b_eq=list(held.values()),
        bounds=[(None, None)] * (n + 1),
        method="highs",
    )
    return np.asarray(found.x[:n]), float(found.x[-1])


def _is_stuck(
    game: Sequence[float], held: dict[int, float], free: list[int], mask: int, level: float, n: int
) -> bool:
    """Return whether a coalition cannot get more while all keep to the level."""
    found = linprog(
        [-x for x in _row(mask, n)],
        A_ub=[[-x for x in _row(m, n)] for m in free],
        b_ub=[level - game[m] + 1e-12 for m in free],
        A_eq=[_row(m, n) for m in held],
        b_eq=list(held.values()),
        bounds=[(None, None)] * n,
        method="highs",
    )
    return bool(-found.fun <= game[mask] - level + 1e-8)
