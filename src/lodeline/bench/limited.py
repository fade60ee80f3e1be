"""Run a function in a process of its own that ends after so many CPU seconds."""

from __future__ import annotations

import multiprocessing
import resource
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import ParamSpec, TypeVar

from lodeline.errors import LodelineError

__all__ = ["within"]

Asked = ParamSpec("Asked")
Found = TypeVar("Found")


def within(
    limit: float, function: Callable[Asked, Found], *args: Asked.args, **kwargs: Asked.kwargs
) -> Found | None:
    """Return what a function of a module gives, or None if it takes more CPU seconds than that.

    Starting the process does not count.

    Raises
    ------
    LodelineError
        If the process ends in another way, for want of memory for example.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(there, limit, function, args, kwargs))
    process.start()
    there.close()
    try:
        found: Found = here.recv()
    except EOFError:
        process.join()
        if process.exitcode == -signal.SIGXCPU:
            return None
        raise LodelineError(
            f"the process that measures a peer ended with code {process.exitcode}. Free memory, or "
            "measure a smaller case."
        ) from None
    process.join()
    return found


def _run(
    answer: Connection,
    limit: float,
    function: Callable[..., object],
    args: tuple[object, ...],
    kwargs: dict[str, object],
) -> None:
    most = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + limit) + 1, most))
    answer.send(function(*args, **kwargs))
