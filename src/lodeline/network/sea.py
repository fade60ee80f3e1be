"""Seas: how far it is from a country to another, and through which narrows the way leads.

A country ships from one coast or two; lanes take the shortest way on a small graph of seas
(``network/sea.toml``). From it follow the days at sea, what passes a strait or canal, and how much
longer the way is without it. Geography is fact; that every lane goes the shortest way, and by which
coast a country with two of them ships, is assumed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from lodeline.errors import UnknownNameError
from lodeline.network.chain import Parameter

__all__ = ["DAYS_A_MONTH", "Passage", "Sea", "sea"]

DAYS_A_MONTH = 365.0 / 12.0
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Passage:
    """How a lane depends on a route.

    Attributes
    ----------
    share
        Share of the lane that passes it, 0 to 1.
    extra_days
        Days by which the way round is longer, mean over what has one; infinite if nothing has.
    turning
        Share of the lane that passes and has another way; at most `share`.
    """

    share: float
    extra_days: float
    turning: float


@dataclass(frozen=True)
class Sea:
    """The graph of seas.

    Attributes
    ----------
    routes
        Name in words by identifier (``strait-of-hormuz``).
    points
        The seas.
    coasts
        Share of a country's trade by coast.
    overland
        Neighbours that trade by land, though the way by sea would pass a narrow.
    miles
        Shortest way between two points, nautical miles, shape (point, point), by the routes that
        are closed: none, one or two.
    miles_a_day, handling_days, land_days
        See ``sea.toml``.
    """

    routes: Mapping[str, str]
    points: tuple[str, ...]
    coasts: Mapping[str, Mapping[str, float]]
    overland: frozenset[frozenset[str]]
    miles: Mapping[frozenset[str], Vector]
    miles_a_day: Parameter
    handling_days: Parameter
    land_days: Parameter

    def days(self, origin: str, destination: str) -> float:
        """Return the days from door to door, mean over the coasts.

        Countries that the file does not place (areas nes), those of inland Asia, and the
        neighbours under ``overland`` are taken to trade by land.
        """
        pairs = self._pairs(origin, destination)
        if not pairs:
            return self.land_days.value + self.handling_days.value
        way = sum(w * self.miles[frozenset()][i, j] for i, j, w in pairs)
        return float(way) / self.miles_a_day.value + self.handling_days.value

    def passage(
        self, route: str, origin: str, destination: str, *, avoiding: str | None = None
    ) -> Passage:
        """Return how a lane depends on a route.

        Parameters
        ----------
        route
            The route asked about.
        origin, destination
            ISO3 codes.
        avoiding
            A route that the lane goes round already.

        Raises
        ------
        UnknownNameError
            If there is no such route.
        """
        if route not in self.routes:
            raise UnknownNameError("route", route, self.routes)
        without = frozenset() if avoiding is None else frozenset({avoiding})
        share = turning = extra = 0.0
        for i, j, weight in self._pairs(origin, destination):
            usual, longer = self.miles[without][i, j], self.miles[without | {route}][i, j]
            if longer > usual:
                share += weight
            if usual < longer < np.inf:
                turning += weight
                extra += weight * float(longer - usual)
        days = extra / turning / self.miles_a_day.value if turning > 0.0 else np.inf
        return Passage(share, days if share > 0.0 else 0.0, turning)

    def _pairs(self, origin: str, destination: str) -> list[tuple[int, int, float]]:
        """Return pairs of coasts with their weights; none where goods go by land.

        Two countries on one sea trade there: of the coasts that they share, nothing goes round.
        Otherwise each coast has its share of the trade with everybody, near or far.
        """
        if frozenset({origin, destination}) in self.overland:
            return []
        here, there = self.coasts.get(origin, {}), self.coasts.get(destination, {})
        shared = set(here) & set(there)
        if shared:
            point = self.points.index(min(shared))
            return [(point, point, 1.0)]
        return [
            (self.points.index(a), self.points.index(b), v * w)
            for a, v in here.items()
            for b, w in there.items()
        ]


@cache
def sea() -> Sea:
    """Return the packaged graph of seas."""
    text = resources.files("lodeline.network").joinpath("sea.toml").read_text(encoding="utf-8")
    raw = tomllib.loads(text)
    points = tuple(sorted({p for way in raw["ways"] for p in way["between"]}))
    coasts = {c: {point: 1.0} for point, members in raw["coasts"].items() for c in members}
    coasts |= raw["two_coasts"]
    overland = {frozenset({c, other}) for c, near in raw["overland"].items() for other in near}
    closed = [frozenset(some) for k in range(3) for some in combinations(raw["routes"], k)]
    return Sea(
        routes=raw["routes"],
        points=points,
        coasts=coasts,
        overland=frozenset(overland),
        miles={routes: _shortest(raw["ways"], points, routes) for routes in closed},
        miles_a_day=Parameter.model_validate(raw["miles_a_day"]),
        handling_days=Parameter.model_validate(raw["handling_days"]),
        land_days=Parameter.model_validate(raw["land_days"]),
    )


def _shortest(
    ways: list[dict[str, object]], points: tuple[str, ...], closed: frozenset[str]
) -> Vector:
    """Return the shortest ways without routes (Floyd 1962, Communications of the ACM 5, 345)."""
    size = len(points)
    out = np.full((size, size), np.inf)
    np.fill_diagonal(out, 0.0)
    for way in ways:
        if way.get("route") in closed:
            continue
        a, b = (points.index(p) for p in way["between"])  # type: ignore[attr-defined]
        out[a, b] = out[b, a] = float(way["miles"])  # type: ignore[arg-type]
    for k in range(size):
        out = np.minimum(out, out[:, k : k + 1] + out[k : k + 1, :])
    return out
