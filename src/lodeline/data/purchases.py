"""A user's own purchases: the template, and reading it back from CSV or XLSX.

One row is one purchase (or the sum of a year's purchases) of a material from one country. Every
wrong cell is reported at once with its place; a file with a wrong cell is not used in part.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lodeline.data.purchase_files import Cell, Sheet, read_sheet
from lodeline.errors import Problem, SpecError, suggest

__all__ = ["COLUMNS", "Column", "Known", "Purchase", "Purchases", "read_purchases", "spelling"]

FIRST_YEAR, LAST_YEAR = 1995, 2100
_TONNES = {"t": 1.0, "kg": 1e-3, "g": 1e-6}
_BASES = ("gross", "contained")


@dataclass(frozen=True)
class Purchase:
    """One row of a file.

    Attributes
    ----------
    row
        Row of the sheet, the heading being row 1.
    material, form
        Identifiers; `form` None where not given.
    hs_code
        First six digits of a customs code; None where not given.
    supplier
        Name; None where not given.
    supplier_country, origin_country
        ISO3: from where it was shipped; where it was mined, if the supplier says so.
    tonnes
        Quantity, t gross or contained.
    basis
        ``gross`` or ``contained``.
    content
        Tonnes contained in a gross tonne; None where not given.
    recycled_share
        Share from scrap, 0 to 1; None where not given.
    value_usd
        Price paid, USD; None where not given.
    year
        Calendar year.
    stock_days
        Days of use that are held; None where not given.
    note
        Free text.
    """

    row: int
    material: str
    form: str | None
    hs_code: str | None
    supplier: str | None
    supplier_country: str
    origin_country: str | None
    tonnes: float
    basis: str
    content: float | None
    recycled_share: float | None
    value_usd: float | None
    year: int
    stock_days: float | None
    note: str | None


@dataclass(frozen=True)
class Purchases:
    """A whole file.

    Attributes
    ----------
    source
        Name of the file, without its folder.
    rows
        All rows that are not empty.
    sha256
        Of the file.
    """

    source: str
    rows: tuple[Purchase, ...]
    sha256: str


@dataclass(frozen=True)
class Known:
    """Names that a file may use.

    Attributes
    ----------
    materials
        Identifier by accepted spelling (lower case, hyphens).
    forms
        Forms by material; materials without chain have none.
    countries
        ISO3 codes.
    """

    materials: Mapping[str, str]
    forms: Mapping[str, frozenset[str]]
    countries: frozenset[str]


@dataclass(frozen=True)
class Column:
    """A column of the template.

    Attributes
    ----------
    name, meaning, example
        As the template shows them.
    is_required
        Whether every row needs it.
    """

    name: str
    is_required: bool
    meaning: str
    example: str | float | None


COLUMNS = (
    Column("material", True, "Material: an identifier (lodeline chains), e.g. rare-earths",
           "rare-earths"),
    Column("form", False, "Form of the chain, e.g. compounds or metals; or give hs_code", "metals"),
    Column("hs_code", False, "Customs code, 6 to 10 digits; its first six find the form", 280530),
    Column("supplier", False, "Name of the supplier; stays on this machine", "Example Metals Ltd"),
    Column("supplier_country", True, "Country it was shipped from, ISO 3166 alpha-3", "NLD"),
    Column("origin_country", False, "Country where it was mined, if the supplier says so", None),
    Column("quantity", True, "Quantity bought", 12.5),
    Column("unit", True, "t, kg or g", "t"),
    Column("basis", True, "gross (as weighed) or contained (element or oxide of the form's unit)",
           "gross"),
    Column("content", False, "Contained tonnes in a gross tonne, 0 to 1; else the chain's", None),
    Column("recycled_share", False, "Share from scrap, 0 to 1", None),
    Column("value_usd", False, "Price paid, US dollars", 812500),
    Column("year", True, "Calendar year of the purchase", 2024),
    Column("stock_days", False, "Days of your own use that you hold of it", 45),
    Column("note", False, "Anything; shown beside the row", "example row: replace it"),
)  # fmt: skip
"""Columns of the template, in order; a file may have them in any order."""


def read_purchases(path: Path, known: Known) -> Purchases:
    """Read a file of purchases.

    Parameters
    ----------
    path
        A ``.csv`` (comma, semicolon or tab) or ``.xlsx`` file.
    known
        Names that it may use.

    Raises
    ------
    InputError
        If the file cannot be read.
    SpecError
        If a heading or cell is wrong: all of them at once.
    """
    sheet = read_sheet(path)
    problems = _heading_problems(sheet)
    if problems:
        raise SpecError(str(path), problems)
    rows: list[Purchase] = []
    for number, cells in sheet.rows:
        reader = _Row(sheet, number, cells, known, problems)
        rows.append(reader.purchase())
    problems += sheet.problems
    if not rows and not problems:
        remedy = "Write a row for each purchase; 'lodeline purchases template' shows how."
        problems.append(Problem("file", "there is no row below the heading", remedy))
    if problems:
        raise SpecError(str(path), problems)
    return Purchases(path.name, tuple(rows), sheet.sha256)


def _heading_problems(sheet: Sheet) -> list[Problem]:
    names = [c.name for c in COLUMNS]
    problems = [
        Problem(f"heading '{h}'", "no such column", f"{suggest(h, names)} Or remove the column.")
        for h in sheet.headings
        if h and h not in names
    ]
    doubles = sorted({h for h in sheet.headings if h and sheet.headings.count(h) > 1})
    problems += [
        Problem(f"heading '{h}'", "appears more than once", "Keep one of the columns.")
        for h in doubles
    ]
    return problems + [
        Problem(f"heading '{c.name}'", "is missing", f"Add the column: {c.meaning}.")
        for c in COLUMNS
        if c.is_required and c.name not in sheet.headings
    ]


class _Row:
    """Reads the cells of a row and gathers what is wrong with them."""

    def __init__(
        self,
        sheet: Sheet,
        number: int,
        cells: Sequence[Cell],
        known: Known,
        problems: list[Problem],
    ) -> None:
        self._sheet, self._number, self._known, self._problems = sheet, number, known, problems
        self._cells = dict(zip(sheet.headings, cells, strict=False))

    def purchase(self) -> Purchase:
        """Return the row; wrong cells are filled in so that reading goes on."""
        material = self._material()
        unit = self._choice("unit", tuple(_TONNES))
        basis = self._choice("basis", _BASES)
        content = self._number_of("content", most=1.0)
        if content == 0.0:
            self._wrong("content", "is zero", "Leave it empty if it is not known.")
        return Purchase(
            row=self._number,
            material=material,
            form=self._form(material),
            hs_code=self._code(),
            supplier=self._text("supplier"),
            supplier_country=self._country("supplier_country") or "",
            origin_country=self._country("origin_country"),
            tonnes=self._quantity() * _TONNES.get(unit, 1.0),
            basis=basis,
            content=content,
            recycled_share=self._number_of("recycled_share", most=1.0),
            value_usd=self._number_of("value_usd"),
            year=self._year(),
            stock_days=self._number_of("stock_days"),
            note=self._text("note"),
        )

    def _wrong(self, column: str, what: str, remedy: str) -> None:
        place = self._sheet.place(self._number, column)
        self._problems.append(Problem(place, what, remedy, line=None))

    def _raw(self, column: str) -> Cell:
        value = self._cells.get(column)
        text = value.strip() if isinstance(value, str) else value
        if text == "":
            text = None
        if text is None and any(c.name == column and c.is_required for c in COLUMNS):
            meaning = next(c.meaning for c in COLUMNS if c.name == column)
            self._wrong(column, "is empty", f"Fill it in: {meaning}.")
        return text

    def _text(self, column: str) -> str | None:
        value = self._raw(column)
        return None if value is None else _shown(value)

    def _material(self) -> str:
        text = self._text("material")
        if text is None:
            return ""
        found = self._known.materials.get(spelling(text))
        if found is None:
            names = sorted(set(self._known.materials.values()))
            self._wrong("material", f"'{text}' is not known", suggest(spelling(text), names))
        return found or ""

    def _form(self, material: str) -> str | None:
        text = self._text("form")
        if text is None or not material:
            return text
        forms = self._known.forms.get(material, frozenset())
        if spelling(text) in forms:
            return spelling(text)
        if not forms:
            remedy = f"There is no chain of {material}: leave the form empty."
        else:
            remedy = f"{suggest(text, forms)} Or leave it empty."
        self._wrong("form", f"'{text}' is no form of {material}", remedy)
        return None

    def _country(self, column: str) -> str | None:
        text = self._text(column)
        if text is None or text.upper() in self._known.countries:
            return text.upper() if text else None
        remedy = f"Write ISO 3166 alpha-3, for example CHN. {suggest(text, self._known.countries)}"
        self._wrong(column, f"'{text}' is no country code", remedy)
        return None

    def _code(self) -> str | None:
        text = self._text("hs_code")
        if text is None:
            return None
        digits = text.replace(".", "").replace(" ", "")
        if not (digits.isascii() and digits.isdigit() and 6 <= len(digits) <= 10):
            self._wrong("hs_code", f"'{text}' is no customs code", "Write 6 to 10 digits.")
            return None
        return digits[:6]

    def _choice(self, column: str, allowed: tuple[str, ...]) -> str:
        text = (self._text(column) or "").lower()
        if text and text not in allowed:
            self._wrong(column, f"'{text}' is not allowed", f"Write {' or '.join(allowed)}.")
        return text

    def _quantity(self) -> float:
        value = self._number_of("quantity")
        if value == 0.0:
            self._wrong("quantity", "is zero", "Remove the row, or write what was bought.")
        return value or 0.0

    def _year(self) -> int:
        value = self._number_of("year")
        if value is None:
            return 0
        if value != int(value) or not FIRST_YEAR <= value <= LAST_YEAR:
            remedy = f"Write a calendar year, {FIRST_YEAR} to {LAST_YEAR}."
            self._wrong("year", f"{value:g} is no year", remedy)
            return 0
        return int(value)

    def _number_of(self, column: str, *, most: float = math.inf) -> float | None:
        value = self._raw(column)
        if value is None:
            return None
        try:
            number = _number(value, self._sheet.decimal)
        except ValueError as error:
            self._wrong(column, f"'{_shown(value)}' {error}", "Write a plain number, e.g. 1500.5.")
            return None
        if not 0.0 <= number <= most:
            limits = "not below 0" if most == math.inf else f"between 0 and {most:g}"
            self._wrong(column, f"{number:g} is out of range", f"Write a number {limits}.")
            return None
        return number


def spelling(text: str) -> str:
    """Return a name as identifiers are written.

    Examples
    --------
    >>> spelling(" Rare Earths ")
    'rare-earths'
    """
    return text.strip().lower().replace(" ", "-").replace("_", "-")


def _shown(value: Cell) -> str:
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return str(value)[:80]


def _number(value: Cell, decimal: str) -> float:
    """Return a cell as a number; ValueError says why it is none."""
    if isinstance(value, bool):
        raise ValueError("is true or false, no number")
    if isinstance(value, int | float):
        number = float(value)
    elif isinstance(value, str):
        number = _parsed(value, decimal)
    else:
        raise ValueError("is a date, no number")
    if not math.isfinite(number):
        raise ValueError("is not finite")
    return number


def _parsed(text: str, decimal: str) -> float:
    if decimal == ",":
        whole, comma, part = text.partition(",")
        if comma and len(part) == 3 and part.isdigit() and whole.lstrip("-").isdigit():
            raise ValueError("may be a thousand or a fraction")
        if comma and "." in text:
            raise ValueError("has both a comma and a point")
        text = text.replace(",", ".", 1)
    elif "," in text:
        raise ValueError("has a comma")
    if "_" in text:
        raise ValueError("is no number")
    try:
        return float(text)
    except ValueError as error:
        raise ValueError("is no number") from error
