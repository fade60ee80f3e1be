"""What is reported of a chain in a year: lanes, outputs, and use as what is left over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lodeline.network.chain import Chain
from lodeline.network.outputs import OutputPrior
from lodeline.network.trade_lanes import FormTrade
from lodeline.solver.curves import Vector

__all__ = ["LANE_DEVIATION", "Reported", "recipe_inputs", "reported_flows"]

Index = NDArray[np.int16]

LANE_DEVIATION = {"observed": 0.10, "imputed": 0.40}
"""Relative standard deviation of a lane's tonnes. Assumed: mirror statistics of HS6 minerals differ
by a tenth to a fifth where both sides report, by far more where quantity is rebuilt from value."""


@dataclass(frozen=True)
class Reported:
    """Columns of the reconciliation: lanes, produced, processed, used, in this order."""

    lane_form: Index
    lane_origin: Index
    lane_destination: Index
    lane_level: Vector
    lane_deviation: Vector
    produced: Vector
    processed: Vector
    output_deviation: Vector
    used: Vector


def recipe_inputs(chain: Chain, processed: Vector) -> Vector:
    """Return what recipes take, t/year, shape (form, country)."""
    forms = [f.id for f in chain.forms]
    taken: Vector = np.zeros((len(forms), processed.shape[1]))
    for r, recipe in enumerate(chain.recipes):
        for name, amount in recipe.inputs.items():
            taken[forms.index(name)] += amount.value * processed[r]
    return taken


def reported_flows(
    chain: Chain, countries: tuple[str, ...], trades: list[FormTrade], priors: list[OutputPrior]
) -> Reported:
    """Return lanes, outputs and use of a year as columns of the reconciliation, t/year.

    Use is what output, imports, exports and recipes leave over, never below zero.
    """
    position = {c: i for i, c in enumerate(countries)}
    form, origin, destination, level, deviation = [], [], [], [], []
    for f, trade in enumerate(trades):
        for exporter, importer, tonnes, quality in trade.lanes.select(
            "exporter", "importer", "tonnes", "quality"
        ).iter_rows():
            form.append(f)
            origin.append(position[exporter])
            destination.append(position[importer])
            level.append(tonnes)
            deviation.append(LANE_DEVIATION[quality] * tonnes)
    shape = (len(chain.forms), len(countries))
    output, output_deviation = np.zeros(shape), np.zeros(shape)
    for f, prior in enumerate(priors):
        for country, tonnes in prior.level.items():
            output[f, position[country]] = tonnes
            output_deviation[f, position[country]] = prior.deviation[country] * tonnes
    produced, processed = _split_output(chain, countries, output)
    lane_form = np.array(form, dtype=np.int16)
    lane_origin = np.array(origin, dtype=np.int16)
    lane_destination = np.array(destination, dtype=np.int16)
    lane_level = np.array(level)
    left = output - recipe_inputs(chain, processed)
    np.add.at(left, (lane_form, lane_destination), lane_level)
    np.subtract.at(left, (lane_form, lane_origin), lane_level)
    return Reported(
        lane_form=lane_form,
        lane_origin=lane_origin,
        lane_destination=lane_destination,
        lane_level=lane_level,
        lane_deviation=np.array(deviation),
        produced=produced,
        processed=processed,
        output_deviation=output_deviation,
        used=np.maximum(left, 0.0),
    )


def _split_output(
    chain: Chain, countries: tuple[str, ...], output: Vector
) -> tuple[Vector, Vector]:
    """Return direct output (form, country) and output of recipes (recipe, country)."""
    forms = [f.id for f in chain.forms]
    produced = output.copy()
    processed = np.zeros((len(chain.recipes), output.shape[1]))
    for r, recipe in enumerate(chain.recipes):
        made = forms.index(recipe.makes)
        processed[r] = output[made] * np.array([recipe.share_in(c).value for c in countries])
        produced[made] -= processed[r]
    return np.asarray(np.maximum(produced, 0.0)), processed
