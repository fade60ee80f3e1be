"""The benchmark measures what it says, on one small chain."""

import pytest

from lodeline.errors import InputError

pytest.importorskip("piqp")


def test_rows_name_peer_case_and_ratio():
    from lodeline.bench.solver import bench_solver

    document = bench_solver(chains=["nickel"], scenarios=3, repeats=1, peers=["piqp"])
    assert {row["start"] for row in document["rows"]} == {"cold", "warm"}
    for row in document["rows"]:
        assert {"peer", "case", "ours_s", "peer_s", "ratio"} <= row.keys()
        assert row["ratio"] == pytest.approx(row["peer_s"] / row["ours_s"])
        assert row["worst"] <= 1e-8
        assert row["fallbacks"] == 0
    assert document["geomean_ratio_to_fastest_peer"] > 1.0


def test_an_unknown_peer_is_refused():
    from lodeline.bench.solver import bench_solver

    with pytest.raises(InputError, match="unknown peer"):
        bench_solver(chains=["nickel"], peers=["nobody"])
