"""Herfindahl-Hirschman index: how concentrated supply is.

    HHI = Σ_i s_i²        s_i  share of supplier i, 0-1

1 is a single supplier, 1/N is N equal ones. Times 10,000 it is the scale of competition law.
Sources: Herfindahl (1950), *Concentration in the Steel Industry*; Hirschman (1945), *National Power
and the Structure of Foreign Trade*. Shares are of output, of world exports by exporter, or of a
country's imports by supplier; by quantity or by value. The choice moves the figure: world exports
of rare-earth compounds (284690) in 2011 give 0.232 by quantity and 0.459 by value.
"""

from __future__ import annotations

import polars as pl

from lodeline.studies.exposure.concentration import concentration_rows
from lodeline.studies.exposure.registry import Request

__all__ = ["measure"]

NOTES = (
    "0-1; times 10,000 for the scale of competition law.",
    "Where the source names only some countries, the index is a lower bound.",
)


def measure(request: Request) -> pl.DataFrame:
    """Return the index, with the top shares beside it.

    Of production without a country, of imports with one, unless `request.of` says otherwise.
    """
    return concentration_rows(request, "hhi")
