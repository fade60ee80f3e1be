"""What the compiled kernels read and write.

Vectors of eight scenarios lie one behind the other in flat arrays: element 8 i + s is that of
scenario s; see `lodeline.solver.simd`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lodeline.solver.curves import Vector
from lodeline.solver.pattern import Analysis
from lodeline.solver.simd import WIDTH

__all__ = ["Inputs", "Outputs", "Workspace", "aligned", "workspace"]


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
    """Vectors of eight scenarios, flat."""

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


def workspace(analysis: Analysis) -> Workspace:
    """Return room for one block of a network."""
    pattern = analysis.pattern
    rows, activities = pattern.row.size, pattern.activity.size
    bent = activities - int(pattern.group[3])
    sizes = {"level": bent, "power": bent, "bend": bent, "lane": 1, "factor": analysis.entries}
    sizes |= dict.fromkeys(("gain", "offset", "lower", "upper", "scratch"), activities)
    return Workspace(**{name: aligned(sizes.get(name, rows)) for name in Workspace._fields})
