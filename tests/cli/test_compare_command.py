"""The command ``compare``."""

import json

import pytest

from lodeline.cli.main import main

FAST = ["stress", "indonesia-nickel-2020", "--no-sensitivity"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for name, months in (("before", "2"), ("after", "3")):
        assert main([*FAST, "--months", months, "--out", str(folder / name)]) == 0
    return folder


def test_the_document_names_inputs_and_figures(runs, capsys, tmp_path):
    words = ["compare", str(runs / "before"), str(runs / "after"), "--json"]
    assert main([*words, "--out", str(tmp_path)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {row["what"] for row in document["inputs"]} == {"options.months"}
    assert document["moved"] == len(document["figures"]) > 0
    assert {p.suffix for p in tmp_path.iterdir()} == {".csv", ".xlsx", ".parquet", ".json"}


def test_fewer_figures_where_more_must_have_moved(runs, capsys):
    found = []
    for least in ("0", "0.5"):
        main(["compare", str(runs / "before"), str(runs / "after"), "--least", least, "--json"])
        found.append(json.loads(capsys.readouterr().out)["moved"])
    assert found[0] > found[1]


def test_the_text_fits_the_terminal(runs, capsys):
    assert main(["compare", str(runs / "before"), str(runs / "after")]) == 0
    body = capsys.readouterr().out.splitlines()[2:]
    assert max(map(len, body)) <= 80
    assert any("options.months: 2 → 3" in line for line in body)


@pytest.mark.parametrize("text", [None, "{", "[]", "{}"])
def test_a_folder_of_no_stress_test_is_refused(text, runs, tmp_path, capsys):
    if text is not None:
        (tmp_path / "summary.json").write_text(text)
    assert main(["compare", str(tmp_path), str(runs / "after")]) == 2
    assert "lodeline stress SCENARIO --out DIR" in capsys.readouterr().err
