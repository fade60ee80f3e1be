"""A calibrated network in one call."""

from __future__ import annotations

from lodeline.network.base_year import base_year as balanced_year
from lodeline.network.calibrate import calibrate
from lodeline.network.catalogue import load_chain
from lodeline.network.chain import Chain
from lodeline.network.network import Network

__all__ = ["build_network"]


def build_network(chain: Chain | str, *, base_year: int) -> Network:
    """Return the calibrated network of a chain, one layer, nothing restricted.

    Parameters
    ----------
    chain
        A chain, its identifier, or the path of a user's own TOML file.
    base_year
        Year of the trade data.

    Examples
    --------
    >>> build_network("rhodium", base_year=2024).forms
    ('rhodium',)
    """
    loaded = chain if isinstance(chain, Chain) else load_chain(chain)
    return calibrate(balanced_year(loaded, base_year))
