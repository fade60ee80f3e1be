"""Imported output replaces a year as a whole, in our content, and changes the identity."""

import polars as pl
import pytest

from lodeline import data
from lodeline.data.output import OWN_NAMES
from lodeline.data.own import NAME


@pytest.fixture
def imported(tmp_path, monkeypatch):
    """Make a small import: lithium oxide of two countries in 2021."""
    monkeypatch.setenv("LODELINE_DATA", str(tmp_path))
    pl.DataFrame(
        {
            "commodity": ["lithium-li2o"] * 2,
            "published_name": ["Lithium (Li2O)"] * 2,
            "country": ["CHL", "AUS"],
            "year": pl.Series([2021, 2021], dtype=pl.Int16),
            "value": [100.0, 200.0],
            "unit": ["t", "t"],
            "is_estimate": [False, False],
        }
    ).write_parquet(tmp_path / f"{NAME}.parquet")
    (tmp_path / f"{NAME}.json").write_text(
        '{"name": "world_mining_data", "publisher": "P", "sha256": "x", "rows": 2, "licence": "L"}'
    )


def test_without_an_import_the_bundled_figures_are_used():
    rows = data.output_by_country("lithium", "mine")
    assert rows["source"].unique().to_list() == ["USGS"]
    assert rows["value"].min() >= 0.0


@pytest.mark.usefixtures("imported")
def test_an_imported_year_replaces_that_year_as_a_whole():
    rows = data.output_by_country("lithium", "mine").filter(pl.col("year") == 2021)
    assert rows["country"].to_list() == ["AUS", "CHL"]
    # a tonne of Li2O holds 0.4645 t of lithium
    assert rows["value"].to_list() == pytest.approx([92.9, 46.45], rel=1e-3)
    others = data.output_by_country("lithium", "mine").filter(pl.col("year") == 2022)
    assert others["source"].unique().to_list() == ["USGS"]


def test_what_is_left_to_others_is_the_publisher_s_line_and_gone_where_an_import_names_all(
    tmp_path, monkeypatch
):
    # USGS, Mineral Commodity Summaries 2024: other countries 3.1 Mt of copper in 2023.
    own = data.left_to_others("copper", "mine")
    assert dict(own.iter_rows())[2023] == 3_100_000.0
    assert data.left_to_others("graphite", "mine").height == 0
    monkeypatch.setenv("LODELINE_DATA", str(tmp_path))
    pl.DataFrame(
        {
            "commodity": [OWN_NAMES["copper", "mine"][0]],
            "country": ["MNG"],
            "year": pl.Series([2023], dtype=pl.Int16),
            "value": [1.0],
            "unit": ["t"],
        }
    ).write_parquet(tmp_path / f"{NAME}.parquet")
    left = data.left_to_others("copper", "mine")
    assert left["year"].to_list() == [y for y in own["year"] if y != 2023]


@pytest.mark.usefixtures("imported")
def test_an_import_is_part_of_the_dataset_s_identity(monkeypatch, tmp_path):
    own = data.dataset_identity()
    assert "world_mining_data" in own["edition"]
    assert data.info()["tables"][-1]["publisher"] == "P"
    monkeypatch.setenv("LODELINE_DATA", str(tmp_path / "elsewhere"))
    assert data.dataset_identity()["sha256"] != own["sha256"]


def test_of_two_sources_of_a_year_one_is_taken(monkeypatch):
    rows = pl.DataFrame(
        {
            "country": ["COD", "IDN", "ROW", "COD", "WLD"],
            "year": [2024] * 5,
            "output_t": [180.0, 30.0, 20.0, 190.0, 240.0],
            "world_t": [230.0, 230.0, 230.0, 240.0, 240.0],
            "confidence": ["high"] * 5,
            "source": ["IEA, May 2025"] * 3 + ["USGS, 2026"] * 2,
        }
    )
    monkeypatch.setattr("lodeline.data.output.stage_shares", lambda *_: rows)
    made = data.largest_makers("cobalt", "mine")
    assert made.select("country", "value", "rest", "source").rows() == [
        ("COD", 180.0, 20.0, "IEA"),
        ("IDN", 30.0, 20.0, "IEA"),
    ]
