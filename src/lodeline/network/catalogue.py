"""The catalogue of chains: those in the package and the user's own, read and checked.

A chain file with mistakes raises one `SpecError` that lists all of them, each with its place, the
value found and what to do about it. No damage of a file gets out as another exception.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lodeline.errors import InputError, Problem, SpecError, UnknownNameError
from lodeline.network.chain import Chain
from lodeline.network.chain_names import dataset_problems
from lodeline.network.chain_problems import cross_problems, field_problems
from lodeline.network.estimates import with_estimates
from lodeline.network.toml_lines import key_lines

__all__ = ["chain_ids", "chain_text", "load_all", "load_chain", "parse_chain"]

MAX_BYTES = 1_000_000
"""A chain file is a few hundred lines; more is something else."""


def chain_ids() -> tuple[str, ...]:
    """Return the identifiers of the chains in the package, sorted."""
    return tuple(sorted(_packaged_files()))


def load_all() -> dict[str, Chain]:
    """Return all chains in the package by identifier."""
    return {chain: load_chain(chain) for chain in chain_ids()}


def load_chain(path_or_id: str | Path) -> Chain:
    """Return a chain of the package by its identifier, or the user's own from a TOML file.

    Parameters
    ----------
    path_or_id
        An identifier (``rare-earths``), or a path: a `Path`, or a text that ends in ``.toml`` or
        holds a folder separator.

    Raises
    ------
    UnknownNameError
        If there is no chain of that name.
    InputError
        If the file cannot be read.
    SpecError
        If the file has mistakes: all of them at once.

    Examples
    --------
    >>> load_chain("rare-earths").form("metals").unit
    't metal'
    """
    if isinstance(path_or_id, Path) or _looks_like_path(path_or_id):
        path = Path(path_or_id)
        return parse_chain(_read(path), source=str(path))
    if path_or_id not in chain_ids():
        remedy = "List them: lodeline chains. A file of your own ends in .toml."
        remedy = f"{_where_it_is(path_or_id)} {remedy}".strip()
        raise UnknownNameError("chain", path_or_id, chain_ids(), remedy)
    return _packaged_chain(path_or_id)


def _where_it_is(name: str) -> str:
    """Return in a sentence which chains have a form or material of that name; nothing if none."""
    plain = name.strip().lower().replace(" ", "-").replace("_", "-")
    chains = load_all()
    of_form = [c.id for c in chains.values() if plain in [f.id for f in c.forms]]
    of_material = [c.id for c in chains.values() if plain == c.material.replace(" ", "-")]
    for what, found in (("material", of_material), ("form", of_form)):
        if found:
            return f"Chains with a {what} '{plain}': {', '.join(sorted(found))}."
    return ""


def chain_text(chain_id: str) -> str:
    """Return the TOML text of a chain in the package, to start one of your own from."""
    if chain_id not in chain_ids():
        raise UnknownNameError("chain", chain_id, chain_ids(), "List them: lodeline chains.")
    return _packaged_files()[chain_id].read_text(encoding="utf-8")


def parse_chain(raw: bytes, *, source: str, check_names: bool = True) -> Chain:
    """Return the chain that a TOML document declares.

    Parameters
    ----------
    raw
        The document as bytes.
    source
        What messages call the document: its path.
    check_names
        Whether codes, countries and tables must be in the dataset (which is read for that).

    Raises
    ------
    SpecError
        If the document has mistakes: all of them at once.
    """
    text = _decode(raw, source)
    document = with_estimates(_parse(text, source))
    lines = key_lines(text)
    problems: list[Problem] = []
    chain: Chain | None = None
    try:
        chain = Chain.model_validate(document)
    except ValidationError as error:
        problems += field_problems(error, document, lines)
    problems += cross_problems(document, lines)
    if check_names:
        seen = {problem.place for problem in problems}
        problems += [p for p in dataset_problems(document, lines) if p.place not in seen]
    if chain is None or problems:
        problems = problems or [Problem("chain", "parts do not fit", "See docs/chains.md.")]
        raise SpecError(source, sorted(set(problems), key=lambda p: (p.line or 0, p.place)))
    return chain


@cache
def _packaged_chain(chain_id: str) -> Chain:
    resource = _packaged_files()[chain_id]
    source = f"chain '{chain_id}' of the package"
    return parse_chain(resource.read_bytes(), source=source, check_names=False)


def _packaged_files() -> Mapping[str, Traversable]:
    folder = files("lodeline.network") / "chains"
    found = (f for f in folder.iterdir() if f.name.endswith(".toml"))
    return {f.name.removesuffix(".toml"): f for f in found}


def _looks_like_path(text: str) -> bool:
    return text.endswith(".toml") or "/" in text or "\\" in text


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(
                f"chain file '{path}' has more than {MAX_BYTES:,} bytes, which no chain needs. "
                "Is it another file?"
            )
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"cannot read chain file '{path}': {reason}. Check the path, or name a chain of the "
            "package (list them: lodeline chains)."
        ) from error


def _decode(raw: bytes, source: str) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        what = f"byte {raw[error.start]:#04x} is not UTF-8 text"
        problem = Problem("document", what, "Save the file as UTF-8; is it a TOML file?", line)
        raise SpecError(source, [problem]) from error
    if not text.strip():
        remedy = "Write a chain as docs/chains.md shows, or copy one: lodeline chains --show ID."
        raise SpecError(source, [Problem("document", "the file is empty", remedy)])
    return text


def _parse(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(source, list(_syntax_problems(str(error), text))) from error
    except (ValueError, OverflowError, RecursionError) as error:
        what = f"a value is out of range or nested too deep ({type(error).__name__})"
        remedy = "Write plain numbers, texts and tables as docs/chains.md shows."
        raise SpecError(source, [Problem("document", what, remedy)]) from error


def _syntax_problems(message: str, text: str) -> Iterator[Problem]:
    """Yield the parser's complaint with its line."""
    match = re.search(r"\(at line (\d+), column (\d+)\)", message)
    line = int(match[1]) if match else len(text.splitlines())
    what = re.sub(r"\s*\(at .*\)$", "", message)
    yield Problem(
        "document",
        f"no valid TOML: {what[:1].lower()}{what[1:]}",
        "Mend this line or the one before it: an open quote or bracket, a key written twice, a "
        "value without quotes.",
        line,
    )
