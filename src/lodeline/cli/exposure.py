"""The command ``lodeline exposure``: one measure of dependence, with what it was made from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import click

from lodeline.cli.output import (
    console,
    each_of,
    json_option,
    out_option,
    print_json,
    print_table,
    print_text,
)
from lodeline.errors import InputError

if TYPE_CHECKING:
    from lodeline.results.exposure import ExposureResult
    from lodeline.studies.exposure.registry import Request

__all__ = ["exposure"]


class Asked(TypedDict):
    """The options that make the question."""

    method: str | None
    materials: tuple[str, ...]
    countries: tuple[str, ...]
    years: tuple[str, ...]
    stage: str | None
    of: str | None
    by: str | None
    tonnes: str | None
    missing_governance: float | None
    corrected: bool | None


MOST_ROWS = 60
"""More rows than this are not printed as text; files and --json have them all."""


@click.command(
    short_help="Measure dependence: published indicators and origin.",
    epilog="Example: lodeline exposure --method hhi --material cobalt --country JPN --json",
)
@click.option("--method", metavar="METHOD",
              help="Measure; --methods lists them. "
              "Default for one material and one country: all of them.")  # fmt: skip
@click.option("--material", "materials", multiple=True, callback=each_of, metavar="M,...",
              help="Material or chain, or several. Default: all.")  # fmt: skip
@click.option("--country", "countries", multiple=True, callback=each_of, metavar="ISO3,...",
              help="Country, or EU27, G7, WLD; or several.")  # fmt: skip
@click.option("--year", "years", multiple=True, callback=each_of, metavar="Y,...",
              help="Year, or 2018-2024; or several. Default: the last there is.")  # fmt: skip
@click.option("--stage", metavar="S", help="HS92 code, form, or stage of curated shares.")
@click.option("--of", type=click.Choice(["production", "exports", "imports"]),
              help="Shares of what.")  # fmt: skip
@click.option("--by", type=click.Choice(["quantity", "value"]), help="Weight of traded shares.")
@click.option("--tonnes", type=click.Choice(["reported", "screened"]),
              help="Traded tonnes as published, or with defects rebuilt.")  # fmt: skip
@click.option("--missing-governance", type=click.FloatRange(0.0, 1.0), metavar="SCORE",
              help="Score of suppliers without one, such as 0.5. Default: no value.")  # fmt: skip
@click.option("--corrected", is_flag=True, default=None,
              help="GeoPolRisk: mend the slips of the reference program.")  # fmt: skip
@click.option("--methods", is_flag=True, help="List the measures.")
@click.option("--materials", "list_materials", is_flag=True, help="List the materials.")
@out_option
@json_option
def exposure(
    methods: bool, list_materials: bool, out: Path | None, as_json: bool, **asked: Unpack[Asked]
) -> None:
    """Measure dependence: published indicators, and where things come from in the end.

    Every value names the figures that it was made from; an absent one says what is missing.
    """
    if methods or list_materials:
        _list(methods, as_json)
        return
    from lodeline.studies.exposure.frame import run_exposure

    request = _request(asked)
    if out is not None:
        from lodeline.report.files import check_folder

        check_folder(out)
    result = run_exposure(request)
    if out is not None:
        _write(result, request, out)
    if as_json:
        print_json(result.document())
    else:
        _print(result, out)


def _request(asked: Asked) -> Request:
    from lodeline.studies.exposure.registry import METHODS, Basis, Request, Tonnes, Weight

    is_page = len(asked["materials"]) == len(asked["countries"]) == 1
    method = asked["method"] or ("beside" if is_page else None)
    if method is None:
        raise InputError(
            "give a --method, or one --material and one --country for all measures beside each "
            f"other. Known: {', '.join(METHODS)}."
        )
    return Request(
        method=method.lower(),
        materials=tuple(asked["materials"]),
        countries=tuple(name.upper() for name in asked["countries"]),
        years=tuple(year for text in asked["years"] for year in _years(text)),
        stage=asked["stage"],
        of=Basis(asked["of"]) if asked["of"] else None,
        by=Weight(asked["by"]) if asked["by"] else None,
        tonnes=Tonnes(asked["tonnes"]) if asked["tonnes"] else None,
        missing_governance=asked["missing_governance"],
        corrected=asked["corrected"],
    )


def _write(result: ExposureResult, request: Request, out: Path) -> None:
    """Write tables, pictures and the page."""
    from lodeline import data
    from lodeline.report.exposure import write_exposure
    from lodeline.studies.exposure.pictures import pictures_of

    pictures = pictures_of(result, request)
    write_exposure(
        result, out, pictures=pictures, world=data.world_map(), command=_command(request)
    )


def _command(request: Request) -> str:
    """Return the command that repeats a request."""
    given = [("method", request.method)]
    given += [("material", m) for m in request.materials]
    given += [("country", c) for c in request.countries]
    given += [("year", str(y)) for y in request.years]
    options = ("stage", "of", "by", "tonnes", "missing_governance")
    values = [(name.replace("_", "-"), getattr(request, name)) for name in options]
    given += [(name, str(value)) for name, value in values if value is not None]
    flags = ["--corrected"] if request.corrected else []
    words = [f"--{name} {value}" for name, value in given]
    return " ".join(["lodeline exposure", *words, *flags, "--out DIR"])


def _years(text: str) -> range:
    """Return the years of ``2022`` or ``2018-2024``."""
    first, _, last = text.partition("-")
    if not (
        first.isdigit() and (last or first).isdigit() and len(first) == len(last or first) == 4
    ):
        raise InputError(f"--year {text}: write a year (2022) or a span (2018-2024).")
    if int(last or first) < int(first):
        raise InputError(f"--year {text}: the first year lies after the last. Swap them.")
    return range(int(first), int(last or first) + 1)


def _list(methods: bool, as_json: bool) -> None:
    from lodeline.studies.exposure.materials import all_materials
    from lodeline.studies.exposure.registry import METHODS

    if methods:
        document: dict[str, Any] = {
            "methods": [
                {"id": n, "title": m.title, "options": sorted(m.options)}
                for n, m in METHODS.items()
            ]
        }
        rows: list[tuple[str, str | None]] = [(n, m.title) for n, m in METHODS.items()]
    else:
        found = all_materials().values()
        document = {"materials": [vars(material) for material in found]}
        rows = [(m.id, ", ".join(m.codes) or None) for m in found]
    if as_json:
        print_json(document)
    else:
        print_table(("measure", "what it says") if methods else ("material", "HS92 codes"), rows)


def _print(result: ExposureResult, out: Path | None) -> None:
    """Print the rows in the way of their measure, and where the files are."""
    if result.method == "origin":
        from lodeline.report.origin import origin_text

        print_text(origin_text(result))
    else:
        _print_rows(result)
    if out is not None:
        console().print(
            f"Written to {out}: report.html, pictures as .svg and .png, exposure.csv, .parquet, "
            ".xlsx, .json"
        )


def _print_rows(result: ExposureResult) -> None:
    """Print the rows; what they are made from, and why values are absent, as numbered notes."""
    from lodeline.results.exposure import shown as number

    shown = result.rows.head(MOST_ROWS)
    units, countries = (shown[c].unique().to_list() for c in ("unit", "country"))
    talk = console(stderr=False)
    unit = f", {units[0]}" if len(units) == 1 else ""
    whose = f", {countries[0]}" if len(countries) == 1 else ""
    talk.print(f"{result.method}{whose}: {result.title}{unit}", markup=False)
    if result.rows.height > MOST_ROWS:
        console().print(f"{result.rows.height} rows, {MOST_ROWS} shown. Ask for fewer, or take "
                        "--json or --out DIR.")  # fmt: skip
    if "sees" in shown.columns:
        headings = ["measure", "stage", "who", "value", "unit", "note"]
    else:
        site = [name for name in ("site",) if name in shown.columns]
        headings = ["material", "stage", "country", *site, "year", "value", "unit", "note"]
    if any(_range(row) for row in shown.iter_rows(named=True)):
        headings.insert(headings.index("value") + 1, "range")
    hidden = {"unit"} if len(units) == 1 else set()
    hidden |= {"country"} if len(countries) == 1 else set()
    hidden |= {"stage"} if shown["stage"].null_count() == shown.height else set()
    notes: dict[str, int] = {}
    rows = []
    for row in shown.iter_rows(named=True):
        told = row["reason"] if row["value"] is None else row.get("sees", _short(row["inputs"]))
        cells = row | {
            "value": None if row["value"] is None else number(row["value"]),
            "range": _range(row),
            "unit": _short_unit(row["unit"]),
            "note": notes.setdefault(told, len(notes) + 1),
        }
        rows.append([cells[name] for name in headings if name not in hidden])
    print_table(
        [h for h in headings if h not in hidden],
        rows,
        numbers=("year", "value", "note"),
        whole=("measure", "who", "range"),
    )
    for text, place in notes.items():
        talk.print(f"{place}  {text}", markup=False)
    for note in result.notes:
        talk.print(f"-  {note}", markup=False)


def _range(row: dict[str, Any]) -> str | None:
    """Return the range of a value where it has one."""
    from lodeline.results.exposure import shown as number

    low, high = row.get("low"), row.get("high")
    if low is None or (high is not None and number(low) == number(high)):
        return None
    return f"{number(low)}-{'never' if high is None else number(high)}"


def _short_unit(unit: str) -> str:
    """Return a unit that leaves a row on one line: what the brackets say, without the 1."""
    if unit.startswith("share of t "):
        return "share"
    return unit[3:-1] if unit.startswith("1 (") and unit.endswith(")") else unit


def _short(inputs: list[dict[str, Any]] | None) -> str:
    """Return the tables behind a value, and the figures in them that are not as published."""
    marks = {f"{i['name']}: {i['mark']}" for i in inputs or [] if i["mark"]}
    tables = dict.fromkeys(i["table"] for i in inputs or [] if i["table"])
    return "from " + ", ".join(tables) + "".join(f"; {mark}" for mark in sorted(marks))
