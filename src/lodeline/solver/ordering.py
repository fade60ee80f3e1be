"""In which order rows are eliminated, and which neighbouring columns are eliminated together.

The pattern of ``A x' Aᵀ`` never changes, so all of this is worked out once for a network. Columns
of the factor that touch the same rows are put into *chunks* of one, two or four: a product then
meets its target once for all columns of a chunk instead of once for each.
"""

from __future__ import annotations

from dataclasses import dataclass

from lodeline.solver.problem import MarketProblem

__all__ = ["Chunk", "chunks_of", "least_fill", "neighbours", "postorder"]

_SLACK = 0.2
"""Share of zeros that a chunk may hold so that columns of nearly the same rows go together."""


@dataclass(frozen=True)
class Chunk:
    """Columns that are eliminated together.

    Attributes
    ----------
    first, width
        First column, and how many: 1, 2 or 4.
    rows
        Rows below them that they touch, ascending.
    """

    first: int
    width: int
    rows: list[int]


def neighbours(problem: MarketProblem) -> list[set[int]]:
    """Return for each row the other rows that share an activity with it."""
    incidence = problem.incidence
    near: list[set[int]] = [set() for _ in range(incidence.shape[0])]
    for a in range(incidence.shape[1]):
        rows = incidence.indices[incidence.indptr[a] : incidence.indptr[a + 1]].tolist()
        for i in rows:
            near[i].update(rows)
    for i, others in enumerate(near):
        others.discard(i)
    return near


def least_fill(near: list[set[int]]) -> tuple[list[int], list[list[int]]]:
    """Return an elimination order, and the rows that each eliminated row still touches.

    Always the row whose elimination ties the fewest rows together that had nothing in common; of
    several the one with the fewest neighbours left, then the lowest number. Sets of rows are whole
    numbers, one bit a row.
    """
    left = [sum(1 << j for j in others) for others in near]
    lacks = [_lacks(left, i) for i in range(len(left))]
    alive = set(range(len(left)))
    order: list[int] = []
    touched: list[list[int]] = []
    while alive:
        best = min(alive, key=lambda i: (lacks[i], left[i].bit_count(), i))
        alive.discard(best)
        around = left[best]
        rows = _members(around)
        order.append(best)
        touched.append(rows)
        for i in rows:
            left[i] ^= 1 << best
            lacks[i] -= (left[i] & ~around).bit_count()
        for i in rows:
            # From the earlier row alone: each pair once.
            for j in _members(around & ~left[i] & -(2 << i)):
                _tie(left, lacks, i, j)
    return order, touched


def _members(rows: int) -> list[int]:
    """Return the rows of a set, ascending."""
    out = []
    while rows:
        lowest = rows & -rows
        out.append(lowest.bit_length() - 1)
        rows ^= lowest
    return out


def _lacks(left: list[int], i: int) -> int:
    """Return how many pairs of neighbours of a row are not neighbours."""
    around = left[i]
    count = around.bit_count()
    return (
        count * (count - 1) - sum((left[j] & around).bit_count() for j in _members(around))
    ) // 2


def _tie(left: list[int], lacks: list[int], i: int, j: int) -> None:
    """Make two rows neighbours, and keep count of what is lacking."""
    for k in _members(left[i] & left[j]):
        lacks[k] -= 1
    lacks[i] += (left[i] & ~left[j]).bit_count()
    lacks[j] += (left[j] & ~left[i]).bit_count()
    left[i] |= 1 << j
    left[j] |= 1 << i


def postorder(order: list[int], touched: list[list[int]]) -> tuple[list[int], list[list[int]]]:
    """Return an order with the same fill in which like columns are neighbours, and the columns.

    Each row comes right after those that are eliminated into it (the elimination tree, depth
    first). Columns hold the rows below the diagonal by their position in the new order, ascending.
    """
    position = {row: k for k, row in enumerate(order)}
    columns = [sorted(position[i] for i in others) for others in touched]
    children: list[list[int]] = [[] for _ in order]
    roots: list[int] = []
    for k, rows in enumerate(columns):
        (children[rows[0]] if rows else roots).append(k)
    visited: list[int] = []
    waiting = roots[::-1]
    # Depth first, parents before children and the last child first; then turned round.
    while waiting:
        k = waiting.pop()
        visited.append(k)
        waiting += children[k]
    visited.reverse()
    place = {k: new for new, k in enumerate(visited)}
    return [order[k] for k in visited], [sorted(place[i] for i in columns[k]) for k in visited]


def chunks_of(columns: list[list[int]]) -> list[Chunk]:
    """Return the columns in chunks; see `Chunk`.

    A column joins the one before it if that one touches it first, and few zeros come of it.
    """
    out: list[Chunk] = []
    k = 0
    while k < len(columns):
        rows = [columns[k]]
        zeros = 0
        while len(rows) < 4 and rows[-1][:1] == [k + len(rows)]:
            after = columns[k + len(rows)]
            zeros += len(rows) * (len(after) + 1 - len(rows[-1]))
            if zeros > _SLACK * (len(rows) + 1) * (len(after) + 1):
                break
            rows.append(after)
        width = {3: 2}.get(len(rows), len(rows))
        out.append(Chunk(k, width, rows[width - 1]))
        k += width
    return out
