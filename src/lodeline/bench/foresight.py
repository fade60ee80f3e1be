"""Foresight beside PIQP: the months of a chain as one problem, linear curves, the same certificate.

The largest exporter loses 70 % of its output for a year from the fourth month. Stocks end as in the
market. Both solve the same problem in one run, set-up included (it is solved once); PIQP in mean
units. The same certificate is asked of both. Times are CPU seconds, so that other work on the
machine hardly counts; neither uses more than one core.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import geometric_mean
from typing import Any

import numpy as np

from lodeline.bench.peers import load_peer
from lodeline.network import ActivityKind, build_network
from lodeline.scenarios.compile import Schedule
from lodeline.solver import interior
from lodeline.solver.certificate import certify
from lodeline.solver.horizon import is_late, month_layout, over_months
from lodeline.solver.problem import Certificate, MarketProblem
from lodeline.studies.foresight import horizon_of
from lodeline.studies.market import run_market
from lodeline.units import Month

__all__ = ["ForesightRow", "bench_foresight"]

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
    ours_s, peer_s, ratio
        CPU seconds; peer over ours; None where the peer was not run.
    worst, peer_worst
        Worst residual or gap of each certificate.
    """

    peer: str
    case: str
    months: int
    rows: int
    activities: int
    ours_s: float
    peer_s: float | None
    ratio: float | None
    worst: float
    peer_worst: float | None


def bench_foresight(
    *,
    chain: str = "rare-earths",
    base_year: int = 2023,
    months: Sequence[int] = (6, 12, 24),
    peer: str | None = "piqp",
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Return rows by horizon, their ratios together, and how cost grows with the months.

    `growth_exponent` is the slope of log seconds over log months: 1 is linear.
    """
    warm, late, layout = _problem(chain, base_year, 2)
    interior.solve(warm, late, layout=layout)
    rows = []
    for count in months:
        progress(f"{chain}, {count} months")
        rows.append(_row(chain, base_year, count, peer))
    slope = np.nan
    if len(rows) > 1:
        seconds = np.log([r.ours_s for r in rows])
        slope = float(np.polyfit(np.log([r.months for r in rows]), seconds, 1)[0])
    ratios = [r.ratio for r in rows if r.ratio is not None]
    return {
        "name": "foresight",
        "rows": [asdict(r) for r in rows],
        "geomean_ratio_to_fastest_peer": geometric_mean(ratios) if ratios else None,
        "ratio_to_peer_longest": rows[-1].ratio,
        "growth_exponent": None if np.isnan(slope) else slope,
        "tolerance": TOLERANCE,
    }


def _problem(chain: str, base_year: int, count: int) -> tuple[MarketProblem, Any, Any]:
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
    )
    market = run_market(schedule, bent=False)
    horizon = horizon_of(market, bent=False)
    problem = over_months(horizon)
    return problem, is_late(horizon), month_layout(horizon)


def _row(chain: str, base_year: int, count: int, peer: str | None) -> ForesightRow:
    problem, late, layout = _problem(chain, base_year, count)
    start = time.process_time()
    ours = interior.solve(problem, late, layout=layout)
    seconds = time.process_time() - start
    other = proof = None
    if peer is not None:
        other, proof = _peer(problem, peer)
    return ForesightRow(
        peer=peer or "",
        case=chain,
        months=count,
        rows=problem.rhs.size,
        activities=problem.curves.reference.size,
        ours_s=seconds,
        peer_s=other,
        ratio=None if other is None else other / seconds,
        worst=_worst(ours.certificate),
        peer_worst=proof,
    )


def _peer(problem: MarketProblem, name: str) -> tuple[float, float]:
    """Return seconds and worst residual or gap of a peer, at the first tolerance that suffices.

    Its own test is not ours: what it calls 1e-8 can be 2e-8 by the certificate. Then it is asked
    for more, and the time of that run alone counts.
    """
    for tolerance in (TOLERANCE, *TIGHTER):
        start = time.process_time()
        levels, prices = load_peer(name)(problem, tolerance).solve(problem)
        seconds = time.process_time() - start
        clean = np.where(problem.is_equality, prices, np.maximum(prices, 0.0))
        worst = _worst(certify(problem, levels, clean))
        if worst <= TOLERANCE:
            break
    return seconds, worst


def _worst(proof: Certificate) -> float:
    return max(proof.residual, proof.gap)
