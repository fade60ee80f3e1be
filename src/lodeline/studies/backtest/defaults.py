"""The score of the stress test as released: its own market with the defaults of the chains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lodeline.results.backtest import Estimate, StressScore
from lodeline.scenarios.episode import Given
from lodeline.studies.backtest.behaviour import (
    behaviour_sets,
    estimate_behaviour,
    kept_scores,
)
from lodeline.studies.backtest.case import Case, score_case
from lodeline.studies.backtest.rivals import Rival
from lodeline.studies.backtest.score import bootstrap, geometric
from lodeline.studies.backtest.stressed import StressMarket, can_be_stressed

__all__ = ["released_behaviour", "score_defaults"]

_MEANING = {
    "demand_elasticity": "Relative fall of use per relative rise of the price",
    "supply_elasticity": "Relative rise of output per relative rise of the price",
    "trade_elasticity": "Relative rise of a lane per relative rise of the margin over it",
    "surge": "Output that can be added at once, as a share of output",
    "lane_growth": "Growth of a lane in a month at most, as a share of its flow",
    "entry_cost": "Cost of a lane unused in the base year, as a share of the price",
}


def score_defaults(cases: Sequence[Case], rival: Rival, *, seed: int) -> StressScore | None:
    """Return how the stress test tells the episodes that give totals and spare nobody.

    Parameters
    ----------
    cases
        Episodes of the library.
    rival
        The rival to set it beside: the best over the library.
    seed
        Fixes the resampling.

    Returns
    -------
    StressScore or None
        None where no episode can be told this way.
    """
    chosen = [c for c in cases if can_be_stressed(c.episode)]
    if not chosen:
        return None
    told = [StressMarket(c).forecast() for c in chosen]
    scored = [score_case(c, Given.TOTAL_EXPORTS, f) for c, f in zip(chosen, told, strict=True)]
    logs = np.log([float(s.errors[0]) / s.rivals[rival] for s in scored])
    prices = np.array(
        [
            [np.mean([f.log_price[0] for f in s.forecasts]),
             np.mean([o.log_unit_value for o in s.case.outcomes])]
            for s in scored
        ]
    )  # fmt: skip
    low, high = bootstrap(logs, seed)
    return StressScore(
        episodes=len(scored),
        rival=str(rival),
        error=geometric([float(s.errors[0]) for s in scored]),
        ratio=float(np.exp(logs.mean())),
        ratio_low=low,
        ratio_high=high,
        wins=int((logs < 0.0).sum()),
        signs_right=int(((prices[:, 0] > 0.0) == (prices[:, 1] > 0.0)).sum()),
        price_error=float(np.abs(prices[:, 0] - prices[:, 1]).mean()),
        price_error_no_change=float(np.abs(prices[:, 1]).mean()),
        price_bias=float((prices[:, 0] - prices[:, 1]).mean()),
    )


def released_behaviour() -> tuple[Estimate, ...]:
    """Return the behaviour that chains take where they state none, by kind of material."""
    rows = kept_scores()
    found = estimate_behaviour(behaviour_sets(), rows)
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
