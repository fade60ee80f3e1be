"""GeoPolRisk: concentration of world output times the instability of a country's own suppliers.

    HHI_A     = Σ_i P_Ai² / (Σ_i P_Ai)²                       P_Ai  output of A in country i
    risk_Ac   = Σ_i g_i f_Aic / (p_Ac + F_Ac)                 f_Aic imports of A from i into c, t
    score_Ac  = HHI_A · risk_Ac                               F_Ac  all imports, p_Ac own output, t
    factor_Ac = score_Ac · price_Ac / 0.409412948             kg Cu-eq / kg
    g_i       = clip((2.5 - PV_i) / 5, 0, 1)                  PV_i  political stability (WGI)

In a region imports between members keep their place in F with g = 0, and output is added up. The
price is value over tonnes of the imports (USD/kg). The constant is the method's mean for copper,
OECD 2017-2021 (USD/kg). Several codes of a material are added up.

Source: Gemechu et al. (2016), Journal of Industrial Ecology 20, 154-165; Santillán-Saldivar et al.
(2022), Int. J. of Life Cycle Assessment 27; Koyamparambath et al. (2024), Resources, Conservation
and Recycling 209, 107801. Reference program: geopolrisk-py 2.0.1 (JOSS, 10.21105/joss.09600).
Figures follow it digit for digit, its slips included, save that a supplier without a score leaves
the value absent unless the user says what to take; `corrected` mends the slips, which
docs/exposure.md lists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from lodeline import data
from lodeline.results.exposure import figure, with_inputs
from lodeline.studies.exposure.balances import last_trade_year
from lodeline.studies.exposure.materials import Material, find_materials, traded_materials
from lodeline.studies.exposure.output import OTHERS, output_table
from lodeline.studies.exposure.registry import Request, Tonnes
from lodeline.studies.exposure.suppliers import WORLD, members

__all__ = ["COPPER", "NOTES", "measure"]

COPPER = 0.409412948
"""Mean of score times price for copper, OECD countries 2017-2021 (reference program), USD/kg."""
PUBLISHED_SCORES = {"GUY": "GUF", "TWN": None}
"""Whose score the reference program reads for a country that its tables mislabel; None: 0.5."""
PUBLISHED_MISSING = 0.5
PUBLISHED_IN_KG = ("gold", "palladium", "platinum", "rhodium", "silver")
"""Materials whose output World Mining Data gives in kilogrammes."""
GAS_T_PER_M3 = 0.0008
"""Tonnes of natural gas in a cubic metre: what the reference program states and does not reach."""
CELL = ["material", "year", "country"]

NOTES = (
    "Score 0-1: concentration of world output times instability and weight of imports.",
    "As the reference program computes it; --corrected mends its slips (docs/exposure.md).",
)


@dataclass(frozen=True)
class _Output:
    """World and national output: one row per material and year, one per country beside it."""

    world: pl.DataFrame
    countries: pl.DataFrame


def measure(request: Request) -> pl.DataFrame:
    """Return the score, with its parts and the characterisation factor beside it.

    Extra columns: ``hhi``, ``import_risk`` (0-1), ``price_usd_per_kg``,
    ``characterisation_factor`` (kg Cu-eq/kg).

    Raises
    ------
    UnknownNameError
        If a material or country does not exist.
    """
    materials = find_materials(request.materials) if request.materials else traded_materials()
    traded = [m for m in materials if m.codes]
    output = _output(traded, corrected=bool(request.corrected))
    named = members(request.countries)
    years = list(request.years) or _last_years(output.world) or [last_trade_year()]
    imports = _imports(_flows(traded, years, request), named, request)
    cells = _whole(imports, materials, years, list(named))
    cells = cells.join(output.world, on=["material", "year"], how="left")
    own = _own_output(output.countries, named)
    return _rows(_valued(cells.join(own, on=CELL, how="left"), request), request)


def _last_years(world: pl.DataFrame) -> list[int]:
    """Return the last year of any output: the measure needs output, trade and governance."""
    last = world["year"].max()
    return [int(last)] if isinstance(last, int) else []


def _output(materials: Sequence[Material], *, corrected: bool) -> _Output:
    """Return HHI of world output and output by country, t.

    The reference program cuts output to whole units before it takes shares, and takes millions of
    cubic metres for tonnes.
    """
    is_gas = pl.col("unit") == "m3"
    gas = GAS_T_PER_M3 if corrected else 1e-6
    tonnes = pl.col("value") * pl.when(is_gas).then(gas).otherwise(1.0)
    share_of = tonnes
    if not corrected:
        in_kg = pl.col("material").is_in(PUBLISHED_IN_KG)
        printed = tonnes * pl.when(in_kg).then(1e3).otherwise(1.0)
        share_of = pl.when(in_kg).then(printed.round(6)).otherwise(printed).floor()
    rows = output_table(materials).filter(pl.col("unit").is_in(["t", "m3"]))
    rows = rows.with_columns(tonnes=tonnes, share_of=share_of)
    named = pl.col("country") != OTHERS
    world = rows.group_by("material", "year").agg(
        hhi=(pl.col("share_of").filter(named) ** 2).sum() / pl.col("share_of").sum() ** 2,
        producers=named.sum(),
        table=pl.col("table").first(),
        where=pl.format("{}, year={}", pl.col("where").first(), pl.col("year").first()),
    )
    return _Output(world.filter(pl.col("hhi").is_finite()), rows.filter(named))


def _own_output(rows: pl.DataFrame, named: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    """Return output of each country or group, t."""
    if not named:
        return rows.group_by(CELL).agg(own=pl.col("tonnes").sum())
    placed = rows.rename({"country": "member"}).join(_membership(named), on="member")
    return placed.group_by(CELL).agg(own=pl.col("tonnes").sum())


def _membership(named: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    pairs = [(name, member) for name, countries in named.items() for member in countries]
    return pl.DataFrame(pairs, schema={"country": pl.String, "member": pl.String}, orient="row")


def _flows(materials: Sequence[Material], years: Sequence[int], request: Request) -> pl.DataFrame:
    """Return imports with their supplier's score; tonnes are null where there are none."""
    codes = pl.DataFrame(
        [(code, m.id) for m in materials for code in m.codes],
        schema={"code": pl.String, "material": pl.String},
        orient="row",
    )
    if not codes.height or not years:
        return pl.DataFrame()
    screened = request.tonnes is Tonnes.SCREENED
    flows = data.trade(codes["code"].unique().to_list(), years=(min(years), max(years))).select(
        "code", "exporter", "importer", "value_usd",
        year=pl.col("year").cast(pl.Int32),
        tonnes=pl.col("tonnes" if screened else "tonnes_reported"),
    )  # fmt: skip
    wanted = flows.filter(pl.col("year").is_in(list(years)))
    scored = wanted.join(_scores(request), on=["exporter", "year"], how="left")
    return scored.join(codes, on="code").drop("code")


def _scores(request: Request) -> pl.DataFrame:
    """Return ``exporter, year, score`` (0 stable - 1 unstable)."""
    table = data.governance().select(
        exporter="country",
        year=pl.col("year").cast(pl.Int32),
        score=((2.5 - pl.col("estimate")) / 5.0).clip(0.0, 1.0),
    )
    if request.corrected:
        return table.with_columns(is_slip=pl.lit(value=False))
    wrong = pl.col("exporter").is_in(list(PUBLISHED_SCORES))
    slips = [
        table.filter(pl.col("exporter") == (source or name)).with_columns(
            exporter=pl.lit(name),
            score=pl.col("score") if source else pl.lit(PUBLISHED_MISSING),
        )
        for name, source in PUBLISHED_SCORES.items()
    ]
    return pl.concat(
        [
            table.filter(~wrong).with_columns(is_slip=pl.lit(value=False)),
            pl.concat(slips).with_columns(is_slip=pl.lit(value=True)),
        ]
    )


def _imports(
    flows: pl.DataFrame, named: Mapping[str, Sequence[str]], request: Request
) -> pl.DataFrame:
    """Return imports by cell: tonnes, tonnes weighed with scores, value, and who has no score."""
    schema = {"material": pl.String, "year": pl.Int32, "country": pl.String}
    if flows.is_empty():
        empty = {"imports": pl.Float64, "weighed": pl.Float64, "usd": pl.Float64}
        empty |= {"untold": pl.Float64, "unscored": pl.Float64, "slipped": pl.Float64}
        return pl.DataFrame(schema={**schema, **empty, "nameless": pl.List(pl.String)})
    placed = _placed(flows, named)
    told = pl.col("tonnes").is_not_null()
    lacks = pl.col("score").is_null() & (pl.col("tonnes") > 0.0)
    filled = pl.col("score").fill_null(pl.lit(request.missing_governance, pl.Float64))
    return placed.group_by(CELL).agg(
        imports=pl.col("tonnes").sum(),
        weighed=(filled * pl.col("tonnes")).sum(),
        usd=pl.col("value_usd").filter(told | (not request.corrected)).sum(),
        untold=1.0 - pl.col("value_usd").filter(told).sum() / pl.col("value_usd").sum(),
        unscored=pl.col("tonnes").filter(lacks).sum(),
        slipped=pl.col("tonnes").filter("is_slip").sum(),
        nameless=pl.col("exporter").filter(lacks).unique().sort(),
    )


def _placed(flows: pl.DataFrame, named: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    """Return each flow with the country or group that imports it; inside a group the score is 0."""
    if not named:
        return flows.rename({"importer": "country"})
    membership = _membership(named)
    placed = flows.join(membership, left_on="importer", right_on="member")
    inside = membership.with_columns(is_inside=pl.lit(value=True))
    marked = placed.join(
        inside, left_on=["country", "exporter"], right_on=["country", "member"], how="left"
    )
    return marked.with_columns(
        score=pl.when(pl.col("is_inside")).then(0.0).otherwise("score")
    ).drop("is_inside", "importer")


def _whole(
    imports: pl.DataFrame, materials: Sequence[Material], years: Sequence[int], names: list[str]
) -> pl.DataFrame:
    """Return a row for each cell asked for; without countries, for each that imports."""
    if not names:
        return imports
    grid = (
        pl.DataFrame({"material": [m.id for m in materials]}, schema={"material": pl.String})
        .join(pl.DataFrame({"year": list(years)}, schema={"year": pl.Int32}), how="cross")
        .join(pl.DataFrame({"country": names}, schema={"country": pl.String}), how="cross")
    )
    return grid.join(imports, on=CELL, how="left")


def _valued(cells: pl.DataFrame, request: Request) -> pl.DataFrame:
    """Return the cells with import risk, price, score and factor, or the reason for none."""
    own = pl.col("own").fill_null(0.0)
    imports = pl.col("imports").fill_null(0.0)
    base = own + imports
    return cells.with_columns(
        import_risk=pl.when(base > 0.0).then(pl.col("weighed").fill_null(0.0) / base),
        price=pl.when(imports > 0.0).then(pl.col("usd") / 1e3 / imports),
        is_listed=pl.col("own").is_not_null(),
        own=own,
        imports=imports,
        reason=_reason(base, is_filled=request.missing_governance is not None),
    ).with_columns(
        import_risk=pl.when(pl.col("reason").is_null()).then("import_risk"),
        score=pl.when(pl.col("reason").is_null()).then(pl.col("hhi") * pl.col("import_risk")),
    )


def _reason(base: pl.Expr, *, is_filled: bool) -> pl.Expr:
    untraded = [m.id for m in find_materials(()) if not m.codes]
    lacking = pl.lit(value=False) if is_filled else pl.col("unscored") > 0.0
    return (
        pl.when(pl.col("material").is_in(untraded))
        .then(pl.lit("the trade table has no code for this material"))
        .when(pl.col("country") == WORLD)
        .then(pl.lit("the world has no imports: name countries or groups"))
        .when(pl.col("hhi").is_null())
        .then(pl.lit("no output by country for this year"))
        .when(base <= 0.0)
        .then(pl.lit("neither imports with tonnes nor output of its own"))
        .when(lacking)
        .then(
            pl.format(
                "no governance score for {} ({} % of imports); --missing-governance 0.5 fills it",
                pl.col("nameless").list.join(", "),
                (100.0 * pl.col("unscored") / pl.col("imports")).round(2),
            )
        )
    )


def _rows(cells: pl.DataFrame, request: Request) -> pl.DataFrame:
    return with_inputs(cells, _inputs(request)).select(
        *("country", "material", "year"),
        value="score",
        unit=pl.lit("1 (0-1)"),
        inputs="inputs",
        reason="reason",
        hhi="hhi",
        import_risk="import_risk",
        price_usd_per_kg="price",
        characterisation_factor=pl.col("score") * pl.col("price") / COPPER,
    )


def _inputs(request: Request) -> list[pl.Expr]:
    """Return the figures behind a score."""
    lane = pl.format("importer={}, year={}", "country", "year")
    rebuilt = "imputed" if request.tonnes is Tonnes.SCREENED else None
    trade: dict[str, Any] = {"table": "trade", "where": lane}
    known: dict[str, Any] = {"table": pl.col("table"), "where": pl.col("where")}
    unlisted = pl.when(~pl.col("is_listed")).then(pl.lit("not listed: taken as 0"))
    slip = pl.when(pl.col("slipped") > 0.0).then(pl.lit("slip of the reference program"))
    option = pl.when(pl.col("unscored") > 0.0).then(pl.lit("option"))
    return [
        figure("HHI of world output", pl.col("hhi"), "1", **known),
        figure("own output", pl.col("own"), "t", mark=unlisted, **known),
        figure("imports", pl.col("imports"), "t gross", mark=rebuilt, **trade),
        figure("imports weighed with scores", pl.col("weighed"), "t gross", **trade),
        figure("political stability", None, "", table="governance",
               where=pl.format("year={}", "year")),
        figure("value without tonnes", pl.col("untold"), "share", **trade),
        figure("imports of Taiwan and Guyana", pl.col("slipped"), "t gross", mark=slip, **trade),
        figure("imports without a score", pl.col("unscored"), "t gross", mark=option, **trade),
        figure("copper's constant", COPPER, "USD/kg", table="", where="reference program"),
    ]  # fmt: skip
