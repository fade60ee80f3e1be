"""A world map as SVG paths: geometry drawn once, coloured once for each chain.

Projection: Equal Earth (Šavrič, Patterson & Jenny 2019, International Journal of Geographical
Information Science 33(3)), which shows areas in their true proportion.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lodeline.errors import DataError
from lodeline.report import format as fmt

__all__ = [
    "CLASSES",
    "HEIGHT",
    "NO_USE",
    "WIDTH",
    "Outline",
    "Shade",
    "equal_earth",
    "outlines",
    "shades",
]

WIDTH, HEIGHT = 960.0, 440.0

_A = (1.340264, -0.081106, 0.000893, 0.003796)
_X_MOST = 2.7066299836
_NORTH, _SOUTH = 84.0, -57.0
"""Degrees of latitude shown."""

_MIDDLE = 11.0
"""Degrees east of the middle meridian: the edge then runs through the Bering Strait."""

_LEFT_OUT = frozenset({"ATA"})


@dataclass(frozen=True)
class Shade:
    """A class of the map's legend: a colour for shares from `low` up to the next class."""

    low: float
    colour: str
    label: str


CLASSES = (
    Shade(0.0, "#eef2f4", "under 1 %"),
    Shade(0.01, "#c9dde9", "1–5 %"),
    Shade(0.05, "#93bcd6", "5–15 %"),
    Shade(0.15, "#5795bd", "15–30 %"),
    Shade(0.30, "#22699a", "30–50 %"),
    Shade(0.50, "#0a3a5e", "50 % and more"),
)
"""One hue from light to dark: the order survives print in grey and any colour vision."""

NO_USE = Shade(-1.0, "#ffffff", "no recorded use, or no figure")


@dataclass(frozen=True)
class Outline:
    """A country's shape."""

    iso3: str
    name: str
    path: str


def equal_earth(longitude: float, latitude: float) -> tuple[float, float]:
    """Return x and y (y upward, radians of the unit sphere) of a place in degrees.

    Examples
    --------
    >>> equal_earth(0, 0)
    (0.0, 0.0)
    """
    a1, a2, a3, a4 = _A
    m = math.sqrt(3) / 2
    theta = math.asin(m * math.sin(math.radians(latitude)))
    t2 = theta * theta
    t6 = t2**3
    slope = 9 * a4 * t6 * t2 + 7 * a3 * t6 + 3 * a2 * t2 + a1
    x = math.radians(longitude) * math.cos(theta) / (m * slope)
    return x, theta * (a4 * t6 * t2 + a3 * t6 + a2 * t2 + a1)


def outlines(world: Mapping[str, Any]) -> tuple[Outline, ...]:
    """Return the shapes of a GeoJSON of countries.

    Parameters
    ----------
    world
        Features carry their ISO3 code as ``id`` or as property ``iso3``, and a property ``name``.

    Raises
    ------
    DataError
        If no feature carries a code: the map would be blank and look like an answer.
    """
    drawn = tuple(_outlines(world))
    if not any(o.iso3 for o in drawn):
        raise DataError(
            "the world map names no country: its features have neither an 'id' nor a property "
            "'iso3'. Run 'lodeline data verify'."
        )
    return drawn


def shades(values: Mapping[str, float | None]) -> dict[str, Shade]:
    """Return the class of each country that has a value (a share); absent ones get none."""
    return {
        country: [c for c in CLASSES if c.low <= max(value, 0.0)][-1]
        for country, value in values.items()
        if value is not None and not fmt.is_absent(value)
    }


def _outlines(world: Mapping[str, Any]) -> Iterator[Outline]:
    for feature in world["features"]:
        properties = feature["properties"]
        iso3 = str(feature.get("id") or properties.get("iso3") or "")
        if iso3 in _LEFT_OUT or feature["geometry"] is None:
            continue
        path = "".join(_ring(ring) for ring in _rings(feature["geometry"]))
        if path:
            yield Outline(iso3, str(properties.get("name") or iso3), path)


def _rings(geometry: Mapping[str, Any]) -> Iterator[Sequence[Sequence[float]]]:
    if geometry["type"] == "Polygon":
        yield from geometry["coordinates"]
    elif geometry["type"] == "MultiPolygon":
        for polygon in geometry["coordinates"]:
            yield from polygon


def _ring(ring: Sequence[Sequence[float]]) -> str:
    """Return a ring as a relative SVG path with one decimal; nothing south of the map."""
    if max(latitude for _, latitude, *_ in ring) < _SOUTH:
        return ""
    points: list[tuple[int, int]] = []
    for longitude, latitude in _unbroken(ring):
        point = _place(longitude, latitude)
        if not points or point != points[-1]:
            points.append(point)
    if len(points) < 3:
        return ""
    steps = [f"{(bx - ax) / 10:g} {(by - ay) / 10:g}" for (ax, ay), (bx, by) in pairwise(points)]
    return f"M{points[0][0] / 10:g} {points[0][1] / 10:g}l{' '.join(steps)}z"


def _unbroken(ring: Sequence[Sequence[float]]) -> Iterator[tuple[float, float]]:
    """Yield degrees from the map's middle meridian; a ring never jumps across the map.

    A shape that crosses the edge is drawn whole, a little beyond it.
    """
    before: float | None = None
    for longitude, latitude, *_ in ring:
        x = (longitude - _MIDDLE + 180.0) % 360.0 - 180.0
        if before is not None:
            x += 360.0 * round((before - x) / 360.0)
        before = x
        yield x, latitude


def _place(longitude: float, latitude: float) -> tuple[int, int]:
    """Return a place in tenths of SVG units; longitude is counted from the middle meridian."""
    x, y = equal_earth(longitude, min(max(latitude, -89.9), 89.9))
    top = equal_earth(0, _NORTH)[1]
    bottom = equal_earth(0, _SOUTH)[1]
    scale = min(WIDTH / (2 * _X_MOST), HEIGHT / (top - bottom))
    return round(10 * (WIDTH / 2 + scale * x)), round(10 * scale * (top - y))
