"""A brief as blocks of headings, text, lists, tables and charts: Markdown, page, folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from lodeline import __version__
from lodeline.report.figures import LinePanel
from lodeline.report.page import environment, no_address, whole_files
from lodeline.report.workbook import without_nesting, write_workbook

__all__ = ["Block", "BriefNames", "blocks_html", "blocks_markdown", "write_brief"]


@dataclass(frozen=True)
class Block:
    """A heading with what stands below it.

    Attributes
    ----------
    heading, level
        Heading and its level; no heading where empty. The first block of a brief has level 1.
    text, items
        Paragraphs, then a list.
    columns, rows
        A table; none where there are no rows.
    numbers
        Columns that hold numbers: they stand at the right.
    charts
        Line charts; only the page shows them.
    """

    heading: str = ""
    level: int = 2
    text: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    numbers: tuple[str, ...] = ()
    charts: tuple[LinePanel, ...] = ()


def blocks_markdown(blocks: Iterable[Block]) -> str:
    """Return the brief as Markdown."""
    lines: list[str] = []
    for block in blocks:
        if block.heading:
            lines += [f"{'#' * block.level} {block.heading}", ""]
        for text in block.text:
            lines += [text, ""]
        if block.items:
            lines += [*(f"- {item}" for item in block.items), ""]
        if block.rows:
            marks = ["--:" if name in block.numbers else "---" for name in block.columns]
            lines += [_line(block.columns), _line(marks)]
            lines += [*(_line(row) for row in block.rows), ""]
    return "\n".join(lines)


def blocks_html(blocks: Iterable[Block], *, kind: str) -> str:
    """Return the brief as one HTML page that needs nothing from elsewhere.

    Parameters
    ----------
    blocks
        The first names the page: its heading, and its first paragraph as the lead.
    kind
        What it is, for the head of the page: ``worst case``.
    """
    first, *rest = blocks
    template = environment(web=no_address).get_template("blocks.html.j2")
    return template.render(first=first, rest=rest, kind=kind, version=__version__)


@dataclass(frozen=True)
class BriefNames:
    """Names of the files of a brief: page, Markdown and document."""

    page: str
    markdown: str
    document: str = "summary.json"


def write_brief(
    folder: Path,
    blocks: Iterable[Block],
    *,
    kind: str,
    names: BriefNames,
    document: Mapping[str, Any],
    tables: Mapping[str, pl.DataFrame],
) -> list[str]:
    """Write page, Markdown, document, and each table as CSV and as a sheet; return the names.

    The first sheet of the workbook holds the words of the brief.

    Raises
    ------
    MachineError
        If the disk refuses; then nothing is written.
    """
    parts = tuple(blocks)
    with whole_files(folder) as hidden:
        (hidden / names.page).write_text(blocks_html(parts, kind=kind), encoding="utf-8")
        (hidden / names.markdown).write_text(blocks_markdown(parts), encoding="utf-8")
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2)
        (hidden / names.document).write_text(text + "\n", encoding="utf-8")
        for name, table in tables.items():
            without_nesting(table).write_csv(hidden / f"{name}.csv")
        write_workbook(hidden / "tables.xlsx", {"about": _about(parts), **tables})
    listed = [names.page, names.markdown, "tables.xlsx", *(f"{name}.csv" for name in tables)]
    return [*listed, names.document]


def _about(blocks: Sequence[Block]) -> pl.DataFrame:
    """Return the words of a brief, a row each: what a workbook says before its tables."""
    rows = []
    for block in blocks:
        said = [*block.text, *block.items]
        rows += [(block.heading if i == 0 else "", text) for i, text in enumerate(said or [""])]
    return pl.DataFrame(rows, schema={"part": pl.String, "says": pl.String}, orient="row")


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
