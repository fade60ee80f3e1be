"""Output by country: the bundled figures, and the user's own World Mining Data where imported.

An imported year replaces the bundled figures of that year as a whole: two publishers' lists of
producers are not mixed. What a tonne is differs between them (lithium oxide, not lithium); the
factors below are stoichiometry.
"""

from __future__ import annotations

import polars as pl

from lodeline.data.own import world_mining_data
from lodeline.data.tables import production, stage_shares

__all__ = ["largest_makers", "left_to_others", "output_by_country"]

_LI2O, _NB2O5, _TA2O5 = 2 * 6.94 / 29.88, 2 * 92.906 / 265.81, 2 * 180.948 / 441.89

OWN_NAMES = {
    ("aluminium", "smelter"): ("aluminium", 1.0),
    ("antimony", "mine"): ("antimony", 1.0),
    ("bauxite", "mine"): ("bauxite", 1.0),
    ("cobalt", "mine"): ("cobalt", 1.0),
    ("copper", "mine"): ("copper", 1.0),
    ("fluorspar", "mine"): ("fluorspar", 1.0),
    ("graphite", "mine"): ("graphite", 1.0),
    ("lithium", "mine"): ("lithium-li2o", _LI2O),
    ("manganese", "mine"): ("manganese", 1.0),
    ("nickel", "mine"): ("nickel", 1.0),
    ("niobium", "mine"): ("niobium-nb2o5", _NB2O5),
    ("palladium", "mine"): ("palladium", 1.0),
    ("platinum", "mine"): ("platinum", 1.0),
    ("rare-earths", "mine"): ("rare-earths-reo", 1.0),
    ("tantalum", "mine"): ("tantalum-ta2o5", _TA2O5),
    ("titanium-mineral", "mine"): ("titanium-tio2", 1.0),
    ("tungsten", "mine"): ("tungsten-w", 1.0),
    ("vanadium", "mine"): ("vanadium-v", 1.0),
}
"""World Mining Data's name and tonnes of our content in one of its tonnes, by commodity, stage."""


SHARE_NAMES = {
    ("cobalt", "mine"): ("cobalt", "mining"),
    ("copper", "mine"): ("copper", "mining"),
    ("graphite", "mine"): ("graphite", "mining"),
    ("lithium", "mine"): ("lithium", "mining"),
    ("nickel", "mine"): ("nickel", "mining"),
    ("rare-earths", "mine"): ("rare_earths", "mining_all_REO"),
}
"""Material and stage of the curated shares that tell tonnes of a commodity in our content."""

_REST, _WORLD = "ROW", "WLD"
_LARGEST = {
    "country": pl.String, "year": pl.Int64, "value": pl.Float64, "rest": pl.Float64,
    "source": pl.String,
}  # fmt: skip


def largest_makers(commodity: str, stage: str) -> pl.DataFrame:
    """Return what later sources say of the largest makers, and what they leave to all others.

    The IEA and later editions of the USGS name the largest only: who is not named may make some.
    Of two sources for a year the one that names more countries is taken, never both.

    Returns
    -------
    polars.DataFrame
        ``country`` (ISO3), ``year``, ``value`` (t a year), ``rest`` (t a year of all countries that
        the source does not name), ``source`` (publisher), sorted by year and country; empty where
        no source tells tonnes.
    """
    if (commodity, stage) not in SHARE_NAMES:
        return pl.DataFrame(schema=_LARGEST)
    # Forecasts and estimates of the year that runs have a lower confidence.
    rows = stage_shares(*SHARE_NAMES[commodity, stage]).filter(
        pl.col("output_t").is_not_null() & (pl.col("confidence") == "high")
    )
    of_all = ["year", "source"]
    is_named = ~pl.col("country").is_in([_REST, _WORLD])
    return (
        rows.with_columns(
            rest=pl.col("world_t") - pl.col("output_t").filter(is_named).sum().over(of_all)
        )
        .filter(is_named)
        .with_columns(named=pl.len().over(of_all))
        .sort("year", "named", "source", descending=[False, True, False])
        .filter(pl.col("source") == pl.col("source").first().over("year"))
        .select(
            "country",
            pl.col("year").cast(pl.Int64),
            pl.col("output_t").alias("value"),
            pl.col("rest").clip(lower_bound=0.0),
            pl.col("source").str.split(",").list.first(),
        )
        .sort("year", "country")
    )


def output_by_country(commodity: str, stage: str) -> pl.DataFrame:
    """Return output by country and year, without world totals and remainders.

    Returns
    -------
    polars.DataFrame
        ``country`` (ISO3), ``year``, ``value`` (t a year), ``source`` (``USGS`` or ``World Mining
        Data``), sorted by year and country.

    Raises
    ------
    UnknownNameError
        If the commodity or stage does not exist.
    """
    published = (
        production(commodity, stage=stage)
        .filter(~pl.col("country").is_in([_WORLD, _REST]) & pl.col("value").is_not_null())
        .group_by("country", "year", maintain_order=True)
        .agg(pl.col("value").sum())
        .with_columns(source=pl.lit("USGS"))
    )
    own = _own(commodity, stage)
    if own is not None:
        published = pl.concat([published.join(own, on="year", how="anti"), own])
    return published.sort("year", "country")


def left_to_others(commodity: str, stage: str) -> pl.DataFrame:
    """Return what the USGS prints as the output of all countries that it does not name.

    Returns
    -------
    polars.DataFrame
        ``year``, ``value`` (t a year), sorted; without years whose figures World Mining Data
        replaces, as that names every country.
    """
    rest = production(commodity, stage=stage).filter(
        (pl.col("country") == _REST) & (pl.col("value") > 0.0)
    )
    own = _own(commodity, stage)
    if own is not None:
        rest = rest.join(own, on="year", how="anti")
    return rest.group_by("year").agg(pl.col("value").sum()).sort("year")


def _own(commodity: str, stage: str) -> pl.DataFrame | None:
    """Return the imported figures in our content, or None if there are none."""
    imported = world_mining_data()
    if imported is None or (commodity, stage) not in OWN_NAMES:
        return None
    name, factor = OWN_NAMES[commodity, stage]
    rows = imported.filter((pl.col("commodity") == name) & (pl.col("unit") == "t"))
    return rows.select(
        "country",
        "year",
        value=pl.col("value") * factor,
        source=pl.lit("World Mining Data"),
    )
