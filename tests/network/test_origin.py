"""Origin tracing on a toy, by hand, and on real chains."""

from dataclasses import replace

import numpy as np
import pytest

from lodeline.network.origin import trace_origin


def toy(balanced_base, lanes, produced):
    """A one-form base year of three countries: 0 the restrictor, 1 a hub, 2 a user."""
    base = balanced_base("nickel")
    form, origin, destination, level = (np.array(x) for x in zip(*lanes, strict=True))
    return replace(
        base,
        countries=("AAA", "BBB", "CCC"),
        lane_form=form.astype(np.int16),
        lane_origin=origin.astype(np.int16),
        lane_destination=destination.astype(np.int16),
        lane_level=level.astype(float),
        produced=np.array([produced], dtype=float),
        processed=np.zeros((0, 3)),
    )


def test_a_hub_passes_on_the_mix_of_what_it_gets(balanced_base):
    # B gets 30 from A and makes 10: three quarters of what it sends to C are A's.
    base = toy(balanced_base, [(0, 0, 1, 30), (0, 1, 2, 20), (0, 0, 2, 5)], [50, 10, 0])
    share = trace_origin(base, {"AAA"}, {"ore"}).share[0]
    assert share == pytest.approx([1.0, 0.75, (5 + 0.75 * 20) / 25])


def test_hubs_that_trade_with_each_other_are_solved_together(balanced_base):
    # B: 10 from A, 10 from C. C: 10 from B, 10 own. b = (10 + 10 c)/20, c = 10 b/20.
    base = toy(balanced_base, [(0, 0, 1, 10), (0, 2, 1, 10), (0, 1, 2, 10)], [10, 0, 10])
    share = trace_origin(base, {"AAA"}, {"ore"}).share[0]
    assert share[1:] == pytest.approx([2 / 3, 1 / 3])


@pytest.mark.parametrize("chain", ["rare-earths", "tungsten", "lithium"])
def test_shares_of_all_origins_add_up_to_one(chain, balanced_base):
    base = balanced_base(chain, 2022)
    forms = {base.forms[0]}
    total = sum(
        trace_origin(base, {c}, forms).share[0]
        for c in base.countries
        if base.produced[0, base.countries.index(c)] > 0
    )
    supplied = base.produced[0].copy()
    np.add.at(
        supplied, base.lane_destination[base.lane_form == 0], base.lane_level[base.lane_form == 0]
    )
    # "Origin" is the last exporter among the named set, so producers' own sets overlap
    # through re-exports: each set alone gives at most one.
    assert (total[supplied > 0] >= 1.0 - 1e-9).all()


def test_no_producer_and_no_restrictor_means_no_share(balanced_base):
    base = toy(balanced_base, [(0, 1, 2, 5)], [10, 5, 0])
    share = trace_origin(base, {"AAA"}, {"ore"}).share[0]
    assert share == pytest.approx([1.0, 0.0, 0.0])


def test_a_layer_that_is_rounding_is_none(balanced_base):
    # C has all from A through B. A trace of free material would be a market of its own: with one
    # the lithium of china-battery-materials-2027 was not cleared in its twentieth month.
    base = toy(balanced_base, [(0, 0, 1, 3), (0, 1, 2, 3)], [50, 0, 0])
    assert trace_origin(base, {"AAA"}, {"ore"}).share[0].tolist() == [1.0, 1.0, 1.0]
