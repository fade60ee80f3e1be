"""Assess a user's own purchases: measures, map, factors, vulnerability."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import polars as pl

from lodeline import data
from lodeline.data.purchases import Known, Purchases, read_purchases, spelling
from lodeline.network.base_year import BaseYear, base_year
from lodeline.network.catalogue import load_all
from lodeline.network.chain import Chain
from lodeline.network.trade_lanes import world_trade
from lodeline.results.purchases import PurchaseAssessment, Vulnerability
from lodeline.studies.exposure.materials import all_materials
from lodeline.studies.exposure.suppliers import members
from lodeline.studies.purchases.article24 import LAW, STRATEGIC
from lodeline.studies.purchases.factors import (
    GOVERNANCE,
    RESTRICTIONS,
    governance_rows,
    restriction_rows,
)
from lodeline.studies.purchases.lots import Lot, lots_of
from lodeline.studies.purchases.mapping import map_rows
from lodeline.studies.purchases.measures import measure_rows
from lodeline.studies.purchases.vulnerability import market_of, vulnerability_of

__all__ = ["assess_purchases", "known_names"]

Progress = Callable[[str, int, int], None]
Schema = Mapping[str, type[pl.DataType]]

_KEYS: Schema = {"material": pl.String, "form": pl.String, "year": pl.Int64}
_LOTS: Schema = {
    **_KEYS, "rows": pl.Int64, "tonnes": pl.Float64, "unit": pl.String, "value_usd": pl.Float64,
}  # fmt: skip
_MEASURES: Schema = {
    **_KEYS, "measure": pl.String, "value": pl.Float64, "unit": pl.String, "reason": pl.String,
    "vintage": pl.String,
}  # fmt: skip
_MAP: Schema = {
    **_KEYS, "step": pl.String, "stage": pl.String, "country": pl.String, "share": pl.Float64,
    "basis": pl.String,
}  # fmt: skip

NOTES = (
    "Shares are of tonnes in the unit of each lot; lots of different materials are never added.",
    "What a country ships is traced with that country's own mix (proportional mixing). A supplier "
    "who keeps material apart looks like one who mixes; ask him, and fill in origin_country.",
    "Customs codes of today are matched by their first six digits with those of 1992; a code that "
    "has moved finds no form unless the chain has only one: then fill in form.",
    "Days until short: stock over the share of the largest supplier country, all else going on.",
)


def known_names(chains: Mapping[str, Chain]) -> Known:
    """Return the names that a file of purchases may use: materials, forms, countries."""
    # Several chains may be about one material (lithium, cells): the name is that of the first.
    materials = {spelling(c.material): c.id for c in reversed(list(chains.values()))}
    materials |= {spelling(m.name): m.id for m in all_materials().values()}
    materials |= {i: i for i in all_materials()} | {i: i for i in chains}
    return Known(
        materials=materials,
        forms={c.id: frozenset(f.id for f in c.forms) for c in chains.values()},
        countries=frozenset(data.country_names()),
    )


def assess_purchases(
    path: Path,
    *,
    home: Sequence[str] = (),
    with_market: bool = True,
    progress: Progress | None = None,
) -> PurchaseAssessment:
    """Assess a file of purchases.

    Parameters
    ----------
    path
        CSV or XLSX file, see `lodeline.data.purchases.COLUMNS`.
    home
        Countries (ISO3) or groups that the user is in: not imports, and whose market is simulated.
    with_market
        Whether to look for the worst single exporter in the market, for each lot's last year.
    progress
        Called as the work goes on.

    Raises
    ------
    SpecError
        If the file has mistakes: all of them at once.
    InputError
        If the file cannot be read.
    UnknownNameError
        If a country does not exist.
    """
    started = time.perf_counter()
    inside = [c for group in members(home).values() for c in group]
    chains = load_all()
    purchases = read_purchases(path, known_names(chains))
    lots = lots_of(purchases, chains)
    bases = _bases(lots)
    maps = [_table(map_rows(lot, bases.get((lot.material, lot.year))), _MAP) for lot in lots]
    hits = [list(restriction_rows(lot, m, inside)) for lot, m in zip(lots, maps, strict=True)]
    judged = _vulnerability(lots, maps, hits, inside, bases, with_market, progress or _silent)
    return PurchaseAssessment(
        source=purchases.source,
        sha256=purchases.sha256,
        home=tuple(members(home)),
        coverage=_coverage(purchases, lots, bases),
        lots=_table(map(_lot_row, lots), _LOTS),
        measures=_table((r for lot in lots for r in measure_rows(lot, inside)), _MEASURES),
        map=pl.concat(maps),
        restrictions=_table((r for rows in hits for r in rows), RESTRICTIONS).unique(
            maintain_order=True
        ),
        governance=_table(
            (r for lot, m in zip(lots, maps, strict=True) for r in governance_rows(lot, m)),
            GOVERNANCE,
        ),
        vulnerability=judged,
        strategic={lot.material: STRATEGIC.get(lot.material) for lot in lots},
        law=LAW,
        base_years={f"{m} {year}": base.year for (m, year), base in bases.items()},
        notes=NOTES,
        dataset=data.dataset_identity(),
        country_names=data.country_names(),
        seconds=time.perf_counter() - started,
    )


def _table(rows: Iterable[Mapping[str, object]], schema: Schema) -> pl.DataFrame:
    return pl.DataFrame([{k: row.get(k) for k in schema} for row in rows], schema=dict(schema))


def _bases(lots: Sequence[Lot]) -> dict[tuple[str, int], BaseYear]:
    """Return the base year of each chain nearest to the year of purchase, not after it."""
    out: dict[tuple[str, int], BaseYear] = {}
    solved: dict[tuple[str, int], BaseYear] = {}
    for lot in lots:
        if lot.chain is None or lot.form is None or (lot.material, lot.year) in out:
            continue
        years = _years(lot.chain)
        near = [y for y in years if y <= lot.year] or years[:1]
        if not near:
            continue
        key = (lot.material, near[-1])
        if key not in solved:
            solved[key] = base_year(lot.chain, near[-1])
        out[lot.material, lot.year] = solved[key]
    return out


def _years(chain: Chain) -> list[int]:
    """Return the years in which all forms of a chain are traded."""
    traded = [
        {int(year) for year, tonnes in world_trade(chain, form).iter_rows() if tonnes > 0.0}
        for form in chain.forms
    ]
    return sorted(set.intersection(*traded))


def _vulnerability(
    lots: Sequence[Lot],
    maps: Sequence[pl.DataFrame],
    hits: Sequence[Sequence[Mapping[str, object]]],
    inside: Sequence[str],
    bases: Mapping[tuple[str, int], BaseYear],
    with_market: bool,
    report: Progress,
) -> tuple[Vulnerability, ...]:
    """Return the vulnerability of each material and form in its last year."""
    names = data.country_names()
    last = {(lot.material, lot.form): k for k, lot in enumerate(lots)}
    out = []
    for done, k in enumerate(last.values()):
        lot = lots[k]
        report(f"worst case: {lot.material}", done, len(last))
        base = bases.get((lot.material, lot.year))
        market = (
            market_of(lot, inside, base.year if base is not None else None)
            if with_market
            else (None, "not asked for (--no-market)")
        )
        out.append(vulnerability_of(lot, maps[k], hits[k], market, names))
    return tuple(out)


def _lot_row(lot: Lot) -> dict[str, object]:
    values = [r.value_usd for r in lot.rows if r.value_usd is not None]
    return {
        "material": lot.material, "form": lot.form, "year": lot.year, "rows": len(lot.rows),
        "tonnes": lot.total, "unit": lot.unit, "value_usd": sum(values) if values else None,
    }  # fmt: skip


def _coverage(
    purchases: Purchases, lots: Sequence[Lot], bases: Mapping[tuple[str, int], BaseYear]
) -> dict[str, object]:
    values = [r.value_usd for r in purchases.rows if r.value_usd is not None]
    traced = [lot for lot in lots if lot.form is not None and (lot.material, lot.year) in bases]
    return {
        "rows": len(purchases.rows),
        "lots": len(lots),
        "materials": len({lot.material for lot in lots}),
        "rows_traced": sum(len(lot.rows) for lot in traced),
        "rows_with_origin_told": sum(r.origin_country is not None for r in purchases.rows),
        "rows_with_content_of_chain": sum(lot.contents_of_chain for lot in lots),
        "value_usd": sum(values),
        "rows_without_value": len(purchases.rows) - len(values),
    }


def _silent(what: str, done: int, total: int) -> None:
    del what, done, total
