"""The parts of an ensemble read back a few thousand numbers at a time.

A *cell* is a country, chain and form. Every part holds the same cells in the same order, each with
all of the part's scenarios, so that a cell is found by its place and nothing is searched or sorted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

__all__ = ["VALUES_AT_ONCE", "Reader"]

Values = NDArray[np.float32]
Vector = NDArray[np.float64]

VALUES_AT_ONCE = 1_000_000
"""Numbers of one metric in memory at a time; a cell is read whole, 4 bytes a scenario."""


@dataclass(frozen=True)
class Reader:
    """The files of an ensemble.

    Attributes
    ----------
    metrics, scenarios
        Files of the parts, in order.
    sizes
        Scenarios in each part.
    """

    metrics: Sequence[Path]
    scenarios: Sequence[Path]
    sizes: Sequence[int]

    @property
    def n(self) -> int:
        """Number of scenarios."""
        return sum(self.sizes)

    @cached_property
    def cells(self) -> pl.DataFrame:
        """``country, chain, form`` of the cells, in order."""
        names = pl.read_parquet(self.metrics[0], columns=["country", "chain", "form"])
        return names.gather_every(self.sizes[0])

    @cached_property
    def users(self) -> NDArray[np.bool_]:
        """Which cells use material: the others have a cost alone, shape (cell,)."""
        first = pl.scan_parquet(self.metrics[0]).select("unmet_share_peak").collect()
        return first.gather_every(self.sizes[0])["unmet_share_peak"].is_not_null().to_numpy()

    def chunks(self, metric: str) -> Iterator[tuple[slice, Values]]:
        """Yield all cells in order, a few at a time, with a metric's values; see `values`."""
        step = max(VALUES_AT_ONCE // self.n, 1)
        for first in range(0, self.cells.height, step):
            cells = slice(first, min(first + step, self.cells.height))
            yield cells, self.values(metric, cells)

    def values(self, metric: str, cells: slice) -> Values:
        """Return a metric, shape (cell, scenario); what is absent is not a number."""
        count = cells.stop - cells.start
        out = np.empty((count, self.n), dtype=np.float32)
        place = 0
        for path, size in zip(self.metrics, self.sizes, strict=True):
            part = pl.scan_parquet(path).select(pl.col(metric).cast(pl.Float32))
            rows = part.slice(cells.start * size, count * size).collect()
            out[:, place : place + size] = rows[metric].to_numpy().reshape(count, size)
            place += size
        return out

    def of(self, country: str, chain: str, form: str, metric: str) -> Values:
        """Return a metric of one cell, shape (scenario,); empty if there is no such cell."""
        cells = self._where(country, chain, form)
        return self.values(metric, cells).ravel()

    def cost(self, country: str, chain: str | None = None) -> Vector:
        """Return costs added over the forms of a chain, or of all, USD, shape (scenario,)."""
        total = np.zeros(self.n)
        for values in self.values("cost_usd", self._where(country, chain)):
            total += values
        return total

    def _where(self, *names: str | None) -> slice:
        """Return the cells of a country, of a chain and form if given: they lie together."""
        given = zip(self.cells.columns, names, strict=False)
        chosen = pl.all_horizontal(pl.col(k) == name for k, name in given if name is not None)
        places = self.cells.select(pl.arg_where(chosen)).to_series()
        return slice(places[0], places[-1] + 1) if places.len() else slice(0, 0)
