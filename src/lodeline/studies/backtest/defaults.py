"""The score of the stress test as released: its own market with the defaults of the chains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lodeline.results.backtest import Estimate, StressEpisode, StressScore
from lodeline.scenarios.episode import Given
from lodeline.studies.backtest.behaviour import (
    behaviour_sets,
    estimate_behaviour,
    event_counts,
    kept_scores,
)
from lodeline.studies.backtest.case import Case, Scored, score_case
from lodeline.studies.backtest.rivals import Rival
from lodeline.studies.backtest.score import bootstrap, geometric
from lodeline.studies.backtest.stressed import StressMarket, can_be_stressed

__all__ = ["released_behaviour", "score_defaults", "stress_episode", "tell_defaults"]

_MEANING = {
    "demand_elasticity": "Relative fall of use per relative rise of the price",
    "supply_elasticity": "Relative rise of output per relative rise of the price",
    "trade_elasticity": "Relative rise of a lane per relative rise of the margin over it",
    "surge": "Output that can be added at once, as a share of output",
    "lane_growth": "Growth of a lane in a month at most, as a share of its flow",
    "entry_cost": "Cost of a lane unused in the base year, as a share of the price",
}


def tell_defaults(cases: Sequence[Case]) -> tuple[Scored, ...]:
    """Return the stress test's forecasts of those episodes that give totals and spare nobody."""
    return tuple(
        score_case(c, Given.TOTAL_EXPORTS, StressMarket(c).forecast())
        for c in cases
        if can_be_stressed(c.episode)
    )


def score_defaults(told: Sequence[Scored], rival: Rival, *, seed: int) -> StressScore | None:
    """Return how the stress test tells episodes.

    Parameters
    ----------
    told
        What `tell_defaults` returned for the library.
    rival
        The rival to set it beside: the best over the library.
    seed
        Fixes the resampling.

    Returns
    -------
    StressScore or None
        None where no episode can be told this way.
    """
    if not told:
        return None
    rows = [stress_episode(s, rival) for s in told]
    logs = np.log([r.error / r.error_rival for r in rows])
    prices = np.array([[r.log_price_told, r.log_price_came] for r in rows])
    low, high = bootstrap(logs, seed)
    return StressScore(
        episodes=len(rows),
        rival=str(rival),
        error=geometric([r.error for r in rows]),
        ratio=float(np.exp(logs.mean())),
        ratio_low=low,
        ratio_high=high,
        wins=int((logs < 0.0).sum()),
        signs_right=int(((prices[:, 0] > 0.0) == (prices[:, 1] > 0.0)).sum()),
        price_error=float(np.abs(prices[:, 0] - prices[:, 1]).mean()),
        price_error_no_change=float(np.abs(prices[:, 1]).mean()),
        price_bias=float((prices[:, 0] - prices[:, 1]).mean()),
    )


def stress_episode(told: Scored, rival: Rival) -> StressEpisode:
    """Return how the stress test tells one episode."""
    return StressEpisode(
        id=told.case.episode.id,
        error=float(told.errors[0]),
        error_rival=told.rivals[rival],
        log_price_told=float(np.mean([f.log_price[0] for f in told.forecasts])),
        log_price_came=float(np.mean([o.log_unit_value for o in told.case.outcomes])),
    )


def released_behaviour() -> tuple[Estimate, ...]:
    """Return the behaviour that chains take where they state none, by kind of material."""
    rows = kept_scores()
    counts = event_counts(rows["episode"].unique().sort().to_list())
    found = estimate_behaviour(behaviour_sets(), rows, counts=counts)
    return tuple(
        Estimate(
            name=e.name,
            unit="1",
            meaning=_MEANING[e.name],
            kind=str(e.kind),
            value=e.value,
            low=e.low,
            high=e.high,
            prior_low=e.prior.low,
            prior_high=e.prior.high,
            is_narrowed=e.is_narrowed,
        )
        for e in found
    )
