"""One table as CSV, XLSX, Parquet and JSON, written all or none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from lodeline.report.page import whole_files
from lodeline.report.workbook import without_nesting, write_workbook

__all__ = ["write_tabular"]


def write_tabular(
    folder: Path, name: str, table: pl.DataFrame, document: Mapping[str, Any]
) -> list[Path]:
    """Write ``name.csv``, ``.xlsx``, ``.parquet`` and ``.json`` into a folder; return the paths.

    CSV and XLSX have nested columns as JSON text.

    Raises
    ------
    MachineError
        If the disk refuses.
    """
    names = [f"{name}.{kind}" for kind in ("csv", "xlsx", "parquet", "json")]
    with whole_files(folder) as hidden:
        without_nesting(table).write_csv(hidden / names[0])
        write_workbook(hidden / names[1], {name: table})
        table.write_parquet(hidden / names[2], compression="zstd")
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2)
        (hidden / names[3]).write_text(text + "\n", encoding="utf-8")
    return [folder / file for file in names]
