"""Shared options and printing: data on standard output, talk on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "console",
    "each_of",
    "json_option",
    "listed",
    "out_option",
    "print_json",
    "print_table",
    "print_text",
    "progress_bar",
]

Command = TypeVar("Command", bound=Callable[..., Any])
Progress = Callable[[str, int, int], None]
"""Called with what is done, how many steps are done, and how many there are."""

PIPE_WIDTH = 80

_BETWEEN = 2
"""Columns of a terminal between two columns of a table."""


def json_option(command: Command) -> Command:
    """Add ``--json``: one JSON document on standard output and nothing else."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Print one JSON document on standard output and nothing else.",
    )(command)


def listed(*texts: str | None) -> list[str]:
    """Return the entries of texts such as ``JPN, ITA``, each once, in order; nothing of None."""
    parts = (part.strip() for text in texts if text for part in text.split(","))
    return list(dict.fromkeys(part for part in parts if part))


def each_of(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Let an option that may be repeated take commas as well (a callback of click)."""
    return tuple(listed(*values))


def out_option(command: Command) -> Command:
    """Add ``--out DIR``: write the files of the result there."""
    return click.option(
        "--out",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Write the files of the result into this folder (made if absent).",
    )(command)


def print_json(document: Mapping[str, Any] | Sequence[Any]) -> None:
    """Print one JSON document: UTF-8, null for what is absent.

    Raises
    ------
    ValueError
        If a number is not finite: absent is null, never NaN.
    """
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2)
    print_text(text)


def print_text(text: str) -> None:
    """Print text on standard output in UTF-8, whatever the terminal's locale says."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8") + (b"" if text.endswith("\n") else b"\n"))
    sys.stdout.buffer.flush()


def console(*, stderr: bool = True) -> Console:
    """Return a console for talk and progress (standard error), or for tables (standard output)."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else PIPE_WIDTH
    return Console(file=stream, width=width, highlight=False, soft_wrap=False, emoji=False)


@contextmanager
def progress_bar(first: str = "reading the data") -> Iterator[Progress | None]:
    """Show a progress bar on standard error where somebody watches; else nothing."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console(),
        transient=True,
    ) as bar:  # fmt: skip
        task = bar.add_task(first, total=None)

        def show(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield show


def print_table(
    headings: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    numbers: Sequence[str] = (),
    whole: Sequence[str] = (),
) -> None:
    """Print a plain table on standard output, 80 columns wide where it is no terminal.

    Identifiers are never broken: where they do not fit, the lines are longer.

    Parameters
    ----------
    headings
        Column headings.
    rows
        One sequence of cells per row; None is shown as a dash.
    numbers
        Headings of the columns to align right.
    whole
        Headings of further columns whose cells are never broken.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from lodeline.cli.widths import column_widths

    cells = [["–" if cell is None else str(cell) for cell in row] for row in rows]
    screen = console(stderr=False)
    around = _BETWEEN * max(len(headings) - 1, 0)
    widths = column_widths(headings, cells, whole={*numbers, *whole}, room=screen.width - around)
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, show_edge=False)
    for heading, width in zip(headings, widths, strict=True):
        is_right = heading in numbers
        drawn.add_column(
            heading, justify="right" if is_right else "left", width=width, overflow="fold"
        )
    for row in cells:
        drawn.add_row(*(Text(cell) for cell in row))
    screen.width = max(screen.width, sum(widths) + around)
    screen.print(drawn)
