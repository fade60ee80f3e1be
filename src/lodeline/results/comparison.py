"""Two runs of stress tests beside each other: what went in otherwise, which figures moved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from lodeline.results.document import METRICS

__all__ = ["Comparison", "RunFiles", "compare_runs", "comparison_document"]

_ORIGIN = ("lodeline", "python", "machine", "libraries", "dataset", "options")
_SCALE_FLOOR = {"unmet_share_peak": 0.01, "price_multiple_peak": 0.01}
"""Against these at least a change is measured: a share of a millionth is no yardstick."""

_SCHEMA = {
    "chain": pl.String,
    "country": pl.String,
    "metric": pl.String,
    "before": pl.Float64,
    "after": pl.Float64,
    "change": pl.Float64,
}


@dataclass(frozen=True)
class RunFiles:
    """What a run wrote, as plain data.

    Attributes
    ----------
    name
        How the reader calls it: its folder.
    summary, manifest
        The documents of ``summary.json`` and ``manifest.json``.
    """

    name: str
    summary: Mapping[str, Any]
    manifest: Mapping[str, Any]


@dataclass(frozen=True)
class Comparison:
    """How two runs differ.

    Attributes
    ----------
    before, after
        Names of the runs.
    inputs
        What went in otherwise: ``what`` (a path such as ``chains.nickel.behaviour.surge.value``),
        ``before, after`` as text, null where one has no such entry. Empty: both were made alike.
    figures
        Figures that moved by at least `least`: the countries of both headlines first, then those
        asked about, then by change: ``chain`` (null: over all chains), ``country, metric, before,
        after, change`` (relative to the larger of the two, below zero where it fell, null where one
        of them is absent).
    compared
        Number of figures that were compared.
    least
        Smallest relative change that is shown.
    """

    before: str
    after: str
    inputs: pl.DataFrame
    figures: pl.DataFrame
    compared: int
    least: float


def compare_runs(before: RunFiles, after: RunFiles, *, least: float = 0.01) -> Comparison:
    """Return what went in otherwise and which figures moved.

    A change is after − before over the larger of both, at least 0.01 for shares and multiples of
    prices. An absent value beside one that is there always counts as moved.

    Parameters
    ----------
    before, after
        Two runs, of the same scenario or not.
    least
        Changes below this share are left out; zero shows all that is not the same.
    """
    rows = list(_figures(before.summary, after.summary))
    table = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    moved = table.filter(
        pl.col("change").is_null() | ((pl.col("change").abs() >= least) & (pl.col("change") != 0.0))
    )
    headlines = (side.summary.get("headline") for side in (before, after))
    told = [headline["country"] for headline in headlines if headline]
    return Comparison(
        before=before.name,
        after=after.name,
        inputs=_inputs(before.manifest, after.manifest),
        figures=_ordered(moved, [*told, *(after.manifest["options"].get("asked") or ())]),
        compared=table.height,
        least=least,
    )


def comparison_document(result: Comparison) -> dict[str, Any]:
    """Return the document that ``--json`` prints."""
    return {
        "before": result.before,
        "after": result.after,
        "inputs": result.inputs.to_dicts(),
        "figures": result.figures.to_dicts(),
        "compared": result.compared,
        "moved": result.figures.height,
        "least": result.least,
    }


def _ordered(moved: pl.DataFrame, first: Sequence[str]) -> pl.DataFrame:
    """Return some countries first, in their order, then the largest change."""
    rank = {country: place for place, country in enumerate(dict.fromkeys(first))}
    place = pl.col("country").replace_strict(rank, default=len(rank), return_dtype=pl.Int64)
    return moved.sort(place, -pl.col("change").abs(), nulls_last=[True, False], maintain_order=True)


Figure = tuple[str | None, str, str, float | None, float | None, float | None]


def _figures(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Figure]:
    yield from _of_countries(None, before["countries"], after["countries"])
    for chain in dict.fromkeys([*before["chains"], *after["chains"]]):
        parts = [side["chains"].get(chain, {}).get("countries", {}) for side in (before, after)]
        yield from _of_countries(chain, *parts)


def _of_countries(
    chain: str | None, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Figure]:
    for country in sorted({*before, *after}):
        old, new = before.get(country, {}), after.get(country, {})
        for metric in METRICS:
            a, b = old.get(metric), new.get(metric)
            if a is not None or b is not None:
                yield chain, country, metric, a, b, _change(metric, a, b)


def _change(metric: str, before: float | None, after: float | None) -> float | None:
    if before is None or after is None:
        return None
    scale = max(abs(before), abs(after), _SCALE_FLOOR.get(metric, 0.0))
    return (after - before) / scale if scale > 0.0 else 0.0


def _inputs(before: Mapping[str, Any], after: Mapping[str, Any]) -> pl.DataFrame:
    old, new = (_flat({k: m[k] for k in (*_ORIGIN, "scenario", "chains")}) for m in (before, after))
    rows = [
        (what, old.get(what), new.get(what))
        for what in dict.fromkeys([*old, *new])
        if old.get(what) != new.get(what)
    ]
    schema = dict.fromkeys(("what", "before", "after"), pl.String)
    return pl.DataFrame(rows, schema=schema, orient="row")


def _flat(value: object, path: str = "") -> dict[str, str]:
    """Return the leaves of a document by their path; entries of lists by their id or number."""
    if isinstance(value, Mapping):
        pairs = [(str(k), v) for k, v in value.items()]
    elif isinstance(value, list):
        pairs = [(_label(v, i), v) for i, v in enumerate(value)]
    else:
        return {} if value is None else {path: str(value)}
    out: dict[str, str] = {}
    for key, part in pairs:
        out |= _flat(part, f"{path}.{key}" if path else key)
    return out


def _label(value: object, number: int) -> str:
    if isinstance(value, Mapping):
        for key in ("id", "key", "code", "name"):
            if isinstance(value.get(key), str):
                return str(value[key])
    return str(number)
