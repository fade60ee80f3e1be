"""An episode made ready: what a forecast may see, what came of it, and both run together.

The forecast of a case is a function of its history and of what is given. Outcomes enter in two
places only: `given_exports` of track A, which passes on the restricting countries' total and
nothing else, and the score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lodeline.network.form_type import FormType, form_type
from lodeline.scenarios.episode import Episode, Given
from lodeline.scenarios.episode_reading import episode_codes
from lodeline.studies.backtest.history import (
    History,
    Outcome,
    elapsed,
    episode_trade,
    history_of,
    outcome_of,
)
from lodeline.studies.backtest.market import AnnualMarket, Forecast
from lodeline.studies.backtest.parameters import Parameters
from lodeline.studies.backtest.rivals import (
    Rival,
    line_exports,
    rival_forecast,
    standing_still,
)
from lodeline.studies.backtest.score import errors_of_all, exposed_errors

__all__ = ["Case", "Scored", "announced_exports", "compliance", "given_exports", "is_same_event",
           "mean_errors", "mean_forecasts", "prepare", "run_case", "score_case"]  # fmt: skip

Vector = NDArray[np.float64]

SAME_EVENT_MONTHS = 24
"""Restrictions of the same country that start closer together than this are one event."""


@dataclass(frozen=True)
class Case:
    """An episode with its data."""

    episode: Episode
    kind: FormType
    codes: tuple[str, ...]
    history: History
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True)
class Scored:
    """Forecasts of one case on one track, for every set of parameters, with their errors.

    Attributes
    ----------
    case, given
        Which episode and track.
    forecasts
        One a year to tell.
    errors, errors_all
        Mean over years and measures, shape (set,): weighted by exposure, and over all alike.
    price_errors
        Mean absolute error of the log unit value, shape (set,).
    rivals, rivals_all
        Errors of each rival, as `errors` and `errors_all`.
    still
        Error of the market's reference with nothing replaced.
    """

    case: Case
    given: Given
    forecasts: tuple[Forecast, ...]
    errors: Vector
    errors_all: Vector
    price_errors: Vector
    rivals: Mapping[Rival, float]
    rivals_all: Mapping[Rival, float]
    still: float


def prepare(episode: Episode) -> Case:
    """Return an episode with its history and its outcome.

    Raises
    ------
    InputError
        If years have no trade or the restricting countries exported nothing.
    """
    trade = episode_trade(episode)
    history = history_of(episode, trade)
    codes = episode_codes(episode)
    return Case(episode, form_type(codes), codes, history, outcome_of(episode, history, trade))


def is_same_event(one: Case, other: Case) -> bool:
    """Return whether two cases must not teach each other.

    The same restricting country within two years, or the same codes in overlapping years.
    """
    return is_one_event((one.episode, one.codes), (other.episode, other.codes))


def is_one_event(one: tuple[Episode, Sequence[str]], other: tuple[Episode, Sequence[str]]) -> bool:
    """Return the same of episodes and their codes."""
    (a, codes), (b, others) = one, other
    if a.id == b.id:
        return True
    if set(a.restrictors) & set(b.restrictors) and abs(a.start - b.start) < SAME_EVENT_MONTHS:
        return True
    told = set(a.predict_years) & set(b.predict_years)
    return bool(set(codes) & set(others) and told)


def given_exports(case: Case) -> tuple[Vector, ...]:
    """Return the restricting countries' total exports by year, t/year: what track A gives away."""
    held = case.history.is_restricting
    return tuple(np.where(held, o.flows.sum(axis=1), 0.0) for o in case.outcomes)


def announced_exports(case: Case, comply: float) -> tuple[Vector, ...]:
    """Return exports of the restricting countries as announced, t/year, one a year to tell.

    Base exports less declared severity times what went to the targets, for the months in force,
    times `comply`, the share of what is announced that comes true.
    """
    history, episode = case.history, case.episode
    base = np.where(history.is_restricting[:, None], history.base, 0.0)
    hit = base[:, history.is_target].sum(axis=1)
    cut = comply * episode.declared.value
    return tuple(
        np.maximum(base.sum(axis=1) - cut * episode.in_force(year) * hit, 0.0)
        for year in episode.predict_years
    )


def compliance(case: Case) -> float | None:
    """Return the share of an announced loss that came true; None where none was announced."""
    base = float(case.history.base[case.history.is_restricting].sum())
    announced = base - float(np.mean([x.sum() for x in announced_exports(case, 1.0)]))
    if announced <= 0.0:
        return None
    came = base - float(np.mean([x.sum() for x in given_exports(case)]))
    return came / announced


def run_case(case: Case, parameters: Parameters, given: Given, comply: float = 1.0) -> Scored:
    """Return the forecasts of a case with every set of parameters, and their errors.

    Parameters
    ----------
    case
        The episode.
    parameters
        One or more sets.
    given
        The track.
    comply
        On the announcement's track, the share of what is announced that is expected to come true.
    """
    exports = announced_exports(case, comply) if given is Given.ANNOUNCEMENT else None
    market = AnnualMarket(case.history)
    forecasts = tuple(
        market.forecast(parameters, x, year=y, elapsed=elapsed(case.episode, y))
        for y, x in zip(case.episode.predict_years, exports or given_exports(case), strict=True)
    )
    return score_case(case, given, forecasts)


def score_case(case: Case, given: Given, forecasts: tuple[Forecast, ...]) -> Scored:
    """Return forecasts of a case with their errors and those of the rivals."""
    is_told = given is Given.ANNOUNCEMENT
    errors, errors_all = _mean_errors(case, forecasts, case.outcomes, is_told=is_told)
    exports = given_exports(case) if not is_told else announced_exports(case, 1.0)
    still = tuple(standing_still(case.history, x) for x in exports)
    is_solved = np.all([f.is_solved for f in forecasts], axis=0)
    rivals = {r: _mean_errors(case, _rival_forecasts(case, given, r), case.outcomes,
                              is_told=is_told) for r in Rival}  # fmt: skip
    return Scored(
        case=case,
        given=given,
        forecasts=forecasts,
        errors=np.where(is_solved, errors, np.inf),
        errors_all=np.where(is_solved, errors_all, np.inf),
        price_errors=np.where(is_solved, _price_errors(case, forecasts), np.inf),
        rivals={r: float(e[0][0]) for r, e in rivals.items()},
        rivals_all={r: float(e[1][0]) for r, e in rivals.items()},
        still=float(_mean_errors(case, still, case.outcomes, is_told=is_told)[0][0]),
    )


def _price_errors(case: Case, forecasts: tuple[Forecast, ...]) -> Vector:
    """Return the mean absolute error of the log unit value over the years, shape (set,)."""
    off = [
        np.abs(f.log_price - o.log_unit_value)
        for f, o in zip(forecasts, case.outcomes, strict=True)
    ]
    return np.asarray(np.mean(off, axis=0))


def _rival_forecasts(case: Case, given: Given, rival: Rival) -> tuple[Forecast, ...]:
    """Return a rival's forecasts; announced, it believes all of it, or (the trend) none."""
    history, years = case.history, case.episode.predict_years
    if given is Given.TOTAL_EXPORTS:
        exports = given_exports(case)
    elif rival is Rival.TREND:
        exports = tuple(line_exports(history, year) for year in years)
    else:
        exports = announced_exports(case, 1.0)
    return tuple(
        rival_forecast(rival, history, x, year=y) for y, x in zip(years, exports, strict=True)
    )


def _mean_errors(
    case: Case,
    forecasts: tuple[Forecast, ...],
    outcomes: tuple[Outcome, ...],
    *,
    is_told: bool,
) -> tuple[Vector, Vector]:
    """Return the mean errors over years and measures, by exposure and over all, shape (set,)."""
    found = [
        (
            exposed_errors(f, o, case.history, with_restricting=is_told).mean(axis=1),
            errors_of_all(f, o, case.history, with_restricting=is_told).mean(axis=1),
        )
        for f, o in zip(forecasts, outcomes, strict=True)
    ]
    return np.mean([f[0] for f in found], axis=0), np.mean([f[1] for f in found], axis=0)


def mean_forecasts(scored: Scored, weight: Vector) -> tuple[Forecast, ...]:
    """Return the weighted mean forecast of each year."""
    return tuple(f.mean(weight) for f in scored.forecasts)


def mean_errors(scored: Scored, weight: Vector) -> tuple[float, float]:
    """Return the errors of the weighted mean forecast, by exposure and over all."""
    told = mean_forecasts(scored, weight)
    is_told = scored.given is Given.ANNOUNCEMENT
    exposed, of_all = _mean_errors(scored.case, told, scored.case.outcomes, is_told=is_told)
    return float(exposed[0]), float(of_all[0])
