"""Who computes the parts: this process by threads, or a cluster; `crew` has worker processes.

Dask hands out parts and hands them out again when a worker dies. Parts come back as bytes and are
written here, so that workers need no common folder, and at most a few are on the way at a time.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lodeline.errors import InputError, LodelineError
from lodeline.studies.ensemble.parts import (
    BLOCK,
    Computed,
    Models,
    Part,
    compute_block,
    compute_part,
    drawn_for,
    join,
)
from lodeline.studies.ensemble.singly import needs_single_runs

__all__ = ["compute_here", "compute_there"]

Vector = NDArray[np.float64]

_AHEAD = 3
"""Parts on the way for each worker: enough that none waits, few enough for constant memory."""
_DEATHS = 20
"""Workers that may die over the same part before the run gives up."""
_PATIENCE = "30s"


def compute_here(
    models: Models, todo: Sequence[int], n: int, *, threads: int | None = None
) -> Iterator[Part]:
    """Yield the parts in their order, computed in this process.

    Each thread has models of its own, whose work space the kernels write to; the kernels run
    without Python's lock. No number depends on the number of threads.

    Parameters
    ----------
    models, todo, n
        What to compute: of which plan, which parts, of how many scenarios.
    threads
        How many; default one for each processor that this process may use. Chains that are run
        one scenario at a time keep to one.
    """
    plan = models.plan
    # Runs of one scenario at a time hold Python's lock: threads would gain nothing.
    is_slow = any(needs_single_runs(plan.ensemble, chain) for chain in plan.ensemble.simulated)
    work = [(k, offset) for k in todo for offset in range(0, plan.size(k, n), BLOCK)]
    count = 1 if is_slow else max(min(threads or _processors(), len(work)), 1)
    bench = _Bench(models, n)
    with ThreadPoolExecutor(count) as pool:
        blocks = iter(work)
        waiting = deque(pool.submit(bench.compute, *b) for b in islice(blocks, count + 1))
        try:
            while waiting:
                part = waiting.popleft().result()
                waiting.extend(pool.submit(bench.compute, *b) for b in islice(blocks, 1))
                if part is not None:
                    yield part
        finally:
            pool.shutdown(cancel_futures=True)


class _Bench:
    """Where threads compute blocks; who ends the last block of a part joins the part.

    Parameters
    ----------
    models
        Those of the first thread; others calibrate their own, when they begin.
    n
        Scenarios of the ensemble.
    """

    def __init__(self, models: Models, n: int) -> None:
        self._plan, self._n = models.plan, n
        self._free: SimpleQueue[Models] = SimpleQueue()
        self._free.put(models)
        self._lock = Lock()
        self._drawn: dict[int, Vector] = {}
        self._done: dict[int, dict[int, Computed]] = {}

    def compute(self, number: int, offset: int) -> Part | None:
        """Compute a block; return its part if that is complete with it."""
        own = self._models()
        try:
            size = self._plan.size(number, self._n)
            with self._lock:
                if number not in self._drawn:
                    self._drawn[number] = drawn_for(own, number, size)
                drawn = self._drawn[number]
            block = compute_block(own, number, size, drawn, offset)
            with self._lock:
                done = self._done.setdefault(number, {})
                done[offset] = block
                if len(done) < -(-size // BLOCK):
                    return None
                del self._done[number], self._drawn[number]
            return join(own, number, [done[k] for k in sorted(done)])
        finally:
            self._free.put(own)

    def _models(self) -> Models:
        try:
            return self._free.get_nowait()
        except Empty:
            return Models.of(self._plan)


def _processors() -> int:
    """Return how many processors this process may use; not all systems let it be bound to some."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def compute_there(
    models: Models,
    todo: Sequence[int],
    n: int,
    *,
    scheduler: str,
    message: Callable[[str], None],
) -> Iterator[Part]:
    """Yield the parts in the order in which the workers of a cluster finish them.

    Parameters
    ----------
    models, todo, n
        What to compute: of which plan, which parts, of how many scenarios.
    scheduler
        Address of a running Dask scheduler (``tcp://host:port``).
    message
        Told when workers are lost.

    Raises
    ------
    InputError
        If no scheduler answers.
    LodelineError
        If one part costs too many workers.
    """
    with _client(scheduler) as client:
        yield from _flow(client, models, todo, n, message)


def _flow(
    client: Any,  # noqa: ANN401  see `_distributed`
    models: Models,
    todo: Sequence[int],
    n: int,
    message: Callable[[str], None],
) -> Iterator[Part]:
    distributed = _distributed()
    plan = models.plan
    text = client.scatter(plan.text(), broadcast=True, hash=False)
    waiting = iter(todo)

    def submit(number: int) -> object:
        count = plan.size(number, n)
        quantiles = drawn_for(models, number, count)
        return client.submit(compute_part, text, number, count, quantiles, pure=False, retries=1)

    known = max(sum(client.nthreads().values()), 1)
    first = [submit(k) for k in islice(waiting, _AHEAD * known)]
    queue = distributed.as_completed(first, loop=client.loop)
    for future in queue:
        try:
            part = future.result()
        except distributed.KilledWorker as error:
            raise LodelineError(
                f"workers died {_DEATHS} times over the same part. Look at their memory, then go "
                "on with --resume."
            ) from error
        future.release()
        for number in islice(waiting, 1):
            queue.add(submit(number))
        now = sum(client.nthreads().values())
        if now < known:
            message(f"{known - now} of {known} workers lost; the others go on with their parts.")
        known = max(now, 1)
        yield part


@contextmanager
def _client(scheduler: str) -> Iterator[Any]:
    """Connect to a scheduler."""
    import dask

    distributed = _distributed()
    quiet = {
        "distributed.scheduler.allowed-failures": _DEATHS,
        "distributed.admin.tick.limit": "1h",
        "distributed.logging": {"distributed": "error"},
    }
    with dask.config.set(quiet):
        try:
            client = distributed.Client(scheduler, timeout=_PATIENCE, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise InputError(
                f"no Dask scheduler answers at '{scheduler}' ({error}). Start one with "
                "'dask scheduler' and give its address, for example tcp://10.0.0.1:8786."
            ) from error
        with client:
            if not client.nthreads():
                raise InputError(
                    f"the scheduler at '{scheduler}' has no workers. Start some with "
                    f"'dask worker {scheduler} --nthreads 1'."
                )
            yield client


def _distributed() -> Any:  # noqa: ANN401  the library gives its functions no types
    """Import Dask's scheduler, when it is needed: that takes half a second."""
    return import_module("distributed")
