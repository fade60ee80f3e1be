"""The rows of the trade table behind a chain, as they are, for those who walk a figure back."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from lodeline.network.chain import Chain
from lodeline.network.trade_lanes import neighbour_form, rows_used

__all__ = ["trade_rows"]

_COLUMNS = ("form", "code", "year", "exporter", "importer", "value_usd", "tonnes",
            "tonnes_reported", "quality", "form_t", "is_excluded", "stands_in")  # fmt: skip


def trade_rows(chain: Chain, year: int, importers: Collection[str]) -> pl.DataFrame:
    """Return the trade rows from which the imports of some countries were taken.

    Parameters
    ----------
    chain
        The chain.
    year
        Base year.
    importers
        Countries, ISO3.

    Returns
    -------
    polars.DataFrame
        ``form, code, year, exporter, importer, value_usd`` (USD FOB), ``tonnes`` (t gross weight
        as used), ``tonnes_reported`` (t gross weight, null where none), ``quality`` (observed,
        imputed), ``form_t`` (t/year in the form's unit), ``is_excluded`` (left out by the chain,
        without tonnes, or below a hundred-millionth of world trade), ``stands_in`` (no code
        carries the form: rows of a related good whose lanes stand in for its own). Largest first.
    """
    parts = []
    for form in chain.forms:
        near = form
        stands_in = form.inferred is not None
        if form.inferred is not None:
            near = neighbour_form(chain, form)
            if near in chain.forms:
                continue
        chosen = year if form.inferred is None else form.inferred.neighbour.year or year
        rows = rows_used(near, chain.exclusions).filter(
            (pl.col("year") == chosen) & pl.col("importer").is_in(list(importers))
        )
        parts.append(
            rows.rename({"amount": "form_t"})
            .with_columns(form=pl.lit(form.id), stands_in=pl.lit(stands_in))
            .sort("form_t", "code", "exporter", "importer", descending=[True, *[False] * 3])
            .select(_COLUMNS)
        )
    return pl.concat(parts)
