"""Tables that are read as they are: production, governance and curated facts."""

from __future__ import annotations

import polars as pl

from lodeline.data.bundle import read_table
from lodeline.errors import UnknownNameError

__all__ = [
    "demand_structure",
    "elasticities",
    "governance",
    "production",
    "projects",
    "restrictions",
    "stage_shares",
    "stocks_and_policy",
]


_EFFECTS = (
    "CHN_BI_2025_EU_EVENT", "CHN_GAGE_2023_EU_EVENT", "CHN_GA_EU_SHARE", "CHN_GA_ZERO_US_ORIGIN",
    "CHN_GE_2023_VOL", "CHN_GRAPHITE_2023_DEU", "CHN_GRAPHITE_2023_FRONTLOAD",
    "CHN_GRAPHITE_2023_ITA", "CHN_GRAPHITE_2023_JPN", "CHN_GRAPHITE_2023_KOR",
    "CHN_REE7_2025_DY_PRICE", "CHN_REE7_2025_DY_VOLUME_AT_PRICE", "CHN_REE7_2025_HREE_EU",
    "CHN_REE7_2025_MAGNET_EU", "CHN_REE7_2025_TB_PRICE", "CHN_REE7_2025_Y_PRICE",
    "CHN_REE_QUOTA_2010_ND", "CHN_SB_2024_EU_EVENT", "CHN_SB_2024_PRICE", "CHN_SB_2024_US_EVENT",
    "CHN_US_BAN_2024_EVENT", "CHN_W_2025_PRICE", "IDN_NI_2020_PRICE",
)  # fmt: skip
_NO_ACTS = dict.fromkeys(_EFFECTS, "effect") | {
    "CHN_US_BAN_SUSP": "suspension",
    "USGS_GA_MODEL": "model",
}


def _one_of(table: pl.DataFrame, column: str, wanted: str | None, kind: str) -> pl.DataFrame:
    if wanted is None:
        return table
    known = table[column].drop_nulls().unique().to_list()
    if wanted not in known:
        raise UnknownNameError(kind, wanted, known)
    return table.filter(pl.col(column) == wanted)


def production(
    commodity: str | None = None, *, stage: str | None = None, measure: str = "production"
) -> pl.DataFrame:
    """Return output by country (USGS Mineral Commodity Summaries).

    Parameters
    ----------
    commodity
        Slug such as ``"rare-earths"``, ``"bauxite"``, ``"copper"`` (mine) or
        ``"copper-refined"``; all by default. Rows of a commodity, measure, year and country may
        be added over ``product`` (``titanium-mineral``: ilmenite and rutile).
    stage
        ``mine``, ``refinery``, ``smelter`` or ``plant``.
    measure
        ``production`` or ``capacity``.

    Returns
    -------
    polars.DataFrame
        ``commodity, stage, product, measure, content, country, year, value, unit, is_estimate,
        status, published, published_unit, edition, note``. `value` is in `unit`: ``t`` (always
        for masses), ``carat`` or ``m3``; null where `status` is not ``reported`` or
        ``estimated``. `country` is ISO3, ``WLD`` for the published world total and ``ROW`` for
        other countries. `content` says what a tonne is. `published` is the figure as printed.

    Raises
    ------
    UnknownNameError
        If the commodity, stage or measure does not exist.
    """
    table = _one_of(read_table("production"), "measure", measure, "measure")
    table = _one_of(table, "commodity", commodity, "commodity")
    return _one_of(table, "stage", stage, "stage")


def governance() -> pl.DataFrame:
    """Return political stability and absence of violence (World Bank WGI).

    Returns
    -------
    polars.DataFrame
        ``country, year, estimate, standard_error, sources``: estimate about -2.5 (weak) to 2.5
        (strong), its standard error, and the number of sources behind it.
    """
    return read_table("governance")


def stage_shares(material: str | None = None, stage: str | None = None) -> pl.DataFrame:
    """Return shares of world output or capacity by country and stage.

    Several makers and vintages of a stage stand side by side (``refining``, ``refining_usgs``,
    ``..._capacity``): pick one, never add them.

    Returns
    -------
    polars.DataFrame
        ``material, stage, country, share (0-1), year, source, url, confidence, note``.

    Raises
    ------
    UnknownNameError
        If the material, or the stage of that material, does not exist.
    """
    table = _one_of(read_table("stage_shares"), "material", material, "material")
    return _one_of(table, "stage", stage, "stage")


def restrictions(*, acts_only: bool = False) -> pl.DataFrame:
    """Return the ledger of real export restrictions and supply shocks, with sources.

    Column ``kind`` says what a row is: an ``act`` that restricts or a shock; an ``effect`` of an
    act that has a row of its own, measured for some material, place or time; a ``suspension``; a
    ``model``. Start and end of an effect are those of the measurement.

    Parameters
    ----------
    acts_only
        Leave out all but acts.
    """
    kind = pl.col("id").replace_strict(_NO_ACTS, default="act", return_dtype=pl.String)
    table = read_table("restrictions").with_columns(kind=kind)
    return table.filter(pl.col("kind") == "act") if acts_only else table


def stocks_and_policy() -> pl.DataFrame:
    """Return stockpile targets and holdings, policy targets and agreements, with sources."""
    return read_table("stocks_and_policy")


def demand_structure() -> pl.DataFrame:
    """Return end-use shares, demand, recycling and import dependence, with sources."""
    return read_table("demand_structure")


def elasticities() -> pl.DataFrame:
    """Return elasticities, price responses and price levels that may ship, with sources."""
    return read_table("elasticities")


def projects() -> pl.DataFrame:
    """Return real diversification projects: capacity, cost, timing, support, with sources."""
    return read_table("projects_costs")
