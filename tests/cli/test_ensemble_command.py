"""The command ``lodeline ensemble``: the contract, and one message for every mistake."""

import json
import re
from pathlib import Path

import pytest

from lodeline.cli.main import main
from lodeline.scenarios.ensemble_reading import parse_ensemble

SMALL = """\
id: small
title: A small ensemble
question: Who runs short of antimony?
months: 3
events:
  - {scenario: china-antimony-2024, probability: 0.8}
"""


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return str(path)


def test_json_follows_the_contract(spec, tmp_path, capfdbinary):
    folder = tmp_path / "out"
    arguments = ["ensemble", spec, "--n", "64", "--seed", "2", "--out", str(folder), "--json"]
    assert main(arguments) == 0
    document = json.loads(capfdbinary.readouterr().out)
    assert (document["n"], document["seed"], document["months"]) == (64, 2, 3)
    assert document["scenarios_per_second"] > 0
    assert document["certificate"]["max_residual"] <= 1e-8
    names = {p.name for p in folder.iterdir()}
    assert names == {
        *("report.html", "quantiles.csv", "summary.json", "manifest.json"),
        *("scenarios", "metrics"),
    }
    before = (folder / "summary.json").read_bytes()
    assert main([*arguments[:-1], "--resume"]) == 0
    assert (folder / "summary.json").read_bytes() == before


def test_the_screen_says_what_few_futures_cannot_tell(spec, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["ensemble", spec, "--n", "64"]) == 0
    screen = capsys.readouterr().out
    assert max(len(line.rstrip()) for line in screen.splitlines()) <= 80
    words = " ".join(screen.split())
    assert "Drawn from “small”, probabilities of its events: china-antimony-2024 (80 %)." in words
    assert "above 10 %" in words
    assert "64 futures are few: of all that could be drawn" in words
    assert "one in twenty are the worst 4 futures here" in words
    assert "What decides it: not to be told from fewer than 80 futures." in words
    assert "More tell more: --n 1000." in words


def test_lead_times_of_the_command_line_are_those_of_the_file(spec, tmp_path, capfdbinary):
    def document(path, *options):
        assert main(["ensemble", str(path), "--n", "1", *options, "--json"]) == 0
        found = json.loads(capfdbinary.readouterr().out)
        return {k: v for k, v in found.items() if "second" not in k}

    slow = tmp_path / "slow.yaml"
    slow.write_text(SMALL + "lead_time: true\n", encoding="utf-8")
    assert document(spec, "--lead-time") == document(slow)
    assert document(spec, "--lead-time") != document(spec)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["china-antimony-2042"], "unknown ensemble or scenario"),
        (["china-antimony-2024", "--n", "0"], "at least 1"),
        (["china-antimony-2024", "--n", "8", "--resume"], "--out"),
        (["china-antimony-2024", "--n", "8", "--seed", "-1"], "--seed is -1"),
        (["china-antimony-2024", "--workers", "2", "--scheduler", "tcp://x:1"], "Give one"),
    ],
)
def test_mistakes_give_one_message(arguments, says, capfd):
    assert main(["ensemble", *arguments]) == 2
    error = capfd.readouterr().err
    assert says in error
    assert "Traceback" not in error


def test_the_example_of_the_documentation_is_an_ensemble():
    page = Path(__file__).parents[2] / "docs" / "ensembles.md"
    [example] = re.findall(
        r"^```yaml\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    assert parse_ensemble(example.encode(), source="docs").simulated == ("cobalt",)
