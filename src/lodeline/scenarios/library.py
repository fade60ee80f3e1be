"""The scenarios that ship with Lodeline, and the user's own by their path."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from lodeline.errors import UnknownNameError
from lodeline.scenarios.reading import parse_scenario, read_bytes
from lodeline.scenarios.spec import Scenario

if TYPE_CHECKING:
    from lodeline.network.chain import Chain

__all__ = ["load_scenario", "scenario_ids", "scenario_text"]

_SUFFIXES = (".yaml", ".yml")


def scenario_ids() -> tuple[str, ...]:
    """Return the identifiers of the bundled scenarios, sorted."""
    names = (
        item.name for item in resources.files("lodeline.scenarios").joinpath("library").iterdir()
    )
    return tuple(sorted(n.removesuffix(".yaml") for n in names if n.endswith(".yaml")))


def load_scenario(id_or_path: str | Path, *, chains: Mapping[str, Chain] | None = None) -> Scenario:
    """Return a bundled scenario by its identifier, or one from a file.

    Parameters
    ----------
    id_or_path
        Identifier, or a path: anything that ends in .yaml or .yml or holds a separator.
    chains
        Chains of the user's own that the scenario may name, by identifier.

    Raises
    ------
    UnknownNameError
        If no bundled scenario has that identifier.
    InputError
        If the file cannot be read.
    SpecError
        With all problems, if the content is wrong.

    Examples
    --------
    >>> load_scenario("china-dual-use-japan-2026").asked
    ('JPN', 'ITA')
    """
    return _parse(id_or_path, _raw(id_or_path), chains)


def scenario_text(id_or_path: str | Path) -> str:
    """Return the YAML of a scenario as it stands in its file, if it is valid.

    Raises
    ------
    UnknownNameError, InputError, SpecError
        As `load_scenario`.
    """
    raw = _raw(id_or_path)
    _parse(id_or_path, raw)
    return raw.decode("utf-8-sig")


def _is_path(name: str | Path) -> bool:
    return isinstance(name, Path) or name.endswith(_SUFFIXES) or "/" in name or "\\" in name


def _parse(name: str | Path, raw: bytes, chains: Mapping[str, Chain] | None = None) -> Scenario:
    if _is_path(name):
        return parse_scenario(raw, source=str(name), chains=chains)
    # The names in bundled scenarios are proved by a test; looking them up again costs a second.
    return parse_scenario(raw, source=f"scenario {name}", check_names=False)


def _raw(name: str | Path) -> bytes:
    if _is_path(name):
        return read_bytes(Path(name))
    if str(name) not in scenario_ids():
        remedy = "List them: lodeline scenarios list. A file needs the ending .yaml."
        raise UnknownNameError("scenario", str(name), scenario_ids(), remedy)
    folder = resources.files("lodeline.scenarios").joinpath("library")
    return folder.joinpath(f"{name}.yaml").read_bytes()
