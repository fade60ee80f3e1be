"""Up to which price a form is used: lower where ore is worked on beside its own mine."""

from __future__ import annotations

import numpy as np

from lodeline.network.base_year import BaseYear
from lodeline.network.network import PRICE_CAP
from lodeline.solver.curves import Vector

__all__ = ["own_supply_share", "price_caps"]


def own_supply_share(base: BaseYear) -> Vector:
    """Return which part of what a maker of a form takes of it is its own, shape (form, country).

    1 − imports / (use + what recipes take) where something is made, else 0.
    """
    made, imports = base.produced.copy(), np.zeros_like(base.produced)
    ids = list(base.forms)
    for r, recipe in enumerate(base.chain.recipes):
        made[ids.index(recipe.makes)] += base.processed[r]
    np.add.at(imports, (base.lane_form, base.lane_destination), base.lane_level)
    taken = base.absorbed()
    own = 1.0 - imports / np.where(taken > 0.0, taken, 1.0)
    return np.where((made > 0.0) & (taken > 0.0), np.clip(own, 0.0, 1.0), 0.0)


def price_caps(base: BaseYear) -> Vector:
    """Return the price over p̄ from which use fades to nothing, shape (form, country).

    cap = 20 − (20 − w) · own_supply_share      w the form's `onward_price`; 20 where it has none

    What is left over in a country that mines is mostly ore that leaves it worked on, under a code
    that the chain does not show. Its buyers are the world's, so that those who work on it pay no
    more for it than the world market of their product lets them, however short their own mine is.
    """
    caps = np.full(base.used.shape, PRICE_CAP)
    share = own_supply_share(base)
    for f, form in enumerate(base.chain.forms):
        if form.onward_price is not None:
            caps[f] -= (PRICE_CAP - form.onward_price.value) * share[f]
    return caps
