"""What a forecast may see of an episode, and what came of it: two objects that never meet.

`history_of` cuts the trade at the last base year before it looks at it. Forecasts get a `History`
and, on track A, the exports that the episode gives away; `Outcome` goes to the score alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lodeline import data
from lodeline.errors import InputError
from lodeline.network.catalogue import load_chain
from lodeline.network.chain import Basis, Chain, Code, Form, NetExports, Parameter
from lodeline.network.trade_lanes import rows_of_form
from lodeline.scenarios.episode import Episode
from lodeline.scenarios.episode_reading import episode_codes
from lodeline.studies.backtest.reversion import YEARS_BEFORE, expected_return
from lodeline.units import MONTHS_PER_YEAR

__all__ = [
    "REST",
    "History",
    "Outcome",
    "elapsed",
    "episode_trade",
    "history_of",
    "outcome_of",
]

Vector = NDArray[np.float64]
Flags = NDArray[np.bool_]

REST = "rest"
"""Countries too small before the start to be told apart, as one."""
YEARS_BACK = YEARS_BEFORE
"""Years before the first base year that a forecast may look at."""
NAMED_SHARE = 0.005
"""Share of a year's exports or imports that gives a country a name of its own."""
MEMORY = 0.2
"""Weight of a year in the reference, against that of the year after it. Estimated on the trade of
all codes up to 2008, before any episode; a test estimates it again."""


@dataclass(frozen=True)
class History:
    """Trade up to the last base year.

    Attributes
    ----------
    partners
        ISO3 codes, sorted, and `REST` last: the index of all country arrays.
    is_restricting, is_target
        Shape (partner,). Targets are all others where the episode names none.
    years
        Years of `flows`, the last base year last.
    flows
        t/year of the form's unit, shape (year, exporter, importer). What the restricting countries
        buy is left out, and what `REST` trades with itself.
    base
        Mean over the base years, t/year, shape (exporter, importer).
    base_years
        Years of `base`.
    price_return
        Change of the unit value that is expected without a restriction (logarithm), because it was
        dear or cheap in the base years; see `lodeline.studies.backtest.reversion`.
    """

    partners: tuple[str, ...]
    is_restricting: Flags
    is_target: Flags
    years: tuple[int, ...]
    flows: Vector
    base: Vector
    base_years: tuple[int, ...]
    price_return: float = 0.0

    @property
    def year_weights(self) -> Vector:
        """Weights of the years seen in the reference, summing to one, shape (year,)."""
        weight = MEMORY ** (self.years[-1] - np.array(self.years, dtype=float))
        return np.asarray(weight / weight.sum())

    @property
    def reference(self) -> Vector:
        """What is expected to go on without the restriction, t/year, shape (exporter, importer).

        Recent years count most: trade is close to a random walk, and the mean of the base years
        lags behind it. For the restricting countries it is `base`, what the episode has at stake.
        """
        recent = np.tensordot(self.year_weights, self.flows, axes=1)
        return np.where(self.is_restricting[:, None], self.base, recent)

    @property
    def centre(self) -> float:
        """Mean year of the reference."""
        return float(self.year_weights @ np.array(self.years))

    @property
    def exposure(self) -> Vector:
        """Share of each buyer's base imports that came from the restricting countries, (partner,).

        Where only some are targets, others have none.
        """
        came = self.base[self.is_restricting].sum(axis=0)
        bought = self.base.sum(axis=0)
        share = np.divide(came, bought, out=np.zeros_like(came), where=bought > 0.0)
        return np.where(self.is_target, share, 0.0)

    @property
    def world(self) -> float:
        """World trade of the base years, t/year."""
        return float(self.base.sum())


@dataclass(frozen=True)
class Outcome:
    """What happened in one year to tell.

    Attributes
    ----------
    year
        Calendar year.
    flows
        t/year, shape (exporter, importer), countries as in the history.
    log_unit_value
        Change of the world's unit value since the base years, natural logarithm, less the median
        change over all codes of the trade table (the common cycle of prices).
    raw_log_unit_value
        The same without that.
    """

    year: int
    flows: Vector
    log_unit_value: float
    raw_log_unit_value: float


def episode_trade(episode: Episode) -> pl.DataFrame:
    """Return all trade of an episode's form, in the form's unit.

    Returns
    -------
    polars.DataFrame
        ``year, exporter, importer, tonnes, value_usd``; rows that the chain excludes, without
        tonnes, and of a country with itself are left out.
    """
    chain = load_chain(episode.chain) if episode.chain is not None else None
    codes = episode_codes(episode)
    form = _form(episode, chain, codes)
    rows = rows_of_form(form, chain.exclusions if chain is not None else ())
    return (
        rows.filter(~pl.col("is_excluded") & (pl.col("exporter") != pl.col("importer")))
        .group_by("year", "exporter", "importer", maintain_order=True)
        .agg(tonnes=pl.col("amount").sum(), value_usd=pl.col("value_usd").sum())
    )


def _form(episode: Episode, chain: Chain | None, codes: tuple[str, ...]) -> Form:
    """Return the chain's form cut to the codes, or a form in gross tonnes for other codes."""
    if chain is not None:
        form = chain.form(episode.form)
        if {c.code for c in form.codes} >= set(codes):
            kept = tuple(c for c in form.codes if c.code in codes)
            return form.model_copy(update={"codes": kept})
    none = Parameter(value=0.0, low=0.0, high=0.0, source="Use at home is not in trade")
    one = Parameter(value=1.0, low=1.0, high=1.0, source="Gross weight as traded")
    return Form(
        id=episode.form,
        title=episode.title,
        stage="as traded",
        unit="t gross weight",
        basis=Basis.GROSS,
        codes=tuple(Code(code=c, content=one) for c in codes),
        output=NetExports(kind="net-exports", domestic_use=none),
    )


def history_of(episode: Episode, trade: pl.DataFrame) -> History:
    """Return what a forecast may see.

    Parameters
    ----------
    episode
        Names the base years and who restricts whom.
    trade
        As `episode_trade` gives it; years after the last base year are cut off first of all.

    Raises
    ------
    InputError
        If a base year has no trade, or the restricting countries export nothing in them.
    """
    last = max(episode.base_years)
    seen = trade.filter(pl.col("year") <= last)
    covered = set(seen["year"].to_list())
    years = tuple(y for y in range(min(episode.base_years) - YEARS_BACK, last + 1) if y in covered)
    for year in episode.base_years:
        if year not in covered:
            raise InputError(
                f"episode '{episode.id}', base_years: no trade of the form in {year}. "
                "Choose base years that the trade data cover."
            )
    partners = _partners(seen.filter(pl.col("year") >= years[0]), set(episode.restrictors))
    is_restricting = np.isin(partners, episode.restrictors)
    flows = np.stack([_flows(seen, year, partners, is_restricting) for year in years])
    base = flows[[years.index(y) for y in episode.base_years]].mean(axis=0)
    if not base[is_restricting].sum() > 0.0:
        raise InputError(
            f"episode '{episode.id}', restricting: {', '.join(episode.restrictors)} exported "
            "nothing of the form in the base years. Check the countries and the codes."
        )
    is_target = ~is_restricting
    if episode.targets is not None:
        is_target = np.isin(partners, episode.targets)
    return History(
        partners=partners,
        is_restricting=is_restricting,
        is_target=is_target,
        years=years,
        flows=flows,
        base=base,
        base_years=tuple(sorted(episode.base_years)),
        price_return=expected_return(_unit_values(seen), episode.base_years),
    )


def _partners(seen: pl.DataFrame, always: set[str]) -> tuple[str, ...]:
    """Return the countries that had a share worth a name in any year seen, and `REST`."""
    named = set(always)
    for side in ("exporter", "importer"):
        total = seen.group_by(side, "year").agg(pl.col("tonnes").sum())
        share = pl.col("tonnes") / pl.col("tonnes").sum().over("year")
        named |= set(total.filter(share >= NAMED_SHARE)[side].to_list())
    return (*sorted(named), REST)


def _flows(
    trade: pl.DataFrame, year: int, partners: tuple[str, ...], is_restricting: Flags
) -> Vector:
    """Return one year's flows between partners, t/year, shape (exporter, importer)."""
    position = {c: i for i, c in enumerate(partners)}
    rest = position[REST]
    out = np.zeros((len(partners), len(partners)))
    rows = trade.filter(pl.col("year") == year).select("exporter", "importer", "tonnes")
    for exporter, importer, tonnes in rows.iter_rows():
        out[position.get(exporter, rest), position.get(importer, rest)] += tonnes
    out[:, is_restricting] = 0.0
    out[rest, rest] = 0.0
    return out


def outcome_of(episode: Episode, history: History, trade: pl.DataFrame) -> tuple[Outcome, ...]:
    """Return what happened in the years to tell, for the score.

    Raises
    ------
    InputError
        If a year to tell has no trade.
    """
    before = _unit_value(trade.filter(pl.col("year").is_in(episode.base_years)))
    cycle = _price_cycle(episode)
    out = []
    for year in episode.predict_years:
        rows = trade.filter(pl.col("year") == year)
        if rows.height == 0:
            raise InputError(
                f"episode '{episode.id}', predict_years: no trade of the form in {year}. "
                "Choose years that the trade data cover."
            )
        change = float(np.log(_unit_value(rows) / before))
        out.append(
            Outcome(
                year=year,
                flows=_flows(trade, year, history.partners, history.is_restricting),
                log_unit_value=change - cycle[year],
                raw_log_unit_value=change,
            )
        )
    return tuple(out)


def _unit_values(seen: pl.DataFrame) -> dict[int, float]:
    """Return the world's unit value by year, USD/t."""
    world = seen.group_by("year", maintain_order=True).agg(pl.col("value_usd", "tonnes").sum())
    rows = world.filter((pl.col("tonnes") > 0.0) & (pl.col("value_usd") > 0.0)).iter_rows()
    return {int(year): value / tonnes for year, value, tonnes in rows}


def _unit_value(rows: pl.DataFrame) -> float:
    return float(rows["value_usd"].sum()) / float(rows["tonnes"].sum())


def _price_cycle(episode: Episode) -> dict[int, float]:
    """Return the median log change of unit values over all codes since the base years, by year."""
    codes = data.products()["code"].to_list()
    table = data.unit_values(codes).filter(pl.col("median_usd_per_t") > 0.0)
    level = table.with_columns(log=pl.col("median_usd_per_t").log())
    before = (
        level.filter(pl.col("year").is_in(episode.base_years))
        .group_by("code")
        .agg(before=pl.col("log").mean())
    )
    after = level.filter(pl.col("year").is_in(episode.predict_years)).join(before, on="code")
    change = after.group_by("year").agg(cycle=(pl.col("log") - pl.col("before")).median())
    return {int(y): float(c) for y, c in change.iter_rows()}


def elapsed(episode: Episode, year: int) -> float:
    """Return years from the start of the restriction to the end of `year`."""
    start = episode.start
    return year - start.year + (MONTHS_PER_YEAR + 1 - start.month) / MONTHS_PER_YEAR
