"""Natural Earth outlines (TopoJSON) to compact GeoJSON keyed by ISO3."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .table import BuildError, BuiltTable, Change

__all__ = ["build_world_map"]

DECIMALS = 2
ISO_NUMBERS = {
    "840": "USA", "250": "FRA", "356": "IND", "756": "CHE", "578": "NOR", "158": "TWN",
    "630": "PRI", "732": "ESH", "010": "ATA", "260": "ATF", "729": "SDN", "728": "SSD",
}  # fmt: skip
"""Numbers of ISO 3166 that differ from the trade source's, or that it lacks."""
BY_NAME = {"Kosovo": "XKX"}


def _arcs(topology: Mapping[str, Any]) -> list[list[tuple[float, float]]]:
    (sx, sy), (tx, ty) = topology["transform"]["scale"], topology["transform"]["translate"]
    decoded = []
    for arc in topology["arcs"]:
        x = y = 0
        points = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            points.append((round(x * sx + tx, DECIMALS), round(y * sy + ty, DECIMALS)))
        decoded.append(points)
    return decoded


def _ring(indices: list[int], arcs: list[list[tuple[float, float]]]) -> list[list[float]]:
    points: list[tuple[float, float]] = []
    for index in indices:
        part = arcs[index] if index >= 0 else arcs[~index][::-1]
        points += part[1:] if points else part
    slim = [point for n, point in enumerate(points) if n == 0 or point != points[n - 1]]
    return [list(point) for point in slim]


def _polygons(
    geometry: Mapping[str, Any], arcs: list[list[tuple[float, float]]]
) -> list[list[list[list[float]]]]:
    parts = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
    polygons = [[_ring(ring, arcs) for ring in polygon] for polygon in parts]
    return [[ring for ring in rings if len(ring) >= 4] for rings in polygons if len(rings[0]) >= 4]


def build_world_map(path: Path, numbers: Mapping[int, str]) -> BuiltTable:
    """Return the outlines; `numbers` gives ISO3 by the trade source's country number."""
    try:
        topology = json.loads(path.read_text(encoding="utf-8"))
        geometries = topology["objects"]["countries"]["geometries"]
        arcs = _arcs(topology)
    except (OSError, ValueError, KeyError) as error:
        raise BuildError(f"{path}: no TopoJSON of countries ({error}).") from None
    features, unnamed = [], 0
    for geometry in geometries:
        number, name = str(geometry.get("id", "")), geometry["properties"]["name"]
        iso3 = ISO_NUMBERS.get(number) or BY_NAME.get(name)
        iso3 = iso3 or (numbers.get(int(number)) if number.isdigit() else None)
        if iso3 is None:
            unnamed += 1
            continue
        shape = {"type": "MultiPolygon", "coordinates": _polygons(geometry, arcs)}
        properties = {"name": name}
        features.append(
            {"type": "Feature", "id": iso3, "properties": properties, "geometry": shape}
        )
    features.sort(key=lambda feature: str(feature["id"]))
    document = {"type": "FeatureCollection", "features": features}
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"
    return BuiltTable(
        name="world_map",
        title="Outlines of countries, 1:110 million",
        publisher="Natural Earth",
        source="Natural Earth 1:110m cultural vectors (admin 0 countries), by way of the TopoJSON "
        "of world-atlas 2.0.2",
        edition="Natural Earth 4.1 as packed by world-atlas 2.0.2",
        licence="public domain (Natural Earth); ISC (world-atlas)",
        attribution="Made with Natural Earth. TopoJSON: world-atlas, Copyright 2013-2019 "
        "Michael Bostock, ISC.",
        url="https://www.naturalearthdata.com/",
        unit="degrees (WGS 84), two decimals",
        columns={"id": "ISO3", "properties.name": "name on the map", "geometry": "MultiPolygon"},
        content=text.encode("utf-8"),
        rows=len(features),
        steps=["TopoJSON to GeoJSON", f"rounded to {DECIMALS} decimals", "ISO numbers to ISO3"],
        changes=[Change("dropped", unnamed, "area without an ISO3 code")],
    )
