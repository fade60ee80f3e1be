"""Concentration: identities of the index, and published figures."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lodeline import data
from lodeline.errors import InputError, UnknownNameError
from lodeline.studies.exposure import METHODS, Basis, Request, Tonnes, Weight, concentration
from lodeline.studies.exposure.frame import run_exposure
from lodeline.studies.exposure.suppliers import SCHEMA

REFINING = {
    "copper": "refining",
    "lithium": "chemicals",
    "nickel": "refining",
    "cobalt": "refining",
    "graphite": "battery_grade_anode_material",
    "rare-earths": "separation_refining_magnet_REE",
}


def one(*args, **options):
    [row] = run_exposure(Request(*args, **options)).rows.to_dicts()
    return row


def summed(monkeypatch, amounts, whole=None):
    names = [f"A{i:02d}" for i in range(len(amounts))]
    rows = [("WLD", "cobalt", None, 2022, n, float(a), whole, "t", "trade", "", 0.0)
            for n, a in zip(names, amounts, strict=True)]  # fmt: skip
    table = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    monkeypatch.setattr(concentration, "suppliers", lambda _: table)
    return concentration.concentrations(Request("hhi")).row(0, named=True)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=12))
def test_the_index_lies_between_equal_shares_and_one_supplier(amounts):
    with pytest.MonkeyPatch.context() as patch:
        row = summed(patch, amounts)
    shares = np.array(amounts) / np.sum(amounts)
    assert 1 / len(amounts) - 1e-12 <= row["hhi"] <= 1 + 1e-12
    assert row["hhi"] == pytest.approx((shares**2).sum(), rel=1e-12)
    assert row["top1"] == pytest.approx(shares.max(), rel=1e-12)
    assert row["top1"] ** 2 - 1e-12 <= row["hhi"] <= row["top1"] + 1e-12
    assert row["top1"] <= row["top3"] + 1e-12 <= 1 + 1e-9


def test_equal_suppliers_give_one_over_their_number(monkeypatch):
    assert summed(monkeypatch, [5.0] * 4)["hhi"] == pytest.approx(0.25)


def test_what_the_source_does_not_name_stays_in_the_whole(monkeypatch):
    row = summed(monkeypatch, [0.4, 0.1], whole=1.0)
    assert row["hhi"] == pytest.approx(0.17)
    assert row["named"] == pytest.approx(0.5)


def test_rare_earth_exports_of_2011_by_quantity_and_value():
    asked = {"materials": ("rare-earths",), "years": (2011,), "stage": "284690",
             "of": Basis.EXPORTS, "tonnes": Tonnes.REPORTED}  # fmt: skip
    assert one("hhi", **asked)["value"] == pytest.approx(0.232, abs=5e-4)
    assert one("hhi", **asked, by=Weight.VALUE)["value"] == pytest.approx(0.459, abs=5e-4)


@pytest.mark.parametrize(("year", "mean"), [(2024, 0.858), (2035, 0.824)])
def test_the_mean_top3_share_of_refining_is_the_published_one(year, mean):
    shares = [one("top3", (material,), years=(year,), stage=stage)["value"]
              for material, stage in REFINING.items()]  # fmt: skip
    assert np.mean(shares) == pytest.approx(mean, abs=5e-4)


def test_refining_is_understood_for_all_six_minerals_of_the_outlook():
    rows = run_exposure(Request("top3", tuple(REFINING), years=(2024,), stage="refining")).rows
    assert rows["value"].mean() == pytest.approx(0.858, abs=5e-4)
    assert rows["stage"].unique().to_list() == ["refining"]


def test_two_sources_of_one_share_are_not_added():
    row = one("top1", ("rare-earths",), years=(2024,), stage=REFINING["rare-earths"])
    assert row["value"] == pytest.approx(0.9128)
    assert row["leaders"][0] == "CHN"


def test_imports_of_a_group_leave_out_trade_inside():
    row = one("hhi", ("cobalt",), ("EU27",), (2022,))
    flows = data.trade(["282200", "810510"], years=(2022, 2022))
    from lodeline.scenarios.groups import EU27

    outside = flows.filter(
        pl.col("importer").is_in(EU27) & ~pl.col("exporter").is_in(EU27)
    )["tonnes"].sum()  # fmt: skip
    total = next(f["value"] for f in row["inputs"] if f["name"] == "total")
    assert total == pytest.approx(outside)


def test_reported_and_screened_tonnes_differ_where_they_were_rebuilt():
    asked = {"materials": ("bauxite",), "countries": ("CHN",), "years": (2023,)}
    reported = one("hhi", **asked, tonnes=Tonnes.REPORTED)
    screened = one("hhi", **asked, tonnes=Tonnes.SCREENED)
    assert reported["value"] < screened["value"] - 0.01
    marks = {f["name"]: f["mark"] for f in screened["inputs"]}
    assert marks["share on rebuilt tonnes"] == "imputed"


def test_the_last_year_is_no_projection():
    rows = run_exposure(Request("top3", ("copper",), stage="refining")).rows
    assert rows["year"].to_list() == [2024]


def test_cells_without_figures_have_a_reason():
    row = one("hhi", ("gallium",), years=(1996,))
    assert row["value"] is None
    assert row["reason"]


@pytest.mark.parametrize("method", ["hhi", "n-1", "origin", "time-to-survive", "geopolrisk"])
def test_a_year_without_data_is_refused_with_the_years_there_are(method):
    with pytest.raises(InputError, match="1995-2024"):
        run_exposure(Request(method, ("cobalt",), ("JPN",), (1980,)))


@pytest.mark.parametrize(
    ("request_", "error", "said"),
    [
        (Request("hhj"), UnknownNameError, "hhi"),
        (Request("hhi", ("cobolt",)), UnknownNameError, "cobalt"),
        (Request("hhi", (), ("XYZ",)), UnknownNameError, "ISO3"),
        (Request("hhi", ("cobalt",), ("JPN",), of=Basis.PRODUCTION), InputError, "imports"),
        (Request("hhi", ("cobalt",), by=Weight.VALUE), InputError, "quantities"),
        (Request("hhi", ("cobalt",), ("JPN",), stage="999999"), UnknownNameError, "282200"),
        (Request("hhi", ("cobalt",), stage="smelting"), UnknownNameError, "refining"),
        (Request("hhi", corrected=True), InputError, "geopolrisk"),
    ],
)
def test_wrong_questions_are_refused_with_the_remedy(request_, error, said):
    with pytest.raises(error, match=said):
        run_exposure(request_)


def test_every_measure_can_be_loaded():
    for method in METHODS.values():
        assert callable(method.load().measure)
