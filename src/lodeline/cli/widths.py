"""Widths of a table's columns in a terminal: identifiers stay whole, so that they can be copied."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from rich.cells import cell_len

__all__ = ["column_widths"]

_IDENTIFIER = re.compile(r"\w+(?:[-_]\w+)+[,;]?")
"""Words joined by hyphens or underscores: a chain, a form, a scenario, a row of the ledger."""

_LONGEST = 24
"""Longer words that are no identifiers (addresses) may be broken."""


def column_widths(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    whole: Collection[str],
    room: int,
) -> list[int]:
    """Return the width of each column.

    Every column gets at least its longest word; what room is left goes to the columns that need
    least more first. Where even the words do not fit, the table is wider than the room.

    Parameters
    ----------
    headings, rows
        Texts of the cells.
    whole
        Headings of the columns whose cells are never broken at all.
    room
        Columns of the terminal that all cells together may take.

    Examples
    --------
    >>> column_widths(["chain", "title"], [["rare-earth-magnets", "a b c d"]], whole=(), room=22)
    [18, 5]
    """
    least, most = [], []
    for k, heading in enumerate(headings):
        cells = [row[k] for row in rows]
        longest = max((cell_len(cell) for cell in cells), default=0)
        words = [heading, *cells] if heading not in whole else [heading]
        needed = max((_least(word) for text in words for word in text.split()), default=1)
        least.append(max(needed, longest if heading in whole else 1))
        most.append(max(longest, cell_len(heading), least[-1]))
    widths, left = list(least), room - sum(least)
    for k in sorted(range(len(widths)), key=lambda k: most[k] - least[k]):
        more = min(most[k] - widths[k], max(left, 0))
        widths[k] += more
        left -= more
    return widths


def _least(word: str) -> int:
    size = cell_len(word)
    return size if _IDENTIFIER.fullmatch(word) else min(size, _LONGEST)
