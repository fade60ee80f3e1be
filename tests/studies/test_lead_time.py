"""Lead times: cargo under way is a stock, mass is conserved over it, and zero changes nothing."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lodeline.network.base_year import base_year
from lodeline.network.catalogue import chain_ids, load_chain
from lodeline.network.network import ActivityKind, RowKind
from lodeline.network.sea import sea
from lodeline.network.stocks import StockRule
from lodeline.network.transit import arrived
from lodeline.results.welfare import cost_by_country, world_cost
from lodeline.scenarios.compile import compile_schedule
from lodeline.scenarios.library import load_scenario
from lodeline.solver.certificate import certify
from lodeline.solver.horizon import Transit, month_layout, over_months
from lodeline.studies.foresight import horizon_of, run_foresight, value_of_foresight
from lodeline.studies.market import ACCEPTED, run_market
from lodeline.studies.stress import Mode, run_both, run_stress
from lodeline.units import Month

BAN = load_scenario("congo-cobalt-ban-2025")
_RUNS = {}


@pytest.fixture
def run(balanced_base):
    """Return eight months of Congo's ban, with or without lead times."""

    def with_lead(*, lead_time):
        if lead_time not in _RUNS:
            plan = compile_schedule(
                balanced_base("cobalt"), BAN.restrictions, BAN.calendar[:8], stocks=StockRule(),
                lead_time=lead_time,
            )  # fmt: skip
            _RUNS[lead_time] = run_market(plan)
        return _RUNS[lead_time]

    return with_lead


@pytest.mark.parametrize("chain", chain_ids())
def test_the_base_year_goes_on_with_cargo_under_way(chain, balanced_base):
    calendar = [Month(2025, 1) + i for i in range(2)]
    plan = compile_schedule(balanced_base(chain), (), calendar, lead_time=True)
    result = run_market(plan)
    assert plan.lead.max() >= 1
    scale = np.abs(plan.network.incidence).T @ plan.network.row_scale
    assert (np.abs(result.levels - plan.network.reference) / scale).max() < 1e-9


def test_mass_is_conserved_cargo_under_way_included(run):
    result = run(lead_time=True)
    network = result.network
    flows = network.kind != ActivityKind.STORE
    months = len(result.levels)
    net = network.incidence[:, flows] @ result.levels[:, flows].sum(axis=0)
    np.add.at(net, network.store_rows(), result.stocks[0] - result.stocks[-1])
    under_way = result.gives @ (result.at_sea(months - 1) - result.at_sea(-1))
    disposed = sum(result.disposed(t) for t in range(months))
    balances = network.row_kind != RowKind.LIMIT
    scale = network.row_scale[balances]
    assert (np.abs(net - under_way - disposed)[balances] / scale).max() < 1e-9
    assert np.abs(under_way).max() > 0.1 * scale.min()


def test_every_window_is_proved_and_costs_add_up(run):
    result = run(lead_time=True)
    assert max(result.max_residual, result.max_gap) <= ACCEPTED
    assert cost_by_country(result).sum() == pytest.approx(world_cost(result), rel=1e-9)


def test_what_had_left_before_the_ban_still_arrives(run):
    result = run(lead_time=True)
    network = result.network
    lanes = network.origin == network.countries.index("COD")
    lanes &= network.destination == network.countries.index("CHN")
    lanes &= network.kind == ActivityKind.SHIP
    first = next(t for t, on in enumerate(result.schedule.is_restricted) if on)
    assert result.schedule.lead[lanes].min() >= 1
    assert result.levels[first, lanes].sum() < 0.1 * network.reference[lanes].sum()
    landed = result.landed(first)[lanes].sum()
    assert landed == pytest.approx(network.reference[lanes].sum())


def test_cargo_under_way_delays_the_worst(run):
    with_, without = run(lead_time=True), run(lead_time=False)
    network = with_.network
    china = network.countries.index("CHN")
    [use] = np.flatnonzero((network.kind == ActivityKind.USE) & (network.origin == china))
    assert with_.levels[7, use] > 1.5 * without.levels[7, use]


def test_lead_times_of_zero_are_the_market_without(run, balanced_base):
    plan = compile_schedule(
        balanced_base("cobalt"), BAN.restrictions, BAN.calendar[:8], stocks=StockRule(),
        lead_time=True,
    )  # fmt: skip
    zero = run_market(replace(plan, lead=np.zeros_like(plan.lead)))
    assert np.array_equal(zero.levels, run(lead_time=False).levels)


def test_arrivals_are_the_departures_of_as_many_months_before():
    departed = np.array([[1.0, 10.0, 5.0], [2.0, 20.0, 6.0], [3.0, 30.0, 7.0]])
    lead = np.array([1, 2, 0])
    assert arrived(departed, lead).tolist() == [3.0, 20.0, 0.0]
    assert arrived(departed, lead, ahead=1).tolist() == [0.0, 30.0, 0.0]
    assert arrived(departed, lead, ahead=2).tolist() == [0.0, 0.0, 0.0]


def test_the_seas_are_as_wide_as_they_are():
    days = {pair: sea().days(*pair) for pair in [("CHN", "JPN"), ("QAT", "JPN"), ("CHL", "CHN")]}
    assert days["CHN", "JPN"] == 15.0
    assert 30 < days["QAT", "JPN"] < 40
    assert 40 < days["CHL", "CHN"] < 50
    assert sea().passage("strait-of-hormuz", "QAT", "ITA").share == 1.0
    assert np.isinf(sea().passage("strait-of-hormuz", "QAT", "ITA").extra_days)
    assert sea().passage("strait-of-malacca", "AUS", "CHN").share == 0.0
    assert sea().passage("panama-canal", "CHL", "USA").share == pytest.approx(0.8)


def test_what_has_no_way_round_does_not_keep_the_rest_from_going_round():
    # Egypt ships from both ends of the canal: only its Mediterranean ports have another way.
    passage = sea().passage("suez-and-red-sea", "EGY", "CHN")
    assert (passage.share, passage.turning) == (1.0, pytest.approx(0.8))
    assert 15 < passage.extra_days < 25


def test_a_way_round_one_narrow_may_pass_another():
    assert sea().passage("strait-of-malacca", "USA", "JPN").share == 0.0
    instead = sea().passage("strait-of-malacca", "USA", "JPN", avoiding="panama-canal")
    assert instead.share == pytest.approx(0.8)


@pytest.mark.parametrize("pair", [("MMR", "CHN"), ("CHN", "MMR"), ("IRN", "TUR"), ("POL", "UKR")])
def test_neighbours_by_land_pass_no_strait(pair):
    assert all(sea().passage(route, *pair).share == 0.0 for route in sea().routes)


# Foresight


@pytest.fixture
def both(run):
    """Return the market and foresight of eight months of Congo's ban with lead times."""
    market = run(lead_time=True)
    if "foresight" not in _RUNS:
        _RUNS["foresight"] = run_foresight(market)
    return market, _RUNS["foresight"]


def test_foresight_begins_and_ends_with_the_same_material_at_sea(both):
    """By place and month of arrival, not only in sum."""
    market, foresight = both
    schedule, last = market.schedule, len(market.levels)
    assert schedule.lead.max() == 2
    np.testing.assert_array_equal(foresight.at_sea(-1), market.at_sea(-1))
    scale = market.network.row_scale
    for ahead in range(2):
        coming = [
            market.gives @ arrived(r.levels[:last], schedule.lead, ahead=ahead)
            for r in (market, foresight)
        ]
        assert coming[0].max() > 0.0
        assert (np.abs(coming[1] - coming[0]) / scale).max() < 1e-9
    # What it does in between is another matter.
    assert np.abs(foresight.at_sea(4) - market.at_sea(4)).max() > 1e-3 * scale.max()


def test_under_foresight_mass_is_conserved_cargo_under_way_included(both):
    for result in both:
        network = result.network
        flows = network.kind != ActivityKind.STORE
        months = len(result.levels)
        net = network.incidence[:, flows] @ result.levels[:, flows].sum(axis=0)
        np.add.at(net, network.store_rows(), result.stocks[0] - result.stocks[-1])
        under_way = result.gives @ (result.at_sea(months - 1) - result.at_sea(-1))
        disposed = sum(result.disposed(t) for t in range(months))
        balances = network.row_kind != RowKind.LIMIT
        scale = network.row_scale[balances]
        assert (np.abs(net - under_way - disposed)[balances] / scale).max() < 1e-9
        worst = [(-result.disposed(t) / network.row_scale).max() for t in range(months)]
        assert max(worst) < 1e-8


def test_the_market_path_is_one_that_foresight_with_lead_times_could_have_chosen(both):
    market, _ = both
    problem = over_months(horizon_of(market))
    assert certify(problem, market.levels.ravel(), np.zeros(problem.rhs.size)).primal < 1e-9


def test_foresight_with_lead_times_is_worth_something_and_values_add_up(both):
    market, foresight = both
    value = value_of_foresight(market, foresight)
    assert value.as_paid > 1e-3 * world_cost(market) > 0.0
    assert sum(value.by_country.values()) == pytest.approx(value.world, rel=1e-6)


def test_foresight_with_lead_times_of_zero_is_foresight_without(run):
    """Not alike: the same problem to the last bit, and so the same answer."""
    market = run(lead_time=False)
    assert market.schedule.lead.max() == 0
    horizon = horizon_of(market)
    zero = Transit(lead=market.schedule.lead, landing=np.zeros((0, horizon.rhs.shape[1])))
    assert horizon.transit is None
    a, b = over_months(horizon), over_months(replace(horizon, transit=zero))
    assert np.array_equal(a.incidence.toarray(), b.incidence.toarray())
    assert np.array_equal(a.rhs, b.rhs)
    assert np.array_equal(a.is_equality, b.is_equality)
    x, y = month_layout(horizon), month_layout(replace(horizon, transit=zero))
    assert np.array_equal(x.order(), y.order())


@settings(max_examples=10, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), bent=st.booleans(), longest=st.integers(1, 3))
def test_knowing_the_future_never_costs_the_world(seed, bent, longest):
    """Random limits, outages, taxes and lead times, over fewer months than some and more."""
    rng = np.random.default_rng(seed)
    months = int(rng.integers(2, 7))
    scenario = load_scenario("china-antimony-2024")
    base = base_year(load_chain("antimony"), scenario.start.year - 1)
    plain = compile_schedule(base, scenario.restrictions, scenario.calendar[:months])
    network = plain.network
    flow = np.array([limit.reference for limit in network.limits])
    output = np.isin(network.kind, [ActivityKind.PRODUCE, ActivityKind.PROCESS])
    lanes = network.kind == ActivityKind.SHIP
    hit = output & (rng.random(network.activities) < 0.1)
    taxed = lanes & (rng.random(network.activities) < 0.1)
    schedule = replace(
        plain,
        limit=flow * rng.choice([0.0, 0.2, 0.7, np.inf], (months, flow.size)),
        output_factor=np.where(hit, rng.choice([0.0, 0.3, 1.0], (months, 1)), 1.0),
        tax=np.where(taxed, 0.3 * network.price, 0.0) * rng.integers(0, 2, (months, 1)),
        lead=np.where(lanes, rng.integers(0, longest + 1, network.activities), 0),
    )
    market = run_market(schedule, bent=bent)
    foresight = run_foresight(market, bent=bent)
    turnover = float(network.row_price @ network.row_scale)
    assert value_of_foresight(market, foresight, bent=bent).as_paid >= -1e-9 * turnover


def test_both_ways_of_running_take_lead_times():
    result = run_both(load_scenario("china-antimony-2024"), months=4, lead_time=True,
                      with_sensitivity=False)  # fmt: skip
    without = run_both(load_scenario("china-antimony-2024"), months=4, with_sensitivity=False)
    assert result.market.lead_time
    assert result.foresight.lead_time
    assert result.value_world > 0.0
    assert result.value_world != without.value_world
    alone = run_stress(
        load_scenario("china-antimony-2024"), months=4, mode=Mode.FORESIGHT, lead_time=True
    )
    assert alone.countries.equals(result.foresight.countries)
