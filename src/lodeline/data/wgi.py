"""All six dimensions of the Worldwide Governance Indicators, from the user's own file.

The bundle has one (political stability). The publisher has changed the shape of its data set over
the editions; all are read, as CSV, as XLSX, or as the largest such file in a ZIP:

* a sheet a dimension (``va, pv, ge, rq, rl, cc``), with the columns ``Economy (code), Year,
  Governance estimate (approx. -2.5 to +2.5)``: from the edition of 2025 on;
* one long table, ``code, year, indicator, estimate``: editions of 2023 and 2024;
* a sheet a dimension (``VoiceandAccountability`` ...), countries in rows, and above ``Estimate``
  the year: editions to 2022;
* the wide table of the World Bank's data bank, ``Country Code, Indicator Code, 1996, ...``, with
  codes such as ``CC.EST``.
"""

from __future__ import annotations

import csv
import io
import re
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from types import MappingProxyType
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
_SHEETS = MappingProxyType(
    {
        "voiceandaccountability": "va", "politicalstabilitynoviolence": "pv",
        "governmenteffectiveness": "ge", "regulatoryquality": "rq", "ruleoflaw": "rl",
        "controlofcorruption": "cc",
    }
)  # fmt: skip
"""Dimension by the letters of a sheet's name; since 2025 the name is the dimension itself."""
_ECONOMY = ("economy (code)", "year")
_ESTIMATE = "governance estimate"
_TERRITORY = ("country/territory", "code", "estimate")
_LONG = ("code", "year", "indicator", "estimate")
_WIDE = ("country code", "indicator code")
_SCHEMA = {"country": pl.String, "year": pl.Int16, "dimension": pl.String, "estimate": pl.Float64}
_OLD_CODES = {"ADO": "AND", "ROM": "ROU", "ZAR": "COD", "TMP": "TLS", "WBG": "PSE", "KSV": "XKX"}
_REMEDY = (
    "Give the World Bank's data set (wgidataset.xlsx, any edition, as it was downloaded), or a "
    "table with the columns code, year, indicator, estimate."
)

Row = Sequence[Any]
Cell = tuple[str, str, Any, str, Any]
"""Place in the file, country, year, dimension, estimate."""


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
    found = [cells for sheet, rows in _sheets(source) for cells in _of_sheet(sheet, rows)]
    if not found:
        raise InputError(
            f"{source}: no line of the first {_DEEPEST} holds the column names. {_REMEDY}"
        )
    return _checked(source, chain.from_iterable(found))


_DEEPEST = 20
"""So many lines of a sheet are searched for the column names."""


def _of_sheet(sheet: str, rows: Iterator[tuple[int, Row]]) -> Iterator[list[Cell]]:
    """Yield the cells of a sheet, if it is a table of estimates."""
    above: Row = ()
    for number, row in rows:
        names = [_text(cell) for cell in row]
        dimension = _dimension(sheet)
        if set(_LONG) <= set(names):
            yield list(_long(names, rows))
        elif set(_WIDE) <= set(names):
            yield list(_wide(names, rows))
        elif dimension and set(_ECONOMY) <= set(names):
            yield list(_by_economy(sheet, dimension, names, rows))
        elif dimension and set(_TERRITORY) <= set(names):
            yield list(_by_territory(sheet, dimension, above, names, rows))
        elif number <= _DEEPEST:
            above = row
            continue
        return


def _dimension(sheet: str) -> str | None:
    """Return the dimension that a sheet is about by its name."""
    letters = "".join(filter(str.isalpha, sheet.lower()))
    return letters if letters in DIMENSIONS else _SHEETS.get(letters)


def _by_economy(
    sheet: str, dimension: str, names: list[str], rows: Iterator[tuple[int, Row]]
) -> Iterator[Cell]:
    code, year = (names.index(name) for name in _ECONOMY)
    estimate = next((i for i, name in enumerate(names) if name.startswith(_ESTIMATE)), None)
    if estimate is None:
        return
    for number, row in rows:
        if len(row) > max(code, year, estimate):
            place = f"sheet {sheet}, row {number}, column {names[estimate]}"
            yield place, str(row[code]).strip().upper(), row[year], dimension, row[estimate]


def _by_territory(
    sheet: str, dimension: str, above: Row, names: list[str], rows: Iterator[tuple[int, Row]]
) -> Iterator[Cell]:
    """Yield the estimates; the year stands above each, in the line before the column names."""
    code = names.index("code")
    estimates = [i for i, name in enumerate(names) if name == "estimate" and i < len(above)]
    for number, row in rows:
        for index in estimates:
            if index < len(row):
                year = _text(above[index])
                place = f"sheet {sheet}, row {number}, estimate of {year}"
                yield place, str(row[code]).strip().upper(), year, dimension, row[index]


def _checked(source: Path, cells: Iterable[Cell]) -> pl.DataFrame:
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


def _long(names: list[str], rows: Iterator[tuple[int, Row]]) -> Iterator[Cell]:
    code, year, indicator, estimate = (names.index(name) for name in _LONG)
    for number, row in rows:
        if len(row) > max(code, year, indicator, estimate):
            country = str(row[code]).strip().upper()
            place = f"row {number}, column estimate"
            yield place, country, row[year], _text(row[indicator]), row[estimate]


def _wide(names: list[str], rows: Iterator[tuple[int, Row]]) -> Iterator[Cell]:
    code, indicator = (names.index(name) for name in _WIDE)
    years = [(i, m[0]) for i, n in enumerate(names) if (m := re.match(r"\d{4}", n))]
    for number, row in rows:
        found = re.search(r"(?:^|_)([a-z]{2})[._]est$", _text(row[indicator])) if row else None
        if found is None:
            continue
        for index, year in years:
            if index < len(row):
                country = str(row[code]).strip().upper()
                yield f"row {number}, column {year}", country, year, found[1], row[index]


def _text(cell: object) -> str:
    return str(cell if cell is not None else "").strip().lower()


def _sheets(source: Path) -> Iterator[tuple[str, Iterator[tuple[int, Row]]]]:
    """Yield the sheets of a file by name, each as its lines with their numbers, from 1."""
    try:
        if source.suffix.lower() == ".zip":
            yield from _zipped(source)
        elif source.suffix.lower() == ".xlsx":
            yield from _workbook(source)
        else:
            text = source.read_text(encoding="utf-8-sig")
            yield source.stem, enumerate(csv.reader(io.StringIO(text, newline="")), start=1)
    except (UnicodeDecodeError, csv.Error, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise InputError(f"{source}: cannot be read ({error}). {_REMEDY}") from None


def _workbook(source: Path) -> Iterator[tuple[str, Iterator[tuple[int, Row]]]]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(source, read_only=True, data_only=True)
    except InvalidFileException as error:
        raise InputError(f"{source}: cannot be read ({error}). {_REMEDY}") from None
    try:
        for sheet in book.worksheets:
            yield sheet.title, enumerate(sheet.iter_rows(values_only=True), start=1)
    finally:
        book.close()


def _zipped(source: Path) -> Iterator[tuple[str, Iterator[tuple[int, Row]]]]:
    with zipfile.ZipFile(source) as archive, tempfile.TemporaryDirectory() as work:
        tables = [n for n in archive.namelist() if n.lower().endswith((".csv", ".xlsx"))]
        largest = max(tables, key=lambda n: archive.getinfo(n).file_size, default=None)
        if largest is None:
            raise InputError(f"{source}: holds no table. {_REMEDY}")
        inner = Path(work) / f"table{Path(largest).suffix}"
        inner.write_bytes(archive.read(largest))
        yield from _sheets(inner)
