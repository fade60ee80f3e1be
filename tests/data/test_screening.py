"""Screening rebuilds what is wrong and leaves what is only different."""

import polars as pl
import pytest

from lodeline.data.screening import code_year_unit_values, screen


def bulk(*, price=50.0, years=range(2010, 2019), exporters=("AAA", "BBB", "CCC")):
    """Return a bulk good at one price, every exporter to one importer, 1 Mt each a year."""
    return [
        {
            "code": 1,
            "year": year,
            "exporter": exporter,
            "importer": "ZZZ",
            "value_usd": price * 1e6,
            "tonnes_reported": 1e6,
        }
        for year in years
        for exporter in exporters
    ]


def run(rows):
    return screen(pl.DataFrame(rows, infer_schema_length=None))[0]


def change(rows, *, year, exporter, **new):
    return [
        {**row, **new} if (row["year"], row["exporter"]) == (year, exporter) else row
        for row in rows
    ]


def pick(table, year, exporter):
    return table.filter(pl.col("year") == year, pl.col("exporter") == exporter).row(0, named=True)


def test_plausible_flows_stay_as_reported():
    table = run(bulk())
    assert table["quality"].unique().to_list() == ["observed"]
    assert table["tonnes_rebuilt"].is_null().all()


def test_missing_tonnes_are_rebuilt_from_value():
    table = run(change(bulk(), year=2014, exporter="BBB", tonnes_reported=None))
    flow = pick(table, 2014, "BBB")
    assert flow["quality"] == "imputed_missing"
    assert flow["tonnes_rebuilt"] == pytest.approx(1e6)


@pytest.mark.parametrize("wrong", [1e5, 1e7])
def test_tonnes_ten_times_off_are_rebuilt(wrong):
    flow = pick(run(change(bulk(), year=2014, exporter="BBB", tonnes_reported=wrong)), 2014, "BBB")
    assert flow["quality"] == "imputed_outlier"
    assert flow["tonnes_rebuilt"] == pytest.approx(1e6)


def test_a_wrong_lane_that_is_most_of_the_trade_is_still_caught():
    rows = change(bulk(), year=2014, exporter="BBB", value_usd=5e9, tonnes_reported=1e7)
    flow = pick(run(rows), 2014, "BBB")
    assert flow["quality"] == "imputed_outlier"
    assert flow["tonnes_rebuilt"] == pytest.approx(1e8)


def test_an_exporter_that_always_sells_dearer_is_left_alone():
    rows = [{**row, "tonnes_reported": 5e4} if row["exporter"] == "CCC" else row for row in bulk()]
    table = run(rows).filter(pl.col("exporter") == "CCC")
    assert table["quality"].unique().to_list() == ["observed"]


def test_a_code_that_mixes_products_is_not_rebuilt_upwards():
    rows = bulk()
    for year in range(2010, 2019):
        for exporter in ("DDD", "EEE"):
            fine = {"year": year, "exporter": exporter, "value_usd": 1e9, "tonnes_reported": 2e5}
            rows.append({**rows[0], **fine})
    rows = change(rows, year=2014, exporter="AAA", value_usd=1e9, tonnes_reported=2e3)
    flow = pick(run(rows), 2014, "AAA")
    assert flow["quality"] == "kept_outlier"
    assert flow["tonnes_rebuilt"] is None


def test_tiny_flows_are_kept_whatever_their_unit_value():
    rows = change(bulk(), year=2014, exporter="CCC", value_usd=1000.0, tonnes_reported=0.001)
    assert pick(run(rows), 2014, "CCC")["quality"] == "observed"


def test_rows_keep_their_order_and_number():
    rows = list(reversed(bulk()))
    table = run(rows)
    assert table["year"].to_list() == [row["year"] for row in rows]


def test_the_median_of_a_uniform_good_is_its_price():
    units = code_year_unit_values(pl.DataFrame(bulk(price=123.0)))
    assert units["median_usd_per_t"].to_list() == pytest.approx([123.0] * 9)
    assert units["flows_used"].to_list() == [3] * 9
