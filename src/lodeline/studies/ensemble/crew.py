"""Worker processes on this machine: parts are handed out, and again when a worker dies.

Where the system can, workers are copies of one process that has imported all they need and does
nothing else (`forkserver`): importing takes longer than the rest of their start. That process is
started early, while this one prepares the ensemble.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from threading import Thread

from lodeline.errors import LodelineError
from lodeline.studies.ensemble.parts import Models, Part, compute_part, drawn_for

__all__ = ["begin", "call_crew", "compute_by_crew", "method"]

_COPIED = "forkserver"
_AHEAD = 3
"""Parts on the way for each worker: enough that none waits, few enough for constant memory."""
_LOSSES = 20
"""Times that workers may die without a part done before the run gives up."""


def method() -> str:
    """Return how workers are started on this system."""
    return _COPIED if _COPIED in multiprocessing.get_all_start_methods() else "spawn"


def call_crew() -> None:
    """Let the process of which workers are copies begin to import; returns at once."""
    if method() == _COPIED:
        from multiprocessing import forkserver

        multiprocessing.get_context(_COPIED).set_forkserver_preload([__name__])
        forkserver.ensure_running()


def compute_by_crew(
    models: Models, todo: Sequence[int], n: int, *, workers: int, message: Callable[[str], None]
) -> Iterator[Part]:
    """Yield the parts in the order in which workers finish them.

    Parameters
    ----------
    models, todo, n
        What to compute: of which plan, which parts, of how many scenarios.
    workers
        Worker processes to start.
    message
        Told when workers are lost.

    Raises
    ------
    LodelineError
        If workers die again and again.
    """
    waiting, losses = deque(todo), 0
    while waiting:
        lost: list[int] = []
        for part in _by_one_crew(models, waiting, n, workers, lost):
            losses = 0
            yield part
        if lost:
            losses += 1
            if losses == _LOSSES:
                raise LodelineError(
                    f"workers died {_LOSSES} times over the same parts. Look at their memory, then "
                    "go on with --resume."
                )
            message("a worker was lost; its parts are handed out again.")
            waiting.extendleft(sorted(lost, reverse=True))


def _by_one_crew(
    models: Models, waiting: deque[int], n: int, workers: int, lost: list[int]
) -> Iterator[Part]:
    """Yield parts until all are done or a worker has died; `lost` is given what was on the way."""
    plan = models.plan
    text = plan.text()
    context = multiprocessing.get_context(method())
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=begin)
    running: dict[Future[Part], int] = {}
    try:
        while running or waiting:
            while waiting and len(running) < _AHEAD * workers:
                size = plan.size(waiting[0], n)
                drawn = drawn_for(models, waiting[0], size)
                own = pool.submit(compute_part, text, waiting[0], size, drawn)
                running[own] = waiting.popleft()
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                part = future.result()
                del running[future]
                yield part
    except BrokenProcessPool:
        lost += running.values()
    finally:
        pool.shutdown(cancel_futures=True)


def begin() -> None:
    """Begin a worker: interruptions are its parent's affair, and it leaves with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
