"""Ensembles: how many futures a second, beside other solvers in a loop, and how cost grows.

Ours is everything that an ensemble does after compilation but the summary: drawing, curves, limits,
the walk through the months, metrics, certificates and files. Peers get the markets alone, with
straight curves (they cannot do bent ones): a subsample, cold and warm months alike, timed per
market and multiplied by the number of markets. That is to their advantage.

Runs that are compared (sizes, months, workers) each have a process of their own, which says what
memory it took at most.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any

from lodeline.bench.ensemble_rates import SPECS, measure_rates
from lodeline.bench.memory import peak_mb
from lodeline.bench.peers import load_peer
from lodeline.bench.solver import TOLERANCE, market_cases
from lodeline.errors import MachineError

__all__ = ["EnsembleRow", "Growth", "bench_ensemble"]

SPEC = "china-rare-earths-2025"
MONTHS = 36
CHAINS = ("china-antimony-2024", "congo-cobalt-ban-2025", "china-graphite-2023")
"""Ensembles of other chains: how cost grows with the network."""
PEERS = ("piqp", "clarabel", "cvxpy")
"""Peers unless others are asked for: the fastest two, and the loop that most people would write."""


@dataclass(frozen=True)
class EnsembleRow:
    """Ours beside a loop over another solver; seconds for `scenarios` of `months` months.

    Attributes
    ----------
    peer, case
        The other solver; ensemble, chain and size.
    scenarios, months
        What the seconds are for.
    ours_s, peer_s, ratio
        On one core; the peer's are `peer_per_market_s` times the number of markets.
    peer_per_market_s, sampled
        Measured on so many markets.
    """

    peer: str
    case: str
    scenarios: int
    months: int
    ours_s: float
    peer_s: float
    ratio: float
    peer_per_market_s: float
    sampled: int


@dataclass(frozen=True)
class Growth:
    """One run in a process of its own.

    Attributes
    ----------
    spec, nodes, activities
        The ensemble, and the size of its chains' networks together.
    scenarios, months, workers
        Its size; workers 0 is the process itself.
    seconds, scenarios_per_second
        Of computing, after compilation.
    total_seconds
        With the summary, the start of workers, and reading the compiled solver.
    peak_mb
        Most memory that the process took, without its workers.
    fallbacks, max_residual, max_gap
        Certificate of the run.
    """

    spec: str
    nodes: int
    activities: int
    scenarios: int
    months: int
    workers: int
    seconds: float
    scenarios_per_second: float
    total_seconds: float
    peak_mb: float
    fallbacks: int
    max_residual: float
    max_gap: float


def bench_ensemble(
    *,
    spec: str = SPEC,
    sizes: Sequence[int] = (500, 2000, 10_000),
    months: Sequence[int] = (12, 24, 36),
    workers: Sequence[int] = (1, 2),
    others: Sequence[str] = CHAINS,
    peers: Sequence[str] | None = None,
    chain: str = "rare-earths",
    base_year: int = 2023,
    sampled: int = 16,
    rates: Sequence[str] = SPECS,
    seed: int = 1,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Measure an ensemble against loops over other solvers, and how its cost grows.

    Parameters
    ----------
    spec
        Identifier of a bundled ensemble or scenario.
    sizes, months, workers
        Numbers of scenarios (with 36 months, in one process), of months (with the first size) and
        of workers (with the last size).
    others
        Ensembles of other chains, with the first size and 36 months.
    peers
        Names; default those of `PEERS` that are installed.
    chain, base_year, sampled
        The markets that peers solve, and how many of each kind.
    rates
        Ensembles whose rates by activity are measured; see `measure_rates`.
    seed
        Fixes the scenarios.
    progress
        Called with what is measured.

    Returns
    -------
    dict
        ``rows`` and ``growth`` (one thread, as peers have), ``geomean_ratio_to_fastest_peer``,
        ``two_threads`` and ``speed_of_two_threads`` (the last size), ``speed_of_two_workers``,
        and ``rates`` by activity.
    """
    names = list(peers) if peers else [name for name in PEERS if find_spec(name)]
    for name in names:
        load_peer(name)
    plans = [(spec, n, MONTHS, 0) for n in sizes]
    plans += [(spec, sizes[0], m, 0) for m in months if m != MONTHS]
    plans += [(spec, sizes[-1], MONTHS, k) for k in workers]
    plans += [(other, sizes[0], MONTHS, 0) for other in others]
    growth = []
    for name, n, count, k in plans:
        progress(f"{name}: {n} scenarios, {count} months, {k or 'no'} workers")
        growth.append(_run(name, n, count, k, seed))
    ours = growth[len(sizes) - 1]
    rows = []
    for name in names:
        progress(f"a loop over {name}")
        rows.append(_row(name, ours, chain, base_year, sampled, seed))
    by_workers = {g.workers: g.seconds for g in growth if g.workers}
    progress(f"{spec}: {sizes[-1]} scenarios, {MONTHS} months, two threads")
    threaded = _run(spec, sizes[-1], MONTHS, 0, seed, threads=2)
    by_activity = measure_rates(specs=rates, seed=seed, progress=progress) if rates else ()
    return {
        "name": "ensemble",
        "tolerance": TOLERANCE,
        "rows": [asdict(r) for r in rows],
        "geomean_ratio_to_fastest_peer": min((r.ratio for r in rows), default=None),
        "growth": [asdict(g) for g in growth],
        "two_threads": asdict(threaded),
        "speed_of_two_threads": ours.seconds / threaded.seconds,
        "speed_of_two_workers": (
            by_workers[1] / by_workers[2] if {1, 2} <= set(by_workers) else None
        ),
        "rates": [asdict(r) for r in by_activity],
    }


def _row(
    name: str, ours: Growth, chain: str, base_year: int, sampled: int, seed: int
) -> EnsembleRow:
    """Time a peer on the markets of a chain, warm where it can be."""
    best = math.inf
    problems = [p for case in market_cases(chain, base_year, sampled, seed) for p in case]
    peer = load_peer(name)(problems[0], TOLERANCE)
    for _ in range(2):
        started = time.perf_counter()
        for problem in problems:
            peer.solve(problem)
        best = min(best, (time.perf_counter() - started) / len(problems))
    total = best * ours.scenarios * ours.months
    return EnsembleRow(
        peer=name, case=f"{ours.spec}, {ours.scenarios} scenarios of {ours.months} months",
        scenarios=ours.scenarios, months=ours.months, ours_s=ours.seconds, peer_s=total,
        ratio=total / ours.seconds, peer_per_market_s=best, sampled=len(problems),
    )  # fmt: skip


def _run(
    spec: str, scenarios: int, months: int, workers: int, seed: int, *, threads: int = 1
) -> Growth:
    """Run an ensemble in a process of its own."""
    given = [spec, *(str(k) for k in (scenarios, months, workers, seed, threads))]
    code = "import sys; from lodeline.bench.ensemble import measure; measure(*sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, *given], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise MachineError(f"the measured run failed: {done.stderr.strip()[-500:]}")
    return Growth(**json.loads(done.stdout.splitlines()[-1]))


def measure(spec: str, scenarios: str, months: str, workers: str, seed: str, threads: str) -> None:
    """Run an ensemble and print what it took, as JSON; for a process of its own."""
    from lodeline.scenarios.ensemble_reading import load_ensemble
    from lodeline.studies.ensemble import plan_of, run_ensemble
    from lodeline.studies.ensemble.parts import Models

    ensemble = load_ensemble(spec).model_copy(update={"months": int(months)})
    plan = plan_of(ensemble, seed=int(seed))
    result = run_ensemble(plan, n=int(scenarios), workers=int(workers), threads=int(threads))
    shapes = [c.networks[0].incidence.shape for c in Models.of(plan).chains]
    row = Growth(
        spec=spec, nodes=sum(s[0] for s in shapes), activities=sum(s[1] for s in shapes),
        scenarios=result.n, months=int(months), workers=int(workers), seconds=result.seconds,
        scenarios_per_second=result.computed / result.seconds,
        total_seconds=result.total_seconds,
        peak_mb=peak_mb(),
        fallbacks=int(result.certificate["fallbacks"]),
        max_residual=result.certificate["max_residual"], max_gap=result.certificate["max_gap"],
    )  # fmt: skip
    sys.stdout.write(json.dumps(asdict(row)) + "\n")
