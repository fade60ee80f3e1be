"""The page of a backtest: sentences and charts from scores, nothing computed."""

from dataclasses import replace

import polars as pl
import pytest

from lodeline.report.backtest import answer, backtest_markdown, render_backtest, sentence
from lodeline.results.backtest import (
    BacktestResult,
    EpisodeScore,
    Estimate,
    StressEpisode,
    TrackScore,
    backtest_document,
)

SCORE = TrackScore(
    track="total-exports", episodes=3, placebos=0, rival="trend", error=0.2,
    error_no_substitution=0.3, error_full_substitution=0.4, error_trend=0.25, ratio=0.8,
    ratio_low=0.7, ratio_high=1.1, skill=0.2, ratio_without_best=0.9, ratio_unfitted=0.85,
    ratio_still=0.95,
    ratio_all=0.95, wins=2, signs_right=3, price_error=0.2, price_error_no_change=0.3,
    coverage=0.8,
)  # fmt: skip
EPISODE = EpisodeScore(
    id="ban", title="A ban <of> ore", track="total-exports", kind="ore", instrument="ban",
    start="2014-01", is_placebo=False, restricting=("IDN",), codes=("260600",),
    base_years=(2012,), predict_years=(2014,), error=0.2, error_no_substitution=0.3,
    error_full_substitution=0.4, error_trend=0.25, error_all=0.3, rivals_all={"trend": 0.3},
    skill=0.2, taught_by=5, comply_expected=None, comply_came=None, log_price_told=0.1,
    log_price_came=float("nan"), coverage=None,
)  # fmt: skip


@pytest.fixture
def result():
    rows = [("exporter", "AUS", 10.0), ("exporter", "rest", 1.0), ("importer", "CHN", 50.0)]
    countries = pl.DataFrame(
        [("ban", "total-exports", 2014, s, c, v, v, 0.5 * v, None, v + 1.0) for s, c, v in rows],
        schema=["episode", "track", "year", "side", "country", "base_t", "told_t", "low_t",
                "high_t", "happened_t"],
        orient="row",
    ).with_columns(high_t=2.0 * pl.col("told_t"))  # fmt: skip
    estimate = Estimate("surge", "1/year", "What can be added", "ore", 0.1, 0.05, 0.2, 0.01, 1.0)
    return BacktestResult((EPISODE,), {"total-exports": SCORE}, countries, (estimate,), 8,
                          {"edition": "x", "sha256": "y"}, 1.0)  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "ratio", "words"),
    [(0.7, 1.1, 0.8, "chance is not excluded"), (0.7, 0.9, 0.8, "The forecast beats it"),
     (1.1, 1.3, 1.2, "The rival is better")],
)  # fmt: skip
def test_the_sentence_says_what_the_interval_says(low, high, ratio, words):
    assert words in sentence(replace(SCORE, ratio_low=low, ratio_high=high, ratio=ratio))


def test_a_single_episode_gets_a_verdict_of_its_own(result):
    lost = replace(EPISODE, error=0.26, error_trend=0.25)
    stressed = (StressEpisode("ban", 0.31, 0.25, 0.1, 0.2),)
    lines = answer(replace(result, episodes=(lost,), stress_episodes=stressed))
    assert lines[0] == (
        "ban, exports given: not foretold better, 0.26 against 0.25 of its best rival "
        "(the trend goes on); the stress test’s own market 0.31."
    )
    assert "better, 0.20 against 0.25" in answer(result)[0]
    assert "not foretold" not in answer(result)[0]
    # Of the whole library the score is enough.
    assert answer(replace(result, episodes=(EPISODE,) * 3)) == [sentence(SCORE)]


def test_the_page_draws_every_country_and_escapes_what_users_write(result):
    page = render_backtest(result)
    assert "A ban &lt;of&gt; ore" in page
    assert page.count('class="came"') == 3
    assert page.count('class="range"') == 3


def test_the_markdown_is_made_of_tables(result):
    lines = [line for line in backtest_markdown(result).splitlines() if line]
    assert sum(line.startswith("| ---") for line in lines) == 3


def test_absent_is_null(result):
    row = backtest_document(result)["episodes"][0]
    assert row["log_price_came"] is None
    assert row["comply_expected"] is None
