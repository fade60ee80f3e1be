"""A strait or canal is shut: which lanes pass it, and what the way round costs.

The way round is a column of its own beside the lane: it takes and gives where the lane does, costs
``cost_per_day · extra days · p̄`` more, and is open only while the route is closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lodeline.network import Network
from lodeline.network.calibrate import BLEND_ELASTICITY
from lodeline.network.network import ActivityKind
from lodeline.network.sea import DAYS_A_MONTH, sea
from lodeline.scenarios.effects import forms_of
from lodeline.scenarios.instruments import Closure

__all__ = ["Detours", "detours_of", "share_stopped_again", "with_detours"]

Vector = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True)
class Detours:
    """Lanes that pass a route, and the way round for each that has one.

    Attributes
    ----------
    lanes
        Lanes that pass, shape (passing,).
    stopped
        s w: share of each that cannot pass while the route is closed, shape (passing,).
    flow
        x̄, or the scale of a lane without a reference, t/month, shape (passing,).
    can_turn
        Positions in `lanes` of those with another way, shape (turning,).
    room
        d s w x̄, w the share that passes and has another way, t/month, shape (turning,).
    cost
        USD/t, shape (turning,).
    delay_months
        Until the first ships round arrive, shape (turning,).
    """

    lanes: Places
    stopped: Vector
    flow: Vector
    can_turn: Places
    room: Vector
    cost: Vector
    delay_months: Vector


def detours_of(network: Network, closure: Closure) -> Detours:
    """Return the lanes that a closure concerns.

    Raises
    ------
    UnknownNameError
        If there is no such route.
    """
    names = network.countries
    own = np.isin(network.form, forms_of(network.base, closure))
    candidates = np.flatnonzero((network.kind == ActivityKind.SHIP) & own)
    passages = [
        sea().passage(closure.route, names[network.origin[a]], names[network.destination[a]])
        for a in candidates
    ]
    passing = np.array([p.share > 0.0 for p in passages], dtype=bool)
    lanes = candidates[passing]
    share, extra, turns = (
        np.array([getattr(p, name) for p in passages])[passing]
        for name in ("share", "extra_days", "turning")
    )
    flow = np.where(network.reference[lanes] > 0.0, network.reference[lanes], network.scale[lanes])
    stopped = closure.severity.value * share
    rounds = closure.diverted.value * closure.severity.value * turns
    turning = np.flatnonzero(rounds > 0.0)
    return Detours(
        lanes=lanes,
        stopped=stopped,
        flow=flow,
        can_turn=turning,
        room=(rounds * flow)[turning],
        cost=closure.cost_per_day.value * extra[turning] * network.price[lanes[turning]],
        delay_months=extra[turning] / DAYS_A_MONTH,
    )


def share_stopped_again(
    network: Network, detours: Detours, closure: Closure, other: Closure
) -> Vector:
    """Return which share of each way round passes another route that is shut, shape (turning,).

    Parameters
    ----------
    network
        Network with the lanes of `detours`.
    detours
        Ways round `closure`.
    closure, other
        What they avoid, and what else is shut.
    """
    if closure.route == other.route:
        return np.zeros(detours.can_turn.size)
    names = network.countries
    own = np.isin(network.form, forms_of(network.base, other))
    return np.array([
        other.severity.value * own[a] * sea().passage(
            other.route, names[network.origin[a]], names[network.destination[a]],
            avoiding=closure.route,
        ).share
        for a in detours.lanes[detours.can_turn]
    ])  # fmt: skip


def with_detours(network: Network, all_detours: Sequence[Detours]) -> Network:
    """Return the network with a column for every way round, in the order given.

    A lane that was closed may come back at once: its limit of growth is raised by what is stopped.
    """
    for detours in all_detours:
        network = _with_ways_round(network, detours)
    return network


def _with_ways_round(network: Network, detours: Detours) -> Network:
    lanes = detours.lanes[detours.can_turn]
    growth = network.growth_base.copy()
    growth[detours.lanes] += detours.stopped * detours.flow
    blend = np.full(lanes.size, BLEND_ELASTICITY)
    slope = network.price[lanes] / (blend * detours.room)
    return replace(
        network,
        kind=np.append(network.kind, network.kind[lanes]),
        form=np.append(network.form, network.form[lanes]),
        origin=np.append(network.origin, network.origin[lanes]),
        destination=np.append(network.destination, network.destination[lanes]),
        recipe=np.append(network.recipe, network.recipe[lanes]),
        layer=np.append(network.layer, network.layer[lanes]),
        is_latent=np.append(network.is_latent, np.zeros(lanes.size, dtype=np.bool_)),
        is_reserve=np.append(network.is_reserve, np.zeros(lanes.size, dtype=np.bool_)),
        incidence=sparse.csc_array(sparse.hstack([network.incidence, network.incidence[:, lanes]])),
        reference=np.append(network.reference, np.zeros(lanes.size)),
        margin=np.append(network.margin, network.margin[lanes] + detours.cost),
        slope=np.append(network.slope, slope),
        price=np.append(network.price, network.price[lanes]),
        cap=np.append(network.cap, network.cap[lanes]),
        elasticity=np.append(network.elasticity, blend),
        curve=np.append(network.curve, network.curve[lanes]),
        scale=np.append(network.scale, detours.room),
        capacity=np.append(network.capacity, detours.room),
        growth_base=np.append(growth, detours.room),
    )
