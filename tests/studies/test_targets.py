"""Targets of policy: what is known is told, what is not is absent, nothing is decided by a gap."""

import json
from functools import cache

import polars as pl
import pytest
from click.testing import CliRunner

from lodeline.cli.targets import targets as command
from lodeline.errors import InputError, UnknownNameError
from lodeline.network.catalogue import load_chain
from lodeline.report.targets import targets_text
from lodeline.results.targets import Status
from lodeline.scenarios.groups import EU27
from lodeline.studies.targets import run_targets
from lodeline.studies.targets.benchmarks import (
    STRATEGIC,
    Benchmark,
    Kind,
    benchmarks_for,
    published,
)
from lodeline.studies.targets.figures import balanced, imports_by_year, self_sufficiency, suppliers


@cache
def japan():
    return run_targets("JPN")


def test_the_act_sets_four_benchmarks_for_seventeen_materials():
    found = {b.kind: b for b in benchmarks_for("EU27")}
    assert {k: b.limit for k, b in found.items()} == {
        Kind.EXTRACTION: 0.10, Kind.PROCESSING: 0.40, Kind.RECYCLING: 0.25,
        Kind.SINGLE_SUPPLIER: 0.65,
    }  # fmt: skip
    assert len(STRATEGIC) == 17
    assert [b.is_ceiling for b in found.values()].count(True) == 1


def test_members_stand_beside_the_union_s_benchmarks():
    assert {b.jurisdiction for b in benchmarks_for("ITA")} == {"EU27"}


def test_a_country_without_targets_is_refused_with_those_that_have_some():
    with pytest.raises(InputError, match="EU27, JPN, KOR, USA"):
        run_targets("AUS")
    with pytest.raises(UnknownNameError):
        run_targets("XYZ")


def test_japan_s_aim_for_rare_earths_is_missed_as_published():
    # Published: 58 per cent in 2018, 79.6 in the first half of 2024; the aim was 50 by 2025.
    rows = japan().rows.filter(pl.col("target") == "JPN_TARGET_50", measure="share of imports")
    assert rows["status"].to_list() == ["missed", "missed"]
    assert rows["leader"].to_list() == ["CHN", "CHN"]
    assert rows["published"].to_list() == [0.796, 0.796]
    trend = {p["year"]: p["value"] for p in rows.filter(stage="compounds")["trend"].item()}
    assert trend[2010] > 0.75 > trend[2018]


def test_what_japan_holds_is_secret_and_stays_absent():
    rows = japan().rows.filter(pl.col("target") == "JPN_STOCK_BASE")
    assert set(rows["status"]) == {"absent"}
    assert rows["value"].null_count() == rows.height
    cobalt = rows.filter(material="cobalt")["reason"].item()
    assert "assume 30 days (0 to 60)" in cobalt


def test_korea_held_a_fraction_of_its_target():
    row = run_targets("KOR").rows.filter(material="lithium")
    assert row["value"].item() == pytest.approx(12.3)
    assert row["status"].item() == Status.MISSED


def test_published_bounds_are_read_as_bounds():
    [gallium] = [s for s in STRATEGIC if s.name == "gallium"]
    assert [(p.year, p.value) for p in published("EU27", Kind.PROCESSING, gallium)] == [
        (2011, 1.0), (2022, 0.02),
    ]  # fmt: skip
    assert published("EU27", Kind.EXTRACTION, gallium)[-1].bound == "at most"
    assert published("ITA", Kind.PROCESSING, gallium) == ()


def test_a_maker_that_no_source_lists_does_not_count_and_zero_is_no_verdict():
    figures = {f.stage: f for f in self_sufficiency(balanced("tungsten", 2024), EU27)}
    assert figures["mine"].value > 0.5, "Austria, Portugal and Spain mine tungsten"
    assert figures["powder"].is_least


def test_a_mine_of_another_year_is_imputed_and_not_blown_up_to_the_world():
    # Portugal, 380 t of lithium in 2023; the IEA's rest of 2024 is not Portugal's.
    doubt = balanced("lithium", 2024)
    mine = next(f for f in self_sufficiency(doubt, EU27) if f.stage == "mine")
    inside = [c in EU27 for c in doubt.base.countries]
    assert mine.value == pytest.approx(380.0 / doubt.base.absorbed()[0][inside].sum())
    assert mine.mark == "imputed"
    assert mine.is_least


def test_the_union_s_largest_supplier_by_origin_is_at_least_what_arrives_unmixed():
    found = list(suppliers(balanced("rare-earths", 2024), "EU27", EU27, home=EU27))
    metals = {s.stage: s for s in found if s.form == "metals"}
    assert metals[None].country == "CHN"
    assert metals["metals"].country == "CHN"
    assert metals["metals"].low <= metals["metals"].share <= metals["metals"].high


def test_imports_of_a_group_cross_its_border():
    chain = load_chain("lithium")
    points = imports_by_year(chain, "carbonate", EU27, home=EU27)
    assert {p["year"] for p in points} >= set(range(1996, 2025))
    assert not {p["leader"] for p in points} & set(EU27)
    assert all(0.0 < p["value"] <= 1.0 for p in points)


def test_for_a_member_a_third_country_lies_outside_the_union():
    # Most of Italy's carbonate comes from Germany; the act asks for the largest third country.
    points = imports_by_year(load_chain("lithium"), "carbonate", ("ITA",), home=EU27)
    assert points[-1]["leader"] == "CHN"
    assert points[-1]["value"] < 0.2
    found = suppliers(balanced("lithium", 2024), "ITA", ("ITA",), home=EU27)
    by_origin = next(s for s in found if s.stage == "carbonate")
    assert (by_origin.country, by_origin.share > 0.65) == ("CHL", True)


def test_a_year_without_trade_is_refused():
    with pytest.raises(InputError, match="1995-2024"):
        run_targets("JPN", year=2031)


@pytest.mark.parametrize(
    ("value", "is_ceiling", "is_met"),
    [(0.64, True, True), (0.66, True, False), (0.66, False, True)],
)
def test_a_ceiling_and_a_floor_are_kept_from_their_own_side(value, is_ceiling, is_met):
    limit = Benchmark("x", "EU27", Kind.EXTRACTION, 0.65, is_ceiling, 2030, (), "")
    assert limit.is_met(value) is is_met


def test_every_absent_row_says_why_and_the_text_fits_the_terminal():
    result = japan()
    absent = result.rows.filter(pl.col("status") == "absent")
    assert absent["reason"].null_count() == 0
    assert max(map(len, targets_text(result).splitlines())) <= 80


def test_the_command_prints_one_document_and_writes_three_files(tmp_path):
    done = CliRunner().invoke(command, ["--country", "KOR", "--json", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    document = json.loads((tmp_path / "targets.json").read_text(encoding="utf-8"))
    assert {"country", "year", "rows", "counts", "notes", "dataset"} <= set(document)
    assert {p.name for p in tmp_path.iterdir()} == {
        "targets.csv", "targets.xlsx", "targets.parquet", "targets.json",
    }  # fmt: skip


@pytest.mark.slow
def test_the_union_breaks_its_own_limit_where_the_commission_says_so():
    # Half of the strategic materials were above 65 per cent in 2022, among them lithium, metals of
    # the platinum group and rare earths (Joint Research Centre, quoted in stocks_and_policy).
    result = run_targets("EU27", year=2022)
    broken = result.rows.filter(target="EU_CRMA_DIVERS", status="missed")["material"]
    assert {"lithium", "rare-earths"} <= set(broken)
    assert any("8 of 16" in note for note in result.notes)
    gallium = result.rows.filter(target="EU_CRMA_PROC", material="gallium")
    assert [(p["year"], p["value"]) for p in gallium["trend"].item()] == [(2011, 1.0), (2022, 0.02)]
    open_rows = result.rows.filter(target="EU_CRMA_EXTR", status="open")
    assert open_rows["reason"].str.contains("names the largest").all()
