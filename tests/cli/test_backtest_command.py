"""The command ``lodeline backtest``: the contract."""

import json

import pytest

from lodeline.cli.main import main

FEW = ["backtest", "--episode", "indonesia-bauxite-2014", "--sets", "8"]


def test_json_follows_the_contract_and_files_are_written(tmp_path, capfdbinary):
    folder = tmp_path / "out"
    code = main([*FEW, "--json", "--out", str(folder)])
    document = json.loads(capfdbinary.readouterr().out)
    assert code == 0
    (row,) = document["episodes"]
    assert row["id"] == "indonesia-bauxite-2014"
    keys = {"error", "error_no_substitution", "error_full_substitution", "error_trend", "skill"}
    assert all(isinstance(row[k], float) for k in keys)
    assert document["overall"]["episodes"] > 16
    assert set(document["tracks"]) == {"total-exports", "announcement"}
    written = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert written["episodes"] == document["episodes"]
    assert "indonesia-bauxite-2014" in (folder / "report.html").read_text(encoding="utf-8")
    assert (folder / "countries.csv").read_text(encoding="utf-8").startswith("episode,track,year")


def test_text_reads_well_at_80_columns(capfdbinary):
    code = main(FEW)
    text = capfdbinary.readouterr().out.decode()
    assert code == 0
    assert max(map(len, text.splitlines())) <= 80
    assert "indonesia-bauxite-2014" in text


def test_the_library_is_listed(capfdbinary):
    assert main(["backtest", "--list", "--json"]) == 0
    listed = json.loads(capfdbinary.readouterr().out)["episodes"]
    assert len(listed) >= 16
    assert sum(e["placebo"] for e in listed) >= 3


def test_stops_are_proposed(tmp_path, capfdbinary):
    assert main(["backtest", "--detect", "--out", str(tmp_path)]) == 0
    capfdbinary.readouterr()
    assert (tmp_path / "proposals.csv").read_text(encoding="utf-8").startswith("code,exporter")


@pytest.mark.parametrize(
    ("name", "word"),
    [("indonesia-bauxit-2014", b"indonesia-bauxite-2014"), ("no.yaml", b"no.yaml")],
)
def test_a_wrong_episode_is_named(name, word, capfdbinary):
    code = main(["backtest", "--episode", name])
    out = capfdbinary.readouterr()
    assert (code, out.out) == (2, b"")
    assert word in out.err


def test_years_without_trade_are_named(tmp_path, capfdbinary):
    path = tmp_path / "late.yaml"
    path.write_text(
        "id: late-one\ntitle: Too late\nsource: Made up\nform: ore\ncodes: ['811230']\n"
        "restricting: [CHN]\ninstrument: ban\nstart: 2020-01\nbase_years: [2018]\n"
        "predict_years: [2020]\ngiven: [total-exports]\n",
        encoding="utf-8",
    )
    code = main(["backtest", "--episode", str(path)])
    out = capfdbinary.readouterr()
    assert (code, out.out) == (2, b"")
    assert b"2018" in out.err or b"2020" in out.err
