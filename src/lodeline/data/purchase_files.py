"""Sheets of cells from CSV and XLSX files, whoever wrote them, with the place of every cell."""

from __future__ import annotations

import csv
import hashlib
import io
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import cast
from xml.etree.ElementTree import ParseError

from lodeline.errors import InputError, Problem

__all__ = ["Cell", "Sheet", "read_sheet"]

Cell = str | int | float | bool | date | datetime | time | None
"""What a cell holds; None where it is empty."""

MAX_BYTES = 50_000_000
MAX_UNPACKED = 1_000_000_000
MAX_ROWS = 200_000
SHEET = "purchases"
"""Sheet of a workbook that is read; without one of that name, the first."""
_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True)
class Sheet:
    """A table as it stands in a file.

    Attributes
    ----------
    headings
        First row, lower case; empty where a column has none.
    rows
        Number (the heading is row 1) and cells of each row that is not empty.
    problems
        Rows that do not fit the headings.
    decimal
        Sign before the fraction in texts.
    is_workbook
        Whether columns have letters.
    sha256
        Of the file.
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[int, tuple[Cell, ...]], ...]
    problems: tuple[Problem, ...]
    decimal: str
    is_workbook: bool
    sha256: str

    def place(self, row: int, column: str) -> str:
        """Return where a cell is, as the program that shows the file names it."""
        if not self.is_workbook or column not in self.headings:
            return f"row {row}, column '{column}'"
        from openpyxl.utils import get_column_letter

        letter = get_column_letter(self.headings.index(column) + 1)
        return f"cell {letter}{row}, column '{column}'"


def read_sheet(path: Path) -> Sheet:
    """Read a CSV or XLSX file.

    Raises
    ------
    InputError
        If the file cannot be read, is too large, or is no such file.
    """
    raw = _bytes(path)
    digest = hashlib.sha256(raw).hexdigest()
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return _sheet(_csv_rows(raw, path), digest, decimal=_decimal(raw), is_workbook=False)
    if suffix == ".xlsx":
        return _sheet(_xlsx_rows(raw, path), digest, decimal=".", is_workbook=True)
    raise InputError(
        f"'{path}': files of purchases end in .csv or .xlsx, this one in '{suffix}'. Save it as "
        "one of them; 'lodeline purchases template --out FILE' writes both."
    )


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(
                f"'{path}' has more than {MAX_BYTES:,} bytes, which no list of purchases needs. "
                "Is it another file?"
            )
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"cannot read '{path}': {reason}. Check the path.") from error


def _sheet(
    rows: Iterator[Sequence[Cell]], digest: str, *, decimal: str, is_workbook: bool
) -> Sheet:
    headings = tuple(_heading(cell) for cell in next(rows, ()))
    while headings and not headings[-1]:
        headings = headings[:-1]
    kept: list[tuple[int, tuple[Cell, ...]]] = []
    problems = []
    for number, cells in enumerate(rows, start=2):
        filled = tuple(None if cell == "" else cell for cell in cells)
        if all(c is None or (isinstance(c, str) and not c.strip()) for c in filled):
            continue
        beyond = [c for c in filled[len(headings) :] if c is not None]
        nameless = [c for c, h in zip(filled, headings, strict=False) if c is not None and not h]
        if beyond or nameless:
            value = str((beyond or nameless)[0])[:40]
            what = f"'{value}' stands in a column without a heading"
            remedy = "Give the column a heading or empty the cell; in CSV, quote texts with commas."
            problems.append(Problem(f"row {number}", what, remedy))
        kept.append((number, filled[: len(headings)]))
        if len(kept) > MAX_ROWS:
            raise InputError(f"more than {MAX_ROWS:,} rows. Add up purchases by country and year.")
    return Sheet(headings, tuple(kept), tuple(problems), decimal, is_workbook, digest)


def _heading(cell: Cell) -> str:
    return "" if cell is None else str(cell).strip().lower().replace(" ", "_")[:60]


def _text(raw: bytes, path: Path) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = raw[: error.start].count(b"\n") + 1
        raise InputError(
            f"'{path}', row {row}: byte {raw[error.start]:#04x} is not UTF-8 text. Save the file "
            "as 'CSV UTF-8', or as .xlsx."
        ) from error
    if "\0" in text:
        raise InputError(f"'{path}' holds zero bytes: it is no CSV file. Save it again as CSV.")
    return text


def _delimiter(text: str) -> str:
    """Return the sign that the first line has most of."""
    first = text.split("\n", 1)[0]
    return max(_DELIMITERS, key=first.count)


def _decimal(raw: bytes) -> str:
    """Return the decimal sign: files with semicolons come from programs that write 1,5."""
    return "," if _delimiter(raw[:10_000].decode("utf-8-sig", errors="replace")) == ";" else "."


def _csv_rows(raw: bytes, path: Path) -> Iterator[Sequence[Cell]]:
    text = _text(raw, path)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise InputError(
            f"'{path}', line {reader.line_num}: {error}. Look for an open quotation mark there."
        ) from error


def _xlsx_rows(raw: bytes, path: Path) -> Iterator[Sequence[Cell]]:
    import openpyxl

    damaged = (
        zipfile.BadZipFile, zlib.error, KeyError, ValueError, TypeError, AttributeError, IndexError,
        EOFError, NotImplementedError, RuntimeError, OSError, ParseError,
    )  # fmt: skip
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as parts:
            unpacked = sum(part.file_size for part in parts.infolist())
        if unpacked > MAX_UNPACKED:
            raise InputError(f"'{path}' unpacks to {unpacked:,} bytes. Is it another file?")
        with warnings.catch_warnings():
            # What it warns of (styles, validation, printing) does not touch values.
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
            try:
                names = [n for n in book.sheetnames if n.strip().lower() == SHEET]
                sheet = book[names[0]] if names else book.worksheets[0]
                rows = cast(list[Sequence[Cell]], list(sheet.iter_rows(values_only=True)))
            finally:
                book.close()
    except damaged as error:
        raise InputError(
            f"'{path}' is no whole XLSX file ({type(error).__name__}). Open it in a spreadsheet "
            "program and save it again, or save it as CSV UTF-8."
        ) from error
    yield from rows
