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
    flagged = [c for c, words in found.basis.items() if "does not list" in words]
    assert flagged
    assert all(found.deviation[c] == 1.0 for c in flagged)
