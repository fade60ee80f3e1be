"""The measurement of foresight: the same certificate for both, rows as the contract says."""

import os

import pytest

from lodeline.bench import foresight
from lodeline.bench.foresight import TOLERANCE, bench_foresight, measured_peer
from lodeline.bench.limited import allow, apart
from lodeline.errors import LodelineError


def test_rows_and_the_certificate_of_both():
    document = bench_foresight(chain="nickel", months=(2, 4), leads=(0, 1))
    assert [row["months"] for row in document["rows"]] == [2, 4]
    for row in document["rows"]:
        assert row["ratio"] == pytest.approx(row["peer_s"] / row["ours_s"])
        assert max(row["worst"], row["peer_worst"]) <= TOLERANCE
        assert not row["is_at_least"]
    assert document["geomean_ratio_to_fastest_peer"] > 0.0
    none, one = document["lead_times"]
    assert (none["months"], none["lead_months"], one["lead_months"]) == (4, 0, 1)
    assert one["rows"] > none["rows"]
    assert max(none["worst"], one["worst"]) <= TOLERANCE
    assert one["ratio"] is None


def test_a_peer_that_takes_too_long_is_ended_and_said_to_take_at_least_that(monkeypatch):
    monkeypatch.setattr(foresight, "apart", lambda *_: None)
    document = bench_foresight(chain="nickel", months=(2, 3), leads=(), limit=1.5)
    first, second = document["rows"]
    assert first["is_at_least"]
    assert (first["peer_s"], first["peer_worst"]) == (1.5, None)
    assert first["ratio"] == pytest.approx(1.5 / first["ours_s"])
    assert (second["peer_s"], second["ratio"], second["is_at_least"]) == (None, None, False)
    assert document["geomean_ratio_to_fastest_peer"] is None
    assert document["ratio_to_peer_longest"] == first["ratio"]


def endless(limit):
    allow(limit)
    while True:
        pass


def test_a_process_ends_after_its_cpu_seconds():
    assert apart(endless, 1.0) is None
    assert apart(sorted, [3, 1, 2]) == [1, 2, 3]


def test_a_process_that_ends_otherwise_is_an_error():
    with pytest.raises(LodelineError, match="code 3"):
        apart(os._exit, 3)


def test_a_peer_that_is_not_good_enough_is_asked_for_more(monkeypatch):
    asked = []
    real = foresight.load_peer

    def remembered(name):
        def make(problem, tolerance):
            asked.append(tolerance)
            return real(name)(problem, 1e-3 if tolerance == TOLERANCE else tolerance)

        return make

    monkeypatch.setattr(foresight, "load_peer", remembered)
    problem = foresight._problem("nickel", 2023, 3, 0)[0]
    _, worst = measured_peer("piqp", problem, problem)
    assert asked == [TOLERANCE, TOLERANCE, *foresight.TIGHTER]
    assert worst <= TOLERANCE
