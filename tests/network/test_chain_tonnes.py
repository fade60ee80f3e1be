"""Content factors: trade in the form's unit and output in the form's unit are of one size."""

from itertools import pairwise

import polars as pl
import pytest

from lodeline import data
from lodeline.network.catalogue import load_all
from lodeline.network.chain import TableOutput
from lodeline.network.trade_lanes import trade_of_form, world_trade

YEARS = range(2015, 2025)
CASES = [(chain, form) for chain in load_all().values() for form in chain.forms]
IDS = [f"{chain.id}-{form.id}" for chain, form in CASES]

# Refined metal is traded several times over; scrap, or re-export, comes on top of output.
TRADED_MORE_THAN_ONCE = {"platinum": 3.5, "palladium": 2.2, "cobalt": 1.5, "niobium": 1.3}


def by_year(chain, form):
    return dict(world_trade(chain, form).iter_rows())


@pytest.mark.parametrize(("chain", "form"), CASES, ids=IDS)
def test_trade_does_not_jump_from_one_year_to_the_next(chain, form):
    tonnes = by_year(chain, form)
    for before, after in pairwise(YEARS):
        assert tonnes[before] > 0.0
        assert 1 / 3 < tonnes[after] / tonnes[before] < 3, (before, after)


@pytest.mark.parametrize(
    ("chain", "form"),
    [case for case in CASES if isinstance(case[1].output, TableOutput)],
    ids=[i for i, case in zip(IDS, CASES, strict=True) if isinstance(case[1].output, TableOutput)],
)
def test_world_trade_fits_world_output(chain, form):
    table = data.production(form.output.commodity, stage=form.output.stage)
    world = table.filter(pl.col("country").cast(pl.String) == "WLD").drop_nulls("value")
    output = dict(world.group_by("year").agg(pl.col("value").sum()).iter_rows())
    trade = by_year(chain, form)
    assert output
    for year, tonnes in output.items():
        share = trade[year] / (tonnes * form.output.factor.value)
        assert 0.02 < share < TRADED_MORE_THAN_ONCE.get(chain.id, 1.0), (year, share)


@pytest.mark.parametrize(
    ("chain_id", "country", "year", "low", "high"),
    [
        ("cobalt", "COD", 2021, 0.7, 1.1),
        ("cobalt", "COD", 2022, 0.7, 1.1),
        ("nickel", "PHL", 2022, 0.8, 1.1),
        ("manganese", "ZAF", 2022, 0.85, 1.05),
        ("manganese", "GAB", 2022, 0.85, 1.05),
        ("graphite", "MOZ", 2022, 0.9, 1.15),
        ("tungsten", "RWA", 2022, 0.7, 1.2),
        ("niobium", "BRA", 2022, 0.7, 1.05),
        ("aluminium", "GIN", 2022, 0.7, 1.0),
    ],
)
def test_exports_of_countries_that_use_little_are_close_to_their_output(
    chain_id, country, year, low, high
):
    """The claim that catches a mix-up of gross tonnes and content."""
    chain = load_all()[chain_id]
    form = chain.forms[0]
    lanes = trade_of_form(chain, form, year).lanes
    exports = lanes.filter(pl.col("exporter") == country)["tonnes"].sum()
    table = data.production(form.output.commodity, stage=form.output.stage)
    row = table.filter((pl.col("country").cast(pl.String) == country) & (pl.col("year") == year))
    assert low < exports / (row["value"].sum() * form.output.factor.value) < high


def test_cobalt_of_dr_congo_is_counted_once():
    """DR Congo books to China under 282200 what China books under 8105."""
    chain = load_all()["cobalt"]
    lanes = trade_of_form(chain, chain.forms[0], 2023).lanes
    to_china = lanes.filter((pl.col("exporter") == "COD") & (pl.col("importer") == "CHN"))
    assert 100_000 < to_china["tonnes"].sum() < 170_000


def test_concentrate_on_its_way_to_malaysia_is_not_rare_earth_metal():
    chain = load_all()["rare-earths"]
    for year in YEARS:
        lanes = trade_of_form(chain, chain.form("metals"), year).lanes
        assert lanes.filter(pl.col("importer") == "MYS")["tonnes"].sum() < 2_000
