"""From restrictions to what the market must obey, month by month.

Ban, quota and licence become a common limit on lanes (one for each restriction and form): lanes of
the restricting countries, or, where the restriction names targets, every lane that brings
restricted-origin material into a target. Tax becomes an extra cost on lanes, outage a factor on
output.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lodeline.errors import InputError
from lodeline.network import (
    ActivityKind,
    BaseYear,
    Layer,
    Limit,
    Network,
    Origin,
    trace_origin,
)
from lodeline.network.calibrate import calibrate
from lodeline.network.chain import Behaviour
from lodeline.scenarios.restrictions import ALL, Ban, Licence, Outage, Quota, Restriction, Tax
from lodeline.units import MONTHS_PER_YEAR, Month

__all__ = ["Schedule", "compile_schedule"]

Vector = NDArray[np.float64]


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
    tax
        USD/t, shape (month, activity).
    is_restricted
        Shape (month,): True where something is in force.
    """

    network: Network
    months: tuple[Month, ...]
    limit: Vector
    output_factor: Vector
    tax: Vector
    is_restricted: NDArray[np.bool_]


def compile_schedule(
    base: BaseYear,
    restrictions: Sequence[Restriction],
    months: Sequence[Month],
    *,
    behaviour: Behaviour | None = None,
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

    Raises
    ------
    InputError
        If targeted restrictions of one chain come from different countries.
    """
    own = [r for r in restrictions if r.chain == base.chain.id]
    network = calibrate(base, behaviour, origin=_origin(base, own))
    network = network.with_limits([m for r in own for m in _limits(network, r)])
    count = len(months)
    limit = np.full((count, len(network.limits)), np.inf)
    output_factor = np.ones((count, network.activities))
    tax = np.zeros((count, network.activities))
    position = 0
    for restriction in own:
        if isinstance(restriction, Ban | Quota | Licence):
            for _ in _forms(network, restriction):
                allowed = network.limits[position]
                for t, month in enumerate(months):
                    limit[t, position] = _allowed(restriction, allowed, month)
                position += 1
        elif isinstance(restriction, Tax):
            lanes = _taxed_lanes(network, restriction)
            active = np.array([restriction.is_in_force(m) for m in months])
            tax[np.ix_(active, lanes)] += restriction.rate.value * network.price[lanes]
        else:
            affected = _affected_output(network, restriction)
            # The surge above the reference is lost with the first tonne: x ≤ (1 − s) x̄.
            whole = network.reference[affected] / network.capacity[affected]
            for t, month in enumerate(months):
                lost = _lost_share(restriction, month)
                if lost > 0.0:
                    output_factor[t, affected] *= (1.0 - lost) * whole
    active = np.array([any(_acts(r, m) for r in own) for m in months], dtype=bool)
    return Schedule(network, tuple(months), limit, output_factor, tax, active)


def _origin(base: BaseYear, own: Sequence[Restriction]) -> Origin | None:
    """Return the origin to keep apart, or None if nothing is targeted."""
    targeted = [r for r in own if isinstance(r, Ban | Quota | Licence) and r.targets is not None]
    if not targeted:
        return None
    sets = {r.restrictors for r in targeted}
    if len(sets) > 1:
        names = "; ".join(f"'{r.id}' by {', '.join(r.restrictors)}" for r in targeted)
        raise InputError(
            f"chain '{base.chain.id}': targeted restrictions by different countries ({names}) "
            "cannot be kept apart in one run. Put the countries into one restriction, or run the "
            "restrictions as separate scenarios."
        )
    forms = {f for r in targeted for f in (base.forms if r.forms == ALL else r.forms)}
    return trace_origin(base, set(targeted[0].restrictors), forms)


def _forms(network: Network, restriction: Restriction) -> list[int]:
    names = network.forms if restriction.forms == ALL else restriction.forms
    return [network.forms.index(f) for f in names]


def _members(network: Network, names: Sequence[str]) -> NDArray[np.bool_]:
    return np.array([c in names for c in network.countries])


def _limits(network: Network, restriction: Restriction) -> list[Limit]:
    if not isinstance(restriction, Ban | Quota | Licence):
        return []
    by = _members(network, restriction.restrictors)
    lanes = network.kind == ActivityKind.SHIP
    if restriction.targets is None:
        chosen = lanes & by[network.origin] & ~by[network.destination]
    else:
        on = _members(network, restriction.targets)
        chosen = lanes & (network.layer == Layer.RESTRICTED)
        chosen &= on[network.destination] & ~on[network.origin]
    out = []
    for f in _forms(network, restriction):
        picked = np.flatnonzero(chosen & (network.form == f))
        flow = network.reference[picked]
        share = np.bincount(
            network.origin[picked], weights=flow * by[network.origin[picked]], minlength=by.size
        )
        share = share if share.sum() > 0.0 else by.astype(float)
        out.append(
            Limit(
                label=f"{restriction.id}: {network.forms[f]}",
                form=f,
                lanes=picked,
                reference=float(flow.sum()),
                owner_share=share / max(float(share.sum()), 1e-300),
            )
        )
    return out


def _allowed(restriction: Ban | Quota | Licence, limit: Limit, month: Month) -> float:
    """Return what may pass in a month, t; infinite when nothing is withheld.

    A ban that stops nothing and a licence that is always given do not cap the flow at its
    reference. See the equations in `lodeline.scenarios.restrictions`.
    """
    if not restriction.is_in_force(month):
        return float("inf")
    base = limit.reference
    leak = restriction.leakage.value
    if isinstance(restriction, Ban):
        lost = restriction.severity.value * (1.0 - leak)
        return base * (1.0 - lost) if lost > 0.0 else float("inf")
    if isinstance(restriction, Licence):
        waited = month - restriction.start
        # A delay that ends within a month leaves the rest of that month.
        open_share = min(max(waited + 1.0 - restriction.delay_months.value, 0.0), 1.0)
        approved = restriction.approval_share.value * open_share
        lost = (1.0 - approved) * (1.0 - leak)
        return base * (1.0 - lost) if lost > 0.0 else float("inf")
    if restriction.tonnes_per_year is not None:
        quota = restriction.tonnes_per_year.value / MONTHS_PER_YEAR
    elif restriction.share_of_base is not None:
        quota = restriction.share_of_base.value * base
    else:
        raise AssertionError("the specification requires one of the two")
    return quota + leak * max(base - quota, 0.0)


def _taxed_lanes(network: Network, restriction: Tax) -> NDArray[np.intp]:
    by = _members(network, restriction.restrictors)
    on = ~by if restriction.targets is None else _members(network, restriction.targets)
    lanes = (network.kind == ActivityKind.SHIP) & by[network.origin] & on[network.destination]
    return np.flatnonzero(lanes & np.isin(network.form, _forms(network, restriction)))


def _affected_output(network: Network, restriction: Outage) -> NDArray[np.intp]:
    by = _members(network, restriction.restrictors)
    output = np.isin(network.kind, [ActivityKind.PRODUCE, ActivityKind.PROCESS, ActivityKind.SERVE])
    # Where layers share a plant, its service has the capacity and its recipes have none.
    chosen = output & by[network.origin] & np.isin(network.form, _forms(network, restriction))
    chosen &= np.isfinite(network.capacity)
    return np.flatnonzero(chosen)


def _lost_share(restriction: Outage, month: Month) -> float:
    """Return the share of output lost in a month: s while in force, then falling to 0."""
    severity = restriction.severity.value
    if restriction.is_in_force(month):
        return severity
    if restriction.end is None or month < restriction.start:
        return 0.0
    since = month - restriction.end
    recovery = restriction.recovery_months.value
    return severity * max(0.0, 1.0 - since / recovery) if recovery > 0.0 else 0.0


def _acts(restriction: Restriction, month: Month) -> bool:
    if isinstance(restriction, Outage):
        return _lost_share(restriction, month) > 0.0
    return restriction.is_in_force(month)
