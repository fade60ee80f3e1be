"""Where material comes from: the share of each country's supply that a set of countries exported.

Material mixes in every country, so what leaves has the mix of what entered (proportional mixing,
as in input-output tracing after Leontief). For a country i outside the restricting set R and a
form f, with z the lanes, y direct output, v output of recipes,

    ωᵢ (Σⱼ zⱼᵢ + yᵢ + vᵢ) = Σⱼ∈R zⱼᵢ + Σⱼ∉R zⱼᵢ ωⱼ + vᵢ ωᵢ(input)

and ω = 1 in R: whatever leaves R falls under its control, also what R had imported.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lodeline.errors import InputError
from lodeline.network.base_year import BaseYear
from lodeline.solver.curves import Vector

__all__ = ["Origin", "trace_origin"]


@dataclass(frozen=True)
class Origin:
    """Restricted-origin shares.

    Attributes
    ----------
    restrictors
        Shape (country,): True for the restricting countries.
    is_layered
        Shape (form,): restricted forms and all that is made of them.
    share
        ω, shape (form, country), between 0 and 1; 0 for forms that are not layered.
    """

    restrictors: NDArray[np.bool_]
    is_layered: NDArray[np.bool_]
    share: Vector


_CRUMB = 1e-9
"""Share of a country's supply below which a layer is rounding."""


def trace_origin(base: BaseYear, restrictors: set[str], forms: set[str]) -> Origin:
    """Trace what `restrictors` exported of `forms` through lanes and recipes.

    Raises
    ------
    InputError
        If a recipe takes more than one form that would have to be kept apart.
    """
    chain = base.chain
    ids = list(base.forms)
    n = len(base.countries)
    is_restrictor = np.array([c in restrictors for c in base.countries])
    layered = np.array([f in forms for f in ids])
    share = np.zeros((len(ids), n))
    for f, form in enumerate(ids):
        entering, total = np.zeros(n), base.produced[f].copy()
        for r, recipe in enumerate(chain.recipes):
            if recipe.makes != form:
                continue
            inputs = [ids.index(k) for k in recipe.inputs if layered[ids.index(k)]]
            if len(inputs) > 1:
                raise InputError(
                    f"chain '{chain.id}': recipe '{recipe.id}' takes more than one restricted "
                    "form. Restrict one of its inputs, or run the forms as separate scenarios."
                )
            if inputs:
                layered[f] = True
                entering += base.processed[r] * share[inputs[0]]
            total += base.processed[r]
        if not layered[f]:
            continue
        here = base.lane_form == f
        mixing = np.zeros((n, n))
        np.add.at(
            mixing,
            (base.lane_destination[here], base.lane_origin[here]),
            base.lane_level[here],
        )
        total += mixing.sum(axis=1)
        entering = entering + mixing[:, is_restrictor].sum(axis=1)
        mixing[:, is_restrictor] = 0.0
        scale = np.where(total > 0.0, total, 1.0)
        # The tiny excess on the diagonal gives a closed loop of re-exports the share 0.
        system = np.eye(n) * (1.0 + 1e-13) - mixing / scale[:, None]
        omega = np.clip(np.linalg.solve(system, entering / scale), 0.0, 1.0)
        # A layer that is nothing but rounding would be a market of its own, which cannot be solved.
        omega = np.where(omega < _CRUMB, 0.0, np.where(omega > 1.0 - _CRUMB, 1.0, omega))
        share[f] = np.where(is_restrictor, 1.0, omega)
    return Origin(is_restrictor, layered, share)
