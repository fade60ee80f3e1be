"""What a base year rests on that nobody observed, and base years in which it is otherwise.

Imputed lanes (tonnes rebuilt from value) and outputs without a figure of the year (carried from
another year, shares times world output, net exports) have the relative standard deviation that the
reconciliation gives them. A draw multiplies each by a factor of its own, log-normal with median one
and that deviation; what is observed stays as it is. A net exporter that no source lists as a maker
has an output so that the year balances; nobody knows where that material comes from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lodeline.network.base_year import BaseYear
from lodeline.network.inferred import form_output, form_trade
from lodeline.network.reported import LANE_DEVIATION
from lodeline.solver.curves import Vector

__all__ = ["Doubt", "doubt_of"]


@dataclass(frozen=True)
class Doubt:
    """Relative standard deviations of what was not observed.

    Attributes
    ----------
    base
        The base year it is about.
    lane
        Shape (lane,); zero for observed lanes.
    output
        Shape (form, country); zero for outputs observed in the base year.
    is_untraced
        Shape (form, country): True where an output only makes the year balance: no source says
        that the country makes the form.
    """

    base: BaseYear
    lane: Vector
    output: Vector
    is_untraced: NDArray[np.bool_]

    @property
    def imputed_share_of_lanes(self) -> float:
        """Share of the lanes' tonnes that are imputed, all forms together."""
        level = self.base.lane_level
        return float(level[self.lane > 0.0].sum() / max(float(level.sum()), 1e-300))

    def draw(self, rng: np.random.Generator) -> BaseYear:
        """Return a base year in which everything that is in doubt is otherwise.

        It does not balance any more; shares of what enters a country do not need it to.
        """
        base = self.base
        output = _factors(self.output, rng)
        made = [base.forms.index(r.makes) for r in base.chain.recipes]
        return replace(
            base,
            lane_level=base.lane_level * _factors(self.lane, rng),
            produced=base.produced * output,
            processed=base.processed * output[made] if made else base.processed,
        )


def doubt_of(base: BaseYear) -> Doubt:
    """Return the doubt about a base year, from the quality of its lanes and outputs."""
    position = {c: i for i, c in enumerate(base.countries)}
    lane = np.zeros(base.lane_level.size)
    output = np.zeros(base.produced.shape)
    untraced = np.zeros(base.produced.shape, dtype=np.bool_)
    for f, form in enumerate(base.chain.forms):
        trade = form_trade(base.chain, form, base.year)
        imputed = {
            (position[exporter], position[importer])
            for exporter, importer in trade.lanes.filter(pl.col("quality") == "imputed")
            .select("exporter", "importer")
            .iter_rows()
        }
        for a in np.flatnonzero(base.lane_form == f):
            if (int(base.lane_origin[a]), int(base.lane_destination[a])) in imputed:
                lane[a] = LANE_DEVIATION["imputed"]
        prior = form_output(base.chain, form, trade, base.year)
        for country, deviation in prior.deviation.items():
            if not prior.basis[country].startswith("observed"):
                output[f, position[country]] = deviation
            untraced[f, position[country]] = country in prior.untraced
    return Doubt(base, lane, output, untraced)


def _factors(deviation: Vector, rng: np.random.Generator) -> Vector:
    """Return log-normal factors with median one; one where nothing is in doubt."""
    spread = np.sqrt(np.log1p(deviation**2))
    return np.asarray(np.exp(spread * rng.standard_normal(deviation.shape)))
