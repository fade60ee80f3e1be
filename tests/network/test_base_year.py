"""The reconciliation balances, stays near what is reported, and invents nothing."""

import numpy as np
import polars as pl
import pytest

from lodeline.errors import InputError
from lodeline.network.base_year import base_year
from lodeline.network.catalogue import chain_ids, load_chain
from lodeline.network.outputs import outputs_of_form
from lodeline.network.trade_lanes import trade_of_form


def imbalance(base):
    """Largest imbalance of a node over its throughput."""
    shape = (len(base.forms), len(base.countries))
    inflow, outflow = base.produced.copy(), base.absorbed().copy()
    for r, recipe in enumerate(base.chain.recipes):
        inflow[base.forms.index(recipe.makes)] += base.processed[r]
    np.add.at(inflow, (base.lane_form, base.lane_destination), base.lane_level)
    np.add.at(outflow, (base.lane_form, base.lane_origin), base.lane_level)
    assert inflow.shape == shape
    return float((np.abs(inflow - outflow) / np.maximum(inflow + outflow, 1e-300)).max())


@pytest.mark.parametrize("chain", chain_ids())
def test_every_chain_balances_in_every_country(chain, balanced_base):
    assert imbalance(balanced_base(chain)) < 1e-10


def test_where_reports_agree_nothing_is_moved(balanced_base):
    # rhodium: output is net exports plus use, so the reported figures balance already
    table = balanced_base("rhodium").reconciliation
    lanes = table.filter(pl.col("item").is_in(["imports", "exports"]))
    moved = (lanes["reconciled_t"] - lanes["reported_t"]).abs() / lanes["reported_t"]
    assert moved.max() < 1e-6


def test_a_country_without_reported_output_gets_no_mine(balanced_base):
    base = balanced_base("rare-earths")
    trades = [trade_of_form(base.chain, f, 2024) for f in base.chain.forms]
    for f, form in enumerate(base.chain.forms):
        listed = outputs_of_form(base.chain, form, trades[f], 2024).level
        made = base.produced[f].copy()
        for r, recipe in enumerate(base.chain.recipes):
            if recipe.makes == form.id:
                made += base.processed[r]
        for country, tonnes in zip(base.countries, made, strict=True):
            assert tonnes == 0.0 or country in listed


def test_use_is_never_negative_and_lanes_are_positive(balanced_base):
    for chain in ("cobalt", "lithium", "aluminium"):
        base = balanced_base(chain)
        assert (base.used >= 0).all()
        assert (base.lane_level > 0).all()


def test_a_year_without_trade_names_the_years_there_are():
    with pytest.raises(InputError, match="1995-2024"):
        base_year(load_chain("nickel"), 1980)


def test_latent_lanes_have_no_flow_now(balanced_base):
    base = balanced_base("nickel")
    now = set(zip(base.lane_form, base.lane_origin, base.lane_destination, strict=True))
    latent = set(zip(base.latent_form, base.latent_origin, base.latent_destination, strict=True))
    assert latent
    assert not now & latent


def test_an_excluded_row_is_left_out_and_counted():
    chain = load_chain("rare-earths")
    compounds = chain.form("compounds")
    trade = trade_of_form(chain, compounds, 2024)
    lanes = trade.lanes.filter((pl.col("exporter") == "MMR") & (pl.col("importer") == "CHN"))
    assert lanes.height == 0
    left_out = trade.coverage.filter(pl.col("quality") == "left out")
    assert left_out["value_usd"].item() > 1e8
