"""The study: plan the runs, run them, and put their answers together."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum

from lodeline import data
from lodeline.network.chain import Chain
from lodeline.network.stocks import StockPolicy
from lodeline.results.groups import groups_among
from lodeline.results.run import Run
from lodeline.results.stress import BothResult, Corner, SensitivityRow, StressResult
from lodeline.scenarios.effects import is_idle
from lodeline.scenarios.groups import GROUPS
from lodeline.scenarios.spec import Scenario
from lodeline.studies.stress.plan import Progress, StressPlan, check_sectors, plan_of
from lodeline.studies.stress.runs import (
    coordination_of,
    foresights_of,
    markets_of,
    sensitivity_of,
)
from lodeline.studies.stress.tables import (
    chain_result,
    country_summary,
    group_summary,
    headline_document,
    headline_of,
    tables_used,
    worst_certificate,
)
from lodeline.studies.stress.untraced import untraced_of

__all__ = ["Mode", "run_both", "run_stress"]

RANGE_NOTE = (
    "The range covers the scenario's numbers, behaviour and stocks. It does not cover errors of "
    "the trade and output data, of contents and of world prices."
)
LEAD_TIME_NOTE = (
    "Goods take whole months from leaving to arriving, by the shortest way at sea and an assumed "
    "time in ports and inland. What was under way when a restriction began still arrives."
)


class Mode(StrEnum):
    """The two ways of running."""

    MARKET = "market"
    """Month by month; holders of stock expect the reference price."""
    FORESIGHT = "foresight"
    """All months at once: what a market that knew the future would do."""


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
        Countries (ISO3) or groups (``EU27``) the reader asks about; default the scenario's.
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
        Whether goods take their time at sea, or arrive in the month they leave.
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
    plan = plan_of(scenario, base_year, months, asked, form, chains, policy, progress)
    check_sectors(priority)
    plan = replace(_with_lead_time(plan, lead_time=lead_time), priority=tuple(priority))
    markets = markets_of(plan)
    if mode is Mode.FORESIGHT:
        return _result(plan, mode, foresights_of(plan, markets), with_sensitivity=False)
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
    lead_time: bool = False,
    with_sensitivity: bool = True,
    progress: Progress | None = None,
) -> BothResult:
    """Run a scenario in the market and under foresight; parameters as in `run_stress`."""
    from lodeline.studies.foresight import value_of_foresight

    plan = plan_of(scenario, base_year, months, asked, form, chains, policy, progress)
    plan = _with_lead_time(plan, lead_time=lead_time)
    markets = markets_of(plan)
    foresights = foresights_of(plan, markets)
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
        value_by_group={
            group: sum(by_country.get(c, 0.0) for c in GROUPS[group])
            for group in groups_among(plan.countries)
        },
        value_world=world,
    )


def _with_lead_time(plan: StressPlan, *, lead_time: bool) -> StressPlan:
    settings = {c: replace(s, lead_time=lead_time) for c, s in plan.settings.items()}
    return replace(plan, settings=settings)


def _result(
    plan: StressPlan, mode: Mode, runs: Mapping[str, Run], *, with_sensitivity: bool
) -> StressResult:
    results = {
        c: chain_result(s.base, plan.dials[c], runs[c], plan) for c, s in plan.settings.items()
    }
    head = headline_of(results, plan.countries)
    rows: tuple[SensitivityRow, ...] = ()
    corners: tuple[Corner, ...] = ()
    low: float | None = None
    high: float | None = None
    if with_sensitivity and head is not None:
        rows, corners, low, high = sensitivity_of(
            plan.settings[head.chain], plan.dials[head.chain], plan.calendar, head, plan.report
        )
    tables = tables_used(s.base.chain for s in plan.settings.values())
    return StressResult(
        scenario=plan.scenario.document(),
        mode=mode.value,
        base_year=plan.year,
        months=tuple(str(m) for m in plan.calendar),
        asked=plan.countries,
        chains=results,
        countries=country_summary(results),
        groups=group_summary(results),
        sensitivity=rows,
        headline=headline_document(head, low, high),
        certificate=worst_certificate(results),
        dataset=data.dataset_identity() | {"tables": tables},
        country_names=data.country_names(),
        seconds=time.perf_counter() - plan.started,
        notes=_notes(plan, with_range=bool(rows)),
        coordination=coordination_of(plan, runs, head) if mode is Mode.MARKET else None,
        lead_time=any(s.lead_time for s in plan.settings.values()),
        priority=plan.priority,
        idle=tuple(_idle(plan, runs)),
        corners=corners,
        untraced=None if head is None else untraced_of(plan.settings[head.chain], head),
    )


def _idle(plan: StressPlan, runs: Mapping[str, Run]) -> Iterator[str]:
    """Yield the restrictions that find nothing to hold back."""
    for chain, setting in plan.settings.items():
        network = runs[chain].network
        yield from (r.id for r in setting.restrictions if is_idle(network, r))


def _notes(plan: StressPlan, *, with_range: bool) -> tuple[str, ...]:
    takes_time = any(s.lead_time for s in plan.settings.values())
    return (RANGE_NOTE,) * with_range + (LEAD_TIME_NOTE,) * takes_time
