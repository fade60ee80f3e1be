"""Time to survive, performance impact and risk exposure index."""

from functools import cache

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from lodeline.errors import InputError
from lodeline.network import build_network
from lodeline.studies.exposure.frame import run_exposure
from lodeline.studies.exposure.registry import Request
from lodeline.studies.exposure.risk_exposure import own_network, sites_of
from lodeline.studies.exposure.survival import (
    HORIZON,
    SupplyNetwork,
    performance_impact,
    time_to_survive,
)


def chain_of_two(stock=30.0, second=0.0):
    """One product (10 a week), a supplier of it, and maybe a second one."""
    return SupplyNetwork(
        incidence=sparse.csc_array([[1.0, 1.0, -1.0]]),
        stock=np.array([stock]),
        capacity=np.array([10.0, second, 10.0]),
        demand=np.array([2]),
        value=np.array([1.0]),
    )


FIRST = np.array([0])


def test_one_supplier_one_product_as_worked_by_hand():
    network = chain_of_two()
    assert performance_impact(network, FIRST, 5.0).sum() == pytest.approx(20.0)
    assert time_to_survive(network, FIRST) == pytest.approx(3.0)


def test_a_second_supplier_lengthens_survival_and_a_full_one_makes_it_endless():
    # 30 in stock and 4 a week against 10 a week: 30 / 6 = 5 weeks
    assert time_to_survive(chain_of_two(second=4.0), FIRST) == pytest.approx(5.0)
    assert time_to_survive(chain_of_two(second=10.0), FIRST) == pytest.approx(HORIZON)
    assert performance_impact(chain_of_two(second=4.0), FIRST, 10.0).sum() == pytest.approx(30.0)


def test_of_two_products_the_dearer_is_served_first():
    network = SupplyNetwork(
        incidence=sparse.csc_array([[1.0, -1.0, -1.0]]),
        stock=np.array([10.0]),
        capacity=np.array([20.0, 10.0, 10.0]),
        demand=np.array([1, 2]),
        value=np.array([1.0, 3.0]),
    )
    assert performance_impact(network, FIRST, 1.0).tolist() == pytest.approx([10.0, 0.0])


def test_a_recipe_with_two_inputs_stops_when_one_is_gone():
    network = SupplyNetwork(
        incidence=sparse.csc_array([[1.0, 0, -2.0, 0], [0, 1.0, -1.0, 0], [0, 0, 1.0, -1.0]]),
        stock=np.array([8.0, 0.0, 3.0]),
        capacity=np.array([4.0, 2.0, 2.0, 2.0]),
        demand=np.array([3]),
        value=np.array([1.0]),
    )
    # 8 of the first input make 4, with 3 in stock: 7 at 2 a week
    assert time_to_survive(network, FIRST) == pytest.approx(3.5)


@cache
def japan(chain):
    network = build_network(chain, base_year=2024)
    places = np.array([c == "JPN" for c in network.countries])
    supply, kept = own_network(network, places)
    return network, supply, sites_of(network, places, kept)


@pytest.mark.parametrize("chain", ["rare-earths", "cobalt", "tungsten"])
def test_nothing_is_lost_before_the_time_to_survive_and_something_after(chain):
    _, supply, sites = japan(chain)
    assert sites
    for site in sites:
        survived = time_to_survive(supply, site.activities)
        before = performance_impact(supply, site.activities, survived * 0.999) @ supply.value
        need = float(supply.capacity[supply.demand] @ supply.value)
        assert before <= 1e-6 * need
        if survived < HORIZON * 0.999:
            after = performance_impact(supply, site.activities, survived + 0.5) @ supply.value
            assert after > 1e-6 * need
    shares = {}
    for site in sites:
        shares[site.form] = shares.get(site.form, 0.0) + site.share
    assert all(0.9 < total <= 1.0 + 1e-9 for total in shares.values())


def test_with_nothing_disrupted_nothing_is_lost():
    _, supply, _ = japan("rare-earths")
    nothing = np.zeros(0, dtype=np.intp)
    assert performance_impact(supply, nothing, 12.0).max() < 1e-6 * supply.capacity.max()
    assert time_to_survive(supply, nothing) == pytest.approx(HORIZON)


def test_the_index_is_relative_to_the_worst_site_and_lists_its_parts():
    asked = {"materials": ("rare-earths",), "countries": ("JPN",), "years": (2024,)}
    rows = run_exposure(Request("risk-exposure-index", **asked)).rows
    assert rows["value"].max() == 1.0
    assert rows["value"].min() >= 0.0
    assert rows.filter(pl.col("value") == 1.0)["site"].item() == "CHN"
    assert (rows["impact_low_usd"] <= rows["impact_usd"]).all()
    assert (rows["impact_usd"] <= rows["impact_high_usd"]).all()
    marks = {figure["mark"] for figure in rows["inputs"][0]}
    assert "assumed" in marks
    times = run_exposure(Request("time-to-survive", **asked)).rows
    assert times.filter(pl.col("value").is_null())["reason"].null_count() == 0
    short = times.filter(pl.col("is_exposed"))
    assert (short["value"] < 6.0).all()
    assert short.height > 0


def test_a_country_is_needed_and_a_material_without_chain_is_absent_with_a_reason():
    with pytest.raises(InputError, match="--country"):
        run_exposure(Request("time-to-survive", materials=("cobalt",)))
    rows = run_exposure(Request("time-to-survive", materials=("helium",), countries=("ITA",))).rows
    assert rows["value"].to_list() == [None]
    assert "no chain" in rows["reason"][0]


def test_who_ships_more_than_it_takes_in_without_a_source_has_no_time_to_survive():
    japan = run_exposure(Request("time-to-survive", ("cobalt",), ("JPN",), (2024,))).rows
    assert japan["value"].to_list() == [None]
    assert "unknown" in japan["reason"].item()
    italy = run_exposure(Request("time-to-survive", ("cobalt",), ("ITA",), (2024,))).rows
    assert italy["value"].drop_nulls().len() > 2


def test_supply_that_is_not_traced_may_stop_with_a_site_or_go_on():
    union = run_exposure(Request("time-to-survive", ("cobalt",), ("EU27",), (2024,))).rows
    assert "not-traced" in union["site"].to_list()
    canada = union.filter(site="CAN").row(0, named=True)
    assert canada["value"] is None
    assert canada["low"] < (canada["high"] or HORIZON)
    japan = run_exposure(Request("risk-exposure-index", ("rare-earths",), ("JPN",), (2024,))).rows
    assert japan["value"].null_count() == 0, "what it has is listed or imported"


def test_what_holds_at_one_end_alone_is_told_by_no_column():
    # Italy lasts half a month without Austria's metal if what is not traced stops too, else nine.
    italy = run_exposure(Request("time-to-survive", ("rare-earths",), ("ITA",), (2024,))).rows
    austria = italy.filter(stage="metals", site="AUT").row(0, named=True)
    assert austria["low"] < 6.0 < austria["high"]
    assert austria["is_exposed"] is None
    ranges = italy.filter(pl.col("value").is_null() & pl.col("low").is_not_null())
    assert ranges["time_to_survive_months"].drop_nulls().is_empty()
    assert italy.filter(stage="metals", site="CHN")["is_exposed"].item() is True
