"""Import reliance, N-1, the EU's supply risk and the triangle of the USGS."""

import polars as pl
import pytest

from lodeline import data
from lodeline.errors import UnknownNameError
from lodeline.network.base_year import base_year
from lodeline.network.catalogue import load_chain
from lodeline.scenarios.groups import EU27
from lodeline.studies.exposure import Request, balances, eu_supply_risk
from lodeline.studies.exposure.frame import run_exposure

YEAR = 2022


def rows(*args, **options):
    return run_exposure(Request(*args, **options)).rows


def one(*args, **options):
    [row] = rows(*args, **options).to_dicts()
    return row


def test_reliance_is_net_imports_over_what_is_absorbed():
    base = base_year(load_chain("graphite"), YEAR)
    japan = base.countries.index("JPN")
    imports = base.lane_level[base.lane_destination == japan].sum()
    exports = base.lane_level[base.lane_origin == japan].sum()
    absorbed = base.absorbed()[0, japan]
    row = one("import-reliance", ("graphite",), ("JPN",), (YEAR,))
    assert row["value"] == pytest.approx((imports - exports) / absorbed, rel=1e-9)
    assert row["net_imports_t"] == pytest.approx(imports - exports, rel=1e-9)


def test_reliance_of_who_ships_more_than_it_takes_in_without_a_source_is_a_range():
    for country in ("JPN", "DEU"):
        row = one("import-reliance", ("cobalt",), (country,), (2024,))
        assert row["value"] is None, "a country that no source calls a maker is not self-sufficient"
        assert (row["low"], row["high"]) == (0.0, pytest.approx(1.0))
        assert "not traced" in row["reason"]
    italy = one("import-reliance", ("cobalt",), ("ITA",), (2024,))
    assert italy["value"] == italy["low"] == italy["high"] == 1.0
    union = one("import-reliance", ("rare-earths",), ("EU27",), (2024,), stage="metals")
    assert 0.0 < union["low"] < 0.9 < union["high"] == pytest.approx(1.0)


def test_without_output_reliance_is_one_and_an_exporter_has_none():
    assert one("import-reliance", ("rare-earths",), ("JPN",), (YEAR,), stage="metals")["value"] == 1
    assert one("import-reliance", ("cobalt",), ("COD",), (YEAR,))["value"] == 0.0


def test_reliance_lies_between_zero_and_one_everywhere():
    values = rows("import-reliance", ("lithium",), (), (YEAR,))["value"].drop_nulls()
    assert values.len() > 50
    assert values.is_between(0.0, 1.0).all()


def test_a_group_is_the_sum_of_its_members_net_imports():
    union = rows("import-reliance", ("lithium",), ("EU27",), (YEAR,)).sort("stage")
    parts = rows("import-reliance", ("lithium",), EU27, (YEAR,))
    summed = parts.group_by("stage").agg(pl.col("net_imports_t").sum()).sort("stage")
    assert union["net_imports_t"].to_list() == pytest.approx(summed["net_imports_t"].to_list())


def test_a_prior_of_output_is_marked_and_a_material_without_a_chain_is_absent():
    row = one("import-reliance", ("rare-earths",), ("EU27",), (YEAR,), stage="metals")
    marks = {f["name"]: f["mark"] for f in row["inputs"]}
    assert "prior" in marks["output"]
    assert "no chain" in one("import-reliance", ("helium",), ("JPN",), (YEAR,))["reason"]


def test_the_figures_of_the_usgs_are_shown_for_their_year():
    table = rows("import-reliance", ("cobalt",), ("USA",), (2025,))
    shown = table.filter(pl.col("stage") == "as published")
    assert shown["value"].to_list() == [0.79]
    assert table.filter(pl.col("value").is_null())["reason"].str.contains("2025").all()


def test_n_minus_1_takes_the_largest_supplier_with_its_demand():
    table = balances.balances(["cobalt"], [YEAR], None)
    largest = table.sort("output", descending=True).row(0, named=True)
    supply, demand = table["output"].sum(), table["absorbed"].sum()
    row = one("n-1", ("cobalt",), (), (YEAR,))
    assert row["largest"] == largest["country"] == "COD"
    left = (supply - largest["output"]) / (demand - largest["absorbed"])
    assert row["value"] == pytest.approx(left, rel=1e-12)
    assert 0.0 < row["low"] < row["value"] < row["high"] < 1.0
    without = (supply - largest["output"] - table["untraced"].sum()) / (
        demand - largest["absorbed"]
    )
    assert row["low"] <= without + 1e-12
    assert YEAR in row["output_years"]


def test_the_largest_supplier_is_one_that_a_source_names():
    table = balances.balances(["lithium-ion-cells"], [2024], "cathodes")
    assert table["untraced"].sum() > 0.0
    row = one("n-1", ("lithium-ion-cells",), (), (2024,), stage="cathodes")
    assert table.filter(country=row["largest"])["untraced"].item() == 0.0


def test_the_iea_s_own_figures_for_2035_are_shown():
    table = rows("n-1", ("graphite",), (), (2035,)).filter(pl.col("stage") == "as published")
    assert table["value"].to_list() == [0.375]


def test_without_demand_by_country_n_minus_1_is_absent_but_not_its_supply_side():
    stage = one("n-1", ("copper",), (), (2024,), stage="refining")
    assert stage["value"] is None
    assert stage["supply_left"] == pytest.approx(1 - 0.4402)


def test_the_eu_formula_gives_magnesium_s_published_figure():
    china = {"CHN": eu_supply_risk.scaled_governance(-0.33)}
    world = eu_supply_risk.concentration({"CHN": 0.91}, china)
    sourcing = eu_supply_risk.concentration({"CHN": 0.97}, china)
    assert (world, sourcing) == (pytest.approx(4.69, abs=5e-3), pytest.approx(5.33, abs=5e-3))
    risk = eu_supply_risk.supply_risk(
        world, sourcing, import_reliance=1.0, recycling=0.13, substitution=0.94
    )
    assert risk == pytest.approx(4.10, abs=1e-2)


def test_the_eu_formula_at_its_ends():
    def risk(world, sourcing, reliance):
        return eu_supply_risk.supply_risk(
            world, sourcing, import_reliance=reliance, recycling=0.0, substitution=1.0
        )

    assert risk(8.0, 2.0, 0.0) == 2.0  # self-sufficient: only its own sourcing counts
    assert risk(8.0, 2.0, 1.0) == 5.0
    assert risk(8.0, None, 1.0) == 8.0
    assert risk(None, 2.0, 0.3) == 2.0
    with pytest.raises(ValueError, match="concentration"):
        risk(None, None, 1.0)
    trade = eu_supply_risk.concentration({"FRA": 0.5, "IDN": 0.5}, {"FRA": 2.0, "IDN": 5.0},
                                         {"FRA": 0.8, "IDN": 1.3})  # fmt: skip
    assert trade == pytest.approx(0.25 * 2.0 * 0.8 + 0.25 * 5.0 * 1.3)


def test_without_six_dimensions_the_eu_s_risk_is_absent_and_says_how_to_get_them():
    row = one("eu-supply-risk", ("cobalt",), (), (YEAR,))
    assert row["value"] is None
    assert "six" in row["reason"]
    assert "data import" in row["reason"]
    assert row["country"] == "EU27"


def test_with_six_dimensions_the_eu_s_risk_follows_from_its_parts(monkeypatch):
    known = data.governance().filter(pl.col("year").is_between(2018, YEAR))
    dims = pl.DataFrame({"dimension": ["va", "pv", "ge", "rq", "rl", "cc"]})
    six = known.select("country", "year", "estimate").join(dims, how="cross")
    monkeypatch.setattr(data, "governance_dimensions", lambda: six)
    row = one("eu-supply-risk", ("cobalt",), (), (YEAR,))
    mixed = row["h_world"] * row["import_reliance"] / 2
    mixed += row["h_eu"] * (1 - row["import_reliance"] / 2)
    by_hand = mixed * (1 - row["recycling"]) * row["substitution"]
    assert row["low"] <= by_hand <= row["high"]
    # Finland's and Czechia's cobalt is in no source of output: between its ends nobody can tell.
    assert row["value"] is None
    assert "range" in row["reason"]
    assert (row["recycling"], row["substitution"]) == (0.22, 1.0)
    better = six.with_columns(pl.col("estimate") + 0.5)
    monkeypatch.setattr(data, "governance_dimensions", lambda: better)
    bettered = one("eu-supply-risk", ("cobalt",), (), (YEAR,))
    assert bettered["low"] < row["low"]
    assert bettered["high"] < row["high"]
    japan = one("eu-supply-risk", ("cobalt",), ("JPN",), (YEAR,))
    assert japan["value"] is None
    assert "EU27" in japan["reason"]


def test_a_material_without_a_substitution_index_says_so(monkeypatch):
    monkeypatch.setattr(data, "governance_dimensions", lambda: pl.DataFrame())
    reason = one("eu-supply-risk", ("nickel",), (), (YEAR,))["reason"]
    assert "substitution index" in reason


def test_of_the_usgs_triangle_only_trade_exposure_is_known():
    row = one("usgs-risk", ("cobalt",), (), (YEAR,))
    reliance = one("import-reliance", ("cobalt",), ("USA",), (YEAR,))
    assert row["value"] is None
    assert row["trade_exposure"] == reliance["value"]
    assert one("usgs-risk", ("cobalt",), ("JPN",), (YEAR,))["trade_exposure"] is None


@pytest.mark.parametrize(
    "method", ["import-reliance", "n-1", "eu-supply-risk", "usgs-risk", "time-to-survive"]
)
def test_a_form_that_no_chain_has_is_refused_and_not_answered_with_nothing(method):
    countries = ("EU27",) if method != "n-1" else ()
    with pytest.raises(UnknownNameError, match="nonsense"):
        rows(method, ("cobalt",), countries, (YEAR,), stage="nonsense")


def test_no_import_reliance_is_made_up_where_the_eu_uses_nothing(monkeypatch):
    known = data.governance().filter(pl.col("year").is_between(2018, YEAR))
    dims = pl.DataFrame({"dimension": [str(k) for k in range(6)]})
    six = known.select("country", "year", "estimate").join(dims, how="cross")
    monkeypatch.setattr(data, "governance_dimensions", lambda: six)
    unused = pl.col("absorbed") * ~pl.col("country").is_in(EU27)
    told = eu_supply_risk.balance_of
    monkeypatch.setattr(
        eu_supply_risk, "balance_of", lambda base: told(base).with_columns(absorbed=unused)
    )
    row = one("eu-supply-risk", ("cobalt",), (), (YEAR,))
    assert row["value"] is None
    assert "uses none" in row["reason"]
