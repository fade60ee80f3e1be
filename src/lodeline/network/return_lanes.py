"""Lanes by which a maker whose works stand still buys back from those to whom it sold."""

from __future__ import annotations

from collections.abc import Collection

from lodeline.network.base_year import BaseYear
from lodeline.network.form_type import FormType, form_type

__all__ = ["return_lanes"]


def return_lanes(
    base: BaseYear, stopped: Collection[tuple[int, int]]
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
        Form and country of the makers.
    """
    taken = set(zip(base.lane_form, base.lane_origin, base.lane_destination, strict=True))
    taken |= set(zip(base.latent_form, base.latent_origin, base.latent_destination, strict=True))
    return [
        (int(f), int(j), int(i), float(level))
        for f, i, j, level in zip(
            base.lane_form, base.lane_origin, base.lane_destination, base.lane_level, strict=True
        )
        if (int(f), int(i)) in stopped and (f, j, i) not in taken and _comes_back(base, int(f))
    ]


def _comes_back(base: BaseYear, f: int) -> bool:
    """Return whether a form that was sold can be bought back."""
    form = base.chain.forms[f]
    is_fuel = bool(form.codes) and form_type([c.code for c in form.codes]) is FormType.FUEL
    return form.onward_price is None and not is_fuel
