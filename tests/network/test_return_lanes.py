"""Where works stand still, the country's own users buy back from those to whom it sold."""

import pytest

from lodeline.network import ActivityKind
from lodeline.network.base_year import base_year
from lodeline.network.catalogue import load_chain
from lodeline.network.return_lanes import return_lanes
from lodeline.scenarios.compile import compile_schedule
from lodeline.scenarios.library import load_scenario
from lodeline.studies.market import run_market
from lodeline.units import Month

MONTHS = tuple(Month(2026, 4) + i for i in range(6))


@pytest.fixture(scope="module")
def aluminium():
    return base_year(load_chain("aluminium"), 2024)


def test_they_turn_round_the_lanes_that_led_out_and_are_no_second_ones(aluminium):
    mozambique = aluminium.countries.index("MOZ")
    lanes = return_lanes(aluminium, {(1, mozambique)})
    assert lanes
    assert {(f, j) for f, _, j, _ in lanes} == {(1, mozambique)}
    own = {
        (i, j): level
        for f, i, j, level in zip(
            aluminium.lane_form, aluminium.lane_origin, aluminium.lane_destination,
            aluminium.lane_level, strict=True,
        )
        if f == 1
    }  # fmt: skip
    for _, i, j, level in lanes:
        assert (i, j) not in own
        assert level == own[j, i]


def test_neither_ore_nor_gas_is_bought_back(aluminium):
    guinea = aluminium.countries.index("GIN")
    assert return_lanes(aluminium, {(0, guinea)}) == []
    gas = base_year(load_chain("lng"), 2024)
    assert return_lanes(gas, {(0, gas.countries.index("QAT"))}) == []


def test_a_country_without_its_smelter_pays_what_it_costs_to_buy_elsewhere(aluminium):
    """Mozambique paid 20 times the price, as if no metal could be shipped to a smelter's port."""
    outage = load_scenario("mozal-aluminium-2026").restrictions
    run = run_market(compile_schedule(aluminium, outage, MONTHS))
    network, mozambique = run.network, aluminium.countries.index("MOZ")
    here = (network.row_country == mozambique) & (network.row_form == 1)
    assert run.prices[:, here].max() < 2.0 * aluminium.prices[1]
    back = (network.kind == ActivityKind.SHIP) & (network.destination == mozambique)
    assert run.levels[-1, back].sum() > 0.5 * aluminium.used[1, mozambique] / 12.0


def test_without_an_outage_nothing_is_added(aluminium):
    plain = compile_schedule(aluminium, [], MONTHS).network
    with_it = compile_schedule(
        aluminium, load_scenario("mozal-aluminium-2026").restrictions, MONTHS
    ).network
    assert with_it.activities > plain.activities
    assert with_it.reference.sum() == pytest.approx(plain.reference.sum(), rel=1e-12)
