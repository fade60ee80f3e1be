"""Inferred lanes are drawn: few base years, each scenario in one, as in a stress test of it."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from ensemble_cases import YEAR, sample, schedule_of

from lodeline.network.base_year import base_year
from lodeline.network.catalogue import load_chain
from lodeline.results.metrics import metric_table, series_table
from lodeline.scenarios.ensemble_reading import parse_ensemble
from lodeline.studies.ensemble import plan_of, run_ensemble
from lodeline.studies.ensemble.cells import metrics_table
from lodeline.studies.ensemble.factors import factors_of
from lodeline.studies.ensemble.fitted import FittedChain
from lodeline.studies.market import run_market

KEY = "gallium.inferred.metal.concentration"
SPEC = """\
id: gallium-quota
title: A quota on gallium
question: How short do users run?
start: 2024-01
months: 4
asked: [JPN, USA]
events:
  - scenario:
      id: quota
      title: A quota by China
      question: Who runs short?
      summary: A quota on all that leaves, more for some.
      kind: hypothetical
      months: 12
      asked: [JPN]
      restrictions:
        - {id: ceiling, type: quota, by: [CHN], on: [JPN], chain: gallium, forms: all,
           start: 2024-02, source: s, share_of_base: {value: 0.4, low: 0.1, high: 0.8},
           leakage: {value: 0.05, low: 0, high: 0.2}}
      sources: [{key: s, title: An invented case, confidence: low}]
"""


@cache
def gallium(words=""):
    """Return ensemble, central base year, factors and model."""
    ensemble = parse_ensemble((SPEC + words).encode(), source="small.yaml")
    base = base_year(load_chain("gallium"), YEAR)
    factors = factors_of(ensemble, {"gallium": base})
    return ensemble, base, factors, FittedChain.of(ensemble, base, factors)


def singly():
    """Return the same, run one scenario at a time."""
    return gallium("stocks: {policy: none}\n")


def assert_rows_are_those_of_a_stress_test(rows, i, cases):
    run = run_market(schedule_of(i, cases))
    table = metric_table(run, series_table(run))
    own = {
        (r["country"], r["form"]): r
        for r in rows.filter(pl.col("scenario") == i).iter_rows(named=True)
    }
    turnover = float(run.network.row_price @ run.network.row_scale)
    for row in table.iter_rows(named=True):
        found = own.pop((row["country"], row["form"]))
        assert found["cost_usd"] == pytest.approx(row["cost_usd"], rel=1e-6, abs=1e-9 * turnover)
        for name in ("unmet_share_peak", "price_multiple_peak"):
            if row["unmet_share_peak"] is not None:
                assert found[name] == pytest.approx(row[name], abs=1e-6)
        for name in ("time_to_survive_months", "time_to_recover_months"):
            assert found[name] == row[name]
    # What only another base year has costs nothing here.
    assert all(not r["unmet_share_peak"] and r["cost_usd"] == 0.0 for r in own.values())


def test_every_fourth_scenario_belongs_to_each_of_four_base_years():
    model, drawn = gallium()[3], sample(64, cases=gallium)
    assert np.bincount(model.which(drawn.values)).tolist() == [16] * 4
    [factor] = model.lanes
    assert factor.low < factor.levels[0] < factor.value < factor.levels[-1] < factor.high
    assert np.unique(drawn.values[KEY]) == pytest.approx(factor.levels)
    lanes = {round(float(n.base.lane_level.max()), 6) for n in model.networks}
    assert len(lanes) == 4


@pytest.mark.parametrize("cases", [gallium, singly])
def test_metrics_are_those_of_a_stress_test_with_these_lanes(cases):
    model, drawn = cases()[3], sample(8, cases=cases)
    rows = metrics_table([[model.simulate(drawn.values, first=0, kept=8)]], 0)
    which = model.which(drawn.values)
    for k in range(4):
        assert_rows_are_those_of_a_stress_test(rows, int(np.argmax(which == k)), cases)


def test_the_fit_on_the_fewest_lanes_can_be_chosen():
    words = "dials: {inferred.metal.concentration: 1.0}\n"
    ensemble, base, factors, model = gallium(words)
    assert not next(f for f in factors if f.key == KEY).is_drawn
    [network] = model.networks
    assert network.base.lane_level.size < base.lane_level.size
    assert network.base.chain.form("metal").inferred.concentration.value == 1.0
    assert ensemble.dials


def test_two_forms_with_inferred_lanes_make_four_base_years_too():
    chain = load_chain("lithium-ion-cells")
    text = SPEC.replace("chain: gallium", "chain: lithium-ion-cells")
    ensemble = parse_ensemble(text.encode(), source="small.yaml")
    base = base_year(chain, YEAR)
    lanes = [f for f in factors_of(ensemble, {chain.id: base}) if ".inferred." in f.key]
    assert [f.levels.size for f in lanes] == [2, 2]
    assert not any(
        ".inferred." in f.key for f in factors_of(ensemble, {chain.id: base}, lanes=False)
    )


def plan(words=""):
    ensemble = parse_ensemble((SPEC + words).encode(), source="small.yaml")
    return plan_of(ensemble, seed=5, base_year=YEAR, part=64)


def content(folder):
    files = [p for p in Path(folder).rglob("*") if p.is_file()]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lanes")
    return run_ensemble(plan(), n=90, folder=folder), folder


def test_a_run_that_went_on_ends_with_the_same_bytes(whole, tmp_path):
    run_ensemble(plan(), n=70, folder=tmp_path)
    run_ensemble(plan(), n=90, folder=tmp_path, resume=True)
    assert content(tmp_path) == content(whole[1])


def test_workers_change_no_byte(whole, tmp_path):
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        run_ensemble(plan(), n=90, folder=tmp_path, scheduler=cluster.scheduler_address)
    assert content(tmp_path) == content(whole[1])


def test_the_lanes_stand_among_the_uncertainties(whole):
    result = whole[0]
    assert KEY in result.factors["key"].to_list()
    assert KEY in result.ranking["key"].to_list()
    assert result.certificate["max_residual"] <= 1e-8
    assert result.certificate["max_spot_residual"] <= 1e-8


def test_every_scenario_has_a_row_in_every_cell(whole):
    rows = pl.read_parquet(sorted((whole[1] / "metrics").iterdir()))
    cells = rows.group_by("country", "form").agg(
        pl.len(), used=pl.col("unmet_share_peak").is_not_null().sum()
    )
    assert cells["len"].unique().to_list() == [90]
    assert set(cells["used"]) <= {0, 90}


def test_who_uses_something_under_one_base_year_alone_lacks_nothing_under_others():
    model, drawn = gallium()[3], sample(8, cases=gallium)
    # As if another base year had a user of this name.
    names, uses = (*model.cells.names, ("ZZZ", "metal")), np.append(model.cells.uses, True)
    cells = replace(model.cells, names=names, uses=uses)
    found = replace(model, cells=cells).simulate(drawn.values, first=0, kept=8)
    assert (found.metrics["unmet_share_peak"][:, -1] == 0.0).all()
    assert np.isnan(found.metrics["time_to_survive_months"][:, -1]).all()
