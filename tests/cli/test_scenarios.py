import json
import os
import subprocess
import sys
from importlib import resources

import pytest

from lodeline.cli.main import main
from lodeline.network.catalogue import chain_text
from lodeline.scenarios.library import scenario_ids


@pytest.fixture
def run(capsysbinary):
    """Run the program; return exit code, standard output and standard error."""

    def call(*arguments):
        code = main([str(a) for a in arguments])
        captured = capsysbinary.readouterr()
        return code, captured.out.decode(), captured.err.decode()

    return call


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.yaml"
    text = resources.files("lodeline.scenarios").joinpath("library/qatar-lng-2026.yaml").read_text()
    path.write_text(text, encoding="utf-8")
    return path


def test_list_gives_title_dates_and_sources(run):
    code, out, err = run("scenarios", "list", "--json")
    assert (code, err) == (0, "")
    entries = {e["id"]: e for e in json.loads(out)["scenarios"]}
    assert set(entries) == set(scenario_ids())
    assert len(entries) >= 18
    demo = entries["china-dual-use-japan-2026"]
    assert (demo["start"], demo["end"], demo["months"]) == ("2026-01", "2027-12", 24)
    assert demo["chains"] == ["rare-earths", "tungsten"]
    assert all(e["title"] and e["sources"] for e in entries.values())


def test_list_fits_80_columns_and_shortens_nothing(run):
    code, out, _ = run("scenarios", "list")
    assert code == 0
    assert all(len(line) <= 80 for line in out.splitlines())
    assert all(name in out for name in scenario_ids())


def test_show_prints_the_yaml_itself(run):
    code, out, _ = run("scenarios", "show", "china-dual-use-japan-2026")
    folder = resources.files("lodeline.scenarios").joinpath("library")
    assert code == 0
    assert out == folder.joinpath("china-dual-use-japan-2026.yaml").read_text(encoding="utf-8")


def test_show_json_is_the_checked_document(run):
    code, out, _ = run("scenarios", "show", "china-dual-use-japan-2026", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["restrictions"][0]["on"] == ["JPN"]
    assert document["restrictions"][0]["end"] is None


def test_what_show_prints_validates(run, tmp_path):
    _, out, _ = run("scenarios", "show", "china-graphite-2023")
    path = tmp_path / "copy.yaml"
    path.write_text(out, encoding="utf-8")
    assert run("scenarios", "validate", path)[0] == 0


def test_an_unknown_scenario_exits_with_2_and_suggests(run):
    code, out, err = run("scenarios", "show", "china-dual-use-japan")
    assert (code, out) == (2, "")
    assert "Did you mean 'china-dual-use-japan-2026'" in err


def test_validate_says_that_a_file_is_valid(run, mine):
    assert run("scenarios", "validate", mine) == (0, f"{mine}: valid, 1 restriction.\n", "")
    code, out, _ = run("scenarios", "validate", mine, "--json")
    assert code == 0
    assert json.loads(out) == {
        **{"file": str(mine), "valid": True, "id": "qatar-lng-2026", "problems": []}
    }


def test_validate_gathers_the_problems(run, mine):
    text = mine.read_text(encoding="utf-8")
    mine.write_text(text.replace("[QAT]", "[QTA]").replace("months: 24", "monts: 24"), "utf-8")
    code, out, err = run("scenarios", "validate", mine)
    assert (code, out) == (2, "")
    assert "2 problems" in err
    assert "'QTA'" in err
    assert "'months'" in err
    code, out, _ = run("scenarios", "validate", mine, "--json")
    document = json.loads(out)
    assert code == 2
    assert document["valid"] is False
    assert {p["place"] for p in document["problems"]} == {"monts", "restrictions[0].by[0]"}
    assert all(p["line"] and p["remedy"] for p in document["problems"])


def test_validate_knows_a_chain_of_the_users_own(run, mine, tmp_path):
    chain = tmp_path / "gas.toml"
    chain.write_text(chain_text("lng").replace('id = "lng"', 'id = "gas"', 1), encoding="utf-8")
    mine.write_text(mine.read_text("utf-8").replace("chain: lng", "chain: gas"), "utf-8")
    assert run("scenarios", "validate", mine)[0] == 2
    assert run("scenarios", "validate", mine, "--chain", chain)[0] == 0


def test_listing_does_not_load_the_tables():
    code = (
        "import sys; from lodeline.cli.main import main; main(['scenarios', 'list', '--json']); "
        "sys.exit(sum(m in sys.modules for m in ('polars', 'scipy', 'numba', 'plotly')))"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=False)
    assert done.returncode == 0


def test_validate_of_an_absent_file_exits_with_2(run, tmp_path):
    code, out, err = run("scenarios", "validate", tmp_path / "none.yaml", "--json")
    assert (code, out) == (2, "")
    assert "none.yaml" in err


def test_the_schema_is_one_json_document(run):
    code, out, err = run("scenarios", "schema")
    assert (code, err) == (0, "")
    assert json.loads(out)["title"] == "Scenario"


def test_output_is_utf8_in_any_locale(tmp_path):
    command = "import sys; from lodeline.cli.main import main; sys.exit(main(sys.argv[1:]))"
    environment = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    for arguments in (["scenarios", "schema"], ["scenarios", "show", "china-graphite-2023"]):
        done = subprocess.run(
            [sys.executable, "-c", command, *arguments],
            capture_output=True,
            env=environment,
            cwd=tmp_path,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        assert done.stdout.decode("utf-8")
