"""Names in a scenario: those that must exist (countries, chains, forms), those that must agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from lodeline.errors import Problem, suggest
from lodeline.scenarios.groups import GROUPS
from lodeline.scenarios.restrictions import ALL
from lodeline.scenarios.yaml_text import Document, Path, dotted

if TYPE_CHECKING:
    from lodeline.network.chain import Chain

__all__ = ["key_problems", "known_places", "name_problems"]


def name_problems(document: Document, chains: Mapping[str, Chain]) -> Iterator[Problem]:
    """Yield countries, chains and forms that do not exist, whatever else is wrong."""
    yield from _place_problems(document, ("asked",))
    if isinstance(document.data.get("stocks"), dict):
        yield from _place_problems(document, ("stocks", "coalition"))
    for i, restriction in _items(document, "restrictions"):
        for key in ("by", "on"):
            yield from _place_problems(document, ("restrictions", i, key))
        yield from _chain_problems(document, i, restriction, chains)
        yield from _route_problems(document, i, restriction)
        yield from _sector_problems(document, i, restriction)


def key_problems(document: Document) -> Iterator[Problem]:
    """Yield names given twice, and references to sources that are not there."""
    restrictions = [*_items(document, "restrictions")]
    keys: list[object] = []
    for place, name in (("restrictions", "id"), ("sources", "key")):
        seen: list[object] = []
        for i, item in _items(document, place):
            value = item.get(name)
            if isinstance(value, str) and value in seen:
                path: Path = (place, i, name)
                what = f"{value!r} appears more than once"
                yield Problem(dotted(path), what, "Give each its own.", document.line(path))
            seen.append(value)
        keys = seen
    known = [key for key in keys if isinstance(key, str)]
    for i, restriction in restrictions:
        source = restriction.get("source")
        if known and isinstance(source, str) and source not in known:
            path = ("restrictions", i, "source")
            what = f"{source!r} is not the key of a source"
            yield Problem(dotted(path), what, suggest(source, known), document.line(path))


def _items(document: Document, key: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Yield the mappings in a list, with their positions, whatever else is there."""
    value = document.data.get(key)
    for i, item in enumerate(value if isinstance(value, list) else []):
        if isinstance(item, dict):
            yield i, item


def _place_problems(document: Document, path: Path) -> Iterator[Problem]:
    value: Any = document.data
    for part in path:
        value = value.get(part) if isinstance(value, dict) else value[part]
    if not isinstance(value, list):
        return
    known = known_places() | set(GROUPS)
    for i, name in enumerate(value):
        if isinstance(name, str) and name not in known:
            here = (*path, i)
            remedy = suggest(name, known) + " Countries are ISO 3166 alpha-3 codes."
            yield Problem(dotted(here), f"unknown country {name!r}", remedy, document.line(here))


def _chain_problems(
    document: Document, i: int, restriction: Mapping[str, object], own: Mapping[str, Chain]
) -> Iterator[Problem]:
    # Imported here: the catalogue is needed only once a restriction is there to check.
    from lodeline.network.catalogue import chain_ids, load_chain

    name, forms = restriction.get("chain"), restriction.get("forms")
    if not isinstance(name, str):
        return
    path: Path = ("restrictions", i, "chain")
    known_chains = {*chain_ids(), *own}
    if name not in known_chains:
        remedy = suggest(name, known_chains) + " List them: lodeline chains."
        yield Problem(dotted(path), f"unknown chain {name!r}", remedy, document.line(path))
        return
    known = [form.id for form in (own.get(name) or load_chain(name)).forms]
    for k, form in enumerate(forms if isinstance(forms, list) else []):
        if isinstance(form, str) and form not in known:
            here: Path = ("restrictions", i, "forms", k)
            what = f"chain '{name}' has no form {form!r}"
            remedy = f"{suggest(form, known)} Or write forms: {ALL}."
            yield Problem(dotted(here), what, remedy, document.line(here))


def _route_problems(
    document: Document, i: int, restriction: Mapping[str, object]
) -> Iterator[Problem]:
    from lodeline.network.sea import sea

    route = restriction.get("route")
    if isinstance(route, str) and route not in sea().routes:
        path: Path = ("restrictions", i, "route")
        what = f"unknown route {route!r}"
        yield Problem(dotted(path), what, suggest(route, sea().routes), document.line(path))


def _sector_problems(
    document: Document, i: int, restriction: Mapping[str, object]
) -> Iterator[Problem]:
    from lodeline.network.sectors import sector_ids

    given = restriction.get("approval_by_use")
    for name in given if isinstance(given, dict) else ():
        if name not in sector_ids():
            path: Path = ("restrictions", i, "approval_by_use", name)
            what = f"unknown sector {name!r}"
            yield Problem(dotted(path), what, suggest(str(name), sector_ids()), document.line(path))


@cache
def known_places() -> frozenset[str]:
    """Return the countries of the dataset, ISO3, groups of countries left out."""
    from lodeline.data import countries

    table = countries()
    return frozenset(table.filter(table["kind"] != "group")["iso3"].to_list())
