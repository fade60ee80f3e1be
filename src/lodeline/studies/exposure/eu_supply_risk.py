"""Supply risk of the European Union's critical raw materials assessment (2017 method).

    SR      = [ H_GS · IR/2 + H_EU · (1 - IR/2) ] · (1 - EOL) · SI
    H_x     = Σ_c (S_c)² · w_c · t_c      GS world supply, EU sourcing = EU output + imports
    w_c     = (2.5 - mean of the six governance estimates) · 2            0 good - 10 bad
    IR      net import reliance, 0-1      EOL  end-of-life recycling input rate, 0-1
    SI      substitution index, 0.5-1     t_c  trade parameter: 0.8 in the EU, 1 unrestricted, more
                                               with export taxes, quotas and bans

A material counts as critical from SR 1.0 (and economic importance 2.8) on; of its stages the larger
value counts. Shares are means of five years. Source: European Commission (2017), *Methodology for
establishing the EU list of critical raw materials - Guidelines*, doi 10.2873/769526; JRC (2017),
doi 10.2760/73303; now Annex II of Regulation (EU) 2024/1252.

Check by hand, magnesium 2023: a published 4.1 from China's shares of 91 % (world) and 97 % (EU).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import polars as pl

from lodeline import data
from lodeline.errors import InputError
from lodeline.network.base_year import BaseYear, base_year
from lodeline.network.catalogue import load_chain
from lodeline.results.exposure import figure, with_inputs
from lodeline.scenarios.groups import EU27
from lodeline.studies.exposure.balances import (
    asked_chains,
    balance_of,
    check_stage,
    last_trade_year,
)
from lodeline.studies.exposure.origin_shares import NOT_TRACED
from lodeline.studies.exposure.registry import Request
from lodeline.studies.exposure.suppliers import members

__all__ = ["NOTES", "concentration", "measure", "scaled_governance", "supply_risk"]

YEARS = 5
TRADE_EU, TRADE_ELSE = 0.8, 1.0
UNIT = "1 (critical from 1.0)"
NOTES = (
    "By form of the material's chain; the Commission takes the larger of its stages.",
    "Outside the EU the trade parameter is taken as 1 (range 0.8 to 1.5): no restrictions, no "
    "agreements.",
    "Recycling rates of 2020, substitution indices of 2017.",
)
NEGLIGIBLE = 0.01
"""Suppliers without a governance score may add this much to a concentration (0-10), no more."""
WORST, TRADE_WORST = 10.0, 1.5
NONE_USED = "the EU uses none of it, as far as trade and output show: no import reliance"
WIDEST = 0.1
"""Where low and high are relatively further apart than this, there is no value."""
UNTRACED = (
    "a range only (low, high): supply that is not traced may be of any country, and output of the "
    "EU that no source lists may have come from abroad"
)
NOT_EU = "the method measures the EU: ask for EU27"
NO_GOVERNANCE = (
    "needs all six governance dimensions, of which one is bundled: run 'lodeline data import' "
    "with the World Bank's file"
)
_KEY = ["material", "stage", "year"]


def scaled_governance(mean: float) -> float:
    """Return governance on the method's scale, 0 (good) to 10 (bad), from the mean estimate.

    Examples
    --------
    >>> scaled_governance(-0.33)
    5.66
    """
    return (2.5 - mean) * 2.0


def concentration(
    shares: Mapping[str, float],
    governance: Mapping[str, float],
    trade: Mapping[str, float] | None = None,
) -> float:
    """Return H = Σ S² w t.

    Parameters
    ----------
    shares
        Share of each supplier, 0-1.
    governance
        Scaled governance, 0-10, of each supplier.
    trade
        Trade parameter; 1 for those without.
    """
    given = trade or {}
    return sum(s * s * governance[c] * given.get(c, 1.0) for c, s in shares.items())


def supply_risk(
    global_supply: float | None,
    eu_sourcing: float | None,
    *,
    import_reliance: float,
    recycling: float,
    substitution: float,
) -> float:
    """Return SR from the two concentrations; with one of them only, that one counts alone.

    Raises
    ------
    ValueError
        If neither is given.

    Examples
    --------
    >>> round(supply_risk(4.69, 5.33, import_reliance=1.0, recycling=0.13, substitution=0.94), 1)
    4.1
    """
    if global_supply is None and eu_sourcing is None:
        raise ValueError("give the concentration of world supply, of EU sourcing, or both")
    if global_supply is None or eu_sourcing is None:
        mixed = eu_sourcing if global_supply is None else global_supply
    else:
        half = import_reliance / 2.0
        mixed = global_supply * half + eu_sourcing * (1.0 - half)
    assert mixed is not None
    return mixed * (1.0 - recycling) * substitution


def measure(request: Request) -> pl.DataFrame:
    """Return the supply risk of each form, or what is missing for it.

    Extra columns: ``h_world, h_eu`` (0-10), ``import_reliance, recycling, substitution``; ``low``
    with what is not traced left out, ``high`` as if the largest supplier had made it.

    Raises
    ------
    UnknownNameError
        If a material, country or form does not exist.
    """
    chains, without = asked_chains(request)
    check_stage(request.stage, chains)
    names = list(members(request.countries)) or ["EU27"]
    years = list(request.years) or [last_trade_year()]
    wanted = "EU27" in names
    rows = [
        row
        for chain in chains
        for year in years
        for row in _of_chain(chain, year, request.stage, wanted=wanted)
    ]
    rows += [_absent(m.id, None, y, "no chain: EU sourcing and output do not add up")
             for m in without for y in years]  # fmt: skip
    table = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    made = with_inputs(table, _inputs())
    parts = []
    for name in names:
        own = made.with_columns(country=pl.lit(name))
        if name != "EU27":
            own = own.with_columns(value=pl.lit(None, pl.Float64), reason=pl.lit(NOT_EU))
        parts.append(own)
    return pl.concat(parts).drop("note", "left_out")


_SCHEMA = {
    "material": pl.String,
    "stage": pl.String,
    "year": pl.Int32,
    "value": pl.Float64,
    "unit": pl.String,
    "reason": pl.String,
    "h_world": pl.Float64,
    "h_eu": pl.Float64,
    "import_reliance": pl.Float64,
    "recycling": pl.Float64,
    "substitution": pl.Float64,
    "note": pl.String,
    "left_out": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
}


def _absent(material: str, stage: str | None, year: int, reason: str) -> dict[str, Any]:
    return {"material": material, "stage": stage, "year": year, "unit": UNIT, "reason": reason}


def _of_chain(chain: str, year: int, stage: str | None, *, wanted: bool) -> list[dict[str, Any]]:
    forms = [f.id for f in load_chain(chain).forms]
    if stage is not None:
        forms = [f for f in forms if f == stage]
    if not wanted:
        return [_absent(chain, form, year, NOT_EU) for form in forms]
    if data.governance_dimensions() is None:
        return [_absent(chain, form, year, NO_GOVERNANCE) for form in forms]
    recycling = _published(chain, "eol_rir")
    substitution = _published(chain, "substitution_index_SR")
    lacking = [
        name
        for name, value in (("recycling rate", recycling), ("substitution index", substitution))
        if value is None
    ]
    if lacking:
        reason = f"the table demand_structure has no {' and no '.join(lacking)} for it"
        return [_absent(chain, form, year, reason) for form in forms]
    assert recycling is not None
    assert substitution is not None
    bases = _bases(chain, year)
    if not bases:
        reason = f"no trade of every form of '{chain}' in the five years to {year}"
        return [_absent(chain, form, year, reason) for form in forms]
    return [_risk(form, year, bases, recycling, substitution) for form in forms]


def _bases(chain: str, year: int) -> list[BaseYear]:
    """Return the base years of the five years to `year` that have trade."""
    found = []
    for earlier in range(year - YEARS + 1, year + 1):
        with suppress(InputError):  # a year without trade of every form
            found.append(base_year(load_chain(chain), earlier))
    return found


def _risk(
    form: str, year: int, bases: Sequence[BaseYear], recycling: float, substitution: float
) -> dict[str, Any]:
    """Return the row of one form from the base years of five years."""
    chain, years = bases[0].chain.id, [base.year for base in bases]
    tables = [balance_of(base).filter(pl.col("stage") == form) for base in bases]
    table = pl.concat(tables)
    world = _mean_shares([_output(t) for t in tables])
    sourcing = _mean_shares(
        [_sourcing(base, form, own) for base, own in zip(bases, tables, strict=True)]
    )
    governance = _governance(years)
    untraced = world.pop(NOT_TRACED, 0.0), sourcing.pop(NOT_TRACED, 0.0)
    world, left_world, unscored = _scored(world, governance)
    sourcing, left_eu, unscored_eu = _scored(sourcing, governance)
    if max(left_world, left_eu) > NEGLIGIBLE:
        names = ", ".join(sorted({*unscored, *unscored_eu}))
        return _absent(chain, form, year, f"the governance file has no full score for {names}")
    trade = dict.fromkeys(EU27, TRADE_EU)
    inside = table.filter(pl.col("country").is_in(EU27))
    imports, exports, absorbed, unknown = (
        inside.select("imports", "exports", "absorbed", "untraced").sum().row(0)
    )
    if absorbed <= 0.0:
        return _absent(chain, form, year, NONE_USED)
    reliance = _share(imports - exports, absorbed)
    if not world and not sourcing:
        return _absent(chain, form, year, "neither world output nor EU sourcing is known")

    def weighed(shares: Mapping[str, float], more: float) -> float | None:
        held = _with_largest(shares, more)
        return concentration(held, governance, trade) if shares else None

    most = _share(imports - exports + unknown, absorbed)
    ends = [(weighed(world, u), weighed(sourcing, v)) for u, v in ((0.0, 0.0), untraced)]
    risks = [
        supply_risk(*held, import_reliance=ir, recycling=recycling, substitution=substitution)
        for held in ends
        for ir in (reliance, most)
    ]
    low, high = min(risks), max(risks)
    is_told = high - low <= WIDEST * high
    return {
        **_absent(chain, form, year, ""), "reason": None if is_told else UNTRACED,
        "value": risks[0] if is_told else None, "h_world": weighed(world, 0.0),
        "h_eu": weighed(sourcing, 0.0), "import_reliance": reliance, "recycling": recycling,
        "substitution": substitution, "note": f"{years[0]}-{years[-1]}",
        "left_out": max(left_world, left_eu), "low": low, "high": high,
    }  # fmt: skip


def _share(part: float, whole: float) -> float:
    return min(max(part / whole, 0.0), 1.0)


def _with_largest(shares: Mapping[str, float], more: float) -> dict[str, float]:
    """Return shares as if the largest supplier had made what is not traced as well."""
    held = dict(shares)
    if held:
        held[max(held, key=lambda c: held[c])] += more
    return held


def _output(table: pl.DataFrame) -> dict[str, float]:
    """Return output by country, t; what no source explains under `NOT_TRACED`."""
    known = dict(table.select("country", pl.col("output") - pl.col("untraced")).iter_rows())
    return known | {NOT_TRACED: float(table["untraced"].sum())}


def _scored(
    shares: Mapping[str, float], governance: Mapping[str, float]
) -> tuple[dict[str, float], float, list[str]]:
    """Return shares of suppliers with a score, the most that the others could add, and who."""
    without = {c: s for c, s in shares.items() if c not in governance}
    most = sum(s * s for s in without.values()) * WORST * TRADE_WORST
    return {c: s for c, s in shares.items() if c in governance}, most, sorted(without)


def _sourcing(base: BaseYear, form: str, table: pl.DataFrame) -> dict[str, float]:
    """Return what the EU gets by origin: its own output and imports from outside, t."""
    found = _output(table.filter(pl.col("country").is_in(EU27)))
    is_form = base.lane_form == base.forms.index(form)
    for origin, to, level in zip(
        base.lane_origin[is_form],
        base.lane_destination[is_form],
        base.lane_level[is_form],
        strict=True,
    ):
        source = base.countries[origin]
        if base.countries[to] in EU27 and source not in EU27:
            found[source] = found.get(source, 0.0) + float(level)
    return found


def _mean_shares(years: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean over years of each supplier's share; years without supply are left out."""
    totals = [(amounts, sum(amounts.values())) for amounts in years]
    known = [(amounts, total) for amounts, total in totals if total > 0.0]
    mean: dict[str, float] = {}
    for amounts, total in known:
        for supplier, amount in amounts.items():
            if amount > 0.0:
                mean[supplier] = mean.get(supplier, 0.0) + amount / total / len(known)
    return mean


def _governance(years: Sequence[int]) -> dict[str, float]:
    """Return scaled governance by country: mean of six dimensions, then of the years."""
    table = data.governance_dimensions()
    assert table is not None
    mean = (
        table.filter(pl.col("year").is_in(list(years)))
        .group_by("country", "year")
        .agg(pl.col("estimate").mean(), dimensions=pl.len())
        .filter(pl.col("dimensions") == 6)
        .group_by("country")
        .agg(pl.col("estimate").mean())
    )
    return {country: scaled_governance(estimate) for country, estimate in mean.iter_rows()}


def _published(chain: str, metric: str) -> float | None:
    table = data.demand_structure().filter(
        (pl.col("metric") == metric)
        & (pl.col("region") == "EU27")
        & (pl.col("material").str.replace_all("_", "-") == chain)
    )
    return float(table["value"][0]) if table.height else None


def _inputs() -> list[pl.Expr]:
    place = pl.format("chain={}, form={}, years={}", "material", "stage", pl.col("note"))
    curated = {"table": "demand_structure"}
    return [
        figure("concentration of world supply, weighed", pl.col("h_world"), "0-10",
               table="production", where=place, mark="reconciled"),
        figure("concentration of EU sourcing, weighed", pl.col("h_eu"), "0-10", table="trade",
               where=place, mark="reconciled"),
        figure("governance, mean of six", None, "0-10", table="governance_dimensions",
               where=pl.format("years={}", "note")),
        figure("import reliance", pl.col("import_reliance"), "1", table="trade", where=place,
               mark="reconciled"),
        figure("end-of-life recycling input rate", pl.col("recycling"), "1", **curated,
               where=pl.format("metric=eol_rir, material={}", "material")),
        figure("substitution index", pl.col("substitution"), "1", **curated,
               where=pl.format("metric=substitution_index_SR, material={}", "material"),
               mark="low confidence"),
        figure("most that suppliers without a score could add", pl.col("left_out"), "0-10",
               table="governance_dimensions", where=place),
        figure("trade parameter outside the EU", TRADE_ELSE, "1", table="",
               mark="assumed, 0.8-1.5"),
    ]  # fmt: skip
