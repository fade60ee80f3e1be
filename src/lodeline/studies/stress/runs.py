"""The runs of a stress test: its chains, without coordination, and with each number turned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from lodeline.network.stocks import StockPolicy
from lodeline.results.groups import group_peak
from lodeline.results.metrics import metric_table, series_table
from lodeline.results.reserves import reserve_table
from lodeline.results.run import Run
from lodeline.results.stress import Coordination, Corner, SensitivityRow
from lodeline.results.welfare import cost_by_country
from lodeline.scenarios.compile import compile_schedule
from lodeline.scenarios.groups import GROUPS
from lodeline.studies.dials import Dial, Setting
from lodeline.studies.market import run_market
from lodeline.studies.stress.plan import Progress, StressPlan
from lodeline.studies.stress.tables import Headline, peak_of
from lodeline.units import Month

__all__ = ["coordination_of", "foresights_of", "markets_of", "sensitivity_of"]

CORNER_DIALS = 3
"""So many of the widest dials are turned together for the corners of the range."""


def markets_of(plan: StressPlan) -> dict[str, Run]:
    """Return the market of every chain."""
    runs = {}
    for k, (name, setting) in enumerate(plan.settings.items()):
        plan.report(f"{name}: {len(plan.calendar)} months", k, len(plan.settings))
        runs[name] = _run(setting, plan.calendar)
    return runs


def foresights_of(plan: StressPlan, markets: Mapping[str, Run]) -> dict[str, Run]:
    """Return what a market that knew the future would do, ending with the stocks of `markets`."""
    # Imported here: its compiled parts take a second to load, and the market needs none of them.
    from lodeline.studies.foresight import run_foresight

    runs = {}
    for k, (name, market) in enumerate(markets.items()):
        plan.report(f"{name}: foresight", k, len(markets))
        runs[name] = run_foresight(market)
    return runs


def coordination_of(
    plan: StressPlan, joint: Mapping[str, Run], head: Headline | None
) -> Coordination | None:
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
    holder, share = (None, None) if head is None else _largest(joint[head.chain], head, members)
    return Coordination(
        members=members,
        by_country=dict(sorted(saved.items())),
        coalition=sum(saved[c] for c in members),
        world=sum(saved.values()),
        largest_holder=holder,
        largest_share=share,
    )


def _largest(run: Run, head: Headline, members: Sequence[str]) -> tuple[str | None, float | None]:
    """Return who of the members holds most of the headline's form, and its share."""
    held = reserve_table(run).filter(
        (pl.col("form") == head.form) & pl.col("country").is_in(members)
    )
    total = float(held["opening_t"].sum())
    if total <= 0.0:
        return None, None
    first = held.sort("opening_t", descending=True).row(0, named=True)
    return str(first["country"]), float(first["opening_t"]) / total


def sensitivity_of(
    setting: Setting,
    dials: Sequence[Dial],
    months: Sequence[Month],
    head: Headline,
    report: Progress,
) -> tuple[tuple[SensitivityRow, ...], tuple[Corner, ...], float, float]:
    """Turn each dial to its ends, then the widest together; return rows, corners and the span."""

    def peak(at: Setting) -> float:
        run = _run(at, months)
        series = series_table(run)
        if head.country in GROUPS:
            value = group_peak(run, head.country, head.form, series)
        else:
            value = peak_of(metric_table(run, series), head.country, head.form)
        return 0.0 if value is None else value

    rows = []
    turned = [d for d in dials if d.high > d.low]
    for k, dial in enumerate(turned):
        report(f"sensitivity: {dial.label}", k, len(turned))
        at_low = peak(dial.turn(setting, dial.low))
        at_high = peak(dial.turn(setting, dial.high))
        row = SensitivityRow(
            head.chain, dial.label, dial.unit, dial.low, dial.high, at_low, at_high, head.value,
            inferred_form=dial.inferred_form,
        )  # fmt: skip
        rows.append((dial, row))
    rows.sort(key=lambda r: abs(r[1].at_high - r[1].at_low), reverse=True)
    corners = []
    for is_severe in (False, True):
        at, numbers = setting, []
        for dial, row in rows[:CORNER_DIALS]:
            end = dial.high if (row.at_high > row.at_low) is is_severe else dial.low
            at = dial.turn(at, end)
            numbers.append((dial.label, dial.unit, end))
        corners.append(Corner(head.chain, is_severe, tuple(numbers), peak(at)))
    values = [head.value, *(corner.value for corner in corners)]
    values += [v for _, row in rows for v in (row.at_low, row.at_high)]
    return tuple(row for _, row in rows), tuple(corners), min(values), max(values)


def _run(setting: Setting, months: Sequence[Month]) -> Run:
    return run_market(
        compile_schedule(
            setting.base,
            setting.restrictions,
            months,
            stocks=setting.rule,
            lead_time=setting.lead_time,
            origin=setting.origin,
        )
    )
