"""The files of a measure of exposure: tables for people and programs, written all or none."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from lodeline.errors import MachineError
from lodeline.results.exposure import ExposureResult

__all__ = ["FILES", "write_exposure"]

FILES = ("exposure.csv", "exposure.parquet", "exposure.xlsx", "exposure.json")


def write_exposure(result: ExposureResult, folder: Path) -> list[Path]:
    """Write the rows as CSV, Parquet, XLSX and JSON; return the paths.

    CSV and XLSX hold `inputs` as text; Parquet and JSON hold them as they are.

    Raises
    ------
    MachineError
        If the disk refuses.
    """
    try:
        hidden = Path(tempfile.mkdtemp(dir=folder, prefix=".lodeline-"))
        try:
            _write_all(result, hidden)
            for name in FILES:
                (hidden / name).replace(folder / name)
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
    except OSError as error:
        raise MachineError(
            f"cannot write the results to '{folder}': {error.strerror}. "
            "Free some space or choose another folder with --out."
        ) from error
    return [folder / name for name in FILES]


def _write_all(result: ExposureResult, folder: Path) -> None:
    flat = result.flat()
    flat.write_csv(folder / "exposure.csv")
    result.rows.write_parquet(folder / "exposure.parquet", compression="zstd")
    text = json.dumps(result.document(), ensure_ascii=False, allow_nan=False, indent=1)
    (folder / "exposure.json").write_text(text + "\n", encoding="utf-8")
    _write_book(result, folder / "exposure.xlsx")


def _write_book(result: ExposureResult, path: Path) -> None:
    """Write the rows and, on a second sheet, the sources and notes."""
    from openpyxl import Workbook

    flat = result.flat()
    book = Workbook(write_only=True)
    sheet = book.create_sheet("exposure")
    sheet.freeze_panes = "A2"
    sheet.append(flat.columns)
    for row in flat.iter_rows():
        sheet.append(row)
    about = book.create_sheet("sources")
    about.append(["measure", result.method, result.title])
    about.append(["dataset", result.dataset.get("edition"), result.dataset.get("sha256")])
    for name, source in result.sources.items():
        about.append([name, source.get("publisher"), source.get("edition"), source.get("licence")])
    for note in result.notes:
        about.append(["note", note])
    book.save(path)
