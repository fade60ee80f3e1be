"""A small plan on the rhodium chain: few countries, four quarters, quick to solve."""

from dataclasses import replace
from functools import cache

import numpy as np

from lodeline.scenarios.plan_reading import parse_plan
from lodeline.solver.curves import CurveKind
from lodeline.studies.plan.futures import case_of

FUTURES = """\
id: south-africa-stops
title: South Africa stops
question: Who runs short?
start: 2024-01
months: 12
asked: [JPN]
events:
  - id: stop
    probability: 0.7
    delay_months: {low: 0, high: 2}
    duration_months: {low: 3, high: 9}
    scenario:
      id: stop
      title: A stop by South Africa
      question: Who runs short?
      summary: A ban and an outage.
      kind: hypothetical
      months: 12
      asked: [JPN]
      restrictions:
        - {id: ban, type: ban, by: [ZAF], on: [JPN, USA], chain: rhodium, forms: all,
           start: 2024-01, source: s, severity: {value: 0.9, low: 0.5, high: 1},
           leakage: {value: 0.1, low: 0, high: 0.5}}
        - {id: strike, type: outage, by: [ZAF], chain: rhodium, forms: all, start: 2024-02,
           end: 2024-05, source: s, severity: {value: 0.3, low: 0.1, high: 0.6},
           recovery_months: {value: 2.5, low: 0, high: 6}}
      sources:
        - {key: s, title: An invented case, confidence: low}
"""

PLAN = """\
id: small
title: A small plan
question: What should Japan and the United States do?
futures: futures.yaml
n: 6
fresh: 8
first_year: 2024
plan_years: 1
countries: 7
small_lanes: 0.001
interest: 0.05
goal: {tail: 0.5, tail_weight: 0.5}
partners:
  - {id: JPN, title: Japan, members: [JPN], budget_usd: 25.0e6}
  - {id: USA, title: United States, members: [USA], budget_usd: 30.0e6}
measures:
  - {id: recycle-jpn, type: recycling, title: Recycling in Japan, by: [JPN], chain: rhodium,
     form: metal, country: JPN, tonnes_per_year: 0.4, capex_usd: 20.0e6, lead_years: 0.25,
     ramp_years: 0.25}
  - {id: stock-jpn, type: stock, title: Stock in Japan, by: [JPN], chain: rhodium, form: metal,
     country: JPN, tonnes: 0.05, modules: 3, lead_years: 0, holding_share_per_year: 0.03,
     release_over_price: 1.1, release_share_per_month: 0.34}
  - {id: stock-usa, type: stock, title: Stock in the United States, by: [USA], chain: rhodium,
     form: metal, country: USA, tonnes: 0.1, modules: 2, lead_years: 0,
     holding_share_per_year: 0.03, release_over_price: 1.1, release_share_per_month: 0.34}
  - {id: access, type: access, title: Japan draws on the stock of the United States,
     by: [JPN, USA], chain: rhodium, form: metal, country: JPN, stock: stock-usa,
     share_per_month: 0.34, cost_usd: 50.0e3, lead_years: 0}
  - {id: contract, type: offtake, title: Contract with the United Kingdom, by: [JPN],
     chain: rhodium, form: metal, country: JPN, origin: GBR, tonnes_per_year: 0.5,
     fee_usd_per_t: 1.0e6, premium_over_price: 0.05, lead_years: 0, continuous: true}
  - {id: substitute-usa, type: substitution, title: Less rhodium in the United States, by: [USA],
     chain: rhodium, form: metal, country: USA, tonnes_per_year: 0.3, capex_usd: 30.0e6,
     opex_over_price: 1.2, lead_years: 0.5, excludes: [access]}
"""


def plan_files(folder, text=PLAN):
    """Write the plan and its futures; return the plan's path."""
    (folder / "futures.yaml").write_text(FUTURES)
    (folder / "plan.yaml").write_text(text)
    return folder / "plan.yaml"


@cache
def small_case(folder, text=PLAN):
    """Return the case of the plan, its files in a folder."""
    path = plan_files(folder, text)
    return case_of(parse_plan(path.read_bytes(), source="plan.yaml", folder=folder), year=2023)


def straight(chain):
    """Return a chain of a case with all its curves straight: every future is a QP."""
    curve = np.full_like(chain.network.curve, CurveKind.LINEAR)
    return replace(chain, network=replace(chain.network, curve=curve))
