"""The backtest: every episode foretold with what the others taught, and scored.

1. Every episode with given totals is run with all candidate sets of parameters.
2. An episode's forecast is the mean over the sets, weighted by how well they told the other events.
3. Its error is set beside those of the three rivals; the one to beat is best over the library.
4. Intervals come from how far the forecasts of the other events were off.
5. The stress test's own market is scored too, with the defaults of chains, on episodes that it can
   tell; as a whole for the whole library.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lodeline import data
from lodeline.errors import InputError
from lodeline.network.form_type import FormType
from lodeline.results.backtest import BacktestResult, EpisodeScore, TrackScore
from lodeline.scenarios.episode import Episode, Given
from lodeline.scenarios.episode_reading import episode_ids, load_episode
from lodeline.studies.backtest.case import (
    Case,
    Scored,
    compliance,
    is_same_event,
    mean_errors,
    mean_forecasts,
    prepare,
    run_case,
)
from lodeline.studies.backtest.defaults import (
    released_behaviour,
    score_defaults,
    stress_episode,
    tell_defaults,
)
from lodeline.studies.backtest.fit import estimates, expected_compliance, others, weights_for
from lodeline.studies.backtest.intervals import Residual, country_rows, quantiles, residuals
from lodeline.studies.backtest.market import Forecast
from lodeline.studies.backtest.parameters import Parameters, candidates
from lodeline.studies.backtest.rivals import Rival
from lodeline.studies.backtest.score import bootstrap, geometric

__all__ = ["SETS", "library", "run_backtest"]

Vector = NDArray[np.float64]
Progress = Callable[[str, int, int], None]

SETS = 128
"""Sets of parameters that are tried, unless told otherwise."""
_LEAST_TRAINING = 3


@dataclass(frozen=True)
class _Told:
    """One case on one track with the forecast that counts."""

    scored: Scored
    is_known: bool
    taught_by: int
    comply: float | None
    forecasts: tuple[Forecast, ...]
    error: float
    error_all: float
    unfitted: float


def library() -> tuple[Episode, ...]:
    """Return the episodes of the package, sorted by identifier."""
    return tuple(load_episode(name) for name in episode_ids())


def run_backtest(
    episodes: Sequence[Episode] | None = None,
    *,
    training: Sequence[Episode] | None = None,
    sets: int = SETS,
    seed: int = 0,
    progress: Progress | None = None,
) -> BacktestResult:
    """Foretell episodes with what the library's other events teach, and score all.

    Parameters
    ----------
    episodes
        Those to report, of the library or not; default the library.
    training
        Episodes to learn from and to choose the rival by; default the library.
    sets
        Number of sets of parameters to try.
    seed
        Fixes the sets and the resampling.
    progress
        Called with what is done, how much of it, and how much there is.

    Raises
    ------
    InputError
        If an episode cannot be run with the trade data, or too few are there to learn from.
    """
    started = time.perf_counter()
    known = tuple(training) if training is not None else library()
    asked = tuple(episodes) if episodes is not None else known
    new = tuple(e for e in asked if e not in known)
    parameters = candidates(sets, seed=seed)
    tell = progress or _silent
    cases = [_told(prepare(e), "reading trade", i, len(known) + len(new), tell)
             for i, e in enumerate((*known, *new))]  # fmt: skip
    taught, told = _tell_all(cases, len(known), parameters, tell)
    tracks, rows = {}, []
    for given in Given:
        part = [t for t in told if t.scored.given is given]
        if any(t.is_known for t in part):
            score, scored_rows = _score_track(part, seed)
            tracks[str(given)] = score
            rows += scored_rows
    wanted = [(s, t) for s, t, e in rows if e in asked]
    kinds = [k for k in FormType if any(s.case.kind is k for s in taught)]
    tell("stress market", 1, 1)
    stressed = tell_defaults([c for c in cases if c.episode in asked])
    rival = Rival(tracks[str(Given.TOTAL_EXPORTS)].rival)
    return BacktestResult(
        episodes=tuple(s for s, _ in wanted),
        tracks=tracks,
        countries=pl.concat([t for _, t in wanted]),
        estimates=estimates(parameters, taught, kinds),
        sets=sets,
        dataset=data.dataset_identity(),
        seconds=time.perf_counter() - started,
        stress_market=score_defaults(stressed, rival, seed=seed) if episodes is None else None,
        behaviour=released_behaviour(),
        stress_episodes=tuple(stress_episode(s, rival) for s in stressed),
    )


def _silent(what: str, done: int, total: int) -> None:
    del what, done, total


def _told(case: Case, what: str, done: int, total: int, tell: Progress) -> Case:
    tell(what, done + 1, total)
    return case


def _tell_all(
    cases: Sequence[Case], known: int, parameters: Parameters, tell: Progress
) -> tuple[list[Scored], list[_Told]]:
    """Return the library's runs on the track of given totals, and every forecast that counts."""
    library_cases = cases[:known]
    runs: list[tuple[Scored, bool]] = []
    for i, case in enumerate(cases):
        tell("totals given", i + 1, len(cases))
        if Given.TOTAL_EXPORTS in case.episode.given:
            runs.append((run_case(case, parameters, Given.TOTAL_EXPORTS), i < known))
    taught = [s for s, is_known in runs if is_known]
    if len(taught) < _LEAST_TRAINING:
        raise InputError(
            f"only {len(taught)} episodes have given total exports; {_LEAST_TRAINING} are needed "
            "to learn from."
        )
    out = [_forecast(s, taught, is_known=k, comply=None) for s, k in runs]
    for i, case in enumerate(cases):
        tell("announcements", i + 1, len(cases))
        if Given.ANNOUNCEMENT in case.episode.given:
            before = [c for c in library_cases if not is_same_event(case, c)]
            comply = expected_compliance(case.episode.instrument, before)
            scored = run_case(case, parameters, Given.ANNOUNCEMENT, comply)
            out.append(_forecast(scored, taught, is_known=i < known, comply=comply))
    return taught, out


def _forecast(
    scored: Scored, taught: Sequence[Scored], *, is_known: bool, comply: float | None
) -> _Told:
    """Return the forecast of a case with what the other events teach."""
    teachers = others(scored.case, taught)
    if not teachers:
        raise InputError(
            f"episode '{scored.case.episode.id}': no other event is left to learn from."
        )
    weight = weights_for(scored.case.kind, teachers)
    error, error_all = mean_errors(scored, weight)
    unfitted, _ = mean_errors(scored, np.full_like(weight, 1.0 / weight.size))
    return _Told(
        scored=scored,
        is_known=is_known,
        taught_by=len(teachers),
        comply=comply,
        forecasts=mean_forecasts(scored, weight),
        error=error,
        error_all=error_all,
        unfitted=unfitted,
    )


def _score_track(
    part: Sequence[_Told], seed: int
) -> tuple[TrackScore, list[tuple[EpisodeScore, pl.DataFrame, Episode]]]:
    """Return the score of the library on a track, and a row and a table for each episode."""
    counted = [t for t in part if t.is_known]
    mean = {r: geometric([t.scored.rivals[r] for t in counted]) for r in Rival}
    best = min(mean, key=mean.__getitem__)
    off = [residuals(t.scored.case, t.forecasts) for t in counted]
    rows = []
    for told in part:
        spread = _spread(told.scored.case, off)
        table = country_rows(told.scored.case, str(told.scored.given), told.forecasts, spread)
        rows.append((_episode_score(told, best, table), table, told.scored.case.episode))
    known_rows = [r for r, t in zip(rows, part, strict=True) if t.is_known]
    tables = pl.concat([t for _, t, _ in known_rows])
    return _track_score(counted, [s for s, _, _ in known_rows], best, tables, seed), rows


def _spread(
    case: Case, off: Sequence[Residual]
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Return the quantiles of the other events' residuals, None if there are none."""
    free = [r for r in off if not is_same_event(case, r.case)]
    return quantiles(free) if free else None


def _episode_score(told: _Told, best: Rival, table: pl.DataFrame) -> EpisodeScore:
    scored, episode = told.scored, told.scored.case.episode
    rivals = scored.rivals
    came = [o.log_unit_value for o in scored.case.outcomes]
    return EpisodeScore(
        id=episode.id,
        title=episode.title,
        track=str(scored.given),
        kind=str(scored.case.kind),
        instrument=str(episode.instrument),
        start=str(episode.start),
        is_placebo=episode.placebo,
        restricting=episode.restrictors,
        codes=scored.case.codes,
        base_years=episode.base_years,
        predict_years=episode.predict_years,
        error=told.error,
        error_no_substitution=rivals[Rival.NO_SUBSTITUTION],
        error_full_substitution=rivals[Rival.FULL_SUBSTITUTION],
        error_trend=rivals[Rival.TREND],
        error_all=told.error_all,
        rivals_all={str(r): v for r, v in scored.rivals_all.items()},
        skill=1.0 - told.error / rivals[best],
        taught_by=told.taught_by,
        comply_expected=told.comply,
        comply_came=compliance(scored.case) if told.comply is not None else None,
        log_price_told=float(np.mean([f.log_price[0] for f in told.forecasts])),
        log_price_came=float(np.mean(came)),
        coverage=_coverage(table),
    )


def _track_score(
    counted: Sequence[_Told],
    scores: Sequence[EpisodeScore],
    best: Rival,
    table: pl.DataFrame,
    seed: int,
) -> TrackScore:
    rival = np.array([t.scored.rivals[best] for t in counted])
    logs = np.log(np.array([t.error for t in counted]) / rival)
    unfitted = np.log(np.array([t.unfitted for t in counted]) / rival)
    low, high = bootstrap(logs, seed)
    rival_all = min(geometric([t.scored.rivals_all[r] for t in counted]) for r in Rival)
    mean = {r: geometric([t.scored.rivals[r] for t in counted]) for r in Rival}
    return TrackScore(
        track=str(counted[0].scored.given),
        episodes=len(counted),
        placebos=sum(t.scored.case.episode.placebo for t in counted),
        rival=str(best),
        error=geometric([t.error for t in counted]),
        error_no_substitution=mean[Rival.NO_SUBSTITUTION],
        error_full_substitution=mean[Rival.FULL_SUBSTITUTION],
        error_trend=mean[Rival.TREND],
        ratio=float(np.exp(logs.mean())),
        ratio_low=low,
        ratio_high=high,
        skill=1.0 - float(np.exp(logs.mean())),
        ratio_without_best=float(np.exp(np.sort(logs)[1:].mean())) if logs.size > 1 else 1.0,
        ratio_unfitted=float(np.exp(unfitted.mean())),
        ratio_still=geometric([t.scored.still for t in counted]) / mean[best],
        ratio_all=geometric([t.error_all for t in counted]) / rival_all,
        wins=int((logs < 0.0).sum()),
        signs_right=sum(s.is_sign_right for s in scores),
        price_error=float(np.mean([abs(s.log_price_told - s.log_price_came) for s in scores])),
        price_error_no_change=float(np.mean([abs(s.log_price_came) for s in scores])),
        coverage=_coverage(table),
    )


def _coverage(table: pl.DataFrame) -> float | None:
    """Return the share of outcomes within their interval; None where there are no intervals."""
    known = table.filter(pl.col("low_t").is_not_null())
    if known.height == 0:
        return None
    return float(known.select(pl.col("happened_t").is_between("low_t", "high_t").mean()).item())
