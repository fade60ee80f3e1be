"""Foresight beside PIQP: the months of a chain as one problem, linear curves, the same certificate.

The largest exporter loses 70 % of its output for a year from the fourth month. Stocks end as in the
market. Both solve the same problem in one run, set-up included (it is solved once); PIQP in mean
units. The same certificate is asked of both. Times are CPU seconds, so that other work on the
machine hardly counts; neither uses more than one core. A peer that takes longer than its limit is
ended: the row then says how many times as long it took *at least*, and it is not tried with more
months.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from statistics import geometric_mean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lodeline.bench.limited import allow, apart
from lodeline.bench.peers import load_peer
from lodeline.network import ActivityKind, build_network
from lodeline.scenarios.compile import Schedule
from lodeline.solver import interior
from lodeline.solver.certificate import certify
from lodeline.solver.horizon import Horizon, is_late, month_layout, over_months
from lodeline.solver.problem import Certificate, MarketProblem
from lodeline.studies.foresight import horizon_of
from lodeline.studies.market import run_market
from lodeline.units import Month

__all__ = ["ForesightRow", "bench_foresight", "measured_peer"]

TOLERANCE = 1e-8
"""Certificate that both must reach."""
TIGHTER = (1e-10,)
"""Tolerances that a peer is asked for next if it does not."""
_START = Month(2026, 1)


@dataclass(frozen=True)
class ForesightRow:
    """One horizon.

    Attributes
    ----------
    peer, case, months
        The other solver, the chain, the horizon.
    rows, activities
        Size of the problem.
    lead_months
        Months that every lane takes.
    ours_s, peer_s, ratio
        CPU seconds; peer over ours; None where the peer was not run.
    worst, peer_worst
        Worst residual or gap of each certificate.
    is_at_least
        The peer was ended: its seconds and the ratio are at least these.
    """

    peer: str
    case: str
    months: int
    rows: int
    activities: int
    lead_months: int
    ours_s: float
    peer_s: float | None
    ratio: float | None
    worst: float
    peer_worst: float | None
    is_at_least: bool


def bench_foresight(
    *,
    chain: str = "rare-earths",
    base_year: int = 2023,
    months: Sequence[int] = (6, 12, 24, 36, 48, 60),
    leads: Sequence[int] = (0, 1, 2),
    peer: str | None = "piqp",
    limit: float = 300.0,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Return rows by horizon, their ratios together, and how cost grows with months and lead times.

    `growth_exponent` is the slope of log seconds over log months: 1 is linear. The rows of
    `lead_times` are the horizon nearest to a year, every lane taking so many months.
    `limit` is in CPU seconds; ratios of a peer that was ended are no part of their mean.
    """
    for lead in {*leads, 0}:  # whatever is compiled or read first
        first, late, horizon = _problem(chain, base_year, 2, lead)
        interior.solve(first, late, layout=month_layout(horizon))
    rows: list[ForesightRow] = []
    for count in months:
        progress(f"{chain}, {count} months")
        ended = any(r.is_at_least for r in rows)
        asked = None if ended or peer is None else partial(_apart, limit, peer, first)
        rows.append(_row(chain, base_year, count, 0, asked, peer))
    year = min(months, key=lambda m: abs(m - 12))
    slow = []
    for lead in leads:
        progress(f"{chain}, {year} months, lead time {lead}")
        slow.append(_row(chain, base_year, year, lead, None, None))
    slope = np.nan
    if len(rows) > 1:
        seconds = np.log([r.ours_s for r in rows])
        slope = float(np.polyfit(np.log([r.months for r in rows]), seconds, 1)[0])
    ratios = [r.ratio for r in rows if r.ratio is not None and not r.is_at_least]
    longest = [r for r in rows if r.ratio is not None]
    return {
        "name": "foresight",
        "rows": [asdict(r) for r in rows],
        "geomean_ratio_to_fastest_peer": geometric_mean(ratios) if ratios else None,
        "ratio_to_peer_longest": longest[-1].ratio if longest else None,
        "growth_exponent": None if np.isnan(slope) else slope,
        "lead_times": [asdict(r) for r in slow],
        "tolerance": TOLERANCE,
        "limit_s": limit,
    }


def _problem(
    chain: str, base_year: int, count: int, lead: int
) -> tuple[MarketProblem, NDArray[np.bool_], Horizon]:
    network = build_network(chain, base_year=base_year)
    ship = network.of_kind(ActivityKind.SHIP)
    exports = np.bincount(network.origin[ship], weights=network.reference[ship])
    output = np.isin(network.kind, [ActivityKind.PRODUCE, ActivityKind.PROCESS])
    factor = np.ones((count, network.activities))
    factor[3:15, output & (network.origin == int(np.argmax(exports)))] = 0.3
    schedule = replace(
        Schedule.nothing(network, [_START + i for i in range(count)]),
        output_factor=factor,
        is_restricted=np.ones(count, dtype=bool),
        lead=np.where(network.kind == ActivityKind.SHIP, lead, 0),
    )
    market = run_market(schedule, bent=False)
    horizon = horizon_of(market, bent=False)
    return over_months(horizon), is_late(horizon), horizon


Timed = tuple[float, float | None]


def _row(
    chain: str,
    base_year: int,
    count: int,
    lead: int,
    ask: Callable[[MarketProblem], Timed] | None,
    peer: str | None,
) -> ForesightRow:
    problem, late, horizon = _problem(chain, base_year, count, lead)
    start = time.process_time()
    ours = interior.solve(problem, late, layout=month_layout(horizon))
    seconds = time.process_time() - start
    found = None if ask is None else ask(problem)
    other, proof = (None, None) if found is None else found
    return ForesightRow(
        peer=peer or "",
        case=chain,
        months=count,
        rows=problem.rhs.size,
        activities=problem.curves.reference.size,
        lead_months=lead,
        ours_s=seconds,
        peer_s=other,
        ratio=None if other is None else other / seconds,
        worst=_worst(ours.certificate),
        peer_worst=proof,
        is_at_least=found is not None and proof is None,
    )


def _apart(limit: float, name: str, first: MarketProblem, problem: MarketProblem) -> Timed:
    """Return what `measured_peer` gives in a process of its own, or the limit and no residual."""
    found = apart(measured_peer, name, first, problem, limit)
    return (limit, None) if found is None else found


def measured_peer(
    name: str, first: MarketProblem, problem: MarketProblem, limit: float | None = None
) -> tuple[float, float]:
    """Return CPU seconds and worst residual or gap of a peer, at the first tolerance that suffices.

    Its own test is not ours: what it calls 1e-8 can be 2e-8 by the certificate. Then it is asked
    for more, and the time of that run alone counts. Before that it solves the small problem
    `first`, so that loading its library does not count. `limit`: CPU seconds after which a run at
    one tolerance ends this process.
    """
    peer = load_peer(name)
    peer(first, TOLERANCE).solve(first)
    for tolerance in (TOLERANCE, *TIGHTER):
        if limit is not None:
            allow(limit)
        start = time.process_time()
        levels, prices = peer(problem, tolerance).solve(problem)
        seconds = time.process_time() - start
        clean = np.where(problem.is_equality, prices, np.maximum(prices, 0.0))
        worst = _worst(certify(problem, levels, clean))
        if worst <= TOLERANCE:
            break
    return seconds, worst


def _worst(proof: Certificate) -> float:
    return max(proof.residual, proof.gap)
