"""Run a function in a process of its own, which may end itself after so many CPU seconds."""

from __future__ import annotations

import multiprocessing
import resource
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import ParamSpec, TypeVar

from lodeline.errors import LodelineError

__all__ = ["allow", "apart"]

Asked = ParamSpec("Asked")
Found = TypeVar("Found")


def allow(seconds: float) -> None:
    """End this process after so many CPU seconds more, counted from now."""
    most = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + seconds) + 1, most))


def apart(
    function: Callable[Asked, Found], *args: Asked.args, **kwargs: Asked.kwargs
) -> Found | None:
    """Return what a function of a module gives, or None if what it was allowed was not enough.

    The function says by `allow` what counts: what it prepares before that does not.

    Raises
    ------
    LodelineError
        If the process ends in another way, for want of memory for example.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(there, function, args, kwargs))
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
    function: Callable[..., object],
    args: tuple[object, ...],
    kwargs: dict[str, object],
) -> None:
    answer.send(function(*args, **kwargs))
