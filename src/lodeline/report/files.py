"""The files of a result, written all or none."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from lodeline.errors import MachineError
from lodeline.report.html import render_stress
from lodeline.report.page import whole_files
from lodeline.report.stress_book import write_stress_book
from lodeline.results.document import stress_document
from lodeline.results.stress import StressResult

__all__ = ["check_folder", "write_stress"]

ManifestOf = Callable[[Mapping[str, str]], Mapping[str, Any]]


def check_folder(folder: Path) -> None:
    """Make the folder and try to write there, before hours of work.

    Raises
    ------
    MachineError
        If it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".lodeline-"):
            pass
    except OSError as error:
        raise MachineError(
            f"cannot write to the folder '{folder}': {error.strerror}. "
            "Choose another with --out, or change its permissions."
        ) from error


def write_stress(
    result: StressResult, folder: Path, *, world: Mapping[str, Any], manifest_of: ManifestOf
) -> list[Path]:
    """Write report, flows, tables, summary and manifest; return their paths.

    Parameters
    ----------
    result
        The stress test.
    folder
        Existing folder.
    world
        GeoJSON for the map.
    manifest_of
        Makes the manifest from the checksums of the other files.

    Raises
    ------
    MachineError
        If the disk refuses.
    """
    with whole_files(folder) as hidden:
        _write_all(result, hidden, world, manifest_of)
        names = sorted(file.name for file in hidden.iterdir())
    return [folder / name for name in names]


def _write_all(
    result: StressResult, folder: Path, world: Mapping[str, Any], manifest_of: ManifestOf
) -> None:
    (folder / "report.html").write_text(render_stress(result, world=world), encoding="utf-8")
    flows(result).write_parquet(folder / "flows.parquet", compression="zstd")
    losses(result).write_csv(folder / "losses.csv")
    write_stress_book(result, folder / "tables.xlsx")
    _write_json(folder / "summary.json", stress_document(result))
    sums = {p.name: _sha256(p) for p in sorted(folder.iterdir()) if p.name in _REPEATABLE}
    _write_json(folder / "manifest.json", manifest_of(sums))


_REPEATABLE = ("flows.parquet", "losses.csv")
"""Files without the wall time in them: a repeated run gives the same bytes."""


def flows(result: StressResult) -> pl.DataFrame:
    """Return the flows of all chains, one row per chain, month and activity."""
    return pl.concat(
        [c.flows.select(pl.lit(n).alias("chain"), pl.all()) for n, c in result.chains.items()]
    )


def losses(result: StressResult) -> pl.DataFrame:
    """Return use, price and stocks of all chains by month, country and form."""
    return pl.concat(
        [c.series.select(pl.lit(n).alias("chain"), pl.all()) for n, c in result.chains.items()]
    )


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2)
    path.write_text(text + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
