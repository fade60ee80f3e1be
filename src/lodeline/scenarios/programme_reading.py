"""Files to `Programme`, with every problem gathered and placed.

Where the file names a sheet as its ``schedule`` or ``bill``, the rows are read from there: columns
are the keys, ``kg_per_unit_low``, ``kg_per_unit_high``, ``source`` and ``assumed`` make the range.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from lodeline.data.purchase_files import Cell, Sheet, read_sheet
from lodeline.errors import Problem, SpecError, suggest
from lodeline.scenarios.file_kind import FileKind, check_kind
from lodeline.scenarios.names import known_places
from lodeline.scenarios.programme import BillLine, Programme, Step
from lodeline.scenarios.reading import model_problems, read_bytes
from lodeline.scenarios.restrictions import Uncertain
from lodeline.scenarios.spec import Assumption, Source
from lodeline.scenarios.yaml_text import Document, Path, dotted, parse_yaml

if TYPE_CHECKING:
    from lodeline.network.chain import Chain

__all__ = ["load_programme", "parse_programme"]

SHEETS: Mapping[str, type[BaseModel]] = {"schedule": Step, "bill": BillLine}
_RANGE = ("low", "high", "source", "assumed")
_RANGED = "kg_per_unit"


@dataclass(frozen=True)
class _Rows:
    """Where the items of a list stood in a sheet."""

    file: str
    sheet: Sheet


def load_programme(path: FilePath, *, chains: Mapping[str, Chain] | None = None) -> Programme:
    """Return the programme in a file.

    Parameters
    ----------
    path
        The file (.yaml).
    chains
        Chains of the user's own, by identifier.

    Raises
    ------
    InputError
        If the file, or a sheet that it names, cannot be read.
    SpecError
        With all problems, if the content is wrong.
    """
    raw = read_bytes(path)
    return parse_programme(raw, source=str(path), folder=path.parent, chains=chains)


def parse_programme(
    raw: bytes,
    *,
    source: str,
    folder: FilePath | None = None,
    chains: Mapping[str, Chain] | None = None,
) -> Programme:
    """Read a programme from the bytes of a YAML file.

    Parameters
    ----------
    raw
        The file's bytes.
    source
        Name of the file for messages.
    folder
        Where the paths of sheets start from; None: sheets are refused.
    chains
        Chains of the user's own, by identifier.

    Raises
    ------
    InputError
        If a sheet cannot be read.
    SpecError
        With all problems, if the content is wrong.
    """
    document = parse_yaml(raw, source=source)
    check_kind(document, FileKind.PROGRAMME, source=source)
    problems = list(document.problems)
    data, rows = dict(document.data), dict[str, _Rows]()
    for key, model in SHEETS.items():
        name = data.get(key)
        if isinstance(name, str) and folder is not None:
            sheet = read_sheet(folder / name)
            rows[key] = _Rows(name, sheet)
            data[key], wrong = _items(sheet, name, list(model.model_fields))
            problems += wrong
    document = replace(document, data=data)
    found = [*_name_problems(document, chains or {})]
    programme = None
    try:
        programme = Programme.model_validate(data)
    except ValidationError as error:
        found += model_problems(
            error.errors(), document, _known_keys, (), page="docs/programmes.md"
        )
    problems += (_in_sheet(p, rows) for p in found)
    if problems or programme is None:
        raise SpecError(source, sorted(set(problems), key=lambda p: (p.line or 0, p.place)))
    return programme


def _items(
    sheet: Sheet, name: str, keys: Sequence[str]
) -> tuple[list[dict[str, object]], list[Problem]]:
    """Return the rows of a sheet as the items of a list, and what is wrong with its headings."""
    columns = [*keys, *(f"{_RANGED}_{end}" for end in ("low", "high")), "source", "assumed"]
    columns = columns if _RANGED in keys else list(keys)
    wrong = [
        Problem(f"{name}, heading '{h}'", "no such column", suggest(h, columns))
        for h in sheet.headings
        if h and h not in columns
    ]
    wrong += [Problem(f"{name}, {p.place}", p.what, p.remedy) for p in sheet.problems]
    items = [_item(dict(zip(sheet.headings, cells, strict=False))) for _, cells in sheet.rows]
    return items, wrong


def _item(cells: Mapping[str, Cell]) -> dict[str, object]:
    """Return a row as the mapping that would stand in the YAML file."""
    given = {k: _value(v) for k, v in cells.items() if k and v is not None}
    item = {k: v for k, v in given.items() if k not in _parts()}
    ends = {name: given[key] for key, name in _parts().items() if key in given}
    if ends and _RANGED in item:
        middle = item[_RANGED]
        item[_RANGED] = {"value": middle, "low": middle, "high": middle, **ends}
    return item


def _parts() -> dict[str, str]:
    """Return the columns that make the range, and the name of each in it."""
    return {(f"{_RANGED}_{n}" if n in ("low", "high") else n): n for n in _RANGE}


def _value(cell: Cell) -> object:
    """Return a cell as YAML would read it: numbers, true and false, months, else text."""
    if isinstance(cell, datetime | date):
        return f"{cell.year:04d}-{cell.month:02d}"
    if not isinstance(cell, str):
        return cell
    text = cell.strip()
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return float(text)
    except ValueError:
        return text


def _in_sheet(problem: Problem, rows: Mapping[str, _Rows]) -> Problem:
    """Return a problem with its place in the sheet that the item came from."""
    for key, where in rows.items():
        if problem.place.startswith(f"{key}["):
            index, _, column = problem.place.removeprefix(f"{key}[").partition("]")
            number, _ = where.sheet.rows[int(index)]
            column = column.removeprefix(".").partition(".")[0]
            place = where.sheet.place(number, column) if column else f"row {number}"
            return replace(problem, place=f"{where.file}, {place}", line=None)
        if problem.place == key:
            return replace(problem, place=where.file, line=None)
    return problem


def _name_problems(document: Document, own: Mapping[str, Chain]) -> Iterator[Problem]:
    """Yield countries, chains and forms that do not exist."""
    from lodeline.network.catalogue import chain_ids, load_chain

    country = document.data.get("country")
    if isinstance(country, str) and country not in known_places():
        path: Path = ("country",)
        remedy = suggest(country, known_places()) + " Countries are ISO 3166 alpha-3 codes."
        yield Problem(dotted(path), f"unknown country {country!r}", remedy, document.line(path))
    known = {*chain_ids(), *own}
    bill = document.data.get("bill")
    for i, line in enumerate(bill if isinstance(bill, list) else []):
        chain, form = (
            (line.get(k) for k in ("chain", "form")) if isinstance(line, dict) else ("",) * 2
        )
        if not isinstance(chain, str) or not chain:
            continue
        if chain not in known:
            path = ("bill", i, "chain")
            remedy = suggest(chain, known) + " List them: lodeline chains."
            yield Problem(dotted(path), f"unknown chain {chain!r}", remedy, document.line(path))
            continue
        forms = [f.id for f in (own.get(chain) or load_chain(chain)).forms]
        if isinstance(form, str) and form not in forms:
            path = ("bill", i, "form")
            what = f"chain '{chain}' has no form {form!r}"
            yield Problem(dotted(path), what, suggest(form, forms), document.line(path))


def _known_keys(path: Path, data: object) -> list[str]:
    """Return the keys that are known beside the last one of the path."""
    del data
    match path[:-1]:
        case ():
            return list(Programme.model_fields)
        case ("schedule", int()):
            return list(Step.model_fields)
        case ("bill", int()):
            return list(BillLine.model_fields)
        case ("assumptions", int()):
            return list(Assumption.model_fields)
        case ("sources", int()):
            return list(Source.model_fields)
    return list(Uncertain.model_fields)
