"""Worst case: which few restrictions would hurt a country, or a group of them, most."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lodeline import data
from lodeline.errors import InputError, UnknownNameError
from lodeline.network import ActivityKind, Network, build_network
from lodeline.network.chain import Chain
from lodeline.network.likeness import inferred_forms
from lodeline.results.worst_case import CandidateKind, Damage, Method, WorstCaseResult
from lodeline.scenarios.groups import GROUPS, expand
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
from lodeline.studies.worst_case.tables import (
    Question,
    left_out,
    notes,
    outcome_table,
    ranking,
    restriction,
)

__all__ = ["LEAST_SHARE", "MOST_SETS", "run_worst_case"]

Vector = NDArray[np.float64]
Progress = Callable[[str, int, int], None]

LEAST_SHARE = 0.01
"""Candidates below this share of the world's and of the target's trade are not combined."""
MOST_SETS = 20_000
"""Sets that are evaluated before the search does with less than all."""
_UNIT = {Damage.UNMET: "t", Damage.COST: "USD"}


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
    return _result(
        question, market, found,
        {"target": tuple(target), "kinds": tuple(kind.value for kind in dict.fromkeys(kinds)),
         "method": method.value, "bound_reason": why},
        kept=kept, small=small, least_share=least_share, started=started,
    )  # fmt: skip


def _result(
    question: Question,
    market: ClosureMarket,
    found: Found,
    asked: Mapping[str, Any],
    *,
    kept: Sequence[Candidate],
    small: Sequence[Candidate],
    least_share: float,
    started: float,
) -> WorstCaseResult:
    """Return the result; the worst set is run once more, every solve certified."""
    network, chain = question.network, question.network.base.chain
    chosen = [kept[i] for i in found.best]
    outcome = market.outcome([_closure(chosen)], is_certified=True)
    alone = _damages(question, market, [[c] for c in small])
    is_exact = found.bound is not None and found.bound <= found.damage * (1.0 + 1e-6)
    return WorstCaseResult(
        **asked,
        chain=chain.id,
        title=chain.title,
        form=chain.forms[question.form].id,
        unit=chain.forms[question.form].unit,
        base_year=network.base.year,
        months=question.months,
        k=question.k,
        primary=question.damage.value,
        restrictions=tuple(restriction(network, c) for c in chosen),
        damage=found.damage,
        damage_unit=_UNIT[question.damage],
        bound=found.bound,
        is_exact=is_exact,
        evaluated=found.evaluated,
        possible=count_sets(len(kept), question.k),
        candidates=len(kept),
        left_out=left_out(network, small, alone, least_share),
        outcome=outcome_table(question, outcome),
        ranking=ranking(network, kept, found),
        certificate={
            "max_residual": market.max_residual,
            "max_gap": market.max_gap,
            "fallbacks": market.fallbacks,
            "independent_residual": outcome.independent_residual,
        },
        notes=notes(question, chosen, is_exact=is_exact),
        dataset=data.dataset_identity(),
        country_names=data.country_names(),
        seconds=time.perf_counter() - started,
        inferred=inferred_forms(chain),
    )


def _question(
    network: Network,
    target: Sequence[str],
    form: str | None,
    damage: Damage,
    months: int,
    k: int,
) -> Question:
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
    return Question(network, f, inside, uses, damage, months, k)


def _closure(candidates: Sequence[Candidate]) -> Closure:
    none = np.zeros(0, dtype=np.intp)
    return np.unique(np.concatenate([none, *(c.activities for c in candidates)]))


def _damages(
    question: Question, market: ClosureMarket, sets: Sequence[Sequence[Candidate]]
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
    question: Question,
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


def _bound_of(question: Question, candidates: Sequence[Candidate]) -> BoundOf:
    """Return what bounds the damage of sets between two given ones."""
    relaxation = Relaxation(question.network, _closure(candidates), question.uses)
    # Nobody can lack more than he uses.
    whole = float(question.network.reference[question.uses].sum())

    def bound(pairs: Sequence[tuple[Chosen, Chosen]]) -> Vector:
        closed = [_closure([candidates[i] for i in shut]) for shut, _ in pairs]
        undecided = [_closure([candidates[i] for i in maybe]) for _, maybe in pairs]
        return np.minimum(relaxation.bound(closed, undecided), whole)

    return bound


def _silent(what: str, done: int, total: int) -> None:
    del what, done, total
