"""Small ensembles that hold every kind of restriction, and help to run them.

Those of `SPEC` go side by side, those of `SINGLY` one at a time.
"""

from functools import cache

import numpy as np
import pytest

from lodeline.network.base_year import base_year
from lodeline.network.catalogue import load_chain
from lodeline.results.metrics import metric_table, series_table
from lodeline.scenarios.compile import compile_schedule
from lodeline.scenarios.ensemble_reading import parse_ensemble
from lodeline.scenarios.restrictions import Outage
from lodeline.studies.dials import Setting, dials_of
from lodeline.studies.ensemble.batch import ChainModel
from lodeline.studies.ensemble.factors import draw, factors_of, restrictions_of
from lodeline.studies.ensemble.singly import SingleModel
from lodeline.studies.market import run_market

YEAR = 2023

SINGLY = """\
id: one-by-one
title: What cannot go side by side
question: Do the other kinds work too?
start: 2024-01
months: 5
asked: [JPN, USA]
stocks: {policy: on-shortage, trigger: {value: 1.2, low: 1.1, high: 1.5}}
events:
  - id: scare
    probability: 0.6
    delay_months: {low: 0, high: 1}
    scenario:
      id: scare
      title: A scare
      question: Who runs short?
      summary: A price floor, a permit for content, a closure.
      kind: hypothetical
      months: 12
      asked: [JPN]
      restrictions:
        - {id: least, type: price-floor, by: [ZAF], on: [JPN], chain: rhodium, forms: all,
           start: 2024-01, end: 2024-04, source: s, floor: {value: 1.5, low: 1.2, high: 2}}
        - {id: content, type: extraterritorial, by: [ZAF], on: [JPN], chain: rhodium, forms: all,
           start: 2024-02, source: s, delay_months: 0, approval_share: 0.2, leakage: 0.1,
           de_minimis: {value: 0.1, low: 0, high: 0.6}}
        - {id: canal, type: closure, route: suez-and-red-sea, chain: rhodium, forms: all,
           start: 2024-01, end: 2024-03, source: s, severity: {value: 0.8, low: 0.5, high: 1},
           diverted: {value: 0.7, low: 0.3, high: 1}, cost_per_day: 0.002}
      sources:
        - {key: s, title: An invented case, confidence: low}
  - id: rush
    duration_months: {low: 1, high: 3}
    scenario:
      id: rush
      title: A rush
      question: Who pays?
      summary: Demand jumps, users hoard, the state helps, and an answer follows.
      kind: hypothetical
      months: 12
      asked: [USA]
      restrictions:
        - {id: more, type: demand-surge, by: [USA], chain: rhodium, forms: all, start: 2024-02,
           source: s, rise: {value: 0.2, low: 0.1, high: 0.4}, fade_months: 2}
        - {id: hoard, type: panic-buying, by: all, chain: rhodium, forms: all, start: 2024-01,
           source: s, extra_days: {value: 20, low: 5, high: 40}, build_months: 2}
        - {id: open, type: stock-release, by: [JPN], chain: rhodium, forms: all, start: 2024-02,
           source: s, share: {value: 0.5, low: 0.2, high: 0.8}, over_months: 2}
        - {id: answer, type: ban, by: [ZAF], on: all, chain: rhodium, forms: all, source: s,
           follows: {restriction: more, after_months: 1}, severity: {value: 0.5, low: 0.2, high: 1},
           leakage: 0}
      sources:
        - {key: s, title: An invented case, confidence: low}
"""

SPEC = """\
id: every-kind
title: Every kind of restriction on a small chain
question: Do all kinds work side by side?
start: 2024-01
months: 6
asked: [JPN, USA]
events:
  - id: stop
    probability: 0.7
    delay_months: {low: 0, high: 2}
    duration_months: {low: 1, high: 5}
    scenario:
      id: stop
      title: A stop by South Africa
      question: Who runs short?
      summary: A ban, a licence and an outage.
      kind: hypothetical
      months: 12
      asked: [JPN]
      restrictions:
        - {id: ban, type: ban, by: [ZAF], on: [JPN], chain: rhodium, forms: all, start: 2024-01,
           source: s, severity: {value: 0.9, low: 0.5, high: 1},
           leakage: {value: 0.1, low: 0, high: 0.5},
           leakage_later: {value: 0.5, low: 0.3, high: 0.9},
           leakage_months: {value: 3, low: 1, high: 5}}
        - {id: permit, type: licence, by: [ZAF], on: [USA], chain: rhodium, forms: all,
           start: 2024-02, end: 2024-08, source: s, delay_months: {value: 1.5, low: 0.2, high: 3},
           approval_share: {value: 0.5, low: 0.2, high: 0.9}, leakage: 0.1,
           approval_by_use: {autocatalysts: 0.1}}
        - {id: content, type: extraterritorial, by: [ZAF], on: [KOR], chain: rhodium, forms: all,
           start: 2024-02, end: 2024-04, source: s, delay_months: {value: 1, low: 0.5, high: 2},
           approval_share: {value: 0.3, low: 0, high: 0.6}, leakage: {value: 0, low: 0, high: 0.3},
           de_minimis: 0.001}
        - {id: strike, type: outage, by: [ZAF], chain: rhodium, forms: all, start: 2024-02,
           end: 2024-03, source: s, severity: {value: 0.3, low: 0.1, high: 0.6},
           recovery_months: {value: 2.5, low: 0, high: 6}}
        - {id: flood, type: outage, by: [ZAF], chain: rhodium, forms: all, start: 2024-03,
           end: 2024-05, source: s, severity: {value: 0.2, low: 0.1, high: 0.4},
           recovery_months: 0}
      sources: &s
        - {key: s, title: An invented case, confidence: low}
  - id: slow
    scenario:
      id: slow
      title: A quota and a tax
      question: Who pays?
      summary: A quota and a tax.
      kind: hypothetical
      months: 12
      asked: [USA]
      restrictions:
        - {id: ceiling, type: quota, by: [ZAF], on: all, chain: rhodium, forms: all,
           start: 2024-01, end: 2024-04, source: s,
           share_of_base: {value: 0.7, low: 0.5, high: 0.9}, leakage: {value: 0, low: 0, high: 0.2}}
        - {id: duty, type: tax, by: [ZAF], on: [JPN, USA], chain: rhodium, forms: all,
           start: 2024-03, end: 2024-05, source: s, rate: {value: 0.2, low: 0.1, high: 0.4}}
      sources:
        - {key: s, title: An invented case, confidence: low}
""".replace(" &s\n", "\n")


@cache
def small():
    """Return ensemble, base year, factors and model of the ensemble that goes side by side."""
    ensemble, base, factors = _read(SPEC)
    return ensemble, base, factors, ChainModel(ensemble, base, factors)


@cache
def single():
    """Return the same of the one whose scenarios run one at a time."""
    ensemble, base, factors = _read(SINGLY)
    return ensemble, base, factors, SingleModel(ensemble, base)


@cache
def with_lead_time():
    """Return the same of the first one with goods that take their time."""
    ensemble, base, factors = _read(SPEC + "lead_time: true\n")
    return ensemble, base, factors, SingleModel(ensemble, base)


def _read(spec):
    ensemble = parse_ensemble(spec.encode(), source="small.yaml")
    base = base_year(load_chain("rhodium"), YEAR)
    return ensemble, base, factors_of(ensemble, {"rhodium": base})


@cache
def sample(count=8, seed=3, cases=small):
    return draw(cases()[2], seed=seed, first=0, count=count)


def of(values, i):
    """Return the numbers of one scenario."""
    return {k: np.asarray(v[i]) for k, v in values.items()}


def setting_of(i, cases=small):
    """Return what a stress test of scenario i starts from, by way of its dials."""
    ensemble, base, _, _ = cases()
    values = sample(cases=cases).values
    own = []
    for event, r in restrictions_of(ensemble, base.chain.id):
        if not values[f"{event.name}.happens"][i]:
            if r.keeps_apart or isinstance(r, Outage):
                # Layers and lanes for buying back stay: what does not happen never begins.
                own.append(r.model_copy(update={"start": ensemble.calendar[-1] + 1, "end": None}))
            continue
        delay = int(values[f"{event.name}.delay_months"][i])
        end = None if r.end is None else r.end + delay
        lasts = values.get(f"{event.name}.duration_months")
        if lasts is not None:
            end = r.start + (delay + int(lasts[i]) - 1)
        own.append(r.model_copy(update={"start": r.start + delay, "end": end}))
    rule = ensemble.stocks.rule() if ensemble.stocks else None
    setting = Setting(base, tuple(own), rule)
    for dial in dials_of(base, own, ensemble.stocks):
        key = (
            dial.key.removeprefix("restriction.")
            if dial.key.startswith("restriction.")
            else f"{base.chain.id}.{dial.key}"
        )
        setting = dial.turn(setting, float(values[key][i]))
    return setting


def schedule_of(i, cases=small):
    """Return the schedule of a stress test of scenario i."""
    setting = setting_of(i, cases)
    return compile_schedule(
        setting.base, setting.restrictions, cases()[0].calendar, stocks=setting.rule,
        lead_time=cases()[0].lead_time,
    )  # fmt: skip


def assert_as_in_a_stress_test(outcome, i, cases=small):
    """Compare scenario i of an outcome with the tables of a stress test run by the reference."""
    run = run_market(schedule_of(i, cases))
    table = metric_table(run, series_table(run))
    network = run.network
    place = {c: k for k, c in enumerate(network.countries)}
    turnover = float(network.row_price @ network.row_scale)
    for row in table.iter_rows(named=True):
        cost = outcome.cost[i, network.forms.index(row["form"]), place[row["country"]]]
        assert cost == pytest.approx(row["cost_usd"], rel=1e-6, abs=1e-9 * turnover)
        if row["unmet_share_peak"] is None:
            continue
        [k] = np.flatnonzero(outcome.use_country == place[row["country"]])
        assert outcome.unmet_share_peak[i, k] == pytest.approx(row["unmet_share_peak"], abs=1e-7)
        assert outcome.price_multiple_peak[i, k] == pytest.approx(
            row["price_multiple_peak"], rel=1e-7
        )
        first, onset = outcome.first_short[i, k], max(outcome.onset[i], 0)
        survive = None if first < 0 else max(first - onset, 0)
        assert survive == row["time_to_survive_months"]
