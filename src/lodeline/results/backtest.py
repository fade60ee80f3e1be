"""What a backtest returns, and its document for ``--json``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

__all__ = ["BacktestResult", "EpisodeScore", "Estimate", "StressEpisode", "StressScore",
           "TrackScore", "backtest_document"]  # fmt: skip


@dataclass(frozen=True)
class Estimate:
    """A parameter as the episodes speak for it.

    Attributes
    ----------
    name, unit, meaning
        Which parameter.
    kind
        Kind of material (ore, compound, metal, fuel).
    value, low, high
        Weighted mean, and the range that holds 80 % of the weight.
    prior_low, prior_high
        Range in which the fit looked, or that was assumed before.
    is_narrowed
        Whether the episodes taught anything; else value and range are what was assumed.
    """

    name: str
    unit: str
    meaning: str
    kind: str
    value: float
    low: float
    high: float
    prior_low: float
    prior_high: float
    is_narrowed: bool = True


@dataclass(frozen=True)
class EpisodeScore:
    """One episode on one track.

    Attributes
    ----------
    id, title, track, kind, instrument, start, is_placebo
        Which episode, and what the forecast was given.
    restricting, codes, base_years, predict_years
        Countries (ISO3), HS6 codes, years.
    error, error_no_substitution, error_full_substitution, error_trend
        Tonnes astray over the tonnes at stake, weighted by the buyers' exposure; of the forecast
        and of the three rivals.
    error_all, rivals_all
        The same with every country counted alike, over world trade; rivals by name.
    skill
        1 − error over the error of the rival that is best over the whole library.
    taught_by
        Number of episodes that the parameters were learnt from.
    comply_expected, comply_came
        On the announcement's track: share of the announced loss that was expected and that came.
    log_price_told, log_price_came
        Change of the world's unit value, natural logarithm, mean over the years; what came is less
        the median change over all codes.
    coverage
        Share of outcomes within their 80 % interval, None where no interval can be given.
    """

    id: str
    title: str
    track: str
    kind: str
    instrument: str
    start: str
    is_placebo: bool
    restricting: tuple[str, ...]
    codes: tuple[str, ...]
    base_years: tuple[int, ...]
    predict_years: tuple[int, ...]
    error: float
    error_no_substitution: float
    error_full_substitution: float
    error_trend: float
    error_all: float
    rivals_all: Mapping[str, float]
    skill: float
    taught_by: int
    comply_expected: float | None
    comply_came: float | None
    log_price_told: float
    log_price_came: float
    coverage: float | None

    @property
    def price_change_told(self) -> float:
        """Relative change of the world's unit value that was told, 0.5 is half more."""
        return math.expm1(self.log_price_told)

    @property
    def price_change_came(self) -> float:
        """Relative change that came, less the median change over all codes."""
        return math.expm1(self.log_price_came)

    @property
    def is_sign_right(self) -> bool:
        """Whether the unit value moved the way that was told."""
        return (self.log_price_told > 0.0) == (self.log_price_came > 0.0)


@dataclass(frozen=True)
class TrackScore:
    """All episodes of the library on one track.

    Attributes
    ----------
    track
        What the forecasts were given.
    episodes, placebos
        How many, and how many of them are placebos.
    rival
        The single rival with the least geometric mean error.
    error, error_no_substitution, error_full_substitution, error_trend
        Geometric means.
    ratio, ratio_low, ratio_high
        Geometric mean of error over that rival's, and its 95 % bootstrap interval over episodes.
    skill
        1 − ratio.
    ratio_without_best
        The ratio without the episode in which the forecast did best.
    ratio_unfitted
        The ratio with all sets of parameters weighted alike: what the fit itself adds is the rest.
    ratio_still
        The ratio of the forecast's own reference with nothing replaced: what following the last
        years gains without a market.
    ratio_all
        The ratio with every country counted alike, against the best rival of that measure.
    wins
        Episodes in which the forecast beats that rival.
    signs_right
        Episodes in which the unit value moved the way that was told.
    price_error, price_error_no_change
        Mean absolute error of the log change of the unit value, and of telling no change.
    coverage
        Share of outcomes within their 80 % interval.
    """

    track: str
    episodes: int
    placebos: int
    rival: str
    error: float
    error_no_substitution: float
    error_full_substitution: float
    error_trend: float
    ratio: float
    ratio_low: float
    ratio_high: float
    skill: float
    ratio_without_best: float
    ratio_unfitted: float
    ratio_still: float
    ratio_all: float
    wins: int
    signs_right: int
    price_error: float
    price_error_no_change: float
    coverage: float | None


@dataclass(frozen=True)
class StressScore:
    """The stress test's own market with the defaults of chains, given totals.

    The defaults have been estimated on the same episodes: nothing is left out here.

    Attributes
    ----------
    episodes
        Those that give totals and spare no buyer.
    rival
        The library's best rival on that track.
    error, ratio, ratio_low, ratio_high, wins, signs_right, price_error, price_error_no_change
        As in `TrackScore`.
    price_bias
        Mean of told less came, logarithm of the unit value.
    """

    episodes: int
    rival: str
    error: float
    ratio: float
    ratio_low: float
    ratio_high: float
    wins: int
    signs_right: int
    price_error: float
    price_error_no_change: float
    price_bias: float


@dataclass(frozen=True)
class StressEpisode:
    """The stress test's own market on one episode, given totals.

    Attributes
    ----------
    id
        The episode.
    error, error_rival
        As in `EpisodeScore`; the rival is the library's best.
    log_price_told, log_price_came
        As in `EpisodeScore`.
    """

    id: str
    error: float
    error_rival: float
    log_price_told: float
    log_price_came: float


@dataclass(frozen=True)
class BacktestResult:
    """Scores of episodes, of the library as a whole, and what was learnt.

    Attributes
    ----------
    episodes
        The episodes asked for, a row for each track.
    tracks
        The whole library, by track.
    countries
        One row per episode, track, year, side and country: ``episode, track, year, side``
        (exporter, importer), ``country, base_t, told_t, low_t, high_t, happened_t`` (t/year; the
        interval holds 80 % of outcomes).
    estimates
        Parameters learnt from all episodes.
    sets
        Number of sets of parameters tried.
    dataset
        ``edition, sha256``.
    seconds
        Wall time.
    stress_market
        Score of the stress test's own market; None where single episodes are asked for.
    behaviour
        What chains take where they state no behaviour of their own.
    stress_episodes
        The stress test's own market on the episodes asked for, those that it can tell.
    """

    episodes: tuple[EpisodeScore, ...]
    tracks: Mapping[str, TrackScore]
    countries: pl.DataFrame
    estimates: tuple[Estimate, ...]
    sets: int
    dataset: Mapping[str, Any]
    seconds: float
    stress_market: StressScore | None = None
    behaviour: tuple[Estimate, ...] = ()
    stress_episodes: tuple[StressEpisode, ...] = ()

    def on(self, track: str) -> tuple[EpisodeScore, ...]:
        """Return the episodes of a track."""
        return tuple(e for e in self.episodes if e.track == track)


def backtest_document(result: BacktestResult, *, with_timings: bool = True) -> dict[str, Any]:
    """Return the document of a backtest; absent values are None, never NaN.

    Parameters
    ----------
    result
        What the study returned.
    with_timings
        Left out for files: a repeated run gives the same bytes.
    """
    tracks = {
        name: {
            "episodes": [_plain(asdict(e) | {"is_sign_right": e.is_sign_right})
                         for e in result.on(name)],
            "overall": _plain(asdict(score)),
        }
        for name, score in result.tracks.items()
    }  # fmt: skip
    first = next((t for t in tracks.values() if t["episodes"]), next(iter(tracks.values())))
    document: dict[str, Any] = {
        "episodes": first["episodes"],
        "overall": first["overall"],
        "tracks": tracks,
        "estimates": [_plain(asdict(e)) for e in result.estimates],
        "behaviour": [_plain(asdict(e)) for e in result.behaviour],
        "stress_market": _plain(asdict(result.stress_market)) if result.stress_market else None,
        "stress_episodes": [_plain(asdict(e)) for e in result.stress_episodes],
        "sets": result.sets,
        "dataset": {k: result.dataset[k] for k in ("edition", "sha256")},
    }
    if with_timings:
        document["seconds"] = round(result.seconds, 3)
    return document


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}
