"""The benchmark of ensembles says what it measured, and multiplies openly."""

import pytest

pytest.importorskip("piqp")


def test_rows_multiply_a_market_by_their_number():
    from lodeline.bench.ensemble import bench_ensemble

    document = bench_ensemble(
        spec="china-antimony-2024", sizes=[64], months=[], workers=[], others=[], peers=["piqp"],
        chain="nickel", sampled=2, rates=[],
    )  # fmt: skip
    [row], [grown] = document["rows"], document["growth"]
    assert row["peer_s"] == pytest.approx(row["peer_per_market_s"] * 64 * 36)
    assert row["ratio"] == pytest.approx(row["peer_s"] / row["ours_s"])
    assert row["sampled"] == 4
    assert document["geomean_ratio_to_fastest_peer"] == row["ratio"] > 1.0
    assert document["speed_of_two_threads"] == grown["seconds"] / document["two_threads"]["seconds"]
    assert max(grown["max_residual"], grown["max_gap"]) <= 1e-8
    assert (grown["scenarios"], grown["months"], grown["workers"]) == (64, 36, 0)


def test_rates_are_by_activity_and_lead_times_cost():
    from lodeline.bench.ensemble_rates import measure_rates

    found = list(measure_rates(specs=["china-antimony-2024"], scenarios=64, singly=2, months=6))
    assert [(r.is_side_by_side, r.lead_months) for r in found] == [
        (True, 0), (False, 0), (False, 1), (False, 2)
    ]  # fmt: skip
    for r in found:
        done = r.activities * r.scenarios * r.months
        assert r.activity_months_per_cpu_s == pytest.approx(done / r.cpu_s)
        assert max(r.max_residual, r.max_gap) <= 1e-8
    assert found[1].cpu_s < found[3].cpu_s
