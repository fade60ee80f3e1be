"""Text to `Scenario`, with every problem gathered, placed and given a remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lodeline.errors import InputError, Problem, SpecError, suggest
from lodeline.scenarios.file_kind import FileKind, check_kind
from lodeline.scenarios.names import key_problems, name_problems
from lodeline.scenarios.restriction_base import Follows
from lodeline.scenarios.restrictions import (
    Ban,
    Closure,
    DemandSurge,
    Extraterritorial,
    Kind,
    Licence,
    Outage,
    PanicBuying,
    PriceFloor,
    Quota,
    Sanction,
    StockRelease,
    Tax,
    Uncertain,
)
from lodeline.scenarios.spec import Assumption, Scenario, Source
from lodeline.scenarios.stock_rule import Stocks
from lodeline.scenarios.yaml_text import MAX_BYTES, Document, Path, dotted, parse_yaml

if TYPE_CHECKING:
    from lodeline.network.chain import Chain

__all__ = ["check_scenario", "model_problems", "parse_scenario", "read_bytes", "read_scenario"]

KnownKeys = Callable[[Path, object], list[str]]

KINDS: Mapping[str, type[BaseModel]] = {
    Kind.BAN: Ban,
    Kind.QUOTA: Quota,
    Kind.LICENCE: Licence,
    Kind.TAX: Tax,
    Kind.OUTAGE: Outage,
    Kind.SANCTION: Sanction,
    Kind.EXTRATERRITORIAL: Extraterritorial,
    Kind.PRICE_FLOOR: PriceFloor,
    Kind.CLOSURE: Closure,
    Kind.DEMAND_SURGE: DemandSurge,
    Kind.PANIC_BUYING: PanicBuying,
    Kind.STOCK_RELEASE: StockRelease,
}


def read_bytes(path: FilePath) -> bytes:
    """Return a file's bytes.

    Raises
    ------
    InputError
        If the file does not exist or cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path}: {reason}. Give the path of a scenario file.") from error


def read_scenario(path: FilePath, *, chains: Mapping[str, Chain] | None = None) -> Scenario:
    """Read a scenario from a file.

    Parameters
    ----------
    path
        The file.
    chains
        Chains of the user's own that the scenario may name, by identifier.

    Raises
    ------
    InputError
        If the file cannot be read.
    SpecError
        With all problems, if its content is wrong.
    """
    return parse_scenario(read_bytes(path), source=str(path), chains=chains)


def parse_scenario(
    raw: bytes,
    *,
    source: str,
    check_names: bool = True,
    chains: Mapping[str, Chain] | None = None,
) -> Scenario:
    """Read a scenario from the bytes of a YAML file.

    Parameters
    ----------
    raw
        The file's bytes.
    source
        Name of the file for messages.
    check_names
        Whether to look up countries, chains and forms, which loads tables.
    chains
        Chains of the user's own that the scenario may name, by identifier.

    Raises
    ------
    SpecError
        With all problems, if the content is wrong.
    """
    document = parse_yaml(raw, source=source)
    check_kind(document, FileKind.SCENARIO, source=source)
    scenario, problems = check_scenario(document, check_names=check_names, chains=chains)
    if problems or scenario is None:
        raise SpecError(source, problems)
    return scenario


def check_scenario(
    document: Document,
    *,
    check_names: bool = True,
    chains: Mapping[str, Chain] | None = None,
) -> tuple[Scenario | None, list[Problem]]:
    """Return the scenario in a document, if it is one, and its problems in the order of the file.

    Parameters
    ----------
    document
        Plain data with lines.
    check_names, chains
        See `parse_scenario`.
    """
    doubles = tuple(key_problems(document))
    problems = [*document.problems, *doubles]
    scenario = None
    try:
        scenario = Scenario.model_validate(document.data)
    except ValidationError as error:
        found = model_problems(error.errors(), document)
        # The check of the whole file says again what `key_problems` says with its line.
        problems += (p for p in found if not (doubles and p.place == dotted(())))
    if check_names:
        problems += name_problems(document, chains or {})
    return scenario, sorted(set(problems), key=lambda p: (p.line or 0, p.place))


def model_problems(
    errors: Iterable[ErrorDetails],
    document: Document,
    known_keys: KnownKeys | None = None,
    kinds: Sequence[str] = tuple(KINDS),
    *,
    page: str = "docs/scenarios.md",
) -> Iterator[Problem]:
    """Yield the findings of pydantic in words, with line and remedy.

    Parameters
    ----------
    errors
        What pydantic found.
    document
        The data that it looked at.
    known_keys
        Returns the keys that may stand beside the last one of a path; default those of a scenario.
    kinds
        Values of ``type`` that tell members of a union apart; default those of restrictions.
    page
        Where the keys are explained.
    """
    details = [e for e in errors if e["type"] != "default_factory_not_called"]
    for detail in details:
        if detail["type"] == "too_short" and detail["input"]:
            continue  # pydantic counts the valid items only; the invalid ones are reported anyway
        path = _data_path(detail["loc"], document.data, kinds)
        if detail["type"] == "missing":
            what, remedy = f"'{path[-1]}' is missing", f"Add it; {page} tells what it means."
        else:
            what, remedy = _words(detail, path, document.data, known_keys or _known_keys, kinds)
        yield Problem(dotted(path), what, remedy, document.line(path))


def _data_path(loc: tuple[str | int, ...], data: object, kinds: Sequence[str]) -> Path:
    """Return the location as a path into the data, without the names of union members."""
    path: list[str | int] = []
    here: object = data
    for part in loc:
        if isinstance(here, dict) and isinstance(part, str):
            if part in kinds and part not in here:
                continue
            path.append(part)
            here = here.get(part)
        elif isinstance(here, list) and isinstance(part, int):
            path.append(part)
            here = here[part] if part < len(here) else None
    return tuple(path)


def _words(
    detail: ErrorDetails, path: Path, data: object, known_keys: KnownKeys, kinds: Sequence[str]
) -> tuple[str, str]:
    """Return what is wrong, with the value, and what to do."""
    kind, shown = detail["type"], _shown(detail["input"])
    context = detail.get("ctx", {})
    name = str(path[-1]) if path else "file"
    match kind:
        case "extra_forbidden":
            remedy = suggest(name, known_keys(path, data)) + " Unknown keys are not ignored."
            return f"unknown key '{name}'", remedy
        case "union_tag_invalid":
            return f"unknown type {_shown(context.get('tag'))}", suggest(
                str(context.get("tag")), kinds
            )
        case "union_tag_not_found":
            return "'type' is missing", f"Add one of {', '.join(kinds)}."
        case "model_type" | "dict_type":
            return f"{shown} is not a mapping", _mapping_remedy(detail)
        case "tuple_type":
            return f"{shown} is not a list", "Write a list, for example [JPN, ITA]."
        case "float_type" | "int_type" | "bool_type" | "string_type":
            return f"{shown} has the wrong type", f"Write {_WANTED[kind]}."
        case "string_pattern_mismatch":
            return f"{shown} is not well formed", _pattern_remedy(str(context.get("pattern")))
        case "literal_error" | "enum":
            return f"{shown} is not allowed", f"Write {context.get('expected')}."
        case "less_than_equal" if context.get("le") == 1:
            return f"{shown} is no share", "Shares run from 0 to 1: write 0.2 for 20 percent."
        case "value_error":
            message = str(context.get("error", detail["msg"]))
            return message.rstrip("."), "Correct one of them." if len(path) < 3 else "Correct it."
    return f"{shown}: {detail['msg'][:1].lower()}{detail['msg'][1:]}", "Correct it."


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _mapping_remedy(detail: ErrorDetails) -> str:
    if str(detail.get("ctx", {}).get("class_name", "")) in _UNCERTAIN:
        return "Write a number, or value, low and high."
    return "Write 'key: value' lines, indented."


_WANTED = {
    "float_type": "a number",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "string_type": "text, in quotes if it looks like a number",
}
_UNCERTAIN = {"Uncertain", "Share", "NonNegative"}


def _pattern_remedy(pattern: str) -> str:
    if pattern == r"^[A-Z][A-Z0-9]{2}$":
        return "Write an ISO 3166 alpha-3 code such as JPN; a group of countries does not go here."
    if pattern.startswith("^[A-Z]"):
        return "Write an ISO 3166 alpha-3 code such as JPN, or a group such as EU27."
    if pattern.startswith("^https"):
        return "Write an address that begins with https://."
    if pattern.startswith(r"^\d{4}"):
        return "Write YYYY, YYYY-MM or YYYY-MM-DD."
    return "Write lower-case letters and digits, words joined by '-'."


def _known_keys(path: Path, data: object) -> list[str]:
    """Return the keys that are known beside the last one of the path."""
    parent = path[:-1]
    if not parent:
        return list(Scenario.model_fields)
    if parent[0] == "sources":
        return list(Source.model_fields)
    if parent[0] == "assumptions":
        return list(Assumption.model_fields)
    if parent[0] == "stocks":
        return list((Stocks if len(parent) == 1 else Uncertain).model_fields)
    if len(parent) > 2:
        if parent[-1] == "approval_by_use":
            return []
        own = Follows if parent[-1] == "follows" else Uncertain
        return list(own.model_fields)
    here: Any = data
    for part in parent:
        here = here[part]
    kind = here.get("type") if isinstance(here, dict) else None
    return list(KINDS[kind].model_fields) if isinstance(kind, str) and kind in KINDS else ["type"]
