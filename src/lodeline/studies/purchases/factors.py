"""What might affect supply: restrictions that are known, and how the countries are governed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import polars as pl

from lodeline import data
from lodeline.data.purchases import spelling
from lodeline.results.purchases import Step
from lodeline.scenarios.groups import expand
from lodeline.studies.purchases.lots import Lot
from lodeline.studies.purchases.mapping import REST
from lodeline.studies.purchases.measures import governance_scores

__all__ = ["GOVERNANCE", "RESTRICTIONS", "governance_rows", "restriction_rows"]

LEAST = 0.01
"""Least share of a lot for a country to count."""

RESTRICTIONS: Mapping[str, type[pl.DataType]] = {
    "material": pl.String, "id": pl.String, "covers": pl.String, "restricting_country": pl.String,
    "target": pl.String, "instrument": pl.String, "severity": pl.String, "start": pl.String,
    "end": pl.String, "source": pl.String, "url": pl.String, "confidence": pl.String,
    "share_supplied": pl.Float64, "share_processed": pl.Float64, "share_extracted": pl.Float64,
    "through_origin": pl.Boolean, "same_act": pl.String,
}  # fmt: skip
GOVERNANCE: Mapping[str, type[pl.DataType]] = {
    "material": pl.String, "form": pl.String, "year": pl.Int64, "country": pl.String,
    "share": pl.Float64, "instability": pl.Float64, "instability_year": pl.Int64,
}  # fmt: skip


def restriction_rows(
    lot: Lot, mapped: pl.DataFrame, home: Sequence[str]
) -> Iterator[dict[str, object]]:
    """Yield the restrictions of the ledger that concern a lot, latest first.

    A restriction concerns it if it covers the lot's material or form, or the material that the
    lot's chain is about (dysprosium is a rare earth), its country ships, processes or extracts at
    least a hundredth of it, its target is everybody or the user's country (any, if that is not
    told), and it had not ended before the year of the purchase. Rows of the ledger about one act
    (same country, instrument and start) come once: the one without a known end, or else the one
    against everybody.

    Parameters
    ----------
    lot
        What was bought.
    mapped
        Map of the lot.
    home
        Countries that the user is in; none: not told.
    """
    shares = (lot.shares("supplier_country"), _processed(mapped), _extracted(mapped))
    own = {lot.material} | ({lot.form} if lot.form else set())
    own |= {spelling(lot.chain.material)} if lot.chain else set()
    found: dict[tuple[object, ...], list[dict[str, object]]] = {}
    for row in (
        data.restrictions(acts_only=True).sort("start", descending=True).iter_rows(named=True)
    ):
        if not _is_about(row["material"], own) or _is_over(row["end"], lot.year):
            continue
        by = expand(str(row["restricting_country"]).split(";"))
        ships, makes, mines = (sum(share.get(c, 0.0) for c in by) for share in shares)
        if max(ships, makes, mines) < LEAST or not _is_hit(row["target"], home):
            continue
        act = (row["restricting_country"], row["instrument"], row["start"])
        found.setdefault(act, []).append(
            {k: row[k] for k in RESTRICTIONS if k in row} | {
                "material": lot.material, "covers": row["material"], "share_supplied": ships,
                "share_processed": makes, "share_extracted": mines,
                "through_origin": ships < LEAST,
            }
        )  # fmt: skip
    for rows in found.values():
        first, *others = sorted(rows, key=_widest)
        yield first | {"same_act": ";".join(str(r["id"]) for r in others) or None}


def governance_rows(lot: Lot, mapped: pl.DataFrame) -> Iterator[dict[str, object]]:
    """Yield the political instability of the countries that ship or extract a lot."""
    supplied, extracted = lot.shares("supplier_country"), _extracted(mapped)
    share = {c: max(supplied.get(c, 0.0), extracted.get(c, 0.0)) for c in {*supplied, *extracted}}
    large = {c: s for c, s in share.items() if s >= LEAST}
    scores = governance_scores(list(large), lot.year)
    for country, part in sorted(large.items(), key=lambda item: (-item[1], item[0])):
        score, year = scores.get(country, (None, None))
        yield {
            "material": lot.material, "form": lot.form, "year": lot.year, "country": country,
            "share": part, "instability": score, "instability_year": year,
        }  # fmt: skip


def _widest(row: Mapping[str, object]) -> tuple[bool, bool, str]:
    """Return the order of rows about one act: no known end, against everybody, by identifier."""
    return row["end"] is not None, row["target"] != "ALL", str(row["id"])


def _processed(mapped: pl.DataFrame) -> dict[str, float]:
    """Return the largest share (0-1) that each country has at any stage of processing."""
    rows = mapped.filter(
        (pl.col("step") == Step.PROCESSED.value)
        & pl.col("country").is_not_null()
        & (pl.col("country") != REST)
    )
    summed = rows.group_by("stage", "country").agg(pl.col("share").sum())
    return dict(summed.group_by("country").agg(pl.col("share").max()).iter_rows())


def _extracted(mapped: pl.DataFrame) -> dict[str, float]:
    rows = mapped.filter(
        (pl.col("step") == Step.EXTRACTED.value)
        & pl.col("country").is_not_null()
        & (pl.col("country") != REST)
    )
    summed = rows.group_by("country").agg(pl.col("share").sum())
    return dict(summed.iter_rows())


def _is_about(materials: str, own: Collection[str]) -> bool:
    """Return whether a list in the ledger (``rare_earths_Sm_Gd;magnets``) names a material."""
    names = [spelling(name) for name in materials.split(";")]
    return any(name == one or name.startswith(f"{one}-") for name in names for one in own)


def _is_over(end: str | None, year: int) -> bool:
    return end is not None and int(end[:4]) < year


def _is_hit(target: str, home: Sequence[str]) -> bool:
    named = target.split(";")
    return not home or "ALL" in named or bool(set(expand(named)) & set(home))
