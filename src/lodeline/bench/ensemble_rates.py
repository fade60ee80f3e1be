"""What an activity costs in ensembles: on small and large networks, with layers and lead times.

A market has hundreds of activities or thousands. So that networks can be compared, rates are per
activity: activity-months a CPU second, activities times months times scenarios over the CPU time of
all that an ensemble computes, on one thread, after compilation.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from lodeline.network import ActivityKind
from lodeline.scenarios.ensemble_reading import load_ensemble
from lodeline.studies.ensemble import plan_of
from lodeline.studies.ensemble.factors import sample_at
from lodeline.studies.ensemble.parts import BLOCK, Models, compute, drawn_for
from lodeline.studies.ensemble.singly import SingleModel

__all__ = ["Rate", "measure_rates"]

SPECS = ("china-antimony-2024", "china-graphite-2023", "china-rare-earths-2025",
         "congo-cobalt-ban-2025", "china-dual-use-japan-2026")  # fmt: skip
"""Ensembles on small and large networks, of one layer and of several."""
WAITING = "china-antimony-2024"
"""The ensemble whose lanes take 0, 1 and 2 months."""


@dataclass(frozen=True)
class Rate:
    """What one ensemble took.

    Attributes
    ----------
    spec
        Identifier of the ensemble.
    nodes, activities, layers
        Size of its chains' networks together; most layers that lanes of one of them have.
    lead_months
        Months that every lane takes.
    is_side_by_side
        Eight scenarios at a time, or one.
    scenarios, months
        What the seconds are for.
    cpu_s, activity_months_per_cpu_s
        Of computing.
    max_residual, max_gap
        Certificate.
    """

    spec: str
    nodes: int
    activities: int
    layers: int
    lead_months: int
    is_side_by_side: bool
    scenarios: int
    months: int
    cpu_s: float
    activity_months_per_cpu_s: float
    max_residual: float
    max_gap: float


def measure_rates(
    *,
    specs: Sequence[str] = SPECS,
    waiting: str = WAITING,
    scenarios: int = 512,
    singly: int = 32,
    months: int = 36,
    seed: int = 1,
    progress: Callable[[str], None] = lambda _: None,
) -> Iterator[Rate]:
    """Yield the rates of ensembles, then those of one with lead times of 0, 1 and 2 months.

    Parameters
    ----------
    specs, waiting
        Which ensembles; `waiting` is run one scenario at a time.
    scenarios, singly, months
        How many of each, and how many of those run one at a time.
    seed
        Fixes the scenarios.
    progress
        Called with what is measured.
    """
    for spec in specs:
        progress(f"{spec}: {scenarios} scenarios by activity")
        yield _side_by_side(spec, scenarios, months, seed)
    for lead in range(3):
        progress(f"{waiting}: {singly} scenarios one at a time, lanes take {lead} months")
        yield _one_at_a_time(waiting, singly, months, seed, lead)


def _side_by_side(spec: str, scenarios: int, months: int, seed: int) -> Rate:
    ensemble = load_ensemble(spec).model_copy(update={"months": months})
    models = Models.of(plan_of(ensemble, seed=seed, part=-(-scenarios // BLOCK) * BLOCK))
    drawn = drawn_for(models, 0, scenarios)
    compute(models, 0, 1, drawn[:BLOCK])  # compiles
    started = time.process_time()
    part = compute(models, 0, scenarios, drawn)
    seconds = time.process_time() - started
    proof = pl.read_parquet(io.BytesIO(part.scenarios))
    chains = [c.cells.chain for c in models.chains]
    networks = [c.networks[0] for c in models.chains]
    activities = sum(n.activities for n in networks)
    return Rate(
        spec=spec, nodes=sum(n.row_kind.size for n in networks), activities=activities,
        layers=max(np.unique(n.layer[n.of_kind(ActivityKind.SHIP)]).size for n in networks),
        lead_months=0, is_side_by_side=True, scenarios=scenarios, months=months, cpu_s=seconds,
        activity_months_per_cpu_s=activities * scenarios * months / seconds,
        max_residual=max(float(proof[f"{c}.max_residual"].to_numpy().max()) for c in chains),
        max_gap=max(float(proof[f"{c}.max_gap"].to_numpy().max()) for c in chains),
    )  # fmt: skip


def _one_at_a_time(spec: str, scenarios: int, months: int, seed: int, lead: int) -> Rate:
    ensemble = load_ensemble(spec).model_copy(update={"months": months})
    plan = plan_of(ensemble, seed=seed)
    [base] = plan.bases().values()
    model = SingleModel(ensemble, base)
    models = Models.of(plan)
    values = sample_at(models.factors, 0, drawn_for(models, 0, scenarios)).values
    is_lane = model.network.kind == ActivityKind.SHIP
    wait = np.where(is_lane, lead, 0)

    def run(i: int) -> tuple[float, float]:
        schedule = model.schedule({k: float(v[i]) for k, v in values.items()})
        done = model.run_schedule(replace(schedule, lead=wait))
        return done.max_residual, done.max_gap

    run(0)  # compiles, and studies the structure
    started = time.process_time()
    proofs = np.array([run(i) for i in range(scenarios)])
    seconds = time.process_time() - started
    network = model.network
    return Rate(
        spec=spec, nodes=network.row_kind.size, activities=network.activities,
        layers=np.unique(network.layer[is_lane]).size, lead_months=lead, is_side_by_side=False,
        scenarios=scenarios, months=months, cpu_s=seconds,
        activity_months_per_cpu_s=network.activities * scenarios * months / seconds,
        max_residual=float(proofs[:, 0].max()), max_gap=float(proofs[:, 1].max()),
    )  # fmt: skip
