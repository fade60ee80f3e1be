"""How concentrated a country's supply is, before and during a restriction."""

from __future__ import annotations

import polars as pl

from lodeline.network.outputs import NOT_TRACED

__all__ = ["CONCENTRATION_LIMIT", "supplier_concentration"]

CONCENTRATION_LIMIT = 0.65
"""Share of one third country that Regulation (EU) 2024/1252 wants no strategic material to pass."""

_TIMES = ("before", "during")
_TYPES = pl.Schema(
    {
        **dict.fromkeys(("form", "exporter", "importer"), pl.String()),
        **dict.fromkeys(("before_t", "during_t"), pl.Float64()),
    }
)
"""Of the columns of `supply`; tables without rows come without types."""


def supplier_concentration(supply: pl.DataFrame, reported: pl.DataFrame) -> pl.DataFrame:
    """Return one row per importer and form: who supplies most, and how concentrated supply is.

    The whole is all that reaches the importer: imports and its own output. The largest supplier
    is the largest *other* country, as limits on one third country count (Regulation (EU)
    2024/1252: 65 per cent); HHI = Σ s² over all suppliers, its own output among them.

    Parameters
    ----------
    supply
        ``form, exporter, importer, before_t, during_t`` (mean t/month); see `ChainResult.supply`.
    reported
        ``country, form, item, basis``; see `ChainResult.reconciliation`.

    Returns
    -------
    polars.DataFrame
        ``country, form`` and, with ``_before`` and ``_during`` at the end, ``supply_t`` (t/month),
        ``own_share``, ``largest_supplier`` (ISO3), ``largest_share`` and ``hhi`` (0-1). All but
        the tonnes are null where nothing arrives, the largest supplier also where nobody else
        supplies. ``is_own_untraced``: no source says that the country makes what counts as its own;
        it may have come from anybody, and the largest share may be larger.

    Examples
    --------
    >>> import polars as pl
    >>> supply = pl.DataFrame(
    ...     [("metals", "CHN", "JPN", 80.0, 20.0), ("metals", "VNM", "JPN", 20.0, 30.0)],
    ...     schema=["form", "exporter", "importer", "before_t", "during_t"], orient="row",
    ... )
    >>> columns = ("country", "form", "item", "basis")
    >>> reported = pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    >>> row = supplier_concentration(supply, reported).row(0, named=True)
    >>> row["largest_supplier_before"], row["largest_share_before"], round(row["hhi_during"], 2)
    ('CHN', 0.8, 0.52)
    """
    typed = supply.cast(_TYPES)
    tables = [_at(typed, when) for when in _TIMES]
    joined = tables[0].join(tables[1], on=["country", "form"], how="left")
    is_untraced = (pl.col("item") == "output") & pl.col("basis").str.starts_with(NOT_TRACED)
    marked = reported.filter(is_untraced).select("country", "form", is_own_untraced=True)
    return (
        joined.join(marked, on=["country", "form"], how="left")
        .with_columns(pl.col("is_own_untraced").fill_null(value=False))
        .sort("country", "form")
    )


def _at(supply: pl.DataFrame, when: str) -> pl.DataFrame:
    tonnes = pl.col(f"{when}_t")
    share = tonnes / tonnes.sum()
    is_own = pl.col("exporter") == pl.col("importer")
    ranked = supply.sort(f"{when}_t", "exporter", descending=[True, False])
    return (
        ranked.group_by("importer", "form", maintain_order=True)
        .agg(
            tonnes.sum().alias(f"supply_t_{when}"),
            share.filter(is_own).sum().alias(f"own_share_{when}"),
            pl.col("exporter")
            .filter(~is_own & (tonnes > 0.0))
            .first()
            .alias(f"largest_supplier_{when}"),
            share.filter(~is_own).max().alias(f"largest_share_{when}"),
            (share**2).sum().alias(f"hhi_{when}"),
        )
        .rename({"importer": "country"})
        .with_columns(
            pl.when(pl.col(f"supply_t_{when}") > 0.0).then(f"{name}_{when}").alias(f"{name}_{when}")
            for name in ("own_share", "largest_share", "hhi")
        )
    )
