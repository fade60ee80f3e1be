"""Countries: codes, names, outlines."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from lodeline.data.bundle import read_bytes, read_table

__all__ = ["countries", "country_names", "world_map"]


def countries() -> pl.DataFrame:
    """Return every code that a bundled table uses.

    Returns
    -------
    polars.DataFrame
        ``iso3, name, numeric, kind, note``: `numeric` is the trade source's number (null where it
        has none), `kind` is ``country``, ``former`` or ``group``.
    """
    return read_table("countries")


def country_names() -> dict[str, str]:
    """Return the English name by ISO3 code."""
    table = countries()
    return dict(zip(table["iso3"], table["name"], strict=True))


def world_map() -> dict[str, Any]:
    """Return outlines of countries as GeoJSON; the ``id`` of a feature is its ISO3 code."""
    document: dict[str, Any] = json.loads(read_bytes("world_map"))
    return document
