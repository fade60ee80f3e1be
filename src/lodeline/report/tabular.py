"""One table as CSV, Parquet and JSON, written all or none."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from lodeline.errors import MachineError

__all__ = ["write_tabular"]


def write_tabular(
    folder: Path, name: str, table: pl.DataFrame, document: Mapping[str, Any]
) -> list[Path]:
    """Write ``name.csv``, ``name.parquet`` and ``name.json`` into an existing folder.

    CSV has nested columns as JSON text.

    Raises
    ------
    MachineError
        If the disk refuses.
    """
    names = [f"{name}.{kind}" for kind in ("csv", "parquet", "json")]
    try:
        hidden = Path(tempfile.mkdtemp(dir=folder, prefix=".lodeline-"))
        try:
            _flat(table).write_csv(hidden / names[0])
            table.write_parquet(hidden / names[1], compression="zstd")
            text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2)
            (hidden / names[2]).write_text(text + "\n", encoding="utf-8")
            for file in names:
                (hidden / file).replace(folder / file)
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
    except OSError as error:
        raise MachineError(
            f"cannot write the results to '{folder}': {error.strerror}. "
            "Free some space or choose another folder with --out."
        ) from error
    return [folder / file for file in names]


def _flat(table: pl.DataFrame) -> pl.DataFrame:
    """Return the table with lists and structures as JSON text."""
    nested = [name for name, kind in table.schema.items() if kind.is_nested()]
    return table.with_columns(
        pl.Series(name, [json.dumps(value, ensure_ascii=False) for value in table[name].to_list()])
        for name in nested
    )
