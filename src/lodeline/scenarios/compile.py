"""From restrictions to what the market must obey, month by month.

Ban, quota, licence, sanction and the extraterritorial permit become a common limit on lanes (one
for each restriction and form). Tax becomes an extra cost on lanes, a price floor a price under
which exporters do not sell, outage a factor on output, closure a ceiling on lanes beside a dearer
way round, a demand surge a factor on use, panic buying a wish for more stock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lodeline.errors import InputError
from lodeline.network import ActivityKind, BaseYear, Network, Origin, trace_origin
from lodeline.network.calibrate import calibrate
from lodeline.network.chain import Behaviour
from lodeline.network.stocks import StockPolicy, StockRule
from lodeline.network.transit import lead_months
from lodeline.scenarios.closures import (
    Detours,
    detours_of,
    share_stopped_again,
    with_detours,
)
from lodeline.scenarios.effects import (
    affected_output,
    allowed_flow,
    approved_share,
    forms_of,
    limits_of,
    members,
    open_share,
    restricted_lanes,
)
from lodeline.scenarios.instruments import (
    Closure,
    DemandSurge,
    PanicBuying,
    PriceFloor,
    StockRelease,
    fading,
)
from lodeline.scenarios.restriction_base import ALL, LeakyRestriction
from lodeline.scenarios.restrictions import Outage, Restriction, Tax
from lodeline.units import Month

__all__ = ["Schedule", "compile_schedule", "origin_kept_apart"]

Vector = NDArray[np.float64]

DAYS_A_YEAR = 365.0


@dataclass(frozen=True)
class Schedule:
    """A network with limits, and what binds when.

    Attributes
    ----------
    network
        Calibrated, with one `LIMIT` row for each restriction and form.
    months
        The simulated months.
    limit
        t/month, shape (month, limit); infinite where nothing binds.
    output_factor
        Share of its capacity that an activity may run at, shape (month, activity).
    ceiling
        Most that an activity may run at, t/month, shape (month, activity); infinite where open.
    tax
        Cost added to an activity, USD/t, shape (month, activity). Of stores it is negative where
        users want more stock than is normal.
    floor
        Price at the origin under which exporters do not sell, USD/t, shape (month, activity); 0
        where there is none. The market turns it into a levy.
    demand
        Use at the reference price over the reference use, shape (month, activity); 1 but for use.
    kept
        What a store never goes below, t, shape (activity,); infinite: it is never touched.
    lead
        Whole months from leaving to arriving, of lanes, shape (activity,).
    released
        Most that a store releases a month, t, shape (activity,).
    is_restricted
        Shape (month,): True where something is in force.
    """

    network: Network
    months: tuple[Month, ...]
    limit: Vector
    output_factor: Vector
    ceiling: Vector
    tax: Vector
    floor: Vector
    demand: Vector
    kept: Vector
    released: Vector
    lead: NDArray[np.intp]
    is_restricted: NDArray[np.bool_]

    @classmethod
    def nothing(cls, network: Network, months: Sequence[Month]) -> Self:
        """Return the schedule of a network with nothing in force."""
        shape = (len(months), network.activities)
        return cls(
            network=network,
            months=tuple(months),
            limit=np.full((len(months), len(network.limits)), np.inf),
            output_factor=np.ones(shape),
            ceiling=np.full(shape, np.inf),
            tax=np.zeros(shape),
            floor=np.zeros(shape),
            demand=np.ones(shape),
            kept=np.zeros(network.activities),
            released=np.full(network.activities, np.inf),
            lead=np.zeros(network.activities, dtype=np.intp),
            is_restricted=np.zeros(len(months), dtype=np.bool_),
        )

    def least_stock(self, stores: NDArray[np.intp], held: Vector) -> Vector:
        """Return what stores with `held` (t) must still hold a month later, t, shape (store,)."""
        least = np.maximum(self.kept[stores], held - self.released[stores])
        return np.clip(least, 0.0, held)

    def capacity(self, month: int) -> Vector:
        """Return the upper bounds that do not depend on the past, t/month, shape (activity,)."""
        whole = self.network.capacity * self.output_factor[month]
        return np.asarray(np.minimum(whole, self.ceiling[month]))


def compile_schedule(
    base: BaseYear,
    restrictions: Sequence[Restriction],
    months: Sequence[Month],
    *,
    behaviour: Behaviour | None = None,
    stocks: StockRule | None = None,
    lead_time: bool = False,
    origin: Origin | None = None,
) -> Schedule:
    """Return the schedule of the restrictions that concern one chain.

    Parameters
    ----------
    base
        Balanced base year of the chain.
    restrictions
        Restrictions of a scenario; those of other chains are left out.
    months
        The simulated months.
    behaviour
        Elasticities and limits other than the chain's.
    stocks
        How reserves are released, kept apart from the stocks of users; default one stock.
    lead_time
        Whether lanes take their time (see `lead_months`), or arrive in the month they leave.
    origin
        What `origin_kept_apart` found; default it is traced here.

    Raises
    ------
    InputError
        If restrictions of one chain would keep material of different countries apart.
    UnknownNameError
        If a route does not exist.
    """
    own = [r for r in restrictions if r.chain == base.chain.id]
    origin = origin or origin_kept_apart(base, own)
    stopped = {
        (f, base.countries.index(c))
        for r in own
        if isinstance(r, Outage)
        for f in forms_of(base, r)
        for c in r.restrictors
        if c in base.countries
    }
    network = calibrate(base, behaviour, origin=origin, stocks=stocks, stopped=stopped)
    closures = [(r, detours_of(network, r)) for r in own if isinstance(r, Closure)]
    columns = network.activities
    network = with_detours(network, [d for _, d in closures])
    limited = [
        (r, m)
        for r in own
        if isinstance(r, LeakyRestriction)
        for m in limits_of(network, r, origin)
    ]
    network = network.with_limits([m for _, m in limited])
    network = replace(network, growth_base=network.growth_base + _room_for_panic(network, own))
    schedule = _with_rule(Schedule.nothing(network, months), stocks)
    if lead_time:
        schedule = replace(schedule, lead=lead_months(network))
    for k, (leaky, limit) in enumerate(limited):
        approved = approved_share(network, leaky, limit)
        schedule.limit[:, k] = [allowed_flow(leaky, limit.reference, m, approved) for m in months]
    for closure, detours in closures:
        _close(schedule, closure, detours, columns)
        for other, _ in closures:
            again = share_stopped_again(network, detours, closure, other)
            _narrow(schedule, other, columns, (1.0 - again) * detours.room)
        columns += detours.can_turn.size
    for restriction in own:
        _apply(schedule, restriction)
    return schedule


def origin_kept_apart(base: BaseYear, own: Sequence[Restriction]) -> Origin | None:
    """Return the origin that restrictions of a chain keep apart, or None if nothing needs it.

    Raises
    ------
    InputError
        If they would keep material of different countries apart.
    """
    apart = [r for r in own if r.keeps_apart]
    if not apart:
        return None
    sets = {r.restrictors for r in apart}
    if len(sets) > 1:
        names = "; ".join(f"'{r.id}' by {', '.join(r.restrictors)}" for r in apart)
        raise InputError(
            f"chain '{base.chain.id}': targeted restrictions by different countries ({names}) "
            "cannot be kept apart in one run. Put the countries into one restriction, or run the "
            "restrictions as separate scenarios."
        )
    forms = {base.forms[f] for r in apart for f in forms_of(base, r)}
    return trace_origin(base, set(apart[0].restrictors), forms)


def _with_rule(schedule: Schedule, rule: StockRule | None) -> Schedule:
    """Return the schedule with what a rule keeps in the reserves and lets out a month."""
    network = schedule.network
    reserves = np.flatnonzero(network.is_reserve)
    if rule is None or not reserves.size:
        return schedule
    kept, released = schedule.kept.copy(), schedule.released.copy()
    if rule.policy is StockPolicy.NONE:
        kept[reserves] = np.inf
        schedule.ceiling[:, reserves] = network.reference[reserves]
    elif rule.policy is StockPolicy.HOLD:
        kept[reserves] = rule.hold_days * _a_day(network, reserves)
    elif rule.has_trigger:
        released[reserves] = rule.release_share * network.reference[reserves]
    return replace(schedule, kept=kept, released=released)


def _a_day(network: Network, stores: NDArray[np.intp]) -> Vector:
    """Return a day's use and processing behind each store, t, split as the stock is by layers."""
    form, country = network.form[stores], network.origin[stores]
    held = np.zeros((2, len(network.forms), len(network.countries)))
    every = network.of_kind(ActivityKind.STORE)
    place = (network.is_reserve.astype(int), network.form, network.origin)
    np.add.at(held, tuple(p[every] for p in place), network.reference[every])
    share = network.reference[stores] / held[tuple(p[stores] for p in place)]
    return np.asarray(network.base.absorbed()[form, country] / DAYS_A_YEAR * share)


def _apply(schedule: Schedule, restriction: Restriction) -> None:
    """Write the effect of a restriction that is neither a limit nor a closure."""
    network, months = schedule.network, schedule.months
    for t, month in enumerate(months):
        schedule.is_restricted[t] |= restriction.acts(month)
    active = np.array([restriction.is_in_force(m) for m in months], dtype=bool)
    if isinstance(restriction, Tax):
        lanes = restricted_lanes(network, restriction)
        schedule.tax[np.ix_(active, lanes)] += restriction.rate.value * network.price[lanes]
    elif isinstance(restriction, PriceFloor):
        lanes = restricted_lanes(network, restriction)
        block = np.ix_(active, lanes)
        least = restriction.floor.value * network.price[lanes]
        schedule.floor[block] = np.maximum(schedule.floor[block], least)
    elif isinstance(restriction, Outage):
        _stop_output(schedule, restriction)
    elif isinstance(restriction, DemandSurge):
        users = _of(network, restriction, ActivityKind.USE)
        for t, month in enumerate(months):
            left = fading(restriction, month, restriction.fade_months.value)
            schedule.demand[t, users] *= 1.0 + restriction.rise.value * left
    elif isinstance(restriction, PanicBuying):
        stores, wanted = _panic(network, restriction)
        for t, month in enumerate(months):
            if restriction.is_in_force(month):
                built = open_share(restriction, month, 0.0, over=restriction.build_months.value)
                schedule.tax[t, stores] -= network.slope[stores] * wanted * built
    elif isinstance(restriction, StockRelease):
        _release(schedule, restriction)


def _release(schedule: Schedule, release: StockRelease) -> None:
    """Write by month what the reserves may still hold."""
    network = schedule.network
    reserves = _of(network, release, ActivityKind.STORE)
    reserves = reserves[network.is_reserve[reserves]]
    if not reserves.size:
        names = ", ".join(release.restrictors)
        raise InputError(
            f"restriction '{release.id}': no reserve of {network.base.chain.id} is known in "
            f"{names}. Name countries with a stock in the chain ('lodeline chains --show "
            f"{network.base.chain.id}'), or add one to a chain of your own."
        )
    for t, month in enumerate(schedule.months):
        if release.is_in_force(month):
            gone = open_share(release, month, 0.0, over=release.over_months.value)
            left = (1.0 - release.share.value * gone) * network.reference[reserves]
            schedule.ceiling[t, reserves] = np.minimum(schedule.ceiling[t, reserves], left)


def _stop_output(schedule: Schedule, outage: Outage) -> None:
    network = schedule.network
    affected = affected_output(network, outage)
    # The surge above the reference is lost with the first tonne: x ≤ (1 − s) x̄.
    whole = network.reference[affected] / network.capacity[affected]
    for t, month in enumerate(schedule.months):
        lost = outage.severity.value * fading(outage, month, outage.recovery_months.value)
        if lost > 0.0:
            # A second outage of the same plants finds the surge gone already.
            left = np.minimum(schedule.output_factor[t, affected], whole)
            schedule.output_factor[t, affected] = (1.0 - lost) * left


def _close(schedule: Schedule, closure: Closure, detours: Detours, first: int) -> None:
    """Shut the lanes that pass, and open the ways round: columns from `first` on."""
    columns = first + np.arange(detours.can_turn.size)
    schedule.output_factor[:, columns] = 0.0
    for t, month in enumerate(schedule.months):
        if closure.is_in_force(month):
            allowed = (1.0 - detours.stopped) * detours.flow
            closed = schedule.ceiling[t, detours.lanes]
            schedule.ceiling[t, detours.lanes] = np.where(
                detours.stopped > 0.0, np.minimum(closed, allowed), closed
            )
            schedule.output_factor[t, columns] = [
                open_share(closure, month, d) for d in detours.delay_months
            ]


def _narrow(schedule: Schedule, closure: Closure, first: int, room: Vector) -> None:
    """Let a closure bind on ways round another one, columns from `first` on, to t/month of room."""
    columns = first + np.arange(room.size)
    for t, month in enumerate(schedule.months):
        if closure.is_in_force(month):
            schedule.ceiling[t, columns] = np.minimum(schedule.ceiling[t, columns], room)


def _of(
    network: Network, restriction: DemandSurge | PanicBuying | StockRelease, kind: ActivityKind
) -> NDArray[np.intp]:
    """Return the activities of a kind in the countries and forms of a restriction."""
    everywhere = restriction.by == ALL
    here = np.ones(len(network.countries), dtype=bool) if everywhere else members(
        network, restriction.restrictors
    )  # fmt: skip
    chosen = (network.kind == kind) & here[network.origin]
    return np.flatnonzero(chosen & np.isin(network.form, forms_of(network.base, restriction)))


def _panic(network: Network, panic: PanicBuying) -> tuple[NDArray[np.intp], Vector]:
    """Return the stores of the users that buy, and what they want beyond the normal stock, t."""
    stores = _of(network, panic, ActivityKind.STORE)
    stores = stores[~network.is_reserve[stores]]
    return stores, panic.extra_days.value * _a_day(network, stores)


def _room_for_panic(network: Network, own: Sequence[Restriction]) -> Vector:
    """Return by how much faster stocks may grow in a run with panic buying, t/month."""
    room = np.zeros(network.activities)
    for restriction in own:
        if isinstance(restriction, PanicBuying):
            stores, wanted = _panic(network, restriction)
            room[stores] += wanted / max(restriction.build_months.value, 1.0)
    return room
