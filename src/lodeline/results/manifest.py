"""From what a run was made: enough to repeat it bit for bit on the same kind of machine."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import lodeline
from lodeline import __version__
from lodeline.network.chain import Chain
from lodeline.results.stress import StressResult

__all__ = ["made_with", "sources", "stress_manifest"]

_READERS = ("bench", "cli", "report", "web")
"""Parts of the package from which no result follows."""
_LIBRARIES = ("numpy", "scipy", "polars", "numba")


def made_with() -> dict[str, Any]:
    """Return the program, the interpreter, the kind of machine and the libraries."""
    return {
        "lodeline": __version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "libraries": {name: metadata.version(name) for name in _LIBRARIES},
    }


@cache
def sources() -> str:
    """Return a checksum of the code from which results follow, as 64 digits.

    A version says little about a checkout: two of them may compute differently.
    """
    here = Path(lodeline.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(here.rglob("*.py")):
        name = path.relative_to(here)
        if name.parts[0] in _READERS:
            continue
        content = path.read_bytes()
        digest.update(f"{name.as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def stress_manifest(
    result: StressResult,
    *,
    chains: Mapping[str, Chain],
    options: Mapping[str, Any],
    files: Mapping[str, str],
) -> dict[str, Any]:
    """Return the manifest of a stress test.

    Parameters
    ----------
    result
        The run.
    chains
        The chains it used, in full: they may be the user's own.
    options
        What was asked for beyond the scenario: base year, months, countries, form.
    files
        SHA-256 of the files written beside the manifest, by name.
    """
    return {
        "kind": "lodeline stress",
        **made_with(),
        "dataset": {k: result.dataset[k] for k in ("edition", "sha256")},
        "options": dict(options),
        "scenario": dict(result.scenario),
        "chains": {name: chain.model_dump(mode="json") for name, chain in chains.items()},
        "certificate": dict(result.certificate),
        "files": dict(files),
    }
