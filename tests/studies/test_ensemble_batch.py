"""Side by side gives what one at a time gives: the same network, limits and metrics."""

from dataclasses import replace

import numpy as np
import pytest
from ensemble_cases import YEAR, assert_as_in_a_stress_test, sample, schedule_of, small

from lodeline.network import ActivityKind
from lodeline.network.base_year import base_year
from lodeline.network.catalogue import load_chain
from lodeline.scenarios.compile import compile_schedule
from lodeline.scenarios.ensemble_reading import load_ensemble, parse_ensemble
from lodeline.studies.ensemble.batch import Block, ChainModel
from lodeline.studies.ensemble.factors import (
    draw,
    factors_of,
    quantiles_of,
    restrictions_of,
    sample_at,
)
from lodeline.studies.ensemble.simulate import simulate
from lodeline.studies.ensemble.singly import SingleModel
from lodeline.studies.ensemble.study import plan_of

SCENARIOS = range(8)


@pytest.fixture(scope="module", params=SCENARIOS)
def case(request):
    i = request.param
    return i, Block.of(small()[3], sample().values), schedule_of(i)


def test_the_sample_holds_events_that_happen_and_that_do_not():
    happens = sample().values["stop.happens"]
    assert 0 < happens.sum() < happens.size


def test_curves_are_those_of_a_calibration_by_itself(case):
    i, block, schedule = case
    network, free = schedule.network, schedule.network.curve == 0
    assert block.model.network.incidence.shape == network.incidence.shape
    np.testing.assert_array_equal(block.elasticity[i], network.elasticity)
    np.testing.assert_array_equal(block.capacity[i], network.capacity)
    np.testing.assert_array_equal(block.margin[i], network.margin)
    np.testing.assert_allclose(block.reference[i], network.reference, rtol=1e-14)
    np.testing.assert_allclose(block.slope[i][free], network.slope[free], rtol=1e-14)
    lanes = network.of_kind(ActivityKind.SHIP)
    np.testing.assert_array_equal(block.growth_base[i], network.growth_base[lanes])
    assert (block.growth[i], block.rebuild[i]) == (network.lane_growth, network.rebuild)


def test_restrictions_are_those_of_a_schedule_by_itself(case):
    i, block, schedule = case
    for t in range(len(schedule.months)):
        np.testing.assert_allclose(block.limits(t)[i], schedule.limit[t], rtol=1e-14)
        left, tax = np.ones(schedule.network.activities), np.zeros(schedule.network.activities)
        left[block.model.cut] = block.capacity_left(t)[i]
        tax[block.model.taxed] = block.tax_paid(t)[i]
        np.testing.assert_allclose(left, schedule.output_factor[t], rtol=1e-14)
        np.testing.assert_allclose(tax, schedule.tax[t], rtol=1e-14)


def test_months_asked_for_together_are_those_asked_for_one_by_one(case):
    _, block, schedule = case
    months = np.arange(len(schedule.months))[:, None]
    for ask in (block.limits, block.capacity_left, block.tax_paid, block.is_restricted):
        one_by_one = np.stack([ask(int(t)) for t in months[:, 0]])
        np.testing.assert_array_equal(ask(months), one_by_one)


@pytest.fixture(scope="module")
def outcome():
    return simulate(small()[3], sample().values)


@pytest.mark.parametrize("i", [0, 3, 6])
def test_metrics_are_those_of_a_stress_test(outcome, i):
    assert_as_in_a_stress_test(outcome, i)


def test_every_solve_is_certified(outcome):
    assert outcome.residual.max() <= 1e-8
    assert outcome.gap.max() <= 1e-8
    assert outcome.independent_residual <= 1e-8


def test_a_scenario_does_not_depend_on_its_neighbours(outcome):
    order = np.array([5, 2, 7, 0, 1, 3, 4, 6])
    again = simulate(small()[3], {k: v[order] for k, v in sample().values.items()})
    np.testing.assert_array_equal(again.cost, outcome.cost[order])
    np.testing.assert_array_equal(again.unmet_share_peak, outcome.unmet_share_peak[order])


def test_what_the_walk_gives_up_is_solved_by_the_reference_and_counted(outcome, monkeypatch):
    monkeypatch.setattr("lodeline.studies.ensemble.walks.LIMIT", 3)
    helped = simulate(small()[3], sample().values)
    assert helped.fallbacks.sum() > 0
    assert helped.residual.max() <= 1e-8
    np.testing.assert_allclose(helped.unmet_share_peak, outcome.unmet_share_peak, atol=1e-7)


def test_a_hard_month_is_solved_without_the_reference():
    """With 120 tries a month of one of these scenarios of a cobalt ban was given up."""
    plan = plan_of(load_ensemble("congo-cobalt-ban-2025"))
    base = plan.bases()["cobalt"]
    factors = factors_of(plan.ensemble, {"cobalt": base})
    quantiles = quantiles_of(factors, seed=plan.seed, first=8, count=8)
    drawn = sample_at(factors, 8, quantiles)
    found = simulate(ChainModel(plan.ensemble, base, factors), drawn.values)
    assert found.fallbacks.sum() == 0
    assert found.residual.max() <= 1e-8


def test_zero_stocks_run_like_none_at_all():
    _, _, _, model = small()
    values = dict(sample().values)
    values = {k: v[:1] for k, v in values.items()}
    for key in model.stock_keys:
        values[key] = np.zeros(1)
    values["rhodium.behaviour.stock_days"] = np.zeros(1)
    assert simulate(model, values).residual.max() <= 1e-8


def test_the_bundled_ensembles_name_restrictions_that_exist():
    for name in ("china-dual-use-japan-2026", "cobalt-congo-2026"):
        ensemble = load_ensemble(name)
        assert all(restrictions_of(ensemble, chain) for chain in ensemble.simulated)


def test_more_months_keep_the_first_ones():
    ensemble, base, factors, model = small()
    longer = ensemble.model_copy(update={"months": 8})
    outcome = simulate(model, sample().values)
    after = simulate(ChainModel(longer, replace(base), factors), sample().values)
    assert np.all(after.unmet_share_peak >= outcome.unmet_share_peak)


def test_caps_are_those_of_a_calibration_by_itself():
    spec = """\
id: spar
title: An outage of fluorspar
question: Who runs short?
summary: An outage.
kind: hypothetical
start: 2024-01
months: 2
asked: [JPN]
restrictions:
  - {id: r, type: outage, by: [MNG], chain: fluorspar, forms: all, start: 2024-01, source: s,
     severity: {value: 0.8, low: 0.5, high: 1}, recovery_months: 0}
sources: [{key: s, title: An invented case, confidence: low}]
"""
    ensemble = parse_ensemble(spec.encode(), source="spar.yaml")
    base = base_year(load_chain("fluorspar"), YEAR)
    factors = factors_of(ensemble, {"fluorspar": base})
    values = draw(factors, seed=3, first=0, count=2).values
    block = Block.of(ChainModel(ensemble, base, factors), values)
    for i in range(2):
        setting = SingleModel(ensemble, base).setting({k: v[i] for k, v in values.items()})
        network = compile_schedule(setting.base, setting.restrictions, ensemble.calendar).network
        np.testing.assert_allclose(block.cap[i], network.cap, rtol=1e-14)
    assert (block.cap[0] != block.cap[1]).any()
