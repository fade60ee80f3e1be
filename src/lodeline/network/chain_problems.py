"""What is wrong in a chain file, in words: place, value, remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lodeline.errors import Problem, suggest
from lodeline.network.chain import (
    Absorbed,
    Absorption,
    Behaviour,
    Chain,
    Code,
    CountryStock,
    Exclusion,
    Form,
    Inferred,
    Neighbour,
    NetExports,
    Parameter,
    Recipe,
    RestOfWorld,
    SharesOfWorld,
    TableOutput,
)
from lodeline.network.toml_lines import Path, line_of

__all__ = ["cross_problems", "dotted", "field_problems"]

_OUTPUTS: Mapping[str, type[BaseModel]] = {
    "table": TableOutput,
    "shares": SharesOfWorld,
    "net-exports": NetExports,
    "rest": RestOfWorld,
}
_MODELS: Mapping[tuple[str, ...], type[BaseModel]] = {
    (): Chain,
    ("forms",): Form,
    ("forms", "codes"): Code,
    ("forms", "fallback", "shares"): Absorption,
    ("forms", "inferred"): Inferred,
    ("forms", "inferred", "neighbour"): Neighbour,
    ("forms", "inferred", "absorption"): Absorption,
    ("forms", "inferred", "absorbed"): Absorbed,
    ("recipes",): Recipe,
    ("behaviour",): Behaviour,
    ("exclusions",): Exclusion,
    ("stocks",): CountryStock,
}
_TYPES: Mapping[str, str] = {
    "float_type": "Write a number without quotes.",
    "int_type": "Write a whole number without quotes.",
    "bool_type": "Write true or false without quotes.",
    "string_type": "Write a text in quotes.",
    "tuple_type": "Write a list in square brackets, or a table in double brackets.",
    "dict_type": "Write a table.",
    "model_type": "Write a table.",
    "model_attributes_type": "Write a table.",
}
_PATTERNS: Mapping[str, str] = {
    "code": "Write a six-digit HS92 code in quotes.",
    "codes": "Write six-digit HS92 codes in quotes.",
    "countries": "Write ISO 3166 alpha-3 codes in capitals.",
    "country": "Write an ISO 3166 alpha-3 code in capitals.",
    "exporter": "Write an ISO 3166 alpha-3 code in capitals.",
    "importer": "Write an ISO 3166 alpha-3 code in capitals.",
    "origins": "Write an ISO 3166 alpha-3 code in capitals.",
    "share_by_country": "Write an ISO 3166 alpha-3 code in capitals.",
}
_UNITS: Mapping[str, str] = {"string_too_short": "characters", "too_short": "entries"}
_IDENTIFIER = "Write small letters, digits and single hyphens, a letter first."


def field_problems(
    error: ValidationError, document: Mapping[str, Any], lines: Mapping[Path, int]
) -> Iterator[Problem]:
    """Yield one problem for each field that the schema refuses."""
    for detail in error.errors(include_url=False):
        path = _document_path(detail["loc"], document)
        if not path:
            continue  # Problems between fields: `cross_problems` names their places.
        if detail["type"] == "too_short" and detail["input"]:
            continue  # The list is not empty: its items have problems of their own.
        what, remedy = _words(detail, path, document)
        yield Problem(dotted(path), what, remedy, line_of(lines, path))


def cross_problems(document: Mapping[str, Any], lines: Mapping[Path, int]) -> Iterator[Problem]:
    """Yield the problems between parts of a chain: names that do not meet.

    The document may have other mistakes; what is not of the right type is passed over here.
    """

    def problem(path: Path, what: str, remedy: str) -> Problem:
        return Problem(dotted(path), what, remedy, line_of(lines, path))

    forms = _tables(document.get("forms"))
    ids = [f["id"] for _, f in forms if isinstance(f.get("id"), str)]
    codes = [str(c.get("code")) for _, f in forms for _, c in _tables(f.get("codes"))]
    for i, form in forms:
        if form.get("id") in ids[: sum(j < i for j, _ in forms)]:
            what = f"form '{form['id']}' is there twice"
            yield problem(("forms", i, "id"), what, "Give each form an id of its own.")
    for path, name in _form_names(document):
        if name not in ids:
            yield problem(path, f"unknown form '{name}'", suggest(name, ids))
    for i, recipe in _tables(document.get("recipes")):
        makes, inputs = recipe.get("makes"), recipe.get("inputs")
        for name in inputs if isinstance(inputs, dict) else ():
            if makes in ids and name in ids and ids.index(name) >= ids.index(makes):
                what = f"input '{name}' does not come before '{makes}' in the list of forms"
                remedy = "Put the forms in the order of the flow; a recipe may not turn in circles."
                yield problem(("recipes", i, "inputs", name), what, remedy)
    for i, rule in _tables(document.get("exclusions")):
        code = rule.get("code")
        if isinstance(code, str) and code not in codes:
            yield problem(
                ("exclusions", i, "code"), f"no form has code '{code}'", suggest(code, codes)
            )


def dotted(path: Path) -> str:
    """Return a path as it is written in messages: ``forms[0].codes[1].content``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _form_names(document: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    for i, recipe in _tables(document.get("recipes")):
        if isinstance(recipe.get("makes"), str):
            yield ("recipes", i, "makes"), recipe["makes"]
        inputs = recipe.get("inputs")
        for name in inputs if isinstance(inputs, dict) else ():
            yield ("recipes", i, "inputs", name), name
    for i, stock in _tables(document.get("stocks")):
        if isinstance(stock.get("form"), str):
            yield ("stocks", i, "form"), stock["form"]


def _tables(value: object) -> list[tuple[int, dict[str, Any]]]:
    items = value if isinstance(value, list) else []
    return [(i, item) for i, item in enumerate(items) if isinstance(item, dict)]


def _document_path(loc: tuple[int | str, ...], document: Mapping[str, Any]) -> Path:
    """Return the place in the document: the schema's own steps (tags of unions) taken out."""
    path: Path = ()
    value: object = document
    for i, part in enumerate(loc):
        is_last = i == len(loc) - 1
        child = _child(value, part)
        is_tag = isinstance(value, dict) and child is None and value.get("kind") == part
        if part == "[key]" or is_tag or (child is None and isinstance(part, str) and not is_last):
            continue
        path, value = (*path, part), child
    return path


def _child(value: object, part: int | str) -> object:
    """Return the item or entry of that name; None where there is none."""
    if isinstance(value, dict):
        return value.get(part)
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return value[part]
    return None


def _words(detail: ErrorDetails, path: Path, document: Mapping[str, Any]) -> tuple[str, str]:
    """Return what is wrong and what to do about it."""
    kind, context = detail["type"], detail.get("ctx", {})
    key = str(path[-1])
    shown = _shown(detail["input"])
    if kind == "extra_forbidden":
        known = _model_at(path[:-1], document).model_fields
        return f"unknown key '{key}'", f"{suggest(key, known)} docs/chains.md lists every key."
    if kind == "missing":
        field = _model_at(path[:-1], document).model_fields.get(key)
        meaning = f" {field.description}" if field is not None and field.description else ""
        return "is missing", f"Add it.{meaning}".rstrip(".") + "."
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        given = context.get("tag", "")
        what = f"unknown kind '{given}'" if given else "has no kind"
        return what, f"{suggest(str(given), _OUTPUTS)} Write kind = and one of these."
    if kind == "enum":
        return f"{shown} is not allowed", f"Write {context.get('expected', 'an allowed value')}."
    if kind == "string_pattern_mismatch":
        parents = [p for p in path if isinstance(p, str)]
        remedy = next((_PATTERNS[p] for p in reversed(parents) if p in _PATTERNS), _IDENTIFIER)
        return f"{shown} is not allowed", remedy
    if kind == "finite_number":
        return f"{shown} is not finite", "Write a finite number."
    if kind in ("string_too_short", "too_short"):
        least = context.get("min_length")
        return f"{shown} is too short", f"At least {least} {_UNITS[kind]} are needed."
    if kind in _TYPES:
        return f"{shown} is of the wrong type", _TYPES[kind]
    message = detail["msg"].removeprefix("Value error, ")
    if kind == "value_error":
        return message, "Mend the numbers, or say in source why they are what they are."
    return f"{shown}: {message[:1].lower()}{message[1:]}", "See docs/chains.md."


def _model_at(path: Path, document: Mapping[str, Any]) -> type[BaseModel]:
    """Return the part of the schema that a place of the document belongs to."""
    names = tuple(part for part in path if isinstance(part, str))
    if names in _MODELS:
        return _MODELS[names]
    if names in (("forms", "output"), ("forms", "fallback")):
        value: object = document
        for part in path:
            value = _child(value, part)
        return _OUTPUTS.get(str(_child(value, "kind")), NetExports)
    return Parameter


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
