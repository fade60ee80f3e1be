"""Trade rows behind a chain: the sum of what is used is the lane that the model starts from."""

import polars as pl
import pytest

from lodeline.network.catalogue import load_chain
from lodeline.network.trade_lanes import trade_of_form
from lodeline.network.trade_rows import trade_rows


@pytest.mark.parametrize("name", ["rare-earths", "cobalt"])
def test_rows_add_up_to_the_lanes_of_the_model(name):
    chain = load_chain(name)
    rows = trade_rows(chain, 2024, ["JPN"])
    assert set(rows["importer"]) == {"JPN"}
    assert set(rows["year"]) == {2024}
    for form in chain.forms:
        lanes = trade_of_form(chain, form, 2024).lanes.filter(pl.col("importer") == "JPN")
        used = rows.filter(pl.col("form") == form.id, ~pl.col("is_excluded"))
        sums = dict(used.group_by("exporter").agg(pl.col("form_t").sum()).iter_rows())
        assert lanes.height > 0
        for exporter, tonnes in lanes.select("exporter", "tonnes").iter_rows():
            assert sums[exporter] == pytest.approx(tonnes, rel=1e-12)


def test_a_form_without_a_code_shows_what_stands_in_for_it():
    rows = trade_rows(load_chain("germanium"), 2024, ["DEU"])
    assert rows.height > 0
    assert rows["stands_in"].all()
    assert set(rows["year"]) == {2006}
