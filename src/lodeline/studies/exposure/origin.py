"""Origin: where a country's material was mined, separated and refined, whoever delivered it.

    T_i o_i = Σ_j z_ji o_j + (made in i)      o = (diag T − Z)⁻¹ (made),  stage by stage

z lanes from j to i, T what enters i, see `lodeline.network.tracing` for the algebra. It is a
Leontief inverse (Leontief 1936; for one traded material Kastner, Kastner and Nonhebel 2011) on the
balanced base year, carried through recipes. Material mixes in every country in proportion; a
country that keeps Chinese material apart for its own use looks like one that mixes.

Beside each share stand what customs show (`direct`: the last exporter), what has been in the
country at any stage (`passed`), through whom it came, and a range from imputed figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from lodeline import data
from lodeline.errors import InputError
from lodeline.network.base_year import BaseYear, base_year, outputs
from lodeline.network.catalogue import chain_ids, load_chain
from lodeline.network.chain import Chain
from lodeline.network.doubt import Doubt, doubt_of
from lodeline.network.mines import MINE, begins_at_mine
from lodeline.results.exposure import FIGURE
from lodeline.studies.exposure.fits import inferred_from, other_years, widened
from lodeline.studies.exposure.materials import find_materials
from lodeline.studies.exposure.origin_shares import (
    DRAWS,
    NOT_TRACED,
    FormOrigin,
    Target,
    hubs_of,
    origin_of_form,
)
from lodeline.studies.exposure.registry import Request
from lodeline.studies.exposure.suppliers import WORLD, members

__all__ = ["NOTES", "NO_COUNTRY", "REST", "measure", "targets_of", "trade_year"]

NOTES = (
    "Share of what a country uses and processes of a form, by the country in which a stage took "
    "place. Shares of a stage add up to one.",
    "Assumed: material mixes in proportion in every country. Contracts that keep material apart "
    "are not known.",
    "inferred_from: no trade code shows the lanes. direct and via are then fitted, not customs' "
    "data, and the range holds the fit of maximum entropy, the one nearest to the lanes they are "
    "inferred from, and the one on the fewest lanes.",
    f"{NOT_TRACED}: what a country ships or uses beyond its imports although no source says that "
    "it makes it (stocks, scrap, feed under other codes, misreporting). It may come from anywhere; "
    "first_seen names where it appears.",
    f"low: what is traced to the origin. high: as if all that is {NOT_TRACED} came from there. "
    f"Both are 5 and 95 per cent of {DRAWS} base years with other imputed lanes and outputs.",
)
REST = "rest"
"""All origins below `LEAST` together."""

NO_COUNTRY = (REST, NOT_TRACED)
"""Origins that are no country."""

LEAST = 1e-3
"""Least share, of origin, arrival or passage, for a row of its own."""

MOST_LEGS = 6
"""So many last exporters are named with a share."""

_SCHEMA: dict[str, Any] = {
    "country": pl.String,
    "material": pl.String,
    "stage": pl.String,
    "year": pl.Int32,
    "value": pl.Float64,
    "unit": pl.String,
    "inputs": pl.List(FIGURE),
    "reason": pl.String,
    "form": pl.String,
    "origin": pl.String,
    "low": pl.Float64,
    "high": pl.Float64,
    "tonnes": pl.Float64,
    "direct": pl.Float64,
    "passed": pl.Float64,
    "unlisted": pl.Float64,
    "through_hubs": pl.Float64,
    "via": pl.List(pl.String),
    "via_share": pl.List(pl.Float64),
    "via_hubs": pl.List(pl.String),
    "first_seen": pl.List(pl.String),
    "first_seen_share": pl.List(pl.Float64),
    "inferred_from": pl.String,
}


def measure(request: Request) -> pl.DataFrame:
    """Return one row per country, form, stage and origin; the world's use if no country is given.

    Raises
    ------
    UnknownNameError
        If a material or country does not exist.
    InputError
        If no material asked for has a form of that name.
    """
    named = members(request.countries or (WORLD,))
    names = _chains(request)
    years = request.years or (trade_year(None),)
    rows: list[dict[str, Any]] = []
    for name in names:
        if not _is_chain(name):
            rows += [_absent(c, name, None, y, _NO_CHAIN) for c in named for y in years]
            continue
        chain = load_chain(name)
        for year in years:
            rows += _of_year(chain, year, named, request.stage)
    if request.stage is not None and not rows:
        raise InputError(
            f"--stage {request.stage}: no chain asked for has a form of that name. Forms are "
            "listed by: lodeline chains."
        )
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


_NO_CHAIN = "no chain of this material: its stages and lanes are not in the data (lodeline chains)"


def _chains(request: Request) -> tuple[str, ...]:
    """Return chains by the names of materials; a chain or a file of one's own is itself."""
    if not request.materials:
        return chain_ids()
    return tuple(
        dict.fromkeys(
            chain if _is_chain(chain) else find_materials([name])[0].id
            for name in request.materials
            for chain in (name if name.endswith(".toml") else name.lower(),)
        )
    )


def _is_chain(name: str) -> bool:
    return name in chain_ids() or name.endswith(".toml")


def trade_year(year: int | None) -> int:
    """Return the year, or the last one of the trade data if none is given.

    Raises
    ------
    InputError
        If the trade data do not hold it.
    """
    table = data.code_status()
    first, last = int(table["first_year"].min()), int(table["last_year"].max())  # type: ignore[arg-type]
    if year is not None and not first <= year <= last:
        raise InputError(f"no trade in {year}. The data cover {first}-{last}; choose one of them.")
    return last if year is None else year


def _of_year(
    chain: Chain, year: int, named: dict[str, tuple[str, ...]], stage: str | None
) -> Iterator[dict[str, Any]]:
    forms = [f.id for f in chain.forms if stage in (None, f.id)]
    if not forms:
        return
    try:
        base = base_year(chain, year)
    except InputError as error:
        yield from (_absent(c, chain.id, f, year, str(error)) for c in named for f in forms)
        return
    doubt, others = doubt_of(base), other_years(chain, year)
    for form in forms:
        targets = targets_of(base, form, named)
        present = {t.name for t in targets}
        yield from (
            _absent(c, chain.id, form, year, "no use or processing of this form in the base year")
            for c in named
            if c not in present
        )
        if targets:
            found = origin_of_form(base, form, targets, doubt=doubt)
            if inferred_from(chain, form, MINE) is not None:
                found = widened(found, [(d, targets_of(d.base, form, named)) for d in others])
            for t in range(len(targets)):
                yield from _rows(found, t, doubt)


def targets_of(base: BaseYear, form: str, named: dict[str, tuple[str, ...]]) -> tuple[Target, ...]:
    """Return those of the named countries and groups that use or process a form."""
    absorbed = base.absorbed()[base.forms.index(form)]
    out = []
    for name, inside in named.items():
        chosen = np.array([name == WORLD or c in inside for c in base.countries])
        own = np.where(chosen, absorbed, 0.0)
        total = float(own.sum())
        if total > 0.0:
            out.append(Target(name, chosen, own / total, total))
    return tuple(out)


def _rows(found: FormOrigin, t: int, doubt: Doubt) -> Iterator[dict[str, Any]]:
    target = found.targets[t]
    legs = found.legs(t)
    is_world = bool(target.members.all())
    hubs = hubs_of(found.base.chain.id)
    inside = {c for c, m in zip(found.base.countries, target.members, strict=True) if m}
    for s, stage in enumerate(found.stages):
        value = found.value[s, :, t]
        # What is used inside has been inside: that alone makes a member no origin.
        passed = np.where(np.isin(np.array(found.origins), list(inside)), 0.0, found.passed[:, t])
        shown = np.maximum(value, np.maximum(found.arrived[:, t], 0.1 * passed))
        shown[-1] = max(shown[-1], float(value[-1] > 0.0))
        kept = [int(o) for o in np.argsort(-value, kind="stable") if shown[o] >= LEAST]
        for o in kept:
            origin = found.origins[o]
            via = legs.get(stage, {}).get(origin, ())[:MOST_LEGS]
            yield _row(found, t, stage, float(value[o])) | {
                "origin": origin,
                "low": float(found.low[s, o, t]),
                "high": float(found.high[s, o, t]),
                "direct": None if is_world else float(found.arrived[o, t]),
                "passed": None
                if origin in inside or origin == NOT_TRACED
                else float(found.passed[o, t]),
                "unlisted": float(value[o]) if origin == NOT_TRACED else 0.0,
                "through_hubs": float(found.through_hubs[s, o, t]),
                "via": [leg.country for leg in via],
                "via_share": [leg.share for leg in via],
                "via_hubs": [leg.country for leg in via if leg.country in hubs],
                **(_first_seen(found, s, t) if origin == NOT_TRACED else {}),
                "inputs": _inputs(found, t, s, origin, doubt),
            }
        others = np.setdiff1d(np.arange(value.size), np.array(kept, dtype=int))
        # Never below zero: the remainder of shares that add up to one is rounding at times.
        left = max(float(value[others].sum()), 0.0)
        yield _row(found, t, stage, left) | {
            "origin": REST,
            "direct": None if is_world else float(found.arrived[others, t].sum()),
            "unlisted": 0.0,
            "through_hubs": float(found.through_hubs[s, others, t].sum()),
            "inputs": [],
        }


def _first_seen(found: FormOrigin, s: int, t: int) -> dict[str, Any]:
    """Return where what is not traced is seen first, largest first."""
    seen = found.first_seen[s, :, t]
    kept = [int(o) for o in np.argsort(-seen, kind="stable")[:MOST_LEGS] if seen[o] >= LEAST]
    return {
        "first_seen": [found.origins[o] for o in kept],
        "first_seen_share": [float(seen[o]) for o in kept],
    }


def _row(found: FormOrigin, t: int, stage: str, value: float) -> dict[str, Any]:
    base, target = found.base, found.targets[t]
    return {
        "country": target.name,
        "material": base.chain.id,
        "stage": stage,
        "year": base.year,
        "form": found.form,
        "value": value,
        "unit": f"share of {base.chain.form(found.form).unit}",
        "tonnes": value * target.tonnes if _is_use_known(found, t) else None,
        "inferred_from": inferred_from(base.chain, found.form, stage),
    }


def _is_use_known(found: FormOrigin, t: int) -> bool:
    """Return whether less of the form is not traced than is used: else the use is a guess."""
    f, inside = found.base.forms.index(found.form), found.targets[t].members
    untraced = outputs(found.base)[f][inside & found.split.is_untraced[f]].sum()
    return bool(untraced <= found.targets[t].tonnes)


def _absent(
    country: str, material: str, form: str | None, year: int, reason: str
) -> dict[str, Any]:
    return {
        "country": country, "material": material, "stage": None, "year": year, "form": form,
        "unit": "share", "reason": reason, "inputs": [],
    }  # fmt: skip


def _inputs(found: FormOrigin, t: int, s: int, origin: str, doubt: Doubt) -> list[dict[str, Any]]:
    """Return the figures that decide a row: the origin's output, the use, the imputed lanes."""
    base, target = found.base, found.targets[t]
    f = base.forms.index(found.form)
    here = base.lane_form == f
    imputed = float(base.lane_level[here & (doubt.lane > 0.0)].sum())
    whole = max(float(base.lane_level[here].sum()), 1e-300)
    return [
        *_output_figure(found, s, origin),
        *_lane_figures(base, target, found.form, imputed / whole),
    ]


def _lane_figures(
    base: BaseYear, target: Target, form: str, imputed: float
) -> list[dict[str, Any]]:
    """Return what a target uses of a form, and how much of the form's lanes nobody observed.

    Lanes that are inferred rest on who makes the form, which no trade table says.
    """
    unit, where = base.chain.form(form).unit, f"form={form}, year={base.year}"
    source = inferred_from(base.chain, form, form)
    if source is None:
        return [
            _figure("use and processing", target.tonnes, unit, "trade", where, "reconciled"),
            _figure("imputed share of the form's lanes", imputed, "1", "trade", where, None),
        ]
    told, table = f"{where}, inferred from {source}", "stage_shares"
    return [
        _figure("use and processing", target.tonnes, unit, table, told, "inferred"),
        _figure("inferred share of the form's lanes", 1.0, "1", table, told, "inferred"),
    ]


def _output_figure(found: FormOrigin, s: int, origin: str) -> list[dict[str, Any]]:
    base, stage = found.base, found.stages[s]
    if origin == NOT_TRACED:
        return []
    if stage == MINE and not begins_at_mine(base.chain):
        ore = found.split.ore
        assert ore is not None
        where = f"commodity={base.chain.id}, stage=mine, country={origin}, year={ore.year}"
        return [_figure("ore by rule", None, "t", "production", where, "assumed")]
    form = base.forms[0] if stage == MINE else stage
    rows = base.reconciliation.filter(
        (pl.col("country") == origin) & (pl.col("form") == form) & (pl.col("item") == "output")
    )
    figures = []
    for tonnes, basis in rows.select("reconciled_t", "basis").iter_rows():
        is_shared = "curated" in basis or "rest of world" in basis
        table = "stage_shares" if is_shared else "production"
        table = "trade" if "net exports" in basis else table
        mark = None if basis.startswith("observed") else "imputed"
        where = f"form={form}, country={origin}, basis={basis}"
        unit = base.chain.form(form).unit
        figures.append(_figure(f"output of {form}", tonnes, unit, table, where, mark))
    return figures


def _figure(
    name: str, value: float | None, unit: str, table: str, where: str, mark: str | None
) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "table": table, "where": where,
            "mark": mark}  # fmt: skip
