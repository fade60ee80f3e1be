"""The compiled solver beside other QP solvers, on every case the same problems.

A case is a chain's network with linear curves; a scenario closes or throttles some of its largest
exporters. Cold: the first month, from the reference prices. Warm: the second month (bounds and
stocks follow from the first), from the first month's prices. One solve is one market; ours are
solved as a batch, on one core like everybody's, packing and unpacking included. Everybody's
answers are put to the same certificate. Peers are timed at their own tolerance of 1e-8, although
that certificate, which weighs every country by its own throughput, often asks for a tighter one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lodeline.bench.peers import available, load_peer
from lodeline.network import ActivityKind, Network, build_network
from lodeline.solver.certificate import certify
from lodeline.solver.compiled import BatchResult, CompiledMarket, Variation
from lodeline.solver.newton import Settings
from lodeline.solver.problem import MarketProblem

__all__ = ["CHAINS", "Row", "bench_solver", "market_cases"]

Vector = NDArray[np.float64]

TOLERANCE = 1e-8
"""Largest residual and gap of a certificate that passes."""
OURS = 1e-9
"""Row residual at which ours stops: the certificate's other parts are then within TOLERANCE."""
_LADDER = (TOLERANCE, 1e-9, 1e-10, 1e-11, 1e-12)
CHAINS = (
    "rare-earths", "lithium", "cobalt", "graphite", "nickel", "tungsten", "copper", "manganese",
    "lng",
)  # fmt: skip
_LEAST = 0.1
"""CPU seconds for which everybody is measured at least, each round."""


@dataclass(frozen=True)
class Row:
    """One comparison; CPU seconds per solve.

    Attributes
    ----------
    peer, peer_tolerance
        The other solver, and the loosest tolerance at which all its answers pass the certificate;
        None if that is tighter than 1e-12. It is timed at 1e-8.
    case
        Chain.
    start
        cold or warm.
    nodes, activities
        Size of the network.
    ours_s, peer_s, ratio
        Seconds per solve; peer over ours.
    worst, peer_worst
        Worst residual or gap of the certificates of the answers that were timed.
    fallbacks
        Scenarios that ours gave to the reference solver.
    """

    peer: str
    peer_tolerance: float | None
    case: str
    start: str
    nodes: int
    activities: int
    ours_s: float
    peer_s: float
    ratio: float
    worst: float
    peer_worst: float
    fallbacks: int


@dataclass(frozen=True)
class _Case:
    name: str
    network: Network
    base: MarketProblem
    variation: Variation
    start: Vector | None
    label: str

    def problems(self) -> list[MarketProblem]:
        return [self.variation.of(i).applied(self.base) for i in range(self.count)]

    @property
    def count(self) -> int:
        return self.variation.scenarios()


def _first_month(network: Network, count: int, seed: int) -> Variation:
    """Return bounds of the first month: a few large exporters closed or throttled."""
    ship = network.of_kind(ActivityKind.SHIP)
    lanes = (1.0 + network.lane_growth) * network.reference[ship] + network.growth_base[ship]
    exports = np.bincount(network.origin[ship], weights=network.reference[ship])
    largest = np.argsort(-exports)[:12]
    upper = np.tile(network.capacity, (count, 1))
    upper[:, ship] = lanes
    for i in range(count):
        rng = np.random.default_rng((seed, i))
        for country in rng.choice(largest, size=int(rng.integers(1, 4)), replace=False):
            mine = ship[network.origin[ship] == country]
            upper[i, mine] = float(rng.choice([0.0, 0.3, 0.6])) * network.reference[mine]
    return Variation(upper=upper)


def _next_month(case: _Case, result: BatchResult) -> _Case:
    """Return the month after: lanes grow from the flows, stocks are what is left."""
    network = case.network
    ship, stores = network.of_kind(ActivityKind.SHIP), network.of_kind(ActivityKind.STORE)
    upper = np.array(case.variation.upper)
    grown = (1.0 + network.lane_growth) * result.levels[:, ship] + network.growth_base[ship]
    upper[:, ship] = np.minimum(upper[:, ship], grown)
    none = np.full(len(network.limits), np.inf)
    rhs = np.array([network.rhs(levels[stores], none) for levels in result.levels])
    variation = Variation(rhs=rhs, upper=upper)
    return _Case(case.name, network, case.base, variation, result.prices, "warm")


def _cases(name: str, base_year: int, count: int, seed: int) -> tuple[CompiledMarket, list[_Case]]:
    network = build_network(name, base_year=base_year)
    base = network.problem(bent=False)
    market = CompiledMarket(base, Settings(tolerance=OURS))
    first = _Case(name, network, base, _first_month(network, count, seed), None, "cold")
    return market, [first, _next_month(first, market.solve_batch(first.variation))]


def market_cases(
    name: str, base_year: int, count: int, seed: int
) -> tuple[list[MarketProblem], list[MarketProblem]]:
    """Return the markets of the first and of the second month of a chain."""
    _, (first, second) = _cases(name, base_year, count, seed)
    return first.problems(), second.problems()


def _worst(problem: MarketProblem, levels: Vector, prices: Vector) -> float:
    proof = certify(problem, levels, np.where(problem.is_equality, prices, np.maximum(prices, 0.0)))
    return max(proof.residual, proof.gap)


def _tuned(name: str, problems: Sequence[MarketProblem]) -> tuple[Any, float | None, float]:
    """Return the peer at `TOLERANCE`, the loosest tolerance at which it passes, its worst figure.

    The peer is timed at its own `TOLERANCE` even where its answers pass only at a tighter one:
    that is to its advantage. The worst figure is that of the answers that are timed.
    """
    make = load_peer(name)
    timed = make(problems[0], TOLERANCE)
    worst = max(_worst(p, *timed.solve(p)) for p in problems)
    for tolerance in _LADDER:
        peer = make(problems[0], tolerance)
        if all(_worst(p, *peer.solve(p)) <= TOLERANCE for p in problems):
            return timed, tolerance, worst
    return timed, None, worst


def _seconds(work: Callable[[], object]) -> float:
    """Return CPU seconds of a run, the mean over as many as fill `_LEAST`.

    By the clock, or in single runs, short work and long work are not measured alike: short runs
    find quiet moments more easily, and pay for what others left in the caches.
    """
    start, count = time.process_time(), 0
    while True:
        work()
        count += 1
        spent = time.process_time() - start
        if spent >= _LEAST:
            return spent / count


def _compare(market: CompiledMarket, case: _Case, peers: Sequence[str], repeats: int) -> list[Row]:
    problems = case.problems()
    ours = market.solve_batch(case.variation, case.start)
    worst = max(_worst(*each) for each in zip(problems, ours.levels, ours.prices, strict=True))
    tuned = {name: _tuned(name, problems) for name in peers}
    best = dict.fromkeys((*peers, "ours"), math.inf)

    def run_peer(name: str) -> None:
        for problem in problems:
            tuned[name][0].solve(problem)

    # Interleaved: whatever else the machine does hits everybody.
    for _ in range(repeats):
        best["ours"] = min(
            best["ours"], _seconds(lambda: market.solve_batch(case.variation, case.start))
        )
        for name in peers:
            best[name] = min(best[name], _seconds(lambda name=name: run_peer(name)))  # type: ignore[misc]
    count = case.count
    return [
        Row(
            peer=name,
            peer_tolerance=tuned[name][1],
            case=case.name,
            start=case.label,
            nodes=case.network.nodes,
            activities=case.network.activities,
            ours_s=best["ours"] / count,
            peer_s=best[name] / count,
            ratio=best[name] / best["ours"],
            worst=worst,
            peer_worst=tuned[name][2],
            fallbacks=ours.fallbacks,
        )
        for name in peers
    ]


def _geomean_to_fastest(rows: Sequence[Row], start: str) -> float:
    """Return the geometric mean over cases of the fastest peer's time over ours."""
    fastest: dict[str, float] = {}
    for row in rows:
        if row.start == start:
            fastest[row.case] = min(row.ratio, fastest.get(row.case, math.inf))
    return math.exp(sum(map(math.log, fastest.values())) / len(fastest))


def bench_solver(
    *,
    chains: Sequence[str] = CHAINS,
    base_year: int = 2023,
    scenarios: int = 32,
    repeats: int = 3,
    peers: Sequence[str] | None = None,
    seed: int = 1,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Measure ours against the peers.

    Parameters
    ----------
    chains, base_year
        Cases.
    scenarios, seed
        Scenarios a case, and what fixes them.
    repeats
        Rounds; the best of each solver counts.
    peers
        Names; default those installed.
    progress
        Called with the name of each case before it runs.

    Returns
    -------
    dict
        ``rows``, ``geomean_ratio_to_fastest_peer`` (warm), ``geomean_ratio_cold``, the settings.

    Raises
    ------
    InputError
        If a peer is not installed or a chain does not exist.
    """
    names = list(peers) if peers else available()
    for name in names:
        load_peer(name)
    rows: list[Row] = []
    for chain in chains:
        if progress is not None:
            progress(chain)
        market, cases = _cases(chain, base_year, scenarios, seed)
        for case in cases:
            rows += _compare(market, case, names, repeats)
    return {
        "name": "solver",
        "tolerance": TOLERANCE,
        "base_year": base_year,
        "scenarios": scenarios,
        "rows": [asdict(row) for row in rows],
        "geomean_ratio_to_fastest_peer": _geomean_to_fastest(rows, "warm"),
        "geomean_ratio_cold": _geomean_to_fastest(rows, "cold"),
    }
