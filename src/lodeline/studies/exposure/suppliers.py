"""Who supplies whom: one row per supplier, from output tables, trade, or curated shares.

All measures of concentration read the same table, so that they differ only in arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from lodeline import data
from lodeline.errors import InputError, UnknownNameError
from lodeline.scenarios.groups import GROUPS
from lodeline.studies.exposure.materials import Material, find_materials
from lodeline.studies.exposure.output import OTHERS, output_table
from lodeline.studies.exposure.registry import Basis, Request, Tonnes, Weight

__all__ = ["WORLD", "basis", "countries", "members", "suppliers"]

WORLD = "WLD"
KEYS = ["country", "material", "stage", "year"]
REFINING = {
    "graphite": "battery_grade_anode_material",
    "lithium": "chemicals",
    "rare-earths": "separation_refining_magnet_REE",
}
"""What the IEA's outlook takes as refining where the table has another word for it."""
SCHEMA = {
    "country": pl.String,
    "material": pl.String,
    "stage": pl.String,
    "year": pl.Int32,
    "supplier": pl.String,
    "amount": pl.Float64,
    "whole": pl.Float64,
    "unit": pl.String,
    "table": pl.String,
    "where": pl.String,
    "imputed": pl.Float64,
}
_ALIASES = {"EU": "EU27", "WORLD": WORLD}


def members(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the countries behind each name: a country, a group (``EU27``), the world (``WLD``).

    Raises
    ------
    UnknownNameError
        If a name is none of them.
    """
    known = set(data.countries()["iso3"])
    found: dict[str, tuple[str, ...]] = {}
    for given in names:
        name = _ALIASES.get(given.upper(), given.upper())
        if name == WORLD:
            found[name] = ()
        elif name in GROUPS:
            found[name] = GROUPS[name]
        elif name in known:
            found[name] = (name,)
        else:
            raise UnknownNameError(
                "country", given, known | set(GROUPS), "Write ISO3 codes, EU27, G7 or WLD."
            )
    return found


def countries() -> tuple[str, ...]:
    """Return the ISO3 codes of all countries, groups and former ones left out, sorted."""
    table = data.countries()
    return tuple(sorted(table.filter(pl.col("kind") == "country")["iso3"]))


def basis(request: Request) -> Basis:
    """Return whose shares are asked for: of imports if a country is named, else of production."""
    world = {*members(request.countries)} <= {WORLD}
    return request.of or (Basis.PRODUCTION if world else Basis.IMPORTS)


def suppliers(request: Request) -> pl.DataFrame:
    """Return who supplies what to whom.

    Returns
    -------
    polars.DataFrame
        `SCHEMA`: `supplier` (ISO3), `amount` in `unit`; `whole` is what the amounts are a part of
        (null: their sum), more than their sum where the source leaves countries unnamed;
        `imputed` is the part of `amount` on rebuilt tonnes (0-1). Trade inside a group is left out.

    Raises
    ------
    UnknownNameError
        If a material, country, code or stage does not exist.
    InputError
        If the question has no meaning.
    """
    materials = find_materials(request.materials) if request.materials else None
    of = basis(request)
    if of is Basis.PRODUCTION:
        return _of_production(request, materials)
    named = members(request.countries or (WORLD,))
    parts = [_traded(m, request, of, named) for m in materials or find_materials(()) if m.codes]
    return _stacked(parts)


def _stacked(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    empty = pl.DataFrame(schema=SCHEMA)
    return pl.concat([empty, *(p.select(pl.col(c).cast(t) for c, t in SCHEMA.items())
                               for p in parts)])  # fmt: skip


def _of_production(request: Request, materials: Sequence[Material] | None) -> pl.DataFrame:
    if {*members(request.countries)} - {WORLD}:
        raise InputError(
            "--of production is about the world's output: give no --country, or WLD. For the "
            "suppliers of a country use --of imports."
        )
    if request.by is Weight.VALUE:
        raise InputError("--of production has quantities only: leave out --by value.")
    if request.stage is not None:
        return _curated(request, materials)
    return _output(materials or find_materials(()))


def _output(materials: Sequence[Material]) -> pl.DataFrame:
    """Return producers; what the USGS prints as other countries is in the whole only."""
    rows = output_table(materials).with_columns(
        whole=pl.col("value").sum().over("material", "year", "table")
    )
    return _stacked([
        rows.filter((pl.col("country") != OTHERS) & (pl.col("value") > 0.0)).select(
            "material", "year", "whole", "unit", "table",
            country=pl.lit(WORLD),
            stage=pl.lit(None),
            supplier="country",
            amount="value",
            where=pl.format("{}, year={}", "where", "year"),
            imputed=pl.lit(0.0),
        )
    ])  # fmt: skip


def _curated(request: Request, materials: Sequence[Material] | None) -> pl.DataFrame:
    """Return curated shares of a stage, from the one source that names most countries.

    Sources are never mixed: two that give China's share would count it twice.
    """
    table = data.stage_shares().with_columns(
        id=pl.col("material").str.to_lowercase().str.replace_all("_", "-")
    )
    if materials is not None:
        table = table.filter(pl.col("id").is_in([m.id for m in materials]))
    wanted = str(request.stage)
    other = pl.col("id").replace_strict(REFINING, default=None, return_dtype=pl.String)
    is_refining = pl.lit(wanted == "refining") & (pl.col("stage") == other)
    rows = table.filter((pl.col("stage") == wanted) | is_refining)
    if rows.is_empty():
        remedy = "Without a country, stages are those of the table stage_shares."
        raise UnknownNameError("stage", wanted, table["stage"].unique().to_list(), remedy)
    named = (pl.col("country") != OTHERS) & (pl.col("share") > 0.0)
    rows = rows.with_columns(countries=named.sum().over("id", "year", "source"))
    chosen = pl.col("source").sort_by("countries", "source", descending=[True, False]).first()
    rows = rows.filter(named & (pl.col("source") == chosen.over("id", "year")))
    return _stacked([
        rows.select(
            "year",
            country=pl.lit(WORLD),
            stage=pl.lit(wanted),
            material="id",
            supplier="country",
            amount="share",
            whole=pl.lit(1.0),
            unit=pl.lit("1"),
            table=pl.lit("stage_shares"),
            where=pl.format(
                "material={}, stage={}, year={}, source={}", "material", "stage", "year", "source"
            ),
            imputed=pl.lit(0.0),
        )
    ])  # fmt: skip


def _traded(
    material: Material, request: Request, of: Basis, named: dict[str, tuple[str, ...]]
) -> pl.DataFrame:
    """Return partners in trade of each country or group; of the world: those at the near end."""
    codes = _codes(material, request.stage)
    years = (min(request.years), max(request.years)) if request.years else None
    flows = _weighed(data.trade(codes, years=years), request)
    near, far = ("importer", "exporter") if of is Basis.IMPORTS else ("exporter", "importer")
    parts = []
    for name, countries in named.items():
        rows, partner = flows, near
        if countries:
            inside = pl.col(near).is_in(countries) & ~pl.col(far).is_in(countries)
            rows, partner = flows.filter(inside), far
        summed = rows.group_by("year", pl.col(partner).alias("supplier"), maintain_order=True).agg(
            pl.col("amount", "rebuilt").sum()
        )
        where = f"code={'+'.join(codes)}, {near}={name}, year="
        parts.append(
            summed.filter(pl.col("amount") > 0.0).with_columns(
                country=pl.lit(name), where=pl.format("{}{}", pl.lit(where), "year")
            )
        )
    return _stacked([
        pl.concat(parts).with_columns(
            material=pl.lit(material.id),
            stage=pl.lit(request.stage),
            whole=pl.lit(None),
            unit=pl.lit("USD" if request.by is Weight.VALUE else "t gross"),
            table=pl.lit("trade"),
            imputed=pl.col("rebuilt") / pl.col("amount"),
        )
    ])  # fmt: skip


def _weighed(flows: pl.DataFrame, request: Request) -> pl.DataFrame:
    """Return flows with their ``amount``, and what of it rests on rebuilt tonnes."""
    if request.by is Weight.VALUE:
        return flows.with_columns(amount=pl.col("value_usd"), rebuilt=pl.lit(0.0))
    if request.tonnes is Tonnes.REPORTED:
        return flows.with_columns(amount=pl.col("tonnes_reported"), rebuilt=pl.lit(0.0))
    is_rebuilt = pl.col("quality").str.starts_with("imputed")
    return flows.with_columns(
        amount=pl.col("tonnes"), rebuilt=pl.when(is_rebuilt).then("tonnes").otherwise(0.0)
    )


def _codes(material: Material, stage: str | None) -> list[str]:
    if stage is None:
        return list(material.codes)
    if stage not in material.codes:
        remedy = f"In trade the stages of {material.id} are its HS92 codes."
        raise UnknownNameError("code", stage, material.codes, remedy)
    return [stage]
