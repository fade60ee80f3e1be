"""``lodeline programme``: documents, files, messages."""

import json

import pytest

from lodeline.cli.main import main

TEXT = """
id: test
title: A test
question: When does it slip?
country: JPN
schedule: [{start: 2026-07, units_per_month: 2}]
end: 2027-12
bill: [{chain: niobium, form: ferroniobium, kg_per_unit: 10}]
"""
ARGUMENTS = ["--scenario", "brazil-niobium-2027", "--no-sensitivity", "--months", "6"]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "programme.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_one_document_and_the_files(file, tmp_path, capsysbinary):
    out = tmp_path / "out"
    assert main(["programme", str(file), *ARGUMENTS, "--json", "--out", str(out)]) == 0
    document = json.loads(capsysbinary.readouterr().out)
    assert document["programme"] == "test"
    assert document["slip"]["slip_month"] >= "2027-02"
    assert document["bottleneck"] == "niobium/ferroniobium"
    names = {p.name for p in out.iterdir()}
    assert names == {
        "report.html", "programme.md", "tables.xlsx", "summary.json", "months.csv", "forms.csv",
        "supply.csv",
    }  # fmt: skip
    assert json.loads((out / "summary.json").read_text()) == document
    assert "What would have prevented it" in (out / "programme.md").read_text()


def test_capped_prices_and_inferred_lanes_are_marked(file, tmp_path, capsysbinary):
    out = tmp_path / "out"
    assert main(["programme", str(file), *ARGUMENTS, "--json", "--out", str(out)]) == 0
    document = json.loads(capsysbinary.readouterr().out)
    (form,) = document["forms"]
    assert form["price_multiple_peak"] == 20.0
    assert form["is_price_capped"] is True
    assert form["inferred_from"] is None
    page = (out / "programme.md").read_text()
    assert "at prices that reach the model’s cap" in page
    assert "20.0 times" not in page
    assert "is_price_capped" in (out / "supply.csv").read_text()
    file.write_text(TEXT.replace("niobium, form: ferroniobium", "gallium, form: metal"))
    words = ["--scenario", "china-us-gallium-germanium-2024", "--begin", "2026-06"]
    assert main(["programme", str(file), *words, "--no-sensitivity", "--months", "3"]) == 0
    text = " ".join(capsysbinary.readouterr().out.decode().split())
    assert "Who buys gallium/metal from whom is inferred from trade in germanium of 2006" in text


def test_the_answer_fits_eighty_columns(file, capsysbinary):
    calm = ["--scenario", "congo-cobalt-ban-2025", "--begin", "2027-01", "--no-sensitivity"]
    assert main(["programme", str(file), *calm]) == 0
    lines = capsysbinary.readouterr().out.decode().splitlines()
    assert max(map(len, lines)) <= 80
    assert "Answer: this tests nothing: the scenario restricts none of its materials" in lines


@pytest.mark.parametrize(
    ("change", "arguments", "says"),
    [
        (("niobium,", "niobum,"), ARGUMENTS, "unknown chain 'niobum'"),
        (("JPN", "JPN"), [*ARGUMENTS, "--begin", "soon"], "'soon' is no month"),
        (("JPN", "JPN"), [*ARGUMENTS, "--begin", "2031-01"], "Let it begin earlier"),
        (("JPN", "JPN"), ["--scenario", "brazil-niobum-2027"], "brazil-niobium-2027"),
    ],
)
def test_wrong_input_ends_in_a_message(file, capsys, change, arguments, says):
    file.write_text(TEXT.replace(*change), encoding="utf-8")
    assert main(["programme", str(file), *arguments]) == 2
    text = capsys.readouterr().err
    assert says in text
    assert "Traceback" not in text
