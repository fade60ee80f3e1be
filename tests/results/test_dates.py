"""Months in which shortage begins and stocks are gone."""

import polars as pl

from lodeline.results.dates import date_table

MONTHS = ["2026-01", "2026-02", "2026-03", "2026-04"]


def of(unmet, stock, multiple, opening=100.0):
    return date_table(
        pl.DataFrame(
            {
                "month": MONTHS,
                "country": "JPN",
                "form": "metals",
                "unmet_share": unmet,
                "stock_before_t": [opening, *stock[:-1]],
                "stock_t": stock,
                "price_multiple": multiple,
            }
        )
    ).row(0, named=True)


def test_the_first_and_last_short_month_and_the_empty_stock():
    row = of([0.0, 0.05, 0.2, 0.06], [100.0, 50.0, 4.9, 0.0], [1.0, 2.0, 3.0, 2.5])
    assert (row["short_from"], row["short_until"]) == ("2026-03", "2026-04")
    assert row["stock_empty_from"] == "2026-03"
    assert row["stock_lowest_t"] == 0.0
    assert row["price_peak_month"] == "2026-03"


def test_what_does_not_happen_is_absent():
    row = of([0.0] * 4, [0.0] * 4, [1.0, 1.0, 1.004, 1.0], opening=0.0)
    assert row["short_from"] is None
    assert row["stock_empty_from"] is None
    assert row["price_peak_month"] is None


def test_a_stock_that_is_gone_in_the_first_month_is_not_missed():
    row = of([0.3] * 4, [0.0] * 4, [3.0] * 4)
    assert row["stock_empty_from"] == "2026-01"
