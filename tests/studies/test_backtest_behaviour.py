"""The defaults of chains are what the episodes teach in the stress test's own market."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from lodeline.network.estimates import estimates_text
from lodeline.network.form_type import FormType
from lodeline.scenarios.episode_reading import load_episode
from lodeline.studies.backtest.behaviour import (
    PRIORS,
    behaviour_sets,
    estimate_behaviour,
    estimates_table,
    event_counts,
    kept_scores,
    run_sets,
    score_rows,
    values_of,
)
from lodeline.studies.backtest.case import given_exports, prepare
from lodeline.studies.backtest.stressed import StressMarket, can_be_stressed
from lodeline.studies.backtest.study import library


@pytest.fixture(scope="module")
def market():
    return StressMarket(prepare(load_episode("indonesia-nickel-ore-2020")))


def test_the_table_of_the_package_is_what_its_scores_give():
    assert estimates_table(kept_scores()) == estimates_text(), "run tools/renew_estimates.py"


def test_scores_are_kept_of_every_episode_that_can_be_told_and_of_every_set():
    rows = kept_scores()
    assert set(rows["episode"]) == {e.id for e in library() if can_be_stressed(e)}
    counts = rows.group_by("episode").len()["len"]
    assert counts.n_unique() == 1
    assert rows.filter(~pl.col("error").is_finite()).height == 0


def test_the_scores_kept_are_those_of_the_market():
    """A short episode, a few sets: what is stored is not stale."""
    case = prepare(load_episode("china-antimony-2024"))
    few = score_rows(run_sets(StressMarket(case), behaviour_sets()[:3]))
    kept = kept_scores().filter((pl.col("episode") == case.episode.id) & (pl.col("set") < 3))
    for column in ("error", "price_error"):
        np.testing.assert_allclose(few[column], kept.sort("set")[column], rtol=1e-5)


ALONE = {"e0": 1.0, "e1": 1.0, "e2": 1.0}


def test_indonesia_s_three_bans_of_january_2014_count_as_one():
    three = ["indonesia-nickel-ore-2014", "indonesia-bauxite-2014", "indonesia-copper-2014"]
    counts = event_counts([*three, "yemen-lng-2015"])
    assert sum(counts[e] for e in three) == pytest.approx(1.0)
    assert counts["yemen-lng-2015"] == 1.0
    rows = kept_scores().filter(pl.col("episode").is_in(three))
    one = rows.filter(pl.col("episode") == three[0])
    same = pl.concat(one.with_columns(episode=pl.lit(e)) for e in three)
    alone = estimate_behaviour(behaviour_sets(), one, counts={three[0]: 1.0})
    assert estimate_behaviour(behaviour_sets(), same, counts=counts) == alone


def scores(of_set):
    """Return rows of three ores whose errors are a function of the set's number."""
    sets = np.arange(behaviour_sets().shape[0])
    return pl.concat(
        pl.DataFrame({"episode": f"e{k}", "kind": "ore", "set": sets, "error": of_set(sets),
                      "price_error": np.zeros(sets.size)})
        for k in range(3)
    )  # fmt: skip


def test_where_all_sets_do_alike_the_prior_stays():
    found = estimate_behaviour(
        behaviour_sets(), scores(lambda s: np.full(s.size, 0.3)), counts=ALONE
    )
    assert not any(e.is_narrowed for e in found)
    for e in found:
        assert (e.value, e.low, e.high) == (e.prior.value, e.prior.low, e.prior.high)


def test_where_one_number_decides_that_one_is_narrowed():
    z = behaviour_sets()[:, 0]
    found = estimate_behaviour(
        behaviour_sets(), scores(lambda s: np.exp(4.0 * (z[s] - 1.0) ** 2)), counts=ALONE
    )
    narrowed = {e.name for e in found if e.is_narrowed and e.kind is FormType.ORE}
    assert "demand_elasticity" in narrowed
    (demand,) = (e for e in found if e.kind is FormType.ORE and e.name == "demand_elasticity")
    prior = PRIORS["demand_elasticity"][FormType.ORE]
    assert demand.value == pytest.approx(prior.at(np.array(1.0)), rel=0.15)
    assert demand.high / demand.low < 0.5 * prior.high / prior.low


def test_sets_fill_the_prior():
    values = values_of(behaviour_sets(1024), FormType.METAL)
    for name, by in PRIORS.items():
        prior = by[FormType.METAL]
        low, middle, high = np.quantile(values[name], [0.1, 0.5, 0.9])
        assert middle == pytest.approx(prior.value, rel=0.02)
        # A middle of round numbers lies only nearly at the geometric mean of the ends.
        assert low == pytest.approx(prior.low, rel=0.2)
        assert high == pytest.approx(prior.high, rel=0.2)


def test_the_restricting_countries_export_what_is_given(market):
    held = market.case.history.is_restricting
    for told, given in zip(market.forecast(), given_exports(market.case), strict=True):
        assert told.exports[0][held].sum() == pytest.approx(given.sum(), rel=0.02)


def test_use_that_answers_more_means_a_smaller_rise_of_the_price(market):
    rises = [market.forecast({"demand_elasticity": e})[0].log_price[0] for e in (0.2, 0.5, 1.5)]
    assert rises[0] > rises[1] > rises[2] > market.case.history.price_return


def test_of_the_outcome_the_market_sees_the_totals_alone(market):
    case = market.case
    held = case.history.is_restricting[:, None]
    other = tuple(
        replace(o, flows=np.where(held, o.flows, 3.0 * o.flows.T), log_unit_value=9.0)
        for o in case.outcomes
    )
    changed = StressMarket(replace(case, outcomes=other))
    for one, two in zip(market.forecast(), changed.forecast(), strict=True):
        assert one.exports.tobytes() == two.exports.tobytes()
        assert one.log_price.tobytes() == two.log_price.tobytes()
