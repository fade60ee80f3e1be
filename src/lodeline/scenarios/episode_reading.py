"""Text to `Episode`, with every problem gathered; the episodes that ship with Lodeline."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path as FilePath

from pydantic import ValidationError

from lodeline.errors import Problem, SpecError, UnknownNameError, suggest
from lodeline.scenarios.episode import HS6_DIGITS, Cited, Episode
from lodeline.scenarios.file_kind import FileKind, check_kind
from lodeline.scenarios.groups import GROUPS
from lodeline.scenarios.names import known_places
from lodeline.scenarios.reading import model_problems, read_bytes
from lodeline.scenarios.restrictions import Share
from lodeline.scenarios.yaml_text import Document, Path, dotted, parse_yaml

__all__ = ["episode_codes", "episode_ids", "episode_text", "load_episode", "parse_episode"]

_SUFFIXES = (".yaml", ".yml")


def episode_ids() -> tuple[str, ...]:
    """Return the identifiers of the bundled episodes, sorted."""
    folder = resources.files("lodeline.scenarios").joinpath("episodes")
    names = (item.name for item in folder.iterdir())
    return tuple(sorted(n.removesuffix(".yaml") for n in names if n.endswith(".yaml")))


def load_episode(name: str | FilePath) -> Episode:
    """Return a bundled episode by its identifier, or one from a file.

    Parameters
    ----------
    name
        Identifier, or a path: anything that ends in .yaml or .yml or holds a separator.

    Raises
    ------
    UnknownNameError
        If no bundled episode has that identifier.
    InputError
        If the file cannot be read.
    SpecError
        With all problems, if the content is wrong.

    Examples
    --------
    >>> load_episode("indonesia-nickel-ore-2014").restricting
    ('IDN',)
    """
    if _is_path(name):
        return parse_episode(read_bytes(FilePath(name)), source=str(name))
    # The names in bundled episodes are proved by a test; looking them up again costs a second.
    return parse_episode(_bundled(str(name)), source=f"episode {name}", check_names=False)


def episode_text(name: str) -> str:
    """Return the YAML of a bundled episode as it stands in its file.

    Raises
    ------
    UnknownNameError
        If no bundled episode has that identifier.
    """
    return _bundled(name).decode("utf-8")


def parse_episode(raw: bytes, *, source: str, check_names: bool = True) -> Episode:
    """Read an episode from the bytes of a YAML file.

    Parameters
    ----------
    raw
        The file's bytes.
    source
        Name of the file for messages.
    check_names
        Whether to look up countries, chains, forms, codes and years, which loads tables.

    Raises
    ------
    SpecError
        With all problems, if the content is wrong.
    """
    document = parse_yaml(raw, source=source)
    check_kind(document, FileKind.EPISODE, source=source)
    problems = [*document.problems]
    episode = None
    try:
        episode = Episode.model_validate(document.data)
    except ValidationError as error:
        problems += model_problems(error.errors(), document, _known_keys, page="docs/episodes.md")
    if check_names:
        problems += _name_problems(document)
    if problems or episode is None:
        raise SpecError(source, sorted(set(problems), key=lambda p: (p.line or 0, p.place)))
    return episode


def episode_codes(episode: Episode) -> tuple[str, ...]:
    """Return the HS6 codes that the episode watches: its own, else those of the chain's form.

    Raises
    ------
    UnknownNameError
        If the chain does not exist or has no such form.
    """
    if episode.codes or episode.chain is None:
        return episode.codes
    from lodeline.network.catalogue import load_chain

    forms = {form.id: form for form in load_chain(episode.chain).forms}
    if episode.form not in forms:
        raise UnknownNameError(f"form of chain '{episode.chain}'", episode.form, forms)
    return tuple(code.code for code in forms[episode.form].codes)


def _is_path(name: str | FilePath) -> bool:
    return isinstance(name, FilePath) or name.endswith(_SUFFIXES) or "/" in name or "\\" in name


def _bundled(name: str) -> bytes:
    if name not in episode_ids():
        remedy = "A file needs the ending .yaml."
        raise UnknownNameError("episode", name, episode_ids(), remedy)
    folder = resources.files("lodeline.scenarios").joinpath("episodes")
    return folder.joinpath(f"{name}.yaml").read_bytes()


def _known_keys(path: Path, data: object) -> list[str]:
    """Return the keys that are known beside the last one of the path."""
    del data
    match path[:-1]:
        case ():
            return list(Episode.model_fields)
        case ("severity",):
            return list(Share.model_fields)
    return list(Cited.model_fields)


def _name_problems(document: Document) -> Iterator[Problem]:
    """Yield countries, chains, forms, codes and years that do not exist."""
    places = known_places() | set(GROUPS)
    for key in ("restricting", "target"):
        for path, name in _texts(document, key):
            if name not in places:
                remedy = suggest(name, places) + " Countries are ISO 3166 alpha-3 codes."
                yield _problem(document, path, f"unknown country {name!r}", remedy)
    yield from _chain_problems(document)
    yield from _code_problems(document)
    yield from _year_problems(document)


def _texts(document: Document, key: str) -> Iterator[tuple[Path, str]]:
    """Yield the texts of a list with their paths."""
    value = document.data.get(key)
    for i, item in enumerate(value if isinstance(value, list) else []):
        if isinstance(item, str):
            yield (key, i), item


def _problem(document: Document, path: Path, what: str, remedy: str) -> Problem:
    return Problem(dotted(path), what, remedy, document.line(path))


def _chain_problems(document: Document) -> Iterator[Problem]:
    # Imported here: the catalogue is needed only once there is a chain to check.
    from lodeline.network.catalogue import chain_ids, load_chain

    chain, form = document.data.get("chain"), document.data.get("form")
    if not isinstance(chain, str):
        return
    if chain not in chain_ids():
        remedy = suggest(chain, chain_ids()) + " List them: lodeline chains."
        yield _problem(document, ("chain",), f"unknown chain {chain!r}", remedy)
        return
    forms = {f.id: [code.code for code in f.codes] for f in load_chain(chain).forms}
    if isinstance(form, str) and form not in forms:
        what = f"chain '{chain}' has no form {form!r}"
        yield _problem(document, ("form",), what, suggest(form, forms))
        return
    known = forms.get(str(form), [])
    codes = document.data.get("codes")
    for i, code in enumerate(codes if isinstance(codes, list) else []):
        if str(code) not in known:
            what = f"form '{form}' of chain '{chain}' has no code {code}"
            remedy = suggest(str(code), known) + " Or leave the chain out."
            yield _problem(document, ("codes", i), what, remedy)


def _code_problems(document: Document) -> Iterator[Problem]:
    from lodeline.data import products

    known = products()["code"].to_list()
    codes = document.data.get("codes")
    for i, code in enumerate(codes if isinstance(codes, list) else []):
        is_code = len(str(code)) == HS6_DIGITS
        if is_code and str(code) not in known:
            remedy = suggest(str(code), known) + " See lodeline.data.products()."
            yield _problem(document, ("codes", i), f"the trade data have no code {code}", remedy)


def _year_problems(document: Document) -> Iterator[Problem]:
    from lodeline.data import code_status

    status = code_status()
    first, last = min(status["first_year"].to_list()), max(status["last_year"].to_list())
    for key in ("base_years", "predict_years"):
        years = document.data.get(key)
        for i, year in enumerate(years if isinstance(years, list) else []):
            if isinstance(year, int) and not first <= year <= last:
                what = f"the trade data have no year {year}"
                yield _problem(document, (key, i), what, f"Choose from {first} to {last}.")
