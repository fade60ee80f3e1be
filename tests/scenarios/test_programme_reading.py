"""Programmes: what a file means, sheets beside it, and what is wrong with it."""

from pathlib import Path

import pytest

from lodeline.errors import InputError, SpecError
from lodeline.scenarios.programme_reading import load_programme, parse_programme

EXAMPLE = Path(__file__).parents[2] / "examples" / "joint-fighter-programme.yaml"
TEXT = """
id: test
title: A test
question: When does it slip?
country: JPN
schedule:
  - start: 2030-01
    units_per_month: 1
  - start: 2030-04
    units_per_month: 2.5
end: 2030-06
bill:
  - chain: rare-earths
    form: metals
    kg_per_unit: 10
    buffer_days: 30
"""


def problems(text):
    with pytest.raises(SpecError) as caught:
        parse_programme(text.encode(), source="test.yaml")
    return caught.value.problems


def test_a_schedule_is_piecewise():
    programme = parse_programme(TEXT.encode(), source="test.yaml")
    assert programme.units == (1, 1, 1, 2.5, 2.5, 2.5)
    assert [str(m) for m in programme.months[::5]] == ["2030-01", "2030-06"]
    assert programme.bill[0].kg_per_unit.value == 10


def test_sheets_give_the_same_programme_as_the_file(tmp_path):
    head = TEXT[: TEXT.index("schedule:")]
    (tmp_path / "p.yaml").write_text(head + "schedule: s.csv\nend: 2030-06\nbill: b.csv\n")
    (tmp_path / "s.csv").write_text("start,units_per_month\n2030-01,1\n2030-04,2.5\n")
    (tmp_path / "b.csv").write_text(
        "chain,form,kg_per_unit,buffer_days\nrare-earths,metals,10,30\n"
    )
    assert load_programme(tmp_path / "p.yaml") == parse_programme(TEXT.encode(), source="x")


def test_a_sheet_may_give_a_range(tmp_path):
    head = TEXT[: TEXT.index("bill:")]
    (tmp_path / "p.yaml").write_text(head + "bill: b.csv\n")
    (tmp_path / "b.csv").write_text(
        "chain,form,kg_per_unit,kg_per_unit_low,source,assumed\nrare-earths,metals,10,4,Guess,true\n"
    )
    number = load_programme(tmp_path / "p.yaml").bill[0].kg_per_unit
    assert (number.low, number.value, number.high) == (4, 10, 10)
    assert (number.source, number.assumed) == ("Guess", True)


def test_wrong_cells_are_told_with_file_row_and_column(tmp_path):
    head = TEXT[: TEXT.index("bill:")]
    (tmp_path / "p.yaml").write_text(head + "bill: b.csv\n")
    (tmp_path / "b.csv").write_text(
        "chain,form,kg_per_unit,bufer_days\nrare-earths,metals,ten,1\nrare-earths,magnet,-1,\n"
    )
    with pytest.raises(SpecError) as caught:
        load_programme(tmp_path / "p.yaml")
    text = str(caught.value)
    assert "b.csv, heading 'bufer_days': no such column. Did you mean 'buffer_days'" in text
    assert "b.csv, row 2, column 'kg_per_unit'" in text
    assert "b.csv, row 3, column 'form': chain 'rare-earths' has no form 'magnet'" in text


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("country: JPN", "country: JAP", 5, "unknown country 'JAP'"),
        ("chain: rare-earths", "chain: rare-earth", 13, "unknown chain 'rare-earth'"),
        ("form: metals", "form: metal", 14, "has no form 'metal'"),
        ("kg_per_unit: 10", "kg_per_unit: 0", 13, "must be above zero"),
        ("buffer_days: 30", "buffer_dais: 30", 16, "unknown key 'buffer_dais'"),
        ("buffer_days: 30", "buffer_days: 30\n    buffer_kg: 1", 13, "not both"),
        ("end: 2030-06", "end: 2030-03", None, "end 2030-03 lies before the last step"),
        ("start: 2030-04", "start: 2030-01", None, "not in the order of time"),
        ("end: 2030-06", "end: 2090-06", None, "longer than 360 months"),
        ("end: 2030-06", "end: soon", 11, "'soon' is no month"),
        ("units_per_month: 1\n", "units_per_month: many\n", 8, "'many' has the wrong type"),
    ],
)
def test_mistakes_are_told_with_their_line(old, new, line, says):
    assert old in TEXT
    found = problems(TEXT.replace(old, new))
    assert any(says in str(p) and (line is None or p.line == line) for p in found), found


def test_all_mistakes_come_at_once():
    wrong = TEXT.replace("JPN", "JAP").replace("form: metals", "form: metal")
    assert len(problems(wrong.replace("buffer_days", "buffer_dais"))) == 3


def test_a_missing_sheet_is_told(tmp_path):
    (tmp_path / "p.yaml").write_text(TEXT[: TEXT.index("bill:")] + "bill: none.csv\n")
    with pytest.raises(InputError, match=r"none\.csv"):
        load_programme(tmp_path / "p.yaml")


def test_the_example_is_illustrative_and_every_number_has_a_source_or_an_assumption():
    programme = load_programme(EXAMPLE)
    assert programme.illustrative
    assert all(line.kg_per_unit.source for line in programme.bill)
    assert any("rate" in a.why for a in programme.assumptions)
    for line in programme.bill:
        assert line.buffer_days.source or line.buffer_days.value == 0, line.form
