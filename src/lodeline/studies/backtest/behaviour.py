"""What the episodes teach about the behaviour of a stress test, and the table that chains read.

Sets of behaviour are drawn from what was assumed before (`PRIORS`, lognormal, independent, a Sobol
sequence) and every episode is run with all of them by the stress test's own market. Episodes of
different kinds of material share a set's quantiles, not its values. A set's weight is the same
likelihood as in `lodeline.studies.backtest.fit`; episodes of one event count as one together. An
estimate is the weighted mean of the logarithm with the range that holds 80 %. Where neither the
middle nor the width moves, the episodes have taught nothing and the prior stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special
from scipy.stats import qmc

from lodeline import data
from lodeline.network.form_type import FormType
from lodeline.scenarios.episode import Given
from lodeline.scenarios.episode_reading import episode_codes, load_episode
from lodeline.studies.backtest.case import Scored, is_one_event, score_case
from lodeline.studies.backtest.fit import weights_of
from lodeline.studies.backtest.market import Forecast
from lodeline.studies.backtest.stressed import StressMarket

__all__ = ["PRIORS", "SCORES", "SETS", "BehaviourEstimate", "Prior", "behaviour_sets",
           "estimate_behaviour", "estimates_table", "event_counts", "kept_scores",
           "run_sets", "score_rows", "values_of"]  # fmt: skip

Vector = NDArray[np.float64]

SCORES = "behaviour_scores.csv"
"""Scores of the episodes with every set, beside this file."""
SETS = 64
"""Sets of behaviour that are tried."""
_MIDDLE_ENDS = float(special.ndtri(0.9))
_NARROWER = 0.8
"""Width of the range, against the prior's, from which on it counts as narrowed."""
_MOVED = 0.5
"""Move of the middle, in standard deviations of the prior, that counts as one."""


@dataclass(frozen=True)
class Prior:
    """What is assumed of a number before the episodes are asked.

    Attributes
    ----------
    value, low, high
        Middle, and the range that holds 80 % (lognormal: value² = low · high, nearly).
    why
        Where it comes from.
    """

    value: float
    low: float
    high: float
    why: str

    @property
    def deviation(self) -> float:
        """Standard deviation of the logarithm."""
        return float(np.log(self.high / self.low)) / (2.0 * _MIDDLE_ENDS)

    def at(self, z: Vector) -> Vector:
        """Return the values at standard normal quantiles."""
        return np.asarray(self.value * np.exp(self.deviation * z))


_DEMAND = Prior(
    0.3, 0.07, 1.3,
    "no short-run value is published for minerals; from what is published for gas within months "
    "(0.05 to 0.26, Natixis; Li and others 2022) to somewhat more than one for one",
)  # fmt: skip
_SUPPLY = Prior(
    0.3,
    0.1,
    0.9,
    "same-year values for copper, cobalt and nickel (0.32 to 0.71), IMF Working Paper 2021/243",
)
_LONG_RUN = "long-run values (CEPII ProTEE) are much larger and must not be used for months"
_BULK = Prior(
    3.0, 1.1, 8.0,
    f"no short-run value is published and {_LONG_RUN}; a bulk cargo can be sold elsewhere, "
    "contracts and ports slow it down",
)  # fmt: skip
_QUALIFIED = Prior(
    2.0,
    0.67,
    6.0,
    f"no short-run value is published and {_LONG_RUN}; buyers have to qualify a new supplier",
)
_IDLE = Prior(0.1, 0.03, 0.3, "no figure is published; little idle plant, some stock at the works")
_GROWTH = Prior(
    0.25,
    0.1,
    0.6,
    "Malaysian bauxite to China grew from 0.1 to 25.2 Mt in two years (BACI), a quarter a month",
)
_NEW_ORE = Prior(0.15, 0.045, 0.5, "no figure is published; new grade, trial cargoes and freight")
_NEW = Prior(0.2, 0.065, 0.6, "no figure is published; a new supplier is qualified for months")

PRIORS: Mapping[str, Mapping[FormType, Prior]] = {
    "demand_elasticity": dict.fromkeys(FormType, _DEMAND),
    "supply_elasticity": dict.fromkeys(FormType, _SUPPLY) | {
        FormType.FUEL: Prior(0.05, 0.0125, 0.2, "no value is published; plants run at capacity "
                             "and the fuel is under long contracts")},
    "trade_elasticity": dict.fromkeys(FormType, _QUALIFIED) | {
        FormType.ORE: _BULK,
        FormType.FUEL: Prior(6.0, 2.1, 17.0, "no short-run value is published; cargoes can be "
                             "diverted unless the contract names a port; upper end is the "
                             "medium-run GTAP value for gas (17.2)")},
    "surge": dict.fromkeys(FormType, _IDLE) | {
        FormType.FUEL: Prior(0.03, 0.011, 0.08, "no figure is published; plants exceed nameplate "
                             "by a few percent by putting off maintenance")},
    "lane_growth": dict.fromkeys(FormType, _GROWTH) | {
        FormType.FUEL: Prior(0.5, 0.2, 1.25, "no figure is published; ships are diverted within "
                             "weeks, terminals are the limit")},
    "entry_cost": dict.fromkeys(FormType, _NEW) | {
        FormType.ORE: _NEW_ORE,
        FormType.FUEL: Prior(0.05, 0.0125, 0.2, "no figure is published; longer voyages and "
                             "diversion fees")},
}  # fmt: skip
"""What was assumed, by number of a chain's behaviour and kind of material."""


@dataclass(frozen=True)
class BehaviourEstimate:
    """One number for one kind of material.

    Attributes
    ----------
    name, kind
        Number of the behaviour, kind of material.
    value, low, high
        Middle, and the range that holds 80 %: the prior's where `is_narrowed` is not.
    prior
        What was assumed before.
    is_narrowed
        Whether the episodes taught anything.
    """

    name: str
    kind: FormType
    value: float
    low: float
    high: float
    prior: Prior
    is_narrowed: bool


def behaviour_sets(count: int = SETS, *, seed: int = 0) -> Vector:
    """Return standard normal quantiles of the sets, shape (set, number), in the order of PRIORS."""
    sampler = qmc.Sobol(len(PRIORS), scramble=True, rng=np.random.default_rng(seed))
    return np.asarray(special.ndtri(sampler.random(count)))


def values_of(sets: Vector, kind: FormType) -> dict[str, Vector]:
    """Return the values of the sets for a kind of material, each of shape (set,)."""
    return {name: by[kind].at(z) for (name, by), z in zip(PRIORS.items(), sets.T, strict=True)}


def run_sets(market: StressMarket, sets: Vector) -> Scored:
    """Return an episode's forecasts with every set, and their errors."""
    values = values_of(sets, market.case.kind)
    told = [
        market.forecast({name: float(v[i]) for name, v in values.items()})
        for i in range(sets.shape[0])
    ]
    years = tuple(Forecast.joined(same_year) for same_year in zip(*told, strict=True))
    return score_case(market.case, Given.TOTAL_EXPORTS, years)


def score_rows(scored: Scored) -> pl.DataFrame:
    """Return what is kept of a run: ``episode, kind, set, error, price_error``."""
    count = scored.errors.size
    return pl.DataFrame(
        {
            "episode": [scored.case.episode.id] * count,
            "kind": [str(scored.case.kind)] * count,
            "set": list(range(count)),
            "error": scored.errors,
            "price_error": scored.price_errors,
        }
    )


def event_counts(episodes: Sequence[str]) -> dict[str, float]:
    """Return for how many episodes each counts: one over those of its event, itself included.

    Parameters
    ----------
    episodes
        Identifiers of bundled episodes.
    """
    known = {e: load_episode(e) for e in episodes}
    told = {e: (episode, episode_codes(episode)) for e, episode in known.items()}
    return {e: 1.0 / sum(is_one_event(told[e], other) for other in told.values()) for e in told}


def estimate_behaviour(
    sets: Vector,
    rows: pl.DataFrame,
    kinds: Sequence[FormType] = tuple(FormType),
    *,
    counts: Mapping[str, float],
) -> tuple[BehaviourEstimate, ...]:
    """Return the estimates that scores of episodes speak for.

    Parameters
    ----------
    sets
        As `behaviour_sets` gives them.
    rows
        Scores of all episodes, as `score_rows` gives them.
    kinds
        Kinds of material.
    counts
        For how many episodes each counts, as `event_counts` gives it.
    """
    parts = rows.sort("episode", "set").partition_by("episode", maintain_order=True)
    episodes = [
        (FormType(part["kind"][0]), part["error"].to_numpy(), part["price_error"].to_numpy())
        for part in parts
    ]
    weighed = [counts[part["episode"][0]] for part in parts]
    out = []
    for kind in kinds:
        weight = weights_of(kind, episodes, weighed)
        for (name, by), z in zip(PRIORS.items(), sets.T, strict=True):
            out.append(_estimate(name, kind, by[kind], z, weight))
    return tuple(out)


def _estimate(
    name: str, kind: FormType, prior: Prior, z: Vector, weight: Vector
) -> BehaviourEstimate:
    """Return the weighted mean and standard deviation, or the prior if they are near it."""
    middle = float(weight @ z)
    width = float(np.sqrt(weight @ (z - middle) ** 2))
    is_narrowed = width <= _NARROWER or abs(middle) >= _MOVED
    if not is_narrowed:
        return BehaviourEstimate(
            name, kind, prior.value, prior.low, prior.high, prior, is_narrowed=False
        )
    ends = np.array([middle, middle - _MIDDLE_ENDS * width, middle + _MIDDLE_ENDS * width])
    value, low, high = (float(v) for v in prior.at(ends))
    return BehaviourEstimate(name, kind, value, low, high, prior, is_narrowed=True)


def kept_scores() -> pl.DataFrame:
    """Return the scores that came with the package; see `score_rows`."""
    file = files("lodeline.studies.backtest") / SCORES
    return pl.read_csv(file.read_bytes())


def estimates_table(rows: pl.DataFrame) -> str:
    """Return the table that chains read (TOML), estimated from scores of the sets released."""
    sets = behaviour_sets(int(rows["set"].max()) + 1)  # type: ignore[arg-type]
    episodes = rows["episode"].n_unique()
    edition = data.dataset_identity()
    lines = [
        "# Written by tools/renew_estimates.py from the scores of the backtest: not to be edited.",
        "",
        "[made]",
        f"episodes = {episodes}",
        f"sets = {sets.shape[0]}",
        f'edition = "{edition["edition"]}"',
        f'sha256 = "{edition["sha256"]}"',
    ]
    counts = event_counts(rows["episode"].unique().sort().to_list())
    for e in estimate_behaviour(sets, rows, counts=counts):
        lines += [
            "",
            f"[{e.kind}.{e.name}]",
            *(f"{key} = {_rounded(getattr(e, key))}" for key in ("value", "low", "high")),
            "lognormal = true",
            *(() if e.is_narrowed else ("assumed = true",)),
            f'source = "{_source(e, episodes)}"',
        ]
    return "\n".join(lines) + "\n"


def _rounded(value: float) -> float:
    return float(f"{value:.2g}")


def _source(estimate: BehaviourEstimate, episodes: int) -> str:
    prior = estimate.prior
    if not estimate.is_narrowed:
        why = prior.why[0].upper() + prior.why[1:]
        return f"Prior range, the episodes of the backtest do not narrow it. {why}"
    return (
        f"Backtest of {episodes} real restrictions by the stress test's own market "
        f"(docs/backtest.md), kind {estimate.kind}; assumed before: {prior.value:g} "
        f"({prior.low:g} to {prior.high:g})"
    )
