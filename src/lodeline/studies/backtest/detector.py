"""Propose episodes: sudden stops of an exporter or a lane, and what speaks against each.

A stop is a year in which tonnes fall far below their trailing mean and far below what the rest of
the world does. Most stops in trade data are no events: tonnes mistyped, material booked under
another code or another product under this one, a hub that changed its sources, a code that died.
`detect` keeps them all, each with a verdict and the reason in words
(`lodeline.studies.backtest.artefacts`), so that nothing is dropped unseen. A proposal is a place
to look for a document, not an episode.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from lodeline.data import Quality, products, trade
from lodeline.errors import UnknownNameError
from lodeline.network.catalogue import chain_ids, load_chain
from lodeline.scenarios.episode_reading import episode_codes, episode_ids, load_episode
from lodeline.studies.backtest.artefacts import EXPORTER, LANE, Evidence, judged

__all__ = ["Thresholds", "detect"]


@dataclass(frozen=True)
class Thresholds:
    """What counts as a stop. Shares are 0 to 1.

    Attributes
    ----------
    window
        Years of the trailing mean.
    fall
        Least fall of an exporter against its trailing mean.
    lane_fall
        Least fall of one lane.
    world_share
        Least share of the world's trade that an exporter had.
    lane_world_share
        Least share of the world's trade that a lane had.
    importer_share
        Least share of its importer's supply that a lane had.
    against_world
        Least fall of an exporter's share of the world's trade.
    """

    window: int = 3
    fall: float = 0.35
    lane_fall: float = 0.6
    world_share: float = 0.03
    lane_world_share: float = 0.01
    importer_share: float = 0.25
    against_world: float = 0.25


KNOWN_YEARS = 2
"""A stop this many years after the start of a library episode is taken for its effect."""
_IMPUTED = (Quality.IMPUTED_MISSING.value, Quality.IMPUTED_OUTLIER.value)


def detect(
    codes: Sequence[str] | None = None, *, thresholds: Thresholds | None = None
) -> pl.DataFrame:
    """Return the sudden stops in the trade data, each with a verdict and its reason.

    Parameters
    ----------
    codes
        HS92 codes; default all of the dataset.
    thresholds
        What counts as a stop; default `Thresholds()`.

    Returns
    -------
    polars.DataFrame
        ``code, exporter, importer`` (null: the exporter as a whole), ``year`` (in which the stop
        begins or deepens), ``tonnes, base_tonnes`` (t gross, in the year and in the trailing
        mean), ``fall`` (0-1), ``share_of_world`` (of the trailing mean, 0-1),
        ``unit_value_change`` (of the exporter or lane over the trailing mean, 0.5 is +50 %; null
        where nothing was shipped), ``verdict``
        (`lodeline.studies.backtest.artefacts.Verdict`), ``reason``, ``episode`` (identifier in
        the library where the stop is known). Sorted by code, year and size.

    Raises
    ------
    UnknownNameError
        If a code is not in the dataset.
    """
    limits = thresholds or Thresholds()
    known = products()["code"].to_list()
    wanted = list(codes) if codes is not None else known
    for code in wanted:
        if code not in known:
            remedy = "See lodeline.data.products() for all codes."
            raise UnknownNameError("HS92 code", code, known, remedy)
    sisters = _sisters(wanted)
    every = _flows(known)
    flows = every.filter(pl.col("code").is_in([*wanted, *sisters["sister"].to_list()]))
    world = _world(flows, limits.window)
    exporters = _series(flows, EXPORTER, world, limits.world_share, limits.window)
    lanes = _series(flows, LANE, world, limits.lane_world_share, limits.window)
    buyers = _series(flows, ["code", "importer"], world, 0.0, limits.window)
    found = [_exporter_stops(exporters, limits), _lane_stops(lanes, exporters, buyers, limits)]
    stops = pl.concat(found, how="diagonal").filter(pl.col("code").is_in(wanted))
    last_seen = every.group_by("exporter").agg(last_seen=pl.col("year").max())
    table = judged(stops, Evidence(lanes=lanes, buyers=buyers, sisters=sisters, seen=last_seen))
    order = ["code", "year", "base_tonnes", "exporter", "importer"]
    down = [False, False, True, False, False]
    return _with_episodes(table).sort(order, descending=down)


def _flows(codes: Sequence[str]) -> pl.DataFrame:
    """Return trade between different countries, with the tonnes that were rebuilt."""
    rebuilt = pl.when(pl.col("quality").is_in(_IMPUTED)).then("tonnes").otherwise(0.0)
    return (
        trade(codes)
        .filter(pl.col("exporter") != pl.col("importer"), pl.col("tonnes").is_not_null())
        .select("year", *LANE, "tonnes", "value_usd", rebuilt=rebuilt)
    )


def _sisters(codes: Sequence[str]) -> pl.DataFrame:
    """Return pairs of codes that carry one form of a chain, so that bookings can move over."""
    groups = [[c.code for c in form.codes] for id_ in chain_ids() for form in load_chain(id_).forms]
    pairs = [(a, b) for group in groups for a in group for b in group if a != b and a in codes]
    return pl.DataFrame(pairs, schema={"code": pl.String, "sister": pl.String}, orient="row")


def _world(flows: pl.DataFrame, window: int) -> pl.DataFrame:
    """Return the world's tonnes and unit value by code and year, with their trailing means."""
    return (
        flows.group_by("code", "year", maintain_order=True)
        .agg(world=pl.col("tonnes").sum(), value=pl.col("value_usd").sum())
        .sort("code", "year")
        .select("code", "year", "world", world_unit=pl.col("value") / pl.col("world"))
        .with_columns(
            world_base=_trailing("world", ["code"], window),
            world_unit_base=_trailing("world_unit", ["code"], window),
        )
    )


def _series(
    flows: pl.DataFrame, key: list[str], world: pl.DataFrame, share: float, window: int
) -> pl.DataFrame:
    """Return every year of the keys that ever held a share of the world, with trailing means."""
    sums = (
        flows.group_by(*key, "year", maintain_order=True)
        .agg(pl.col("tonnes", "value_usd", "rebuilt").sum())
        .join(world, on=["code", "year"])
    )
    large = sums.filter(pl.col("tonnes") >= share * pl.col("world")).select(key).unique()
    grid = large.join(world, on="code")
    columns = [*key, "year", "tonnes", "value_usd", "rebuilt"]
    return (
        grid.join(sums.select(columns), on=[*key, "year"], how="left")
        .with_columns(pl.col("tonnes", "value_usd", "rebuilt").fill_null(0.0))
        .sort(*key, "year")
        .with_columns(
            base=_trailing("tonnes", key, window),
            base_value=_trailing("value_usd", key, window),
            base_rebuilt=_trailing("rebuilt", key, window),
        )
    )


def _trailing(column: str, key: list[str], window: int) -> pl.Expr:
    """Return the mean of the years before, null where there are fewer than the window."""
    return pl.col(column).shift(1).rolling_mean(window).over(key)


def _fall() -> pl.Expr:
    return 1.0 - pl.col("tonnes") / pl.col("base")


def _new_stops(table: pl.DataFrame, key: list[str], stop: pl.Expr, fall: float) -> pl.DataFrame:
    """Return the years in which a stop begins or deepens: the trailing mean remembers for years."""
    went_on = pl.col("stop").shift(1, fill_value=False).over(key)
    deepened = pl.col("tonnes").shift(1).over(key) - pl.col("tonnes") >= fall * pl.col("base")
    marked = table.sort(*key, "year").with_columns(stop=stop.fill_null(value=False))
    return marked.filter(pl.col("stop") & (~went_on | deepened)).drop("stop")


def _exporter_stops(exporters: pl.DataFrame, limits: Thresholds) -> pl.DataFrame:
    share = pl.col("tonnes") / pl.col("world")
    share_base = pl.col("base") / pl.col("world_base")
    stop = (
        (_fall() >= limits.fall)
        & (share_base >= limits.world_share)
        & (1.0 - share / share_base >= limits.against_world)
    )
    return _new_stops(exporters, EXPORTER, stop, limits.fall)


def _lane_stops(
    lanes: pl.DataFrame, exporters: pl.DataFrame, buyers: pl.DataFrame, limits: Thresholds
) -> pl.DataFrame:
    """Return lanes that stop while their exporter as a whole does not."""
    bought = buyers.select("code", "importer", "year", bought="tonnes", bought_base="base")
    whole = exporters.select(*EXPORTER, "year", exporter_fall=_fall())
    joined = lanes.join(bought, on=["code", "importer", "year"], how="left")
    joined = joined.join(whole, on=[*EXPORTER, "year"], how="left")
    stop = (
        (_fall() >= limits.lane_fall)
        & (pl.col("base") / pl.col("world_base") >= limits.lane_world_share)
        & (pl.col("base") / pl.col("bought_base") >= limits.importer_share)
        & (pl.col("exporter_fall") < limits.fall)
    )
    return _new_stops(joined, LANE, stop, limits.lane_fall).drop("exporter_fall")


def _with_episodes(table: pl.DataFrame) -> pl.DataFrame:
    """Return the table with the library's episodes beside the stops that they explain."""
    rows = [
        (code, exporter, episode.id, episode.start.year, list(episode.targets or ()))
        for episode in map(load_episode, episode_ids())
        for code in episode_codes(episode)
        for exporter in episode.restrictors
    ]
    names = ["code", "exporter", "episode", "start", "targets"]
    known = pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)
    known = known.with_columns(pl.col("targets").cast(pl.List(pl.String)))
    since = pl.col("year") - pl.col("start")
    aimed = pl.col("importer").is_null() | (pl.col("targets").list.len() == 0)
    among = pl.col("targets").list.contains(pl.col("importer"))
    hits = (
        table.select(*LANE, "year")
        .join(known, on=EXPORTER)
        .filter(since.is_between(0, KNOWN_YEARS), aimed | among)
        .sort("start", "episode")
        .unique([*LANE, "year"], keep="last", maintain_order=True)
    )
    columns = [*LANE, "year", "episode"]
    return table.join(hits.select(columns), on=[*LANE, "year"], how="left", nulls_equal=True)
