"""The annual market of the backtest, on a history small enough to follow."""

import numpy as np
import pytest

from lodeline.studies.backtest.history import REST, History, Outcome
from lodeline.studies.backtest.market import AnnualMarket, deliveries
from lodeline.studies.backtest.parameters import PARAMETERS, Parameters, candidates
from lodeline.studies.backtest.rivals import Rival, rival_forecast, standing_still
from lodeline.studies.backtest.score import exposed_errors

PARTNERS = ("AAA", "BBB", "CCC", "DDD", REST)
HELD = np.array([True, False, False, False, False])


def history(targets=None, growth=1.0):
    """AAA sells 60 to CCC and 30 to DDD, BBB 20 and 40; the rest is dust."""
    base = np.zeros((5, 5))
    base[0, 2], base[0, 3], base[1, 2], base[1, 3], base[4, 3] = 60.0, 30.0, 20.0, 40.0, 1.0
    target = ~HELD if targets is None else np.isin(PARTNERS, targets)
    flows = np.stack([base * growth ** (i - 4) for i in range(5)])
    return History(PARTNERS, HELD, target, tuple(range(2001, 2006)), flows, base, (2005,))


def one(**changed):
    """Return one set: the middle of every range, but for what is given."""
    middle = {p.name: np.sqrt(p.low * p.high) if p.is_relative else 0.0 for p in PARAMETERS}
    return Parameters(**{k: np.array([v]) for k, v in (middle | changed).items()})


def exports(amount):
    return np.where(HELD, amount, 0.0)


def forecast(amount, past=None, parameters=None, elapsed=1.0):
    market = AnnualMarket(past or history())
    return market.forecast(parameters or one(), exports(amount), year=2006, elapsed=elapsed)


def test_nothing_restricted_is_the_base():
    told = forecast(90.0)
    base = history().base
    assert told.exports[0] == pytest.approx(base.sum(axis=1), abs=1e-4)
    assert told.imports[0] == pytest.approx(base.sum(axis=0), abs=1e-4)
    assert told.log_price[0] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("amount", [120.0, 60.0, 10.0, 0.0])
def test_the_restricting_country_exports_what_is_given_and_nothing_is_lost(amount):
    told = forecast(amount)
    assert told.exports[0, 0] == pytest.approx(amount, abs=1e-3)
    assert told.exports.sum() == pytest.approx(told.imports.sum(), rel=1e-6)
    assert told.restricted.sum() == pytest.approx(amount, abs=1e-3)


def test_a_larger_loss_means_a_higher_price_and_more_from_others():
    told = [forecast(amount) for amount in (90.0, 60.0, 30.0, 0.0)]
    prices = [f.log_price[0] for f in told]
    others = [f.exports[0, 1] for f in told]
    assert prices == sorted(prices)
    assert prices[0] < prices[-1]
    assert min(np.diff(others)) > -1e-6
    assert others[1] > others[0] + 1.0


def test_others_add_no_more_than_their_surge_allows():
    for elapsed in (1.0, 2.0):
        told = forecast(0.0, parameters=one(surge=0.1, supply_elasticity=2.0), elapsed=elapsed)
        assert told.exports[0, 1] == pytest.approx(60.0 * (1.0 + 0.1 * elapsed), rel=1e-6)


def test_use_that_answers_more_as_years_go_by_lets_the_price_fall_while_the_loss_lasts():
    fixed = one(demand_delay=1.0, surge=1e-9)
    first, third = (forecast(30.0, parameters=fixed, elapsed=e) for e in (1.0, 3.0))
    assert 0.0 < third.log_price[0] < 0.8 * first.log_price[0]


def test_the_world_goes_on_growing_by_the_share_that_is_believed():
    past = history(growth=1.1)
    still, grows = (
        forecast(90.0, past=past, parameters=one(trend=t)).imports.sum() for t in (0.0, 0.5)
    )
    assert still == pytest.approx(past.reference.sum(), rel=1e-4)
    assert grows > 1.01 * still


def test_the_reference_follows_the_last_year_and_keeps_what_is_at_stake():
    past = history(growth=1.1)
    assert past.year_weights.sum() == pytest.approx(1.0)
    # 1 : 1/5 : 1/25 : 1/125 : 1/625, the last year first; its flows fall by a tenth a year back.
    weight = 0.2 ** np.arange(5) / (0.2 ** np.arange(5)).sum()
    assert past.reference[1, 2] == pytest.approx(20.0 * weight @ 1.1 ** -np.arange(5.0))
    assert past.reference[0] == pytest.approx(past.base[0])
    assert 2004.7 < past.centre < 2005.0


def test_standing_still_replaces_nothing():
    past = history(growth=1.1)
    told = standing_still(past, exports(45.0))
    assert told.exports[0, 1] == pytest.approx(past.reference[1].sum())
    assert told.restricted[0] == pytest.approx([0, 0, 30, 15, 0])


def test_spared_buyers_keep_theirs_and_targets_bear_the_cut():
    past = history(targets=["CCC"])
    assert deliveries(past, exports(50.0))[0] == pytest.approx([0, 0, 20, 30, 0])
    told = forecast(50.0, past=past)
    assert told.restricted[0, 2] <= 20.0 + 1e-3
    assert told.restricted[0, 3] >= 30.0 - 1e-3


def test_sets_are_foretold_alike_alone_and_together():
    parameters = candidates(8)
    together = forecast(20.0, parameters=parameters)
    alone = forecast(20.0, parameters=parameters.take(np.array([3])))
    assert alone.exports[0] == pytest.approx(together.exports[3], rel=1e-6)


def test_rivals_by_hand():
    past = history()
    nothing = rival_forecast(Rival.NO_SUBSTITUTION, past, exports(45.0), year=2006)
    assert nothing.imports[0] == pytest.approx([0, 0, 50, 56, 0])
    assert nothing.exports[0] == pytest.approx([45, 60, 0, 0, 1])
    everything = rival_forecast(Rival.FULL_SUBSTITUTION, past, exports(45.0), year=2006)
    assert everything.imports[0] == pytest.approx(past.base.sum(axis=0))
    assert everything.exports.sum() == pytest.approx(past.world)
    trend = rival_forecast(Rival.TREND, past, exports(45.0), year=2006)
    assert trend.exports[0] == pytest.approx([45, 60, 0, 0, 1])


def test_errors_by_hand():
    past = history()
    outcome = Outcome(2006, np.zeros((5, 5)), 0.0, 0.0)
    outcome.flows[0, 2], outcome.flows[1, 2], outcome.flows[1, 3] = 30.0, 50.0, 40.0
    told = rival_forecast(Rival.NO_SUBSTITUTION, past, exports(30.0), year=2006)
    found = exposed_errors(told, outcome, past, with_restricting=False)[0]
    # Exposure: CCC 60/80, DDD 30/71. Told: CCC 20 + 20, DDD 41 + 10. Happened: CCC 80, DDD 40.
    ccc, ddd = 60 / 80, 30 / 71
    assert found[0] == pytest.approx((30 * ccc + 1 * ddd) / 90)
    assert found[1] == pytest.approx((30 * ccc + 1 * ddd) / 90)
    assert found[2] == pytest.approx((40 * ccc + 11 * ddd) / 90)
