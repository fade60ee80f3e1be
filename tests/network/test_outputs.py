"""Outputs that no table has for the year follow the country's own exports, else world trade."""

import polars as pl
import pytest

from lodeline.network.catalogue import load_chain
from lodeline.network.outputs import outputs_of_form
from lodeline.network.trade_lanes import trade_of_form


def prior(chain, form, year):
    loaded = load_chain(chain)
    declared = loaded.form(form)
    trade = trade_of_form(loaded, declared, year)
    return outputs_of_form(loaded, declared, trade, year), trade


def test_an_exporter_s_output_is_carried_with_its_exports():
    # Guinea mined 86 Mt in 2021 and shipped nearly all; in 2013 it shipped 17 Mt.
    carried, trade = prior("aluminium", "bauxite", 2013)
    shipped = trade.exports.filter((pl.col("exporter") == "GIN") & (pl.col("year") == 2013))
    assert carried.level["GIN"] < 1.5 * shipped["tonnes"].item()
    assert "its exports" in carried.basis["GIN"]


def test_one_who_uses_its_own_output_follows_world_trade():
    carried, _ = prior("nickel", "ore", 2015)
    assert "world trade" in carried.basis["IDN"]


def test_an_observed_year_is_taken_as_it_is():
    observed, _ = prior("nickel", "ore", 2022)
    assert observed.basis["IDN"].startswith("observed 2022")
    assert observed.level["IDN"] == pytest.approx(1.58e6, rel=0.1)


def test_a_net_exporter_that_nobody_lists_is_flagged():
    chain = load_chain("nickel")
    declared = chain.form("ore").model_copy(update={"fallback": None})
    trade = trade_of_form(chain, declared, 2022)
    found = outputs_of_form(chain, declared, trade, 2022)
    flagged = sorted(found.untraced)
    assert flagged
    assert all("no source lists" in found.basis[c] for c in flagged)
    assert all(found.deviation[c] == 1.0 for c in flagged)


def test_the_largest_makers_of_2024_are_as_published_and_the_others_cut_to_what_is_left():
    # IEA, Critical Minerals Dataset (May 2025): Congo 181.8 of 273.34 kt; 45.7 kt for all others.
    cobalt, _ = prior("cobalt", "cobalt", 2024)
    assert cobalt.level["COD"] == 181_800.0
    assert cobalt.basis["COD"].startswith("observed 2024, IEA")
    others = [t for c, t in cobalt.level.items() if cobalt.basis[c].startswith("carried")]
    assert 0.0 < sum(others) <= 45_691.0 + 1e-6
    copper, _ = prior("copper", "concentrate", 2024)
    assert copper.level["CHL"] == 5_476_000.0
    before, _ = prior("cobalt", "cobalt", 2023)
    assert "USGS" in before.basis["COD"]


@pytest.mark.parametrize(
    ("chain", "form", "makers"),
    [
        ("aluminium", "aluminium", {"MOZ", "ZAF", "NZL"}),
        ("aluminium", "bauxite", {"GHA", "GUY"}),
        ("copper", "concentrate", {"MNG", "BRA", "PNG"}),
        ("nickel", "ore", {"CIV", "ZMB"}),
    ],
)
@pytest.mark.parametrize("year", [2019, 2024])
def test_whom_a_table_leaves_unnamed_makes_it_where_its_rest_holds_them(chain, form, makers, year):
    # The USGS prints 3.1 Mt of copper of "other countries" for 2023; Mongolia shipped 0.4 Mt.
    found, _ = prior(chain, form, year)
    assert makers <= set(found.level)
    assert not makers & found.untraced
    assert all(found.basis[c].startswith("prior: net exports") for c in makers)


def test_a_rest_too_small_for_them_leaves_all_unnamed_exporters_untraced():
    # Net exporters of cobalt that the USGS does not name ship 10.6 kt in 2021; its rest is 4.6 kt.
    # Malaysia ships 2.5 kt of ferroniobium; the rest is 0.2 kt.
    cobalt, _ = prior("cobalt", "cobalt", 2020)
    assert {"COG", "LUX"} <= cobalt.untraced
    niobium, _ = prior("niobium", "ferroniobium", 2024)
    assert "MYS" in niobium.untraced


def test_no_source_is_no_maker():
    cobalt, _ = prior("cobalt", "cobalt", 2024)
    assert {"FIN", "JPN", "NOR"} <= cobalt.untraced
    assert not {"COD", "CAN", "MAR"} & cobalt.untraced
    gas, _ = prior("lng", "lng", 2024)
    assert "QAT" not in gas.untraced


@pytest.mark.parametrize("chain", ["graphite", "battery-anodes"])
def test_a_fuel_booked_as_graphite_is_no_graphite(chain):
    # 493 kt from the United States to the Dominican Republic in 2021, at 75 USD/t.
    loaded = load_chain(chain)
    prices = [trade_of_form(loaded, loaded.form("natural"), y).price for y in range(2019, 2025)]
    assert max(prices) < 2.0 * min(prices)
    made, _ = prior(chain, "natural", 2021)
    assert made.level.get("USA", 0.0) < 10_000.0
