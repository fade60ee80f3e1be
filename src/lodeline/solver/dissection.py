"""In which order the rows of a market over many months are eliminated.

Two orders together leave little fill:

* within a span of months, place by place: a place (a row of the month) is eliminated in all months
  of the span before the next one, in the order of minimum degree of one month. The network of a
  month is so sparse that its factor stays nearly empty; all months of it make small dense blocks.
  What links the months of one place, or of two that touch anyway, then costs nothing more.
* long spans are halved by months that come after both halves (nested dissection in time, George
  1973, SIAM J. Numer. Anal. 10, 345-363): else the work would grow with the cube of the months.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import spilu

__all__ = ["Layout", "minimum_degree_order"]

Index = NDArray[np.intp]

_SPAN = 10
"""Months that are not halved; 8 to 12 cost about the same."""
_ASIDE = 0.25
"""How far from the middle, as a share of the span, a separator may lie where that makes it thin."""


@dataclass(frozen=True)
class Layout:
    """Where the rows of a problem over many months lie.

    Attributes
    ----------
    month
        Month of each row, −1 for rows that touch many months: they come last; shape (row,).
    rank
        Place of each row, numbered as places are eliminated, shape (row,).
    is_link
        Rows that touch the month before too (limits on growth), shape (row,).
    width
        Months that separate: no row but a link touches rows as many months later, or more.
    """

    month: Index
    rank: Index
    is_link: NDArray[np.bool_]
    width: int = 1

    def of(self, rows: Index) -> Self:
        """Return the layout of some rows."""
        return type(self)(self.month[rows], self.rank[rows], self.is_link[rows], self.width)

    def followed_by(self, count: int) -> Self:
        """Return the layout with as many rows more that touch many months."""
        none = np.full(count, -1, dtype=np.intp)
        return type(self)(
            np.concatenate([self.month, none]),
            np.concatenate([self.rank, np.arange(count, dtype=np.intp)]),
            np.concatenate([self.is_link, np.zeros(count, dtype=np.bool_)]),
            self.width,
        )

    def order(self) -> Index:
        """Return the rows in the order in which they are eliminated, shape (row,)."""
        months = int(self.month.max(initial=-1)) + 1
        linked = np.bincount(self.month[self.is_link & (self.month >= 0)], minlength=months)
        own = np.bincount(self.month[~self.is_link & (self.month >= 0)], minlength=months)
        turn = _turns(months, self.width, linked / max(1, int(own.max(initial=1))))
        last = months + 1
        when = np.where(self.month < 0, last, np.append(turn, last)[self.month])
        return np.lexsort((self.month, self.rank, when))


def _turns(months: int, width: int, linked: NDArray[np.float64]) -> Index:
    """Return when each month is eliminated: spans, then what separates them, shape (month,).

    `linked` is how many links a month has, over the rows of a month: a separator has them too.
    """
    turn = np.zeros(months, dtype=np.intp)
    spans = [(0, months)]
    separators: list[tuple[int, int]] = []
    leaves: list[tuple[int, int]] = []
    while spans:
        first, end = spans.pop()
        if end - first <= max(_SPAN, 2 * width):
            leaves.append((first, end))
            continue
        cut = _cut(first, end, width, linked)
        separators.append((cut, cut + width))
        spans += [(first, cut), (cut + width, end)]
    # A separator comes after all that lies between the separators found before it.
    for k, (first, end) in enumerate([*leaves, *reversed(separators)]):
        turn[first:end] = k
    return turn


def _cut(first: int, end: int, width: int, linked: NDArray[np.float64]) -> int:
    """Return the first month of the separator of a span: near the middle, with few links."""
    length = end - first
    middle = first + (length - width + 1) // 2
    aside = max(1, int(_ASIDE * length))
    return min(
        range(max(first + 1, middle - aside), min(end - width, middle + aside + 1)),
        key=lambda c: (linked[c : c + width].sum() + abs(c - middle) / length, abs(c - middle), c),
    )


def minimum_degree_order(pattern: sparse.csc_array) -> Index:
    """Return a minimum-degree order of a symmetric pattern, shape (row,).

    It comes from an incomplete factorisation that drops everything: only its order is wanted.
    """
    n = pattern.shape[0]
    off = sparse.csc_array(
        (np.full(pattern.nnz, -1.0), pattern.indices, pattern.indptr), shape=(n, n)
    )
    matrix = sparse.csc_array(off + sparse.diags_array(np.full(n, 4.0 * n)))
    factors = spilu(
        matrix,
        permc_spec="MMD_AT_PLUS_A",
        drop_tol=1.0,
        fill_factor=1.0,
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    return np.argsort(factors.perm_c).astype(np.intp)
