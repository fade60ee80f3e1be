"""The measurement of foresight: the same certificate for both, rows as the contract says."""

import pytest

from lodeline.bench import foresight
from lodeline.bench.foresight import TOLERANCE, bench_foresight


def test_rows_and_the_certificate_of_both():
    document = bench_foresight(chain="nickel", months=(2, 4))
    assert [row["months"] for row in document["rows"]] == [2, 4]
    for row in document["rows"]:
        assert row["ratio"] == pytest.approx(row["peer_s"] / row["ours_s"])
        assert max(row["worst"], row["peer_worst"]) <= TOLERANCE
    assert document["geomean_ratio_to_fastest_peer"] > 0.0


def test_a_peer_that_is_not_good_enough_is_asked_for_more(monkeypatch):
    asked = []
    real = foresight.load_peer

    def remembered(name):
        def make(problem, tolerance):
            asked.append(tolerance)
            return real(name)(problem, 1e-3 if tolerance == TOLERANCE else tolerance)

        return make

    monkeypatch.setattr(foresight, "load_peer", remembered)
    row = bench_foresight(chain="nickel", months=(3,))["rows"][0]
    assert asked == [TOLERANCE, *foresight.TIGHTER]
    assert row["peer_worst"] <= TOLERANCE
