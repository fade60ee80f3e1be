"""What the search for the worst case returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import polars as pl

__all__ = [
    "CandidateKind",
    "Damage",
    "LeftOut",
    "Method",
    "Restriction",
    "WorstCaseResult",
    "worst_case_document",
]


class CandidateKind(StrEnum):
    """What an adversary may close."""

    EXPORTER = "exporter"
    """All exports of a form by a country."""
    LANE = "lane"
    """What one country ships to another of a form."""
    STAGE = "stage"
    """A country's output of a form."""


class Damage(StrEnum):
    """By what sets of restrictions are ranked."""

    UNMET = "unmet"
    """Use of the form that goes without, t over all months, summed over the target."""
    COST = "cost"
    """Lost surplus in the chain's markets, USD over all months, summed over the target."""


class Method(StrEnum):
    """How the set was found."""

    ENUMERATION = "enumeration"
    """Every set of candidates was evaluated."""
    BRANCH_AND_BOUND = "branch-and-bound"
    """Sets were left aside only where a proven bound lies below the best one found."""
    EXCHANGE = "exchange"
    """The worst single one, then the worst addition, then swaps while one does more harm: a
    search without proof."""


@dataclass(frozen=True)
class Restriction:
    """One thing that is closed.

    Attributes
    ----------
    kind, form, country, destination
        What it is; `destination` (ISO3) only for lanes.
    title
        In words.
    flow_t_per_month
        What it carries or makes in the base year, t/month of the form's unit.
    share
        Of the world's trade (exporter, lane) or output (stage) of the form.
    """

    kind: str
    form: str
    country: str
    destination: str | None
    title: str
    flow_t_per_month: float
    share: float


@dataclass(frozen=True)
class LeftOut:
    """Candidates that were too small to be combined; each was still closed alone.

    Attributes
    ----------
    count
        How many.
    least_share
        Share of the world's or the target's trade below which they were left out.
    share_by_form
        What they are together, share of the world's trade or output by kind and form.
    largest_alone
        The one that does most harm alone, and that harm; None if none was left out.
    largest_damage_alone
        In the unit of the damage.
    """

    count: int
    least_share: float
    share_by_form: Mapping[str, float]
    largest_alone: Restriction | None
    largest_damage_alone: float | None


@dataclass(frozen=True)
class WorstCaseResult:
    """The restrictions that hurt most.

    Attributes
    ----------
    target
        Countries (ISO3) or groups that are hurt; damages are added over their countries.
    chain, title, form, unit, base_year, months
        What was run.
    kinds, k, primary
        What may be closed, how many at most, and by what sets are ranked.
    restrictions
        The worst set.
    damage, damage_unit
        Its damage.
    bound, bound_reason
        No set of at most k candidates does more harm than `bound`; None where that is not proven,
        and why.
    is_exact
        Whether the set is proven to be the worst of the candidates.
    method, evaluated, possible
        How it was found, sets evaluated, and sets that there are.
    candidates
        Number of candidates that were combined.
    left_out
        Those that were not.
    outcome
        By country of the target and in total: ``country, reference_use_t, unmet_t_total,
        unmet_share, unmet_share_peak, price_multiple_peak, is_price_capped (a price that means
        nothing), time_to_survive_months, cost_usd, is_remainder`` (use below a tenth of what the
        country makes and takes in; in total: of every country).
    ranking
        The worst sets of each size: ``size, rank, restrictions, damage``.
    certificate
        ``max_residual, max_gap, fallbacks, independent_residual``.
    notes
        What the reader must know.
    dataset
        Identity of the dataset.
    country_names
        By ISO3.
    seconds
        Time taken.
    inferred
        By form without a trade code: what its lanes are inferred from.
    """

    target: tuple[str, ...]
    chain: str
    title: str
    form: str
    unit: str
    base_year: int
    months: int
    kinds: tuple[str, ...]
    k: int
    primary: str
    restrictions: tuple[Restriction, ...]
    damage: float
    damage_unit: str
    bound: float | None
    bound_reason: str
    is_exact: bool
    method: str
    evaluated: int
    possible: int
    candidates: int
    left_out: LeftOut
    outcome: pl.DataFrame
    ranking: pl.DataFrame
    certificate: Mapping[str, float]
    notes: tuple[str, ...]
    dataset: Mapping[str, object]
    country_names: Mapping[str, str]
    seconds: float
    inferred: Mapping[str, str] = field(default_factory=dict)


def worst_case_document(result: WorstCaseResult) -> dict[str, Any]:
    """Return the document that ``--json`` prints."""
    left_out = result.left_out
    return {
        "target": list(result.target),
        "chain": result.chain,
        "form": result.form,
        "unit": result.unit,
        "base_year": result.base_year,
        "months": result.months,
        "kinds": list(result.kinds),
        "k": result.k,
        "restrictions": [asdict(r) for r in result.restrictions],
        "damage": result.damage,
        "damage_measure": result.primary,
        "damage_unit": result.damage_unit,
        "bound": result.bound,
        "bound_reason": result.bound_reason,
        "is_exact": result.is_exact,
        "method": result.method,
        "evaluated": result.evaluated,
        "possible": result.possible,
        "candidates": result.candidates,
        "left_out": asdict(left_out),
        "outcome": {row.pop("country"): row for row in result.outcome.iter_rows(named=True)},
        "ranking": result.ranking.to_dicts(),
        "inferred": dict(result.inferred),
        "certificate": dict(result.certificate),
        "notes": list(result.notes),
        "dataset": {k: result.dataset[k] for k in ("edition", "sha256")},
        "seconds": round(result.seconds, 3),
    }
