"""From tables to a calibrated network: nodes, activities, costs."""

from __future__ import annotations

from lodeline.network.base_year import BaseYear, base_year
from lodeline.network.calibrate import calibrate
from lodeline.network.catalogue import load_chain
from lodeline.network.chain import Chain
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
    "base_year",
    "build_network",
    "calibrate",
    "trace_origin",
]


def build_network(chain: Chain | str, *, base_year: int) -> Network:
    """Return the calibrated network of a chain, one layer, nothing restricted.

    Parameters
    ----------
    chain
        A chain, its identifier, or the path of a user's own TOML file.
    base_year
        Year of the trade data.
    """
    from lodeline.network.base_year import base_year as balanced

    loaded = chain if isinstance(chain, Chain) else load_chain(chain)
    return calibrate(balanced(loaded, base_year))
