"""Market and foresight side by side: what knowing the future is worth, as a brief."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from lodeline.report import brief
from lodeline.report.blocks import Block, BriefNames, write_brief
from lodeline.report.clause import restricted_span
from lodeline.report.depends import cautions
from lodeline.report.figures import LinePanel, Series, line_panel
from lodeline.report.format import ABSENT, money, share, tonnes
from lodeline.results.document import both_document
from lodeline.results.stress import BothResult, StressResult

__all__ = ["foresight_sentence", "write_foresight"]

_MOST = 12
_PANELS = 4


def foresight_sentence(both: BothResult) -> str:
    """Return what knowing the future would have saved the world."""
    return (
        f"Knowing the future would have saved the world {money(both.value_world)}, the cost of "
        "low stocks included."
    )


def write_foresight(both: BothResult, folder: Path) -> list[str]:
    """Write the brief of both ways of running beside their folders; return the names."""
    return write_brief(
        folder,
        _blocks(both),
        kind="stress test, market and foresight",
        names=BriefNames("report.html", "foresight.md"),
        document=both_document(both),
        tables={"value": _values(both)},
    )


def _blocks(both: BothResult) -> Iterator[Block]:
    market = both.market
    lead = foresight_sentence(both)
    text = (lead, brief.answer(market).lead, *cautions(market))
    yield Block(str(market.scenario["title"]), level=1, text=text)
    yield Block("Use that is not met", charts=tuple(_charts(both)))
    yield _asked(both)
    yield _value(both)
    yield Block(
        "What it means",
        items=(
            "In the market nobody knows what comes: holders of stock expect the old price back. "
            "Under foresight all restrictions, months and curves are known; costs, stocks at both "
            "ends and limits on growth are the same. No agency knows that much: the value is the "
            "most that warning and sharing information can bring.",
            "The world cannot lose by it. A country can: who sells dear in a crisis that nobody "
            "foresaw sells for less.",
            "The folders market and foresight hold the whole report of each, with its proof.",
        ),
    )


def _charts(both: BothResult) -> Iterator[LinePanel]:
    """Yield unmet use in both ways of running for the countries asked about, worst first."""
    for chain, country, _ in brief.asked_rows(both.market)[:_PANELS]:
        lines = []
        for result in (both.market, both.foresight):
            rows = result.chains[chain.chain].series_of(country)
            rows = rows.filter(pl.col("form") == chain.form)
            lines.append(Series(result.mode, rows.sort("month")["unmet_share"].to_list()))
        yield line_panel(
            f"{_name(both.market, country)}, {brief.form_words(chain)}",
            "% of use unmet",
            lines,
            months=both.market.months,
            kind="share",
            band=restricted_span(both.market),
        )


def _asked(both: BothResult) -> Block:
    columns = ("country", "material", "way", "worst month", "unmet in total", "peak price")
    rows = []
    for chain, country, _ in brief.asked_rows(both.market):
        for result in (both.market, both.foresight):
            row = brief.metric_row(result.chains[chain.chain], country)
            if row is None:
                continue
            price = row["price_multiple_peak"]
            rows.append(
                (
                    _name(both.market, country),
                    brief.form_words(chain),
                    result.mode,
                    share(row["unmet_share_peak"]),
                    tonnes(row["unmet_t_total"], chain.units[chain.form]),
                    ABSENT if price is None else f"×{price:.2f}",
                )
            )
    head = "The countries asked about"
    return Block(head, columns=columns, rows=tuple(rows), numbers=columns[3:])


def _value(both: BothResult) -> Block:
    table = _values(both)
    asked = pl.col("country").is_in(list(both.market.asked))
    largest = table.filter(~asked).sort(pl.col("saved_usd").abs(), descending=True)
    shown = pl.concat([table.filter(asked), largest.head(_MOST)])
    rows = tuple((_name(both.market, country), money(usd)) for country, usd in shown.iter_rows())
    text = (
        f"Countries asked about, then the {_MOST} with most to gain or lose; −USD: a loss. What "
        "low stocks cost their holders is counted here, and not in the costs of the two reports: "
        "the figures are no differences of those."
    )
    columns = ("country", "saved by knowing the future")
    return Block("By country", text=(text,), columns=columns, rows=rows, numbers=columns[1:])


def _values(both: BothResult) -> pl.DataFrame:
    """Return what foresight saves by country and group, USD."""
    schema = {"country": pl.String, "saved_usd": pl.Float64}
    rows = [*both.value_by_country.items(), *both.value_by_group.items()]
    return pl.DataFrame(rows, schema=schema, orient="row").sort("country")


def _name(result: StressResult, country: str) -> str:
    return result.country_names.get(country, country)
