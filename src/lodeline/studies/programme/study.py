"""Programme: which month it slips in a scenario, by how much, and what would have prevented it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lodeline import data
from lodeline.network.catalogue import load_chain
from lodeline.network.chain import Chain
from lodeline.network.likeness import inferred_forms
from lodeline.network.stocks import StockPolicy
from lodeline.results.programme import ProgrammeResult, RangeRow, SlipFigures
from lodeline.scenarios.programme import BillLine, Programme
from lodeline.scenarios.spec import Scenario
from lodeline.scenarios.stock_rule import Stocks, stocks_with_policy
from lodeline.studies.dials import Dial, Setting, dials_of
from lodeline.studies.programme.build import (
    DAYS_A_MONTH,
    Build,
    Form,
    Slip,
    build,
    least,
    release_needed,
    slip_of,
)
from lodeline.studies.programme.ranges import ranges_of
from lodeline.studies.programme.supply import (
    ADDED,
    Clock,
    LineSupply,
    clock_of,
    supply_of,
    use_share,
)
from lodeline.studies.stress import default_base_year
from lodeline.studies.stress.plan import setting_of
from lodeline.units import Month

__all__ = ["Case", "build_case", "run_programme"]

Vector = NDArray[np.float64]
Progress = Callable[[str, int, int], None]

MOST_MONTHS_OF_BUFFER = 600.0
"""Largest buffer that is tried, months of need at the highest rate: fifty years."""


@dataclass(frozen=True)
class Case:
    """A programme in a scenario, ready to be built.

    Attributes
    ----------
    programme, clock
        What is built, and when the scenario begins.
    settings
        Base year, restrictions and rules, by chain.
    supply
        What there is, by chain and form.
    """

    programme: Programme
    clock: Clock
    settings: Mapping[str, Setting]
    supply: Mapping[tuple[str, str], LineSupply]


def run_programme(
    programme: Programme,
    scenario: Scenario,
    *,
    base_year: int | None = None,
    begin: Month | None = None,
    months: int | None = None,
    policy: StockPolicy | None = None,
    chains: Mapping[str, Chain] | None = None,
    with_sensitivity: bool = True,
    progress: Progress | None = None,
) -> ProgrammeResult:
    """Run a programme in a scenario.

    Parameters
    ----------
    programme
        What is built, of what, with which buffer and priority.
    scenario
        What is restricted.
    base_year
        Year of the trade data; default the year before the scenario's own start.
    begin
        Month in which the scenario begins instead of its own.
    months
        Months of the market to simulate; afterwards the last one stays.
    policy
        How reserves are released; default as the scenario says.
    chains
        Chains by identifier that are used instead of, or beside, the packaged ones.
    with_sensitivity
        Turn each uncertain number of the bottleneck's chain and of the programme to its ends.
    progress
        Called as the work goes on.

    Raises
    ------
    InputError
        If a year has no trade, the country uses nothing of a form, or the scenario begins too late.
    """
    started, report = time.perf_counter(), progress or _silent
    year = base_year if base_year is not None else default_base_year(scenario)
    stocks = scenario.stocks or Stocks(policy=StockPolicy.MARKET)
    if policy is not None:
        stocks = stocks_with_policy(scenario.stocks, policy, scenario.asked)
    clock = clock_of(programme, scenario, begin, months)
    settings = {
        name: setting_of((chains or {}).get(name) or load_chain(name), year, scenario, stocks)
        for name in programme.chains
    }
    case = _case(programme, clock, settings, report)
    done = build_case(case)
    bottleneck = _bottleneck(case, done)
    ranges: tuple[RangeRow, ...] = ()
    low: float | None = None
    high: float | None = None
    if with_sensitivity and bottleneck is not None:
        ranges, low, high = _ranges(case, bottleneck[0], stocks, report)
    return ProgrammeResult(
        programme=programme.document(),
        scenario=scenario.document(),
        base_year=year,
        begin=str(clock.begin),
        simulated_months=clock.months,
        slip=_figures(case, slip_of(done)),
        slip_without=_without(case, report),
        bottleneck=None if bottleneck is None else "/".join(bottleneck),
        priority_needed=_priority_needed(case),
        forms=_form_table(case, done),
        months=_month_table(case, done),
        supply=_supply_table(case, done),
        low=low,
        high=high,
        ranges=ranges,
        certificate={
            "max_residual": max(s.max_residual for s in case.supply.values()),
            "max_gap": max(s.max_gap for s in case.supply.values()),
        },
        dataset=data.dataset_identity(),
        limits=tuple(
            f"{s.base.chain.id}: {limit}"
            for s in settings.values()
            for limit in s.base.chain.limits
        ),
        seconds=time.perf_counter() - started,
        notes=_notes(case, scenario),
        untouched=tuple(c for c in programme.chains if not case.settings[c].restrictions),
    )


def _ranges(
    case: Case, chain: str, stocks: Stocks, report: Progress
) -> tuple[tuple[RangeRow, ...], float, float]:
    setting = case.settings[chain]
    dials: Sequence[Dial] = dials_of(setting.base, setting.restrictions, stocks)
    return ranges_of(case, chain, dials, build_case, report)


def _priority_needed(case: Case) -> float | None:
    """Return the least priority at which nothing slips."""
    return least(lambda p: slip_of(build_case(case, priority=p)).month is not None, 1.0)


def build_case(
    case: Case,
    *,
    priority: float | None = None,
    buffers_kg: Mapping[tuple[str, str], float] | None = None,
    only: Sequence[BillLine] | None = None,
) -> Build:
    """Build a case.

    Parameters
    ----------
    case
        What is built, and what there is.
    priority
        Instead of the programme's.
    buffers_kg
        Buffers by chain and form, kg, instead of the programme's.
    only
        Lines of the bill that count; default all of them.
    """
    programme = case.programme
    lines = programme.bill if only is None else only
    forms = [form_of(case, line, (buffers_kg or {}).get((line.chain, line.form))) for line in lines]
    return build(
        np.array(programme.units),
        forms,
        priority=programme.priority if priority is None else priority,
        catch_up=programme.catch_up.value,
    )


def form_of(case: Case, line: BillLine, buffer_kg: float | None = None) -> Form:
    """Return a line with what there is of it."""
    there = case.supply[line.chain, line.form]
    held = _buffer_kg(case.programme, line) if buffer_kg is None else buffer_kg
    return Form(line.kg_per_unit.value, held, there.wanted_kg, there.there_kg)


def _case(
    programme: Programme, clock: Clock, settings: Mapping[str, Setting], report: Progress
) -> Case:
    supply: dict[tuple[str, str], LineSupply] = {}
    for k, (name, setting) in enumerate(settings.items()):
        report(f"{name}: {clock.months} months", k, len(settings))
        supply |= {(name, f): s for f, s in supply_of(setting, programme, clock).items()}
    return Case(programme, clock, settings, supply)


def _silent(what: str, done: int, total: int) -> None:
    del what, done, total


def _daily_kg(programme: Programme, line: BillLine) -> float:
    """Return the need a day at the highest rate of the schedule, kg."""
    return line.kg_per_unit.value * max(programme.units) / DAYS_A_MONTH


def _buffer_kg(programme: Programme, line: BillLine) -> float:
    if line.buffer_kg is not None:
        return line.buffer_kg.value
    return line.buffer_days.value * _daily_kg(programme, line)


def _bottleneck(case: Case, done: Build) -> tuple[str, str] | None:
    """Return chain and form that held the line up in most months; of equals the first listed."""
    held = done.binding[done.binding >= 0]
    if slip_of(done).month is None or held.size == 0:
        return None
    line = case.programme.bill[int(np.bincount(held).argmax())]
    return line.chain, line.form


def _without(case: Case, report: Progress) -> SlipFigures | None:
    """Return the slip from the programme's own demand, where it is added to the country's."""
    added = [
        line for line in case.programme.bill
        if use_share(case.settings[line.chain].base, line, case.programme) > ADDED
    ]  # fmt: skip
    if not added:
        return None
    supply: dict[tuple[str, str], LineSupply] = {}
    for name, setting in case.settings.items():
        report(f"{name}: without the scenario", 0, 1)
        found = supply_of(setting, case.programme, case.clock, restricted=False)
        supply |= {(name, form): there for form, there in found.items()}
    calm = replace(case, supply=supply)
    return _figures(calm, slip_of(build_case(calm)))


def _figures(case: Case, slip: Slip) -> SlipFigures:
    months = case.programme.months

    def name(index: int | None) -> str | None:
        return None if index is None else str(months[index])

    # What was built before the scenario began was on time.
    clock = case.clock
    before = max(0, clock.begin - clock.material[0])
    return SlipFigures(
        slip_month=name(slip.month),
        days_to_slip=None if slip.days is None else max(0.0, slip.days - DAYS_A_MONTH * before),
        days_from=str(max(clock.begin, clock.material[0])),
        units_late_peak=slip.peak,
        peak_month=name(slip.peak_month),
        months_late_peak=slip.delay,
        recovery_month=name(slip.recovered),
        units_late_end=slip.at_end,
    )


def _form_table(case: Case, done: Build) -> pl.DataFrame:
    rows = [_form_row(case, done, k, line) for k, line in enumerate(case.programme.bill)]
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(
        pl.col("buffer_days_needed", "buffer_kg_needed", "reserve_kg", "reserve_left_kg").cast(
            pl.Float64
        ),
        pl.col("slip_month_alone").cast(pl.String),
    )


def _form_row(case: Case, done: Build, k: int, line: BillLine) -> dict[str, object]:
    programme, key = case.programme, (line.chain, line.form)
    base, there = case.settings[line.chain].base, case.supply[key]
    form = next(f for f in base.chain.forms if f.id == line.form)
    daily, held = _daily_kg(programme, line), _buffer_kg(programme, line)
    alone = slip_of(build_case(case, only=[line]))
    needed = least(
        lambda kg: slip_of(build_case(case, only=[line], buffers_kg={key: kg})).month is not None,
        MOST_MONTHS_OF_BUFFER * DAYS_A_MONTH * daily,
    )
    share = use_share(base, line, programme)
    options = {"priority": programme.priority, "catch_up": programme.catch_up.value}
    units = np.array(programme.units)
    return {
        "chain": line.chain,
        "form": line.form,
        "title": form.title,
        "unit": form.unit,
        "kg_per_unit": line.kg_per_unit.value,
        "share_of_use": share,
        "is_added": share > ADDED,
        "buffer_days": held / daily,
        "buffer_kg": held,
        "served_share_lowest": float((there.there_kg / there.wanted_kg).min()),
        "price_multiple_peak": float(there.price_multiple.max()),
        "is_price_capped": bool(there.is_capped.any()),
        "inferred_from": inferred_forms(base.chain).get(line.form),
        "months_binding": int((done.binding == k).sum()),
        "units_late_alone": alone.peak,
        "slip_month_alone": None if alone.month is None else str(programme.months[alone.month]),
        "buffer_days_needed": None if needed is None else needed / daily,
        "buffer_kg_needed": needed,
        "release_kg_needed": release_needed(units, form_of(case, line), **options),
        "reserve_kg": there.reserve_kg,
        "reserve_left_kg": there.reserve_left_kg,
    }


def _month_table(case: Case, done: Build) -> pl.DataFrame:
    names = ["/".join((line.chain, line.form)) for line in case.programme.bill]
    return pl.DataFrame(
        {
            "month": [str(m) for m in case.programme.months],
            "units": done.units,
            "built": done.built,
            "units_total": np.cumsum(done.units),
            "built_total": np.cumsum(done.built),
            "units_late": done.backlog,
            "binding": pl.Series([names[k] if k >= 0 else None for k in done.binding],
                                 dtype=pl.String),
        }
    )  # fmt: skip


def _supply_table(case: Case, done: Build) -> pl.DataFrame:
    parts = []
    for k, line in enumerate(case.programme.bill):
        there = case.supply[line.chain, line.form]
        parts.append(
            pl.DataFrame(
                {
                    "month": [str(m) for m in case.clock.material],
                    "chain": line.chain,
                    "form": line.form,
                    "need_kg": line.kg_per_unit.value * done.units,
                    "ordered_kg": done.wanted_kg[:, k],
                    "got_kg": done.got_kg[:, k],
                    "stock_kg": done.stock_kg[:, k],
                    "served_share": there.there_kg / there.wanted_kg,
                    "price_multiple": there.price_multiple,
                    "is_price_capped": there.is_capped,
                }
            )
        )
    return pl.concat(parts)


def _notes(case: Case, scenario: Scenario) -> tuple[str, ...]:
    programme, clock = case.programme, case.clock
    out = []
    if programme.illustrative:
        out.append("The programme is illustrative: it claims nothing about a real one.")
    if clock.begin != scenario.start:
        out.append(
            f"The scenario begins in {clock.begin} instead of {scenario.start}, in the market of "
            "its own base year."
        )
    last = clock.begin + (clock.months - 1)
    if clock.material[-1] > last:
        out.append(
            f"The market was followed until {last}. What it delivers in that month is taken to "
            f"stay until the last material of the schedule, in {clock.material[-1]}."
        )
    return tuple(out)
