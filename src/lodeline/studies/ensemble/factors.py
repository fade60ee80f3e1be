"""What an ensemble draws: its factors, and the numbers of scenario i.

A factor is one uncertain number: whether an event happens, when, for how long, and every dial of
the restrictions and chains. Scenario i is point i of a scrambled Sobol sequence, so it depends on
the seed and i alone, not on how many scenarios there are or who computes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from lodeline.errors import InputError, Problem, SpecError, UnknownNameError
from lodeline.network.base_year import BaseYear
from lodeline.scenarios.ensemble_spec import Distribution, Ensemble, Event, MonthRange, Spread
from lodeline.scenarios.restrictions import Restriction
from lodeline.studies.dials import INFERRED, Dial, dials_of

__all__ = ["Factor", "Sample", "draw", "factor_key", "factors_of", "quantiles_of",
           "restrictions_of", "sample_at"]  # fmt: skip

Vector = NDArray[np.float64]

_PERT_WEIGHT = 4.0
"""Weight of the central value (Malcolm et al. 1959, Operations Research 7, 646-669)."""
_TAIL = 0.01
"""Share at either end of a lognormal distribution that is not drawn."""
_MIDDLE_ENDS = 0.9
"""Where the middle 80 % of a distribution ends."""
_BASE_YEARS = 4
"""Base years of a chain with inferred lanes, if one form has them: each needs its own network."""
_SHARES = (
    *("concentration", "severity", "leakage", "leakage_later", "share_of_base", "approval_share"),
    *("diverted", "de_minimis", "share", "release_share"),
)
_ABOVE_ONE = ("onward_price", "trigger", "empty_at")
_MAY_BE_ZERO = (
    *("surge", "entry_cost", "stock_days", "trader_days", "rebuild", "hold_days"),
    *("tonnes_per_year", "delay_months", "rate", "recovery_months", "leakage_months", "floor"),
    *("cost_per_day", "rise", "fade_months", "extra_days", "over_months", "build_months"),
)


@dataclass(frozen=True)
class Factor:
    """One number that an ensemble draws, or keeps fixed.

    Attributes
    ----------
    key
        ``EVENT.happens``, ``EVENT.delay_months``, ``EVENT.RESTRICTION.severity``,
        ``CHAIN.behaviour.surge``, ``CHAIN.stocks.JPN``.
    label, unit
        In words, for readers.
    distribution
        How it is spread; `happens` is uniform between 0 and 1 and true below `value`.
    value, low, high
        Central value and range.
    is_whole
        Whole numbers from low to high, each equally likely.
    steps
        So many values, equally likely: the middles of equal parts of the distribution. 0: all.
    source, assumed
        Where the range comes from; whether nobody publishes it.
    chains
        Chains that it can move.
    """

    key: str
    label: str
    unit: str
    distribution: Distribution
    value: float
    low: float
    high: float
    is_whole: bool = False
    source: str = ""
    assumed: bool = False
    chains: tuple[str, ...] = ()
    steps: int = 0

    @property
    def is_drawn(self) -> bool:
        """Whether it differs between scenarios."""
        if self.key.endswith(".happens"):
            return 0.0 < self.value < 1.0
        return self.distribution is not Distribution.FIXED and self.high > self.low

    @property
    def levels(self) -> Vector:
        """The values of a factor with steps, rising, shape (step,); one if it is not drawn."""
        count = self.steps if self.is_drawn else 1
        return self.at((np.arange(count) + 0.5) / count)

    def at(self, u: Vector) -> Vector:
        """Return the values at the quantiles `u`, shape of `u`."""
        if self.key.endswith(".happens"):
            return (u < self.value).astype(float)
        if not self.is_drawn:
            return np.full(u.shape, self.value)
        width = self.high - self.low
        if self.is_whole:
            return self.low + np.floor(u * (width + 1.0))
        if self.steps:
            u = (np.floor(u * self.steps) + 0.5) / self.steps
        mode = (self.value - self.low) / width
        match self.distribution:
            case Distribution.UNIFORM:
                share = u
            case Distribution.LOGNORMAL:
                return self._lognormal(u)
            case Distribution.TRIANGULAR:
                rising = np.sqrt(u * mode)
                falling = 1.0 - np.sqrt((1.0 - u) * (1.0 - mode))
                share = np.where(u < mode, rising, falling)
            case _:
                first = 1.0 + _PERT_WEIGHT * mode
                second = 1.0 + _PERT_WEIGHT * (1.0 - mode)
                share = special.betaincinv(first, second, u)
        return np.asarray(self.low + width * share)

    def _lognormal(self, u: Vector) -> Vector:
        """Return values of which low and high hold the middle; each side has its own width."""
        z = special.ndtri(_TAIL + (1.0 - 2.0 * _TAIL) * u) / special.ndtri(_MIDDLE_ENDS)
        ends = np.where(z < 0.0, self.value / self.low, self.high / self.value)
        return np.asarray(self.value * ends**z)


@dataclass(frozen=True)
class Sample:
    """The numbers of consecutive scenarios.

    Attributes
    ----------
    first
        Index of the first scenario.
    quantiles
        u of each drawn factor, and of a dummy that means nothing, shape (scenario, drawn + 1).
    values
        Value of every factor by its key, each of shape (scenario,).
    """

    first: int
    quantiles: Vector
    values: Mapping[str, Vector]


def draw(factors: Sequence[Factor], *, seed: int, first: int, count: int) -> Sample:
    """Return the numbers of scenarios `first` to `first + count − 1`.

    Parameters
    ----------
    factors
        All factors; the order fixes which dimension of the sequence each gets.
    seed
        Fixes the scrambling.
    first, count
        Which scenarios.
    """
    quantiles = quantiles_of(factors, seed=seed, first=first, count=count)
    return sample_at(factors, first, quantiles)


def quantiles_of(factors: Sequence[Factor], *, seed: int, first: int, count: int) -> Vector:
    """Return u of each drawn factor and of the dummy, shape (scenario, drawn + 1); see `draw`."""
    # Imported here: all of scipy.stats comes with it, and workers are given their quantiles.
    from scipy.stats import qmc

    dimensions = sum(f.is_drawn for f in factors) + 1
    engine = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng(seed))
    if first:
        engine.fast_forward(first)
    # The sequence wants to begin with a power of two; what is too much is cut off.
    whole = 1 << (count - 1).bit_length()
    return np.asarray(engine.random(whole), dtype=np.float64)[:count]


def sample_at(factors: Sequence[Factor], first: int, quantiles: Vector) -> Sample:
    """Return the numbers at quantiles made by `quantiles_of`."""
    drawn = [f.key for f in factors if f.is_drawn]
    column = {key: quantiles[:, k] for k, key in enumerate(drawn)}
    unused = np.zeros(quantiles.shape[0])
    return Sample(first, quantiles, {f.key: f.at(column.get(f.key, unused)) for f in factors})


def restrictions_of(ensemble: Ensemble, chain: str) -> tuple[tuple[Event, Restriction], ...]:
    """Return the restrictions on a chain with their events, named ``EVENT.RESTRICTION``."""
    return tuple(
        (event, r.model_copy(update={"id": f"{event.name}.{r.id}"}))
        for event in ensemble.events
        for r in event.chosen
        if r.chain == chain
    )


def factors_of(
    ensemble: Ensemble, bases: Mapping[str, BaseYear], *, lanes: bool = True
) -> tuple[Factor, ...]:
    """Return all factors: events first, then restrictions and behaviour by chain.

    Parameters
    ----------
    ensemble
        The specification.
    bases
        Base year of every simulated chain, by its identifier.
    lanes
        Whether inferred lanes are drawn; if not, all scenarios share these base years.

    Raises
    ------
    UnknownNameError
        If `dials` names one that does not exist.
    SpecError
        If a dial's range is impossible.
    """
    factors = [
        f
        for event in ensemble.events
        if any(r.chain in bases for r in event.chosen)
        for f in _event_factors(event)
    ]
    several = len(bases) > 1
    for chain, base in bases.items():
        own = [r for _, r in restrictions_of(ensemble, chain)]
        for dial in dials_of(base, own, ensemble.reserves):
            factor = _dial_factor(dial, chain, ensemble.distribution, several=several)
            if not dial.key.startswith(INFERRED):
                factors.append(factor)
            elif lanes:
                factors.append(replace(factor, steps=_lane_steps(base)))
    found = _overridden(factors, ensemble)
    problems = [p for f in found for p in _tail_problems(f)]
    if problems:
        raise SpecError(f"ensemble {ensemble.id}", problems)
    return found


def _lane_steps(base: BaseYear) -> int:
    """Return how many values the inferred lanes of each form take."""
    forms = sum(form.inferred is not None for form in base.chain.forms)
    return max(2, round(float(_BASE_YEARS ** (1.0 / forms))))


def _event_factors(event: Event) -> Iterator[Factor]:
    chains = tuple(dict.fromkeys(r.chain for r in event.chosen))
    yield Factor(
        f"{event.name}.happens", f"{event.name} happens", "1",
        Distribution.UNIFORM, event.probability, 0.0, 1.0, assumed=True, chains=chains,
    )  # fmt: skip
    yield _months(event.name, "delay_months", "starts later", event.delay_months, chains)
    if event.duration_months is not None:
        yield _months(event.name, "duration_months", "lasts", event.duration_months, chains)


def _months(
    event: str, name: str, words: str, given: MonthRange, chains: tuple[str, ...]
) -> Factor:
    low, high = float(given.low), float(given.high)
    return Factor(
        f"{event}.{name}", f"{event} {words}", "months", Distribution.UNIFORM,
        (low + high) / 2.0, low, high, is_whole=True, source=given.note, assumed=True,
        chains=chains,
    )  # fmt: skip


def factor_key(dial: Dial, chain: str) -> str:
    """Return the key of the factor that draws a dial of a chain."""
    own = dial.key.removeprefix("restriction.")
    return own if own != dial.key else f"{chain}.{dial.key}"


def _dial_factor(dial: Dial, chain: str, default: Distribution, *, several: bool) -> Factor:
    is_restriction = dial.key.startswith("restriction.")
    label = dial.label if is_restriction or not several else f"{dial.label} ({chain})"
    distribution = Distribution.LOGNORMAL if dial.lognormal else default
    if default is Distribution.FIXED:
        distribution = default
    return Factor(
        factor_key(dial, chain), label, dial.unit, distribution, dial.value, dial.low, dial.high,
        source=dial.source, assumed=dial.assumed, chains=(chain,),
    )  # fmt: skip


def _overridden(factors: Sequence[Factor], ensemble: Ensemble) -> tuple[Factor, ...]:
    """Return the factors with what `dials` says, which names them in full or without the chain."""
    unused = set(ensemble.dials)
    problems: list[Problem] = []
    out = []
    for factor in factors:
        short = factor.key.partition(".")[2]
        name = factor.key if factor.key in ensemble.dials else short
        spread = ensemble.dials.get(name)
        unused.discard(name)
        if spread is None:
            out.append(factor)
            continue
        changed = _changed(factor, spread, ensemble.distribution)
        problems += _range_problems(changed, name)
        out.append(changed)
    for name in sorted(unused):
        known = {f.key for f in factors} | {f.key.partition(".")[2] for f in factors}
        raise UnknownNameError("dial", name, known, "It stands under 'dials' of the ensemble.")
    if problems:
        raise SpecError(f"ensemble {ensemble.id}", problems)
    return tuple(out)


def _changed(factor: Factor, spread: Spread, default: Distribution) -> Factor:
    low = factor.low if spread.low is None else spread.low
    high = factor.high if spread.high is None else spread.high
    # A new range without a central value keeps the old one as far as it lies inside.
    value = min(max(factor.value, low), high) if spread.value is None else spread.value
    # Ends that the user gives are ends.
    own = factor.distribution if spread.low is None and spread.high is None else default
    return replace(
        factor, distribution=spread.distribution or own, value=value, low=low, high=high,
        source=spread.note or factor.source,
    )  # fmt: skip


def _range_problems(factor: Factor, name: str) -> Iterator[Problem]:
    place = f"dials.{name}"
    last = factor.key.rpartition(".")[2]
    if last in {"happens", "delay_months", "duration_months"} and factor.key.count(".") == 1:
        what = f"'{name}' is no dial but part of an event"
        yield Problem(place, what, "Set it in the event.")
        return
    if not factor.low <= factor.value <= factor.high:
        numbers = f"{factor.low:g}, {factor.value:g}, {factor.high:g}"
        what = f"needs low <= value <= high, got {numbers}"
        yield Problem(place, what, "Correct one of them.")
    may_be_zero = last in (*_SHARES, *_MAY_BE_ZERO) or ".stocks." in factor.key
    if factor.low < 0.0 or (factor.low == 0.0 and not may_be_zero):
        least = "0 or more" if may_be_zero else "more than 0"
        yield Problem(place, f"low is {factor.low:g}", f"Write {least}.")
    if last in _ABOVE_ONE and 0.0 < factor.low <= 1.0:
        yield Problem(
            place, f"low is {factor.low:g}", "Write more than 1: a multiple of the price."
        )
    if last in _SHARES and factor.high > 1.0:
        yield Problem(place, f"high is {factor.high:g}", "A share is at most 1.")


def _tail_problems(factor: Factor) -> Iterator[Problem]:
    """Yield what a lognormal distribution would draw beyond its ends and that cannot be."""
    if factor.distribution is not Distribution.LOGNORMAL or not factor.is_drawn:
        return
    place = f"dials.{factor.key}"
    if factor.low <= 0.0:
        what = f"low is {factor.low:g}, and a lognormal distribution never reaches it"
        yield Problem(place, what, "Write more than 0, or another distribution.")
        return
    least, most = (float(v) for v in factor.at(np.array([0.0, 1.0])))
    last = factor.key.rpartition(".")[2]
    if last in _SHARES and most > 1.0:
        what = f"a lognormal distribution with these ends draws up to {most:.3g}"
        yield Problem(place, what, "A share is at most 1: lower the ends, or write another one.")
    if last in _ABOVE_ONE and least <= 1.0:
        what = f"a lognormal distribution with these ends draws down to {least:.3g}"
        yield Problem(place, what, "A multiple of the price is more than 1: write another one.")


def check_count(n: int) -> None:
    """Check the number of scenarios.

    Raises
    ------
    InputError
        If it is not positive or more than the sequence holds.
    """
    if not 1 <= n <= 2**30:
        raise InputError(f"--n is {n}. Ask for at least 1 and at most {2**30} scenarios.")
