"""The template for purchases: headings, two example rows, and what each column means."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from lodeline.data.purchase_files import SHEET
from lodeline.data.purchases import COLUMNS
from lodeline.errors import InputError, MachineError

__all__ = ["write_template"]

_SECOND = {
    "supplier": "Another Supplier SpA",
    "supplier_country": "CHN",
    "origin_country": "CHN",
    "quantity": 3000,
    "unit": "kg",
    "value_usd": 201000,
    "recycled_share": 0.1,
}
"""The second example row, where it differs from the first."""


def write_template(path: Path) -> None:
    """Write the template as ``.csv`` or ``.xlsx``.

    Raises
    ------
    InputError
        If the file exists, or ends in something else.
    MachineError
        If it cannot be written.
    """
    if path.suffix.lower() not in (".csv", ".xlsx"):
        raise InputError(f"'{path}' must end in .csv or .xlsx. Choose another name with --out.")
    if path.exists():
        raise InputError(f"'{path}' exists. Choose another name, so that nothing is overwritten.")
    try:
        if path.suffix.lower() == ".csv":
            _write_csv(path)
        else:
            _write_xlsx(path)
    except OSError as error:
        raise MachineError(f"cannot write '{path}': {error.strerror}. Choose another place.") from (
            error
        )


def _rows() -> list[list[Any]]:
    first = [c.example for c in COLUMNS]
    return [first, [_SECOND.get(c.name, c.example) for c in COLUMNS]]


def _write_csv(path: Path) -> None:
    # The mark at the start tells spreadsheet programs that it is UTF-8.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([c.name for c in COLUMNS])
        writer.writerows([["" if v is None else v for v in row] for row in _rows()])


def _write_xlsx(path: Path) -> None:
    import openpyxl
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = SHEET
    sheet.append([c.name for c in COLUMNS])
    for row in _rows():
        sheet.append(row)
    for k, column in enumerate(COLUMNS, start=1):
        sheet.cell(1, k).font = Font(bold=column.is_required)
        sheet.column_dimensions[get_column_letter(k)].width = max(len(column.name) + 2, 12)
    sheet.freeze_panes = "A2"
    told = book.create_sheet("columns")
    told.append(["column", "needed", "meaning"])
    for column in COLUMNS:
        told.append([column.name, "yes" if column.is_required else "no", column.meaning])
    told.column_dimensions["C"].width = 80
    book.save(path)
