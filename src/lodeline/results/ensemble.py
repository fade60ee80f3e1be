"""What an ensemble returns, and its document for ``--json``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

__all__ = ["LEAST_RANKED", "LEVELS", "METRICS", "EnsembleResult", "chance_range",
           "ensemble_document"]  # fmt: skip

LEVELS = (0.05, 0.25, 0.50, 0.75, 0.95)
"""Quantiles that are reported: each is the value of a scenario that was run, none is between."""

LEAST_RANKED = 80
"""Scenarios from which on the uncertainties are ranked: eight in each tenth of a number's range."""

METRICS = (
    "unmet_share_peak",
    "unmet_t_total",
    "time_to_survive_months",
    "time_to_recover_months",
    "price_multiple_peak",
    "cost_usd",
)


def chance_range(share: float, n: int) -> tuple[float, float]:
    """Return the shares of all futures between which a share of n drawn ones leaves the truth.

    The interval of Wilson (1927, J. Am. Stat. Assoc. 22, 209-212) at 95 %, for n drawn one by one:
    points of a Sobol sequence lie more evenly, so it is rather too wide.
    """
    z = 1.96
    middle = share + z * z / (2.0 * n)
    half = z * math.sqrt(share * (1.0 - share) / n + (z / (2.0 * n)) ** 2)
    whole = 1.0 + z * z / n
    return max((middle - half) / whole, 0.0), min((middle + half) / whole, 1.0)


@dataclass(frozen=True)
class EnsembleResult:
    """Many scenarios, summed up.

    Attributes
    ----------
    specification
        The ensemble as plain data, scenarios written out.
    n, seed
        Number of scenarios, and what fixes them.
    base_year, months
        Base year, and the simulated months as YYYY-MM.
    asked
        Countries the report speaks about, ISO3.
    forms
        Form whose metrics are reported, by chain.
    chains
        Title by chain; ``units``: unit in words by chain.
    quantiles
        One row per country, chain, form and metric: ``country, chain, form, metric, mean, p5, p25,
        p50, p75, p95``. A time that never comes is null. ``chain`` is ``all`` for the cost over all
        chains, ``form`` is ``all`` for the cost over all forms.
    short
        One row per country, chain and form: ``country, chain, form, reference_use_t`` (t/month),
        ``probability_short`` (share of scenarios with a month above the threshold).
    exceedance
        One row per country asked about, chain, metric and probability: ``country, chain, form,
        metric, probability, value``: the value that is exceeded with that probability.
    above
        The same read the other way, for the worst month: ``country, chain, form, unmet_share,
        probability`` (share of futures in which a larger share of use is unmet).
    headline
        ``country, chain, form``: where the mean of the worst month is largest among those asked
        about.
    tail
        The scenarios with the worst headline: ``scenario, unmet_share_peak, cost_usd`` and one
        column per drawn factor.
    factors
        What was drawn: ``key, label, unit, distribution, value, low, high, source, assumed,
        mean_all, mean_tail`` (means over all scenarios looked at and over the worst 5 %).
    ranking
        Which uncertainty moves the headline: ``key, label, pawn, noise, variance_share, direction``
        sorted by pawn.
    certificate
        ``max_residual, max_gap, solves, fallbacks, max_spot_residual``.
    dataset
        ``edition, sha256``.
    country_names
        English name by ISO3.
    computed, seconds
        Scenarios simulated in this run (others were there already), and wall time of that.
    total_seconds
        Wall time of everything.
    workers
        Number of worker processes; 0: in this process.
    """

    specification: Mapping[str, Any]
    n: int
    seed: int
    base_year: int
    months: tuple[str, ...]
    asked: tuple[str, ...]
    forms: Mapping[str, str]
    chains: Mapping[str, str]
    units: Mapping[str, str]
    quantiles: pl.DataFrame
    short: pl.DataFrame
    exceedance: pl.DataFrame
    above: pl.DataFrame
    headline: Mapping[str, Any]
    tail: pl.DataFrame
    factors: pl.DataFrame
    ranking: pl.DataFrame
    certificate: Mapping[str, float]
    dataset: Mapping[str, Any]
    country_names: Mapping[str, str]
    computed: int
    seconds: float
    total_seconds: float
    workers: int

    @property
    def scenarios_per_second(self) -> float | None:
        """Scenarios simulated a second, all workers together; None if none was."""
        return self.computed / self.seconds if self.computed and self.seconds > 0.0 else None


def ensemble_document(result: EnsembleResult, *, with_timings: bool = True) -> dict[str, Any]:
    """Return the document of an ensemble; absent values are None, never NaN.

    Parameters
    ----------
    result
        What the study returned.
    with_timings
        Left out for files: a repeated run gives the same bytes.
    """
    document: dict[str, Any] = {
        "ensemble": result.specification["id"],
        "title": result.specification["title"],
        "n": result.n,
        "seed": result.seed,
        "base_year": result.base_year,
        "months": len(result.months),
        "first_month": result.months[0],
        "asked": list(result.asked),
        "headline": dict(result.headline),
        "chains": {chain: _chain(result, chain) for chain in result.chains},
        "countries": {
            row["country"]: {"cost_usd": _quantiles(row)}
            for row in _rows(result.quantiles.filter(pl.col("chain") == "all"))
        },
        "exceedance": [*_curves(result.exceedance)],
        "above": [*_rows(result.above)],
        "tail": [*_rows(result.tail)],
        "ranking": [*_rows(result.ranking)],
        "factors": [*_rows(result.factors)],
        "certificate": {k: _plain(v) for k, v in result.certificate.items()},
        "dataset": {k: result.dataset[k] for k in ("edition", "sha256")},
    }
    if with_timings:
        document |= {
            "scenarios_per_second": _plain(result.scenarios_per_second),
            "computed": result.computed,
            "workers": result.workers,
            "simulation_seconds": round(result.seconds, 3),
            "seconds": round(result.total_seconds, 3),
        }
    return document


def _chain(result: EnsembleResult, chain: str) -> dict[str, Any]:
    form = result.forms[chain]
    own = (pl.col("chain") == chain) & pl.col("form").is_in([form, "all"])
    countries: dict[str, dict[str, Any]] = {}
    for row in _rows(result.short.filter((pl.col("chain") == chain) & (pl.col("form") == form))):
        countries[row["country"]] = {
            "reference_use_t_per_month": row["reference_use_t"],
            "probability_short": row["probability_short"],
        }
    for row in _rows(result.quantiles.filter(own)):
        is_form_cost = row["metric"] == "cost_usd" and row["form"] != "all"
        if not is_form_cost:  # the cost of a chain is that of all its forms
            countries.setdefault(row["country"], {})[row["metric"]] = _quantiles(row)
    return {"form": form, "unit": result.units[chain], "countries": countries}


def _quantiles(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("mean", *(f"p{100 * q:.0f}" for q in LEVELS))}


def _curves(table: pl.DataFrame) -> Iterator[dict[str, Any]]:
    keys = ["country", "chain", "form", "metric"]
    yield from _rows(table.group_by(keys, maintain_order=True).agg("probability", "value"))


def _rows(table: pl.DataFrame) -> Iterator[dict[str, Any]]:
    for row in table.iter_rows(named=True):
        yield {k: _plain(v) for k, v in row.items()}


def _plain(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return value
