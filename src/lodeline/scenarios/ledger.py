"""The ledger of restrictions that really happened, sought by material, sides and year."""

from __future__ import annotations

import polars as pl

from lodeline.data import country_names, restrictions
from lodeline.errors import UnknownNameError
from lodeline.scenarios.groups import GROUPS, expand

__all__ = ["ledger"]

_ALL = "ALL"


def ledger(
    *,
    material: str | None = None,
    by: str | None = None,
    target: str | None = None,
    year: int | None = None,
    acts_only: bool = True,
) -> pl.DataFrame:
    """Return rows of the ledger of restrictions, by their start.

    Parameters
    ----------
    material
        Only rows whose materials hold this word (``rare-earths`` or ``rare_earths``).
    by
        Only rows in which this country (ISO3) or group restricts.
    target
        Only rows that hit this country (ISO3) or a member of this group: named itself, by its
        group, or because all are hit.
    year
        Only rows in force at any time of this year; no end means still in force.
    acts_only
        Leave out effects measured, suspensions and models; see `lodeline.data.restrictions`.

    Raises
    ------
    UnknownNameError
        If no row names the material, or there is no such country or group.
    """
    table = whole = restrictions(acts_only=acts_only).sort("start", "id")
    if material is not None:
        word = material.strip().lower().replace("-", "_")
        table = table.filter(_names(pl.col("material"), word))
        if table.is_empty():
            known = {m for cell in whole["material"] for m in cell.split(";")}
            shown = [name.replace("_", "-") for name in known]
            raise UnknownNameError("material in the ledger", material, shown)
    for name, column, everybody in (
        (by, "restricting_country", ()),
        (target, "target", (_ALL,)),
    ):
        if name is not None:
            hit = {*_places(name), *everybody}
            held = [
                bool({*cell.split(";"), *expand(cell.split(";"))} & hit) for cell in table[column]
            ]
            table = table.filter(pl.Series(held, dtype=pl.Boolean))
    if year is not None:
        first, last = (pl.col(c).str.slice(0, 4).cast(pl.Int32) for c in ("start", "end"))
        table = table.filter((first <= year) & (last.is_null() | (last >= year)))
    return table


def _names(column: pl.Expr, word: str) -> pl.Expr:
    return column.str.to_lowercase().str.contains(word, literal=True)


def _places(name: str) -> set[str]:
    """Return a country, or a group and its members."""
    if name not in country_names() and name not in GROUPS:
        raise UnknownNameError("country", name, [*country_names(), *GROUPS])
    return {name, *expand([name])}
