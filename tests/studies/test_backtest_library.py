"""The score of the released defaults, and that it cannot be bought."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lodeline import data
from lodeline.errors import InputError
from lodeline.report.backtest import backtest_markdown, render_backtest
from lodeline.results.backtest import backtest_document
from lodeline.scenarios.episode import Given
from lodeline.scenarios.episode_reading import load_episode
from lodeline.studies.backtest.case import (
    announced_exports,
    given_exports,
    is_same_event,
    mean_errors,
    prepare,
    run_case,
    score_case,
)
from lodeline.studies.backtest.fit import expected_compliance, others, weights_for
from lodeline.studies.backtest.history import MEMORY, episode_trade, history_of
from lodeline.studies.backtest.parameters import candidates
from lodeline.studies.backtest.rivals import Rival, standing_still
from lodeline.studies.backtest.study import library, run_backtest

PAGE = Path(__file__).parents[2] / "docs" / "backtest.md"
SMALL = 32


@pytest.fixture(scope="module")
def result():
    """The backtest of the whole library, as released."""
    return run_backtest()


@pytest.fixture(scope="module")
def cases():
    return [prepare(e) for e in library()]


@pytest.fixture(scope="module")
def runs(cases):
    parameters = candidates(SMALL)
    return [
        run_case(c, parameters, Given.TOTAL_EXPORTS)
        for c in cases
        if Given.TOTAL_EXPORTS in c.episode.given
    ]


def ratio(runs):
    """Return the geometric mean of error over that of the best rival, each event left out."""
    best = min(np.mean([np.log(s.rivals[r]) for s in runs]) for r in Rival)
    errors = [mean_errors(s, weights_for(s.case.kind, others(s.case, runs)))[0] for s in runs]
    return float(np.exp(np.mean(np.log(errors)) - best))


def shuffled(runs, seed):
    """Return the runs with the changes of other exporters taken from another episode.

    The changes are moved by rank: the largest other exporter of one gets that of the largest of
    the other. What the restricting countries exported, which track A is given, stays.
    """
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(runs))
    return [_with_changes(s, runs[k]) for s, k in zip(runs, order, strict=True)]


def _with_changes(scored, donor):
    case = scored.case
    change = _changes(donor.case)
    outcomes = []
    for outcome in case.outcomes:
        free = np.flatnonzero(~case.history.is_restricting)
        rank = free[np.argsort(-case.history.base.sum(axis=1)[free])]
        factor = np.ones(len(case.history.partners))
        known = min(rank.size, change.size)
        factor[rank[:known]] = change[:known]
        held = case.history.is_restricting[:, None]
        flows = np.where(held, outcome.flows, case.history.base * factor[:, None])
        outcomes.append(replace(outcome, flows=flows))
    return score_case(replace(case, outcomes=tuple(outcomes)), scored.given, scored.forecasts)


def _changes(case):
    """Return by how much other exporters changed, largest exporter first."""
    free = ~case.history.is_restricting
    base = case.history.base.sum(axis=1)[free]
    after = case.outcomes[-1].flows.sum(axis=1)[free]
    order = np.argsort(-base)
    added = 0.01 * case.history.world
    return ((after + added) / (base + added))[order]


def test_the_page_has_the_score_of_the_released_defaults(result):
    told = PAGE.read_text(encoding="utf-8")
    for table in backtest_markdown(result).split("\n\n"):
        for line in table.strip().splitlines():
            assert line in told, "run tools/renew_backtest_page.py"


def test_the_document_keeps_the_contract(result):
    document = backtest_document(result)
    keys = {"id", "error", "error_no_substitution", "error_full_substitution", "error_trend",
            "skill"}  # fmt: skip
    assert len(document["episodes"]) >= 16
    assert all(keys <= set(e) for e in document["episodes"])
    assert document["overall"]["episodes"] == len(document["episodes"])
    announced = document["tracks"]["announcement"]["episodes"]
    assert sum(e["is_placebo"] for e in announced) >= 3


def test_the_rival_to_beat_is_the_best_over_all_episodes(result):
    for score in result.tracks.values():
        errors = {r: getattr(score, f"error_{r}") for r in Rival}
        assert score.rival == min(errors, key=errors.get)
        rows = result.on(score.track)
        logs = [np.log(e.error / getattr(e, f"error_{score.rival}")) for e in rows]
        assert score.ratio == pytest.approx(np.exp(np.mean(logs)))
        assert score.ratio_low < score.ratio < score.ratio_high


def test_given_the_totals_the_forecast_beats_every_rival_on_average(result):
    for score in result.tracks.values():
        assert score.ratio < 0.95
        assert score.ratio_high < 1.0
        # The market adds to what following the last years gains by itself.
        assert score.ratio < score.ratio_still < 1.0


def test_the_stress_test_is_scored_with_its_released_defaults(result):
    score = result.stress_market
    assert score.episodes >= 15
    # Volumes no better than if nothing were replaced; prices no worse than if none moved.
    assert 0.85 < score.ratio < 1.05
    assert score.price_error < 1.1 * score.price_error_no_change
    assert abs(score.price_bias) < 0.15
    rows = result.stress_episodes
    assert len(rows) == score.episodes
    logs = [np.log(r.error / r.error_rival) for r in rows]
    assert score.ratio == pytest.approx(np.exp(np.mean(logs)))


def test_intervals_hold_about_as_much_as_they_say(result):
    for score in result.tracks.values():
        assert 0.72 <= score.coverage <= 0.88


def test_the_report_holds_every_episode_and_asks_nothing_of_the_network(result):
    page = render_backtest(result)
    assert all(e.id in page for e in result.episodes)
    assert not re.search(r"https?://(?!www\.w3\.org)", page.replace("http://www.w3.org", ""))


def test_skill_vanishes_when_outcomes_are_shuffled_between_episodes(runs):
    true = ratio(runs)
    false = [ratio(shuffled(runs, seed)) for seed in range(5)]
    assert true < min(false)
    assert np.mean(false) > 0.99


def test_a_forecast_cannot_see_beyond_the_base_years():
    episode = load_episode("indonesia-bauxite-2014")
    trade = episode_trade(episode)
    late = pl.col("year") > max(episode.base_years)
    poisoned = trade.with_columns(
        tonnes=pl.when(late).then(pl.col("tonnes") * 1000.0 + 7.0).otherwise("tonnes"),
        value_usd=pl.when(late).then(0.5).otherwise("value_usd"),
        exporter=pl.when(late).then(pl.lit("XXX")).otherwise("exporter"),
    )
    before = trade.filter(~late)
    seen = [history_of(episode, t) for t in (trade, poisoned, before)]
    for history in seen[1:]:
        assert history.partners == seen[0].partners
        assert history.flows.tobytes() == seen[0].flows.tobytes()
        assert history.base.tobytes() == seen[0].base.tobytes()
        assert history.price_return == seen[0].price_return


def test_other_outcomes_with_the_same_total_leave_the_forecast_alone(cases):
    case = next(c for c in cases if c.episode.id == "indonesia-bauxite-2014")
    held = case.history.is_restricting[:, None]
    other = tuple(
        replace(o, flows=np.where(held, o.flows, 3.0 * o.flows.T), log_unit_value=9.0)
        for o in case.outcomes
    )
    changed = replace(case, outcomes=other)
    parameters = candidates(8)
    for given in Given:
        one, two = (run_case(c, parameters, given, 0.6) for c in (case, changed))
        for a, b in zip(one.forecasts, two.forecasts, strict=True):
            assert a.exports.tobytes() == b.exports.tobytes()
            assert a.imports.tobytes() == b.imports.tobytes()
            assert a.log_price.tobytes() == b.log_price.tobytes()


def test_announcements_are_told_without_any_outcome(cases):
    case = cases[0]
    blind = replace(case, outcomes=())
    assert [x.tobytes() for x in announced_exports(case, 0.5)] == [
        x.tobytes() for x in announced_exports(blind, 0.5)
    ]


def test_an_episode_learns_nothing_from_its_own_event(cases, runs):
    compounds = next(c for c in cases if c.episode.id == "china-rare-earth-compounds-2010")
    teachers = {s.case.episode.id for s in others(compounds, runs)}
    assert "china-rare-earth-cerium-2010" not in teachers
    assert "indonesia-bauxite-2014" in teachers
    assert all(not is_same_event(compounds, s.case) for s in others(compounds, runs))


def test_most_announcements_are_believed_and_placebos_temper_it(cases):
    def expected(training):
        return [
            expected_compliance(
                c.episode.instrument, [k for k in training if not is_same_event(c, k)]
            )
            for c in cases
        ]

    values = expected(cases)
    assert min(values) > 0.3
    assert max(values) <= 1.2
    assert np.mean(values) < np.mean(expected([c for c in cases if not c.episode.placebo]))


def test_an_episode_that_the_library_has_never_seen(tmp_path):
    text = (
        "id: chile-lithium-2019\ntitle: A made-up ban, for practice\nsource: Made up\n"
        "form: carbonate\nchain: lithium\nrestricting: [CHL]\ninstrument: ban\nstart: 2019-04\n"
        "base_years: [2017, 2018]\npredict_years: [2019, 2020]\n"
        "given: [total-exports, announcement]\nplacebo: true\n"
    )
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    few = [e for e in library() if e.id.startswith(("indonesia", "india"))]
    found = run_backtest([load_episode(path)], training=few, sets=SMALL)
    assert [e.track for e in found.episodes] == ["total-exports", "announcement"]
    assert {e.id for e in found.episodes} == {"chile-lithium-2019"}
    assert all(0.0 < e.error < 5.0 for e in found.episodes)
    assert set(found.countries["episode"]) == {"chile-lithium-2019"}
    # The rival and the score of the library do not know of it.
    assert found.tracks["total-exports"].episodes == sum(
        Given.TOTAL_EXPORTS in e.given for e in few
    )


def test_too_few_episodes_to_learn_from():
    with pytest.raises(InputError, match="3 are needed"):
        run_backtest(training=[load_episode("indonesia-bauxite-2014")], sets=8)


def test_totals_are_passed_on_and_nothing_else(cases):
    for case in cases[:5]:
        for given, outcome in zip(given_exports(case), case.outcomes, strict=True):
            held = case.history.is_restricting
            assert given[~held].sum() == 0.0
            assert given[held] == pytest.approx(outcome.flows[held].sum(axis=1))


def test_trade_before_any_episode_gives_the_last_year_most_of_the_weight():
    """Where `MEMORY` comes from: all codes up to 2008, one and two years ahead."""
    flows = data.trade(data.products()["code"].to_list()).filter(pl.col("year") <= 2008)
    for side in ("exporter", "importer"):
        total = flows.group_by("code", side, "year").agg(pl.col("tonnes").sum())
        share = pl.col("tonnes") / pl.col("tonnes").sum().over("code")
        wide = (
            total.with_columns(share=share)
            .sort("year")
            .pivot(on="year", index=["code", side], values="share")
        )
        level = wide.select(pl.exclude("code", side)).fill_null(0.0).to_numpy()
        two_years = _error_ahead(level, np.array([0.5, 0.5]))
        ours = _error_ahead(level, MEMORY ** np.arange(6.0))
        assert ours < 0.98 * two_years
        for other in (0.0, 0.4, 0.7):
            assert ours < _error_ahead(level, other ** np.arange(6.0))


def _error_ahead(level, weight):
    """Return the absolute error one and two years ahead of a mean of years, latest first."""
    weight = weight / weight.sum()
    error = 0.0
    for year in range(5, level.shape[1] - 2):
        told = level[:, year - weight.size + 1 : year + 1][:, ::-1] @ weight
        error += sum(np.abs(level[:, year + h] - told).sum() for h in (1, 2))
    return error


def test_who_knew_what_others_sold_in_all_would_still_miss_the_aim(cases):
    """Noise of single countries bounds the score: foreknowledge of the total is not enough."""
    logs = []
    for case in cases:
        if Given.TOTAL_EXPORTS not in case.episode.given:
            continue
        known = tuple(
            _scaled(case, o, x) for o, x in zip(case.outcomes, given_exports(case), strict=True)
        )
        scored = score_case(case, Given.TOTAL_EXPORTS, known)
        logs.append(np.log(scored.errors[0] / scored.rivals[Rival.NO_SUBSTITUTION]))
    assert np.exp(np.mean(logs)) > 0.70


def _scaled(case, outcome, exports):
    """Return a forecast whose others sell, to the buyers hit, what they did sell in all."""
    history = case.history
    held = history.is_restricting[:, None]
    before = (np.where(held, 0.0, history.reference) @ history.exposure).sum()
    after = (np.where(held, 0.0, outcome.flows) @ history.exposure).sum()
    return standing_still(replace(history, flows=history.flows * (after / before)), exports)


def test_the_growth_of_single_countries_foretells_nothing():
    """Why the market lets only the world grow: last year is a better guess than a trend."""
    flows = data.trade(["260400", "260600", "260111", "280530", "284690", "283691", "271111"])
    total = flows.group_by("code", "exporter", "year").agg(pl.col("tonnes").sum())
    share = pl.col("tonnes") / pl.col("tonnes").mean().over("code")
    wide = (
        total.with_columns(share=share)
        .sort("year")
        .pivot(on="year", index=["code", "exporter"], values="share")
    )
    years = sorted(int(c) for c in wide.columns[2:])
    level = wide.select(str(y) for y in years).fill_null(0.0).to_numpy()
    stays = grows = 0.0
    for y in range(5, len(years) - 1):
        slope = (level[:, y] - level[:, y - 4]) / 4.0
        stays += np.abs(level[:, y] - level[:, y + 1]).sum()
        grows += np.abs(np.maximum(level[:, y] + slope, 0.0) - level[:, y + 1]).sum()
    assert stays < grows
