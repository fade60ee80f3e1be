"""The measurement of plans: peers find what is proven, and whoever takes too long is ended."""

import json

import pytest

from lodeline.bench.plan import bench_plan
from lodeline.cli.main import main
from lodeline.errors import InputError


def test_piqp_and_highs_find_what_is_proven():
    found = bench_plan(futures=[2], countries=7, measures=2, peers=("piqp", "highs"), limit=120.0)
    piqp, highs = found["rows"]
    assert piqp["ours_bound"] * (1 - 1e-6) <= piqp["peer_value"]
    assert piqp["peer_value"] <= piqp["ours_value"] * (1 + 1e-6)
    # Tangents from below: at most the true value, and the gap that was asked for.
    assert highs["peer_value"] <= highs["ours_value"] * (1 + 1e-3)
    for row in found["rows"]:
        assert row["ratio"] == pytest.approx(row["peer_s"] / row["ours_s"])
        assert min(row["ours_mb"], row["peer_mb"]) > 50.0
    assert found["largest_case_of_peers"] == 2
    assert found["geomean_ratio_to_fastest_peer"] == min(r["ratio"] for r in found["rows"])


def test_a_run_over_its_limit_is_ended_and_its_peer_not_tried_with_more(capsys):
    arguments = ["bench", "plan", "--futures", "2,3", "--peers", "piqp", "--limit", "1", "--json"]
    assert main(arguments) == 0
    first, second = json.loads(capsys.readouterr().out)["rows"]
    assert (first["peer_s"], first["ratio"]) == (None, None)
    assert first["note"] == "over 1 CPU s"
    assert first["ratio_at_least"] == pytest.approx(1.0 / first["ours_s"])
    assert second["note"].startswith("not tried: over ")
    assert second["ratio_at_least"] is None


def test_without_an_interpreter_mpi_sppy_s_row_says_so():
    found = bench_plan(futures=[1], countries=7, measures=1, peers=["mpi-sppy-ph"], limit=60.0)
    (row,) = found["rows"]
    assert "no interpreter with mpi-sppy" in row["note"]
    assert row["ours_s"] > 0.0


def test_an_unknown_peer_is_refused():
    with pytest.raises(InputError, match="unknown peer 'cplex'"):
        bench_plan(peers=["cplex"])
