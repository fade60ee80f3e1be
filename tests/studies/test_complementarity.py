"""What partners could do for each other: figures with sources, no gift out of nothing."""

import json
from functools import cache

import polars as pl
import pytest
from click.testing import CliRunner

from lodeline import data
from lodeline.cli.complement import complement as command
from lodeline.errors import InputError, UnknownNameError
from lodeline.network.catalogue import chain_ids
from lodeline.report.complementarity import complementarity_text
from lodeline.results.complementarity import Item
from lodeline.studies.complementarity import run_complementarity
from lodeline.studies.complementarity.study import _told_elsewhere as told_elsewhere


@cache
def rare_earths():
    return run_complementarity(
        ["JPN", "ITA"], against="CHN", year=2024, materials=("rare-earths", "rhodium")
    )


def figure(result, item, *, receiver, form="metals", material="rare-earths"):
    rows = result.rows.filter(item=item.value, receiver=receiver, form=form, material=material)
    return rows.row(0, named=True)


def test_every_figure_has_a_source_and_every_gap_a_reason():
    rows = rare_earths().rows
    known = pl.col("value").is_not_null()
    assert rows.filter(known)["source"].null_count() == 0
    assert rows.filter(~known)["reason"].null_count() == 0


def test_what_is_assumed_is_marked_and_has_a_range():
    rows = rare_earths().rows.filter(
        pl.col("item").is_in([Item.STOCK_STATE, Item.STOCK_USERS]) & pl.col("value").is_not_null()
    )
    assert set(rows["mark"]) == {"assumed"}
    assert (rows["low"] <= rows["value"]).all()
    assert (rows["value"] <= rows["high"]).all()


def test_what_is_at_risk_is_a_part_of_the_need():
    for receiver in ("JPN", "ITA"):
        need = figure(rare_earths(), Item.NEED, receiver=receiver)["value"]
        at_risk = figure(rare_earths(), Item.AT_RISK, receiver=receiver)
        share = figure(rare_earths(), Item.AT_RISK_SHARE, receiver=receiver)["value"]
        assert at_risk["value"] == pytest.approx(share * need)
        assert 0.0 <= at_risk["low"] <= at_risk["value"] <= at_risk["high"] <= need * (1 + 1e-12)


def test_japan_needs_far_more_than_italy_and_both_draw_on_china():
    result = rare_earths()
    assert (
        figure(result, Item.NEED, receiver="JPN")["value"]
        > 100 * figure(result, Item.NEED, receiver="ITA")["value"]
    )
    assert figure(result, Item.AT_RISK_SHARE, receiver="JPN")["value"] > 0.5


def test_japan_s_stock_is_half_a_target_and_says_so():
    stock = figure(rare_earths(), Item.STOCK_STATE, receiver="ITA")
    assert stock["low"] == 0.0
    assert "target is not a holding" in stock["source"]
    assert figure(rare_earths(), Item.STOCK_STATE, receiver="JPN")["value"] is None


def test_a_port_has_no_spare_output():
    # No source lists Italy as a maker of compounds; its net exports are no plant.
    spare = figure(rare_earths(), Item.SPARE, receiver="JPN", form="compounds")
    assert spare["value"] is None
    assert "not traced" in spare["reason"]
    exports = figure(rare_earths(), Item.EXPORTS_FREE, receiver="JPN", form="compounds")
    assert exports["value"] == exports["low"] < 0.5 * exports["high"]


def test_trade_between_partners_is_what_customs_booked():
    booked = (
        data.trade(["284610", "284690"], years=(2024, 2024))
        .filter(exporter="JPN", importer="ITA")["value_usd"]
        .sum()
    )
    row = figure(rare_earths(), Item.TRADE_USD, receiver="ITA", form="compounds")
    assert row["value"] == pytest.approx(booked)
    assert row["unit"] == "USD/year"


def test_australia_mines_what_malaysia_separates():
    result = run_complementarity(
        ["JPN", "AUS"], against="CHN", year=2024, materials=("rare-earths",)
    )
    ore = figure(result, Item.ORE, receiver="JPN", form="compounds")
    assert ore["value"] > 10_000
    assert figure(result, Item.OUTPUT, receiver="JPN", form="compounds")["value"] is None
    assert "mined by AUS" in complementarity_text(result)


def test_without_a_restrictor_the_largest_outside_maker_is_taken():
    result = run_complementarity(["JPN", "ITA"], year=2024, materials=("lithium",))
    by_form = dict(result.rows.select("form", "against").unique().iter_rows())
    assert by_form == {"carbonate": "CHL", "hydroxide": "CHN"}


def test_a_restrictor_that_makes_nothing_puts_nothing_at_risk():
    result = run_complementarity(["JPN", "ITA"], against="LUX", year=2024, materials=("tungsten",))
    rows = result.rows.filter(item=Item.AT_RISK.value)
    assert rows["value"].max() < 1e-6
    cover = result.rows.filter(item=Item.COVER.value)
    assert cover["value"].null_count() == cover.height


@pytest.mark.parametrize(
    ("partners", "against", "message"),
    [
        (["EU27", "ITA"], None, "ITA is on two sides"),
        (["JPN"], None, "at least two"),
        (["JPN", "WLD"], None, "no partner"),
        (["JPN", "ITA"], "JPN", "one of the partners"),
        (["JPN", "ITA"], "EU27", "on two sides"),
    ],
)
def test_sides_that_make_no_sense_are_refused(partners, against, message):
    with pytest.raises(InputError, match=message):
        run_complementarity(partners, against=against)


def test_an_unknown_partner_is_named():
    with pytest.raises(UnknownNameError, match="XYZ"):
        run_complementarity(["JPN", "XYZ"])


def test_the_text_fits_the_terminal():
    lines = complementarity_text(rare_earths()).splitlines()
    assert max(map(len, lines)) <= 80
    assert any("rare-earths metals" in line for line in lines)


def test_the_command_prints_one_document_and_writes_four_files(tmp_path):
    asked = ["JPN", "ITA", "--against", "CHN", "--material", "rhodium", "--json"]
    done = CliRunner().invoke(command, [*asked, "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    document = json.loads((tmp_path / "complement.json").read_text(encoding="utf-8"))
    assert {"partners", "year", "matrix", "rows", "titles", "notes", "dataset"} <= set(document)
    assert len(list(tmp_path.iterdir())) == 4


def test_a_form_that_several_chains_share_is_told_once():
    skipped = told_elsewhere(chain_ids())
    assert {("rare-earth-magnets", "compounds"), ("heavy-rare-earths", "compounds")} <= skipped
    assert ("rare-earths", "compounds") not in skipped
    assert ("battery-anodes", "natural") in skipped
    assert ("rare-earth-magnets", "magnets") not in skipped, "inferred forms are nobody else's"
