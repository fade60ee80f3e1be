"""Shares of origin of what countries use of one form, stage by stage, with routes and ranges."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lodeline.network.base_year import BaseYear
from lodeline.network.doubt import Doubt
from lodeline.network.mines import MINE, MineOutput, begins_at_mine, mine_feed, mine_output
from lodeline.network.tracing import Traced, arrivals, passing, trace

__all__ = [
    "DRAWS",
    "HUBS",
    "NOT_TRACED",
    "TRANSIT",
    "FormOrigin",
    "Leg",
    "Stages",
    "Target",
    "hubs_of",
    "origin_of_form",
]

Vector = NDArray[np.float64]

HUBS = ("BEL", "HKG", "NLD", "SGP")
"""Re-export hubs: what they ship is mostly what they got."""

TRANSIT: Mapping[str, tuple[str, ...]] = MappingProxyType({"antimony": ("THA",)})
"""Countries through which others' ore passes, by chain: Myanmar's antimony through Thailand."""

NOT_TRACED = "not-traced"
"""Origin of what no source explains: its output only makes a country's trade balance, or it enters
the chain after the stage. It may come from stocks, scrap, feed under other codes, or from anywhere.
"""

DRAWS = 100
"""Base years drawn for a range."""

SEED = 0
"""Fixes the draws."""

QUANTILES = (0.05, 0.95)


def hubs_of(chain: str) -> tuple[str, ...]:
    """Return the hubs and transit countries of a chain."""
    return tuple(sorted({*HUBS, *TRANSIT.get(chain, ())}))


@dataclass(frozen=True)
class Target:
    """Who uses: a country, a group with one border, or the world.

    Attributes
    ----------
    name
        ISO3, or the group's name.
    members
        Shape (country,): True for the countries of the group.
    weights
        Share of the group's absorption by country, adding up to one, shape (country,).
    tonnes
        What it absorbs of the form: use and processing, t/year.
    """

    name: str
    members: NDArray[np.bool_]
    weights: Vector
    tonnes: float


@dataclass(frozen=True)
class Leg:
    """Part of an origin's share that crosses the border from one country.

    Attributes
    ----------
    country
        The last exporter, ISO3.
    share
        Share of the target's material, 0 to 1.
    """

    country: str
    share: float


@dataclass(frozen=True)
class Span:
    """A share, 0 to 1, and its range."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class FormOrigin:
    """Where a form comes from, for several targets.

    Attributes
    ----------
    base, form
        Base year and form.
    targets
        Who uses.
    split
        How a trace becomes shares by stage; its ``origins`` (ISO3, and last `NOT_TRACED`) index
        the arrays below.
    stages
        Stages from the first on: ``mine`` where it can be told, then forms.
    value
        Share of the target's material by origin, shape (stage, origin, target); over origins it
        adds up to one.
    low, high
        5 and 95 per cent quantiles of `DRAWS` base years with other imputed figures. `low` is what
        is traced there, `high` as if all that is not traced came from there.
    first_seen
        Where what is not traced is seen first, shape (stage, origin, target).
    arrived
        Share that crosses the border last from a country, or is made inside, shape (origin,
        target); made inside as far as a source says so, else it stands at `NOT_TRACED`.
    """

    base: BaseYear
    form: str
    targets: tuple[Target, ...]
    split: Stages
    stages: tuple[str, ...]
    value: Vector
    low: Vector
    high: Vector
    first_seen: Vector
    arrived: Vector

    @property
    def origins(self) -> tuple[str, ...]:
        """ISO3 codes and last `NOT_TRACED`, the index of the arrays by origin."""
        return self.split.origins

    def share_of(self, countries: Collection[str], stage: int, target: int) -> Span:
        """Return the share of some countries together, at most all that is not traced included."""
        there = np.isin(np.array(self.origins), list(countries))
        untraced = float(self.value[stage, -1, target])
        value, low, high = (
            float(x[stage, there, target].sum()) for x in (self.value, self.low, self.high)
        )
        # Each country's high end holds what is not traced; together they hold it once.
        high -= max(int(there.sum()) - 1, 0) * untraced
        return Span(value, min(low, value), float(np.clip(high, value, 1.0)))

    @cached_property
    def passed(self) -> Vector:
        """Share that has been in a country at any stage, shape (origin, target)."""
        weights = np.stack([t.weights for t in self.targets], axis=1)
        places, mined = self.split.mined_for(self.base)
        met = weights.T @ passing(self.base, self.form, mined=mined)
        return self.split.place(met.T, places)

    @cached_property
    def through_hubs(self) -> Vector:
        """Part of `value` that a hub outside the target passed on: lost if hubs pass nothing on."""
        hubs = np.isin(np.array(self.base.countries), hubs_of(self.base.chain.id))
        out = np.zeros_like(self.value)
        for t, target in enumerate(self.targets):
            stop = hubs & ~target.members
            traced = trace(self.base, self.form, target.weights[:, None], stop=stop)
            kept = self.split.shares(self.base, traced)[:, :, 0]
            out[:, :, t] = np.maximum(self.value[:, :, t] - kept, 0.0)
        return out

    def legs(self, target: int) -> dict[str, dict[str, tuple[Leg, ...]]]:
        """Return by stage and origin the last exporters other than the origin, largest first."""
        goal = self.targets[target]
        found = arrivals(self.base, self.form, goal.weights, goal.members)
        senders = np.flatnonzero(found.lane > _LEAST_LEG)
        weights = np.zeros((len(self.base.countries), senders.size))
        weights[senders, np.arange(senders.size)] = found.lane[senders]
        sent = self.split.shares(self.base, trace(self.base, self.form, weights))
        names = [self.base.countries[j] for j in senders]
        out: dict[str, dict[str, tuple[Leg, ...]]] = {}
        for stage, share in zip(self.stages, sent, strict=True):
            out[stage] = {
                self.origins[o]: _legs(self.origins[o], names, share[o])
                for o in np.flatnonzero(share.max(axis=1, initial=0.0) > _LEAST_LEG)
            }
        return out


def _legs(origin: str, senders: list[str], shares: Vector) -> tuple[Leg, ...]:
    legs = [
        Leg(name, float(part))
        for name, part in zip(senders, shares, strict=True)
        if part > _LEAST_LEG and name != origin
    ]
    return tuple(sorted(legs, key=lambda leg: -leg.share))


_LEAST_LEG = 1e-4


def origin_of_form(
    base: BaseYear, form: str, targets: tuple[Target, ...], *, doubt: Doubt, draws: int = DRAWS
) -> FormOrigin:
    """Return where a form comes from, by stage.

    Parameters
    ----------
    base
        Balanced base year.
    form
        Form that is used.
    targets
        Who uses; at least one.
    doubt
        What of the base year nobody observed, see `lodeline.network.doubt`.
    draws
        Number of base years drawn for the range.
    """
    weights = np.stack([t.weights for t in targets], axis=1)
    stages = Stages.of(doubt)
    traced = trace(base, form, weights)
    value = stages.shares(base, traced)
    value[:, -1] += np.maximum(traced.lost, 0.0)
    low, high = _range(doubt, form, weights, stages, value, draws)
    return FormOrigin(
        base=base,
        form=form,
        targets=targets,
        split=stages,
        stages=stages.names(base, traced),
        value=value,
        low=low,
        high=high,
        first_seen=stages.first_seen(base, traced),
        arrived=np.stack([_arrived(base, form, t, stages) for t in targets], axis=1),
    )


def _arrived(base: BaseYear, form: str, target: Target, stages: Stages) -> Vector:
    """Return what arrives from each country, or is made inside by a listed maker."""
    found = arrivals(base, form, target.weights, target.members)
    is_untraced = stages.is_untraced[base.forms.index(form)]
    out = stages.place(found.lane + np.where(is_untraced, 0.0, found.home), base.countries)
    out[-1] += found.home[is_untraced].sum()
    return out


@dataclass(frozen=True)
class Stages:
    """Turns a trace into shares by stage, the mine first where it can be told.

    Attributes
    ----------
    countries, origins
        Index of the trace, and of the shares: with the miners that trade nothing of the chain,
        and last `NOT_TRACED`.
    ore
        Mine output where the chain begins after the mine.
    is_untraced
        Outputs that no source explains, shape (form, country).
    """

    countries: tuple[str, ...]
    origins: tuple[str, ...]
    ore: MineOutput | None
    is_untraced: NDArray[np.bool_]

    @classmethod
    def of(cls, doubt: Doubt) -> Self:
        """Return the stages of a base year."""
        base = doubt.base
        ore = mine_output(base.chain, base.year)
        origins = sorted({*base.countries, *(ore.miners if ore else ())})
        return cls(base.countries, (*origins, NOT_TRACED), ore, doubt.is_untraced)

    def place(self, values: Vector, countries: tuple[str, ...]) -> Vector:
        """Return values by `countries` as values by `origins`; zero for the others."""
        where = {c: i for i, c in enumerate(self.origins)}
        out = np.zeros((len(self.origins), *values.shape[1:]))
        out[[where[c] for c in countries]] = values
        return out

    def shares(self, base: BaseYear, traced: Traced, *, is_pooled: bool = False) -> Vector:
        """Return shares, shape (stage, origin, target); stages as in `names`.

        With what the trace lost they add up to its weights.
        """
        unknown = self.first_seen(base, traced)
        out = [self.place(made, self.countries) for made in traced.made.values()]
        if self.ore is not None:
            feed = mine_feed(base, self.ore, self._makers(base), is_pooled=is_pooled)
            known, rest = self._entered(base, traced)
            mined = self.place(feed @ known, self.ore.miners)
            out.insert(0, mined + self.place(rest, self.countries))
        shares = np.maximum(np.stack(out) - unknown, 0.0)
        shares[:, -1] = unknown.sum(axis=1)
        return shares

    def first_seen(self, base: BaseYear, traced: Traced) -> Vector:
        """Return where what is not traced at a stage is seen first, shaped as `shares`.

        An output that no source explains, or one that enters the chain after the stage: its feed
        is in no lane of the chain.
        """
        forms = list(base.forms)
        out = []
        for name, made in traced.made.items():
            k = forms.index(name)
            after = np.zeros_like(made)
            for g, part in traced.entered.items():
                after = after + (part if forms.index(g) > k else 0.0)
            seen = np.where(self.is_untraced[k][:, None], made, after)
            out.append(self.place(seen, self.countries))
        if self.ore is not None:
            out.insert(0, self.place(self._entered(base, traced)[1], self.countries))
        return np.stack(out)

    def mined_for(self, base: BaseYear) -> tuple[tuple[str, ...], Vector | None]:
        """Return whose ore each listed maker of the first form used, as `passing` takes it.

        The places are the countries of the base year, then the miners that are none of them; no
        shares where the chain begins at the mine or nobody publishes who mines.
        """
        if self.ore is None:
            return self.countries, None
        abroad = tuple(c for c in self.ore.miners if c not in self.countries)
        places = (*self.countries, *abroad)
        makers = self._makers(base)
        mined = np.zeros((len(self.countries), len(places)))
        feed = mine_feed(base, self.ore, makers) * (makers > 0.0)
        mined[:, [places.index(c) for c in self.ore.miners]] = feed.T
        return places, mined

    def _makers(self, base: BaseYear) -> Vector:
        return np.where(self.is_untraced[0], 0.0, base.produced[0])

    def names(self, base: BaseYear, traced: Traced) -> tuple[str, ...]:
        """Return the stages from the first on."""
        names = tuple(traced.made)
        if self.ore is not None:
            return (MINE, *names)
        if begins_at_mine(base.chain) and names[0] == base.forms[0]:
            return (MINE, *names[1:])
        return names

    def _entered(self, base: BaseYear, traced: Traced) -> tuple[Vector, Vector]:
        """Return what listed makers of the first form brought in, and all the rest."""
        first = base.forms[0]
        known = np.where(self.is_untraced[0][:, None], 0.0, traced.entered[first])
        whole = np.asarray(sum(traced.entered.values()))
        return known, whole - known


def _range(
    doubt: Doubt, form: str, weights: Vector, stages: Stages, value: Vector, draws: int
) -> tuple[Vector, Vector]:
    """Return low and high, widened to hold the value; high with all that is not traced."""
    most = _with_untraced(value)
    if draws == 0:
        return value, most
    drawn = np.empty((draws, *value.shape))
    for k in range(draws):
        base = doubt.draw(np.random.default_rng([SEED, k]))
        traced = trace(base, form, weights)
        # Every other draw takes the other rule for whose ore was used.
        shares = stages.shares(base, traced, is_pooled=k % 2 == 1)
        # A draw does not balance: what a stage finds is less than all, and differs by stage.
        drawn[k] = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-300)
    low = np.quantile(drawn, QUANTILES[0], axis=0)
    high = np.quantile(_with_untraced(drawn), QUANTILES[1], axis=0)
    return np.minimum(low, value), np.maximum(high, most)


def _with_untraced(shares: Vector) -> Vector:
    """Return shares as if all that is not traced came from each origin in turn."""
    most = shares + shares[..., -1:, :]
    most[..., -1, :] = shares[..., -1, :]
    return np.minimum(most, 1.0)
