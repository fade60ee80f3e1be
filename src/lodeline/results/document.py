"""Results as plain data: the documents that ``--json`` prints."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import polars as pl

from lodeline.results.stress import BothResult, ChainResult, StressResult

__all__ = ["METRICS", "both_document", "stress_document"]

METRICS = (
    "unmet_share_peak",
    "unmet_t_total",
    "time_to_survive_months",
    "time_to_recover_months",
    "price_multiple_peak",
    "cost_usd",
)
"""Figures of a country in a document, in order."""


def stress_document(result: StressResult) -> dict[str, Any]:
    """Return the document of a stress test; absent values are None, never NaN."""
    document = {
        "scenario": result.scenario["id"],
        "title": result.scenario["title"],
        "mode": result.mode,
        "base_year": result.base_year,
        "months": len(result.months),
        "first_month": result.months[0],
        "headline": dict(result.headline),
        "chains": {name: _chain(chain) for name, chain in result.chains.items()},
        "countries": _summary(result.countries),
        "groups": _summary(result.groups),
        "sensitivity": [
            {
                "chain": r.chain,
                "parameter": r.parameter,
                "unit": r.unit,
                "low": r.low,
                "high": r.high,
                "at_low": r.at_low,
                "at_high": r.at_high,
                "central": r.central,
            }
            for r in result.sensitivity
        ],
        "corners": [
            {
                "chain": c.chain,
                "is_severe": c.is_severe,
                "numbers": [{"parameter": p, "unit": u, "value": v} for p, u, v in c.numbers],
                "unmet_share_peak": c.value,
            }
            for c in result.corners
        ],
        "untraced": None if result.untraced is None else asdict(result.untraced),
        "certificate": dict(result.certificate),
        "dataset": {k: result.dataset[k] for k in ("edition", "sha256")},
        "notes": list(result.notes),
        "idle": list(result.idle),
        "seconds": round(result.seconds, 3),
    }
    if result.coordination is not None:
        document["value_of_coordination_usd"] = {
            "members": list(result.coordination.members),
            "coalition": result.coordination.coalition,
            "world": result.coordination.world,
            "countries": dict(result.coordination.by_country),
            "largest_holder": result.coordination.largest_holder,
            "largest_share": result.coordination.largest_share,
        }
    return document


def _summary(table: pl.DataFrame) -> dict[str, Any]:
    return {
        row.pop("country"): {k: _plain(v) for k, v in row.items()}
        for row in table.iter_rows(named=True)
    }


def both_document(result: BothResult) -> dict[str, Any]:
    """Return market and foresight side by side, with the value of foresight."""
    return {
        "market": stress_document(result.market),
        "foresight": stress_document(result.foresight),
        "value_of_foresight_usd": {
            "world": result.value_world,
            "countries": dict(result.value_by_country),
            "groups": dict(result.value_by_group),
        },
    }


def _chain(chain: ChainResult) -> dict[str, Any]:
    """Return one chain: metrics of its form, the cost of all its forms."""
    return {
        "form": chain.form,
        "unit": chain.units[chain.form],
        "countries": _places(chain.metrics, chain.costs, chain.form),
        "groups": _places(chain.groups.metrics, chain.groups.costs, chain.form),
        "reserves": chain.reserves.to_dicts(),
        "sectors": _by_country(chain.sectors),
        "third_countries": chain.via.filter("is_third").drop("is_third").to_dicts(),
        "max_deviation_from_reported": chain.max_deviation_from_reported,
        "inferred": dict(chain.inferred),
        "certificate": dict(chain.certificate),
    }


def _places(metrics: pl.DataFrame, costs: pl.DataFrame, form: str) -> dict[str, Any]:
    """Return the figures of each country, or of each group."""
    shown = metrics.filter(pl.col("form") == form).drop("cost_usd", "form")
    table = costs.join(shown, on="country", how="left").sort("country")
    return {
        row["country"]: {
            **{k: _plain(row[k]) for k in METRICS},
            "reference_use_t_per_month": _plain(row["reference_use_t"]),
            "is_remainder": row["is_remainder"],
            "is_price_capped": row["is_price_capped"],
        }
        for row in table.iter_rows(named=True)
    }


def _by_country(sectors: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Return the sectors of each country, worst first."""
    out: dict[str, list[dict[str, Any]]] = {}
    for row in sectors.drop("ease", "title", "source").iter_rows(named=True):
        out.setdefault(row.pop("country"), []).append({k: _plain(v) for k, v in row.items()})
    return out


def _plain(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
