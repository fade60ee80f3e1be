"""A base year with fewer countries: the largest stay themselves, the rest become one.

The rule: countries that the caller names stay (partners, those that restrict or are restricted,
where measures stand), countries with a stock stated in the chain stay, then the largest by
throughput (use, processing and output at reference prices, plus trade) until the number is
reached. All others are added up as `REST`. Trade among them is dropped; what they produce, use,
buy and sell as a whole is what they did. Balances hold as before.

Small lanes between countries that stay can be sent through the rest of the world as well: what
leaves for it and what comes from it grow by the same tonnes, so that every balance still holds.

What is lost: within the rest, a shortage of one is met by the surplus of another without a lane.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lodeline.errors import InputError
from lodeline.network.base_year import BaseYear
from lodeline.solver.curves import Vector

__all__ = ["REST", "aggregate", "throughput_of"]

REST = "ROW"
"""Code of all countries that are not shown by themselves ("rest of the world")."""

Lanes = tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.int16], Vector]


def throughput_of(base: BaseYear) -> Vector:
    """Return output, use and trade at reference prices, USD/year, shape (country,)."""
    total = base.prices @ (base.produced + base.absorbed())
    value = base.prices[base.lane_form] * base.lane_level
    np.add.at(total, base.lane_origin, value)
    np.add.at(total, base.lane_destination, value)
    return np.asarray(total)


def aggregate(
    base: BaseYear, *, countries: int, keep: Iterable[str] = (), small: float = 0.0
) -> BaseYear:
    """Return the base year of `countries` countries, the last of which is the rest of the world.

    Parameters
    ----------
    base
        Balanced base year.
    countries
        Number of countries at most, the rest included.
    keep
        Countries that stay themselves, ISO3; those without any flow are ignored.
    small
        Lanes below this share of a form's trade go through the rest of the world; latent ones
        below it are left out.

    Raises
    ------
    InputError
        If more countries must stay than there is room for.
    """
    if len(base.countries) <= countries and small == 0.0:
        return base
    wanted = {*keep, *(s.country for s in base.chain.stocks)} & set(base.countries)
    if len(wanted) >= countries:
        raise InputError(
            f"chain '{base.chain.id}': {len(wanted)} countries have to stay themselves, but only "
            f"{countries} are allowed with the rest of the world. Raise 'countries'."
        )
    order = np.argsort(-throughput_of(base), kind="stable")
    chosen = list(wanted)
    chosen += [base.countries[i] for i in order if base.countries[i] not in wanted]
    own = sorted(chosen[: countries - 1])
    names = (*own, REST)
    place = np.array(
        [own.index(c) if c in wanted or c in own else len(own) for c in base.countries],
        dtype=np.int16,
    )
    lanes = _merged(base.lane_form, base.lane_origin, base.lane_destination, base.lane_level, place)
    world = np.bincount(lanes[0], weights=lanes[3], minlength=len(base.forms)).astype(np.float64)
    lanes = _through_rest(lanes, small * world, rest=len(own))
    latent = _merged(
        base.latent_form, base.latent_origin, base.latent_destination, base.latent_level, place
    )
    used = set(zip(*(part.tolist() for part in lanes[:3]), strict=True))
    fresh = np.array(
        [
            key not in used and level >= small * world[key[0]]
            for *key_, level in zip(*(p.tolist() for p in latent), strict=True)
            for key in [tuple(key_)]
        ],
        dtype=np.bool_,
    )
    member = np.zeros((len(base.countries), len(names)))
    member[np.arange(place.size), place] = 1.0
    return replace(
        base,
        countries=names,
        lane_form=lanes[0], lane_origin=lanes[1], lane_destination=lanes[2], lane_level=lanes[3],
        latent_form=latent[0][fresh], latent_origin=latent[1][fresh],
        latent_destination=latent[2][fresh], latent_level=latent[3][fresh],
        produced=base.produced @ member, processed=base.processed @ member,
        used=base.used @ member,
    )  # fmt: skip


def _merged(
    form: NDArray[np.int16],
    origin: NDArray[np.int16],
    destination: NDArray[np.int16],
    level: Vector,
    place: NDArray[np.int16],
) -> Lanes:
    """Return lanes between the new countries, those within one left out, t/year."""
    keys = np.column_stack([form, place[origin], place[destination]])
    return _added_up(keys, level)


def _through_rest(lanes: Lanes, least: Vector, *, rest: int) -> Lanes:
    """Return the lanes with those below `least` (t/year, shape (form,)) sent through the rest."""
    form, origin, destination, level = lanes
    through = (level < least[form]) & (origin != rest) & (destination != rest)
    there = np.full(int(through.sum()), rest, dtype=np.int16)
    keys = np.vstack(
        [
            np.column_stack([form, origin, destination])[~through],
            np.column_stack([form[through], origin[through], there]),
            np.column_stack([form[through], there, destination[through]]),
        ]
    )
    return _added_up(keys, np.concatenate([level[~through], level[through], level[through]]))


def _added_up(keys: NDArray[np.int16], level: Vector) -> Lanes:
    """Return one lane for each form, origin and destination; those within a country left out."""
    outward = keys[:, 1] != keys[:, 2]
    unique, position = np.unique(keys[outward], axis=0, return_inverse=True)
    total = np.bincount(position.ravel(), weights=level[outward], minlength=len(unique))
    return (
        unique[:, 0].astype(np.int16),
        unique[:, 1].astype(np.int16),
        unique[:, 2].astype(np.int16),
        np.asarray(total),
    )
