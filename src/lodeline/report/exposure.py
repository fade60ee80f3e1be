"""The files of a measure of exposure: page, pictures and tables, written all or none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from lodeline.report.exposure_figures import figures_of
from lodeline.report.exposure_page import render_exposure
from lodeline.report.page import whole_files
from lodeline.report.png import png
from lodeline.report.workbook import write_workbook
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
    with whole_files(folder) as hidden:
        _write_tables(result, hidden)
        _write_pictures(result, hidden, pictures, world, command)
        names = sorted(file.name for file in hidden.iterdir())
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
    about = [
        ("measure", result.method, result.title, ""),
        ("dataset", str(result.dataset.get("edition")), str(result.dataset.get("sha256")), ""),
        *(
            (name, *(str(source.get(key) or "") for key in ("publisher", "edition", "licence")))
            for name, source in result.sources.items()
        ),
        *(("note", note, "", "") for note in result.notes),
    ]
    columns = ["what", "name or publisher", "title, edition or checksum", "licence"]
    write_workbook(
        path,
        {
            "exposure": result.flat(),
            "sources": pl.DataFrame(about, schema=dict.fromkeys(columns, pl.String), orient="row"),
        },
    )
