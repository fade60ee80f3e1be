"""Workbooks: numbers stay numbers, absent stays empty, text is never a formula."""

from dataclasses import replace

import openpyxl
import polars as pl

from lodeline.report.blocks import Block, BriefNames, write_brief
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
