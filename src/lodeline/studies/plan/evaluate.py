"""Who evaluates plans: this process or several, and a folder that remembers what was found.

A worker process builds the case once from its text and keeps the futures it is asked for. Every
batch of evaluations is written to the folder before it counts: a search that was killed and is
started again finds them there, decides the same, and ends with the same numbers.
"""

from __future__ import annotations

import hashlib
import io
import json
import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lodeline.network.chain import Chain
from lodeline.scenarios.measures import ActionPlan
from lodeline.studies.ensemble.parts import write_atomic
from lodeline.studies.plan.bundle import Evaluation, Evaluator
from lodeline.studies.plan.futures import Case, Values, case_of
from lodeline.studies.plan.recourse import Bounds, Recourse

__all__ = ["Here", "Memory", "evaluator_of"]

Vector = NDArray[np.float64]
Index = NDArray[np.intp]


@dataclass
class Here:
    """Evaluates in this process.

    Attributes
    ----------
    case
        The plan's case.
    values
        Drawn numbers of the futures, each of shape (future,).
    told
        Called after every future.
    """

    case: Case
    values: Values
    told: Callable[[], None] = lambda: None
    _recourses: dict[int, tuple[Recourse, ...]] = field(default_factory=dict)

    def __call__(self, plan: Vector, futures: Index) -> Evaluation:
        """Return bounds and cuts of the futures at the plan."""
        return _gathered([self._told(plan, int(s)) for s in futures])

    def _told(self, plan: Vector, future: int) -> Bounds:
        found = self.one(plan, future)
        self.told()
        return found

    def one(self, plan: Vector, future: int) -> Bounds:
        """Return the bounds of one future, chains added up."""
        parts = [r.evaluate(plan) for r in self._of(future)]
        return Bounds(
            lower=float(sum(p.lower for p in parts)),
            upper=float(sum(p.upper for p in parts)),
            slope=np.sum([p.slope for p in parts], axis=0),
        )

    def _of(self, future: int) -> tuple[Recourse, ...]:
        if future not in self._recourses:
            own = {k: v[future : future + 1] for k, v in self.values.items()}
            self._recourses[future] = tuple(c.recourse(c.futures(own)[0]) for c in self.case.chains)
        return self._recourses[future]


def _gathered(bounds: list[Bounds]) -> Evaluation:
    return Evaluation(
        lower=np.array([b.lower for b in bounds]),
        upper=np.array([b.upper for b in bounds]),
        slope=np.array([b.slope for b in bounds]),
    )


_HERE: list[Here] = []
"""What a worker process keeps: at most one."""


def _prepare(text: str, values: Values) -> None:
    document = json.loads(text)
    chains = {k: Chain.model_validate(c) for k, c in document["chains"].items()}
    plan = ActionPlan.model_validate(document["plan"])
    _HERE[:] = [Here(case_of(plan, year=document["base_year"], chains=chains), values)]


def _one(plan: Vector, future: int) -> Bounds:
    return _HERE[0].one(plan, future)


@contextmanager
def evaluator_of(
    case: Case,
    values: Values,
    *,
    workers: int = 0,
    chains: Mapping[str, Chain] | None = None,
    told: Callable[[], None] = lambda: None,
) -> Iterator[Evaluator]:
    """Give an evaluator of a case, and close its workers afterwards.

    Parameters
    ----------
    case
        The case.
    values
        Drawn numbers of the futures, each of shape (future,).
    workers
        Processes; 0 or 1: this one.
    chains
        Chains of the user's own, by identifier.
    told
        Called after every future.
    """
    if workers <= 1:
        yield Here(case, values, told)
        return
    text = json.dumps(
        {
            "plan": case.plan.document(),
            "base_year": case.base_year,
            "chains": {k: c.model_dump(mode="json") for k, c in (chains or {}).items()},
        }
    )
    with ExitStack() as stack:
        # One process each, so that a future always goes to the same one and is prepared once.
        pools = [
            stack.enter_context(
                ProcessPoolExecutor(
                    1,
                    mp_context=multiprocessing.get_context("spawn"),
                    initializer=_prepare,
                    initargs=(text, dict(values)),
                )
            )
            for _ in range(workers)
        ]

        def evaluate(plan: Vector, futures: Index) -> Evaluation:
            waiting = [pools[int(s) % workers].submit(_one, plan, int(s)) for s in futures]
            found = []
            for one in waiting:
                found.append(one.result())
                told()
            return _gathered(found)

        yield evaluate


@dataclass
class Memory:
    """An evaluator that keeps what another finds.

    Attributes
    ----------
    evaluator
        The other.
    folder
        Where batches are kept; None: nowhere.
    reused
        Futures whose evaluation was found there.
    """

    evaluator: Evaluator
    folder: Path | None
    reused: int = 0

    def __call__(self, plan: Vector, futures: Index) -> Evaluation:
        """Return bounds and cuts, from the folder if they are there."""
        if self.folder is None:
            return self.evaluator(plan, futures)
        key = hashlib.sha256(plan.tobytes() + futures.astype(np.int64).tobytes()).hexdigest()[:24]
        path = self.folder / f"{key}.npz"
        if path.exists():
            with np.load(path) as kept:
                self.reused += futures.size
                return Evaluation(kept["lower"], kept["upper"], kept["slope"])
        found = self.evaluator(plan, futures)
        buffer = io.BytesIO()
        np.savez(buffer, lower=found.lower, upper=found.upper, slope=found.slope)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomic(path, buffer.getvalue())
        return found
