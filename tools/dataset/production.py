"""USGS Mineral Commodity Summaries (CSV by commodity) to one table of output by country."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from .table import BuildError, BuiltTable, Change
from .usgs_names import COUNTRIES, SERIES, UNITS

__all__ = ["build_production"]

FIGURE = re.compile(r"(e?)(\d[\d,]*(?:\.\d+)?)")
VALUE_COLUMN = re.compile(r"(Prod|Cap)_(?:(Sponge|Pigment)_)?(\w+?)_(est_)?(\d{4})", re.IGNORECASE)
FILE_NAME = re.compile(r"mcs(\d{4})-([a-z]+)[\w-]*_world\.csv", re.IGNORECASE)
WORDS = {
    "W": "withheld",
    "NA": "not_available",
    "--": "not_available",
    "": "blank",
    "XX": "not_applicable",
}
ROW = (
    "commodity", "stage", "product", "measure", "content", "country", "year", "value", "unit",
    "is_estimate", "status", "published", "published_unit", "edition", "note",
)  # fmt: skip
KEY = ["commodity", "stage", "product", "measure", "country", "year"]


@dataclass(frozen=True)
class _Column:
    index: int
    measure: str
    form: str
    unit: str
    is_estimate: bool
    year: int


@dataclass(frozen=True)
class _File:
    path: Path
    edition: int
    stem: str
    header: list[str]
    rows: list[list[str]]

    def cell(self, row: list[str], names: tuple[str, ...]) -> str:
        for index, name in enumerate(self.header):
            if name.lower() in names and index < len(row):
                return " ".join(row[index].replace("\xa0", " ").split())
        return ""


def _files(folder: Path) -> list[_File]:
    found = []
    for path in sorted(folder.rglob("*.csv"), key=lambda p: p.name.lower()):
        match = FILE_NAME.search(path.name)
        if not match:
            continue
        text = path.read_text(encoding="utf-8-sig")
        header, *rows = list(csv.reader(text.splitlines()))
        header = [name.strip() for name in header]
        if header[:2] != ["Source", "Country"]:
            raise BuildError(f"{path.name}: the columns are {header[:3]}, not Source, Country, ...")
        body = [row for row in rows if any(cell.strip() for cell in row)]
        found.append(_File(path, int(match[1]), match[2].lower(), header, body))
    if not found:
        raise BuildError(f"{folder}: no file named mcsYYYY-..._world.csv below it.")
    return found


def _columns(file: _File) -> list[_Column]:
    columns = []
    for index, name in enumerate(file.header):
        match = VALUE_COLUMN.fullmatch(name)
        if match:
            measure = "production" if match[1].lower() == "prod" else "capacity"
            form = (match[2] or "").lower()
            columns.append(_Column(index, measure, form, match[3], bool(match[4]), int(match[5])))
    if not columns:
        raise BuildError(f"{file.path.name}: no column of figures in {file.header}.")
    return columns


def _unit_of(file: _File, column: _Column, note: str) -> str:
    # Chromium columns say t; their notes say thousand metric tons, and so does the printed table.
    if column.unit == "t" and "units are thousand metric tons" in note.lower():
        return "kt"
    if column.unit not in UNITS:
        raise BuildError(f"{file.path.name}: unit '{column.unit}' is unknown.")
    return column.unit


def _country(raw: str) -> tuple[str | None, str, bool]:
    """Return ISO3, what else the cell says, and whether it carries the mark of an estimate."""
    name = " ".join(raw.replace("\xa0", " ").replace("’", "'").split())
    name = re.sub(r"\d+$", "", name).strip()
    if name.startswith("World total"):
        return "WLD", name.removeprefix("World total").strip(" ,"), False
    for candidate, mark in ((name, False), (name.removesuffix("e"), True)):
        if candidate in COUNTRIES:
            return COUNTRIES[candidate], "", mark
    match = re.fullmatch(r"(.+?)\s*(?:\((.+)\)|, (.+))", name)
    if match and match[1] in COUNTRIES:
        return COUNTRIES[match[1]], match[2] or match[3], False
    return None, name, False


def _figure(raw: str) -> tuple[float | None, str]:
    """Return the figure and its status."""
    text = raw.strip()
    match = FIGURE.fullmatch(text)
    if match:
        return float(match[2].replace(",", "")), "estimated" if match[1] else "reported"
    if text in WORDS:
        return None, WORDS[text]
    if text.startswith(("<", "Less than")):
        return None, "below_limit"
    if text.lower().startswith("included"):
        return None, "included_elsewhere"
    return None, "not_available"


def _says_estimated(note: str, year: int) -> bool:
    """Whether a note such as "Production in 2021 is also estimated" is about that year."""
    return any(
        str(year) in sentence and "estimated" in sentence.lower() for sentence in note.split(".")
    )


def _series(file: _File, kind: str) -> tuple[str, str, str, str]:
    patterns = SERIES.get(file.stem)
    if patterns is None:
        raise BuildError(f"{file.path.name}: commodity '{file.stem}' is in no list (usgs_names).")
    for pattern, *series in patterns:
        if not pattern or re.search(pattern, kind, re.IGNORECASE):
            commodity, stage, product, content = series
            return commodity, stage, product, content
    raise BuildError(f"{file.path.name}: type '{kind}' matches no pattern of '{file.stem}'.")


def _product(product: str, kind: str, qualifier: str) -> str:
    words = {"by-type": kind, "by-country": qualifier}.get(product, product)
    words = re.sub(r"(?i)(mine|plant) production,?|^(XX|NA)$", "", words)
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def _rows(file: _File) -> tuple[list[tuple[object, ...]], int, int]:
    """Return the rows of a file, the rows dropped as sums, and those of groups of countries."""
    rows, sums, groups = [], 0, 0
    for row in file.rows:
        country, qualifier, mark = _country(row[1])
        if country is None:
            groups += 1
            continue
        kind = file.cell(row, ("type", "mine production, fluorspar"))
        commodity, stage, product, content = _series(file, kind)
        if not commodity:
            sums += 1
            continue
        note = file.cell(row, ("prod_note", "prod_notes"))
        named = _product(product, f"{kind} {qualifier}".strip(), qualifier)
        for column in _columns(file):
            value, status = _figure(row[column.index] if column.index < len(row) else "")
            if status == "blank":
                continue
            unit, factor = UNITS[_unit_of(file, column, note)]
            estimate = value is not None and (
                column.is_estimate
                or mark
                or status == "estimated"
                or _says_estimated(note, column.year)
            )
            is_pigment = column.form == "pigment"
            rows.append((
                "titanium-pigment" if is_pigment else commodity, stage, named, column.measure,
                "titanium dioxide pigment" if is_pigment else content, country, column.year,
                None if value is None else round(value * factor, 6), unit, estimate,
                "estimated" if estimate else status,
                row[column.index].strip(), _unit_of(file, column, note), file.edition,
                "; ".join(part for part in (qualifier, note) if part),
            ))  # fmt: skip
    return rows, sums, groups


def build_production(folder: Path) -> BuiltTable:
    """Return the table production."""
    rows: list[tuple[object, ...]] = []
    sums = groups = 0
    files = _files(folder)
    for file in files:
        some, dropped, grouped = _rows(file)
        rows += some
        sums, groups = sums + dropped, groups + grouped
    table = pl.DataFrame(rows, schema=list(ROW), orient="row", infer_schema_length=None)
    table = table.with_columns(
        pl.col("year").cast(pl.Int16),
        pl.col("edition").cast(pl.Int16),
        pl.col("value").cast(pl.Float64),
    )
    newest = pl.col("edition").max().over("commodity", "stage", "measure", "year")
    latest = table.filter(pl.col("edition") == newest)
    unique = latest.unique(KEY, keep="first", maintain_order=True)
    final = unique.sort(KEY)
    absent = final.filter(pl.col("value").is_null())["status"].value_counts().sort("status")
    changes = [
        Change("superseded", table.height - latest.height, "a newer edition has that series "
               "and year; its whole list of countries counts"),
        Change("dropped", latest.height - unique.height, "the same country twice in a file"),
        Change("dropped", sums, "printed sum of two series that are in the table"),
        Change("dropped", groups, "a group of countries (United States and Canada)"),
        *(Change("no figure", count, status.replace("_", " "))
          for status, count in absent.iter_rows()),
    ]  # fmt: skip
    return _table(final, changes, sorted({file.edition for file in files}))


def _table(final: pl.DataFrame, changes: list[Change], editions: list[int]) -> BuiltTable:
    years = final["year"]
    return BuiltTable(
        name="production",
        title="Mine, refinery, smelter and plant output by country",
        publisher="U.S. Geological Survey",
        source="Mineral Commodity Summaries, data releases (world tables)",
        edition=", ".join(str(edition) for edition in editions)
        + (" (2022 for twelve commodities only)" if 2022 in editions else ""),
        licence="public domain",
        attribution="U.S. Geological Survey, Mineral Commodity Summaries 2022, 2023 and 2024 data "
        "releases, doi 10.5066/P9WCYUI6 (2023), 10.5066/P144BA54 (2024); restated by Lodeline.",
        url="https://www.usgs.gov/centers/national-minerals-information-center/"
        "mineral-commodity-summaries",
        unit="t, carat or m3 a year, see column unit",
        columns={
            "commodity": "slug; rows of one commodity may be added over product",
            "stage": "mine, refinery, smelter or plant",
            "product": "kind where the source splits the commodity, else empty",
            "measure": "production or capacity",
            "content": "what a tonne is",
            "country": "ISO3; WLD printed world total; ROW other countries",
            "year": "calendar year",
            "value": "figure in `unit`; null where there is none",
            "unit": "t (all masses), carat or m3",
            "is_estimate": "estimated by the publisher",
            "status": "reported, estimated, withheld, not_available, below_limit, ...",
            "published": "as printed",
            "published_unit": "unit as published",
            "edition": "edition of Mineral Commodity Summaries",
            "note": "qualifier of the country and note of the publisher",
        },
        content=final,
        steps=[
            "masses to tonnes; countries to ISO3",
            "footnote digits and the mark e dropped from names; e kept as is_estimate",
            "a series and year is taken whole from the newest edition that has it",
            "chromium is in thousand tonnes as its notes say, not tonnes as its column says",
        ],
        changes=changes,
        coverage={
            "years": [int(years.min() or 0), int(years.max() or 0)],
            "commodities": final["commodity"].n_unique(),
            "countries": final["country"].n_unique(),
        },
    )
