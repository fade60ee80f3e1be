"""Who uses a form: end-use sectors with published shares, and how readily each gives up."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import polars as pl

from lodeline import data
from lodeline.errors import DataError
from lodeline.network.chain import Parameter

__all__ = ["REST", "Sector", "sector_ids", "sectors_of"]

REST = "unnamed"
"""What published shares leave of the whole."""
_WORLD = "WLD"


@dataclass(frozen=True)
class Sector:
    """A part of the use of a form in a country.

    Attributes
    ----------
    id, title
        Identifier, and name in words.
    share
        Share of the use, 0 to 1.
    ease
        How much more than the average its use falls when the form gets dearer.
    source, region, year
        Where the share comes from; ``WLD`` where the world's stands in for the country's.
    """

    id: str
    title: str
    share: float
    ease: float
    source: str
    region: str
    year: int


def sectors_of(chain: str, form: str, country: str) -> tuple[Sector, ...]:
    """Return the sectors of a form in a country.

    The country's own shares where they are published, else the world's, else one unnamed sector:
    never a guess. What named sectors leave of the whole is unnamed.

    Raises
    ------
    DataError
        If the table has not the rows that ``sectors.toml`` names (a defect).
    """
    found = _known().get((chain, form), {})
    named = found.get(country, found.get(_WORLD, ()))
    rest = 1.0 - sum(s.share for s in named)
    if rest <= 1e-3:
        return tuple(named)
    return (*named, Sector(REST, "other uses, unnamed", rest, 1.0, "", "", 0))


def sector_ids() -> frozenset[str]:
    """Return the identifiers of all sectors."""
    return frozenset(s.id for places in _known().values() for one in places.values() for s in one)


@cache
def _known() -> Mapping[tuple[str, str], Mapping[str, tuple[Sector, ...]]]:
    text = resources.files("lodeline.network").joinpath("sectors.toml").read_text(encoding="utf-8")
    table = data.demand_structure()
    out: dict[tuple[str, str], dict[str, tuple[Sector, ...]]] = {}
    for use in tomllib.loads(text)["uses"]:
        rows = table.filter(
            (pl.col("material") == use["material"])
            & (pl.col("region") == use["region"])
            & (pl.col("metric") == use["metric"])
            & (pl.col("year") == use["year"])
        )
        here = tuple(_sector(name, given, rows, use) for name, given in use["sectors"].items())
        out.setdefault((use["chain"], use["form"]), {})[use["region"]] = here
    return out


def _sector(
    name: str, given: Mapping[str, Any], rows: pl.DataFrame, use: Mapping[str, Any]
) -> Sector:
    row = rows.filter(pl.col("sector") == name).to_dicts()
    if len(row) != 1:
        raise DataError(
            f"sectors.toml, {use['chain']}, {use['form']}: {len(row)} rows for sector '{name}' in "
            "the table demand_structure, needs one."
        )
    ease = Parameter.model_validate(given["ease"])
    return Sector(
        name, given["title"], float(row[0]["value"]), ease.value, str(row[0]["source"]),
        use["region"], int(use["year"]),
    )  # fmt: skip
