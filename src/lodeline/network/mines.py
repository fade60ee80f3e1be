"""From the first traded form back to the mine, where the trade data do not hold the ore.

Three chains begin after the mine: rare-earth concentrate, spodumene and tantalite have no code in
the trade table. Who mines and who makes the first form is known, who feeds whom is not. A rule
fills it in: a country uses its own ore first; what it mines beyond that goes to the plants that
the chain's excluded rows name (feed booked under the code of the product), and the rest into one
pool from which the remaining plants draw alike. The rule is assumed. Its opposite, all ore in one
pool, gives the other end of the range.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import polars as pl

from lodeline import data
from lodeline.network.base_year import BaseYear
from lodeline.network.chain import Chain, TableOutput
from lodeline.solver.curves import Vector

__all__ = ["MINE", "MineOutput", "begins_at_mine", "mine_feed", "mine_output"]

MINE = "mine"
"""Name of the stage."""

ORE_OF_CHAIN: Mapping[str, str] = MappingProxyType(
    {"lithium": "lithium", "rare-earths": "rare-earths", "tantalum": "tantalum"}
)
"""Commodity of the mine table by chain, both in the same content (Li, REO, Ta)."""

FARTHEST_YEAR = 2
"""So many years the table of output may be away from the base year."""


@dataclass(frozen=True)
class MineOutput:
    """Mine output behind a chain that begins after the mine.

    Attributes
    ----------
    miners
        ISO3 codes.
    tonnes
        t/year, shape (miner,).
    year
        Year of the figures.
    is_whole
        Whether the publisher names every country, not the largest only.
    carried
        Miners whose figure is of another year.
    """

    miners: tuple[str, ...]
    tonnes: Vector
    year: int
    is_whole: bool
    carried: frozenset[str] = frozenset()


def begins_at_mine(chain: Chain) -> bool:
    """Return whether the output of the chain's first form is that of mines."""
    source = chain.forms[0].output
    return isinstance(source, TableOutput) and source.stage == MINE


def mine_output(chain: Chain, year: int) -> MineOutput | None:
    """Return the mine output behind a chain; None where it begins at the mine or none is known.

    Figures of a year up to `FARTHEST_YEAR` away serve as well.
    """
    commodity = ORE_OF_CHAIN.get(chain.id)
    if commodity is None:
        return None
    table = data.output_by_country(commodity, MINE).filter(pl.col("value") > 0.0)
    nearest = min({int(y) for y in table["year"]}, key=lambda y: (abs(y - year), y))
    if abs(nearest - year) > FARTHEST_YEAR:
        return None
    rows = table.filter(pl.col("year") == nearest).sort("country")
    carried = frozenset(rows["country"]) if nearest != year else frozenset()
    known = data.largest_makers(commodity, MINE).filter(pl.col("year") == year)
    if nearest != year and known.height:
        nearest, rows, carried = year, _with_largest(rows, known), carried - {*known["country"]}
    is_whole = not rows["source"].is_in(["USGS", "IEA"]).any()
    return MineOutput(tuple(rows["country"]), rows["value"].to_numpy(), nearest, is_whole, carried)


def _with_largest(rows: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Return the largest mines as a later source has them, the others of before cut to its rest.

    What the rest holds beyond them was mined by countries of which no figure is known.
    """
    others = rows.join(known, on="country", how="anti")
    scale = min(1.0, float(known["rest"][0]) / max(float(others["value"].sum()), 1e-300))
    columns = ["country", "value", "source"]
    return pl.concat(
        [known.select(columns), others.select(columns).with_columns(pl.col("value") * scale)],
        how="vertical_relaxed",
    ).sort("country")


def mine_feed(
    base: BaseYear, output: MineOutput, makers: Vector, *, is_pooled: bool = False
) -> Vector:
    """Return whose ore went to each maker of the first form, shape (miner, country).

    Parameters
    ----------
    base
        Balanced base year.
    output
        Mine output; it is scaled to the makers' feed, so that losses fall on all mines alike.
    makers
        What they feed in, t/year, shape (country,); zero for others.
    is_pooled
        All ore in one pool, instead of own ore and named feed first.

    Returns
    -------
    numpy.ndarray
        Shares; every column adds up to one.
    """
    mined = output.tonnes * makers.sum() / output.tonnes.sum()
    if is_pooled or makers.sum() <= 0.0:
        mix = output.tonnes / output.tonnes.sum()
        return np.repeat(mix[:, None], makers.size, axis=1)
    return _allotted(base, output.miners, mined, makers)


def _allotted(base: BaseYear, miners: tuple[str, ...], mined: Vector, fed: Vector) -> Vector:
    """Return the feed by miner and country as shares: own ore, named feed, then the pool."""
    place = {c: i for i, c in enumerate(base.countries)}
    flows = np.zeros((len(miners), fed.size))
    for m, miner in enumerate(miners):
        if miner in place:
            flows[m, place[miner]] = min(mined[m], fed[place[miner]])
    for m, miner in enumerate(miners):
        named = [place[c] for c in _named_buyers(base, miner) if c in place]
        spare = mined[m] - flows[m].sum()
        lack = np.maximum(fed[named] - flows[:, named].sum(axis=0), 0.0)
        if spare > 0.0 and lack.sum() > 0.0:
            flows[m, named] += lack * min(spare / lack.sum(), 1.0)
    spare = np.maximum(mined - flows.sum(axis=1), 0.0)
    lack = np.maximum(fed - flows.sum(axis=0), 0.0)
    if spare.sum() > 0.0:
        flows += np.outer(spare / spare.sum(), lack)
    total = flows.sum(axis=0)
    empty = total <= 0.0
    flows[:, empty] = mined[:, None]
    return np.asarray(flows / flows.sum(axis=0))


def _named_buyers(base: BaseYear, miner: str) -> list[str]:
    """Return who took feed of a miner that the chain leaves out of the first form's trade."""
    return [
        rule.importer
        for rule in base.chain.exclusions
        if rule.exporter == miner
        and rule.importer is not None
        and rule.years[0] <= base.year <= rule.years[1]
    ]
