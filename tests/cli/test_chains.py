"""``lodeline chains``: the list of the contract, a chain's text, the check of a file."""

import json

import pytest
from click.testing import CliRunner

from lodeline.cli.chains import chains
from lodeline.network.catalogue import chain_ids, chain_text


def run(*args):
    return CliRunner().invoke(chains, args, catch_exceptions=True)


@pytest.fixture(scope="module")
def document():
    result = run("--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_list_has_what_the_contract_says(document):
    rows = {row["id"]: row for row in document["chains"]}
    assert set(rows) == set(chain_ids())
    for row in rows.values():
        assert row["forms"]
        assert set(range(2015, 2025)) <= set(row["years"])
        assert 0 < row["nodes"] < row["activities"]
    assert rows["rare-earths"]["forms"] == ["compounds", "metals"]


def test_show_prints_the_file_itself():
    assert run("--show", "nickel").stdout == chain_text("nickel")
    assert json.loads(run("--show", "nickel", "--json").stdout)["id"] == "nickel"


def test_check_reads_a_file_and_base_year_changes_the_counts(tmp_path):
    file = tmp_path / "own.toml"
    file.write_text(chain_text("antimony").replace('id = "antimony"', 'id = "own"', 1))
    counts = {}
    for year in ("2018", "2024"):
        result = run("--check", str(file), "--base-year", year, "--json")
        (row,) = json.loads(result.stdout)["chains"]
        assert row["id"] == "own"
        counts[year] = row["activities"]
    assert counts["2018"] != counts["2024"]


def test_a_year_without_trade_leaves_the_counts_absent_with_a_reason(tmp_path):
    file = tmp_path / "own.toml"
    file.write_text(chain_text("platinum"))
    (row,) = json.loads(run("--check", str(file), "--base-year", "1996", "--json").stdout)["chains"]
    assert row["nodes"] is None
    assert "1996" in row["reason"]


def test_the_table_fits_eighty_columns(tmp_path):
    file = tmp_path / "own.toml"
    file.write_text(chain_text("aluminium"))
    result = run("--check", str(file))
    assert result.exit_code == 0
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    assert "bauxite" in result.stdout
