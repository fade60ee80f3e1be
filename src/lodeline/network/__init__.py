"""From tables to a calibrated network: nodes, activities, costs.

Names are imported when they are used: checking a file needs the chains, not the solver.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lodeline.network.base_year import BaseYear
    from lodeline.network.build import build_network
    from lodeline.network.network import ActivityKind, Layer, Limit, Network, RowKind
    from lodeline.network.origin import Origin, trace_origin

__all__ = [
    "ActivityKind",
    "BaseYear",
    "Layer",
    "Limit",
    "Network",
    "Origin",
    "RowKind",
    "build_network",
    "trace_origin",
]

_HOME = {
    "ActivityKind": "network",
    "BaseYear": "base_year",
    "Layer": "network",
    "Limit": "network",
    "Network": "network",
    "Origin": "origin",
    "RowKind": "network",
    "build_network": "build",
    "trace_origin": "origin",
}


def __getattr__(name: str) -> object:
    """Import a public name from the module where it lives."""
    if name not in _HOME:
        raise AttributeError(f"module 'lodeline.network' has no attribute '{name}'")
    return getattr(import_module(f"lodeline.network.{_HOME[name]}"), name)
