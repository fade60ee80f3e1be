"""The study: draw a plan's scenarios, compute its parts, sum them up."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl

from lodeline import data
from lodeline.errors import InputError, UnknownNameError
from lodeline.network import ActivityKind
from lodeline.network.catalogue import load_chain
from lodeline.network.chain import Chain
from lodeline.results.ensemble import EnsembleResult
from lodeline.scenarios.ensemble_spec import Ensemble
from lodeline.solver.compiled import announced
from lodeline.solver.simd import WIDTH
from lodeline.studies.ensemble import summary
from lodeline.studies.ensemble.crew import call_crew, compute_by_crew
from lodeline.studies.ensemble.factors import check_count, sample_at
from lodeline.studies.ensemble.parts import BLOCK, Models, Plan, Store, drawn_for
from lodeline.studies.ensemble.reader import Reader
from lodeline.studies.ensemble.run import compute_here, compute_there
from lodeline.studies.ensemble.singly import needs_single_runs

__all__ = ["PART", "plan_of", "run_ensemble"]

PART = 256
"""Scenarios a part: seconds of work, a few hundred kilobytes."""

Progress = Callable[[str, int, int], None]


def plan_of(
    ensemble: Ensemble,
    *,
    seed: int = 0,
    base_year: int | None = None,
    chains: Mapping[str, Chain] | None = None,
    part: int | None = None,
) -> Plan:
    """Return the plan of an ensemble: all that its numbers follow from.

    Parameters
    ----------
    ensemble
        The specification.
    seed
        Fixes the scenarios.
    base_year
        Year of the trade data; default the specification's, else the year before the first month.
    chains
        Chains of the user's own, by identifier.
    part
        Scenarios a part, a multiple of `BLOCK`; default `PART`, or `BLOCK` where they are run one
        at a time.

    Raises
    ------
    InputError
        If a country does not exist, or the part's size is impossible.
    """
    if part is None:
        is_slow = any(needs_single_runs(ensemble, chain) for chain in ensemble.simulated)
        part = BLOCK if is_slow else PART
    if part < BLOCK or part % BLOCK:
        raise InputError(f"a part holds {part} scenarios, needs a multiple of {BLOCK}.")
    if seed < 0:
        raise InputError(f"--seed is {seed}. Choose 0 or a positive whole number.")
    names = data.country_names()
    for country in ensemble.countries:
        if country not in names:
            raise UnknownNameError("country", country, names, "Use ISO 3166 alpha-3 codes.")
    own = dict(chains or {})
    last = data.code_status()["last_year"].cast(pl.Int64).to_list()
    default = min(ensemble.start.year - 1, max(y for y in last if y is not None))
    return Plan(
        ensemble=ensemble,
        chains={c: own[c] if c in own else load_chain(c) for c in ensemble.simulated},
        base_year=base_year or ensemble.base_year or default,
        seed=seed,
        part=part,
        dataset=data.dataset_identity(),
    )


def run_ensemble(
    plan: Plan,
    *,
    n: int,
    workers: int = 0,
    scheduler: str | None = None,
    threads: int | None = None,
    folder: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    message: Callable[[str], None] | None = None,
) -> EnsembleResult:
    """Run an ensemble and sum it up.

    Parameters
    ----------
    plan
        What to run, see `plan_of`.
    n
        Number of scenarios; with more, the first ones stay what they are.
    workers
        Worker processes on this machine; 0: this process.
    scheduler
        Address of a Dask scheduler to use instead.
    threads
        Threads of this process, without workers or a scheduler; default one a processor.
    folder
        Where the parts are kept; default a folder that is removed afterwards.
    resume
        Go on with the parts that are there.
    progress
        Called with what is done, scenarios done, and all of them.
    message
        Called with sentences for the user.

    Raises
    ------
    InputError
        If the folder holds something else, or numbers are out of range.
    """
    started = time.perf_counter()
    check_count(n)
    if resume and folder is None:
        raise InputError("--resume needs the folder to go on with. Name it with --out.")
    talk = message or _silent
    if workers and scheduler is None:
        call_crew()
    with _place(folder) as place:
        store = Store(place, plan, resume=resume)
        store.tidy(n)
        todo = [k for k in plan.parts(n) if not store.is_done(k, n)]
        # Built also where workers compute: it compiles once for all of them, and checks the plan.
        models = Models.of(plan, message)
        computed, seconds = _compute(
            plan, models, store, todo, n, workers, scheduler, threads, progress, talk
        )
        talk("summing up")
        return _summed(plan, models, store, n, computed, seconds, workers, started)


def _silent(text: str) -> None:
    del text


@contextmanager
def _place(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="lodeline-") as name:
        yield Path(name)


def _compute(
    plan: Plan,
    models: Models,
    store: Store,
    todo: list[int],
    n: int,
    workers: int,
    scheduler: str | None,
    threads: int | None,
    progress: Progress | None,
    message: Callable[[str], None],
) -> tuple[int, float]:
    """Compute the missing parts; return how many scenarios that were, and the seconds."""
    done = n - sum(plan.size(k, n) for k in todo)
    before = done
    with announced(message):
        _warm_up(models)
    began = time.perf_counter()
    if not todo:
        return 0, 0.0
    if scheduler is not None:
        parts = compute_there(models, todo, n, scheduler=scheduler, message=message)
    elif workers:
        parts = compute_by_crew(models, todo, n, workers=workers, message=message)
    else:
        parts = compute_here(models, todo, n, threads=threads)
    for part in parts:
        store.keep(part)
        done += plan.size(part.number, n)
        if progress is not None:
            progress("scenarios", done, n)
    return done - before, time.perf_counter() - began


def _warm_up(models: Models) -> None:
    """Compile before the clock starts and before workers would all do it at once."""
    values = sample_at(models.factors, 0, drawn_for(models, 0, 1)[:WIDTH]).values
    models.chains[0].simulate(values, first=0, kept=1)


def _summed(
    plan: Plan,
    models: Models,
    store: Store,
    n: int,
    computed: int,
    seconds: float,
    workers: int,
    started: float,
) -> EnsembleResult:
    numbers = plan.parts(n)
    reader = Reader(
        [store.path("metrics", k) for k in numbers],
        [store.path("scenarios", k) for k in numbers],
        [plan.size(k, n) for k in numbers],
    )
    ensemble, factors, seed = plan.ensemble, models.factors, plan.seed
    forms = {name: chain.forms[-1].id for name, chain in plan.chains.items()}
    asked = ensemble.countries
    spread, short = summary.quantiles(reader, _reference(models))
    head = summary.headline(spread, asked, forms)
    return EnsembleResult(
        specification=ensemble.document(),
        n=n,
        seed=seed,
        base_year=plan.base_year,
        months=tuple(str(m) for m in ensemble.calendar),
        asked=asked,
        forms=forms,
        chains={name: chain.title for name, chain in plan.chains.items()},
        units={name: chain.forms[-1].unit for name, chain in plan.chains.items()},
        quantiles=spread,
        short=short,
        exceedance=summary.exceedance(reader, asked, forms),
        above=summary.above(reader, asked, forms),
        headline=head,
        tail=summary.tail(reader, head, factors, seed),
        factors=summary.factor_table(reader, head, factors, seed),
        ranking=summary.ranking(reader, head, factors, seed),
        certificate=summary.certificate(reader, list(plan.chains), ensemble.months),
        dataset=plan.dataset,
        country_names=data.country_names(),
        computed=computed,
        seconds=seconds,
        total_seconds=time.perf_counter() - started,
        workers=workers,
    )


def _reference(models: Models) -> pl.DataFrame:
    """Return use by country, chain and form, t/month: the mean over the chain's base years."""
    parts = []
    for chain in models.chains:
        for network in chain.networks:
            uses = network.of_kind(ActivityKind.USE)
            share = network.reference[uses] / len(chain.networks)
            parts.append(
                pl.DataFrame(
                    {
                        "country": np.array(network.countries)[network.origin[uses]],
                        "chain": np.full(uses.size, chain.cells.chain),
                        "form": np.array(network.forms)[network.form[uses]],
                        "reference_use_t": share,
                    }
                )
            )
    grouped = pl.concat(parts).group_by("country", "chain", "form", maintain_order=True)
    return grouped.agg(pl.col("reference_use_t").sum())
