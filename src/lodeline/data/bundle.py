"""The bundled tables: where they lie, what the manifest says, whether the bytes are intact."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from lodeline.data.own import imported_provenance
from lodeline.errors import DataError

__all__ = [
    "Finding",
    "bundle_folder",
    "dataset_identity",
    "info",
    "manifest",
    "read_bytes",
    "read_table",
    "scan_table",
    "verify",
]

MANIFEST = "manifest.json"
_REMEDY = "Reinstall lodeline, or rebuild the dataset with tools/build_dataset.py."


@dataclass(frozen=True)
class Finding:
    """A bundled file that is not what the manifest says.

    Parameters
    ----------
    file
        File name inside the dataset's folder.
    what
        What is wrong.
    expected, actual
        SHA-256 of the manifest and of the file; `actual` is ``None`` where the file is absent.
    """

    file: str
    what: str
    expected: str | None
    actual: str | None

    def __str__(self) -> str:
        """Return the finding as one line."""
        return f"{self.file}: {self.what} (expected {self.expected}, found {self.actual})"


def bundle_folder() -> Path:
    """Return the folder of the bundled tables."""
    return Path(__file__).parent / "bundled"


def _parse_manifest(folder: Path) -> tuple[dict[str, Any], str]:
    path = folder / MANIFEST
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path}: cannot read the dataset's manifest ({error}). {_REMEDY}"
        ) from None
    try:
        document = json.loads(raw)
        names = [table["name"] for table in document["tables"]]
        document["edition"]
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{path}: the dataset's manifest is damaged. {_REMEDY}") from None
    if len(set(names)) != len(names):
        raise DataError(f"{path}: a table is listed twice. {_REMEDY}")
    return document, hashlib.sha256(raw).hexdigest()


@cache
def _cached_manifest(folder: Path) -> tuple[dict[str, Any], str]:
    return _parse_manifest(folder)


def manifest() -> Mapping[str, Any]:
    """Return the dataset's manifest.

    Raises
    ------
    DataError
        If it is absent or damaged.
    """
    return _cached_manifest(bundle_folder())[0]


def dataset_identity() -> dict[str, str]:
    """Return ``edition`` and ``sha256`` (of the manifest, which holds those of all tables).

    Imported data of the user's own are part of the identity: other data, other results.
    """
    document, digest = _cached_manifest(bundle_folder())
    own = imported_provenance()
    if not own:
        return {"edition": str(document["edition"]), "sha256": digest}
    all_of_them = " ".join([digest, *(table["sha256"] for table in own)])
    names = " and ".join(table["name"] for table in own)
    both = hashlib.sha256(all_of_them.encode()).hexdigest()
    return {"edition": f"{document['edition']} with {names}", "sha256": both}


def info() -> dict[str, Any]:
    """Return edition, checksum and the tables with source, licence, rows and steps."""
    return {**dataset_identity(), "tables": [*manifest()["tables"], *imported_provenance()]}


def verify() -> list[Finding]:
    """Compare every bundled file with the manifest; an empty list means all is intact."""
    folder = bundle_folder()
    document, _ = _parse_manifest(folder)
    findings = []
    for table in document["tables"]:
        expected = str(table["sha256"])
        try:
            actual = hashlib.sha256((folder / table["file"]).read_bytes()).hexdigest()
        except OSError:
            findings.append(Finding(table["file"], "the file is absent", expected, None))
            continue
        if actual != expected:
            findings.append(Finding(table["file"], "the bytes have changed", expected, actual))
    return findings


def _path_of(name: str) -> Path:
    for table in manifest()["tables"]:
        if table["name"] == name:
            return bundle_folder() / str(table["file"])
    raise DataError(f"the dataset has no table '{name}'. {_REMEDY}")


def _damaged(path: Path, error: Exception) -> DataError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return DataError(f"{path}: cannot read the table ({reason}). {_REMEDY}")


def read_bytes(name: str) -> bytes:
    """Return the content of a bundled file that is no table.

    Raises
    ------
    DataError
        If it is absent.
    """
    path = _path_of(name)
    try:
        return path.read_bytes()
    except OSError as error:
        raise _damaged(path, error) from None


def scan_table(name: str, predicate: pl.Expr) -> pl.DataFrame:
    """Return the rows of a bundled table that satisfy `predicate`.

    Raises
    ------
    DataError
        If the file is absent or damaged.
    """
    path = _path_of(name)
    try:
        return pl.scan_parquet(path).filter(predicate).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _damaged(path, error) from None


@cache
def _read(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _damaged(path, error) from None


def read_table(name: str) -> pl.DataFrame:
    """Return a bundled table.

    Raises
    ------
    DataError
        If the file is absent or damaged.
    """
    return _read(_path_of(name))
