"""What a market that knew the future would do: never dearer, same stocks, limits kept."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lodeline.network import ActivityKind
from lodeline.network.base_year import base_year
from lodeline.network.catalogue import load_chain
from lodeline.results.welfare import world_cost
from lodeline.scenarios.compile import compile_schedule
from lodeline.scenarios.library import load_scenario
from lodeline.solver.certificate import certify
from lodeline.solver.horizon import month_layout, over_months
from lodeline.solver.normal import NormalEquations
from lodeline.studies.foresight import horizon_of, run_foresight, value_of_foresight
from lodeline.studies.market import run_market
from lodeline.studies.stress.plan import plan_of
from lodeline.studies.stress.runs import markets_of


@cache
def schedule_of(scenario_id, months):
    scenario = load_scenario(scenario_id)
    base = base_year(load_chain(scenario.chains[0]), scenario.start.year - 1)
    return compile_schedule(
        base, scenario.restrictions, [scenario.start + i for i in range(months)]
    )


@cache
def both(scenario_id, months, bent):
    schedule = schedule_of(scenario_id, months)
    market = run_market(schedule, bent=bent)
    return market, run_foresight(market, bent=bent)


CASES = [("china-antimony-2024", 18), ("indonesia-nickel-2020", 12)]


@pytest.fixture(params=[(c, m, b) for c, m in CASES for b in (True, False)], ids=str)
def case(request):
    return (*both(*request.param), request.param[2])


def test_foresight_is_worth_something_to_the_world(case):
    market, foresight, bent = case
    value = value_of_foresight(market, foresight, bent=bent)
    assert value.world > 1e-3 * world_cost(market, bent=bent) > 0.0
    assert value.as_paid == pytest.approx(value.world)


def test_country_values_add_up_to_the_world(case):
    market, foresight, bent = case
    value = value_of_foresight(market, foresight, bent=bent)
    assert sum(value.by_country.values()) == pytest.approx(value.world, rel=1e-6)


def test_stocks_begin_and_end_as_in_the_market(case):
    market, foresight, _ = case
    np.testing.assert_array_equal(foresight.stocks[0], market.stocks[0])
    np.testing.assert_array_equal(foresight.stocks[-1], market.stocks[-1])


def test_growth_limits_hold(case):
    _, foresight, _ = case
    network = foresight.network
    lanes = network.of_kind(ActivityKind.SHIP)
    flow = np.vstack([network.reference[lanes], foresight.levels[:, lanes]])
    most = (1.0 + network.lane_growth) * flow[:-1] + network.growth_base[lanes]
    scale = network.growth_base[lanes] / network.lane_growth
    assert ((flow[1:] - most) / np.maximum(flow[1:], scale)).max() < 1e-8
    rise = np.diff(foresight.stocks, axis=0)
    normal = foresight.stocks[0]
    assert ((rise - network.rebuild * normal) / normal).max() < 1e-8


def test_mass_is_conserved(case):
    _, foresight, _ = case
    for t in range(len(foresight.schedule.months)):
        short = -foresight.disposed(t) / foresight.network.row_scale
        assert short.max() < 1e-8


def test_is_certified_as_one_problem(case):
    market, foresight, _ = case
    assert foresight.max_residual <= 1e-8
    assert foresight.max_gap <= 1e-8
    assert foresight.levels.shape == market.levels.shape


def test_the_market_path_is_one_that_foresight_could_have_chosen(case):
    market, _, bent = case
    problem = over_months(horizon_of(market, bent=bent))
    levels = market.levels.ravel()
    assert certify(problem, levels, np.zeros(problem.rhs.size)).primal < 1e-8


def test_knows_what_is_coming():
    """Stocks rise before a stop that is known, which the market does not foresee."""
    schedule = schedule_of("indonesia-nickel-2020", 12)
    limit = np.full_like(schedule.limit, np.inf)
    limit[6:] = 0.0
    late = replace(schedule, limit=limit)
    market = run_market(late)
    foresight = run_foresight(market)
    np.testing.assert_allclose(market.stocks[5].sum(), market.stocks[0].sum(), rtol=1e-6)
    assert foresight.stocks[5].sum() > 1.01 * foresight.stocks[0].sum()


def test_the_layout_of_the_months_leaves_little_fill():
    horizon = horizon_of(run_market(schedule_of("china-antimony-2024", 24)))
    problem = over_months(horizon)
    rows = np.arange(horizon.rhs.size)
    laid_out, by_degree = (
        NormalEquations(problem, rows, layout).factor.operations
        for layout in (month_layout(horizon), None)
    )
    assert laid_out < 0.6 * by_degree


def test_with_nothing_restricted_foresight_is_worth_nothing():
    schedule = schedule_of("china-antimony-2024", 6)
    free = replace(schedule, limit=np.full_like(schedule.limit, np.inf))
    market = run_market(free)
    value = value_of_foresight(market, run_foresight(market))
    turnover = float(free.network.row_price @ free.network.row_scale)
    assert abs(value.world) < 1e-9 * turnover


@settings(max_examples=8, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), bent=st.booleans())
def test_never_negative_for_the_world(seed, bent):
    """Random limits, outages and taxes by month; with taxes the cost as it is paid is meant."""
    rng = np.random.default_rng(seed)
    schedule = schedule_of("china-antimony-2024", 5)
    network, months = schedule.network, 5
    flow = np.array([limit.reference for limit in network.limits])
    output = np.isin(network.kind, [ActivityKind.PRODUCE, ActivityKind.PROCESS])
    hit = output & (rng.random(network.activities) < 0.1)
    factor = np.where(hit, rng.choice([0.0, 0.3, 1.0], (months, 1)), 1.0)
    taxed = (network.kind == ActivityKind.SHIP) & (rng.random(network.activities) < 0.1)
    random = replace(
        schedule,
        limit=flow * rng.choice([0.0, 0.2, 0.7, np.inf], (months, flow.size)),
        output_factor=factor,
        tax=np.where(taxed, 0.3 * network.price, 0.0) * rng.integers(0, 2, (months, 1)),
    )
    market = run_market(random, bent=bent)
    value = value_of_foresight(market, run_foresight(market, bent=bent), bent=bent)
    turnover = float(network.row_price @ network.row_scale)
    assert value.as_paid >= -1e-9 * turnover


@pytest.mark.parametrize(
    ("scenario_id", "chain"),
    [
        ("china-battery-materials-2027", "cobalt"),
        ("south-africa-platinum-2014", "platinum"),
        # Searches that used to swap the two sides of a kink for ever.
        ("taiwan-blockade-2027", "copper"),
    ],
)
def test_bans_that_leave_a_country_next_to_nothing_are_solved(scenario_id, chain):
    """Layers of grams beside thousands of tonnes: the market's path is allowed, the proof holds."""
    scenario = load_scenario(scenario_id)
    own = [r for r in scenario.restrictions if r.chain == chain]
    base = base_year(load_chain(chain), min(scenario.start.year - 1, 2024))
    schedule = compile_schedule(base, own, scenario.calendar[:6])
    market = run_market(schedule)
    problem = over_months(horizon_of(market))
    levels = market.levels.ravel()
    assert certify(problem, levels, np.zeros(problem.rhs.size)).primal < 1e-8
    foresight = run_foresight(market)
    turnover = float(market.network.row_price @ market.network.row_scale)
    assert foresight.max_residual <= 1e-8
    assert value_of_foresight(market, foresight).as_paid >= -1e-9 * turnover


def test_guesses_that_are_far_off_do_not_spoil_the_products():
    """Lanes of a tonne a month at nodes of millions, whose prices move far: it ended in circles."""
    scenario = load_scenario("russia-gas-europe-2022")
    base = base_year(load_chain("natural-gas"), 2021)
    schedule = compile_schedule(base, scenario.restrictions, scenario.calendar[:12])
    market = run_market(schedule)
    foresight = run_foresight(market)
    assert max(foresight.max_residual, foresight.max_gap) <= 1e-9
    assert value_of_foresight(market, foresight).as_paid > 0.0


def test_activities_that_hardly_exist_do_as_in_the_market(monkeypatch):
    """Layers whose flows are a trillionth of their country's: no search finds them."""
    monkeypatch.setattr("lodeline.network.origin._CRUMB", 0.0)  # such layers are left out now
    plan = plan_of(load_scenario("china-us-ladder-2027"), None, 6, None, None, None, None, None)
    plan = replace(plan, settings={"tungsten": plan.settings["tungsten"]})
    market = markets_of(plan)["tungsten"]
    foresight = run_foresight(market)
    network = market.network
    ends = np.where(network.incidence.toarray() != 0.0, network.row_scale[:, None], np.inf)
    thin = (network.reference > 0.0) & (network.reference < 1e-11 * ends.min(axis=0))
    assert np.count_nonzero(thin) > 5
    # Relative: fixed by bounds, not merely close because they are small.
    np.testing.assert_allclose(foresight.levels[:, thin], market.levels[:, thin], rtol=1e-12)
    turnover = float(network.row_price @ network.row_scale)
    assert value_of_foresight(market, foresight).as_paid > 1e-6 * turnover
