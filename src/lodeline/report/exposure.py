"""The files of a measure of exposure: page, pictures and tables, written all or none."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lodeline.errors import MachineError
from lodeline.report.exposure_figures import figures_of
from lodeline.report.exposure_page import render_exposure
from lodeline.report.png import png
from lodeline.report.worldmap import outlines
from lodeline.results.exposure import ExposureResult
from lodeline.results.pictures import Pictures

__all__ = ["FILES", "write_exposure"]

FILES = ("report.html", "exposure.csv", "exposure.parquet", "exposure.xlsx", "exposure.json")


def write_exposure(
    result: ExposureResult,
    folder: Path,
    *,
    pictures: Pictures,
    world: Mapping[str, Any],
    command: str,
) -> list[Path]:
    """Write `FILES` and each picture as SVG and PNG; return the paths.

    CSV and XLSX hold `inputs` as text; Parquet and JSON hold them as they are.

    Parameters
    ----------
    result
        Rows of one measure.
    folder
        Existing folder.
    pictures
        Tables of the pictures that suit the result.
    world
        GeoJSON for maps.
    command
        What repeats the run; the page shows it.

    Raises
    ------
    MachineError
        If the disk refuses, or there is no font for PNG.
    """
    try:
        hidden = Path(tempfile.mkdtemp(dir=folder, prefix=".lodeline-"))
        try:
            _write_tables(result, hidden)
            _write_pictures(result, hidden, pictures, world, command)
            names = sorted(p.name for p in hidden.iterdir())
            for name in names:
                (hidden / name).replace(folder / name)
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
    except OSError as error:
        raise MachineError(
            f"cannot write the results to '{folder}': {error.strerror}. "
            "Free some space or choose another folder with --out."
        ) from error
    return [folder / name for name in names]


def _write_pictures(
    result: ExposureResult, folder: Path, pictures: Pictures, world: Mapping[str, Any], command: str
) -> None:
    shapes = outlines(world)
    figures = figures_of(pictures, shapes)
    for figure in figures:
        (folder / f"{figure.id}.svg").write_text(figure.file, encoding="utf-8")
        (folder / f"{figure.id}.png").write_bytes(png(figure.file))
    page = render_exposure(result, pictures, figures, outlines=shapes, command=command)
    (folder / "report.html").write_text(page, encoding="utf-8")


def _write_tables(result: ExposureResult, folder: Path) -> None:
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
