"""Which pictures suit a result of exposure, and their tables."""

from __future__ import annotations

import polars as pl

from lodeline import data
from lodeline.network.catalogue import chain_ids, load_chain
from lodeline.network.mines import MINE
from lodeline.results.exposure import ExposureResult
from lodeline.results.pictures import CELLS, HeatMap, OriginMap, Pictures, Routes, Scale, scale_of
from lodeline.studies.exposure.history import concentration_history, history_of
from lodeline.studies.exposure.materials import find_materials
from lodeline.studies.exposure.origin import NO_COUNTRY, trade_year
from lodeline.studies.exposure.origin import measure as measure_origin
from lodeline.studies.exposure.registry import Request
from lodeline.studies.exposure.routes import ARRIVAL, USE, maps_of, routes_of, traced_forms
from lodeline.studies.exposure.suppliers import WORLD, members

__all__ = ["heat_of", "pictures_of"]

FEWEST = 2
"""A heat map has at least so many rows and columns."""
MOST_WAYS = 6
"""So many ways and pairs of maps are drawn; ask for fewer countries or materials for others."""


def pictures_of(result: ExposureResult, request: Request) -> Pictures:
    """Return the tables of the pictures that suit a result.

    A heat map for several countries and materials; a time line for three years and more; the way
    from the mine and maps for origin; for all measures of one material and country the time line,
    the way and the maps.
    """
    names = data.country_names() | {WORLD: "the world"}
    words: dict[str, str] = {MINE: "mined"}
    maps: list[OriginMap] = []
    routes: list[Routes] = []
    history, origin = history_of(result, scale_of(result.method)), pl.DataFrame()
    if result.method in ("origin", "beside"):
        for chain_id in _chains(request):
            chain = load_chain(chain_id)
            words |= {form.id: form.title for form in chain.forms}
            named = members(request.countries or (WORLD,))
            years = request.years or (trade_year(None),)
            for found in traced_forms(chain, years[-1], named):
                for t in range(len(found.targets)):
                    if len(routes) < MOST_WAYS:
                        maps += maps_of(found, t)
                        routes.append(routes_of(found, t))
    if result.method == "origin":
        origin = result.rows
    if result.method == "beside":
        material = find_materials(request.materials)[0].id
        history = concentration_history(material, next(iter(members(request.countries))))
        if routes:
            asked = Request("origin", request.materials, request.countries, request.years)
            origin = measure_origin(asked)
    heat = None if result.method == "beside" else heat_of(result, tuple(members(request.countries)))
    return Pictures(
        names=names, stage_words=words | {ARRIVAL: "arrives from", USE: "used in"}, heat=heat,
        history=history, maps=tuple(maps), routes=tuple(routes), origin=origin,
    )  # fmt: skip


def _chains(request: Request) -> list[str]:
    """Return the chains of the materials asked for; a file of one's own is one."""
    given = request.materials or chain_ids()
    return [
        name
        for name in dict.fromkeys(
            m if m.endswith(".toml") or m.lower() in chain_ids() else find_materials([m])[0].id
            for m in given
        )
        if name.endswith(".toml") or name in chain_ids()
    ]


def heat_of(result: ExposureResult, order: tuple[str, ...] = ()) -> HeatMap | None:
    """Return countries (those of `order` first) by materials; None for fewer than two of either.

    A cell holds the last year's most worrying answer: the largest value over stages, sites and
    foreign origins, of times the shortest. Its darkness is its place between the least and the
    most worrying end of the scale; of measures without a scale, its rank.
    """
    scale = scale_of(result.method)
    is_bad_low = scale is Scale.MONTHS
    rows = result.rows
    if "origin" in rows.columns:
        inside = members(tuple(rows["country"].unique()))
        own = pl.col("country").replace_strict(
            {k: list(v) for k, v in inside.items()}, return_dtype=pl.List(pl.String)
        )
        is_own = own.list.contains(pl.col("origin")).fill_null(value=False)
        is_country = ~pl.col("origin").is_in(NO_COUNTRY)
        rows = rows.filter((~is_own & is_country) | pl.col("value").is_null())
    person = next((c for c in ("origin", "site", "largest") if c in rows.columns), None)
    who = pl.col(person) if person else pl.lit(None)
    if "leaders" in rows.columns:
        who = pl.col("leaders").list.first()
    ranked = rows.with_columns(who=who.cast(pl.String)).sort(
        "year", "value", descending=[True, not is_bad_low], nulls_last=True, maintain_order=True
    )
    cells = ranked.unique(["material", "country"], keep="first", maintain_order=True)
    materials = _by_worry(cells, is_bad_low=is_bad_low)
    seen = cells["country"].to_list()
    countries = dict.fromkeys([*(c for c in order if c in seen), *sorted(seen)])
    if len(materials) < FEWEST or len(countries) < FEWEST:
        return None
    shown = cells.filter(pl.col("material").is_in(materials)).with_columns(_level(scale))
    return HeatMap(
        title=result.title,
        scale=scale,
        is_bad_low=is_bad_low,
        materials=tuple(materials),
        countries=tuple(countries),
        cells=shown.select(pl.col(c).cast(t) for c, t in CELLS.items()),
    )


def _by_worry(cells: pl.DataFrame, *, is_bad_low: bool) -> list[str]:
    """Return the materials that have any value, the most worrying first."""
    worst = pl.col("value").min() if is_bad_low else pl.col("value").mean()
    ranked = cells.group_by("material").agg(worst.alias("worst")).drop_nulls("worst")
    found: list[str] = ranked.sort("worst", "material", descending=[not is_bad_low, False])[
        "material"
    ].to_list()
    return found


_YEAR = 12.0


def _level(scale: Scale) -> pl.Expr:
    value = pl.col("value")
    if scale is Scale.MONTHS:
        return (1.0 - value / _YEAR).clip(0.0, 1.0).alias("level")
    is_unit = value.max() <= 1.0
    rank = (value.rank() - 1.0) / (value.count() - 1.0).clip(lower_bound=1.0)
    return pl.when(is_unit).then(value.clip(0.0, 1.0)).otherwise(rank).alias("level")
