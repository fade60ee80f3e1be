"""The line of a programme: worked by hand, and what must always hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lodeline.studies.programme.build import (
    DAYS_A_MONTH,
    Form,
    build,
    least,
    release_needed,
    slip_of,
)

COUNTRY = 1e6
"""Use of the country, kg/month: so much that the programme is next to nothing in it."""


def form(served, kg=10.0, buffer_days=0.0, use=COUNTRY):
    served = np.asarray(served, dtype=float)
    buffer = buffer_days / DAYS_A_MONTH * kg
    return Form(kg, buffer, np.full(served.size, use), use * served)


def stop(months, first=0, last=None):
    """Return shares of supply: nothing from `first` to `last`, all else."""
    served = np.ones(months)
    served[first:last] = 0.0
    return served


def test_two_forms_worked_by_hand():
    # One unit a month of 10 kg A and 2 kg B. A stops in months 1 to 3 with 15 kg in stock, B is
    # cut to a half in month 2 without stock. Half as much again can be built when behind.
    a = Form(10.0, 15.0, np.full(6, 1e9), 1e9 * stop(6, 1, 4))
    b = Form(2.0, 0.0, np.full(6, 1e9), 1e9 * np.array([1, 1, 0.5, 1, 1, 1]))
    done = build(np.ones(6), [a, b], catch_up=0.5)
    # Month 1: 10 of the 15 kg. Month 2: 5 kg of A make half a unit; B orders 2 and gets 1: half a
    # unit as well. Month 3: A is empty. Month 4: 15 kg are ordered and built at 1.5 units. Month 5:
    # 15 kg again for what is due and the last half, and half of the buffer waits.
    assert done.built == pytest.approx([1, 1, 0.5, 0, 1.5, 1.5], abs=1e-6)
    assert done.backlog == pytest.approx([0, 0, 0.5, 1.5, 1.0, 0.5], abs=1e-6)
    assert done.stock_kg[:, 0] == pytest.approx([15, 5, 0, 0, 0, 0], abs=1e-5)
    assert done.binding[3] == 0
    slip = slip_of(done)
    assert (slip.month, slip.peak_month, slip.recovered) == (2, 3, None)
    assert slip.peak == pytest.approx(1.5, abs=1e-6)
    assert slip.at_end == pytest.approx(0.5, abs=1e-6)
    assert slip.days == pytest.approx(2.5 * DAYS_A_MONTH, abs=1e-3)


def test_nothing_restricted_builds_what_is_scheduled():
    units = np.array([0.0, 0.5, 1.0, 3.0, 0.0, 2.0])
    done = build(units, [form(np.ones(6)), form(np.ones(6), buffer_days=30)])
    assert done.built.tolist() == units.tolist()
    assert slip_of(done).month is None
    assert slip_of(done).peak == 0.0


@pytest.mark.parametrize("days", [0, 10, 30, 45, 100, 200])
def test_a_buffer_of_n_days_postpones_the_slip_by_n_days(days):
    def slips_after(buffer):
        return slip_of(build(np.ones(24), [form(stop(24, 3), buffer_days=buffer)])).days

    assert slips_after(days) - slips_after(0) == pytest.approx(days, abs=0.01 * DAYS_A_MONTH)
    assert slips_after(0) == pytest.approx(3 * DAYS_A_MONTH)


def test_under_half_of_the_supply_a_buffer_lasts_twice_as_long():
    half = form(np.full(24, 0.5), buffer_days=60)
    assert slip_of(build(np.ones(24), [half])).days == pytest.approx(120, abs=0.5)


def test_ordering_more_than_is_needed_brings_nothing_in_a_shortage():
    half = [form(np.full(24, 0.5))]
    peaks = [slip_of(build(np.ones(24), half, catch_up=c)).peak for c in (0.0, 0.25, 2.0)]
    assert peaks == pytest.approx([12.0, 12.0, 12.0])


def test_it_catches_up_when_supply_returns_and_not_without_the_means():
    line = [form(stop(24, 2, 6))]
    slip = slip_of(build(np.ones(24), line, catch_up=0.5))
    assert slip.peak == pytest.approx(4.0)
    # Four units at half a unit a month: eight months after month 5.
    assert slip.recovered == 13
    assert slip.delay == pytest.approx(4.0, abs=1e-3)
    never = slip_of(build(np.ones(24), line, catch_up=0.0))
    assert never.recovered is None
    assert never.at_end == pytest.approx(4.0)


def test_priority_serves_the_programme_first_as_long_as_there_is_enough_for_it():
    short = [form(np.full(12, 0.5))]
    assert slip_of(build(np.ones(12), short)).month == 0
    assert slip_of(build(np.ones(12), short, priority=1.0)).month is None
    none = [form(np.zeros(12))]
    assert slip_of(build(np.ones(12), none, priority=1.0)).month == 0


served_shares = st.lists(st.sampled_from([0.0, 0.2, 0.5, 0.8, 0.95, 1.0]), min_size=18, max_size=18)
uses = st.sampled_from([10.0, 15.0, 40.0, 1e6])


@settings(max_examples=60, deadline=None)
@given(served_shares, uses, st.floats(0, 1), st.floats(0, 1), st.floats(0, 200))
def test_more_priority_never_slips_earlier_nor_leaves_more_behind(served, use, p, more, days):
    line = [form(served, use=use, buffer_days=days)]
    low, high = sorted((p, more))
    before = build(np.ones(18), line, priority=low)
    after = build(np.ones(18), line, priority=high)
    assert slip_no_earlier(after, before)


@settings(max_examples=60, deadline=None)
@given(served_shares, uses, st.floats(0, 200), st.floats(0, 200), st.floats(0, 1))
def test_a_larger_buffer_never_slips_earlier(served, use, days, more, p):
    low, high = sorted((days, more))
    before = build(np.ones(18), [form(served, use=use, buffer_days=low)], priority=p)
    after = build(np.ones(18), [form(served, use=use, buffer_days=high)], priority=p)
    assert slip_no_earlier(after, before)


def slip_no_earlier(after, before):
    a, b = slip_of(after).month, slip_of(before).month
    return a is None or (b is not None and a >= b)


@settings(max_examples=40, deadline=None)
@given(served_shares, served_shares, st.floats(0, 100))
def test_material_is_conserved_and_never_owed(first, second, days):
    line = [form(first, buffer_days=days), form(second, kg=3.0)]
    done = build(np.ones(18), line)
    for k, one in enumerate(line):
        used = one.kg_per_unit * done.built.sum()
        left = one.buffer_kg + done.got_kg[:, k].sum() - used
        assert done.stock_kg[-1, k] == pytest.approx(left, abs=1e-3)
    assert (done.stock_kg >= 0.0).all()
    assert (done.got_kg <= done.wanted_kg + 1e-9).all()
    assert np.cumsum(done.units - done.built)[-1] == pytest.approx(done.backlog[-1], abs=1e-4)


@settings(max_examples=25, deadline=None)
@given(served_shares, uses)
def test_the_least_buffer_prevents_the_slip_and_a_smaller_one_does_not(served, use):
    def slips(days):
        return (
            slip_of(build(np.ones(18), [form(served, use=use, buffer_days=days)])).month is not None
        )

    needed = least(slips, 2000.0)
    assert needed is not None
    assert not slips(needed)
    if needed > 0.0:
        assert slips(needed - 0.5)


def test_a_release_of_what_is_said_to_be_needed_is_what_is_missing():
    # 10 kg a month, nothing for four months, 15 kg in stock: 25 kg are missing.
    line = form(stop(12, 3, 7))
    line = Form(line.kg_per_unit, 15.0, line.wanted_kg, line.there_kg)
    assert release_needed(np.ones(12), line) == pytest.approx(25.0)
    assert release_needed(np.ones(12), form(np.ones(12))) == 0.0
