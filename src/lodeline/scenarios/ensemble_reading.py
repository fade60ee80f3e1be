"""Text to `Ensemble`, with every problem gathered; the ensembles that ship with Lodeline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from pydantic import ValidationError

from lodeline.errors import InputError, Problem, SpecError, UnknownNameError, suggest
from lodeline.scenarios.ensemble_spec import Ensemble, Event, MonthRange, Spread, ensemble_of
from lodeline.scenarios.file_kind import FileKind, check_kind, kind_of
from lodeline.scenarios.groups import GROUPS
from lodeline.scenarios.library import load_scenario, scenario_ids
from lodeline.scenarios.names import known_places
from lodeline.scenarios.reading import check_scenario, model_problems, read_bytes
from lodeline.scenarios.spec import Assumption, Scenario
from lodeline.scenarios.yaml_text import Document, Path, dotted, parse_yaml

if TYPE_CHECKING:
    from lodeline.network.chain import Chain

__all__ = ["ensemble_ids", "load_ensemble", "parse_ensemble"]

_SUFFIXES = (".yaml", ".yml")


def ensemble_ids() -> tuple[str, ...]:
    """Return the identifiers of the bundled ensembles, sorted."""
    folder = resources.files("lodeline.scenarios").joinpath("ensembles")
    names = (item.name for item in folder.iterdir())
    return tuple(sorted(n.removesuffix(".yaml") for n in names if n.endswith(".yaml")))


def load_ensemble(name: str, *, chains: Mapping[str, Chain] | None = None) -> Ensemble:
    """Return an ensemble from a file or the library, or the one of a library scenario.

    Parameters
    ----------
    name
        Path of an ensemble or scenario file (.yaml), identifier of a bundled ensemble, or of a
        bundled scenario: then the scenario happens as written and all its dials are drawn.
    chains
        Chains of the user's own, by identifier.

    Raises
    ------
    UnknownNameError
        If nothing has that name.
    InputError
        If the file cannot be read.
    SpecError
        With all problems, if the content is wrong.

    Examples
    --------
    >>> load_ensemble("china-dual-use-japan-2026").months
    36
    """
    if name.endswith(_SUFFIXES) or "/" in name or "\\" in name:
        path = FilePath(name)
        return parse_ensemble(read_bytes(path), source=name, folder=path.parent, chains=chains)
    if name in ensemble_ids():
        text = resources.files("lodeline.scenarios").joinpath("ensembles", f"{name}.yaml")
        return parse_ensemble(text.read_bytes(), source=f"ensemble {name}", chains=chains)
    if name in scenario_ids():
        return ensemble_of(load_scenario(name, chains=chains))
    known = {*ensemble_ids(), *scenario_ids()}
    remedy = "List scenarios: lodeline scenarios list. A file needs the ending .yaml."
    raise UnknownNameError("ensemble or scenario", name, known, remedy)


def parse_ensemble(
    raw: bytes,
    *,
    source: str,
    folder: FilePath | None = None,
    chains: Mapping[str, Chain] | None = None,
) -> Ensemble:
    """Read an ensemble, or a scenario as its own ensemble, from the bytes of a YAML file.

    Parameters
    ----------
    raw
        The file's bytes.
    source
        Name of the file for messages.
    folder
        Where paths of scenarios start from.
    chains
        Chains of the user's own, by identifier.

    Raises
    ------
    SpecError
        With all problems, if the content is wrong.
    """
    document = parse_yaml(raw, source=source)
    if kind_of(document) is not FileKind.SCENARIO:
        check_kind(document, FileKind.ENSEMBLE, source=source)
    if "restrictions" in document.data and "events" not in document.data:
        scenario, problems = check_scenario(document, chains=chains)
        if problems or scenario is None:
            raise SpecError(source, problems)
        return ensemble_of(scenario)
    problems = [*document.problems, *_asked_problems(document)]
    data, failed = _with_scenarios(document, folder, chains or {}, problems)
    ensemble = None
    try:
        ensemble = Ensemble.model_validate(data)
    except ValidationError as error:
        found = model_problems(
            error.errors(), replace(document, data=data), _known_keys, page="docs/ensembles.md"
        )
        problems += (p for p in found if p.place not in failed)
    if problems or ensemble is None:
        raise SpecError(source, sorted(set(problems), key=lambda p: (p.line or 0, p.place)))
    return ensemble


def _with_scenarios(
    document: Document,
    folder: FilePath | None,
    chains: Mapping[str, Chain],
    problems: list[Problem],
) -> tuple[dict[str, object], set[str]]:
    """Return the data with scenarios in the place of their names, and the places that failed."""
    events = document.data.get("events")
    if not isinstance(events, list):
        return document.data, set()
    failed: set[str] = set()
    out: list[object] = []
    for i, event in enumerate(events):
        if not isinstance(event, dict) or "scenario" not in event:
            out.append(event)
            continue
        path: Path = ("events", i, "scenario")
        scenario, wrong = _scenario(document, path, event["scenario"], folder, chains)
        problems += wrong
        own = {k: v for k, v in event.items() if k != "scenario"}
        if scenario is None:
            failed.add(dotted(path))
        else:
            own["scenario"] = scenario
        out.append(own)
    return {**document.data, "events": out}, failed


def _scenario(
    document: Document,
    path: Path,
    given: object,
    folder: FilePath | None,
    chains: Mapping[str, Chain],
) -> tuple[Scenario | None, list[Problem]]:
    if isinstance(given, dict):
        return _inline(document, path, given, chains)
    if not isinstance(given, str):
        remedy = "Write its identifier, its path, or the scenario itself."
        what = f"{given!r} is no scenario"
        return None, [Problem(dotted(path), what, remedy, document.line(path))]
    is_file = given.endswith(_SUFFIXES)
    name = folder / given if is_file and folder is not None else given
    try:
        return load_scenario(name, chains=chains), []
    except InputError as error:
        text = " ".join(str(error).split())
        return None, [Problem(dotted(path), text.rstrip("."), "Correct it.", document.line(path))]


def _inline(
    document: Document, path: Path, given: dict[str, object], chains: Mapping[str, Chain]
) -> tuple[Scenario | None, list[Problem]]:
    """Check a scenario that is written out, with the lines of the whole file."""
    deep = len(path)
    lines = {p[deep:]: line for p, line in document.lines.items() if p[:deep] == path}
    scenario, problems = check_scenario(Document(given, lines, ()), chains=chains)
    prefix = dotted(path)
    placed = [
        replace(p, place=prefix if p.place == dotted(()) else f"{prefix}.{p.place}")
        for p in problems
    ]
    return (None if problems else scenario), placed


def _asked_problems(document: Document) -> Iterator[Problem]:
    asked = document.data.get("asked")
    known = known_places() | set(GROUPS)
    for i, name in enumerate(asked if isinstance(asked, list) else []):
        if isinstance(name, str) and name not in known:
            path: Path = ("asked", i)
            remedy = suggest(name, known) + " Countries are ISO 3166 alpha-3 codes."
            yield Problem(dotted(path), f"unknown country {name!r}", remedy, document.line(path))


def _known_keys(path: Path, data: object) -> list[str]:
    """Return the keys that are known beside the last one of the path."""
    del data
    match path[:-1]:
        case ():
            return list(Ensemble.model_fields)
        case ("events", int()):
            return list(Event.model_fields)
        case ("dials", str()):
            return list(Spread.model_fields)
        case ("assumptions", int()):
            return list(Assumption.model_fields)
    return list(MonthRange.model_fields)
