"""The answer of a stress test in a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import RenderableType
from rich.text import Text

from lodeline.report import brief, tables
from lodeline.report import format as fmt
from lodeline.report.depends import cautions, depends
from lodeline.report.format import SPACE
from lodeline.results.stress import StressResult

__all__ = ["stress_table"]

_MOST_ROWS = 20
_INDENT = 2
_GAP = 2
_SHORTEST_NAME = 14
"""Room that a country's name has at least; longer ones go on in the next line."""


def stress_table(result: StressResult) -> tuple[RenderableType, ...]:
    """Return the title, the answer, a line for each material and country, and notes.

    Below the lines stands who of a group bears most, who lacks much of an earlier form, what
    carries the headline's country (third countries, reserve, sectors), and which lanes nobody
    observed.

    Without recorded use in the countries asked about there is no table; the answer says so.

    Strings are shown as they are: markup in a scenario's title has no effect.
    """
    found = brief.answer(result)
    lead = " ".join([found.lead, *found.beside])
    answer = (Text(_wrap(result.scenario["title"]), style="bold"), Text(_wrap(lead)))
    table = tuple(_table(result))
    inferred = tuple(Text(_wrap(sentence)) for sentence in cautions(result))
    if not table:
        return (*answer, *inferred)
    notes = (Text(_wrap(note), style="dim") for note in _notes(result))
    hit = (*brief.members(result), *brief.earlier(result))
    carried = " ".join([*hit, *depends(result), *cautions(result)])
    told = (Text(_wrap(carried)), Text()) if carried else ()
    return (*answer, Text(), *table, Text(), *told, *notes)


def _wrap(text: str) -> str:
    """Return a text in lines of at most 80 columns; numbers stay with their units."""
    return "\n".join(fmt.wrapped(text))


def _headings(result: StressResult) -> tuple[tuple[str, str], ...]:
    return (
        ("Worst", "month"),
        ("Unmet", "in total"),
        ("Short", "after"),
        ("Recovers", "after"),
        ("Price", f"{result.base_year}=1"),
        ("Cost", "USD"),
    )


def _table(result: StressResult) -> Iterator[Text]:
    """Yield the table's lines: a heading for each material with its unit, countries below it."""
    groups = _groups(result)
    if not groups:
        return
    headings = _headings(result)
    lines = [cells for rows in groups.values() for _, cells in rows]
    lines += [tuple(part[k] for part in headings) for k in (0, 1)]
    widths = [max(cell_len(line[k]) for line in lines) for k in range(len(headings))]
    longest = max((cell_len(name) for rows in groups.values() for name, _ in rows), default=0)
    room = max(fmt.WIDTH - _INDENT - sum(widths) - _GAP * len(widths), _SHORTEST_NAME)
    name_width = min(longest, room)
    for k in (0, 1):
        yield Text(_line("", [part[k] for part in headings], name_width, widths), style="bold")
    for material, rows in groups.items():
        yield Text(material, style="bold")
        for name, cells in rows:
            first, *more = textwrap.wrap(name, name_width, break_long_words=False) or [""]
            yield Text(_line(first, cells, name_width, widths))
            yield from (Text(" " * (2 * _INDENT) + part) for part in more)


def _line(name: str, cells: Sequence[str], name_width: int, widths: Sequence[int]) -> str:
    line = " " * _INDENT + name + " " * (name_width - cell_len(name))
    for cell, width in zip(cells, widths, strict=True):
        line += " " * (_GAP + width - cell_len(cell)) + cell
    return line


def _groups(result: StressResult) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """Return countries and their cells by material, worst first; the unit is in the material."""
    figures = tables.key_figures(result, most=_MOST_ROWS)
    groups: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for (chain, _, _), row in zip(brief.asked_rows(result), figures.rows, strict=False):
        unit = chain.units[chain.form]
        words = brief.form_words(chain)
        heading = f"{words[:1].upper()}{words[1:]}, {unit}"
        cells = tuple(_short(cell.text, unit) for cell in row[2:])
        groups.setdefault(heading, []).append((row[0].text, cells))
    return groups


def _short(text: str, unit: str) -> str:
    """Return a cell in a terminal's words, without what the headings say."""
    text = text.removesuffix(f"{SPACE}{unit}").replace(f"USD{SPACE}", "")
    return text.replace(f"not within{SPACE}", f">{SPACE}").replace(SPACE, " ")


def _notes(result: StressResult) -> list[str]:
    months = len(result.months)
    figures = tables.key_figures(result, most=_MOST_ROWS)
    left = len(brief.asked_rows(result)) - len(figures.rows)
    notes = [
        "Worst month: share of use that is not met. Short, recovers: months; "
        f"> {months}: not within the {months} months that were run."
    ]
    if left:
        notes.append(f"{left} less affected lines are left out; --out DIR writes all of them.")
    return notes + [reason.replace("−USD: a gain", "− cost: a gain") for reason in figures.reasons]
