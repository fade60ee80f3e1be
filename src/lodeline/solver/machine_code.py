"""Functions that are compiled once and kept on disk, under a name that changes with their source.

Numba keys what it keeps on the file of the function itself. A kernel calls others from other files,
so a change there would leave the old machine code in use. Here the name under which a function is
kept holds a checksum of all the solver's sources: what was compiled from others is not found.

Numba does the rest: it writes by renaming, so several processes may compile at once, and it takes
the user's cache folder where that of the package cannot be written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit

__all__ = ["kept", "stamp"]


Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def kept(**options: Any) -> Callable[[Kernel], Kernel]:  # noqa: ANN401  numba has no types
    """Return a decorator that compiles a function and keeps it on disk.

    All that the function calls must lie in `lodeline.solver` or in its own file; numbers that its
    file imports from elsewhere are part of the stamp.

    Parameters
    ----------
    options
        Those of `numba.njit`.
    """

    def decorate(function: Kernel) -> Kernel:
        function.__qualname__ = f"{function.__qualname__}_{stamp(function)}"
        return cast(Kernel, njit(cache=True, **options)(function))

    return decorate


def stamp(function: Any) -> str:  # noqa: ANN401
    """Return a checksum of all that a compiled function may be made of, as 16 digits."""
    frozen = {k: v for k, v in function.__globals__.items() if isinstance(v, int | float | tuple)}
    digest = hashlib.sha256(_sources())
    digest.update(Path(function.__code__.co_filename).read_bytes())
    digest.update(repr(sorted(frozen.items())).encode())
    return digest.hexdigest()[:16]


@cache
def _sources() -> bytes:
    """Return a checksum of every source file beside this one and below."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(here.rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(here).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.digest()
