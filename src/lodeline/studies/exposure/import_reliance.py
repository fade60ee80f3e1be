"""Net import reliance: the part of what a country absorbs that it has to buy abroad.

    IR = (M - X) / (P + M - X)        M imports, X exports, P output, t of the form's unit a year

0 where exports are not below imports, 1 without output. What a country ships or uses beyond its
imports although no source says that it makes it is not traced: it may be its own, or have come
from abroad under other codes or before. Then

    low  = (M - X) / (P + M - X)        as if it were its own
    high = (M - X + U) / (P + M - X)    as if it had come from abroad, U the part not traced

and the value is absent where they are further apart than `WIDEST`. The denominator is apparent
consumption, what the next stage takes included. Sources: USGS, *Mineral Commodity Summaries*;
European Commission (2017), *Methodology for establishing the EU list of critical raw materials*,
doi 10.2873/769526. Stock changes, which the USGS adds, are not known by country and left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from lodeline import data
from lodeline.results.exposure import figure, with_inputs
from lodeline.studies.exposure.balances import ITEMS, asked_chains, balances, last_trade_year
from lodeline.studies.exposure.materials import Material
from lodeline.studies.exposure.registry import Request
from lodeline.studies.exposure.suppliers import members

__all__ = ["NOTES", "measure"]

NOTES = (
    "From the balanced base year of the material's chain, by form; see lodeline chains.",
    "Where nobody publishes output, it is a prior, and marked so.",
    "low and high: what no source explains as own output, and as bought abroad.",
)
WIDEST = 0.1
"""Where low and high are further apart than this, there is no value."""
NO_CHAIN = "no chain says how much content its codes carry, so output and trade do not add up"
NONE_USED = "uses none of it, as far as trade and output show"


def measure(request: Request) -> pl.DataFrame:
    """Return the reliance by form, with its range and net imports beside it.

    The figures that the USGS publishes for the United States are shown for their year.

    Raises
    ------
    UnknownNameError
        If a material, country or form does not exist.
    """
    chains, without = asked_chains(request)
    years = list(request.years) or [last_trade_year()]
    named = members(request.countries)
    cells = _by_country(balances(chains, years, request.stage), named)
    net = pl.col("imports") - pl.col("exports")
    abroad = net + pl.col("untraced")
    is_used = pl.col("absorbed") > 0.0
    low, high = (
        pl.when(is_used).then((t / pl.col("absorbed")).clip(0.0, 1.0)) for t in (net, abroad)
    )
    rows = with_inputs(cells, _inputs()).select(
        "country", "material", "stage", "year", "absorbed", "untraced", "unit",
        low=low,
        high=high,
        inputs=pl.when(pl.col("reason").is_null()).then("inputs"),
        reason=pl.coalesce("reason", pl.when(~is_used).then(pl.lit(NONE_USED))),
        net_imports_t=net,
    )  # fmt: skip
    rows = rows.select(
        "country", "material", "stage", "year",
        value=pl.when(pl.col("high") - pl.col("low") <= WIDEST).then("low"),
        unit=pl.lit("1 (0-1)"),
        inputs="inputs",
        reason=pl.coalesce(
            "reason", pl.when(pl.col("high") - pl.col("low") > WIDEST).then(_untraced())
        ),
        net_imports_t="net_imports_t",
        low="low",
        high="high",
    )  # fmt: skip
    missing = _missing(without, list(named) or ["WLD"], years)
    return pl.concat([rows, _published(chains, named, request), missing], how="diagonal")


def _untraced() -> pl.Expr:
    """Return why there is no value, and what can be said."""
    return pl.format(
        "not traced: {} {} that it ships or uses beyond its imports are in no source of output "
        "(stocks, scrap, feed under other codes); {} % if that is its own, {} % if it came from "
        "abroad",
        _whole(pl.col("untraced").round_sig_figs(2)),
        "unit",
        _whole((100.0 * pl.col("low")).round(0)),
        _whole((100.0 * pl.col("high")).round(0)),
    )


def _whole(number: pl.Expr) -> pl.Expr:
    return number.cast(pl.String).str.strip_suffix(".0")


def _by_country(table: pl.DataFrame, named: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    """Return the balance of each country or group asked for; none: of every country."""
    form = ["material", "stage", "year", "unit"]
    numbers = [*ITEMS, "untraced", "absorbed"]
    known = table.filter(pl.col("reason").is_null())
    if not named:
        lone = table.filter(pl.col("reason").is_not_null()).with_columns(country=pl.lit("WLD"))
        return pl.concat([known, lone], how="diagonal")
    parts = []
    for name, countries in named.items():
        inside = known.filter(pl.col("country").is_in(countries)) if countries else known
        summed = inside.group_by(form, maintain_order=True).agg(
            pl.col(numbers).sum(),
            pl.col("table").sort_by("output").last(),
            mark=_marks(),
            reason=pl.lit(None, pl.String),
        )
        forms = table.select(*form, "reason").unique(form, maintain_order=True)
        lone = forms.join(summed, on=form, how="anti").with_columns(
            reason=pl.coalesce("reason", pl.lit(NONE_USED))
        )
        whole = pl.concat([summed, lone], how="diagonal")
        parts.append(whole.with_columns(country=pl.lit(name)))
    return pl.concat(parts, how="diagonal")


def _marks() -> pl.Expr:
    """Return how output of several countries is known, in a word where they differ."""
    marks = pl.col("mark").filter(pl.col("output") > 0.0).drop_nulls()
    several = pl.format("carried or prior for {} countries", marks.len())
    return pl.when(marks.len() > 1).then(several).otherwise(marks.first())


def _inputs() -> list[pl.Expr]:
    where = pl.format("chain={}, form={}, country={}, year={}", "material", "stage", "country",
                      "year")  # fmt: skip
    at: dict[str, Any] = {"unit": pl.col("unit"), "where": where}
    return [
        figure("output", pl.col("output"), table=pl.col("table"), mark=pl.col("mark"), **at),
        figure("imports", pl.col("imports"), table="trade", mark="reconciled", **at),
        figure("exports", pl.col("exports"), table="trade", mark="reconciled", **at),
        figure("absorbed", pl.col("absorbed"), table="", mark="reconciled", **at),
        figure("of output not traced", pl.col("untraced"), table="trade", mark="imputed", **at),
    ]


def _published(
    chains: Sequence[str], named: Mapping[str, Sequence[str]], request: Request
) -> pl.DataFrame:
    """Return net import reliance as the USGS publishes it, where its country and year are asked."""
    table = data.demand_structure().filter(
        (pl.col("metric") == "net_import_reliance")
        & pl.col("year").is_in(list(request.years))
        & pl.col("region").is_in(list(named))
    )
    table = table.with_columns(
        material=pl.col("material").str.to_lowercase().str.replace_all("_", "-")
    ).filter(pl.col("material").is_in(list(chains)))
    where = pl.format("metric=net_import_reliance, region={}, source={}", "region", "source")
    bound = pl.when(pl.col("note").str.contains("more than")).then(pl.lit("lower bound"))
    made = figure("net import reliance", pl.col("value"), "1", table="demand_structure",
                  where=where, mark=bound)  # fmt: skip
    return with_inputs(table, [made]).select(
        "material", "value", "inputs",
        country="region",
        stage=pl.lit("as published"),
        year=pl.col("year").cast(pl.Int32),
        unit=pl.lit("1 (0-1)"),
    )  # fmt: skip


def _missing(
    materials: Sequence[Material], countries: Sequence[str], years: Sequence[int]
) -> pl.DataFrame:
    cells = [(m.id, c, y, "1 (0-1)", NO_CHAIN) for m in materials for c in countries for y in years]
    kinds = {"material": pl.String, "country": pl.String, "year": pl.Int32, "unit": pl.String}
    return pl.DataFrame(cells, schema={**kinds, "reason": pl.String}, orient="row")
