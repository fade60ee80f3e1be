"""Markets small enough to be worked out by hand."""

import numpy as np
from scipy import sparse

from lodeline.solver.curves import CurveKind, Curves
from lodeline.solver.problem import MarketProblem

LINEAR, SUPPLY, USE = CurveKind.LINEAR, CurveKind.SUPPLY, CurveKind.USE


def market(rows, activities, *, rhs=None, equality=False, price=100.0):
    """Return a market from a list of dictionaries, one an activity.

    Keys: `at` {row: coefficient}, `reference`, `kind`, `elasticity`, `slope`, `margin`, `lower`,
    `upper`, `cap`. Left out: linear, margin at the reference price, open bounds, cap 1000 prices.
    """
    r, c, v = zip(
        *((r, c, v) for c, a in enumerate(activities) for r, v in a["at"].items()), strict=True
    )
    incidence = sparse.csc_array((np.array(v, float), (r, c)), shape=(rows, len(activities)))

    def column(key, default):
        return np.array([float(a.get(key, default)) for a in activities])

    reference = column("reference", 0.0)
    elasticity = column("elasticity", 1.0)
    curves = Curves(
        kind=np.array([a.get("kind", LINEAR) for a in activities], dtype=np.int8),
        reference=reference,
        margin=np.array([a.get("margin", price * sum(a["at"].values())) for a in activities]),
        slope=np.array(
            [a.get("slope", price / max(a.get("reference", 0.0), 1.0)) for a in activities]
        ),
        price=np.full(len(activities), price),
        elasticity=elasticity,
        cap=column("cap", 1000.0 * price),
        lower=column("lower", 0.0),
        upper=column("upper", np.inf),
    )
    return MarketProblem(
        incidence=incidence,
        rhs=np.zeros(rows) if rhs is None else np.asarray(rhs, float),
        is_equality=np.full(rows, equality),
        curves=curves,
        row_price=np.full(rows, price),
        row_scale=np.maximum(abs(incidence) @ reference, 1.0),
    )
