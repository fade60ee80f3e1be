"""Output by country: observed where a table has it, else a flagged prior of finite variance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from lodeline import data
from lodeline.errors import DataError
from lodeline.network.chain import (
    Chain,
    Form,
    NetExports,
    RestOfWorld,
    SharesOfWorld,
    TableOutput,
)
from lodeline.network.trade_lanes import FormTrade

__all__ = ["NOT_TRACED", "OutputPrior", "outputs_of_form", "world_output"]

_OBSERVED_DEVIATION = 0.05
_CARRIED_DEVIATION = 0.15
"""Added per year between the table's year and the base year, at most 0.6."""
_MOSTLY_EXPORTED = 0.5
_LEAST_GROWTH, _MOST_GROWTH = 0.1, 3.0
"""Limits of the growth with which an output is carried to another year. Assumed."""
_SHARES_DEVIATION = 0.30
_NET_EXPORTS_DEVIATION = 0.50
_UNLISTED_DEVIATION = 1.00
"""A net exporter that the source of output does not list: noise, a re-exporter, or a small mine."""
_MAKER_BY_TRADE = 2.0
"""Where no source lists the makers of a form, or leaves some unnamed, a net exporter that ships out
at least so many times what it takes in counts as one; the others pass on. Assumed."""
_FROM_NET_EXPORTS = "prior: net exports"
STATED_USE = f"{_FROM_NET_EXPORTS} plus stated domestic use"
"""Basis of an output from which a country's use follows as a stated share of its net exports."""
NOT_TRACED = "not traced"
"""How the basis of an output begins that no source explains: where it comes from is not known."""


@dataclass(frozen=True)
class OutputPrior:
    """Output of a form by country.

    Attributes
    ----------
    level
        t/year by ISO3; every level is positive.
    deviation
        Relative standard deviation by ISO3.
    basis
        In words, by ISO3: ``observed 2022``, ``carried from 2023``, ``prior: curated share`` ...
    """

    level: Mapping[str, float]
    deviation: Mapping[str, float]
    basis: Mapping[str, str]

    @property
    def untraced(self) -> frozenset[str]:
        """Countries whose output only makes their trade balance.

        No source says, for any year, that they make the form: where it comes from is not known.
        """
        return frozenset(c for c, words in self.basis.items() if words.startswith(NOT_TRACED))


def outputs_of_form(chain: Chain, form: Form, trade: FormTrade, year: int) -> OutputPrior:
    """Return the output prior of a form in a year; absent countries have none.

    The form's own source comes first, then its fallback. A net exporter that neither lists gets
    its net exports, with a wide deviation and flagged: a hub that only re-exports is then pulled
    to balance by its lanes instead of being given a mine.
    """
    net = _net_exports(trade)
    level: dict[str, float] = {}
    deviation: dict[str, float] = {}
    basis: dict[str, str] = {}
    sources = [s for s in (form.output, form.fallback) if s is not None]
    for source in sources:
        if isinstance(source, RestOfWorld):
            continue  # `lodeline.network.inferred` adds it: it needs the neighbouring stage.
        found = _from(chain, form, source, trade, net, year)
        if level and isinstance(form.output, SharesOfWorld) and isinstance(source, SharesOfWorld):
            found = _within_the_world(form.output, found, level, trade, year)
        for country, (tonnes, spread, words) in found.items():
            if country not in level and tonnes > 0.0:
                level[country], basis[country] = tonnes, words
                deviation[country] = max(spread, _doubt(tonnes, net.get(country, 0.0)))
    for country, tonnes in net.items():
        if country not in level and tonnes > 0.0:
            level[country], deviation[country] = tonnes, _UNLISTED_DEVIATION
            basis[country] = f"{_FROM_NET_EXPORTS} of a country that the source lists otherwise"
    makers = _makers(form, trade, year)
    for country, words in basis.items():
        if words.startswith(_FROM_NET_EXPORTS) and country not in makers:
            basis[country] = f"{NOT_TRACED}: net exports of a country that no source lists"
    return OutputPrior(level, deviation, basis)


def _makers(form: Form, trade: FormTrade, year: int) -> set[str]:
    """Return who may make a form: whom its sources name, and whom they leave unnamed."""
    if isinstance(form.output, NetExports):
        return set(_shipped_out(trade, year))
    named = _listed(form)
    if isinstance(form.output, TableOutput) and _holds_the_others(form.output, trade, named):
        return named | set(_shipped_out(trade, year))
    return named


def _holds_the_others(source: TableOutput, trade: FormTrade, named: set[str]) -> bool:
    """Return whether the makers by trade that a table does not name are its other countries.

    The USGS prints small makers in one line. They are taken for those that trade shows if what
    these ship out, net, fits into that line in every year that has it. Where it does not fit, feed
    of other codes, stocks or misreporting is among it, and nobody knows in which country.
    """
    left = data.left_to_others(source.commodity, source.stage)
    room = {int(y): source.factor.value * t for y, t in left.iter_rows()}
    return bool(room) and all(
        sum(t for c, t in _shipped_out(trade, y).items() if c not in named) <= most
        for y, most in room.items()
    )


def _listed(form: Form) -> set[str]:
    """Return the countries that a source of a form's output names as makers, for any year."""
    named: set[str] = set()
    for source in (form.output, form.fallback):
        if isinstance(source, TableOutput):
            rows = data.output_by_country(source.commodity, source.stage)
            named |= set(rows.filter(pl.col("value") > 0.0)["country"])
        elif isinstance(source, SharesOfWorld):
            named |= _named_in(source.material, source.stage)
        elif isinstance(source, RestOfWorld):
            named |= set(source.countries)
            if source.shares is not None:
                named |= _named_in(source.shares.material, source.shares.stage)
    return named


def _named_in(material: str, stage: str) -> set[str]:
    rows = data.stage_shares(material, stage).filter(pl.col("share") > 0.0)
    return set(rows["country"].cast(pl.String)) - {"WLD", "ROW"}


def _shipped_out(trade: FormTrade, year: int) -> dict[str, float]:
    """Return net exports of those that ship out `_MAKER_BY_TRADE` times what they take in, t."""
    of_year = pl.col("year") == year
    out = dict(trade.exports.filter(of_year).select("exporter", "tonnes").iter_rows())
    into = dict(trade.imports.filter(of_year).select("importer", "tonnes").iter_rows())
    return {
        c: tonnes - into.get(c, 0.0)
        for c, tonnes in out.items()
        if tonnes >= _MAKER_BY_TRADE * into.get(c, 0.0)
    }


def _doubt(output: float, net_exports: float) -> float:
    """Return the relative deviation of an output that its own net exports exceed.

    A country that ships out more than it is said to make has a figure that misses something
    (another product, a stock, a re-export booked as its own): trade must not be cut to fit it.
    """
    return max(net_exports - output, 0.0) / output


_Rows = dict[str, tuple[float, float, str]]


def world_output(source: SharesOfWorld, trade: FormTrade, year: int) -> float:
    """Return world output of a form with curated shares, moved with world trade, t/year."""
    by_year = {int(y): float(t) for y, t in trade.world.iter_rows()}
    growth = by_year.get(year, 0.0) / by_year.get(source.world_year, float("nan"))
    return source.world_t.value * (growth if growth > 0.0 else 1.0)


def _within_the_world(
    source: SharesOfWorld, found: _Rows, level: Mapping[str, float], trade: FormTrade, year: int
) -> _Rows:
    """Return shares of another vintage, cut to what the first vintage leaves of world output."""
    new = {c: row for c, row in found.items() if c not in level}
    wanted = sum(tonnes for tonnes, _, _ in new.values())
    left = max(world_output(source, trade, year) - sum(level.values()), 0.0)
    cut = min(1.0, left / wanted) if wanted > 0.0 else 1.0
    return {c: (cut * tonnes, spread, words) for c, (tonnes, spread, words) in new.items()}


def _from(
    chain: Chain,
    form: Form,
    source: TableOutput | SharesOfWorld | NetExports,
    trade: FormTrade,
    net: Mapping[str, float],
    year: int,
) -> _Rows:
    if isinstance(source, TableOutput):
        return _from_table(chain, form, source, trade, year)
    if isinstance(source, SharesOfWorld):
        return _from_shares(chain, form, source, trade, year)
    share = 1.0 + source.domestic_use.value
    return {c: (share * t, _NET_EXPORTS_DEVIATION, STATED_USE) for c, t in net.items() if t > 0.0}


def _net_exports(trade: FormTrade) -> dict[str, float]:
    """Return exports less imports by country, t/year."""
    out: dict[str, float] = {}
    for exporter, importer, tonnes in trade.lanes.select(
        "exporter", "importer", "tonnes"
    ).iter_rows():
        out[exporter] = out.get(exporter, 0.0) + tonnes
        out[importer] = out.get(importer, 0.0) - tonnes
    return out


def _from_table(
    chain: Chain, form: Form, source: TableOutput, trade: FormTrade, year: int
) -> _Rows:
    rows = data.output_by_country(source.commodity, source.stage)
    if rows.height == 0:
        raise DataError(
            f"chain '{chain.id}', form '{form.id}': the production table has no commodity "
            f"'{source.commodity}' at stage '{source.stage}'. "
            "See 'lodeline data info' and docs/chains.md."
        )
    nearest = _nearest_year(rows, year)
    distance = abs(nearest - year)
    spread = _OBSERVED_DEVIATION + min(_CARRIED_DEVIATION * distance, 0.6)
    made: _Rows = {}
    for country, tonnes, publisher in (
        rows.filter(pl.col("year") == nearest).select("country", "value", "source").iter_rows()
    ):
        level = tonnes * source.factor.value
        when = f"observed {year}"
        if distance > 0:
            growth, with_what = _growth(trade, country, level, nearest, year)
            level *= growth
            when = f"carried from {nearest} with {with_what} (x{growth:.2f})"
        made[country] = (level, spread, f"{when}, {publisher}")
    return made if distance == 0 else _with_largest(source, made, year)


def _with_largest(source: TableOutput, carried: _Rows, year: int) -> _Rows:
    """Return outputs with those that a later source names for the year, the others cut to its rest.

    What is carried from another year is a guess; the largest makers are known sooner.
    """
    known = data.largest_makers(source.commodity, source.stage).filter(pl.col("year") == year)
    if known.height == 0:
        return carried
    factor = source.factor.value
    named: _Rows = {
        country: (factor * tonnes, _OBSERVED_DEVIATION, f"observed {year}, {who} (curated share)")
        for country, tonnes, who in known.select("country", "value", "source").iter_rows()
    }
    others = {c: row for c, row in carried.items() if c not in named}
    rest = factor * float(known["rest"][0])
    cut = min(1.0, rest / max(sum(t for t, _, _ in others.values()), 1e-300))
    return named | {c: (cut * t, spread, words) for c, (t, spread, words) in others.items()}


def _growth(
    trade: FormTrade, country: str, output: float, known: int, year: int
) -> tuple[float, str]:
    """Return by what to multiply an output of `known` to carry it to `year`, and what it follows.

    A country that ships out most of what it makes follows its own exports; the others follow
    world trade of the form.
    """
    own = {
        int(y): float(t)
        for c, y, t in trade.exports.select("exporter", "year", "tonnes").iter_rows()
        if c == country
    }
    shipped = own.get(known, 0.0)
    if shipped > 0.0 and shipped >= _MOSTLY_EXPORTED * output and year in own:
        growth, what = own[year] / shipped, "its exports"
    else:
        world = {int(y): float(t) for y, t in trade.world.iter_rows()}
        if not world.get(known) or not world.get(year):
            return 1.0, "level"
        growth, what = world[year] / world[known], "world trade"
    return min(max(growth, _LEAST_GROWTH), _MOST_GROWTH), what


def _from_shares(
    chain: Chain, form: Form, source: SharesOfWorld, trade: FormTrade, year: int
) -> _Rows:
    rows = data.stage_shares(source.material, source.stage)
    rows = rows.filter(~pl.col("country").cast(pl.String).is_in(["WLD", "ROW"]))
    if rows.height == 0:
        raise DataError(
            f"chain '{chain.id}', form '{form.id}': no curated shares for "
            f"'{source.material}', stage '{source.stage}'. See docs/chains.md."
        )
    vintage = source.share_year or _nearest_year(rows, source.world_year)
    world = world_output(source, trade, year)
    words = f"prior: curated share of {vintage} times world output of {source.world_year}"
    chosen = (
        rows.filter(pl.col("year") == vintage)
        .group_by("country", maintain_order=True)
        .agg(pl.col("share").first())
    )
    return {str(c): (float(s) * world, _SHARES_DEVIATION, words) for c, s in chosen.iter_rows()}


def _nearest_year(rows: pl.DataFrame, year: int) -> int:
    """Return the year of the table nearest to `year`, the earlier one of two."""
    years = sorted({int(y) for y in rows["year"] if y is not None and int(y) <= 2026})
    return min(years, key=lambda y: (abs(y - year), y))
