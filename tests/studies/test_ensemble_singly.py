"""What cannot go side by side runs one at a time, with the numbers of a stress test."""

import numpy as np
import pytest
from ensemble_cases import (
    SINGLY,
    assert_as_in_a_stress_test,
    sample,
    schedule_of,
    single,
    small,
    with_lead_time,
)

from lodeline.errors import SpecError
from lodeline.scenarios.ensemble_reading import load_ensemble, parse_ensemble
from lodeline.scenarios.library import scenario_ids
from lodeline.solver.compiled import CompiledMarket
from lodeline.studies.ensemble import plan_of, run_ensemble
from lodeline.studies.ensemble.factors import factors_of
from lodeline.studies.ensemble.parts import Models, compute, drawn_for
from lodeline.studies.ensemble.simulate import simulate
from lodeline.studies.ensemble.singly import needs_single_runs
from lodeline.studies.ensemble.structures import Structures


@pytest.fixture(scope="module")
def outcome():
    return single()[3].simulate(sample(cases=single).values)


def test_the_sample_holds_events_that_happen_and_that_do_not():
    happens = sample(cases=single).values["scare.happens"]
    assert 0 < happens.sum() < happens.size


@pytest.mark.parametrize("i", range(4))
def test_metrics_are_those_of_a_stress_test(outcome, i):
    assert_as_in_a_stress_test(outcome, i, single)


def test_with_lead_times_metrics_are_those_of_a_stress_test_with_them():
    drawn = sample(cases=with_lead_time).values
    i = int(np.argmax(drawn["stop.happens"]))
    slow = with_lead_time()[3].simulate({k: v[: i + 1] for k, v in drawn.items()})
    assert schedule_of(i, with_lead_time).lead.max() >= 1
    assert_as_in_a_stress_test(slow, i, with_lead_time)
    at_once = simulate(small()[3], drawn)
    assert not np.allclose(slow.cost[i], at_once.cost[i], rtol=1e-3)


def test_every_solve_is_certified(outcome):
    assert outcome.residual.max() <= 1e-8
    assert outcome.gap.max() <= 1e-8


def test_a_structure_fitted_to_a_scenario_is_its_own_analysis():
    """What was kept from another scenario would move the last bits of this one."""
    model, drawn = single()[3], sample(cases=single).values
    structures = Structures()
    for i in range(4):  # the events of one scenario with the behaviour of several
        own = {k: float(v[i if ".behaviour." in k else 0]) for k, v in drawn.items()}
        setting = model.setting(own)
        problem = model._schedule(setting).network.problem()
        fitted, anew = structures.market(problem), CompiledMarket(problem)
        for name, value in anew.analysis.pattern._asdict().items():
            np.testing.assert_array_equal(getattr(fitted.analysis.pattern, name), value)
        assert fitted.analysis.entries == anew.analysis.entries
        assert (fitted.value, fitted.problem) == (anew.value, problem)
    assert len(structures._seen) == 1


def test_a_scenario_does_not_depend_on_its_neighbours(outcome):
    order = np.array([3, 1])
    values = {k: v[order] for k, v in sample(cases=single).values.items()}
    again = single()[3].simulate(values)
    np.testing.assert_array_equal(again.cost, outcome.cost[order])


def test_the_numbers_of_new_kinds_and_of_the_rule_are_drawn():
    drawn = {f.key for f in single()[2] if f.is_drawn}
    assert {"scare.least.floor", "scare.content.de_minimis", "scare.canal.diverted",
            "rush.more.rise", "rush.hoard.extra_days", "rush.open.share",
            "rhodium.rule.trigger"} <= drawn  # fmt: skip


def test_an_ensemble_of_them_runs_to_its_summary():
    ensemble = single()[0].model_copy(update={"months": 2})
    result = run_ensemble(plan_of(ensemble, base_year=2023), n=2)
    assert result.n == 2
    assert result.certificate["max_residual"] <= 1e-8


def test_only_what_must_be_run_singly_is():
    assert needs_single_runs(single()[0], "rhodium")
    assert not needs_single_runs(small()[0], "rhodium")
    ruled = small()[0].model_copy(update={"stocks": single()[0].stocks})
    assert needs_single_runs(ruled, "rhodium")
    assert needs_single_runs(with_lead_time()[0], "rhodium")


@pytest.mark.parametrize("name", scenario_ids())
def test_every_scenario_of_the_library_is_an_ensemble(name):
    plan = plan_of(load_ensemble(name))
    assert plan.ensemble.simulated


def test_different_rules_of_reserves_need_a_word():
    spec = """\
id: two
title: Two rules
question: Which?
events:
"""
    for name, policy in (("a", "none"), ("b", "hold")):
        spec += f"""\
  - scenario:
      {{id: {name}, title: text, question: text, summary: text, kind: hypothetical,
       months: 2, asked: [JPN], stocks: {{policy: {policy}}}, sources: [{{key: s, title: text,
       confidence: low}}],
       restrictions: [{{id: r, type: tax, by: [ZAF], on: all, chain: rhodium, forms: all,
                       start: 2024-01, source: s, rate: 0.1}}]}}
"""
    with pytest.raises(SpecError, match="different rules"):
        parse_ensemble(spec.encode(), source="two.yaml")
    chosen = parse_ensemble((spec + "stocks: {policy: market}\n").encode(), source="two.yaml")
    assert chosen.reserves.policy == "market"


def test_a_multiple_of_the_price_below_one_is_refused():
    dials = "dials:\n  rule.trigger: {low: 0.9}\n"
    ensemble = parse_ensemble((SINGLY + dials).encode(), source="low.yaml")
    with pytest.raises(SpecError, match="more than 1"):
        factors_of(ensemble, {"rhodium": single()[1]})


def test_a_part_does_not_depend_on_what_was_run_before():
    plan = plan_of(load_ensemble("vanadium-rebar-2018").model_copy(update={"months": 2}))
    asked = [(0, drawn_for(models := Models.of(plan), 0, 4)), (1, drawn_for(models, 1, 4))]
    in_order = [compute(models, number, 4, drawn) for number, drawn in asked]
    fresh = Models.of(plan)
    turned = [compute(fresh, number, 4, drawn) for number, drawn in reversed(asked)]
    assert in_order == turned[::-1]
