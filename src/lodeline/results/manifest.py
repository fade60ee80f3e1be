"""From what a run was made: enough to repeat it bit for bit on the same kind of machine."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from lodeline import __version__
from lodeline.network.chain import Chain
from lodeline.results.stress import StressResult

__all__ = ["stress_manifest"]

_LIBRARIES = ("numpy", "scipy", "polars", "numba")


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
        "lodeline": __version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "libraries": {name: metadata.version(name) for name in _LIBRARIES},
        "dataset": {k: result.dataset[k] for k in ("edition", "sha256")},
        "options": dict(options),
        "scenario": dict(result.scenario),
        "chains": {name: chain.model_dump(mode="json") for name, chain in chains.items()},
        "certificate": dict(result.certificate),
        "files": dict(files),
    }
