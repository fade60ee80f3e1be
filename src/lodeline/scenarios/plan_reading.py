"""Text to `ActionPlan`, with every problem gathered and placed.

A plant may name a ``project`` of the bundled table of projects: what the file leaves out (money to
build, output, lead time, source) is then taken from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from lodeline.errors import InputError, Problem, SpecError, suggest
from lodeline.scenarios.ensemble_reading import load_ensemble, parse_ensemble
from lodeline.scenarios.file_kind import FileKind, check_kind
from lodeline.scenarios.groups import GROUPS
from lodeline.scenarios.levels import Goal, MinimumCover, MinimumShare, SupplierLimit, UnmetLimit
from lodeline.scenarios.measures import (
    Access,
    ActionPlan,
    Capacity,
    MeasureKind,
    Offtake,
    Partner,
    Recycling,
    Stock,
    Substitution,
)
from lodeline.scenarios.names import known_places
from lodeline.scenarios.reading import model_problems, read_bytes
from lodeline.scenarios.restrictions import Uncertain
from lodeline.scenarios.spec import Assumption
from lodeline.scenarios.yaml_text import Document, Path, dotted, parse_yaml

if TYPE_CHECKING:
    from lodeline.network.chain import Chain

__all__ = ["load_plan", "parse_plan"]

KINDS: Mapping[str, type[BaseModel]] = {
    MeasureKind.CAPACITY: Capacity,
    MeasureKind.RECYCLING: Recycling,
    MeasureKind.SUBSTITUTION: Substitution,
    MeasureKind.STOCK: Stock,
    MeasureKind.OFFTAKE: Offtake,
    MeasureKind.ACCESS: Access,
}

LEVELS: Mapping[str, type[BaseModel]] = {
    "minimum_shares": MinimumShare,
    "minimum_cover": MinimumCover,
    "supplier_limits": SupplierLimit,
    "unmet_limits": UnmetLimit,
}

_OVERRUN_LOW, _OVERRUN_HIGH = 1.0, 1.5
"""Cost over the published figure: projects in the table came out 1.39 to 1.76 times as dear."""


def load_plan(path: FilePath, *, chains: Mapping[str, Chain] | None = None) -> ActionPlan:
    """Return the action plan in a file.

    Parameters
    ----------
    path
        The file (.yaml).
    chains
        Chains of the user's own, by identifier.

    Raises
    ------
    InputError
        If the file cannot be read.
    SpecError
        With all problems, if the content is wrong.
    """
    return parse_plan(read_bytes(path), source=str(path), folder=path.parent, chains=chains)


def parse_plan(
    raw: bytes,
    *,
    source: str,
    folder: FilePath | None = None,
    chains: Mapping[str, Chain] | None = None,
) -> ActionPlan:
    """Read an action plan from the bytes of a YAML file.

    Parameters
    ----------
    raw
        The file's bytes.
    source
        Name of the file for messages.
    folder
        Where paths of ensembles start from.
    chains
        Chains of the user's own, by identifier.

    Raises
    ------
    SpecError
        With all problems, if the content is wrong.
    """
    document = parse_yaml(raw, source=source)
    check_kind(document, FileKind.PLAN, source=source)
    problems = [*document.problems, *_name_problems(document, chains or {})]
    data = dict(document.data)
    failed: set[str] = set()
    if "futures" in data:
        found = _futures(document, data["futures"], folder, chains or {})
        if isinstance(found, Problem):
            problems.append(found)
            failed.add(found.place)
        else:
            data["futures"] = found
    data["measures"] = _with_projects(document, problems)
    plan = None
    try:
        plan = ActionPlan.model_validate(data)
    except ValidationError as error:
        found_problems = model_problems(
            error.errors(),
            replace(document, data=data),
            _known_keys,
            tuple(KINDS),
            page="docs/plan.md",
        )
        problems += (p for p in found_problems if p.place not in failed)
    if problems or plan is None:
        raise SpecError(source, sorted(set(problems), key=lambda p: (p.line or 0, p.place)))
    return plan


def _futures(
    document: Document,
    given: object,
    folder: FilePath | None,
    chains: Mapping[str, Chain],
) -> object:
    """Return the ensemble that is meant, or the problem with it."""
    path: Path = ("futures",)
    if not isinstance(given, str):
        what = "the futures are written out"
        return Problem(dotted(path), what, "Give an ensemble's name or file.", document.line(path))
    name = (
        str(folder / given) if folder is not None and given.endswith((".yaml", ".yml")) else given
    )
    try:
        if name == given:
            return load_ensemble(name, chains=chains)
        file = FilePath(name)
        return parse_ensemble(read_bytes(file), source=name, folder=file.parent, chains=chains)
    except InputError as error:
        text = " ".join(str(error).split()).rstrip(".")
        return Problem(dotted(path), text, "Correct it.", document.line(path))


def _with_projects(document: Document, problems: list[Problem]) -> object:
    """Return the measures with what their projects say where the file is silent."""
    measures = document.data.get("measures")
    if not isinstance(measures, list):
        return measures
    out: list[object] = []
    for i, measure in enumerate(measures):
        if not isinstance(measure, dict) or "project" not in measure:
            out.append(measure)
            continue
        own = {k: v for k, v in measure.items() if k != "project"}
        found = _project(str(measure["project"]))
        if found is None:
            path: Path = ("measures", i, "project")
            remedy = suggest(str(measure["project"]), _projects())
            what = f"unknown project {measure['project']!r}"
            problems.append(Problem(dotted(path), what, remedy, document.line(path)))
            found = {}
        out.append({**_scaled(found, own), **own})
    return out


def _projects() -> list[str]:
    from lodeline.data import projects

    return [str(x) for x in projects()["id"].to_list()]


def _project(name: str) -> dict[str, Any] | None:
    from lodeline.data import projects

    table = projects()
    rows = table.filter(table["id"] == name).to_dicts()
    return rows[0] if rows else None


def _scaled(project: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields of a measure from a project: all of it, or in proportion to the output."""
    if not project:
        return {}
    out: dict[str, Any] = {"source": f"{project['project']} ({project['source']})"}
    if project["lead_time_years"] is not None:
        out["lead_years"] = float(project["lead_time_years"])
    capacity, money = project["capacity"], project["capex_usd_m"]
    if capacity and "tonnes_per_year" not in own:
        out["tonnes_per_year"] = float(capacity)
    if money is not None and capacity:
        given = own.get("tonnes_per_year", capacity)
        tonnes = float(given["value"] if isinstance(given, dict) else given)
        usd = 1e6 * float(money) * tonnes / float(capacity)
        out["capex_usd"] = {
            "value": usd, "low": _OVERRUN_LOW * usd, "high": _OVERRUN_HIGH * usd,
            "source": f"{out['source']}, in proportion to output; upper end: usual overrun",
        }  # fmt: skip
    return out


def _name_problems(document: Document, own: Mapping[str, Chain]) -> Iterator[Problem]:
    """Yield countries, chains and forms that do not exist."""
    places = known_places()
    for path, item in _items(document, "measures"):
        for key in ("country", "origin"):
            yield from _unknown_place(document, (*path, key), item.get(key), places)
        yield from _unknown_form(document, path, item, own)
    for name in LEVELS:
        for path, item in _items(document, name):
            named = item.get("countries")
            for i, place in enumerate(named if isinstance(named, list) else []):
                here = (*path, "countries", i)
                yield from _unknown_place(document, here, place, places | set(GROUPS))
            yield from _unknown_form(document, path, item, own)


def _items(document: Document, key: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the path of every entry of a list, and the entry."""
    found = document.data.get(key)
    for i, item in enumerate(found if isinstance(found, list) else []):
        if isinstance(item, dict):
            yield (key, i), item


def _unknown_place(
    document: Document, path: Path, name: object, places: Set[str]
) -> Iterator[Problem]:
    if isinstance(name, str) and name not in places:
        remedy = suggest(name, places) + " Countries are ISO 3166 alpha-3 codes."
        yield Problem(dotted(path), f"unknown country {name!r}", remedy, document.line(path))


def _unknown_form(
    document: Document, path: Path, item: Mapping[str, Any], own: Mapping[str, Chain]
) -> Iterator[Problem]:
    from lodeline.network.catalogue import chain_ids, load_chain

    chain, form = item.get("chain"), item.get("form")
    if not isinstance(chain, str):
        return
    known = {*chain_ids(), *own}
    if chain not in known:
        here = (*path, "chain")
        remedy = suggest(chain, known) + " List them: lodeline chains."
        yield Problem(dotted(here), f"unknown chain {chain!r}", remedy, document.line(here))
        return
    forms = [f.id for f in (own.get(chain) or load_chain(chain)).forms]
    if isinstance(form, str) and form not in forms:
        here = (*path, "form")
        what = f"chain '{chain}' has no form {form!r}"
        yield Problem(dotted(here), what, suggest(form, forms), document.line(here))


def _known_keys(path: Path, data: object) -> list[str]:
    """Return the keys that are known beside the last one of the path."""
    match path[:-1]:
        case ():
            return list(ActionPlan.model_fields)
        case ("goal",):
            return list(Goal.model_fields)
        case ("partners", int()):
            return list(Partner.model_fields)
        case (str() as name, int()) if name in LEVELS:
            return list(LEVELS[name].model_fields)
        case ("assumptions", int()):
            return list(Assumption.model_fields)
        case ("measures", int() as i):
            here: Any = data
            kind = here["measures"][i].get("type")
            return [*KINDS[kind].model_fields, "project"] if kind in KINDS else ["type"]
    return list(Uncertain.model_fields)
