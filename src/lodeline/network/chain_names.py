"""Names in a chain file that the dataset does not know: codes, countries, tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lodeline.errors import Problem, suggest
from lodeline.network.chain_problems import dotted
from lodeline.network.toml_lines import Path, line_of

if TYPE_CHECKING:
    import polars as pl

__all__ = ["dataset_problems"]


def dataset_problems(document: Mapping[str, Any], lines: Mapping[Path, int]) -> Iterator[Problem]:
    """Yield one problem for each name that is well formed but not in the dataset.

    What is not of the right type is passed over: the schema reports it.
    """
    for path, kind, name, known in _names(document):
        if isinstance(name, str) and name not in known:
            what = f"the dataset has no {kind} '{name}'"
            remedy = f"{suggest(name, known)} See docs/chains.md and docs/data.md."
            yield Problem(dotted(path), what, remedy, line_of(lines, path))


def _names(document: Mapping[str, Any]) -> Iterator[tuple[Path, str, object, list[str]]]:
    """Yield place, kind, name and what is known, for each name that the dataset should have."""
    # Imported here: the chains of the package are checked by the tests and need no tables to load.
    from lodeline import data

    codes, places = _values(data.products(), "code"), _values(data.countries(), "iso3")
    for path, value in _walk(document):
        if path[-1] == "code":
            yield path, "code", value, codes
        elif path[-1] in ("country", "exporter", "importer"):
            yield path, "country", value, places
        elif path[-2:-1] in (("origins",), ("share_by_country",)):
            yield path, "country", path[-1], places
        elif path[-2:-1] == ("codes",) and isinstance(value, str):
            yield path, "code", value, codes
        elif path[-2:-1] == ("countries",):
            yield path, "country", value, places
        elif path[-1] == "absorption" and isinstance(value, dict):
            yield from _table_names(path, value, data.stage_shares(), "material")
        elif path[-1] in ("output", "fallback") and isinstance(value, dict):
            if value.get("kind") == "table":
                yield from _table_names(path, value, data.production(), "commodity")
            elif value.get("kind") == "shares":
                yield from _table_names(path, value, data.stage_shares(), "material")


def _table_names(
    path: Path, output: Mapping[str, object], rows: pl.DataFrame, column: str
) -> Iterator[tuple[Path, str, object, list[str]]]:
    name = output.get(column)
    yield (*path, column), column, name, _values(rows, column)
    rows = rows.filter(rows[column].cast(str) == str(name))
    if rows.height:
        stages = _values(rows, "stage")
        yield (*path, "stage"), f"stage of '{name}'", output.get("stage"), stages


def _values(table: pl.DataFrame, column: str) -> list[str]:
    return sorted({str(value) for value in table[column]})


def _walk(value: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    items: Iterable[tuple[str | int, object]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        yield (*path, key), item
        yield from _walk(item, (*path, key))
