"""Tell stops that happened from stops of reporting, with the reason in words.

Each test looks at one way in which trade data show a stop that never was; the first that applies
gives verdict and reason. Nothing is dropped: see `lodeline.studies.backtest.detector`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from lodeline.data import code_status

__all__ = ["EXPORTER", "LANE", "Evidence", "Verdict", "judged"]

EXPORTER = ["code", "exporter"]
LANE = ["code", "exporter", "importer"]

VALUE_FALL = 0.2
"""A value that falls by less than this belies the fall of tonnes."""
PRODUCT_FACTOR = 3.0
"""A unit value this many times below the world's tells of another product."""
SISTER_HOLDS = 0.9
"""A sister code at this share of its trailing mean shows that nothing stopped."""
SISTER_SIZE = 0.5
"""Least size of the sister code, as a share of the loss."""
TRANSIT_SHARE = 0.5
"""Imports of the same code over exports, above which an exporter passes material on."""
REBUILT_SHARE = 0.5
"""Share of the tonnes before that is rebuilt from value, above which the fall is in doubt."""
MEANINGFUL = 0.02
"""What is left, as a share of before, from which its unit value says something."""
EVERYBODY = 0.4
"""A buyer left with less than this share of all it bought stopped buying, whoever sells."""
NO_REASON = "nothing in the data speaks against it"


class Verdict(StrEnum):
    """What a stop looks like."""

    CANDIDATE = "candidate"
    """Nothing in the data speaks against it."""
    DOUBTFUL = "doubtful"
    """May be real; the data cannot tell."""
    ARTEFACT = "artefact"
    """A matter of reporting."""


@dataclass(frozen=True)
class Evidence:
    """What the tests look at beside the stops.

    Attributes
    ----------
    lanes, buyers
        Tonnes of lanes and importers by year (t), with ``base``, the trailing mean.
    sisters
        Pairs ``code, sister`` that carry one form of a chain.
    seen
        ``exporter, last_seen``: the last year in which an exporter has any row.
    """

    lanes: pl.DataFrame
    buyers: pl.DataFrame
    sisters: pl.DataFrame
    seen: pl.DataFrame


def judged(stops: pl.DataFrame, evidence: Evidence) -> pl.DataFrame:
    """Return the stops with verdict and reason.

    Parameters
    ----------
    stops
        ``code, exporter, importer`` (null for a whole exporter), ``year, tonnes, base, value_usd,
        base_value, base_rebuilt, world_base, world_unit, world_unit_base, bought, bought_base``.
    evidence
        What the tests look at beside them.
    """
    own_imports = evidence.buyers.select(
        "code", pl.col("importer").alias("exporter"), "year", own_imports="base"
    )
    whole = (
        stops.join(code_status().select("code", "died", "last_year"), on="code", how="left")
        .join(evidence.seen, on="exporter", how="left")
        .join(own_imports, on=[*EXPORTER, "year"], how="left")
        .join(_double_booked(stops, evidence), on=[*EXPORTER, "year"], how="left")
    )
    verdict: pl.Expr = pl.lit(Verdict.CANDIDATE.value)
    reason: pl.Expr = pl.lit(NO_REASON)
    for test, name, words in reversed([*_tests()]):
        applies = test.fill_null(value=False)
        verdict = pl.when(applies).then(pl.lit(name.value)).otherwise(verdict)
        reason = pl.when(applies).then(words).otherwise(reason)
    unit = pl.col("value_usd") / pl.col("tonnes") / (pl.col("base_value") / pl.col("base"))
    # Rounded, so that the number of threads that added up the tonnes does not show.
    return whole.select(
        *LANE,
        "year",
        tonnes=pl.col("tonnes").round(3),
        base_tonnes=pl.col("base").round(3),
        fall=(1.0 - pl.col("tonnes") / pl.col("base")).round(6),
        share_of_world=(pl.col("base") / pl.col("world_base")).round(6),
        unit_value_change=pl.when(pl.col("tonnes") > 0.0).then(unit - 1.0).round(6),
        verdict=verdict,
        reason=reason,
    )


def _double_booked(stops: pl.DataFrame, evidence: Evidence) -> pl.DataFrame:
    """Return stops whose main lane holds under a sister code: booked twice, then once.

    Congo books cobalt for China under 282200, China books it under 8105: where both reports enter,
    the end of one of them looks like a collapse.
    """
    key = [*EXPORTER, "year"]
    lost = pl.col("base") - pl.col("tonnes")
    main = (
        evidence.lanes.join(stops.select(key).unique(), on=key)
        .filter(lost.is_not_null())
        .sort(lost, descending=True)
        .unique(key, keep="first", maintain_order=True)
    )
    other = evidence.lanes.select(
        pl.col("code").alias("sister"),
        "exporter",
        "importer",
        "year",
        sister_tonnes="tonnes",
        sister_base="base",
    )
    return (
        main.join(evidence.sisters, on="code")
        .join(other, on=["sister", "exporter", "importer", "year"])
        .filter(
            pl.col("sister_tonnes") >= SISTER_HOLDS * pl.col("sister_base"),
            pl.col("sister_base") >= SISTER_SIZE * lost,
        )
        .unique(key, keep="first", maintain_order=True)
        .select(*key, "sister", buyer="importer")
    )


def _tests() -> Iterator[tuple[pl.Expr, Verdict, pl.Expr]]:
    """Yield condition, verdict and words, the strongest reason first."""
    yield (
        pl.col("died") & (pl.col("year") > pl.col("last_year")),
        Verdict.ARTEFACT,
        pl.format("the code died after {}", "last_year"),
    )
    yield (
        pl.col("year") > pl.col("last_seen"),
        Verdict.ARTEFACT,
        pl.format("the country code {} ended with {}", "exporter", "last_seen"),
    )
    yield (
        pl.col("sister").is_not_null(),
        Verdict.ARTEFACT,
        pl.format("booked twice before: {} to {} holds under {}", "exporter", "buyer", "sister"),
    )
    unit = pl.col("base_value") / pl.col("base")
    yield (
        unit * PRODUCT_FACTOR < pl.col("world_unit_base"),
        Verdict.ARTEFACT,
        pl.format(
            "another product: {} USD/t before, the world {}",
            _whole(unit),
            _whole(pl.col("world_unit_base")),
        ),
    )
    kept = pl.col("value_usd") / pl.col("base_value")
    deflated = kept / (pl.col("world_unit") / pl.col("world_unit_base"))
    yield (
        pl.min_horizontal(kept, deflated) > 1.0 - VALUE_FALL,
        Verdict.ARTEFACT,
        pl.format(
            "tonnes fell, value did not: {} % of before, {} % at the world's prices",
            _whole(100.0 * kept),
            _whole(100.0 * deflated),
        ),
    )
    passed_on = pl.col("own_imports") / pl.col("base")
    yield (
        passed_on > TRANSIT_SHARE,
        Verdict.DOUBTFUL,
        pl.format(
            "passes material on: its imports were {} % of its exports", _whole(100.0 * passed_on)
        ),
    )
    rebuilt = pl.col("base_rebuilt") / pl.col("base")
    yield (
        rebuilt > REBUILT_SHARE,
        Verdict.DOUBTFUL,
        pl.format("{} % of the tonnes before are rebuilt from value", _whole(100.0 * rebuilt)),
    )
    moved = pl.col("value_usd") / pl.col("tonnes") / pl.col("world_unit")
    moved = moved / (unit / pl.col("world_unit_base"))
    yield (
        (moved > PRODUCT_FACTOR) & (pl.col("tonnes") > MEANINGFUL * pl.col("base")),
        Verdict.DOUBTFUL,
        pl.format("another mix: its unit value against the world's rose {} times", moved.round(1)),
    )
    yield (
        pl.col("bought") / pl.col("bought_base") < EVERYBODY,
        Verdict.DOUBTFUL,
        pl.lit("the importer stopped buying from everybody"),
    )


def _whole(number: pl.Expr) -> pl.Expr:
    return number.round(0).cast(pl.Int64, strict=False)
