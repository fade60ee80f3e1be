"""Lanes by which a maker whose works stand still buys back from those to whom it sold."""

from __future__ import annotations

from collections.abc import Mapping

from lodeline.network.base_year import BaseYear
from lodeline.network.form_type import FormType, form_type

__all__ = ["return_lanes"]


def return_lanes(
    base: BaseYear, stopped: Mapping[tuple[int, int], float]
) -> list[tuple[int, int, int, float]]:
    """Return form, origin, destination and scale (t/year) of lanes that open when works stop.

    A smelter without power leaves its own country's users with nothing, if lanes of the base year
    alone can serve them: an exporter has next to none that lead in. Its customers sell on to it as
    readily as it sold to them, at the cost of entry. Not of a form that is worked on
    (`onward_price`), whose product is bought instead, nor of fuels, which terminals and pipelines
    send one way.

    Parameters
    ----------
    base
        Balanced flows.
    stopped
        By form and country of the makers, the part of their output that stops at most. The scale of
        a lane is that part of what they sold, so that a stop of next to nothing opens next to
        nothing.
    """
    taken = set(zip(base.lane_form, base.lane_origin, base.lane_destination, strict=True))
    taken |= set(zip(base.latent_form, base.latent_origin, base.latent_destination, strict=True))
    lanes = []
    for f, i, j, level in zip(
        base.lane_form, base.lane_origin, base.lane_destination, base.lane_level, strict=True
    ):
        part = stopped.get((int(f), int(i)), 0.0)
        if part > 0.0 and (f, j, i) not in taken and _comes_back(base, int(f)):
            lanes.append((int(f), int(j), int(i), part * float(level)))
    return lanes


def _comes_back(base: BaseYear, f: int) -> bool:
    """Return whether a form that was sold can be bought back."""
    form = base.chain.forms[f]
    is_fuel = bool(form.codes) and form_type([c.code for c in form.codes]) is FormType.FUEL
    return form.onward_price is None and not is_fuel
