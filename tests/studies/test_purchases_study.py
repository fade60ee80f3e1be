"""Own purchases: nothing is lost, shares add up, measures follow their formulas."""

import polars as pl
import pytest

from lodeline import data
from lodeline.errors import SpecError
from lodeline.network.catalogue import load_all
from lodeline.results.purchases import assessment_document
from lodeline.studies.exposure.frame import run_exposure
from lodeline.studies.exposure.registry import Basis, Request
from lodeline.studies.purchases import assess_purchases
from lodeline.studies.purchases.article24 import STRATEGIC
from lodeline.studies.purchases.assess import known_names

FILE = """\
material,form,hs_code,supplier,supplier_country,origin_country,quantity,unit,basis,content,\
recycled_share,value_usd,year,stock_days
rare-earths,metals,,A,NLD,,10,t,gross,,,700000,2024,30
rare-earths,,280530,A,CHN,CHN,5000,kg,gross,,0.2,300000,2024,60
rare-earths,metals,,B,JPN,,5,t,gross,,,400000,2023,
lithium,carbonate,,C,CHL,,100,t,gross,,,,2024,10
gallium,,,D,CHN,,2,t,contained,,,600000,2024,
cobalt,cobalt,810520,E,AFG,,1,t,contained,,,30000,2024,
"""


@pytest.fixture(scope="module")
def assessed(tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / "own.csv"
    path.write_text(FILE)
    return assess_purchases(path, home=["ITA"], with_market=False)


def value(result, measure, material, year=2024):
    rows = result.measures.filter(
        (pl.col("measure") == measure) & (pl.col("material") == material) & (pl.col("year") == year)
    )
    assert rows.height == 1
    return rows["value"][0], rows["reason"][0]


def test_every_row_is_in_one_lot_and_its_tonnes_and_value_with_it(assessed):
    assert assessed.lots["rows"].sum() == assessed.coverage["rows"] == 6
    assert assessed.lots["value_usd"].sum() == assessed.coverage["value_usd"] == 2_030_000
    metals = assessed.lots.filter((pl.col("form") == "metals") & (pl.col("year") == 2024))
    assert metals["tonnes"].to_list() == [15.0]


def test_gross_tonnes_become_contained_by_the_chains_content_and_that_is_counted(assessed):
    lithium = assessed.lots.filter(pl.col("material") == "lithium")
    assert lithium["tonnes"][0] == pytest.approx(18.8, rel=0.01)
    assert assessed.coverage["rows_with_content_of_chain"] == 1


def test_concentration_and_geopolrisk_follow_their_formulas(assessed):
    assert value(assessed, "hhi", "rare-earths")[0] == pytest.approx((2 / 3) ** 2 + (1 / 3) ** 2)
    assert value(assessed, "top1", "rare-earths")[0] == pytest.approx(2 / 3)
    assert value(assessed, "import-reliance", "rare-earths")[0] == 1.0
    world = (
        run_exposure(Request("hhi", materials=("rare-earths",), of=Basis.PRODUCTION))
        .rows.filter(pl.col("year") <= 2024)["value"]
        .item()
    )
    table = data.governance().filter(pl.col("year") == 2024)
    g = {c: min(max((2.5 - e) / 5, 0), 1) for c, e in table.select("country", "estimate").rows()}
    risk = 2 / 3 * g["NLD"] + 1 / 3 * g["CHN"]
    assert value(assessed, "geopolrisk", "rare-earths")[0] == pytest.approx(world * risk, rel=1e-12)


def test_what_is_missing_is_absent_with_its_reason(assessed):
    found, reason = value(assessed, "value", "lithium")
    assert found is None
    assert "value_usd" in reason


def test_shares_of_each_stage_of_the_map_add_up_to_one(assessed):
    keys = ["material", "form", "year"]
    scrapped = assessed.map.filter(pl.col("step") == "recycled").select(*keys, "share")
    recycled = {(m, f, y): share for m, f, y, share in scrapped.rows()}
    assert recycled == {("rare-earths", "metals", 2024): pytest.approx(0.2 / 3)}
    rest = assessed.map.filter(pl.col("step") != "recycled")
    for (material, form, year, step, _), rows in rest.group_by(*keys, "step", "stage"):
        scrap = recycled.get((material, form, year), 0.0) if step == "extracted" else 0.0
        assert rows["share"].sum() + scrap == pytest.approx(1.0, abs=1e-9)
        assert rows["share"].min() >= 0.0


def test_what_suppliers_tell_goes_before_what_is_traced(assessed):
    mine = assessed.map.filter(
        (pl.col("form") == "metals") & (pl.col("year") == 2024) & (pl.col("step") == "extracted")
    )
    told = mine.filter(pl.col("basis").str.starts_with("told"))
    assert told.select("country", "share").rows() == [("CHN", pytest.approx(0.8 / 3))]
    # Metal shipped from the Netherlands is Chinese for the most part: the point of the map.
    behind = assessed.map.filter(
        (pl.col("stage") == "metals") & (pl.col("country") == "CHN") & (pl.col("year") == 2024)
    )["share"].sum()
    assert behind > 0.8


def test_a_supplier_without_any_source_is_not_known_and_not_spread_over_others(assessed):
    cobalt = assessed.map.filter(pl.col("material") == "cobalt")
    assert cobalt.filter(pl.col("country").is_null())["share"].max() == pytest.approx(1.0)


def test_restrictions_concern_material_country_and_home(assessed):
    ids = set(assessed.restrictions["id"])
    assert "CHN_REE7_2025" in ids
    assert "CHN_GAGE_2023" in ids
    assert not any("JPN" in i for i in ids), "restrictions on Japan do not hit a firm in Italy"
    # Chile's carbonate is of its own brine: Zimbabwe, which restricts its ore, is below 1 % of it.
    assert set(assessed.restrictions["restricting_country"]) == {"CHN"}


def test_where_it_was_processed_counts_too_and_one_act_comes_once(tmp_path):
    path = tmp_path / "metals.csv"
    path.write_text(
        "material,form,supplier_country,quantity,unit,basis,year\n"
        "gallium,metal,DEU,2,t,contained,2024\n"
        "germanium,metal,CHN,2,t,contained,2024\n"
    )
    found = assess_purchases(path, home=["ITA"], with_market=False)
    [gallium] = found.restrictions.filter(material="gallium", start="2023-08-01").to_dicts()
    assert (gallium["id"], gallium["end"]) == ("CHN_GAGE_2023", None)
    assert gallium["through_origin"]
    assert gallium["share_supplied"] == gallium["share_extracted"] == 0.0
    assert gallium["share_processed"] > 0.9
    [germanium] = found.restrictions.filter(material="germanium", start="2023-08-01").to_dicts()
    assert not germanium["through_origin"]
    assert germanium["same_act"] is None  # what was measured of an act is none
    told = [f.text for v in found.vulnerability for f in v.findings if f.kind == "restricted"]
    assert [t.count("2023-08-01") for t in told] == [1, 1]
    assert "China (licence, since 2023-08-01, through origin)" in told[0]


def test_a_licence_for_rare_earths_concerns_dysprosium_and_both_are_strategic(tmp_path):
    path = tmp_path / "heavy.csv"
    path.write_text(
        "material,form,supplier_country,quantity,unit,basis,year\n"
        "heavy-rare-earths,dysprosium-terbium,CHN,2,t,contained,2024\n"
        "aluminium,bauxite,IDN,200,t,contained,2024\n"
    )
    heavy = assess_purchases(path, home=["ITA"], with_market=False)
    covers = dict(heavy.restrictions.select("id", "covers").iter_rows())
    assert covers["CHN_REE7_2025"] == "rare_earths_Sm_Gd_Tb_Dy_Lu_Sc_Y;magnets"
    assert covers["IDN_BAUX_2023"] == "bauxite"
    assert heavy.strategic["heavy-rare-earths"] == STRATEGIC["rare-earths"]


def test_stock_over_share_is_how_long_it_lasts(assessed):
    [metals] = [v for v in assessed.vulnerability if v.form == "metals"]
    assert metals.year == 2024
    assert metals.stock_days == pytest.approx((10 * 30 + 5 * 60) / 15)
    assert metals.days_until_short == pytest.approx(40 / (2 / 3))
    assert metals.single_supplier == "A"
    assert {f.kind for f in metals.findings} >= {"single-supplier", "behind-suppliers", "stock"}


def test_the_strategic_list_has_all_seventeen_entries(assessed):
    platinum_and_bauxite_once = {name.split(",")[0] for name in STRATEGIC.values()}
    assert len(platinum_and_bauxite_once) == 17
    assert assessed.strategic["gallium"] == "gallium"
    document = assessment_document(assessed)
    assert "Article 24" in document["law"]["source"]


def test_gross_beside_contained_without_content_is_refused(tmp_path):
    path = tmp_path / "mixed.csv"
    path.write_text(
        "material,supplier_country,quantity,unit,basis,year\n"
        "helium,CHN,1,t,gross,2024\nhelium,JPN,1,t,contained,2024\n"
    )
    with pytest.raises(SpecError, match="row 2, column 'content'"):
        assess_purchases(path, with_market=False)


def test_no_content_is_picked_where_the_codes_of_a_form_differ(tmp_path):
    path = tmp_path / "cobalt.csv"
    head = "material,form,hs_code,supplier_country,quantity,unit,basis,content,year\n"
    path.write_text(
        head
        + "cobalt,cobalt,,FIN,10,t,gross,,2024\n"
        + "cobalt,cobalt,810520,FIN,10,t,gross,,2024\n"
        + "cobalt,cobalt,282200,FIN,10,t,gross,,2024\n"
        + "cobalt,cobalt,,FIN,10,t,gross,0.99,2024\n"
    )
    with pytest.raises(SpecError) as refused:
        assess_purchases(path, with_market=False)
    assert [p.place for p in refused.value.problems] == [
        "row 2, column 'content'", "row 3, column 'content'"
    ]  # fmt: skip
    path.write_text(head + "cobalt,cobalt,282200,FIN,10,t,gross,,2024\n")
    assessed = assess_purchases(path, with_market=False)
    assert assessed.lots["tonnes"].to_list() == [pytest.approx(7.0)]


def test_a_material_s_name_is_its_own_chain_and_not_another_that_uses_it():
    chains = load_all()
    known = known_names(chains).materials
    assert {known[name] for name in ("lithium", "graphite", "rare-earths")} == {
        "lithium", "graphite", "rare-earths"
    }  # fmt: skip
    assert all(known[name] == name for name in chains)
