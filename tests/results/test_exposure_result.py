"""The common form of exposure rows: nothing absent without a reason, and it shows itself."""

import polars as pl
import pytest

from lodeline.errors import DataError
from lodeline.results.exposure import COLUMNS, ExposureResult, arranged, figure, with_inputs


def rows(**changes):
    base = {"country": ["JPN", "ITA"], "material": "cobalt", "year": 2022, "value": [0.5, None],
            "unit": "1", "reason": [None, "nobody knows"]}  # fmt: skip
    return pl.DataFrame(base | changes)


def test_rows_are_completed_typed_and_sorted():
    table = arranged(rows(extra=[1, 2]), "hhi")
    assert table.columns == [*COLUMNS, "extra"]
    assert table["country"].to_list() == ["ITA", "JPN"]
    assert table["method"].unique().to_list() == ["hhi"]
    assert table.schema["year"] == pl.Int32


def test_not_a_number_is_absent_and_needs_a_reason():
    with pytest.raises(DataError, match="without a reason"):
        arranged(rows(value=[float("nan"), None]), "hhi")
    table = arranged(rows(value=[float("inf"), None], reason="x"), "hhi")
    assert table["value"].null_count() == 2


def test_nameless_rows_are_a_defect():
    with pytest.raises(DataError, match="no name"):
        arranged(rows(unit=["1", None]), "hhi")


def test_inputs_stand_in_each_row_in_their_order():
    table = with_inputs(rows(), [
        figure("a", pl.col("value"), "t", table="trade", where=pl.format("of {}", "country")),
        figure("b", 2.0, "1", table="", mark="assumed"),
    ])  # fmt: skip
    [first, second] = arranged(table, "hhi")["inputs"].to_list()
    assert [f["name"] for f in first] == ["a", "b"]
    assert (first[0]["where"], second[0]["where"]) == ("of ITA", "of JPN")
    assert (second[0]["value"], second[1]["mark"]) == (0.5, "assumed")


def test_a_result_is_a_document_a_flat_table_and_a_table_in_a_notebook():
    made = with_inputs(rows(leaders=[["CHN", "USA"], None]),
                       [figure("a", pl.col("value"), "t", table="trade", where="x")])  # fmt: skip
    result = ExposureResult("hhi", "a < b", arranged(made, "hhi"), notes=("n & m",))
    document = result.document()
    assert [row["value"] for row in document["rows"]] == [None, 0.5]
    assert result.flat()["inputs"].to_list() == ["a=absent t (trade: x)", "a=0.5 t (trade: x)"]
    assert result.flat()["leaders"].to_list() == [None, "CHN; USA"]
    page = result._repr_html_()
    assert "<table" in page
    assert "a &lt; b" in page
    assert "n &amp; m" in page


def test_rows_without_inputs_have_an_empty_list():
    assert ExposureResult("x", "", arranged(rows(), "x")).document()["rows"][0]["inputs"] == []
