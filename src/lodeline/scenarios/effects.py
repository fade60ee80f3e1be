"""How much a restriction lets through in a month, and over which activities it acts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lodeline.network import ActivityKind, BaseYear, Layer, Limit, Network, Origin
from lodeline.network.sectors import sectors_of
from lodeline.scenarios.instruments import Extraterritorial, PriceFloor, Sanction
from lodeline.scenarios.restriction_base import ALL, LeakyRestriction, RestrictionBase, leakage_at
from lodeline.scenarios.restrictions import Ban, Licence, Outage, Quota, Tax
from lodeline.units import MONTHS_PER_YEAR, Month

__all__ = [
    "affected_output",
    "allowed_flow",
    "approved_share",
    "forms_of",
    "is_idle",
    "limits_of",
    "members",
    "open_share",
    "restricted_lanes",
]

Bools = NDArray[np.bool_]
Places = NDArray[np.intp]


def members(network: Network, names: Sequence[str]) -> Bools:
    """Return which countries of the network are named, shape (country,)."""
    return np.array([c in names for c in network.countries])


def forms_of(base: BaseYear, restriction: RestrictionBase) -> list[int]:
    """Return the forms that a restriction names, as positions in the order of the chain."""
    names = base.forms if restriction.forms == ALL else restriction.forms
    return [base.forms.index(f) for f in names]


def limits_of(network: Network, restriction: RestrictionBase, origin: Origin | None) -> list[Limit]:
    """Return the common limits of a restriction, one for each form; none for other kinds."""
    if not isinstance(restriction, LeakyRestriction):
        return []
    by = members(network, restriction.restrictors)
    chosen = _limited(network, restriction, by, origin)
    out = []
    for f in _limited_forms(network.base, restriction):
        picked = np.flatnonzero(chosen & (network.form == f))
        flow = network.reference[picked]
        if isinstance(restriction, Sanction):
            owner, weights, owners = network.destination[picked], flow, ~by
        else:
            owner, owners = network.origin[picked], by
            weights = flow * by[owner]
        share = np.bincount(owner, weights=weights, minlength=by.size)
        share = share if share.sum() > 0.0 else owners.astype(float)
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


def _limited_forms(base: BaseYear, restriction: LeakyRestriction) -> list[int]:
    """Return the forms with a limit: those named, and what is made of them if content counts."""
    named = forms_of(base, restriction)
    if isinstance(restriction, Extraterritorial):
        ids = list(base.forms)
        for f, form in enumerate(ids):
            made_of = {k for r in base.chain.recipes if r.makes == form for k in r.inputs}
            if f not in named and any(ids.index(k) in named for k in made_of):
                named = [*named, f]
    return named


def _limited(
    network: Network, restriction: LeakyRestriction, by: Bools, origin: Origin | None
) -> Bools:
    """Return which activities the limits of a restriction are about, shape (activity,)."""
    lanes = network.kind == ActivityKind.SHIP
    leaves, arrives = network.origin, network.destination
    targets = restriction.targets
    on = ~by if targets is None else members(network, targets)
    if isinstance(restriction, Extraterritorial):
        assert origin is not None
        chosen = lanes & (network.layer == Layer.RESTRICTED) & ~by[leaves] & on[arrives]
        chosen &= origin.share[network.form, leaves] >= restriction.de_minimis.value
    elif restriction.keeps_apart:
        chosen = lanes & (network.layer == Layer.RESTRICTED) & on[arrives] & ~on[leaves]
    else:
        chosen = lanes & by[leaves] & on[arrives]
    return np.asarray(chosen)


def approved_share(network: Network, restriction: LeakyRestriction, limit: Limit) -> float:
    """Return a of a licence: the mean over the sectors of those who get the material; else 1.

    a = Σ_i x̄_i Σ_s w_is a_s / Σ_i x̄_i      x̄ flow into i, w share of sector s in the use of i
    """
    if not isinstance(restriction, Licence | Extraterritorial):
        return 1.0
    plain = restriction.approval_share.value
    if isinstance(restriction, Extraterritorial) or not restriction.approval_by_use:
        return plain
    flow = np.bincount(
        network.destination[limit.lanes],
        weights=network.reference[limit.lanes],
        minlength=len(network.countries),
    )
    total = mean = 0.0
    for c in np.flatnonzero(flow):
        sectors = sectors_of(network.base.chain.id, network.forms[limit.form], network.countries[c])
        given = restriction.approval_by_use
        own = sum(s.share * (given[s.id].value if s.id in given else plain) for s in sectors)
        total += float(flow[c])
        mean += float(flow[c]) * own
    return mean / total if total > 0.0 else plain


def allowed_flow(
    restriction: LeakyRestriction, reference: float, month: Month, approved: float
) -> float:
    """Return what may pass in a month, t; infinite when nothing is withheld.

    A ban that stops nothing and a licence that is always given do not cap the flow at its
    reference. See the equations in `lodeline.scenarios.restrictions`.

    Parameters
    ----------
    restriction
        The restriction.
    reference
        x̄, t/month.
    month
        The month.
    approved
        a of a licence, see `approved_share`.
    """
    if not restriction.is_in_force(month):
        return float("inf")
    leak = leakage_at(restriction, month)
    if isinstance(restriction, Quota):
        if restriction.tonnes_per_year is not None:
            quota = restriction.tonnes_per_year.value / MONTHS_PER_YEAR
        elif restriction.share_of_base is not None:
            quota = restriction.share_of_base.value * reference
        else:
            raise AssertionError("the specification requires one of the two")
        return quota + leak * max(reference - quota, 0.0)
    if isinstance(restriction, Ban | Sanction):
        withheld = restriction.severity.value
    elif isinstance(restriction, Licence | Extraterritorial):
        opened = open_share(restriction, month, restriction.delay_months.value)
        withheld = 1.0 - approved * opened
    else:
        raise AssertionError(f"no limit is known for {restriction.id}")
    lost = withheld * (1.0 - leak)
    return reference * (1.0 - lost) if lost > 0.0 else float("inf")


def open_share(
    restriction: RestrictionBase, month: Month, delay: float, *, over: float = 1.0
) -> float:
    """Return what is open in a month after a delay, and over how many months it opens.

    min(1, max(0, (t − start + 1 − delay) / over)): a delay that ends within a month leaves the rest
    of that month.
    """
    gone = float(month - restriction.start) + 1.0 - delay
    return min(max(gone / max(over, 1.0), 0.0), 1.0)


def restricted_lanes(network: Network, restriction: RestrictionBase) -> Places:
    """Return direct lanes from the restricting countries to the targets, of the forms named."""
    by = members(network, restriction.restrictors)
    targets = restriction.targets
    on = ~by if targets is None else members(network, targets)
    lanes = (network.kind == ActivityKind.SHIP) & by[network.origin] & on[network.destination]
    return np.flatnonzero(lanes & np.isin(network.form, forms_of(network.base, restriction)))


def is_idle(network: Network, restriction: RestrictionBase) -> bool:
    """Return whether a restriction of exports finds nothing that it could hold back.

    In the base year no tonne went from the restricting countries to the targets. Kinds that act
    on other things than exports are never idle.
    """
    if not isinstance(restriction, Ban | Quota | Licence | Tax | PriceFloor):
        return False
    return float(network.reference[restricted_lanes(network, restriction)].sum()) <= 0.0


def affected_output(network: Network, restriction: Outage) -> Places:
    """Return the output, direct or by recipes, of the countries and forms of an outage."""
    by = members(network, restriction.restrictors)
    output = np.isin(network.kind, [ActivityKind.PRODUCE, ActivityKind.PROCESS, ActivityKind.SERVE])
    # Where layers share a plant, its service has the capacity and its recipes have none.
    chosen = output & by[network.origin]
    chosen &= np.isin(network.form, forms_of(network.base, restriction))
    return np.flatnonzero(chosen & np.isfinite(network.capacity))
