"""Up to which price a form is used: lower where it is worked on, not used up as it is."""

from __future__ import annotations

import numpy as np

from lodeline.network.base_year import BaseYear
from lodeline.network.network import PRICE_CAP
from lodeline.solver.curves import Vector

__all__ = ["price_caps"]


def price_caps(base: BaseYear) -> Vector:
    """Return the price over p̄ from which use fades to nothing, shape (form,).

    The form's `onward_price` w where it has one, else 20. Ore leaves most countries worked on,
    under a code that the chain does not show. Its buyers are the world's, so that those who work on
    it, beside the mine or on imports, pay no more for it than the world market of their product
    lets them, however short of ore their own works are.
    """
    return np.array(
        [PRICE_CAP if f.onward_price is None else f.onward_price.value for f in base.chain.forms]
    )
