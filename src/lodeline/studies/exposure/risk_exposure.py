"""Time to survive and risk exposure index of a country's supply, after Simchi-Levi.

For each *site*, a country that delivers a form or a country's own output of it: if it delivers
nothing, how long can the country meet its use and its exports from stocks and the other sites
(time to survive), and what is lost if it takes `TTR` months to come back (performance impact)?

    REI_n = PI_n / max_n PI_n        a site with TTS_n < TTR is exposed

The network is the country's own: lanes into it up to their flow of the base year plus the surge
of the chain, its plants up to the same, its stocks, and as demands its use and its exports, each
worth the world's price of its form. No new suppliers, and others are not outbid: prices play no
part. What the country ships or uses beyond its imports, and no source explains, may go on without a
site or stop with it: `low` and `high`; where they differ by more than `WIDEST`, there is no value.
`lodeline stress` and `worst-case` tell what a market would do. See `survival` for the programs and
the source; times to recover are published for no country, so they are assumed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lodeline.errors import InputError
from lodeline.network import ActivityKind, Network, RowKind, build_network
from lodeline.network.base_year import outputs
from lodeline.network.catalogue import load_chain
from lodeline.network.chain import Chain
from lodeline.network.doubt import doubt_of
from lodeline.results.exposure import FIGURE
from lodeline.studies.exposure.balances import asked_chains, check_stage, last_trade_year
from lodeline.studies.exposure.origin_shares import NOT_TRACED
from lodeline.studies.exposure.registry import Request
from lodeline.studies.exposure.suppliers import members
from lodeline.studies.exposure.survival import (
    HORIZON,
    SupplyNetwork,
    performance_impact,
    time_to_survive,
)

__all__ = ["NOTES", "TTR", "TTR_RANGE", "Site", "measure", "own_network", "sites_of"]

Positions = NDArray[np.intp]

TTR = 6.0
"""Months until a site delivers again. Assumed: restrictions in the ledger last from weeks to
years, and nobody publishes times to recover by country."""
TTR_RANGE = (3.0, 12.0)
LEAST_SHARE = 0.01
"""Least share of what enters a country of a form for a site to be looked at."""
HARMLESS = "no site of this material can make the country short within the time to recover"
ENDLESS = "never short: stocks and the other sites replace it"
UNKNOWN_USE = (
    "not known: the country ships more than it takes in, and no source says that it makes any; so "
    "its own use, and the stock that would last for it, are unknown too"
)
UNTRACED = (
    "a range only (low, high): part of what the country ships or uses is in no source of output, "
    "and may stop with the site or go on"
)
WIDEST = 0.1
"""Relative difference of low and high above which there is no value."""
_OUTPUT = (ActivityKind.PRODUCE, ActivityKind.PROCESS)

NOTES = (
    f"Time to recover {TTR:g} months, assumed ({TTR_RANGE[0]:g} to {TTR_RANGE[1]:g}: see "
    "impact_low_usd and impact_high_usd).",
    "The country's own network: suppliers give what they gave plus the chain's surge, stocks are "
    "the chain's (assumed where nothing is published); no new suppliers, no prices.",
    "Demand is use and exports at the world's price of the form: lost sales, not lost profit.",
    "low and high: what the country has from no source of output stops with the site, or goes on.",
    "REI is relative to the worst site of the same country, material and year; impact_usd can be "
    "compared between materials.",
)

_SCHEMA: dict[str, Any] = {
    "country": pl.String, "material": pl.String, "stage": pl.String, "year": pl.Int32,
    "value": pl.Float64, "unit": pl.String, "inputs": pl.List(FIGURE), "reason": pl.String,
    "site": pl.String, "share": pl.Float64, "time_to_survive_months": pl.Float64,
    "is_exposed": pl.Boolean, "impact_usd": pl.Float64, "impact_low_usd": pl.Float64,
    "impact_high_usd": pl.Float64, "risk_exposure_index": pl.Float64, "low": pl.Float64,
    "high": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True)
class Site:
    """A country that delivers a form, or one's own output of it.

    Attributes
    ----------
    country, form
        Indices of the network.
    activities
        Positions in the supply network that stop with it.
    share
        Of what enters the target of the form.
    is_untraced
        Whether it is what the country has beyond its imports, and no source explains.
    """

    country: int
    form: int
    activities: Positions
    share: float
    is_untraced: bool = False


def measure(request: Request) -> pl.DataFrame:
    """Return one row per country, material, form and site with at least 1 % of what enters.

    Extra columns: ``site`` (ISO3), ``share``, ``time_to_survive_months`` (null: never short, or a
    range only), ``is_exposed`` (null: at one end of the range alone), ``impact_usd`` with its range
    over the time to recover, and ``risk_exposure_index`` (null: nothing is lost, or a range only).

    Raises
    ------
    UnknownNameError
        If a material, country or form does not exist.
    InputError
        If no country is named.
    """
    if not request.countries:
        raise InputError(f"'{request.method}' is about a country's supply: add --country JPN.")
    chains, absent = asked_chains(request)
    check_stage(request.stage, chains)
    named = members(request.countries)
    years = request.years or (last_trade_year(),)
    rows: list[dict[str, Any]] = []
    for year in years:
        for name in named:
            rows += [
                _absent(name, m.id, None, year, request, "no chain of this material")
                for m in absent
            ]
        for chain in chains:
            rows += _of_chain(load_chain(chain), year, named, request)
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def _of_chain(
    chain: Chain, year: int, named: dict[str, tuple[str, ...]], request: Request
) -> Iterator[dict[str, Any]]:
    try:
        network = build_network(chain, base_year=year)
    except InputError as error:
        yield from (_absent(c, chain.id, None, year, request, str(error)) for c in named)
        return
    for name, inside in named.items():
        places = np.isin(np.array(network.countries), inside)
        supply, kept = own_network(network, places)
        sites = sites_of(network, places, kept)
        if supply.demand.size == 0 or not sites:
            why = "no use, export or supplier of this material in the base year"
            yield _absent(name, chain.id, None, year, request, why)
            continue
        unknown = unknown_use(network, places)
        for f in sorted(unknown & {site.form for site in sites}):
            form = network.forms[f]
            if request.stage in (None, form):
                yield _absent(name, chain.id, form, year, request, UNKNOWN_USE)
        known = [site for site in sites if site.form not in unknown]
        yield from _rows(network, name, supply, known, kept, request)


def unknown_use(network: Network, places: NDArray[np.bool_]) -> set[int]:
    """Return the forms of which more is not traced than the countries use: use is a guess then."""
    base = network.base
    untraced = np.where(doubt_of(base).is_untraced, outputs(base), 0.0)[:, places].sum(axis=1)
    used = base.absorbed()[:, places].sum(axis=1)
    return set(np.flatnonzero(untraced > used).tolist())


def own_network(network: Network, places: NDArray[np.bool_]) -> tuple[SupplyNetwork, Positions]:
    """Return the supply network of some countries, and the activities of `network` in it.

    Parameters
    ----------
    network
        Calibrated, without layers.
    places
        Countries that it is of, shape (country,).
    """
    surge = 1.0 + network.base.chain.behaviour.surge.value
    kind, reference = network.kind, network.reference
    leaves, arrives = places[network.origin], places[network.destination]
    lanes = (kind == ActivityKind.SHIP) & (leaves | arrives)
    here = np.isin(kind, [*_OUTPUT, ActivityKind.USE]) & leaves
    kept = np.flatnonzero((lanes | here) & (reference > 0.0))
    rows = np.flatnonzero(
        (network.row_kind == RowKind.BALANCE) & places[np.maximum(network.row_country, 0)]
    )
    is_use = kind[kept] == ActivityKind.USE
    is_export = (kind[kept] == ActivityKind.SHIP) & ~arrives[kept]
    is_demand = is_use | is_export
    stock = np.zeros(network.row_kind.size)
    np.add.at(stock, network.store_rows(), reference[network.of_kind(ActivityKind.STORE)])
    demand = np.flatnonzero(is_demand)
    supply = SupplyNetwork(
        incidence=network.incidence[rows][:, kept],
        stock=stock[rows],
        capacity=reference[kept] * np.where(is_demand, 1.0, surge),
        demand=demand,
        value=network.base.prices[network.form[kept[demand]]],
    )
    return supply, kept


def sites_of(network: Network, places: NDArray[np.bool_], kept: Positions) -> list[Site]:
    """Return the sites that bring at least `LEAST_SHARE` of a form into the countries."""
    form, origin = network.form[kept], network.origin[kept]
    untraced = set(untraced_of(network, kept).tolist())
    outside = (network.kind[kept] == ActivityKind.SHIP) & ~places[origin]
    made = np.isin(network.kind[kept], _OUTPUT)
    flow = network.reference[kept]
    found = []
    for f in range(len(network.forms)):
        whole = float(flow[(outside | made) & (form == f)].sum())
        for c in np.unique(origin[(outside | made) & (form == f)]).tolist():
            stops = np.flatnonzero((outside | made) & (form == f) & (origin == c))
            share = float(flow[stops].sum()) / whole
            if share >= LEAST_SHARE:
                found.append(Site(c, f, stops, share, untraced.issuperset(stops.tolist())))
    return found


def untraced_of(network: Network, kept: Positions) -> Positions:
    """Return the positions in a supply network of outputs that no source explains."""
    is_untraced = doubt_of(network.base).is_untraced
    made = np.isin(network.kind[kept], _OUTPUT)
    return np.flatnonzero(made & is_untraced[network.form[kept], network.origin[kept]])


def _rows(
    network: Network,
    name: str,
    supply: SupplyNetwork,
    sites: list[Site],
    kept: Positions,
    request: Request,
) -> Iterator[dict[str, Any]]:
    if not sites:
        return
    untraced = untraced_of(network, kept)
    stops = [site.activities for site in sites]
    with_untraced = [np.union1d(found, untraced) for found in stops]

    def impact(activities: Positions, months: float) -> float:
        return float(performance_impact(supply, activities, months) @ supply.value)

    impacts = [[impact(a, TTR) for a in found] for found in (stops, with_untraced)]
    indices = [_relative(losses) for losses in impacts]
    for k, site in enumerate(sites):
        if request.stage not in (None, network.forms[site.form]):
            continue
        survived = [time_to_survive(supply, found[k]) for found in (stops, with_untraced)]
        is_time = request.method == "time-to-survive"
        index: Sequence[float | None] = [i[k] for i in indices]
        ends: Sequence[float | None] = survived if is_time else index
        value, reason = _told(ends)
        low, high = _sorted(ends)
        yield {
            "country": name,
            "material": network.base.chain.id,
            "stage": network.forms[site.form],
            "year": network.base.year,
            "value": value,
            "unit": _unit(request),
            "inputs": _inputs(network, name, supply, site, network.base.year),
            "reason": reason,
            "site": NOT_TRACED if site.is_untraced else network.countries[site.country],
            "share": site.share,
            "time_to_survive_months": _told(survived)[0],
            "is_exposed": _agreed([months < TTR for months in survived]),
            "impact_usd": impacts[0][k],
            "impact_low_usd": impact(stops[k], TTR_RANGE[0]),
            "impact_high_usd": impact(with_untraced[k], TTR_RANGE[1]),
            "risk_exposure_index": _told(index)[0],
            "low": low,
            "high": high,
        }


def _sorted(ends: Sequence[float | None]) -> tuple[float | None, float | None]:
    """Return the lower and the higher end; null for never."""
    first, second = ends
    if first is None or second is None:
        return None, None
    return _finite(min(first, second)), _finite(max(first, second))


def _relative(losses: list[float]) -> list[float | None]:
    """Return losses over the worst of them; absent where nothing is lost."""
    worst = max(losses)
    return [loss / worst if worst > 0.0 else None for loss in losses]


def _finite(months: float) -> float | None:
    return None if months >= HORIZON * (1.0 - 1e-9) else months


def _told(ends: Sequence[float | None]) -> tuple[float | None, str | None]:
    """Return the value, or why there is none, from what holds if the untraced goes on or stops."""
    first, second = ends
    if first is None or second is None:
        return None, HARMLESS
    value = _finite(first)
    if abs(first - second) > WIDEST * max(first, second):
        return None, UNTRACED
    return value, None if value is not None else ENDLESS


def _agreed(ends: Sequence[bool]) -> bool | None:
    """Return what holds at both ends, null where they differ."""
    return ends[0] if len(set(ends)) == 1 else None


def _unit(request: Request) -> str:
    return "months" if request.method == "time-to-survive" else "1 (0-1)"


def _inputs(
    network: Network, name: str, supply: SupplyNetwork, site: Site, year: int
) -> list[dict[str, Any]]:
    chain = network.base.chain
    form = network.forms[site.form]
    surge, days = chain.behaviour.surge, chain.behaviour.stock_days
    flow = float(supply.capacity[site.activities].sum()) / (1.0 + surge.value)

    def figure(
        what: str, value: float, unit: str, table: str, where: str, mark: str | None = None
    ) -> dict[str, Any]:
        return {
            "name": what, "value": value, "unit": unit, "table": table, "where": where,
            "mark": mark,
        }  # fmt: skip

    lane = f"balanced base year {year}, {form}, {network.countries[site.country]} to {name}"
    behaviour = f"chain {chain.id}, behaviour"
    return [
        figure("flow of the site", flow, f"{chain.form(form).unit} a month", "trade", lane),
        figure("surge of the others", surge.value, "share", "", f"{behaviour}.surge",
               "assumed" if surge.assumed else None),
        figure("stocks of users", days.value, "days", "", f"{behaviour}.stock_days",
               "assumed" if days.assumed else None),
        figure("time to recover", TTR, "months", "", "this method", "assumed"),
    ]  # fmt: skip


def _absent(
    country: str, material: str, stage: str | None, year: int, request: Request, why: str
) -> dict[str, Any]:
    return {
        "country": country, "material": material, "stage": stage, "year": year,
        "unit": _unit(request), "inputs": [], "reason": why,
    }  # fmt: skip
