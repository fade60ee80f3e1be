"""The build tool: same inputs, same bytes; the source's layout is read, not assumed."""

import importlib.util
import json
import sqlite3
import sys
import zipfile
from pathlib import Path

import polars as pl
import pytest

TOOL = Path(__file__).parents[2] / "tools" / "build_dataset.py"


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("build_dataset", TOOL)
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    spec.loader.exec_module(module)
    yield module
    sys.path[:] = before


def write_baci(path):
    db = sqlite3.connect(path)
    db.execute(
        "CREATE TABLE country_codes_V202401b"
        " (country_code TEXT, country_name TEXT, country_iso2 TEXT, country_iso3 TEXT)"
    )
    db.executemany(
        "INSERT INTO country_codes_V202401b VALUES (?, ?, ?, ?)",
        [
            ("156", "China", "CN", "CHN"),
            ("384", "CÃ´te d'Ivoire", "CI", "CIV"),
            ("490", "Other Asia, nes", "", "S19"),
            ("392", "Japan", "JP", "JPN"),
        ],
    )
    db.execute("CREATE TABLE product_codes_HS92_V202401b (code TEXT, description TEXT)")
    db.execute("INSERT INTO product_codes_HS92_V202401b VALUES ('284690', 'Compounds')")
    db.execute("CREATE TABLE baci_trade (t TEXT, i TEXT, j TEXT, k INTEGER, v TEXT, q TEXT)")
    rows = [(str(y), "156", "392", 284690, "100.5", "10.25") for y in range(2020, 2025)]
    rows += [
        ("2024", "490", "392", 284690, "3.001", None),
        ("2024", "384", "156", 284690, "7", "NA"),
    ]
    db.executemany("INSERT INTO baci_trade VALUES (?, ?, ?, ?, ?, ?)", reversed(rows))
    db.commit()
    db.close()


def write_wgi(path):
    db = sqlite3.connect(path)
    for table, value in (("Estimate", "-0.5"), ("StdErr", "0.2"), ("NumSrc", "8.0")):
        db.execute(
            f'CREATE TABLE "{table}" ("Country/Territory" TEXT, "Code" TEXT, "2023" TEXT,'
            ' "2024" TEXT, "country_code" TEXT)'
        )
        db.execute(
            f'INSERT INTO "{table}" VALUES (?, ?, ?, ?, ?)', ("China", "CHN", "nan", value, "156")
        )
    db.commit()
    db.close()


USGS = {
    "2023/mcs2023-raree_world.csv": (
        "Source,Country,Type,Prod_t_2021,Prod_t_est_2022,Prod_notes,Reserves_t\n"
        'MCS2023,United States,"Rare earths, mine production",42000,43000,,1\n'
        'MCS2023,World total (rounded),"Rare earths, mine production",290000,300000,,1\n'
    ),
    "2024/mcs2024-raree_world.csv": (
        "Source,Country,Type,Prod_t_2022,Prod_t_est_2023,Prod_notes,Reserves_t,,\n"
        'MCS2024,United\u00a0States1,"Rare earths, mine production","42,000",W,,1,,\n'
        'MCS2024,Chinae,"Rare earths, mine production",210000,"e240,000",note,1,,\n'
        'MCS2024,Other countries8,"Rare earths, mine production",<100,NA,,1,,\n'
    ),
}
FACTS = {
    "stage_shares": (
        "material,stage,country_iso3,share,year,source,url,confidence,note\n"
        "cobalt,refining,CHN,0.7,2024,IEA,https://iea.org,high,\n"
        "cobalt,refining_bgs,CHN,0.7,2024,BGS,https://bgs.ac.uk,high,\n"
    ),
    "restrictions": "id,start,source,url,confidence,note\nA,2010-09,X,https://x,high,\n",
    "stocks_and_policy": "id,metric,value,year,source,url,confidence,note\nA,t,60,2020,X,u,high,\n",
    "demand_structure": (
        "material,region,metric,sector,value,unit,year,source,url,confidence,note\n"
        "cobalt,WLD,demand,total,1,kt,2024,IEA,u,high,\n"
    ),
    "elasticities": (
        "kind,material,form,hs_code,region,value,year,source,url,confidence,note\n"
        "price_level,cobalt,metal,,WLD,3,2024,Argus,u,high,\n"
        "price_level,cobalt,metal,,WLD,3,2024,USGS MCS 2026,u,high,as reported by Argus\n"
        "price_level,cobalt,metal,,WLD,3,2024,USGS MCS 2026,u,high,\n"
    ),
    "projects_costs": "id,capacity,source,url,confidence,note\nA,9000,X,u,high,\n",
}
WORLD = {
    "transform": {"scale": [0.5, 0.5], "translate": [100, 30]},
    "arcs": [[[0, 0], [10, 0], [0, 10], [-10, 0], [0, -10]]],
    "objects": {
        "countries": {
            "geometries": [
                {"type": "Polygon", "arcs": [[0]], "id": "392", "properties": {"name": "Japan"}},
                {"type": "Polygon", "arcs": [[0]], "properties": {"name": "N. Cyprus"}},
            ]
        }
    },
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    write_baci(folder / "baci.db")
    write_wgi(folder / "wgi.db")
    with zipfile.ZipFile(folder / "source.whl", "w") as archive:
        for name in ("baci.db", "wgi.db"):
            archive.write(folder / name, f"geopolrisk/lib/{name}")
    for name, text in USGS.items():
        path = folder / "usgs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8-sig")
    (folder / "facts").mkdir()
    for name, text in FACTS.items():
        (folder / "facts" / f"{name}.csv").write_text(text, encoding="utf-8")
    (folder / "world.json").write_text(json.dumps(WORLD), encoding="utf-8")
    return folder


def arguments(inputs, out):
    return [
        "--wheel", str(inputs / "source.whl"), "--usgs", str(inputs / "usgs"),
        "--facts", str(inputs / "facts"), "--world", str(inputs / "world.json"),
        "--out", str(out),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def built(tool, inputs, tmp_path_factory):
    out = tmp_path_factory.mktemp("built")
    assert tool.main(arguments(inputs, out)) == 0
    return out


def test_the_same_inputs_give_the_same_bytes(tool, inputs, built, tmp_path):
    (tmp_path / "old.parquet").write_text("from an earlier run")
    assert tool.main(arguments(inputs, tmp_path)) == 0
    first = {path.name: path.read_bytes() for path in built.iterdir()}
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first


def test_trade_is_sorted_and_counted(built):
    table = pl.read_parquet(built / "trade.parquet")
    assert table["value_usd"].to_list()[:4] == [100_500] * 4
    assert table.filter(pl.col("exporter") == "TWN")["quality"].to_list() == ["imputed_missing"]
    manifest = json.loads((built / "manifest.json").read_text(encoding="utf-8"))
    trade = next(t for t in manifest["tables"] if t["name"] == "trade")
    counts = {change["reason"]: change["rows"] for change in trade["changes"]}
    assert counts["no tonnes reported"] == 2
    assert "source.whl" in manifest["inputs"]


def test_the_newest_edition_counts_and_marks_are_read(built):
    table = pl.read_parquet(built / "production.parquet")
    found = {
        (row["country"], row["year"]): (row["value"], row["status"], row["edition"])
        for row in table.iter_rows(named=True)
    }
    assert found == {
        ("USA", 2021): (42000.0, "reported", 2023),
        ("WLD", 2021): (290000.0, "reported", 2023),
        ("USA", 2022): (42000.0, "reported", 2024),
        ("USA", 2023): (None, "withheld", 2024),
        ("CHN", 2022): (210000.0, "estimated", 2024),
        ("CHN", 2023): (240000.0, "estimated", 2024),
        ("ROW", 2022): (None, "below_limit", 2024),
        ("ROW", 2023): (None, "not_available", 2024),
    }


def test_rows_that_may_not_ship_stay_out(built):
    assert pl.read_parquet(built / "stage_shares.parquet")["stage"].to_list() == ["refining"]
    assert pl.read_parquet(built / "elasticities.parquet").height == 1


def test_the_map_is_decoded(built):
    (feature,) = json.loads((built / "world_map.json").read_text(encoding="utf-8"))["features"]
    assert feature["id"] == "JPN"
    ring = feature["geometry"]["coordinates"][0][0]
    assert ring == [[100.0, 30.0], [105.0, 30.0], [105.0, 35.0], [100.0, 35.0], [100.0, 30.0]]


@pytest.mark.parametrize("name", ["source.whl", "world.json"])
def test_a_wrong_input_is_one_clear_message(tool, inputs, tmp_path, capsys, name):
    wrong = tmp_path / "wrong"
    wrong.write_text("nothing")
    given = [str(wrong) if a.endswith(name) else a for a in arguments(inputs, tmp_path / "out")]
    assert tool.main(given) == 1
    assert "wrong" in capsys.readouterr().err
