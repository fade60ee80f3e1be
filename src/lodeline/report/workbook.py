"""Tables as a workbook (XLSX): a sheet each, headings that stay, nested values as JSON text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

__all__ = ["number_format", "without_nesting", "write_workbook"]

_GENERAL = "General"
_SHARES = ("at_low", "at_high", "central")
"""Shares whose names do not say so."""
_NARROWEST, _WIDEST = 10, 60
_SAMPLED = 200
"""Rows that are looked at for the width of a column."""


def write_workbook(path: Path, sheets: Mapping[str, pl.DataFrame]) -> None:
    """Write one sheet a table, in the order given; numbers stay numbers, absent cells are empty.

    Numbers are shown as their column's name and type say (`number_format`); all digits are kept.

    Parameters
    ----------
    path
        File ending in ``.xlsx``; replaced if it is there.
    sheets
        Table by name of the sheet (at most 31 letters, Excel's limit).
    """
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    for name, nested in sheets.items():
        table = without_nesting(nested)
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        for place, width in enumerate(_widths(table), start=1):
            sheet.column_dimensions[get_column_letter(place)].width = width
        headings = [WriteOnlyCell(sheet, value=column) for column in table.columns]
        for cell in headings:
            cell.font = Font(bold=True)
        sheet.append(headings)
        formats = [number_format(column, kind) for column, kind in table.schema.items()]
        for row in table.iter_rows():
            sheet.append(_row(sheet, row, formats))
    book.save(path)


def without_nesting(table: pl.DataFrame) -> pl.DataFrame:
    """Return the table with lists and structures as JSON text."""
    nested = [name for name, kind in table.schema.items() if kind.is_nested()]
    return table.with_columns(
        pl.Series(name, [json.dumps(value, ensure_ascii=False) for value in table[name].to_list()])
        for name in nested
    )


def number_format(column: str, kind: pl.DataType) -> str:
    """Return how a spreadsheet shows the numbers of a column; no digit is lost by it.

    Examples
    --------
    >>> number_format("unmet_share_peak", pl.Float64()), number_format("cost_usd", pl.Float64())
    ('0.0%', '#,##0')
    """
    if not kind.is_float():
        return _GENERAL
    words = set(column.split("_"))
    if "share" in words or column in _SHARES:
        return "0.0%"
    if "usd" in words:
        return "#,##0.00" if words & {"t", "tonne"} else "#,##0"
    if words & {"t", "tonnes"}:
        return "#,##0.00"
    if words & {"multiple", "months", "days", "hhi"}:
        return "0.00"
    return _GENERAL


def _row(
    sheet: WriteOnlyWorksheet, values: Iterable[object], formats: Iterable[str]
) -> Iterator[object]:
    """Give the values of a row; text that looks like a formula stays text."""
    from openpyxl.cell import WriteOnlyCell

    for value, shown in zip(values, formats, strict=True):
        if isinstance(value, str) and value.startswith("="):
            cell = WriteOnlyCell(sheet, value=value)
            cell.data_type = "s"
            yield cell
        elif shown != _GENERAL and isinstance(value, float):
            cell = WriteOnlyCell(sheet, value=value)
            cell.number_format = shown
            yield cell
        else:
            yield value


def _widths(table: pl.DataFrame) -> Iterator[int]:
    for column in table.columns:
        seen = [len(str(value)) for value in table[column].head(_SAMPLED) if isinstance(value, str)]
        yield min(max(len(column), *seen, _NARROWEST) + 2, _WIDEST)
