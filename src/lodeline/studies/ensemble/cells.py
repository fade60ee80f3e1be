"""Outcomes of a block by country and form, and the rows of the files that keep them.

Base years of a chain differ in their lanes and so, now and then, in who uses anything: the cells
are those of any of them. What a base year does not have costs nothing there, and nothing is unmet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lodeline.network import ActivityKind, Network
from lodeline.studies.ensemble.metrics import Outcome

__all__ = ["Cells", "Found", "Places", "metrics_table"]

Vector = NDArray[np.float64]
Positions = NDArray[np.intp]

_LABELS = ("country", "chain", "form")
_TIMES = ("time_to_survive_months", "time_to_recover_months")
_CALM = {
    "unmet_share_peak": 0.0,
    "unmet_t_total": 0.0,
    "time_to_survive_months": np.nan,
    "time_to_recover_months": 0.0,
    "price_multiple_peak": 1.0,
}
"""Metrics where nothing is unmet."""


@dataclass(frozen=True)
class Cells:
    """Country and form of all that own an activity or a limit of a chain.

    Attributes
    ----------
    chain
        Identifier of the chain.
    names
        Country and form of each, sorted.
    uses
        Which of them use anything.
    """

    chain: str
    names: tuple[tuple[str, str], ...]
    uses: NDArray[np.bool_]

    @classmethod
    def of(cls, chain: str, networks: Sequence[Network]) -> Cells:
        """Return the cells of a chain's networks."""
        owners, users = set(), set()
        for network in networks:
            owners |= _names(network, *_owned(network))
            uses = network.of_kind(ActivityKind.USE)
            users |= _names(network, network.form[uses], network.origin[uses])
        names = tuple(sorted(owners))
        return cls(chain, names, np.array([name in users for name in names]))

    def places(
        self, network: Network, forms: NDArray[np.integer], countries: NDArray[np.integer]
    ) -> Positions:
        """Return the cells of forms and countries of a network."""
        place = {name: k for k, name in enumerate(self.names)}
        pairs = zip(forms, countries, strict=True)
        found = [place[network.countries[c], network.forms[f]] for f, c in pairs]
        return np.array(found, dtype=np.intp)


def _names(
    network: Network, forms: NDArray[np.integer], countries: NDArray[np.integer]
) -> set[tuple[str, str]]:
    pairs = zip(forms, countries, strict=True)
    return {(network.countries[c], network.forms[f]) for f, c in pairs}


def _owned(network: Network) -> tuple[Positions, Positions]:
    """Return form and country of all that own an activity or a limit."""
    size = len(network.countries)
    owned = [network.form.astype(np.intp) * size + network.origin]
    owned += [m.form * size + np.flatnonzero(m.owner_share > 0.0) for m in network.limits]
    forms, countries = np.divmod(np.unique(np.concatenate(owned)), size)
    return forms, countries


@dataclass(frozen=True)
class Places:
    """Where the outcomes of one of the chain's networks go.

    Attributes
    ----------
    uses
        Cell of each use.
    owned, forms, countries
        Cells that own an activity or a limit, and what they are about.
    """

    uses: Positions
    owned: Positions
    forms: Positions
    countries: Positions

    @classmethod
    def of(cls, cells: Cells, network: Network) -> Places:
        """Return the places of a network's outcomes."""
        uses = network.of_kind(ActivityKind.USE)
        forms, countries = _owned(network)
        return cls(
            cells.places(network, network.form[uses], network.origin[uses]),
            cells.places(network, forms, countries), forms, countries,
        )  # fmt: skip


@dataclass(frozen=True)
class Found:
    """What came of a block's scenarios.

    Attributes
    ----------
    cells
        What the metrics are about.
    metrics
        By name, shape (scenario, cell); not a number where nothing is used under any base year, or
        where a time never comes.
    proof
        Cost of the world and certificate by name, shape (scenario,).
    """

    cells: Cells
    metrics: dict[str, Vector]
    proof: dict[str, NDArray[Any]]

    @classmethod
    def empty(cls, cells: Cells, count: int) -> Found:
        """Return room for so many scenarios, in which nothing is unmet so far."""
        shape = (count, len(cells.names))
        metrics = {
            name: np.tile(np.where(cells.uses, calm, np.nan), (count, 1))
            for name, calm in _CALM.items()
        }
        numbers = ("world_cost_usd", "max_residual", "max_gap", "fallbacks", "spot_residual")
        proof: dict[str, NDArray[Any]] = {name: np.zeros(count) for name in numbers}
        proof["fallbacks"] = np.zeros(count, dtype=np.int16)
        return cls(cells, metrics | {"cost_usd": np.zeros(shape)}, proof)

    def put(self, places: Places, outcome: Outcome, where: Positions) -> None:
        """Enter the first scenarios of an outcome at the places `where`."""
        kept = where.size
        for name, values in _of_uses(outcome).items():
            self.metrics[name][np.ix_(where, places.uses)] = values[:kept]
        cost = outcome.cost[:kept, places.forms, places.countries]
        self.metrics["cost_usd"][np.ix_(where, places.owned)] = cost
        self.proof["world_cost_usd"][where] = outcome.cost[:kept].sum(axis=(1, 2))
        self.proof["max_residual"][where] = outcome.residual[:kept]
        self.proof["max_gap"][where] = outcome.gap[:kept]
        self.proof["fallbacks"][where] = outcome.fallbacks[:kept]
        self.proof["spot_residual"][where] = outcome.independent_residual


def metrics_table(found: Sequence[Sequence[Found]], first: int) -> pl.DataFrame:
    """Return one row per cell and scenario, by country, chain, form and scenario.

    Parameters
    ----------
    found
        By chain, then by block; blocks in order.
    first
        Index of the first scenario.
    """
    cells = [blocks[0].cells for blocks in found]
    names = [(country, c.chain, form) for c in cells for country, form in c.names]
    order = sorted(range(len(names)), key=names.__getitem__)
    count = sum(block.metrics["cost_usd"].shape[0] for block in found[0])

    def column(metric: str) -> pl.Series:
        # Single precision, and cells first: shape (cell, scenario).
        by_chain = [
            np.concatenate([b.metrics[metric].astype(np.float32) for b in blocks]).T
            for blocks in found
        ]
        series = pl.Series(np.concatenate(by_chain)[order].ravel(), nan_to_null=True)
        return series.cast(pl.Int16) if metric in _TIMES else series

    cell = np.repeat(np.arange(len(names)), count)
    labels = zip(*(names[k] for k in order), strict=True)
    scenarios = np.arange(first, first + count, dtype=np.int32)
    return pl.DataFrame(
        {
            **{k: pl.Series(v).gather(cell) for k, v in zip(_LABELS, labels, strict=True)},
            "scenario": np.tile(scenarios, len(names)),
            **{metric: column(metric) for metric in found[0][0].metrics},
        }
    )


def _of_uses(outcome: Outcome) -> dict[str, Vector]:
    """Return the metrics of every use, shape (scenario, use)."""
    since = outcome.first_short - np.maximum(outcome.onset, 0)[:, None]
    back = np.where(outcome.last_short < 0, 0.0, outcome.last_short + 1.0 - outcome.first_short)
    return {
        "unmet_share_peak": outcome.unmet_share_peak,
        "unmet_t_total": outcome.unmet_t_total,
        "time_to_survive_months": np.where(outcome.first_short >= 0, np.maximum(since, 0), np.nan),
        "time_to_recover_months": np.where(outcome.last_short == outcome.months - 1, np.nan, back),
        "price_multiple_peak": outcome.price_multiple_peak,
    }
