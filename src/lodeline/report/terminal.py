"""The answer of a stress test in a terminal of 80 columns."""

from __future__ import annotations

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lodeline.report import brief, tables
from lodeline.results.stress import StressResult

__all__ = ["stress_table"]

_MOST_ROWS = 20


def stress_table(result: StressResult) -> tuple[RenderableType, ...]:
    """Return the title, the answer, a table of the countries asked about, and its notes.

    Strings are shown as they are: markup in a scenario's title has no effect.
    """
    figures = tables.key_figures(result, most=_MOST_ROWS)
    return (
        Text(result.scenario["title"], style="bold"),
        Padding(Text(brief.answer(result).lead), (0, 0, 1, 0)),
        _rich_table(figures, result),
        *(Text(note, style="dim") for note in _notes(figures, result)),
    )


def _rich_table(figures: tables.Table, result: StressResult) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    headings = (
        "Country",
        "Chain",
        "Worst\nmonth",
        "Unmet\nin total",
        "Short\nafter",
        "Recovers\nafter",
        f"Price\n({result.base_year}=1)",
        "Cost",
    )
    for heading, column in zip(headings, figures.columns, strict=True):
        table.add_column(
            heading,
            justify="right" if column.is_number else "left",
            no_wrap=column.is_number,
            overflow="fold",
        )
    for row in figures.rows:
        table.add_row(*(Text(_short(cell.text)) for cell in row))
    return table


def _short(text: str) -> str:
    """Return a cell's text in a terminal's words."""
    return text.replace("not within\u00a0", ">\u00a0").replace("\u00a0", " ")


def _notes(figures: tables.Table, result: StressResult) -> list[str]:
    months = len(result.months)
    return [
        "Worst month and unmet: share of use and amount that is not met. Times in months; "
        f"> {months}: not within the {months} months.",
        *figures.reasons,
    ]
