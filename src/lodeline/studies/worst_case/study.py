"""Worst case: which few restrictions would hurt a country, or a group of them, most."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lodeline import data
from lodeline.errors import InputError, UnknownNameError
from lodeline.network import ActivityKind, Network, build_network
from lodeline.network.chain import Chain
from lodeline.results.worst_case import (
    CandidateKind,
    Damage,
    LeftOut,
    Method,
    Restriction,
    WorstCaseResult,
)
from lodeline.scenarios.groups import GROUPS, expand
from lodeline.studies.ensemble.metrics import Outcome
from lodeline.studies.exposure.balances import last_trade_year
from lodeline.studies.worst_case.candidates import Candidate, candidates_of, split_by_size
from lodeline.studies.worst_case.closures import Closure, ClosureMarket
from lodeline.studies.worst_case.relaxation import Relaxation, why_no_bound
from lodeline.studies.worst_case.search import (
    BoundOf,
    Chosen,
    Found,
    branch_and_bound,
    count_sets,
    enumerate_sets,
    exchange,
)

__all__ = ["LEAST_SHARE", "MOST_SETS", "run_worst_case"]

Vector = NDArray[np.float64]
Progress = Callable[[str, int, int], None]

LEAST_SHARE = 0.01
"""Candidates below this share of the world's and of the target's trade are not combined."""
MOST_SETS = 20_000
"""Sets that are evaluated before the search does with less than all."""
_RANKED = 10
_UNIT = {Damage.UNMET: "t", Damage.COST: "USD"}


@dataclass(frozen=True)
class _Question:
    """What is asked, with names turned into indices."""

    network: Network
    form: int
    target: tuple[int, ...]
    uses: NDArray[np.intp]
    damage: Damage
    months: int
    k: int


def run_worst_case(
    chain: Chain | str,
    target: Sequence[str],
    *,
    k: int,
    base_year: int | None = None,
    months: int = 12,
    kinds: Sequence[CandidateKind] = (CandidateKind.EXPORTER,),
    damage: Damage = Damage.UNMET,
    form: str | None = None,
    least_share: float = LEAST_SHARE,
    most_sets: int = MOST_SETS,
    progress: Progress | None = None,
    message: Callable[[str], None] | None = None,
) -> WorstCaseResult:
    """Find the at most `k` restrictions that do a country, or a group of them, most harm.

    What is closed stays closed wholly and in every month. If there are at most `most_sets` sets,
    all are evaluated. If there are more, branch and bound proves its answer where a relaxation
    bounds the harm (`lodeline.studies.worst_case.relaxation`: one month, unmet use); elsewhere a
    search by exchange gives a bad case without a proof that it is the worst.

    Parameters
    ----------
    chain
        A chain, its identifier or the path of one's own file.
    target
        Countries (ISO3) or groups (``EU27``) that are to be hurt; damages are added over them.
    k
        Largest number of restrictions.
    base_year
        Year of the trade data; default the last.
    months
        Simulated months.
    kinds
        What may be closed.
    damage
        By what sets are ranked.
    form
        Form whose use counts; default the chain's last. The cost counts all forms.
    least_share
        Candidates with less of the world's trade (or output) and of the target's imports are
        closed alone only.
    most_sets
        Sets that are evaluated before the search does with less than all.
    progress
        Called as the work goes on.
    message
        Called with a sentence if the solver has to be compiled first.

    Raises
    ------
    InputError
        If a country or form is not known, or the target does not use the form.
    """
    started = time.perf_counter()
    year = base_year if base_year is not None else last_trade_year()
    network = build_network(chain, base_year=year)
    question = _question(network, target, form, damage, months, k)
    market = ClosureMarket(network, months, question.uses, message=message)
    every = candidates_of(network, kinds, question.target)
    kept, small = split_by_size(every, least_share)
    if not kept:
        raise InputError(
            f"nothing to close: no {' or '.join(kinds)} of chain '{network.base.chain.id}' has "
            f"{least_share:.2%} of the trade. Lower --min-share."
        )
    kept = _worst_first(kept, _damages(question, market, [[c] for c in kept]))
    report = progress or _silent
    found, method, why = _search(question, market, kept, most_sets, report)
    if small and found.bound is not None:
        why = f"{why}; of the {len(kept)} candidates, not of the {len(small)} left out"
    alone = _damages(question, market, [[c] for c in small])
    chosen = [kept[i] for i in found.best]
    outcome = market.outcome([_closure(chosen)], is_certified=True)
    chain_spec = network.base.chain
    shown = chain_spec.forms[question.form]
    return WorstCaseResult(
        target=tuple(target),
        chain=chain_spec.id,
        title=chain_spec.title,
        form=shown.id,
        unit=shown.unit,
        base_year=year,
        months=months,
        kinds=tuple(kind.value for kind in dict.fromkeys(kinds)),
        k=k,
        primary=damage.value,
        restrictions=tuple(_restriction(network, c) for c in chosen),
        damage=found.damage,
        damage_unit=_UNIT[damage],
        bound=found.bound,
        bound_reason=why,
        is_exact=found.bound is not None and found.bound <= found.damage * (1.0 + 1e-6),
        method=method.value,
        evaluated=found.evaluated,
        possible=count_sets(len(kept), k),
        candidates=len(kept),
        left_out=_left_out(network, small, alone, least_share),
        outcome=_outcome_table(question, outcome),
        ranking=_ranking(network, kept, found),
        certificate={
            "max_residual": market.max_residual,
            "max_gap": market.max_gap,
            "fallbacks": market.fallbacks,
            "independent_residual": outcome.independent_residual,
        },
        notes=_notes(question, chosen),
        dataset=data.dataset_identity(),
        country_names=data.country_names(),
        seconds=time.perf_counter() - started,
    )


def _question(
    network: Network,
    target: Sequence[str],
    form: str | None,
    damage: Damage,
    months: int,
    k: int,
) -> _Question:
    known = data.country_names()
    countries = expand(target)
    for country in countries:
        if country not in known:
            remedy = "Use ISO 3166 alpha-3 codes, or EU27 or G7."
            raise UnknownNameError("country", country, {*known, *GROUPS}, remedy)
    if form is not None and form not in network.forms:
        raise UnknownNameError("form", form, network.forms)
    f = network.forms.index(form) if form is not None else len(network.forms) - 1
    inside = tuple(network.countries.index(c) for c in countries if c in network.countries)
    used = (network.kind == ActivityKind.USE) & np.isin(network.origin, inside)
    uses = np.flatnonzero(used & (network.form == f))
    if uses.size == 0:
        others = sorted({network.forms[i] for i in network.form[used]})
        hint = f"Used there: {', '.join(others)} (--form)." if others else "Ask another country."
        raise InputError(
            f"{', '.join(target)} uses no '{network.forms[f]}' of chain "
            f"'{network.base.chain.id}' in {network.base.year}. {hint}"
        )
    return _Question(network, f, inside, uses, damage, months, k)


def _closure(candidates: Sequence[Candidate]) -> Closure:
    none = np.zeros(0, dtype=np.intp)
    return np.unique(np.concatenate([none, *(c.activities for c in candidates)]))


def _damages(
    question: _Question, market: ClosureMarket, sets: Sequence[Sequence[Candidate]]
) -> Vector:
    closures = [_closure(s) for s in sets]
    if not closures:
        return np.zeros(0)
    if question.damage is Damage.UNMET:
        return market.unmet(closures)
    return market.cost(closures, question.target)


def _worst_first(candidates: Sequence[Candidate], alone: Vector) -> list[Candidate]:
    return [candidates[i] for i in np.argsort(-alone, kind="stable")]


def _search(
    question: _Question,
    market: ClosureMarket,
    candidates: Sequence[Candidate],
    most_sets: int,
    report: Progress,
) -> tuple[Found, Method, str]:
    """Return the worst set, how it was found, and what proves it or why nothing does."""
    count, k = len(candidates), min(question.k, len(candidates))
    possible = count_sets(count, k)

    def damage(sets: Sequence[Chosen]) -> Vector:
        return _damages(question, market, [[candidates[i] for i in s] for s in sets])

    def progress(done: int) -> None:
        report("sets of restrictions", min(done, possible), possible)

    if possible <= most_sets:
        found = enumerate_sets(count, k, damage, progress=progress)
        return found, Method.ENUMERATION, "every set of the candidates was evaluated"
    why = why_no_bound(question.network, months=question.months, damage=question.damage)
    if why is not None:
        found = exchange(count, k, damage, progress=progress)
        return found, Method.EXCHANGE, f"no bound: {why}"
    bound = _bound_of(question, candidates)
    found = branch_and_bound(count, k, damage, bound, most_sets=most_sets, progress=progress)
    return found, Method.BRANCH_AND_BOUND, "a relaxation of all that is undecided bounds the rest"


def _bound_of(question: _Question, candidates: Sequence[Candidate]) -> BoundOf:
    """Return what bounds the damage of sets between two given ones."""
    relaxation = Relaxation(question.network, _closure(candidates), question.uses)
    # Nobody can lack more than he uses.
    whole = float(question.network.reference[question.uses].sum())

    def bound(pairs: Sequence[tuple[Chosen, Chosen]]) -> Vector:
        closed = [_closure([candidates[i] for i in shut]) for shut, _ in pairs]
        undecided = [_closure([candidates[i] for i in maybe]) for _, maybe in pairs]
        return np.minimum(relaxation.bound(closed, undecided), whole)

    return bound


def _restriction(network: Network, candidate: Candidate) -> Restriction:
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


def _left_out(
    network: Network, small: Sequence[Candidate], alone: Vector, least_share: float
) -> LeftOut:
    shares: dict[str, float] = {}
    for c in small:
        key = f"{c.kind.value} {network.forms[c.form]}"
        shares[key] = shares.get(key, 0.0) + c.share
    worst = int(np.argmax(alone)) if len(small) else None
    return LeftOut(
        count=len(small),
        least_share=least_share,
        share_by_form=shares,
        largest_alone=None if worst is None else _restriction(network, small[worst]),
        largest_damage_alone=None if worst is None else float(alone[worst]),
    )


def _outcome_table(question: _Question, outcome: Outcome) -> pl.DataFrame:
    """Return the metrics of the worst set by country of the target, and their total."""
    network = question.network
    mine = np.flatnonzero(
        (outcome.use_form == question.form) & np.isin(outcome.use_country, question.target)
    )
    used = network.reference[network.of_kind(ActivityKind.USE)][mine]
    unmet, cost = outcome.unmet_t_total[0], outcome.cost[0].sum(axis=0)
    rows = [
        {
            "country": network.countries[outcome.use_country[u]],
            "reference_use_t": float(used[i]) * question.months,
            "unmet_t_total": float(unmet[u]),
            "unmet_share": float(unmet[u] / (used[i] * question.months)),
            "unmet_share_peak": float(outcome.unmet_share_peak[0, u]),
            "price_multiple_peak": float(outcome.price_multiple_peak[0, u]),
            "time_to_survive_months": _months_until_short(outcome, int(u)),
            "cost_usd": float(cost[outcome.use_country[u]]),
        }
        for i, u in enumerate(mine)
    ]
    whole = {
        "country": "total",
        "reference_use_t": float(used.sum()) * question.months,
        "unmet_t_total": float(unmet[mine].sum()),
        "unmet_share": float(unmet[mine].sum() / (used.sum() * question.months)),
        "unmet_share_peak": None,
        "price_multiple_peak": float(outcome.price_multiple_peak[0, mine].max()),
        "time_to_survive_months": None,
        "cost_usd": float(cost[list(question.target)].sum()),
    }
    return pl.DataFrame([*rows, whole])


def _months_until_short(outcome: Outcome, use: int) -> int | None:
    """Return the whole months before unmet use exceeds 5 %; None: it never does."""
    first = int(outcome.first_short[0, use])
    return None if first < 0 else max(first - int(outcome.onset[0]), 0)


def _ranking(network: Network, candidates: Sequence[Candidate], found: Found) -> pl.DataFrame:
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
                "restrictions": "; ".join(_restriction(network, candidates[i]).title for i in s),
                "damage": value,
            }
            for rank, (s, value) in enumerate(same[:_RANKED])
        ]
    return pl.DataFrame(rows)


def _notes(question: _Question, chosen: Sequence[Candidate]) -> tuple[str, ...]:
    notes = [
        "What is closed stays closed wholly in every month, to everybody: an upper end, not a "
        "forecast. The target's own exports and plants are no candidates.",
        "Nodes are homogeneous: material of a closed exporter that third countries already hold "
        "may still reach the target.",
    ]
    if len(chosen) < question.k:
        notes.append(
            f"A set of {len(chosen)} does as much harm as any of {question.k}: further "
            "restrictions would not add to it."
        )
    return tuple(notes)


def _silent(what: str, done: int, total: int) -> None:
    del what, done, total
