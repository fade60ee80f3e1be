"""A chain of an ensemble under each of its base years.

Where lanes are inferred, nobody knows how concentrated they are: that is drawn as well, in few
steps, for each step is another balanced base year with a network of its own. A scenario belongs to
one of them by its drawn number, so by seed and index alone; the scenarios of a block that share one
are solved together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from lodeline.network import BaseYear, Network
from lodeline.network.base_year import base_year
from lodeline.scenarios.ensemble_spec import Ensemble
from lodeline.studies.dials import INFERRED, with_concentration
from lodeline.studies.ensemble.batch import ChainModel
from lodeline.studies.ensemble.cells import Cells, Found, Places
from lodeline.studies.ensemble.factors import Factor
from lodeline.studies.ensemble.metrics import Outcome
from lodeline.studies.ensemble.simulate import simulate
from lodeline.studies.ensemble.singly import SingleModel, needs_single_runs

__all__ = ["FittedChain"]

Vector = NDArray[np.float64]
Values = Mapping[str, Vector]
Positions = NDArray[np.intp]


@dataclass(frozen=True)
class FittedChain:
    """One chain of an ensemble, calibrated for each of its base years.

    Attributes
    ----------
    lanes
        Factors of the chain's inferred lanes, one a form.
    models
        One for each combination of their levels, the last factor's changing first.
    cells
        Countries and forms of all networks.
    places
        Where among them the outcomes of each model go.
    """

    lanes: tuple[Factor, ...]
    models: tuple[ChainModel | SingleModel, ...]
    cells: Cells
    places: tuple[Places, ...]

    @classmethod
    def of(
        cls,
        ensemble: Ensemble,
        base: BaseYear,
        factors: Sequence[Factor],
        *,
        message: Callable[[str], None] | None = None,
    ) -> FittedChain:
        """Calibrate a chain, given its base year with every factor at its central value."""
        chain = base.chain.id
        prefix = f"{chain}.{INFERRED}."
        lanes = tuple(f for f in factors if f.key.startswith(prefix))
        forms = [f.key.removeprefix(prefix).removesuffix(".concentration") for f in lanes]
        is_slow = needs_single_runs(ensemble, chain)
        models: list[ChainModel | SingleModel] = []
        for levels in product(*(f.levels.tolist() for f in lanes)):
            own = base
            if lanes:
                chosen = dict(zip(forms, levels, strict=True))
                own = base_year(with_concentration(base.chain, chosen), base.year)
            if is_slow:
                models.append(SingleModel(ensemble, own, message=message))
            else:
                models.append(ChainModel(ensemble, own, factors, message=message))
        networks = [m.network for m in models]
        cells = Cells.of(chain, networks)
        return cls(lanes, tuple(models), cells, tuple(Places.of(cells, n) for n in networks))

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks of all base years."""
        return tuple(m.network for m in self.models)

    def which(self, values: Values) -> Positions:
        """Return the model that each scenario belongs to, shape (scenario,)."""
        out = np.zeros(next(iter(values.values())).size, dtype=np.intp)
        for factor in self.lanes:
            levels = factor.levels
            step = np.abs(values[factor.key][:, None] - levels).argmin(axis=1)
            out = out * levels.size + step
        return out

    def simulate(self, values: Values, *, first: int, kept: int) -> Found:
        """Run the first `kept` scenarios of a block.

        Side by side it is always all scenarios of the block that share a base year.

        Parameters
        ----------
        values
            Every factor by its key, each of shape (scenario,).
        first
            Index of the block's first scenario.
        kept
            How many of them are wanted.
        """
        which = self.which(values)
        found = Found.empty(self.cells, kept)
        for k in np.unique(which[:kept]):
            model, here = self.models[k], np.flatnonzero(which == k)
            wanted = here[here < kept]
            outcome = _run(model, values, wanted if isinstance(model, SingleModel) else here, first)
            found.put(self.places[k], outcome, wanted)
        return found


def _run(model: ChainModel | SingleModel, values: Values, here: Positions, first: int) -> Outcome:
    """Run some scenarios of a block."""
    own = {name: drawn[here] for name, drawn in values.items()}
    if isinstance(model, SingleModel):
        return model.simulate(own, scenarios=first + here)
    return simulate(model, own, scenarios=first + here)
