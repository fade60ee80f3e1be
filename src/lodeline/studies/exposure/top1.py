"""Share of the largest supplier.

    top-1 = max_i s_i        s_i  share of supplier i, 0-1

Only countries that the source names count: what it adds up as others is part of the whole only.
"""

from __future__ import annotations

import polars as pl

from lodeline.studies.exposure.concentration import concentration_rows
from lodeline.studies.exposure.registry import Request

__all__ = ["measure"]


def measure(request: Request) -> pl.DataFrame:
    """Return the share; of production without a country, of imports with one, unless asked."""
    return concentration_rows(request, "top1")
