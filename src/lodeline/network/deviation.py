"""How far the balanced base year is from what is reported, by country."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lodeline.network.chain import Chain
from lodeline.network.outputs import OutputPrior
from lodeline.network.reported import Reported
from lodeline.solver.curves import Vector

__all__ = ["INFERRED_BASIS", "deviation_table"]

INFERRED_BASIS = "inferred"
"""Basis of imports and exports of a form without a trade code: nobody reports them."""

Index = NDArray[np.int16]


def deviation_table(
    chain: Chain,
    countries: tuple[str, ...],
    priors: list[OutputPrior],
    reported: Reported,
    lane_level: Vector,
    produced: Vector,
    processed: Vector,
    used: Vector,
) -> tuple[pl.DataFrame, float | None]:
    """Return the table of reported and reconciled figures and the largest relative move.

    The move is None where nothing of the chain is reported, only inferred or a prior.
    """
    n = len(countries)
    shape = (len(chain.forms), n)
    ids = [f.id for f in chain.forms]

    def total(levels: Vector, end: Index) -> Vector:
        out = np.zeros(shape)
        np.add.at(out, (reported.lane_form, end), levels)
        return out

    def output(direct: Vector, recipes: Vector) -> Vector:
        out = direct.copy()
        for r, recipe in enumerate(chain.recipes):
            out[ids.index(recipe.makes)] += recipes[r]
        return out

    before_out = output(reported.produced, reported.processed)
    after_out = output(produced, processed)
    items: Mapping[str, tuple[Vector, Vector]] = {
        "output": (before_out, after_out),
        "imports": (
            total(reported.lane_level, reported.lane_destination),
            total(lane_level, reported.lane_destination),
        ),
        "exports": (
            total(reported.lane_level, reported.lane_origin),
            total(lane_level, reported.lane_origin),
        ),
        "use": (reported.used, used),
    }
    throughput = before_out + items["imports"][0]
    rows = []
    for f, form in enumerate(ids):
        traded = "reported" if chain.forms[f].inferred is None else INFERRED_BASIS
        for c, country in enumerate(countries):
            for item, (before, after) in items.items():
                if before[f, c] == 0.0 and after[f, c] == 0.0:
                    continue
                basis = {"output": priors[f].basis.get(country, "none"), "use": "left over"}
                rows.append(
                    (country, form, item, before[f, c], after[f, c], basis.get(item, traded))
                )
    table = pl.DataFrame(
        rows,
        schema={
            "country": pl.String,
            "form": pl.String,
            "item": pl.String,
            "reported_t": pl.Float64,
            "reconciled_t": pl.Float64,
            "basis": pl.String,
        },
        orient="row",
    )
    return table, _largest_move(table, throughput, ids, countries)


def _largest_move(
    table: pl.DataFrame, throughput: Vector, forms: list[str], countries: tuple[str, ...]
) -> float | None:
    """Return the largest move of what is reported, over its country's reported throughput.

    Imports, exports and outputs count that somebody reports; priors and use, which nobody
    reports, do not, nor do inferred lanes.
    """
    place = {(c, f): throughput[i, j] for i, f in enumerate(forms) for j, c in enumerate(countries)}
    known = table.filter(
        (pl.col("basis") == "reported") | pl.col("basis").str.starts_with("observed")
    )
    moves = [
        abs(after - before) / max(place[country, form], 1e-300)
        for country, form, before, after in known.select(
            "country", "form", "reported_t", "reconciled_t"
        ).iter_rows()
        if place[country, form] > 0.0
    ]
    return float(max(moves)) if moves else None
