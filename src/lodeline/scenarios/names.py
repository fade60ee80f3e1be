"""Names in a scenario that must exist elsewhere: countries, chains, forms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from lodeline.errors import Problem, suggest
from lodeline.scenarios.groups import GROUPS
from lodeline.scenarios.restrictions import ALL
from lodeline.scenarios.yaml_text import Document, Path, dotted

__all__ = ["known_places", "name_problems"]


def name_problems(document: Document) -> Iterator[Problem]:
    """Yield countries, chains and forms that do not exist, whatever else is wrong."""
    restrictions = document.data.get("restrictions")
    yield from _place_problems(document, ("asked",), with_groups=False)
    for i, restriction in enumerate(restrictions if isinstance(restrictions, list) else []):
        if not isinstance(restriction, dict):
            continue
        for key in ("by", "on"):
            yield from _place_problems(document, ("restrictions", i, key), with_groups=True)
        yield from _chain_problems(document, i, restriction)


def _place_problems(document: Document, path: Path, *, with_groups: bool) -> Iterator[Problem]:
    value: Any = document.data
    for part in path:
        value = value.get(part) if isinstance(value, dict) else value[part]
    if not isinstance(value, list):
        return
    known = known_places() | (set(GROUPS) if with_groups else set())
    for i, name in enumerate(value):
        if isinstance(name, str) and name not in known:
            here = (*path, i)
            remedy = suggest(name, known) + " Countries are ISO 3166 alpha-3 codes."
            yield Problem(dotted(here), f"unknown country {name!r}", remedy, document.line(here))


def _chain_problems(
    document: Document, i: int, restriction: Mapping[str, object]
) -> Iterator[Problem]:
    # Imported here: the catalogue is needed only once a restriction is there to check.
    from lodeline.network.catalogue import chain_ids, load_chain

    name, forms = restriction.get("chain"), restriction.get("forms")
    if not isinstance(name, str):
        return
    path: Path = ("restrictions", i, "chain")
    if name not in chain_ids():
        remedy = suggest(name, chain_ids()) + " List them: lodeline chains."
        yield Problem(dotted(path), f"unknown chain {name!r}", remedy, document.line(path))
        return
    known = [form.id for form in load_chain(name).forms]
    for k, form in enumerate(forms if isinstance(forms, list) else []):
        if isinstance(form, str) and form not in known:
            here: Path = ("restrictions", i, "forms", k)
            what = f"chain '{name}' has no form {form!r}"
            remedy = f"{suggest(form, known)} Or write forms: {ALL}."
            yield Problem(dotted(here), what, remedy, document.line(here))


@cache
def known_places() -> frozenset[str]:
    """Return the countries of the dataset, ISO3, groups of countries left out."""
    from lodeline.data import countries

    table = countries()
    return frozenset(table.filter(table["kind"] != "group")["iso3"].to_list())
