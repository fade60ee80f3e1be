"""All six dimensions of the Worldwide Governance Indicators, from the user's own file.

The bundle has one (political stability). Two shapes are read, as CSV, as XLSX, or as the largest
such file in a ZIP: the long one of the publisher's data set (``code, year, indicator, estimate``,
with the indicators ``va, pv, ge, rq, rl, cc``) and the wide one of the World Bank's data bank
(``Country Code, Indicator Code, 1996, ...``, codes such as ``CC.EST``).
"""

from __future__ import annotations

import csv
import io
import re
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from lodeline.data.own import store, user_data_folder
from lodeline.errors import DataError, InputError, Problem, SpecError

__all__ = ["DIMENSIONS", "NAME", "governance_dimensions", "import_governance"]

NAME = "governance_dimensions"
DIMENSIONS = ("va", "pv", "ge", "rq", "rl", "cc")
"""Voice and accountability, political stability, government effectiveness, regulatory quality, rule
of law, control of corruption."""
ABSENT = ("", "..", "#n/a", "na", "n/a")
_LONG = ("code", "year", "indicator", "estimate")
_WIDE = ("country code", "indicator code")
_SCHEMA = {"country": pl.String, "year": pl.Int16, "dimension": pl.String, "estimate": pl.Float64}
_OLD_CODES = {"ADO": "AND", "ROM": "ROU", "ZAR": "COD", "TMP": "TLS", "WBG": "PSE", "KSV": "XKX"}
_REMEDY = (
    "Give the World Bank's file with the columns code, year, indicator, estimate, or with Country "
    "Code, Indicator Code and one column a year."
)

Row = Sequence[Any]


def governance_dimensions() -> pl.DataFrame | None:
    """Return the imported indicators, or None if the user has imported none.

    Returns
    -------
    polars.DataFrame or None
        ``country, year, dimension, estimate`` (about -2.5 weak to 2.5 strong).

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


def import_governance(path: Path | str) -> dict[str, Any]:
    """Read the six dimensions from the user's own file into the user's folder.

    Returns
    -------
    dict
        Provenance: ``name, imported_from, rows, years, countries, sha256, folder, ...``.

    Raises
    ------
    InputError
        If the file is absent or has no such table; all wrong cells are listed at once.
    MachineError
        If the user's folder cannot be written.
    """
    source = Path(path)
    if not source.is_file():
        raise InputError(f"{source}: there is no such file. {_REMEDY}")
    table = _table(source)
    present = set(table["dimension"])
    if missing := [d for d in DIMENSIONS if d not in present]:
        raise InputError(f"{source}: no estimate for {', '.join(missing)}. {_REMEDY}")
    return store(source, NAME, table, _provenance(table))


def _provenance(table: pl.DataFrame) -> dict[str, Any]:
    return {
        "title": "Governance, six dimensions",
        "publisher": "World Bank",
        "source": "Worldwide Governance Indicators",
        "edition": "the user's own copy",
        "attribution": "World Bank, Worldwide Governance Indicators, CC BY 4.0",
        "unit": "standard normal units, about -2.5 (weak) to 2.5 (strong)",
        "licence": "CC BY 4.0",
        "url": "https://www.worldbank.org/en/publication/worldwide-governance-indicators",
        "years": [table["year"].min(), table["year"].max()],
        "countries": table["country"].n_unique(),
        "steps": ["to one row per country, year and dimension", "older country codes to ISO3"],
    }


def _table(source: Path) -> pl.DataFrame:
    rows = _rows(source)
    for number, row in rows:
        names = [_text(cell) for cell in row]
        if set(_LONG) <= set(names):
            return _checked(source, _long(names, rows))
        if set(_WIDE) <= set(names):
            return _checked(source, _wide(names, rows))
        if number > 20:
            break
    raise InputError(f"{source}: no line of the first 20 holds the column names. {_REMEDY}")


def _checked(source: Path, cells: Iterator[tuple[str, str, Any, str, Any]]) -> pl.DataFrame:
    """Return the cells as a table; wrong ones are gathered and reported together."""
    rows, problems = [], []
    for place, country, year, dimension, value in cells:
        text = _text(value)
        if dimension not in DIMENSIONS or text in ABSENT or value is None:
            continue
        try:
            estimate, whole = float(text), int(float(_text(year)))
        except ValueError:
            problems.append(Problem(place, f"'{year}' or '{value}' is no number", "Mend the cell."))
            continue
        if not -6.0 < estimate < 6.0:
            what = f"{estimate} lies outside -6 to 6"
            problems.append(Problem(place, what, "Give the estimate, not the percentile rank."))
        rows.append((_OLD_CODES.get(country, country), whole, dimension, estimate))
    if problems:
        raise SpecError(str(source), problems)
    table = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    if table.select("country", "year", "dimension").is_duplicated().any():
        raise InputError(f"{source}: a country, year and dimension stands there twice. {_REMEDY}")
    return table.sort("country", "year", "dimension")


def _long(
    names: list[str], rows: Iterator[tuple[int, Row]]
) -> Iterator[tuple[str, str, Any, str, Any]]:
    code, year, indicator, estimate = (names.index(name) for name in _LONG)
    for number, row in rows:
        if len(row) > max(code, year, indicator, estimate):
            country = str(row[code]).strip().upper()
            place = f"row {number}, column estimate"
            yield place, country, row[year], _text(row[indicator]), row[estimate]


def _wide(
    names: list[str], rows: Iterator[tuple[int, Row]]
) -> Iterator[tuple[str, str, Any, str, Any]]:
    code, indicator = (names.index(name) for name in _WIDE)
    years = [(i, m[0]) for i, n in enumerate(names) if (m := re.match(r"\d{4}", n))]
    for number, row in rows:
        found = re.search(r"(?:^|_)([a-z]{2})\.est$", _text(row[indicator])) if row else None
        if found is None:
            continue
        for index, year in years:
            if index < len(row):
                country = str(row[code]).strip().upper()
                yield f"row {number}, column {year}", country, year, found[1], row[index]


def _text(cell: object) -> str:
    return str(cell if cell is not None else "").strip().lower()


def _rows(source: Path) -> Iterator[tuple[int, Row]]:
    """Return the lines of the table with their numbers, from 1."""
    try:
        if source.suffix.lower() == ".zip":
            yield from _zipped(source)
        elif source.suffix.lower() == ".xlsx":
            yield from _sheet(source)
        else:
            text = source.read_text(encoding="utf-8-sig")
            yield from enumerate(csv.reader(io.StringIO(text, newline="")), start=1)
    except (UnicodeDecodeError, csv.Error, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise InputError(f"{source}: cannot be read ({error}). {_REMEDY}") from None


def _sheet(source: Path) -> Iterator[tuple[int, Row]]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(source, read_only=True, data_only=True)
    except InvalidFileException as error:
        raise InputError(f"{source}: cannot be read ({error}). {_REMEDY}") from None
    try:
        yield from enumerate(book.worksheets[0].iter_rows(values_only=True), start=1)
    finally:
        book.close()


def _zipped(source: Path) -> Iterator[tuple[int, Row]]:
    with zipfile.ZipFile(source) as archive, tempfile.TemporaryDirectory() as work:
        tables = [n for n in archive.namelist() if n.lower().endswith((".csv", ".xlsx"))]
        largest = max(tables, key=lambda n: archive.getinfo(n).file_size, default=None)
        if largest is None:
            raise InputError(f"{source}: holds no table. {_REMEDY}")
        inner = Path(work) / f"table{Path(largest).suffix}"
        inner.write_bytes(archive.read(largest))
        yield from _rows(inner)
