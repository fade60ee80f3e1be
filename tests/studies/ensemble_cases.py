"""A small ensemble that holds every kind of restriction, and help to run it."""

from functools import cache

import numpy as np

from lodeline.network.base_year import base_year
from lodeline.network.catalogue import load_chain
from lodeline.scenarios.ensemble_reading import parse_ensemble
from lodeline.studies.ensemble.batch import ChainModel
from lodeline.studies.ensemble.factors import draw, factors_of

YEAR = 2023

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
           leakage: {value: 0.1, low: 0, high: 0.5}}
        - {id: permit, type: licence, by: [ZAF], on: [USA], chain: rhodium, forms: all,
           start: 2024-02, end: 2024-08, source: s, delay_months: {value: 1.5, low: 0.2, high: 3},
           approval_share: {value: 0.5, low: 0.2, high: 0.9}, leakage: 0.1}
        - {id: strike, type: outage, by: [ZAF], chain: rhodium, forms: all, start: 2024-02,
           end: 2024-03, source: s, severity: {value: 0.3, low: 0.1, high: 0.6},
           recovery_months: {value: 2.5, low: 0, high: 6}}
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
    """Return ensemble, base year, factors and model of the small ensemble."""
    ensemble = parse_ensemble(SPEC.encode(), source="small.yaml")
    base = base_year(load_chain("rhodium"), YEAR)
    factors = factors_of(ensemble, {"rhodium": base})
    return ensemble, base, factors, ChainModel(ensemble, base, factors)


@cache
def sample(count=8, seed=3):
    return draw(small()[2], seed=seed, first=0, count=count)


def of(values, i):
    """Return the numbers of one scenario."""
    return {k: np.asarray(v[i]) for k, v in values.items()}
