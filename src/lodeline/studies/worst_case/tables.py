"""Question and answer of the worst case: names to indices, candidates and outcomes to tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lodeline.network import ActivityKind, Network
from lodeline.network.network import PRICE_CAP
from lodeline.results.remainders import is_remainder
from lodeline.results.worst_case import CandidateKind, Damage, LeftOut, Restriction
from lodeline.studies.ensemble.metrics import Outcome
from lodeline.studies.worst_case.candidates import Candidate
from lodeline.studies.worst_case.search import Found

__all__ = ["Question", "left_out", "notes", "outcome_table", "ranking", "restriction"]

Vector = NDArray[np.float64]

_RANKED = 10


@dataclass(frozen=True)
class Question:
    """What is asked, with names turned into indices.

    Attributes
    ----------
    network
        Calibrated network of the chain and year.
    form, target
        Indices of the form whose use counts, and of the countries that are to be hurt.
    uses
        Their `USE` activities of the form, positions.
    damage, months, k
        By what sets are ranked, for how long things are closed, how many at most.
    """

    network: Network
    form: int
    target: tuple[int, ...]
    uses: NDArray[np.intp]
    damage: Damage
    months: int
    k: int


def restriction(network: Network, candidate: Candidate) -> Restriction:
    """Return a candidate as results name it."""
    form = network.base.chain.forms[candidate.form]
    country = network.countries[candidate.country]
    to = network.countries[candidate.destination] if candidate.destination >= 0 else None
    what = form.title.lower() if form.title[:2].istitle() else form.title
    titles = {
        CandidateKind.EXPORTER: f"{country} exports no {what}",
        CandidateKind.LANE: f"{country} ships no {what} to {to}",
        CandidateKind.STAGE: f"{country} makes no {what}",
    }
    return Restriction(
        kind=candidate.kind.value,
        form=form.id,
        country=country,
        destination=to,
        title=titles[candidate.kind],
        flow_t_per_month=candidate.flow,
        share=candidate.share,
    )


def left_out(
    network: Network, small: Sequence[Candidate], alone: Vector, least_share: float
) -> LeftOut:
    """Return what was closed alone only, and the harm that it did."""
    shares: dict[str, float] = {}
    for c in small:
        key = f"{c.kind.value} {network.forms[c.form]}"
        shares[key] = shares.get(key, 0.0) + c.share
    worst = int(np.argmax(alone)) if len(small) else None
    return LeftOut(
        count=len(small),
        least_share=least_share,
        share_by_form=shares,
        largest_alone=None if worst is None else restriction(network, small[worst]),
        largest_damage_alone=None if worst is None else float(alone[worst]),
    )


def outcome_table(question: Question, outcome: Outcome) -> pl.DataFrame:
    """Return the metrics of the worst set by country of the target, and their total."""
    network = question.network
    mine = np.flatnonzero(
        (outcome.use_form == question.form) & np.isin(outcome.use_country, question.target)
    )
    used = network.reference[network.of_kind(ActivityKind.USE)][mine]
    unmet, cost = outcome.unmet_t_total[0], outcome.cost[0].sum(axis=0)
    is_left_over = is_remainder(network.base)[question.form]
    price = outcome.price_multiple_peak[0]
    is_capped = price >= _caps(network)
    rows = [
        {
            "country": network.countries[outcome.use_country[u]],
            "reference_use_t": float(used[i]) * question.months,
            "unmet_t_total": float(unmet[u]),
            "unmet_share": float(unmet[u] / (used[i] * question.months)),
            "unmet_share_peak": float(outcome.unmet_share_peak[0, u]),
            "price_multiple_peak": float(price[u]),
            "is_price_capped": bool(is_capped[u]),
            "time_to_survive_months": _months_until_short(outcome, int(u)),
            "cost_usd": float(cost[outcome.use_country[u]]),
            "is_remainder": bool(is_left_over[outcome.use_country[u]]),
        }
        for i, u in enumerate(mine)
    ]
    whole = {
        "country": "total",
        "reference_use_t": float(used.sum()) * question.months,
        "unmet_t_total": float(unmet[mine].sum()),
        "unmet_share": float(unmet[mine].sum() / (used.sum() * question.months)),
        "unmet_share_peak": None,
        "price_multiple_peak": float(price[mine].max()),
        "is_price_capped": bool(is_capped[mine].any()),
        "time_to_survive_months": None,
        "cost_usd": float(cost[list(question.target)].sum()),
        "is_remainder": bool(is_left_over[outcome.use_country[mine]].all()),
    }
    return pl.DataFrame([*rows, whole])


def _caps(network: Network) -> NDArray[np.float64]:
    """Return the price cap of each use over its reference price, shape (use,)."""
    uses = network.of_kind(ActivityKind.USE)
    rows = network.incidence.indices[network.incidence.indptr[uses]]
    return np.asarray(np.minimum(network.cap[uses] / network.row_price[rows], PRICE_CAP))


def _months_until_short(outcome: Outcome, use: int) -> int | None:
    """Return the whole months before unmet use exceeds 5 %; None: it never does."""
    first = int(outcome.first_short[0, use])
    return None if first < 0 else max(first - int(outcome.onset[0]), 0)


def ranking(network: Network, candidates: Sequence[Candidate], found: Found) -> pl.DataFrame:
    """Return the worst sets of each size that were evaluated."""
    rows = []
    for size in sorted({len(s) for s in found.seen}):
        same = sorted(
            ((s, d) for s, d in found.seen.items() if len(s) == size), key=lambda item: -item[1]
        )
        rows += [
            {
                "size": size,
                "rank": rank + 1,
                "restrictions": "; ".join(restriction(network, candidates[i]).title for i in s),
                "damage": value,
            }
            for rank, (s, value) in enumerate(same[:_RANKED])
        ]
    return pl.DataFrame(rows)


def notes(question: Question, chosen: Sequence[Candidate], *, is_exact: bool) -> tuple[str, ...]:
    """Return what a reader must know; `is_exact`: no set of the candidates does more harm."""
    told = [
        "What is closed stays closed wholly in every month, to everybody: an upper end, not a "
        "forecast. The target's own exports and plants are no candidates.",
        "Nodes are homogeneous: material of a closed exporter that third countries already hold "
        "may still reach the target.",
    ]
    if len(chosen) < question.k:
        told.append(
            f"A set of {len(chosen)} does as much harm as any of up to {question.k} of the "
            "candidates: further restrictions would not add to it."
            if is_exact
            else f"The search found no set of up to {question.k} that does more harm than this one "
            f"of {len(chosen)}. There may be one."
        )
    return tuple(told)
