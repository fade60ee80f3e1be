"""Workbooks: numbers stay numbers, absent stays empty, text is never a formula."""

from dataclasses import replace

import openpyxl
import polars as pl
import pytest

from lodeline.report.blocks import Block, BriefNames, write_brief
from lodeline.report.columns import COLUMNS, UNDESCRIBED
from lodeline.report.stress_book import stress_sheets
from lodeline.report.workbook import write_workbook


def read(path):
    return openpyxl.load_workbook(path)


def test_values_come_back_as_they_are(tmp_path):
    table = pl.DataFrame({"a": [1.5, None], "b": ["=1+1", "x"], "c": [[1, 2], []]})
    write_workbook(tmp_path / "t.xlsx", {"one": table})
    sheet = read(tmp_path / "t.xlsx")["one"]
    rows = list(sheet.iter_rows(values_only=True))
    assert rows == [("a", "b", "c"), (1.5, "=1+1", "[1, 2]"), (None, "x", "[]")]
    assert sheet["B2"].data_type == "s"
    assert sheet.freeze_panes == "A2"


def test_a_table_without_rows_keeps_its_headings(tmp_path):
    write_workbook(tmp_path / "t.xlsx", {"none": pl.DataFrame(schema={"a": pl.Float64})})
    assert list(read(tmp_path / "t.xlsx")["none"].iter_rows(values_only=True)) == [("a",)]


def test_a_stress_test_has_its_answer_losses_and_sources(result):
    sheets = stress_sheets(result)
    assert list(sheets)[:3] == ["about", "losses", "dates"]
    assert result.scenario["id"] in sheets["about"]["value"].to_list()
    assert set(sheets["by month"]["country"]) == set(result.asked)
    losses = sheets["losses"]
    assert losses.height == sum(c.metrics.height for c in result.chains.values())
    assert losses["unmet_t_total"].sum() == sum(
        c.metrics["unmet_t_total"].sum() for c in result.chains.values()
    )
    assert losses.filter(pl.col("country") == "JPN")["country_name"][0] == "Japan"
    assert sheets["sources"].height == len(result.scenario["sources"])
    guide = {w for w in sheets["about"]["what"] if w.startswith("sheet '")}
    assert guide == {f"sheet '{name}'" for name in sheets if name != "about"}


def test_the_guide_does_not_call_every_row_of_trade_the_base_years(result):
    """Rows that stand in for gallium and germanium are of 2006."""
    about = dict(stress_sheets(result)["about"].iter_rows())
    assert "stands_in" in about["sheet 'trade'"]
    assert "another" in about["sheet 'trade'"]


def test_the_sheets_leave_the_result_as_it_is(result):
    before = result.countries.columns
    stress_sheets(result)
    assert result.countries.columns == before


def test_suppliers_of_inferred_forms_are_marked(result):
    chain = replace(result.chains["tungsten"], inferred={"powder": "trade in x"})
    sheets = stress_sheets(replace(result, chains={**result.chains, "tungsten": chain}))
    for name in ("suppliers", "concentration", "third countries"):
        basis = sheets[name].group_by("form").agg(pl.col("basis").unique())
        found = dict(basis.iter_rows())
        assert found["powder"] == ["inferred"]
        assert found["metals"] == ["trade"]


def test_the_workbook_of_a_brief_begins_with_its_words(tmp_path):
    blocks = [Block("Title", level=1, text=("The answer.",)), Block("Limits", items=("a", "b"))]
    write_brief(
        tmp_path, blocks, kind="test", names=BriefNames("p.html", "p.md"), document={},
        tables={"t": pl.DataFrame({"x": [1]})},
    )  # fmt: skip
    book = read(tmp_path / "tables.xlsx")
    assert book.sheetnames == ["about", "t"]
    assert list(book["about"].iter_rows(values_only=True))[1:] == [
        ("Title", "The answer."), ("Limits", "a"), (None, "b"),
    ]  # fmt: skip


def test_writing_the_sheets_changes_nothing_of_the_result(result):
    before = result.countries.columns
    stress_sheets(result)
    assert result.countries.columns == before


def test_every_column_of_every_sheet_has_a_meaning(result):
    sheets = stress_sheets(result)
    told = sheets["columns"]
    assert set(told["sheet"]) == set(sheets) - {"about", "columns"}
    plain = [r for r in told.iter_rows(named=True) if (r["unit"], r["meaning"]) == UNDESCRIBED]
    assert plain == []
    row = told.filter(sheet="losses", column="reference_use_t").row(0, named=True)
    assert row["unit"].endswith("a month")
    assert COLUMNS["reported_t"][0].endswith("a year")


def test_sheets_without_rows_are_left_out_with_the_reason(result):
    sheets = stress_sheets(replace(result, sensitivity=()))
    assert "sensitivity" not in sheets
    about = dict(sheets["about"].iter_rows())
    assert about["no sheet 'sensitivity'"] == "no sensitivity was run, or there is no headline"
    assert "no sheet 'groups'" in about
    assert "no sheet 'losses'" not in about
    assert not any(table.is_empty() for table in sheets.values())


def test_what_is_not_shown_has_a_sheet(result):
    limits = stress_sheets(result)["limits"]
    wanted = {text for chain in result.chains.values() for text in chain.limits}
    assert wanted | set(result.scenario["notes"]) <= set(limits["text"])
    assert set(limits["kind"]) == {"limit", "left out", "assumed", "note"}


@pytest.mark.parametrize(
    ("column", "shown"),
    [
        ("unmet_share_peak", "0.0%"), ("at_low", "0.0%"), ("reference_use_t", "#,##0.00"),
        ("price_usd_t", "#,##0.00"), ("cost_usd", "#,##0"), ("price_multiple_peak", "0.00"),
        ("months_of_cover", "0.00"), ("value", "General"),
    ],
)  # fmt: skip
def test_numbers_are_shown_by_kind_and_keep_their_digits(tmp_path, column, shown):
    write_workbook(tmp_path / "t.xlsx", {"one": pl.DataFrame({column: [0.123456789012, None]})})
    cell = read(tmp_path / "t.xlsx")["one"]["A2"]
    assert (cell.number_format, cell.value) == (shown, 0.123456789012)
