"""The figures that benchmarks are held against: output over use, and the largest supplier."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from lodeline.errors import InputError
from lodeline.network.base_year import BaseYear, base_year, outputs
from lodeline.network.catalogue import load_chain
from lodeline.network.chain import Chain
from lodeline.network.doubt import Doubt, doubt_of
from lodeline.network.mines import MINE, begins_at_mine, mine_output
from lodeline.network.trade_lanes import rows_of_form
from lodeline.studies.exposure.origin import targets_of
from lodeline.studies.exposure.origin_shares import NOT_TRACED, origin_of_form

__all__ = ["Figure", "Supplier", "balanced", "imports_by_year", "self_sufficiency", "suppliers"]


@dataclass(frozen=True)
class Figure:
    """Output of a country over what it uses and processes.

    Attributes
    ----------
    stage
        ``mine`` or the form.
    value
        Share; above one where it makes more than it uses. None where it cannot be told.
    is_least
        Whether the source of output names the largest makers only: there may be more.
    mark
        ``reconciled`` where the output was observed, else ``imputed``.
    reason
        Why there is no value.
    """

    stage: str
    value: float | None
    is_least: bool
    mark: str
    reason: str = ""


@dataclass(frozen=True)
class Supplier:
    """Largest single supplier outside the country or group.

    Attributes
    ----------
    form
        Form that is used.
    stage
        Stage that the share is about; None: the last exporter, whatever the stage.
    country, share, low, high
        Who, its share, and the range of that from imputed figures.
    mark
        ``observed``, ``reconciled`` or ``imputed``.
    """

    form: str
    stage: str | None
    country: str
    share: float
    low: float
    high: float
    mark: str


WHOLE = "World Mining Data"
"""Publisher whose table names every country; the others print the largest and a remainder."""


def balanced(chain: str, year: int) -> Doubt | None:
    """Return the base year with its doubt, or None where the chain has no trade in that year."""
    try:
        return doubt_of(base_year(load_chain(chain), year))
    except InputError:
        return None


def self_sufficiency(doubt: Doubt, members: tuple[str, ...]) -> Iterator[Figure]:
    """Yield output over use and processing, by stage, the mine first where it can be told.

    Net exporters that no source of output lists count as making nothing: a port is no mine.
    """
    base = doubt.base
    inside = np.array([c in members for c in base.countries])
    absorbed = base.absorbed()
    made = np.where(doubt.is_untraced, 0.0, outputs(base))
    ore = mine_output(base.chain, base.year)
    if ore is not None:
        own_mines = {c: t for c, t in zip(ore.miners, ore.tonnes, strict=True) if c in members}
        tonnes = sum(own_mines.values())
        is_of_year = ore.year == base.year and not ore.carried & own_mines.keys()
        mark = "observed" if is_of_year else "imputed"
        use = float(absorbed[0][inside].sum())
        yield _over(MINE, float(tonnes), use, not ore.is_whole, mark)
    for f, form in enumerate(base.forms):
        is_mine = f == 0 and begins_at_mine(base.chain)
        own = inside & (made[f] > 0.0)
        mark = "imputed" if (doubt.output[f][own] > 0.0).any() else "reconciled"
        output, use = float(made[f][own].sum()), float(absorbed[f][inside].sum())
        is_least = not _names_all(base, form)
        yield _over(MINE if is_mine else form, output, use, is_least, mark)


def _over(stage: str, output: float, use: float, is_least: bool, mark: str) -> Figure:
    if use <= 0.0:
        reason = "no use or processing of this form in the base year"
        return Figure(stage, None, is_least, mark, reason)
    return Figure(stage, output / use, is_least, mark)


def _names_all(base: BaseYear, form: str) -> bool:
    """Return whether the source of a form's output names every maker, not the largest only."""
    outputs = base.reconciliation.filter((pl.col("form") == form) & (pl.col("item") == "output"))
    return bool(outputs["basis"].str.contains(WHOLE).any())


def suppliers(
    doubt: Doubt,
    name: str,
    members: tuple[str, ...],
    *,
    home: tuple[str, ...],
    draws: int = 0,
) -> Iterator[Supplier]:
    """Yield the largest supplier of each form from outside `home`: last exporter, then origin.

    Shares are of what the members use; `home` is the same or a union that they belong to.
    """
    base = doubt.base
    for form in base.forms:
        targets = targets_of(base, form, {name: members})
        if not targets:
            continue
        found = origin_of_form(base, form, targets, doubt=doubt, draws=draws)
        away = np.array([c not in home and c != NOT_TRACED for c in found.origins])
        arrived = np.where(away, found.arrived[:, 0], 0.0)
        top = int(np.argmax(arrived))
        share = float(arrived[top])
        yield Supplier(form, None, found.origins[top], share, share, share, "reconciled")
        for s, stage in enumerate(found.stages):
            top = int(np.argmax(np.where(away, found.value[s, :, 0], 0.0)))
            share, low, high = (float(x[s, top, 0]) for x in (found.value, found.low, found.high))
            yield Supplier(form, stage, found.origins[top], share, low, high, "imputed")


def imports_by_year(
    chain: Chain, form: str, members: tuple[str, ...], *, home: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Return by year the largest supplier of imports from outside `home`: ``year, value, leader``.

    Imports of a group are those over its border; the share is of all of them. Tonnes as screened,
    in the form's unit.
    """
    inside = pl.col("importer").is_in(members) & ~pl.col("exporter").is_in(members)
    rows = rows_of_form(chain.form(form), chain.exclusions).filter(~pl.col("is_excluded") & inside)
    by_supplier = rows.group_by("year", "exporter").agg(pl.col("amount").sum())
    shares = by_supplier.with_columns(
        value=pl.col("amount") / pl.col("amount").sum().over("year")
    ).sort("year", "value", "exporter", descending=[False, True, False])
    shares = shares.filter(~pl.col("exporter").is_in(home))
    top = shares.group_by("year", maintain_order=True).first()
    return [
        {"year": int(y), "value": float(v), "leader": e}
        for y, v, e in top.select("year", "value", "exporter").iter_rows()
    ]
