"""What is drawn: scenario i from seed and i alone, inside its range, spread as asked."""

import numpy as np
import pytest
from ensemble_cases import SPEC, small

from lodeline.errors import InputError, SpecError, UnknownNameError
from lodeline.network.base_year import base_year
from lodeline.network.catalogue import load_chain
from lodeline.scenarios.ensemble_reading import parse_ensemble
from lodeline.scenarios.ensemble_spec import Distribution
from lodeline.studies.ensemble.factors import Factor, check_count, draw, factors_of


def factors_with(dials):
    ensemble = parse_ensemble(f"{SPEC}dials:\n{dials}".encode(), source="x.yaml")
    return {f.key: f for f in factors_of(ensemble, {"rhodium": small()[1]})}


def test_a_scenario_depends_on_seed_and_index_alone():
    factors = small()[2]
    whole = draw(factors, seed=7, first=0, count=64)
    for first, count in ((0, 16), (32, 32), (17, 1)):
        part = draw(factors, seed=7, first=first, count=count)
        np.testing.assert_array_equal(part.quantiles, whole.quantiles[first : first + count])
        for key, values in part.values.items():
            np.testing.assert_array_equal(values, whole.values[key][first : first + count])


def test_another_seed_draws_other_scenarios():
    factors = small()[2]
    one, other = (draw(factors, seed=s, first=0, count=8).quantiles for s in (1, 2))
    assert not np.any(one == other)


@pytest.mark.parametrize("distribution", ["uniform", "triangular", "pert"])
@pytest.mark.parametrize("value", [1.0, 2.0, 5.0])
def test_values_fill_the_range_with_the_right_mean(distribution, value):
    factor = Factor("x", "x", "1", Distribution(distribution), value, 1.0, 5.0)
    u = (np.arange(20_000) + 0.5) / 20_000
    drawn = factor.at(u)
    expected = {
        "uniform": 3.0,
        "triangular": (1.0 + value + 5.0) / 3.0,
        "pert": (1.0 + 4.0 * value + 5.0) / 6.0,
    }
    assert drawn.mean() == pytest.approx(expected[distribution], rel=1e-3)
    assert drawn.min() >= 1.0
    assert drawn.max() <= 5.0
    assert np.all(np.diff(drawn) >= 0.0)


@pytest.mark.parametrize("value", [1.5, 2.0, 4.0])
def test_a_lognormal_range_holds_the_middle_of_what_is_drawn(value):
    factor = Factor("x", "x", "1", Distribution.LOGNORMAL, value, 1.0, 5.0)
    drawn = factor.at((np.arange(20_000) + 0.5) / 20_000)
    assert np.median(drawn) == pytest.approx(value, rel=1e-3)
    # 80 % of the whole distribution is 80/98 of what is left of it without its tails.
    assert np.mean((drawn > 1.0) & (drawn < 5.0)) == pytest.approx(0.8 / 0.98, abs=1e-3)
    assert np.all(np.diff(drawn) >= 0.0)
    assert drawn.min() > 0.0


def estimated(dials="", distribution=""):
    spec = SPEC.replace("months: 6\n", f"months: 6\n{distribution}", 1).replace(
        "rhodium", "niobium"
    )
    ensemble = parse_ensemble(f"{spec}{dials}".encode(), source="x.yaml")
    base = base_year(load_chain("niobium"), 2023)
    return {f.key: f for f in factors_of(ensemble, {"niobium": base})}


def test_estimates_are_drawn_from_their_uncertainty_unless_told_otherwise():
    name = "niobium.behaviour.demand_elasticity"
    assert estimated()[name].distribution is Distribution.LOGNORMAL
    assert estimated()["niobium.behaviour.stock_days"].distribution is Distribution.PERT
    ends = estimated("dials:\n  behaviour.demand_elasticity: {low: 0.1, high: 3}\n")[name]
    assert ends.distribution is Distribution.PERT
    assert not estimated(distribution="distribution: fixed\n")[name].is_drawn


def test_an_event_happens_as_often_as_its_probability():
    values = draw(small()[2], seed=0, first=0, count=1024).values["stop.happens"]
    assert set(values) == {0.0, 1.0}
    assert values.mean() == pytest.approx(0.7, abs=0.01)


def test_months_are_whole_and_all_of_the_range_come():
    values = draw(small()[2], seed=0, first=0, count=256).values
    assert set(values["stop.delay_months"]) == {0.0, 1.0, 2.0}
    assert set(values["stop.duration_months"]) == {1.0, 2.0, 3.0, 4.0, 5.0}


def test_a_number_without_range_takes_no_dimension():
    drawn = [f.key for f in small()[2] if f.is_drawn]
    assert "stop.permit.leakage" not in drawn
    assert "slow.happens" not in drawn


def test_dials_may_be_named_in_full_or_without_the_chain():
    factors = factors_with("  behaviour.surge: 0.05\n  rhodium.behaviour.rebuild: {low: 0.04}\n")
    assert not factors["rhodium.behaviour.surge"].is_drawn
    assert factors["rhodium.behaviour.surge"].value == 0.05
    assert factors["rhodium.behaviour.rebuild"].low == 0.04


def test_an_unknown_dial_is_an_error_with_a_suggestion():
    with pytest.raises(UnknownNameError, match=r"behaviour\.surge"):
        factors_with("  behaviour.surg: 0.05\n")


@pytest.mark.parametrize(
    ("dial", "says"),
    [
        ("stop.ban.severity: {high: 1.5}", "at most 1"),
        ("behaviour.demand_elasticity: {low: 0}", "more than 0"),
        ("behaviour.surge: {low: -0.1}", "0 or more"),
        ("behaviour.surge: {value: 0.9}", "low <= value <= high"),
        ("behaviour.surge: {distribution: lognormal, low: 0}", "more than 0"),
        ("stop.ban.severity: {distribution: lognormal}", "draws up to 1.09"),
        ("stop.ban.leakage: {distribution: lognormal}", "never reaches it"),
        ("stop.delay_months: 2", "Set it in the event"),
    ],
)
def test_impossible_ranges_are_reported(dial, says):
    with pytest.raises(SpecError, match=says):
        factors_with(f"  {dial}\n")


def test_a_lognormal_ensemble_refuses_what_it_cannot_draw():
    spec = SPEC.replace("months: 6\n", "months: 6\ndistribution: lognormal\n", 1)
    ensemble = parse_ensemble(spec.encode(), source="x.yaml")
    with pytest.raises(SpecError) as refused:
        factors_of(ensemble, {"rhodium": small()[1]})
    places = {p.place for p in refused.value.problems}
    assert {"dials.stop.ban.severity", "dials.stop.ban.leakage", "dials.rhodium.behaviour.surge",
            "dials.rhodium.stocks.JPN"} <= places  # fmt: skip
    assert "dials.rhodium.behaviour.rebuild" not in places


def test_the_number_of_scenarios_must_be_positive():
    with pytest.raises(InputError, match="at least 1"):
        check_count(0)
