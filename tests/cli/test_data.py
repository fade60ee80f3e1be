"""The command ``lodeline data``."""

import json

import pytest

from lodeline.cli.main import main
from lodeline.data import bundle


def run(capfdbinary, *arguments):
    code = main(["data", *arguments])
    captured = capfdbinary.readouterr()
    return code, captured.out.decode(), captured.err.decode()


def test_info_json_follows_the_contract(capfdbinary):
    code, out, err = run(capfdbinary, "info", "--json")
    document = json.loads(out)
    assert (code, err) == (0, "")
    assert document["edition"]
    for table in document["tables"]:
        assert {"name", "rows", "sha256", "source", "licence"} <= set(table)


def test_info_names_every_licence(capfdbinary):
    code, out, _ = run(capfdbinary, "info")
    assert code == 0
    assert "CC BY 4.0" in out
    assert "CEPII" in out


def test_verify_json_follows_the_contract(capfdbinary):
    code, out, _ = run(capfdbinary, "verify", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["ok"] is True
    assert document["problems"] == []
    assert {"edition", "tables"} <= set(document)


@pytest.fixture
def changed(tmp_path, monkeypatch):
    source = bundle.bundle_folder()
    document = json.loads((source / "manifest.json").read_text(encoding="utf-8"))
    document["tables"] = [t for t in document["tables"] if t["name"] == "products"]
    (tmp_path / "manifest.json").write_text(json.dumps(document), encoding="utf-8")
    (tmp_path / "products.parquet").write_bytes(b"changed")
    monkeypatch.setattr(bundle, "bundle_folder", lambda: tmp_path)
    return tmp_path


@pytest.mark.usefixtures("changed")
def test_verify_exits_1_on_a_changed_byte(capfdbinary):
    code, out, err = run(capfdbinary, "verify")
    assert code == 1
    assert out == ""
    assert "products.parquet" in err
    assert "Traceback" not in err


@pytest.mark.usefixtures("changed")
def test_verify_json_is_one_document_on_a_changed_byte(capfdbinary):
    code, out, _ = run(capfdbinary, "verify", "--json")
    assert code == 1
    (problem,) = json.loads(out)["problems"]
    assert problem["file"] == "products.parquet"


def test_quality_chooses_code_and_year(capfdbinary):
    code, out, _ = run(capfdbinary, "quality", "--code", "284690", "--year", "2024", "--json")
    (row,) = json.loads(out)["rows"]
    assert code == 0
    assert row["form"] == "284690"
    assert row["year"] == 2024
    assert 0.5 < row["value_share_observed"] <= 1


def test_quality_prints_a_table(capfdbinary):
    code, out, _ = run(capfdbinary, "quality", "--code", "284690")
    assert code == 0
    assert "1995" in out


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("quality", "--code", "999999"), "999999"),
        (("quality", "--year", "1900"), "1995-2024"),
        (("import", "/nowhere/file.whl"), "geopolrisk"),
    ],
)
def test_bad_input_exits_2_with_a_remedy(capfdbinary, arguments, word):
    code, out, err = run(capfdbinary, *arguments)
    assert code == 2
    assert out == ""
    assert word in err
