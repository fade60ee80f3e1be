"""What the assessment of a user's own purchases returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import polars as pl

__all__ = ["Finding", "PurchaseAssessment", "Step", "Vulnerability", "assessment_document"]


class Step(StrEnum):
    """What happened in a place of the map."""

    EXTRACTED = "extracted"
    PROCESSED = "processed"
    RECYCLED = "recycled"
    """Share from scrap, as suppliers say; where is not known."""
    SHIPPED = "shipped"
    """Only the last country is known."""


@dataclass(frozen=True)
class Finding:
    """One thing that a reader should look at.

    Attributes
    ----------
    kind
        Short name of the rule.
    text
        What was found, with its figures.
    rule
        When the rule speaks up.
    """

    kind: str
    text: str
    rule: str


@dataclass(frozen=True)
class Vulnerability:
    """How a lot stands up to the loss of its largest supplier.

    Attributes
    ----------
    material, form, year
        What was bought; the last year of the file.
    largest_supplier_country, share
        Country that ships most, and its share of the tonnes.
    single_supplier
        Name of the only supplier, where all rows name the same; None otherwise.
    stock_days
        Mean of what the file says, weighed by tonnes; None where it says nothing.
    days_until_short
        `stock_days` over `share`: how long the stock replaces that country alone, everything else
        going on; None without stock.
    market
        The worst single exporter for the country that the user is in, by a market simulation:
        ``restriction, unmet_share, price_multiple_peak, time_to_survive_months, months``; None
        where it was not run, and `market_reason` says why.
    findings
        What to look at.
    """

    material: str
    form: str | None
    year: int
    largest_supplier_country: str
    share: float
    single_supplier: str | None
    stock_days: float | None
    days_until_short: float | None
    market: Mapping[str, object] | None
    market_reason: str | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class PurchaseAssessment:
    """Measures, map, factors and vulnerability.

    Attributes
    ----------
    source, sha256
        Name and checksum of the file.
    home
        Countries or groups that the user is in.
    coverage
        ``rows, lots, materials, rows_traced, rows_with_origin_told,
        rows_with_content_of_chain, value_usd, rows_without_value``: what the file holds and what
        could be done with it.
    lots
        ``material, form, year, rows, tonnes, unit, value_usd``: every row is in one of them.
    measures
        ``material, form, year, measure, value, unit, reason, vintage``; `vintage` names the years
        of public figures that went in.
    map
        ``material, form, year, step, stage, country, share, basis``; `country` null: not known.
    restrictions
        ``material, id, restricting_country, target, instrument, severity, start, end, source, url,
        confidence, share_supplied, share_processed, share_extracted, through_origin, same_act``:
        those of the ledger that concern countries in the map and had not ended before the year of
        the purchase. `through_origin`: the country ships less than 1 %, but the material
        was processed or extracted there. `same_act`: further rows of the ledger about the same act.
    governance
        ``material, form, year, country, share, instability, instability_year``.
    vulnerability
        By material and form, for its last year.
    strategic
        Entry in the European list of strategic raw materials by material; None: not on it.
    law
        What the regulation asks, and which part of this document answers it.
    base_years
        Base year by chain through which suppliers were traced.
    notes
        What the reader must know.
    dataset
        Identity of the dataset.
    country_names
        By ISO3.
    seconds
        Time taken.
    """

    source: str
    sha256: str
    home: tuple[str, ...]
    coverage: Mapping[str, object]
    lots: pl.DataFrame
    measures: pl.DataFrame
    map: pl.DataFrame
    restrictions: pl.DataFrame
    governance: pl.DataFrame
    vulnerability: tuple[Vulnerability, ...]
    strategic: Mapping[str, str | None]
    law: Mapping[str, object]
    base_years: Mapping[str, int]
    notes: tuple[str, ...]
    dataset: Mapping[str, object]
    country_names: Mapping[str, str]
    seconds: float


def assessment_document(result: PurchaseAssessment) -> dict[str, Any]:
    """Return the document that ``--json`` prints."""
    return {
        "file": result.source,
        "sha256": result.sha256,
        "home": list(result.home),
        "coverage": dict(result.coverage),
        "lots": result.lots.to_dicts(),
        "measures": result.measures.to_dicts(),
        "map": result.map.to_dicts(),
        "factors": {
            "restrictions": result.restrictions.to_dicts(),
            "governance": result.governance.to_dicts(),
        },
        "vulnerability": [asdict(v) for v in result.vulnerability],
        "strategic": dict(result.strategic),
        "law": dict(result.law),
        "base_years": dict(result.base_years),
        "notes": list(result.notes),
        "dataset": {k: result.dataset[k] for k in ("edition", "sha256")},
        "seconds": round(result.seconds, 3),
    }
