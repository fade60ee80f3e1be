"""From the parts of an ensemble to quantiles, exceedance curves, tails and rankings.

Countries are read a few at a time, so that memory does not grow with the number of scenarios.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lodeline.results.ensemble import LEVELS, METRICS
from lodeline.results.metrics import UNMET_THRESHOLD
from lodeline.studies.ensemble.factors import Factor, draw

__all__ = ["Reader", "certificate", "exceedance", "factor_table", "headline", "quantiles",
           "ranking", "tail"]  # fmt: skip

Vector = NDArray[np.float64]

ROWS_AT_ONCE = 4_000_000
ANALYSED = 4096
"""Scenarios that the ranking looks at: the first ones, themselves a balanced sample."""
TAIL_SHARE = 0.05
TAIL_SHOWN = 10
SLICES = 10
EXCEEDED = (0.99, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.075, 0.05,
            0.04, 0.03, 0.02, 0.01, 0.005, 0.002, 0.001)  # fmt: skip
_TIMES = ("time_to_survive_months", "time_to_recover_months")
_ALL = "all"


@dataclass(frozen=True)
class Reader:
    """The files of an ensemble.

    Attributes
    ----------
    metrics, scenarios
        Files of the parts, in order.
    n
        Number of scenarios.
    """

    metrics: list[Path]
    scenarios: list[Path]
    n: int

    def countries(self) -> list[str]:
        """Return the countries, sorted."""
        names = pl.scan_parquet(self.metrics[0]).select("country").unique().collect()
        return sorted(names["country"])

    def chunks(self) -> Iterator[pl.DataFrame]:
        """Yield the metrics of a few countries at a time, sorted; each country in one chunk."""
        names = self.countries()
        rows = pl.scan_parquet(self.metrics[0]).select(pl.len()).collect().item()
        first = pl.scan_parquet(self.scenarios[0]).select(pl.len()).collect().item()
        per_country = max(rows / max(first, 1) / max(len(names), 1) * self.n, 1.0)
        step = max(int(ROWS_AT_ONCE / per_country), 1)
        for k in range(0, len(names), step):
            yield self.of(names[k : k + step])

    def of(self, countries: Sequence[str]) -> pl.DataFrame:
        """Return the metrics of countries, sorted by country, chain, form and scenario."""
        return (
            pl.scan_parquet(self.metrics)
            .filter(pl.col("country").is_in(list(countries)))
            .collect()
            .sort("country", "chain", "form", "scenario")
        )


def _quantile(column: str, level: float) -> pl.Expr:
    # 'equiprobable' is the inverse of the empirical distribution: the value of a scenario.
    return pl.col(column).quantile(level, interpolation="equiprobable")


def _spread(table: pl.DataFrame, metric: str, keys: Sequence[str]) -> pl.DataFrame:
    """Return mean and quantiles of a metric; a time that never comes is infinite, then null."""
    value = pl.col(metric).cast(pl.Float64)
    table = table.with_columns(value.fill_null(np.inf) if metric in _TIMES else value)
    table = table.filter(pl.col(metric).is_not_null())
    levels = [_quantile(metric, q).alias(f"p{100 * q:.0f}") for q in LEVELS]
    mean = pl.col(metric).mean().alias("mean")
    out = table.group_by(*keys, maintain_order=True).agg(mean, *levels)
    numbers = ["mean", *(f"p{100 * q:.0f}" for q in LEVELS)]
    return out.with_columns(pl.when(pl.col(c).is_finite()).then(pl.col(c)) for c in numbers)


def quantiles(reader: Reader, reference: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the tables `quantiles` and `short`; see `EnsembleResult`.

    Parameters
    ----------
    reader
        The parts.
    reference
        ``country, chain, form, reference_use_t`` of all that use anything.
    """
    keys = ("country", "chain", "form")
    order = (*keys, "metric")
    spreads, shorts = [], []
    for table in reader.chunks():
        used = table.filter(pl.col("unmet_share_peak").is_not_null())
        parts = [_spread(used if m != "cost_usd" else table, m, keys).with_columns(
            metric=pl.lit(m)) for m in METRICS]  # fmt: skip
        by_chain = _added(table, ("country", "chain")).with_columns(form=pl.lit(_ALL))
        overall = _added(table, ("country",)).with_columns(chain=pl.lit(_ALL), form=pl.lit(_ALL))
        parts += [
            _spread(t, "cost_usd", keys).with_columns(metric=pl.lit("cost_usd"))
            for t in (by_chain, overall)
        ]
        spreads.append(pl.concat(p.select(*order, pl.exclude(*order)) for p in parts))
        is_short = pl.col("unmet_share_peak") > UNMET_THRESHOLD
        shorts.append(
            used.group_by(*keys, maintain_order=True).agg(probability_short=is_short.mean())
        )
    short = pl.concat(shorts).join(reference, on=list(keys), how="left").sort(*keys)
    ordered = short.select(*keys, "reference_use_t", "probability_short")
    return pl.concat(spreads).sort(*order), ordered


def _added(table: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Return the cost of each scenario added up within `keys`."""
    grouped = table.group_by(*keys, "scenario", maintain_order=True)
    return grouped.agg(cost_usd=pl.col("cost_usd").cast(pl.Float64).sum())


def headline(
    spread: pl.DataFrame, asked: Sequence[str], forms: Mapping[str, str]
) -> dict[str, Any]:
    """Return where the mean of the worst month is largest among the countries asked about."""
    best: tuple[float, dict[str, Any]] | None = None
    for country in asked:
        for chain, form in forms.items():
            here = spread.filter(
                (pl.col("country") == country) & (pl.col("chain") == chain)
                & (pl.col("form") == form) & (pl.col("metric") == "unmet_share_peak")
            )  # fmt: skip
            if here.height and (best is None or here["mean"][0] > best[0]):
                row = here.row(0, named=True)
                names = ("mean", *(f"p{100 * q:.0f}" for q in LEVELS))
                best = here["mean"][0], {
                    "country": country, "chain": chain, "form": form,
                    "metric": "unmet_share_peak", **{k: row[k] for k in names},
                }  # fmt: skip
    return best[1] if best else {}


def exceedance(reader: Reader, asked: Sequence[str], forms: Mapping[str, str]) -> pl.DataFrame:
    """Return the exceedance curves; see `EnsembleResult`."""
    rows: list[dict[str, Any]] = []
    for country in asked:
        table = reader.of([country])
        for chain, form in forms.items():
            own = table.filter((pl.col("chain") == chain) & (pl.col("form") == form))
            for metric in ("unmet_share_peak", "price_multiple_peak"):
                values = own[metric].drop_nulls().cast(pl.Float64).to_numpy()
                rows += _curve(country, chain, form, metric, values, reader.n)
        cost = _added(table, ("country",))["cost_usd"].to_numpy()
        rows += _curve(country, _ALL, _ALL, "cost_usd", cost, reader.n)
    schema = {"country": pl.String, "chain": pl.String, "form": pl.String, "metric": pl.String,
              "probability": pl.Float64, "value": pl.Float64}  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def _curve(
    country: str, chain: str, form: str, metric: str, values: Vector, n: int
) -> Iterator[dict[str, Any]]:
    if values.size == 0:
        return
    # Fewer than ten scenarios beyond a point say little about it.
    for p in (p for p in EXCEEDED if p * n >= 10.0 or p >= 0.5):
        value = float(np.quantile(values, 1.0 - p, method="inverted_cdf"))
        yield {"country": country, "chain": chain, "form": form, "metric": metric,
               "probability": p, "value": value}  # fmt: skip


def _headline_values(reader: Reader, head: Mapping[str, Any]) -> pl.DataFrame:
    """Return ``scenario, unmet_share_peak, cost_usd`` of the headline, in order."""
    own = reader.of([head["country"]])
    cost = _added(own.filter(pl.col("chain") == head["chain"]), ("country",))
    own = own.filter((pl.col("chain") == head["chain"]) & (pl.col("form") == head["form"]))
    joined = own.select("scenario", "unmet_share_peak").join(cost, on="scenario", how="left")
    return joined.select("scenario", "unmet_share_peak", "cost_usd").sort("scenario")


def tail(
    reader: Reader, head: Mapping[str, Any], factors: Sequence[Factor], seed: int
) -> pl.DataFrame:
    """Return the worst scenarios with what was drawn for them."""
    drawn = [f for f in factors if f.is_drawn]
    if not head:
        return pl.DataFrame()
    values = _headline_values(reader, head)
    worst = values.sort(
        "unmet_share_peak", "cost_usd", "scenario", descending=[True, True, False]
    ).head(TAIL_SHOWN)
    numbers = [draw(factors, seed=seed, first=int(i), count=1) for i in worst["scenario"]]
    columns = {f.key: [float(s.values[f.key][0]) for s in numbers] for f in drawn}
    return worst.with_columns(pl.col("unmet_share_peak").cast(pl.Float64)).with_columns(
        *[pl.Series(k, v, dtype=pl.Float64) for k, v in columns.items()]
    )


def factor_table(
    reader: Reader, head: Mapping[str, Any], factors: Sequence[Factor], seed: int
) -> pl.DataFrame:
    """Return what was drawn, with means over all and over the worst; see `EnsembleResult`."""
    count = min(reader.n, ANALYSED)
    sample = draw(factors, seed=seed, first=0, count=count)
    worst = np.arange(0)
    if head:
        values = _headline_values(reader, head).head(count)["unmet_share_peak"].to_numpy()
        order = np.argsort(-values, kind="stable")
        worst = order[: max(int(np.ceil(TAIL_SHARE * count)), 1)]
    rows = []
    for f in factors:
        numbers = sample.values[f.key]
        rows.append(
            {
                "key": f.key, "label": f.label, "unit": f.unit,
                "distribution": str(f.distribution) if f.is_drawn else "fixed",
                "value": f.value, "low": f.low, "high": f.high, "source": f.source,
                "assumed": f.assumed, "mean_all": float(numbers.mean()),
                "mean_tail": float(numbers[worst].mean()) if worst.size else None,
            }
        )  # fmt: skip
    return pl.DataFrame(rows)


def ranking(
    reader: Reader, head: Mapping[str, Any], factors: Sequence[Factor], seed: int
) -> pl.DataFrame:
    """Return which uncertainty moves the headline, most first.

    ``pawn`` is the PAWN index (Pianosi and Wagener 2015): how far the distribution of the headline
    moves when the factor is known, 0 to 1; ``noise`` what a factor without meaning gets.
    ``variance_share`` is the first-order share of the variance (RBD-FAST: Tissot and Prieur 2012).
    ``direction`` is the rank correlation, −1 to 1.
    """
    schema = {"key": pl.String, "label": pl.String, "pawn": pl.Float64, "noise": pl.Float64,
              "variance_share": pl.Float64, "direction": pl.Float64}  # fmt: skip
    place = {f.key: k for k, f in enumerate(f for f in factors if f.is_drawn)}
    # What belongs to other chains cannot move the headline.
    drawn = [f for f in factors if f.is_drawn and head and head["chain"] in f.chains]
    count = min(reader.n, ANALYSED)
    if not head or not drawn or count < 8 * SLICES:
        return pl.DataFrame(schema=schema)
    # Imported here: it takes seconds, and only a finished ensemble needs it.
    from SALib.analyze import pawn, rbd_fast
    from scipy.stats import rankdata

    sample = draw(factors, seed=seed, first=0, count=count)
    u = sample.quantiles[:, [*(place[f.key] for f in drawn), len(place)]]
    y = _headline_values(reader, head).head(count)["unmet_share_peak"].cast(pl.Float64).to_numpy()
    if float(np.ptp(y)) == 0.0:
        return pl.DataFrame(schema=schema)
    names = [f.key for f in drawn] + ["noise"]
    problem = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
    index = np.asarray(pawn.analyze(problem, u, y, S=SLICES)["median"], dtype=float)
    share = np.asarray(rbd_fast.analyze(problem, u, y, num_resamples=2, seed=0)["S1"], dtype=float)
    ranks = rankdata(y)
    # Of the numbers, not of u: an event happens where its u is small.
    direction = [float(np.corrcoef(rankdata(sample.values[f.key]), ranks)[0, 1]) for f in drawn]
    table = pl.DataFrame(
        {
            "key": names[:-1],
            "label": [f.label for f in drawn],
            "pawn": index[:-1],
            "noise": np.full(len(drawn), index[-1]),
            "variance_share": np.clip(share[:-1], 0.0, 1.0),
            "direction": direction,
        },
        schema=schema,
    )
    return table.sort("pawn", "key", descending=[True, False])


def certificate(reader: Reader, chains: Sequence[str], months: int) -> dict[str, float]:
    """Return the worst certificate over all solves."""
    names = ("max_residual", "max_gap", "spot_residual")
    exprs = [
        pl.max_horizontal(pl.col(f"{c}.{name}").max() for c in chains).alias(name) for name in names
    ]
    total = pl.sum_horizontal(pl.col(f"{c}.fallbacks").cast(pl.Int64).sum() for c in chains)
    row = (
        pl.scan_parquet(reader.scenarios)
        .select(*exprs, total.alias("fallbacks"))
        .collect()
        .row(0, named=True)
    )
    return {
        "max_residual": row["max_residual"],
        "max_gap": row["max_gap"],
        "max_spot_residual": row["spot_residual"],
        "solves": reader.n * months * len(chains),
        "fallbacks": int(row["fallbacks"]),
    }
