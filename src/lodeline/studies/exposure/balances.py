"""Output, trade and use of a material by country, in one unit: the balanced base year of its chain.

Customs weigh goods, mines report content; only a chain says how much content a code carries. So
measures that add output to imports work on the base year (docs/formulation.md), by form.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from lodeline import data
from lodeline.errors import InputError, UnknownNameError
from lodeline.network.base_year import BaseYear, base_year
from lodeline.network.catalogue import chain_ids, load_chain
from lodeline.network.outputs import NOT_TRACED
from lodeline.studies.exposure.materials import Material, find_materials
from lodeline.studies.exposure.registry import Request

__all__ = ["asked_chains", "balance_of", "balances", "check_stage", "last_trade_year"]

ITEMS = ("output", "imports", "exports")


def last_trade_year() -> int:
    """Return the last year of the trade data."""
    return int(str(data.code_status()["last_year"].max()))


def asked_chains(request: Request) -> tuple[list[str], list[Material]]:
    """Return the chains asked for, and the materials asked for by name that have none."""
    if not request.materials:
        return list(chain_ids()), []
    chains = set(chain_ids())
    asked = [name.lower() for name in request.materials if name.lower() in chains]
    others = [name for name in request.materials if name.lower() not in chains]
    found = find_materials(others) if others else ()
    asked += [m.id for m in found if m.id in chains]
    return list(dict.fromkeys(asked)), [m for m in found if m.id not in chains]


def balances(chains: Iterable[str], years: Sequence[int], stage: str | None) -> pl.DataFrame:
    """Return the balance of each form, country and year.

    Returns
    -------
    polars.DataFrame
        ``material, stage, year, country, output, imports, exports, untraced, absorbed`` (in
        ``unit``, a year), ``table`` and ``mark`` (where output comes from; null mark: observed),
        ``reason`` (a row without a country where the chain has no trade in that year).
        ``absorbed`` = output + imports - exports: what is used or processed further. ``untraced``:
        the part of the output that no source explains, all of it or nothing.

    Raises
    ------
    UnknownNameError
        If no chain has a form `stage`.
    """
    names = list(chains)
    check_stage(stage, names)
    parts = [_balance(chain, year) for chain in names for year in years]
    table = pl.concat(parts, how="diagonal") if parts else pl.DataFrame(schema=_SCHEMA)
    return table if stage is None else table.filter(pl.col("stage") == stage)


def check_stage(stage: str | None, chains: Iterable[str]) -> None:
    """Check that some chain has a form of that name; none asked for, or no chain: nothing to check.

    Raises
    ------
    UnknownNameError
        If no chain has it.
    """
    forms = {form.id for chain in chains for form in load_chain(chain).forms}
    if stage is not None and forms and stage not in forms:
        raise UnknownNameError("form", stage, forms, "See lodeline chains.")


_SCHEMA = {
    "material": pl.String,
    "stage": pl.String,
    "year": pl.Int32,
    "country": pl.String,
    **dict.fromkeys((*ITEMS, "untraced", "absorbed"), pl.Float64),
    "unit": pl.String,
    "table": pl.String,
    "mark": pl.String,
    "reason": pl.String,
}


def _balance(chain_id: str, year: int) -> pl.DataFrame:
    chain = load_chain(chain_id)
    try:
        return balance_of(base_year(chain, year))
    except InputError:
        reason = f"no trade of every form of '{chain_id}' in {year}"
        rows = [(chain_id, f.id, year, f.unit, reason) for f in chain.forms]
        names = ["material", "stage", "year", "unit", "reason"]
        absent = pl.DataFrame(rows, schema={n: _SCHEMA[n] for n in names}, orient="row")
        return pl.concat([pl.DataFrame(schema=_SCHEMA), absent], how="diagonal")


def balance_of(base: BaseYear) -> pl.DataFrame:
    """Return the balance of each form and country of a base year; columns as in `balances`."""
    units = {form.id: form.unit for form in base.chain.forms}

    def of(item: str) -> pl.Expr:
        return pl.col("reconciled_t").filter(pl.col("item") == item).sum()

    basis = pl.col("basis").filter(pl.col("item") == "output").first()
    wide = base.reconciliation.group_by("form", "country", maintain_order=True).agg(
        **{item: of(item) for item in ITEMS}, basis=basis
    )
    return wide.with_columns(
        table=_table_of(),
        mark=pl.when(~pl.col("basis").str.starts_with("observed")).then("basis"),
        material=pl.lit(base.chain.id),
        stage="form",
        year=pl.lit(base.year),
        untraced=pl.when(pl.col("basis").str.starts_with(NOT_TRACED)).then("output").otherwise(0.0),
        absorbed=pl.col("output") + pl.col("imports") - pl.col("exports"),
        unit=pl.col("form").replace_strict(units, return_dtype=pl.String),
        reason=pl.lit(None),
    ).select(pl.col(name).cast(kind) for name, kind in _SCHEMA.items())


def _table_of() -> pl.Expr:
    """Return the table that output rests on, from how the base year says it is known."""
    basis = pl.col("basis").fill_null("")
    return (
        pl.when(basis.str.contains("World Mining Data", literal=True))
        .then(pl.lit("world_mining_data"))
        .when(basis.str.contains("USGS", literal=True))
        .then(pl.lit("production"))
        .when(basis.str.contains("curated share", literal=True))
        .then(pl.lit("stage_shares"))
        .otherwise(pl.lit("trade"))
    )
