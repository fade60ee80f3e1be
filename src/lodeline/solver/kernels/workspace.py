"""What the compiled kernels read and write.

Vectors of eight scenarios lie one behind the other in flat arrays: element 8 i + s is that of
scenario s; see `lodeline.solver.simd`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lodeline.solver.curves import Vector
from lodeline.solver.pattern import Analysis
from lodeline.solver.simd import WIDTH

__all__ = ["CURVES", "Inputs", "Outputs", "Workspace", "aligned", "workspace"]


CURVES = ("gain", "offset", "level", "power", "bend")
"""Fields of `Workspace` that follow from curves."""


class Inputs(NamedTuple):
    """Scenario data, shape (scenario or 1, activity or row); 1 where all scenarios share it."""

    rhs: Vector
    start: Vector
    lower: Vector
    upper: Vector
    margin: Vector
    extra: Vector
    reference: Vector
    slope: Vector
    price: Vector
    elasticity: Vector
    cap: Vector


class Outputs(NamedTuple):
    """Results, shape (scenario, …)."""

    levels: Vector
    prices: Vector
    iterations: NDArray[np.int32]
    residual: Vector
    gap: Vector
    """Σ |π (A x − b)|, USD/month."""


class Workspace(NamedTuple):
    """Vectors of eight scenarios, flat; what all scenarios share may have shape (number, 1)."""

    gain: Vector
    offset: Vector
    lower: Vector
    upper: Vector
    level: Vector
    """x̄ of bent curves."""
    power: Vector
    """ε of bent curves."""
    bend: Vector
    """Supply: level at the knee over x̄; use: cap price over price."""
    rhs: Vector
    prices: Vector
    surplus: Vector
    trial: Vector
    trial_surplus: Vector
    kept: Vector
    """Trial after relaxation."""
    step: Vector
    diagonal: Vector
    inverse: Vector
    factor: Vector
    lane: Vector
    """Scratch, one vector."""
    scratch: Vector


def aligned(count: int) -> Vector:
    """Return `count` vectors, flat, each on its own cache line."""
    raw = np.zeros((count + 1) * WIDTH)
    skip = (-raw.ctypes.data) % (WIDTH * 8) // 8
    return raw[skip : skip + count * WIDTH]


def workspace(analysis: Analysis, shared: Collection[str] = ()) -> Workspace:
    """Return room for one block of a network.

    Parameters
    ----------
    analysis
        Of the network.
    shared
        Fields that are the same in all scenarios (``lower`` and `CURVES` at most): an eighth of
        the memory to read.
    """
    pattern = analysis.pattern
    rows, activities = pattern.row.size, pattern.activity.size
    bent = activities - int(pattern.group[3])
    sizes = {"level": bent, "power": bent, "bend": bent, "lane": 1, "factor": analysis.entries}
    sizes |= dict.fromkeys(("gain", "offset", "lower", "upper", "scratch"), activities)
    return Workspace(
        **{
            name: np.zeros((sizes[name], 1)) if name in shared else aligned(sizes.get(name, rows))
            for name in Workspace._fields
        }
    )
