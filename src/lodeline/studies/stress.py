"""Stress: if a supplier restricts, who runs short of what, when, for how long, at what price."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import polars as pl

from lodeline import data
from lodeline.errors import InputError, UnknownNameError
from lodeline.network import BaseYear
from lodeline.network.base_year import base_year as balanced_year
from lodeline.network.catalogue import load_chain
from lodeline.network.chain import Chain, SharesOfWorld, TableOutput
from lodeline.network.sectors import sector_ids
from lodeline.network.stocks import StockPolicy
from lodeline.results.metrics import flow_table, metric_table, series_table, supply_table
from lodeline.results.reserves import reserve_table
from lodeline.results.run import Run
from lodeline.results.sectors import sector_table
from lodeline.results.stress import (
    BothResult,
    ChainResult,
    Coordination,
    SensitivityRow,
    StressResult,
)
from lodeline.results.third_countries import via_table
from lodeline.results.welfare import cost_by_country
from lodeline.scenarios.compile import compile_schedule
from lodeline.scenarios.spec import Scenario
from lodeline.scenarios.stock_rule import Stocks, stocks_with_policy
from lodeline.studies.dials import Dial, Setting, dials_of
from lodeline.studies.market import run_market
from lodeline.units import Month

__all__ = ["Mode", "Progress", "default_base_year", "run_both", "run_stress"]

Progress = Callable[[str, int, int], None]
"""Called with what is done, how many steps are done, and how many there are."""

RANGE_NOTE = (
    "The range covers the scenario's numbers, behaviour and stocks. It does not cover errors of "
    "the trade and output data, of contents and of world prices."
)
LEAD_TIME_NOTE = (
    "Goods take whole months from leaving to arriving, by the shortest way at sea and an assumed "
    "time in ports and inland. What was under way when a restriction began still arrives."
)
MATERIAL_USER = 1e-3
"""Least share of the world's use of a form for a country to lead the headline."""
CORNER_DIALS = 3
"""So many of the widest dials are turned together for the corners of the range."""


class Mode(StrEnum):
    """The two ways of running."""

    MARKET = "market"
    """Month by month; holders of stock expect the reference price."""
    FORESIGHT = "foresight"
    """All months at once: what a market that knew the future would do."""


def default_base_year(scenario: Scenario) -> int:
    """Return the year before the scenario starts, or the last year of the trade data."""
    return min(scenario.start.year - 1, _last_trade_year())


def run_stress(
    scenario: Scenario,
    *,
    base_year: int | None = None,
    months: int | None = None,
    asked: Sequence[str] | None = None,
    form: str | None = None,
    chains: Mapping[str, Chain] | None = None,
    mode: Mode = Mode.MARKET,
    policy: StockPolicy | None = None,
    lead_time: bool = False,
    priority: Sequence[str] = (),
    with_sensitivity: bool = True,
    progress: Progress | None = None,
) -> StressResult:
    """Run a scenario on all its chains.

    Parameters
    ----------
    scenario
        What is restricted.
    base_year
        Year of the trade data; default `default_base_year`.
    months
        Simulated months; default the scenario's.
    asked
        Countries (ISO3) the reader asks about; default the scenario's.
    form
        Form whose metrics are reported, for the chains that have it; default each chain's last.
    chains
        Chains by identifier that are used instead of, or beside, the packaged ones.
    mode
        The month-by-month market, or a market that knows the future.
    policy
        How reserves are released; default as the scenario says. `JOINT` is by the scenario's
        coalition, or by the countries asked about.
    lead_time
        Whether goods take their time at sea (market alone), or arrive in the month they leave.
    priority
        Sectors that are served first in every country; default by willingness to pay.
    with_sensitivity
        In the market: turn each uncertain number of the headline's chain to the ends of its range.
    progress
        Called as the work goes on.

    Raises
    ------
    InputError
        If a year has no trade, or a country or form does not exist.
    """
    if lead_time and mode is not Mode.MARKET:
        raise InputError(
            "lead times are not part of foresight yet. Leave out --lead-time, or choose "
            "--mode market."
        )
    plan = _plan(scenario, base_year, months, asked, form, chains, policy, progress)
    _check_sectors(priority)
    plan = replace(
        plan,
        settings={c: replace(s, lead_time=lead_time) for c, s in plan.settings.items()},
        priority=tuple(priority),
    )
    markets = _markets(plan)
    if mode is Mode.FORESIGHT:
        return _result(plan, mode, _foresights(plan, markets), with_sensitivity=False)
    return _result(plan, mode, markets, with_sensitivity=with_sensitivity)


def run_both(
    scenario: Scenario,
    *,
    base_year: int | None = None,
    months: int | None = None,
    asked: Sequence[str] | None = None,
    form: str | None = None,
    chains: Mapping[str, Chain] | None = None,
    policy: StockPolicy | None = None,
    with_sensitivity: bool = True,
    progress: Progress | None = None,
) -> BothResult:
    """Run a scenario in the market and under foresight; parameters as in `run_stress`."""
    from lodeline.studies.foresight import value_of_foresight

    plan = _plan(scenario, base_year, months, asked, form, chains, policy, progress)
    markets = _markets(plan)
    foresights = _foresights(plan, markets)
    by_country: dict[str, float] = {}
    world = 0.0
    for name, market in markets.items():
        value = value_of_foresight(market, foresights[name])
        world += value.as_paid
        for country, usd in value.by_country.items():
            by_country[country] = by_country.get(country, 0.0) + usd
    return BothResult(
        market=_result(plan, Mode.MARKET, markets, with_sensitivity=with_sensitivity),
        foresight=_result(plan, Mode.FORESIGHT, foresights, with_sensitivity=False),
        value_by_country=dict(sorted(by_country.items())),
        value_world=world,
    )


@dataclass(frozen=True)
class _Plan:
    """What is run: settings and dials by chain, months, and who asks."""

    scenario: Scenario
    year: int
    calendar: tuple[Month, ...]
    countries: tuple[str, ...]
    form: str | None
    settings: Mapping[str, Setting]
    dials: Mapping[str, tuple[Dial, ...]]
    report: Progress
    started: float
    priority: tuple[str, ...] = ()


def _plan(
    scenario: Scenario,
    base_year: int | None,
    months: int | None,
    asked: Sequence[str] | None,
    form: str | None,
    chains: Mapping[str, Chain] | None,
    policy: StockPolicy | None,
    progress: Progress | None,
) -> _Plan:
    started = time.perf_counter()
    year = base_year if base_year is not None else default_base_year(scenario)
    countries = tuple(asked) if asked is not None else scenario.asked
    _check_countries(countries)
    own = dict(chains or {})
    loaded = {c: own[c] if c in own else load_chain(c) for c in scenario.chains}
    _check_form(loaded, form)
    stocks = scenario.stocks or Stocks(policy=StockPolicy.MARKET)
    if policy is not None:
        stocks = stocks_with_policy(scenario.stocks, policy, countries)
    settings = {c: _setting(chain, year, scenario, stocks) for c, chain in loaded.items()}
    return _Plan(
        scenario=scenario.model_copy(update={"stocks": stocks}),
        year=year,
        calendar=tuple(scenario.start + i for i in range(months or scenario.months)),
        countries=countries,
        form=form,
        settings=settings,
        dials={c: dials_of(s.base, s.restrictions, stocks) for c, s in settings.items()},
        report=progress or _silent,
        started=started,
    )


def _markets(plan: _Plan) -> dict[str, Run]:
    runs = {}
    for k, (name, setting) in enumerate(plan.settings.items()):
        plan.report(f"{name}: {len(plan.calendar)} months", k, len(plan.settings))
        runs[name] = _run(setting, plan.calendar)
    return runs


def _foresights(plan: _Plan, markets: Mapping[str, Run]) -> dict[str, Run]:
    # Imported here: its compiled parts take a second to load, and the market needs none of them.
    from lodeline.studies.foresight import run_foresight

    runs = {}
    for k, (name, market) in enumerate(markets.items()):
        plan.report(f"{name}: foresight", k, len(markets))
        runs[name] = run_foresight(market.schedule, market.stocks[-1])
    return runs


def _result(
    plan: _Plan, mode: Mode, runs: Mapping[str, Run], *, with_sensitivity: bool
) -> StressResult:
    results = {
        c: _chain_result(s.base, plan.dials[c], runs[c], plan) for c, s in plan.settings.items()
    }
    head = _headline(results, plan.countries)
    rows: tuple[SensitivityRow, ...] = ()
    low: float | None = None
    high: float | None = None
    if with_sensitivity and head is not None:
        rows, low, high = _sensitivity(
            plan.settings[head.chain], plan.dials[head.chain], plan.calendar, head, plan.report
        )
    tables = _tables_used(s.base.chain for s in plan.settings.values())
    return StressResult(
        scenario=plan.scenario.document(),
        mode=mode.value,
        base_year=plan.year,
        months=tuple(str(m) for m in plan.calendar),
        asked=plan.countries,
        chains=results,
        countries=_summary(results),
        sensitivity=rows,
        headline=_headline_document(head, low, high),
        certificate=_worst_certificate(results),
        dataset=data.dataset_identity() | {"tables": tables},
        country_names=data.country_names(),
        seconds=time.perf_counter() - plan.started,
        notes=_notes(plan, with_range=bool(rows)),
        coordination=_coordination(plan, runs) if mode is Mode.MARKET else None,
        lead_time=any(s.lead_time for s in plan.settings.values()),
        priority=plan.priority,
    )


def _notes(plan: _Plan, *, with_range: bool) -> tuple[str, ...]:
    takes_time = any(s.lead_time for s in plan.settings.values())
    return (RANGE_NOTE,) * with_range + (LEAD_TIME_NOTE,) * takes_time


def _last_trade_year() -> int:
    years = data.code_status()["last_year"]
    return int(years.max())  # type: ignore[arg-type]


def _tables_used(chains: Iterable[Chain]) -> list[dict[str, object]]:
    """Return the manifest's entries of the tables that the chains draw on."""
    used = {"trade", "countries"}
    for chain in chains:
        for form in chain.forms:
            for source in (form.output, form.fallback):
                if isinstance(source, TableOutput):
                    used |= {"production", "world_mining_data"}
                elif isinstance(source, SharesOfWorld):
                    used.add("stage_shares")
    return [t for t in data.info()["tables"] if t["name"] in used]


def _silent(what: str, done: int, total: int) -> None:
    del what, done, total


def _check_countries(countries: Sequence[str]) -> None:
    known = data.country_names()
    for country in countries:
        if country not in known:
            raise UnknownNameError("country", country, known, "Use ISO 3166 alpha-3 codes.")
    if not countries:
        raise InputError("no country asked about. Name at least one, for example JPN.")


def _check_sectors(names: Sequence[str]) -> None:
    for name in names:
        if name not in sector_ids():
            raise UnknownNameError("sector", name, sector_ids(), "docs/scenarios.md lists them.")


def _check_form(chains: Mapping[str, Chain], form: str | None) -> None:
    if form is None:
        return
    known = [f.id for chain in chains.values() for f in chain.forms]
    if form not in known:
        raise UnknownNameError("form", form, known)


def _setting(chain: Chain, year: int, scenario: Scenario, stocks: Stocks) -> Setting:
    own = tuple(r for r in scenario.restrictions if r.chain == chain.id)
    return Setting(balanced_year(chain, year), own, stocks.rule())


def _run(setting: Setting, months: Sequence[Month]) -> Run:
    return run_market(
        compile_schedule(
            setting.base,
            setting.restrictions,
            months,
            stocks=setting.rule,
            lead_time=setting.lead_time,
        )
    )


def _coordination(plan: _Plan, joint: Mapping[str, Run]) -> Coordination | None:
    """Return what joint release saves against release by each member for itself."""
    stocks = plan.scenario.stocks
    if stocks is None or stocks.policy is not StockPolicy.JOINT:
        return None
    saved: dict[str, float] = {}
    for name, setting in plan.settings.items():
        plan.report(f"{name}: without coordination", 0, 1)
        assert setting.rule is not None
        alone = replace(setting.rule, policy=StockPolicy.ON_SHORTAGE)
        difference = cost_by_country(_run(replace(setting, rule=alone), plan.calendar))
        difference -= cost_by_country(joint[name])
        usd = difference.sum(axis=0).tolist()
        for country, value in zip(setting.base.countries, usd, strict=True):
            saved[country] = saved.get(country, 0.0) + value
    members = tuple(c for c in stocks.rule().coalition if c in saved)
    return Coordination(
        members=members,
        by_country=dict(sorted(saved.items())),
        coalition=sum(saved[c] for c in members),
        world=sum(saved.values()),
    )


def _chain_result(base: BaseYear, dials: Sequence[Dial], run: Run, plan: _Plan) -> ChainResult:
    chain = base.chain
    shown = plan.form if plan.form in base.forms else base.forms[-1]
    assert shown is not None
    series = series_table(run)
    metrics = metric_table(run, series)
    costs = metrics.group_by("country", maintain_order=True).agg(cost_usd=pl.col("cost_usd").sum())
    return ChainResult(
        chain=chain.id,
        title=chain.title,
        form=shown,
        form_titles={f.id: f.title for f in chain.forms},
        units={f.id: f.unit for f in chain.forms},
        metrics=metrics,
        costs=costs,
        series=series,
        flows=flow_table(run),
        supply=supply_table(run),
        reserves=reserve_table(run),
        via=via_table(run),
        sectors=sector_table(run, series, plan.priority),
        reconciliation=base.reconciliation,
        max_deviation_from_reported=base.max_deviation_from_reported,
        assumptions=_assumption_table(dials),
        limits=chain.limits,
        certificate={
            "max_residual": run.max_residual,
            "max_gap": run.max_gap,
            "solves": run.solves,
            "fallbacks": run.fallbacks,
        },
    )


def _assumption_table(dials: Sequence[Dial]) -> pl.DataFrame:
    names = ("label", "value", "low", "high", "unit", "source", "assumed")
    table = pl.DataFrame({n: [getattr(d, n) for d in dials] for n in names})
    return table.rename({"label": "name"})


def _summary(chains: Mapping[str, ChainResult]) -> pl.DataFrame:
    """Return one row per country over all chains: costs added, the worst of the rest."""
    parts = []
    for name, result in chains.items():
        shown = result.metrics.filter(pl.col("form") == result.form).drop("cost_usd")
        parts.append(
            result.costs.join(shown, on="country", how="left").with_columns(chain=pl.lit(name))
        )
    return (
        pl.concat(parts)
        .sort("country", pl.col("unmet_share_peak").fill_null(-1.0), descending=[False, True])
        .group_by("country", maintain_order=True)
        .agg(
            cost_usd=pl.col("cost_usd").sum(),
            worst_chain=pl.col("chain").filter(pl.col("unmet_share_peak").is_not_null()).first(),
            unmet_share_peak=pl.col("unmet_share_peak").max(),
            time_to_survive_months=pl.col("time_to_survive_months").min(),
            time_to_recover_months=_worst_recovery(),
            price_multiple_peak=pl.col("price_multiple_peak").max(),
        )
    )


def _worst_recovery() -> pl.Expr:
    """Return the longest time to recover; absent if any chain does not recover in the horizon."""
    known = pl.col("unmet_share_peak").is_not_null()
    never = (known & pl.col("time_to_recover_months").is_null()).any()
    return pl.when(never).then(None).otherwise(pl.col("time_to_recover_months").max())


@dataclass(frozen=True)
class _Head:
    country: str
    chain: str
    form: str
    value: float


def _headline(chains: Mapping[str, ChainResult], asked: Sequence[str]) -> _Head | None:
    """Return the country and chain that are hit hardest among the countries asked about.

    A country that uses next to nothing leads only if all of them do: half of two tonnes is no
    headline.
    """
    found = [
        (_use_share(result, country) >= MATERIAL_USER, value, country, result)
        for country in asked
        for result in chains.values()
        if (value := _peak(result.metrics, country, result.form)) is not None
    ]
    if not found:
        return None
    _, value, country, result = max(found, key=lambda row: row[:2])
    return _Head(country, result.chain, result.form, value)


def _use_share(result: ChainResult, country: str) -> float:
    """Return a country's share of the world's reference use of the chain's form."""
    shown = result.metrics.filter(pl.col("form") == result.form)
    own = shown.filter(pl.col("country") == country)["reference_use_t"].sum()
    return float(own) / max(float(shown["reference_use_t"].sum()), 1e-300)


def _peak(metrics: pl.DataFrame, country: str, form: str) -> float | None:
    row = metrics.filter((pl.col("country") == country) & (pl.col("form") == form))
    value = row["unmet_share_peak"][0] if row.height else None
    return None if value is None else float(value)


def _headline_document(
    head: _Head | None, low: float | None, high: float | None
) -> dict[str, object]:
    if head is None:
        return {}
    return {
        "country": head.country,
        "chain": head.chain,
        "form": head.form,
        "unmet_share_peak": head.value,
        "low": low,
        "high": high,
    }


def _sensitivity(
    setting: Setting, dials: Sequence[Dial], months: Sequence[Month], head: _Head, report: Progress
) -> tuple[tuple[SensitivityRow, ...], float, float]:
    """Turn each dial to its ends, then the widest together; return rows and the span."""

    def peak(at: Setting) -> float:
        run = _run(at, months)
        value = _peak(metric_table(run, series_table(run)), head.country, head.form)
        return 0.0 if value is None else value

    rows = []
    turned = [d for d in dials if d.high > d.low]
    for k, dial in enumerate(turned):
        report(f"sensitivity: {dial.label}", k, len(turned))
        at_low = peak(dial.turn(setting, dial.low))
        at_high = peak(dial.turn(setting, dial.high))
        row = SensitivityRow(
            head.chain, dial.label, dial.unit, dial.low, dial.high, at_low, at_high, head.value
        )
        rows.append((dial, row))
    rows.sort(key=lambda r: abs(r[1].at_high - r[1].at_low), reverse=True)
    mild = severe = setting
    for dial, row in rows[:CORNER_DIALS]:
        worse, better = (dial.high, dial.low) if row.at_high > row.at_low else (dial.low, dial.high)
        severe, mild = dial.turn(severe, worse), dial.turn(mild, better)
    values = [head.value, peak(mild), peak(severe)]
    values += [v for _, row in rows for v in (row.at_low, row.at_high)]
    return tuple(row for _, row in rows), min(values), max(values)


def _worst_certificate(chains: Mapping[str, ChainResult]) -> dict[str, float]:
    return {
        "max_residual": max(c.certificate["max_residual"] for c in chains.values()),
        "max_gap": max(c.certificate["max_gap"] for c in chains.values()),
        "solves": sum(c.certificate["solves"] for c in chains.values()),
        "fallbacks": sum(c.certificate["fallbacks"] for c in chains.values()),
    }
