"""GeoPolRisk on tables small enough to work by hand; the reference program is compared in
benchmarks/geopolrisk_check.py."""

import polars as pl
import pytest

from lodeline import data
from lodeline.studies.exposure import Request, Tonnes, geopolrisk
from lodeline.studies.exposure.frame import run_exposure

YEAR = 2022
FLOWS = [
    # exporter, importer, kUSD, t
    ("CHN", "JPN", 300.0, 30.0),
    ("COD", "JPN", 100.0, 10.0),
    ("TWN", "JPN", 80.0, 8.0),
    ("GIB", "JPN", 20.0, 2.0),
    ("CHN", "JPN", 50.0, None),
    ("DEU", "ITA", 40.0, 4.0),
    ("CHN", "ITA", 60.0, 6.0),
    ("CHN", "DEU", 10.0, 5.0),
]
SCORES = {"CHN": 0.0, "COD": -2.5, "TWN": 1.0, "DEU": 0.5}
OUTPUT = {"COD": 60.7, "CHN": 30.0, "JPN": 9.6, "ITA": 0.0}


@pytest.fixture
def small_world(monkeypatch):
    """One code of cobalt, four scored countries, one year."""
    trade = pl.DataFrame(
        [("282200", YEAR, e, i, 1e3 * v, t, t, "observed") for e, i, v, t in FLOWS],
        schema=["code", "year", "exporter", "importer", "value_usd", "tonnes", "tonnes_reported",
                "quality"],
        orient="row",
    )  # fmt: skip
    trade = trade.with_columns(pl.col("tonnes").fill_null(5.0))
    governance = pl.DataFrame(
        [(c, YEAR, e) for c, e in SCORES.items()],
        schema=["country", "year", "estimate"],
        orient="row",
    )
    own = pl.DataFrame(
        [("cobalt", "Cobalt", c, YEAR, v, "t", False) for c, v in OUTPUT.items()],
        schema=["commodity", "published_name", "country", "year", "value", "unit", "is_estimate"],
        orient="row",
    )
    monkeypatch.setattr(data, "trade", lambda *_, **__: trade)
    monkeypatch.setattr(data, "governance", lambda: governance)
    monkeypatch.setattr(data, "world_mining_data", lambda: own)


def cell(country="JPN", **options):
    request = Request("geopolrisk", ("cobalt",), (country,), (YEAR,), **options)
    [row] = run_exposure(request).rows.to_dicts()
    return row


def inputs(row):
    return {figure["name"]: figure for figure in row["inputs"]}


@pytest.mark.usefixtures("small_world")
def test_a_score_worked_by_hand():
    row = cell(missing_governance=0.5)
    hhi = (60**2 + 30**2 + 9**2) / 99**2  # output cut to whole tonnes, as the reference does
    weighed = 30 * 0.5 + 10 * 1.0 + 8 * 0.5 + 2 * 0.5  # Taiwan mislabelled, Gibraltar filled
    risk = weighed / (9.6 + 50.0)
    assert row["hhi"] == pytest.approx(hhi, rel=1e-14)
    assert row["import_risk"] == pytest.approx(risk, rel=1e-14)
    assert row["value"] == pytest.approx(hhi * risk, rel=1e-14)
    price = 550.0 / 50.0  # the value without tonnes counts, as the reference does
    assert row["price_usd_per_kg"] == pytest.approx(price, rel=1e-14)
    factor = hhi * risk * price / 0.409412948
    assert row["characterisation_factor"] == pytest.approx(factor, rel=1e-14)


@pytest.mark.usefixtures("small_world")
def test_corrected_mends_the_slips_of_the_reference():
    row = cell(missing_governance=0.5, corrected=True)
    total = sum(OUTPUT.values())
    hhi = sum((value / total) ** 2 for value in OUTPUT.values())
    weighed = 30 * 0.5 + 10 * 1.0 + 8 * 0.3 + 2 * 0.5
    assert row["hhi"] == pytest.approx(hhi, rel=1e-14)
    assert row["import_risk"] == pytest.approx(weighed / 59.6, rel=1e-14)
    assert row["price_usd_per_kg"] == pytest.approx(500.0 / 50.0, rel=1e-14)
    assert inputs(row)["imports of Taiwan and Guyana"]["mark"] is None


@pytest.mark.usefixtures("small_world")
def test_a_supplier_without_a_score_leaves_the_value_absent_and_is_named():
    row = cell()
    assert row["value"] is row["characterisation_factor"] is row["import_risk"] is None
    assert "GIB (4.0 % of imports)" in row["reason"]
    assert "--missing-governance" in row["reason"]


@pytest.mark.usefixtures("small_world")
def test_what_fills_a_missing_score_is_marked():
    figures = inputs(cell(missing_governance=0.5))
    assert figures["imports without a score"]["mark"] == "option"
    assert figures["imports without a score"]["value"] == 2.0
    assert figures["imports of Taiwan and Guyana"]["mark"] == "slip of the reference program"
    low, high = (cell(missing_governance=score)["value"] for score in (0.0, 1.0))
    assert high - low == pytest.approx(cell(missing_governance=0.5)["hhi"] * 2.0 / 59.6)


@pytest.mark.usefixtures("small_world")
def test_inside_a_group_imports_count_without_risk():
    row = cell("EU27")
    assert row["import_risk"] == pytest.approx((6 + 5) * 0.5 / (4 + 6 + 5), rel=1e-14)
    assert row["country"] == "EU27"
    assert cell("EU")["value"] == row["value"]


@pytest.mark.usefixtures("small_world")
def test_screened_tonnes_fill_what_was_not_reported():
    reported = inputs(cell(missing_governance=0.5))["imports"]
    screened = inputs(cell(missing_governance=0.5, tonnes=Tonnes.SCREENED))["imports"]
    assert (reported["value"], reported["mark"]) == (50.0, None)
    assert (screened["value"], screened["mark"]) == (55.0, "imputed")


@pytest.mark.usefixtures("small_world")
def test_absent_parts_have_a_reason():
    assert "neither imports" in cell("BRA")["reason"]
    assert "no output" in run_exposure(
        Request("geopolrisk", ("tungsten",), ("JPN",), (1996,))
    ).rows["reason"].item()  # fmt: skip
    gallium = run_exposure(Request("geopolrisk", ("gallium",), ("JPN",), (YEAR,))).rows
    assert "no code" in gallium["reason"].item()


@pytest.mark.usefixtures("small_world")
def test_a_country_that_imports_nothing_but_mines_has_no_risk():
    row = cell("COD")
    assert row["value"] == 0.0
    assert row["price_usd_per_kg"] is None


@pytest.mark.usefixtures("small_world")
def test_all_importers_are_measured_when_none_is_named():
    rows = run_exposure(Request("geopolrisk", ("cobalt",), (), (YEAR,))).rows
    assert set(rows["country"]) == {"JPN", "ITA", "DEU"}


def test_the_reference_list_has_53_materials():
    assert len(geopolrisk.traded_materials()) == 53


def test_the_bundled_output_serves_where_nothing_is_imported():
    row = run_exposure(Request("geopolrisk", ("cobalt",), ("JPN",), (2022,))).rows.row(
        0, named=True
    )
    assert 0.1 < row["value"] < 0.3
    assert inputs(row)["HHI of world output"]["table"] == "production"


def test_a_material_that_is_not_traded_is_absent_with_a_reason_even_without_a_year():
    [row] = run_exposure(Request("geopolrisk", ("helium",), ("JPN",))).rows.to_dicts()
    assert row["value"] is None
    assert "no code" in row["reason"]
