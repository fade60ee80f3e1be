"""The command ``stress``: contract, files, repetition, nothing half-written."""

import copy
import hashlib
import json

import polars as pl
import pytest

from lodeline.cli.main import main

FAST = ["stress", "indonesia-nickel-2020", "--months", "3", "--no-sensitivity"]


def call(capsys, *arguments):
    code = main([str(a) for a in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_json_is_one_document_and_nothing_else(capsys):
    code, out, _ = call(capsys, *FAST, "--json")
    assert code == 0
    assert json.loads(out)["scenario"] == "indonesia-nickel-2020"


def test_base_comes_back(capsys):
    code, out, _ = call(
        capsys, "stress", "base", "--base-year", 2019, "--chain", "nickel", "--months", 3, "--json"
    )
    document = json.loads(out)
    assert code == 0
    assert document["max_relative_deviation"] <= 1e-9
    assert document["max_deviation_from_reported"] >= 0.0
    assert document["chain"] == "nickel"


def test_base_of_inferred_lanes_has_no_reported_figure_to_be_off(capsys):
    base = ("stress", "base", "--base-year", 2024, "--chain", "gallium", "--months", 1)
    code, out, _ = call(capsys, *base, "--json")
    assert code == 0
    assert json.loads(out)["max_deviation_from_reported"] is None
    code, out, _ = call(capsys, *base)
    assert code == 0
    assert "0.0 %" not in out
    assert "No trade code carries" in " ".join(out.split())


def test_base_without_a_year_says_so(capsys):
    code, _, err = call(capsys, "stress", "base", "--chain", "nickel")
    assert code == 2
    assert "--base-year" in err


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("out") / "deep" / "er"
    assert main([*FAST, "--out", str(folder)]) == 0
    return folder


def test_out_writes_all_files_and_no_other(written):
    assert {p.name for p in written.iterdir()} == {
        "report.html", "tables.xlsx", "losses.csv", "flows.parquet", "summary.json",
        "manifest.json",
    }  # fmt: skip


def test_the_manifest_alone_repeats_the_run_bit_for_bit(written, tmp_path, capsys):
    code, _, _ = call(capsys, "stress", written / "manifest.json", "--out", tmp_path)
    assert code == 0
    first = json.loads((written / "manifest.json").read_text())
    for name, expected in first["files"].items():
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == expected
    assert "flows.parquet" in first["files"]


def test_a_manifest_of_other_data_is_refused(written, tmp_path, capsys):
    document = json.loads((written / "manifest.json").read_text())
    document["dataset"]["sha256"] = "0" * 64
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(document))
    code, _, err = call(capsys, "stress", path)
    assert code == 2
    assert "made from the dataset" in err


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kind": "lodeline stress"}', "\x00"])
def test_a_damaged_manifest_is_refused(text, tmp_path, capsys):
    path = tmp_path / "manifest.json"
    path.write_text(text)
    code, out, err = call(capsys, "stress", path)
    assert code == 2
    assert out == ""
    assert "Traceback" not in err


def test_a_folder_that_cannot_be_made_is_the_machine_s_fault(tmp_path, capsys):
    blocked = tmp_path / "file"
    blocked.write_text("")
    code, out, err = call(capsys, *FAST, "--out", blocked / "inside")
    assert code == 1
    assert "--out" in err
    assert out == ""


def test_a_failing_report_leaves_nothing_behind(tmp_path, capsys, monkeypatch):
    def broken(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lodeline.report.files.render_stress", broken)
    code, _, err = call(capsys, *FAST, "--out", tmp_path)
    assert code == 1
    assert "No space left" in err
    assert list(tmp_path.iterdir()) == []


def test_countries_and_form_change_the_answer(capsys):
    _, out, _ = call(capsys, *FAST, "--json", "--countries", "kor, jpn")
    assert json.loads(out)["headline"]["country"] in {"KOR", "JPN"}
    rare = ["stress", "china-rare-earths-2025", "--months", "2", "--no-sensitivity", "--json"]
    _, out, _ = call(capsys, *rare, "--form", "compounds")
    assert json.loads(out)["chains"]["rare-earths"]["form"] == "compounds"


def test_a_chain_file_of_the_user_s_own_is_used(tmp_path, capsys):
    from lodeline.network.catalogue import chain_text

    text = chain_text("nickel").replace('id = "nickel"', 'id = "my-nickel"', 1)
    chain = tmp_path / "mine.toml"
    chain.write_text(text)
    from lodeline.scenarios.library import scenario_text

    scenario = tmp_path / "mine.yaml"
    scenario.write_text(
        scenario_text("indonesia-nickel-2020").replace("chain: nickel", "chain: my-nickel")
    )
    code, out, err = call(
        capsys, "stress", scenario, "--chain", chain, "--months", 2, "--no-sensitivity", "--json"
    )
    assert code == 0, err
    assert list(json.loads(out)["chains"]) == ["my-nickel"]


def test_both_ways_of_running_stand_side_by_side(tmp_path, capsys):
    code, out, err = call(
        capsys, "stress", "indonesia-nickel-2020", "--months", 4, "--no-sensitivity", "--mode",
        "both", "--json", "--out", tmp_path,
    )  # fmt: skip
    assert code == 0, err
    document = json.loads(out)
    assert document["market"]["mode"] == "market"
    assert document["foresight"]["mode"] == "foresight"
    assert document["value_of_foresight_usd"]["world"] >= 0.0
    assert document["foresight"]["certificate"]["max_residual"] <= 1e-8
    assert (tmp_path / "market" / "report.html").exists()
    assert (tmp_path / "foresight" / "manifest.json").exists()
    assert json.loads((tmp_path / "summary.json").read_text()) == document
    page = (tmp_path / "report.html").read_text()
    assert "Knowing the future would have saved the world" in page
    table = pl.read_csv(tmp_path / "value.csv")
    told = document["value_of_foresight_usd"]["countries"]
    assert table["saved_usd"].to_list() == [told[country] for country in table["country"]]


def test_two_targeted_origins_are_refused_before_the_run(tmp_path, capsys):
    import yaml

    from lodeline.scenarios.library import scenario_text

    document = yaml.safe_load(
        scenario_text("china-dual-use-japan-2026").replace("on: [JPN]", "'on': [JPN]")
    )
    other = copy.deepcopy(document["restrictions"][0]) | {"id": "other", "by": ["RUS"]}
    document["restrictions"].append(other)
    path = tmp_path / "two.yaml"
    path.write_text(yaml.safe_dump(document))
    code, _, err = call(capsys, "scenarios", "validate", path)
    assert code == 2
    assert "different countries" in err


@pytest.mark.parametrize("option", [("--out", "x"), ("--mode", "both"), ("--countries", "JPN")])
def test_base_refuses_what_it_would_ignore(option, capsys):
    code, _, err = call(capsys, "stress", "base", "--base-year", 2020, *option)
    assert code == 2
    assert option[0] in err
