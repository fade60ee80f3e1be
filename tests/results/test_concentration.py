"""Concentration of supply before and during, worked by hand."""

import polars as pl
import pytest

from lodeline.results.concentration import supplier_concentration

SCHEMA = ["form", "exporter", "importer", "before_t", "during_t"]


BASIS = ["country", "form", "item", "basis"]


def of(*rows, reported=()):
    known = pl.DataFrame(reported, schema=dict.fromkeys(BASIS, pl.String), orient="row")
    return supplier_concentration(pl.DataFrame(rows, schema=SCHEMA, orient="row"), known)


def test_shares_and_hhi_by_hand():
    row = of(
        ("metals", "CHN", "JPN", 60.0, 10.0),
        ("metals", "VNM", "JPN", 20.0, 30.0),
        ("metals", "JPN", "JPN", 20.0, 20.0),
    ).row(0, named=True)
    assert row["largest_supplier_before"] == "CHN"
    assert row["largest_share_before"] == pytest.approx(0.6)
    assert row["own_share_before"] == pytest.approx(0.2)
    assert row["hhi_before"] == pytest.approx(0.36 + 0.04 + 0.04)
    assert row["largest_supplier_during"] == "VNM"
    assert row["largest_share_during"] == pytest.approx(0.5)
    assert row["hhi_during"] == pytest.approx((1 + 9 + 4) / 36)


def test_own_output_is_never_the_largest_supplier():
    row = of(("ore", "AUS", "AUS", 90.0, 90.0), ("ore", "CHL", "AUS", 10.0, 10.0)).row(
        0, named=True
    )
    assert (row["largest_supplier_before"], row["largest_share_before"]) == ("CHL", 0.1)


def test_where_nothing_arrives_shares_are_absent_and_not_zero():
    row = of(("ore", "CHN", "JPN", 5.0, 0.0)).row(0, named=True)
    assert row["supply_t_during"] == 0.0
    assert row["largest_supplier_during"] is None
    assert row["largest_share_during"] is None
    assert row["hhi_during"] is None
    assert row["own_share_during"] is None


def test_forms_and_importers_stay_apart():
    table = of(
        ("a", "CHN", "JPN", 1.0, 1.0), ("b", "CHN", "JPN", 1.0, 1.0), ("a", "CHN", "ITA", 1, 1)
    )
    assert table.select("country", "form").rows() == [("ITA", "a"), ("JPN", "a"), ("JPN", "b")]


def test_own_output_that_no_source_explains_is_marked():
    table = of(
        ("compounds", "ITA", "ITA", 64.0, 64.0),
        ("compounds", "CHN", "ITA", 13.0, 5.0),
        ("compounds", "USA", "USA", 9.0, 9.0),
        reported=[
            ("ITA", "compounds", "output", "not traced: net exports of a country no source lists"),
            ("ITA", "compounds", "imports", "reported"),
            ("USA", "compounds", "output", "prior: curated share"),
        ],
    )
    assert table.select("country", "is_own_untraced").rows() == [("ITA", True), ("USA", False)]
