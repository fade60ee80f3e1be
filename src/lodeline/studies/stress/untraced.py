"""What of the headline's material no source can place, where a restriction looks at the origin."""

from __future__ import annotations

from lodeline.network.doubt import doubt_of
from lodeline.results.stress import Untraced
from lodeline.studies.dials import Setting
from lodeline.studies.exposure.origin import targets_of
from lodeline.studies.exposure.origin_shares import origin_of_form
from lodeline.studies.exposure.suppliers import members
from lodeline.studies.stress.tables import Headline

__all__ = ["untraced_of"]

_MOST_PLACES = 3
_LEAST_PLACE = 0.01
"""Share of the user's material below which a place where it is first seen is not named."""


def untraced_of(setting: Setting, head: Headline) -> Untraced | None:
    """Return the part of the headline's material that counts as free although nobody can place it.

    None where no restriction of the chain tells origins apart, or all is traced.
    """
    if setting.origin is None:
        return None
    base = setting.base
    if not setting.origin.is_layered[base.forms.index(head.form)]:
        return None
    targets = targets_of(base, head.form, members([head.country]))
    if not targets:
        return None
    found = origin_of_form(base, head.form, targets, doubt=doubt_of(base), draws=0)
    stage = found.stages.index(head.form) if head.form in found.stages else 0
    share = float(found.value[stage, -1, 0])
    if share <= 0.0:
        return None
    seen = sorted(
        ((float(x), c) for x, c in zip(found.first_seen[stage, :, 0], found.origins, strict=True)),
        key=lambda item: (-item[0], item[1]),
    )
    places = tuple(c for x, c in seen[:_MOST_PLACES] if x >= _LEAST_PLACE)
    return Untraced(head.country, head.chain, head.form, share, places)
