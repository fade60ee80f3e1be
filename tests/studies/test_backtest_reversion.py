"""Dear materials get cheaper: how much is estimated from what was known, on trade of all codes."""

from dataclasses import replace

import numpy as np
import pytest

from lodeline.studies.backtest.reversion import (
    UnitValues,
    expected_return,
    known_unit_values,
    share_returned,
)

YEARS = tuple(range(1990, 2011))


def returning(share, codes=400):
    """Return codes whose two-year mean makes up `share` of its distance in each later year."""
    generator = np.random.default_rng(3)
    r = generator.normal(0.0, 0.4, (codes, len(YEARS)))
    for t in range(6, len(YEARS) - 2, 4):
        now = r[:, t - 1 : t + 1].mean(axis=1)
        before = r[:, t - 6 : t - 1].mean(axis=1)
        r[:, t + 1] = r[:, t + 2] = now + share * (before - now)
    return r


def test_the_share_is_found_again_where_it_is_put_in():
    # One base a code, so that no other base blurs it.
    r = returning(0.4)[:, :9]
    found = share_returned(UnitValues(YEARS[:9], r, np.zeros(9)))
    assert found == pytest.approx(0.4, abs=0.06)


def test_what_runs_away_does_not_return():
    r = np.cumsum(np.full((5, len(YEARS)), 0.1), axis=1)
    assert share_returned(UnitValues(YEARS, r, np.zeros(len(YEARS)))) == 0.0


def test_later_years_change_neither_the_share_nor_the_expectation(monkeypatch):
    known = known_unit_values()
    late = np.array(known.years) > 2013
    relative, cycle = known.relative.copy(), known.cycle.copy()
    relative[:, late], cycle[late] = 9.0, -9.0
    poisoned = replace(known, relative=relative, cycle=cycle)
    assert share_returned(poisoned.until(2013)) == share_returned(known.until(2013))
    assert share_returned(poisoned.until(2015)) != share_returned(known.until(2015))
    values = {year: 100.0 + 20.0 * (year >= 2012) for year in range(2005, 2014)}
    told = expected_return(values, (2012, 2013))
    monkeypatch.setattr("lodeline.studies.backtest.reversion.known_unit_values", lambda: poisoned)
    assert expected_return(values, (2012, 2013)) == told


def test_what_is_dear_is_expected_to_fall_and_what_is_cheap_to_rise():
    cycle = dict(zip(known_unit_values().years, known_unit_values().cycle, strict=True))
    flat = {year: float(100.0 * np.exp(cycle[year])) for year in range(2005, 2014)}
    dear, cheap = (flat | {y: f * flat[y] for y in (2012, 2013)} for f in (2.0, 0.5))
    share = share_returned(known_unit_values().until(2013))
    assert 0.0 < share < 0.3
    assert expected_return(flat, (2012, 2013)) == pytest.approx(0.0, abs=1e-9)
    assert expected_return(dear, (2012, 2013)) == pytest.approx(-share * np.log(2.0))
    assert expected_return(cheap, (2012, 2013)) == pytest.approx(share * np.log(2.0))
    assert expected_return({2012: 1.0, 2013: 1.0}, (2012, 2013)) == 0.0
