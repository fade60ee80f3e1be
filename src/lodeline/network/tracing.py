"""Where material was made: traced back through lanes, re-exporters and recipes.

Material mixes in every country in proportion to what enters (proportional mixing, as in the
input-output analysis of Leontief). For a form f and a country i, with z the lanes (t, from j to i),
y direct output, v output of recipes and T what enters in all,

    Tᵢ = Σⱼ zⱼᵢ + yᵢ + Σᵣ vᵣᵢ          Tᵢ oᵢ = Σⱼ zⱼᵢ oⱼ + (what is made in i)

so that ``o = (diag T − Z)⁻¹ (made)``: a Leontief inverse on stocks of origin. Here the transposed
system is solved, from the users back: ``(diag T − Z)ᵀ s = w`` for weights w says how often each
country is passed, and ``s (y + Σ v)`` where the material was made. What a recipe made goes on to
the recipe's inputs in the same country, and so on to the first form. The system is solved, not
iterated: countries that ship to each other in circles are exact.

A *stage* is a form of the chain. The origin at stage k is the country in which the material first
became form k or a later one: direct output of a later form (scrap, feed without a trade code) has
its origin where it comes out, at every earlier stage too.

Notes
-----
Leontief, W. (1936), Quantitative input and output relations in the economic system of the United
States; for trade in a single material the same inverse is used by Kastner, Kastner and Nonhebel
(2011), Tracing distant environmental impacts of agricultural products, Ecological Economics 70(6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from lodeline.network.base_year import BaseYear
from lodeline.network.chain import Basis, Chain, Recipe
from lodeline.solver.curves import Vector

__all__ = ["Arrivals", "Traced", "arrivals", "carrier_shares", "passing", "trace"]

_MANY = 24
"""With more right sides than this a dense inverse is faster than a sparse factor."""

_ROUNDING = 1e-14
"""Share of what enters a country below which its own output is rounding."""


@dataclass(frozen=True)
class Traced:
    """Where weights of a form come from.

    Attributes
    ----------
    made
        By stage (form id, from the first form to the traced one): share of each weight by the
        country where it was made, shape (country, target). Over countries it adds up to the
        weight, less `lost`.
    entered
        By form: the part that entered the chain as direct output of that form, shape (country,
        target). Over forms and countries it adds up to the weight, less `lost`.
    lost
        Weight that no output feeds (a closed loop of re-exports) or that `stop` cut, shape
        (target,).
    """

    made: Mapping[str, Vector]
    entered: Mapping[str, Vector]
    lost: Vector


@dataclass(frozen=True)
class Arrivals:
    """How a form reaches a country or a group.

    Attributes
    ----------
    lane
        Share that crosses the border last from each country outside, shape (country,).
    home
        Share that is made inside, by member, shape (country,). With `lane` it adds up to one.
    """

    lane: Vector
    home: Vector


def trace(
    base: BaseYear,
    form: str,
    weights: Vector,
    *,
    made: Vector | None = None,
    stop: NDArray[np.bool_] | None = None,
) -> Traced:
    """Trace weights of a form back to where they were made.

    Parameters
    ----------
    base
        Balanced base year.
    form
        Form that is used.
    weights
        Share of each target's material that it takes out of each country, shape (country, target).
    made
        Share that is known to have been made in each country instead, shape (country, target).
    stop
        Countries whose imports are not followed: what arrives there is lost, shape (country,).

    Returns
    -------
    Traced
        Shares by stage; without `stop` and closed loops each target's add up to its weights.
    """
    chain, ids = base.chain, list(base.forms)
    last = ids.index(form)
    taken: list[Vector] = [np.zeros_like(weights) for _ in ids]
    taken[last] = weights
    stages = [np.zeros_like(weights) for _ in ids[: last + 1]]
    entered: dict[str, Vector] = {}
    for g in range(last, -1, -1):
        per_tonne = _passed(base, g, taken[g], stop)
        recipes = [(r, x) for r, x in enumerate(chain.recipes) if x.makes == ids[g]]
        direct = base.produced[g][:, None] * per_tonne
        given = made if made is not None and g == last else np.zeros_like(weights)
        share = _share_of_output(base, g)
        direct = direct + given * share[-1][:, None]
        entered[ids[g]] = direct
        for k in range(g + 1):
            stages[k] = stages[k] + direct
        for position, (r, recipe) in enumerate(recipes):
            output = base.processed[r][:, None] * per_tonne + given * share[position][:, None]
            for name, part in carrier_shares(chain, recipe).items():
                h = ids.index(name)
                taken[h] = taken[h] + part * output
                for k in range(h + 1, g + 1):
                    stages[k] = stages[k] + part * output
    lost = weights.sum(axis=0) - stages[0].sum(axis=0)
    lost = lost + (0.0 if made is None else made.sum(axis=0))
    upstream = _upstream(chain, form)
    kept = {name: stages[k] for k, name in enumerate(ids[: last + 1]) if name in upstream}
    return Traced(kept, {k: v for k, v in entered.items() if k in upstream}, lost)


def arrivals(base: BaseYear, form: str, weights: Vector, members: NDArray[np.bool_]) -> Arrivals:
    """Return by which last border crossing a form reaches a country or group.

    Parameters
    ----------
    base
        Balanced base year.
    form
        Form that is used.
    weights
        Share of the group's use by country, adding up to one, shape (country,); zero outside.
    members
        The countries of the group, shape (country,).
    """
    f = base.forms.index(form)
    lanes, supply = _lanes(base, f), _supply(base, f)
    inside = lanes * members[:, None] * members[None, :]
    per_tonne = _solve(inside, supply, weights[:, None])[:, 0]
    made = supply - lanes.sum(axis=1)
    outside = lanes * members[:, None] * ~members[None, :]
    return Arrivals(lane=outside.T @ per_tonne, home=made * per_tonne * members)


def passing(base: BaseYear, form: str, *, mined: Vector | None = None) -> Vector:
    """Return the share of each country's material that has been in each country at any stage.

    Where it was made, processed or only traded on: the chance that the way back from the row's
    country meets the column's. With N the inverse of ``I − Q``, ``Qᵢⱼ = zⱼᵢ / Tᵢ`` and E what
    recipes bring in from earlier forms, the first meeting with c has the chance
    ``N E + (N_{·c} / N_cc) (1 − (N E)_cc)``.

    Parameters
    ----------
    base
        Balanced base year.
    form
        Form that is used.
    mined
        Whose ore each country made the first form of, as shares; columns are the base year's
        countries and then any others, shape (country, place). Not given: the mine is not counted.

    Returns
    -------
    Vector
        Shape (country, country) or (country, place), 0 to 1; the diagonal is one where there is
        any material.
    """
    ids, chain = list(base.forms), base.chain
    n = len(base.countries)
    places = n if mined is None else mined.shape[1]
    share: dict[str, Vector] = {}
    for g, name in enumerate(ids[: ids.index(form) + 1]):
        supply = _supply(base, g)
        scale = np.where(supply > 0.0, supply, 1.0)
        brought = np.zeros((n, places))
        if g == 0 and mined is not None:
            brought += (base.produced[g] / scale)[:, None] * mined
        for r, recipe in enumerate(chain.recipes):
            if recipe.makes == name:
                for source, part in carrier_shares(chain, recipe).items():
                    brought += part * (base.processed[r] / scale)[:, None] * share[source]
        inverse = _solve(_lanes(base, g), supply, np.eye(n)).T * scale[None, :]
        own = np.diag(inverse)
        reach = np.where(own > 0.0, inverse / np.where(own > 0.0, own, 1.0), 0.0)
        carried = inverse @ brought
        met = carried
        met[:, :n] += reach * (1.0 - np.diag(carried))[None, :]
        share[name] = np.clip(np.where((supply > 0.0)[:, None], met, 0.0), 0.0, 1.0)
    return share[form]


def carrier_shares(chain: Chain, recipe: Recipe) -> dict[str, float]:
    """Return the share of a recipe's output that inherits the origin of each input.

    Inputs counted in contained element carry the material, weighed by their tonnes; where none is,
    all inputs count by their tonnes as traded. A single input carries everything.
    """
    amounts = {name: amount.value for name, amount in recipe.inputs.items()}
    contained = {k: v for k, v in amounts.items() if chain.form(k).basis is Basis.CONTAINED}
    carriers = contained or amounts
    total = sum(carriers.values())
    return {name: amount / total for name, amount in carriers.items()}


def _upstream(chain: Chain, form: str) -> set[str]:
    """Return a form and all that it can be made of."""
    found, todo = set(), [form]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += [k for r in chain.recipes if r.makes == name for k in r.inputs]
    return found


def _lanes(base: BaseYear, f: int) -> Vector:
    """Return the lanes of a form, t/year, shape (destination, origin)."""
    n = len(base.countries)
    here = base.lane_form == f
    out = np.zeros((n, n))
    place = (base.lane_destination[here], base.lane_origin[here])
    np.add.at(out, place, base.lane_level[here])
    return out


def _outputs(base: BaseYear, f: int) -> Vector:
    """Return the output of a form by its recipes and, last, direct; shape (way, country)."""
    made = [base.processed[r] for r, x in enumerate(base.chain.recipes) if x.makes == base.forms[f]]
    return np.vstack([*made, base.produced[f]])


def _supply(base: BaseYear, f: int) -> Vector:
    """Return T, what enters each country: lanes and output, t/year, shape (country,)."""
    return np.asarray(_lanes(base, f).sum(axis=1) + _outputs(base, f).sum(axis=0))


def _share_of_output(base: BaseYear, f: int) -> Vector:
    """Return how output divides over recipes and, last, direct output; shape (way, country)."""
    outputs = _outputs(base, f)
    total = outputs.sum(axis=0)
    return np.asarray(outputs / np.where(total > 0.0, total, 1.0))


def _passed(base: BaseYear, f: int, weights: Vector, stop: NDArray[np.bool_] | None) -> Vector:
    """Return s, how much of the targets passes a country per tonne that enters there."""
    lanes = _lanes(base, f)
    supply = _supply(base, f)
    if stop is not None:
        lanes[stop] = 0.0
    return _solve(lanes, supply, weights)


def _solve(lanes: Vector, supply: Vector, weights: Vector) -> Vector:
    """Solve ``(diag T − Z)ᵀ s = w``; what no output feeds gets zero.

    The matrix is diagonally dominant by columns; a step of refinement removes the rounding of a
    country that mostly passes on.
    """
    fed = _fed(lanes, supply)
    keep = np.flatnonzero(fed)
    out = np.zeros_like(weights)
    if keep.size == 0:
        return out
    # Scaled by what enters, the unknowns are numbers of visits, all of a similar size.
    passed_on = lanes[np.ix_(keep, keep)] / supply[keep][:, None]
    first = _refined(np.eye(keep.size) - passed_on.T, weights[keep])
    out[keep] = np.maximum(first, 0.0) / supply[keep][:, None]
    return out


def _refined(system: Vector, right: Vector) -> Vector:
    """Solve with one step of refinement: sparse for a few right sides, as trade is sparse."""
    if right.shape[1] > _MANY:
        inverse = np.linalg.inv(system)
        first = inverse @ right
        return np.asarray(first + inverse @ (right - system @ first))
    matrix = sparse.csc_array(system)
    factor = splu(matrix)
    first = factor.solve(right)
    return np.asarray(first + factor.solve(right - matrix @ first))


def _fed(lanes: Vector, supply: Vector) -> NDArray[np.bool_]:
    """Return which countries material reaches from some output (or from a stopped country)."""
    fed = supply - lanes.sum(axis=1) > _ROUNDING * supply
    while True:
        more = fed | ((lanes[:, fed] > 0.0).any(axis=1))
        if bool((more == fed).all()):
            return np.asarray(fed, dtype=np.bool_)
        fed = more
