"""Lines of a TOML document: where each key stands, so that a message can point at it.

The standard parser gives values without places. This scanner reads only headers and keys; values
it skips, strings and arrays over several lines included. What it does not find (keys inside an
inline table, items of an array) takes the line of the nearest key around it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

__all__ = ["Path", "key_lines", "line_of"]

Path = tuple[str | int, ...]

_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_KEY = rf"{_PART}(?:\s*\.\s*{_PART})*"
_TABLES = re.compile(rf"^\s*\[\[\s*({_KEY})\s*\]\]")
_TABLE = re.compile(rf"^\s*\[\s*({_KEY})\s*\]")
_ASSIGNMENT = re.compile(rf"^\s*({_KEY})\s*=(.*)$")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"' + r"|'[^']*'")


def key_lines(text: str) -> dict[Path, int]:
    r"""Return the line of each key and table header, counted from 1.

    Parameters
    ----------
    text
        A TOML document, whole or damaged.

    Examples
    --------
    >>> key_lines('id = "x"\n[[forms]]\nunit = "t"')
    {('id',): 1, ('forms', 0): 2, ('forms',): 2, ('forms', 0, 'unit'): 3}
    """
    lines: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    here: Path = ()
    open_string, depth = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        if open_string or depth > 0:
            open_string, depth = _after(line, open_string, depth)
        elif match := _TABLES.match(line):
            table = _resolve(_parts(match[1]), counts)
            counts[table] = counts.get(table, -1) + 1
            here = (*table, counts[table])
            lines.setdefault(here, number)
            lines.setdefault(table, number)
        elif match := _TABLE.match(line):
            here = _resolve(_parts(match[1]), counts)
            lines.setdefault(here, number)
        elif match := _ASSIGNMENT.match(line):
            lines.setdefault((*here, *_parts(match[1])), number)
            open_string, depth = _after(match[2], "", 0)
    return lines


def line_of(lines: Mapping[Path, int], path: Path) -> int | None:
    """Return the line of `path`, or of the nearest key around it; None where there is none."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


def _parts(key: str) -> list[str]:
    return [part.strip("\"'") for part in re.findall(_PART, key)]


def _resolve(parts: Sequence[str], counts: Mapping[Path, int]) -> Path:
    """Return the path with the index of the last item wherever a part is an array of tables."""
    path: Path = ()
    for i, part in enumerate(parts):
        path = (*path, part)
        if path in counts and i < len(parts) - 1:
            path = (*path, counts[path])
    return path


def _after(rest: str, open_string: str, depth: int) -> tuple[str, int]:
    """Return which multi-line string is open and how deep in brackets after `rest`."""
    while True:
        if open_string:
            end = rest.find(open_string)
            if end < 0:
                return open_string, depth
            rest, open_string = rest[end + len(open_string) :], ""
        starts = [(rest.find(q), q) for q in ('"""', "'''") if q in rest]
        head, quote = (rest, "") if not starts else (rest[: min(starts)[0]], min(starts)[1])
        bare = _STRING.sub("", head).split("#", 1)[0]
        depth = max(0, depth + bare.count("[") - bare.count("]"))
        if not quote:
            return "", depth
        rest, open_string = rest[len(head) + len(quote) :], quote
