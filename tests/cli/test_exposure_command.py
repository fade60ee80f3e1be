"""``lodeline exposure``: the document, the files, the table, and what is refused."""

import json
import math

import openpyxl
import polars as pl
import pytest

from lodeline import data
from lodeline.cli.main import main
from lodeline.results.exposure import COLUMNS

ASKED = [
    "exposure",
    "--method",
    "hhi",
    "--material",
    "cobalt",
    "--country",
    "JPN",
    "--year",
    "2022",
]


def document(capfdbinary, *arguments):
    assert main([*arguments, "--json"]) == 0
    out = capfdbinary.readouterr().out
    return json.loads(out)


def test_the_document_keeps_its_contract(capfdbinary):
    found = document(capfdbinary, *ASKED)
    [row] = found["rows"]
    assert set(COLUMNS) <= set(row)
    assert (row["country"], row["material"], row["year"]) == ("JPN", "cobalt", 2022)
    assert 0.0 < row["value"] < 1.0
    assert row["reason"] is None
    assert {"name", "value", "unit", "table", "where", "mark"} == set(row["inputs"][0])
    for figure in row["inputs"]:
        assert figure["table"] in found["sources"]
    assert found["sources"]["trade"]["sha256"]
    assert set(found["dataset"]) == {"edition", "sha256"}


@pytest.mark.parametrize(
    "method",
    ["hhi", "import-reliance", "geopolrisk", "eu-supply-risk", "top1", "top3", "n-1", "usgs-risk"],
)
def test_every_published_measure_answers_with_values_or_reasons(capfdbinary, method):
    country = {"n-1": [], "eu-supply-risk": ["--country", "EU"]}.get(method, ["--country", "USA"])
    asked = ["exposure", "--method", method, "--material", "tungsten", "--year", "2022"]
    found = document(capfdbinary, *asked, *country)
    assert found["rows"]
    for row in found["rows"]:
        assert (row["value"] is None) != (row["reason"] is None)
        assert row["unit"]
        assert row["value"] is None or (row["inputs"] and math.isfinite(row["value"]))


def test_files_hold_the_same_rows(capfdbinary, tmp_path):
    found = document(capfdbinary, *ASKED, "--year", "2023", "--out", str(tmp_path / "o"))
    names = ["exposure.csv", "exposure.json", "exposure.parquet", "exposure.xlsx"]
    names = [*names, "report.html"]
    assert sorted(p.name for p in (tmp_path / "o").iterdir()) == names
    values = [row["value"] for row in found["rows"]]
    csv = pl.read_csv(tmp_path / "o" / "exposure.csv")
    assert csv["value"].to_list() == pytest.approx(values, rel=1e-15)
    assert "trade: code=282200+810510" in csv["inputs"][0]
    assert pl.read_parquet(tmp_path / "o" / "exposure.parquet")["value"].to_list() == values
    written = json.loads((tmp_path / "o" / "exposure.json").read_text(encoding="utf-8"))
    assert written == found
    sheet = openpyxl.load_workbook(tmp_path / "o" / "exposure.xlsx")["exposure"]
    assert [cell.value for cell in sheet["F"]][1:] == pytest.approx(values, rel=1e-12)


def test_the_table_fits_and_says_why_a_value_is_absent(capfd):
    assert main(["exposure", "--method", "geopolrisk", "--material", "gallium", "--material",
                 "cobalt", "--country", "EU", "--year", "2021-2022"]) == 0  # fmt: skip
    out = capfd.readouterr().out
    assert all(len(line.rstrip()) <= 80 for line in out.splitlines())
    assert "no code for this material" in " ".join(out.split())
    assert out.startswith("geopolrisk, EU27:")
    assert out.count(" 2021 ") == out.count(" 2022 ") == 2


def test_measures_and_materials_are_listed(capfdbinary):
    methods = {m["id"] for m in document(capfdbinary, "exposure", "--methods")["methods"]}
    assert {"hhi", "import-reliance", "geopolrisk", "eu-supply-risk", "top3", "n-1", "origin"} <= (
        methods
    )
    materials = document(capfdbinary, "exposure", "--materials")["materials"]
    assert {"id": "cobalt", "name": "Cobalt", "codes": ["282200", "810510"]}.items() <= next(
        m for m in materials if m["id"] == "cobalt"
    ).items()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--method", "hhj"], "hhi"),
        ([], "--method"),
        (["--method", "hhi", "--material", "cobolt"], "cobalt"),
        (["--method", "hhi", "--country", "JAP"], "JPN"),
        (["--method", "hhi", "--year", "22"], "2018-2024"),
        (["--method", "hhi", "--year", "2024-2018"], "Swap"),
        (["--method", "hhi", "--corrected"], "geopolrisk"),
        (["--method", "geopolrisk", "--by", "value"], "hhi"),
        (["--method", "geopolrisk", "--missing-governance", "2"], "0.0<=x<=1.0"),
    ],
)
def test_wrong_names_and_options_leave_with_2(capfd, arguments, said):
    assert main(["exposure", *arguments]) == 2
    streams = capfd.readouterr()
    assert said in streams.err
    assert "Traceback" not in streams.err
    assert streams.out == ""


def test_commas_name_several_as_repeating_does(capsys):
    one = ["--country", "JPN,ITA", "--year", "2021,2022"]
    two = ["--country", "ita", "--country", "jpn", "--year", "2021-2022"]
    both = []
    for options in (one, two):
        assert (
            main(["exposure", "--method", "geopolrisk", "--material", "cobalt", *options, "--json"])
            == 0
        )
        both.append(json.loads(capsys.readouterr().out)["rows"])
    assert {(r["country"], r["year"]) for r in both[0]} == {
        (c, y) for c in ("JPN", "ITA") for y in (2021, 2022)
    }
    assert sorted(map(str, both[0])) == sorted(map(str, both[1]))


def test_the_world_bank_s_file_brings_the_eu_s_supply_risk(tmp_path, monkeypatch, capfd):
    asked = ["exposure", "--method", "eu-supply-risk", "--material", "fluorspar", "--year", "2022"]
    monkeypatch.setenv("LODELINE_DATA", str(tmp_path / "own"))
    assert main([*asked, "--json"]) == 0
    [before] = json.loads(capfd.readouterr().out)["rows"]
    assert before["value"] is None
    assert "lodeline data import" in before["reason"]
    # The layout of the publisher's long table; the figures are political stability six times.
    lines = [
        "codeindyr,code,countryname,year,indicator,estimate,stddev,nsource,pctrank,pctranklower"
    ]
    known = data.governance().filter(pl.col("year").is_between(2018, 2022))
    for country, year, estimate in known.select("country", "year", "estimate").iter_rows():
        lines += [
            f"{country}{d}{year},{country},x,{year},{d},{estimate},0.2,8,50,40"
            for d in ("va", "pv", "ge", "rq", "rl", "cc")
        ]
    (tmp_path / "wgidataset.csv").write_text("\n".join(lines), encoding="utf-8")
    assert main(["data", "import", str(tmp_path / "wgidataset.csv")]) == 0
    capfd.readouterr()
    assert main([*asked, "--json"]) == 0
    [row] = json.loads(capfd.readouterr().out)["rows"]
    assert 0.5 < row["value"] < 5.0
    assert row["low"] <= row["value"] <= row["high"]
    assert "governance_dimensions" in [figure["table"] for figure in row["inputs"]]


def test_a_chain_may_stand_where_a_material_does(capfdbinary):
    assert main(["exposure", "--material", "heavy-rare-earths", "--country", "JPN", "--json"]) == 0
    rows = json.loads(capfdbinary.readouterr().out)["rows"]
    assert {r["material"] for r in rows} == {"heavy-rare-earths", "rare-earths"}
    assert {r["stage"] for r in rows if r["measure"] == "origin"} >= {"dysprosium-terbium"}
