"""Share of the three largest suppliers, as the International Energy Agency reports it.

    top-3 = Σ of the three largest s_i        s_i  share of supplier i, 0-1

Source: IEA, *Global Critical Minerals Outlook* 2024 and 2025. Only countries that the source names
count. Check: for refining (`stage` refining; chemicals for lithium; the stage that the outlook
takes for graphite and rare earths) the mean over copper, lithium, nickel, cobalt, graphite and rare
earths is 0.858 in 2024 and 0.824 in the projection for 2035; the outlook says 86 % and 82 %.
"""

from __future__ import annotations

import polars as pl

from lodeline.studies.exposure.concentration import concentration_rows
from lodeline.studies.exposure.registry import Request

__all__ = ["measure"]


def measure(request: Request) -> pl.DataFrame:
    """Return the share; of production without a country, of imports with one, unless asked."""
    return concentration_rows(request, "top3")
