"""From the parts of an ensemble to quantiles, exceedance curves, tails and rankings.

One metric of a few cells is in memory at a time, see `Reader`, and sums over the cells of one
country: with more scenarios memory grows by some tens of bytes each, and no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lodeline.results.ensemble import LEAST_RANKED, LEVELS, METRICS
from lodeline.results.metrics import UNMET_THRESHOLD
from lodeline.studies.ensemble.factors import Factor, draw
from lodeline.studies.ensemble.reader import Reader

__all__ = [
    "above",
    "certificate",
    "exceedance",
    "factor_table",
    "headline",
    "quantiles",
    "ranking",
    "tail",
]

Floats = NDArray[np.floating[Any]]

ANALYSED = 4096
"""Scenarios that the ranking looks at: the first ones, themselves a balanced sample."""
TAIL_SHARE = 0.05
TAIL_SHOWN = 10
SLICES = 10
EXCEEDED = (0.99, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.075, 0.05,
            0.04, 0.03, 0.02, 0.01, 0.005, 0.002, 0.001)  # fmt: skip
ABOVE = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75)
"""Unmet shares of the worst month of which the report says how often they are exceeded."""
_TIMES = ("time_to_survive_months", "time_to_recover_months")
_ALL = "all"
_KEYS = ("country", "chain", "form")
_NUMBERS = ("mean", *(f"p{100 * q:.0f}" for q in LEVELS))


def quantiles(reader: Reader, reference: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the tables `quantiles` and `short`; see `EnsembleResult`.

    Parameters
    ----------
    reader
        The parts.
    reference
        ``country, chain, form, reference_use_t`` of all that use anything.
    """
    spreads, shorts = [_added_up(reader)], []
    for metric in METRICS:
        for cells, values in reader.chunks(metric):
            if metric in _TIMES:  # one that never comes is longer than any other
                values[np.isnan(values) & reader.users[cells, None]] = np.inf
            held = np.flatnonzero(~np.isnan(values).all(axis=1))
            own, values = reader.cells[cells][held], values[held]
            spreads.append(_spread(own, metric, values))
            if metric == "unmet_share_peak":
                is_short = (values > UNMET_THRESHOLD).mean(axis=1)
                shorts.append(own.with_columns(probability_short=is_short))
    short = pl.concat(shorts).join(reference, on=list(_KEYS), how="left").sort(*_KEYS)
    ordered = short.select(*_KEYS, "reference_use_t", "probability_short")
    return pl.concat(spreads).sort(*_KEYS, "metric"), ordered


def _spread(cells: pl.DataFrame, metric: str, values: Floats) -> pl.DataFrame:
    """Return cells with mean and quantiles of a metric; null where they are infinite.

    A quantile is the value of a scenario: the least that at least such a share does not exceed.

    Parameters
    ----------
    cells
        ``country, chain, form``.
    metric
        What the values are.
    values
        Shape (cell, scenario); absent values are no numbers.
    """
    ordered = np.sort(values, axis=1).astype(np.float64)
    present = np.count_nonzero(~np.isnan(ordered), axis=1)
    places = [np.ceil(level * present).astype(np.intp) - 1 for level in LEVELS]
    rows = np.arange(len(ordered))
    columns = [np.nansum(ordered, axis=1) / present]
    columns += [ordered[rows, np.maximum(place, 0)] for place in places]
    numbers = [
        pl.Series(name, np.where(np.isfinite(column), column, np.nan), nan_to_null=True)
        for name, column in zip(_NUMBERS, columns, strict=True)
    ]
    return cells.select(*_KEYS, pl.lit(metric).alias("metric")).with_columns(numbers)


def _added_up(reader: Reader) -> pl.DataFrame:
    """Return mean and quantiles of costs added over forms, and over chains, by scenario."""
    sums: list[pl.DataFrame] = []

    def keep(country: str, chain: str, cost: Floats) -> None:
        cell = pl.DataFrame([(country, chain, _ALL)], schema=list(_KEYS), orient="row")
        sums.append(_spread(cell, "cost_usd", cost[None, :]))

    for country, cells in groupby(_costs(reader), key=lambda row: row[0]):
        overall = np.zeros(reader.n)
        for chain, forms in groupby(cells, key=lambda row: row[1]):
            cost = np.zeros(reader.n)
            for _, _, values in forms:
                cost += values
                overall += values
            keep(country, chain, cost)
        keep(country, _ALL, overall)
    return pl.concat(sums)


def _costs(reader: Reader) -> Iterator[tuple[str, str, Floats]]:
    """Yield country, chain and cost by scenario of each cell, in order."""
    for cells, values in reader.chunks("cost_usd"):
        own = reader.cells[cells]
        yield from zip(own["country"], own["chain"], values, strict=True)


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
        for chain, form in forms.items():
            for metric in ("unmet_share_peak", "price_multiple_peak"):
                values = reader.of(country, chain, form, metric)
                rows += _curve(country, chain, form, metric, values)
        rows += _curve(country, _ALL, _ALL, "cost_usd", reader.cost(country))
    schema = {"country": pl.String, "chain": pl.String, "form": pl.String, "metric": pl.String,
              "probability": pl.Float64, "value": pl.Float64}  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def above(reader: Reader, asked: Sequence[str], forms: Mapping[str, str]) -> pl.DataFrame:
    """Return how often more than round shares of use are unmet; see `EnsembleResult`."""
    rows: list[tuple[str, str, str, float, float]] = []
    for country in asked:
        for chain, form in forms.items():
            values = reader.of(country, chain, form, "unmet_share_peak")
            values = values[~np.isnan(values)]
            if values.size:
                rows += (
                    (country, chain, form, limit, float((values > limit).mean())) for limit in ABOVE
                )
    schema = {"country": pl.String, "chain": pl.String, "form": pl.String,
              "unmet_share": pl.Float64, "probability": pl.Float64}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def _curve(
    country: str, chain: str, form: str, metric: str, values: Floats
) -> Iterator[dict[str, Any]]:
    n = values.size
    values = np.sort(values[~np.isnan(values)]).astype(np.float64)
    if values.size == 0:
        return
    # Fewer than ten scenarios beyond a point say little about it.
    for p in (p for p in EXCEEDED if p * n >= 10.0 or p >= 0.5):
        value = float(np.quantile(values, 1.0 - p, method="inverted_cdf"))
        yield {"country": country, "chain": chain, "form": form, "metric": metric,
               "probability": p, "value": value}  # fmt: skip


def _headline_values(reader: Reader, head: Mapping[str, Any]) -> pl.DataFrame:
    """Return ``scenario, unmet_share_peak, cost_usd`` of the headline, in order."""
    country, chain = head["country"], head["chain"]
    unmet = reader.of(country, chain, head["form"], "unmet_share_peak")
    return pl.DataFrame(
        {
            "scenario": np.arange(reader.n, dtype=np.int32),
            "unmet_share_peak": unmet,
            "cost_usd": reader.cost(country, chain),
        }
    )


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
    if not head or not drawn or count < LEAST_RANKED:
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
    worst, fallbacks = np.zeros(len(names)), 0
    for path in reader.scenarios:
        for chain in chains:
            columns = [f"{chain}.{name}" for name in (*names, "fallbacks")]
            own = pl.read_parquet(path, columns=columns)
            # What is not a number stays so: it must not pass as small.
            worst = np.maximum(worst, own.select(columns[:-1]).to_numpy().max(axis=0))
            fallbacks += int(own[columns[-1]].cast(pl.Int64).sum())
    return {
        "max_residual": float(worst[0]),
        "max_gap": float(worst[1]),
        "max_spot_residual": float(worst[2]),
        "solves": reader.n * months * len(chains),
        "fallbacks": fallbacks,
    }
