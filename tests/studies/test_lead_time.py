"""Lead times: cargo under way is a stock, mass is conserved over it, and zero changes nothing."""

from dataclasses import replace

import numpy as np
import pytest

from lodeline.errors import InputError
from lodeline.network.catalogue import chain_ids
from lodeline.network.network import ActivityKind, RowKind
from lodeline.network.sea import sea
from lodeline.network.stocks import StockRule
from lodeline.network.transit import arrived
from lodeline.results.welfare import cost_by_country, world_cost
from lodeline.scenarios.compile import compile_schedule
from lodeline.scenarios.library import load_scenario
from lodeline.studies.market import ACCEPTED, run_market
from lodeline.studies.stress import Mode, run_stress
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


def test_foresight_with_lead_times_is_refused():
    with pytest.raises(InputError, match="not part of foresight"):
        run_stress(BAN, mode=Mode.FORESIGHT, lead_time=True)
