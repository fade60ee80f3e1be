"""Shares of origin under the other lanes that fit, where a form has no trade code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lodeline.network.base_year import base_year
from lodeline.network.chain import Chain
from lodeline.network.doubt import Doubt, doubt_of
from lodeline.network.likeness import inferred_forms, other_fits
from lodeline.solver.curves import Vector
from lodeline.studies.exposure.origin_shares import FormOrigin, Target, origin_of_form

__all__ = ["inferred_from", "other_years", "widened"]


def inferred_from(chain: Chain, form: str, stage: str) -> str | None:
    """Return what the lanes from a stage to a form are inferred from; None where all are traded.

    The forms between the two count, both included; ``mine`` lies before all of them.
    """
    ids = [f.id for f in chain.forms]
    first = ids.index(stage) if stage in ids else 0
    between = ids[first : ids.index(form) + 1]
    found = [source for name, source in inferred_forms(chain).items() if name in between]
    return " and ".join(dict.fromkeys(found)) or None


def other_years(chain: Chain, year: int) -> tuple[Doubt, ...]:
    """Return the balanced base years of the other fits (`other_fits`)."""
    return tuple(doubt_of(base_year(fitted, year)) for fitted in other_fits(chain))


def widened(found: FormOrigin, others: Sequence[tuple[Doubt, Sequence[Target]]]) -> FormOrigin:
    """Return an origin whose range holds what every other fit of the inferred lanes says.

    Parameters
    ----------
    found
        The origin by the lanes of the chain.
    others
        Base year of each other fit, and who uses the form there; those of the same name count.
    """
    low, high = found.low.copy(), found.high.copy()
    for doubt, targets in others:
        by_name = {t.name: t for t in targets}
        columns = [k for k, t in enumerate(found.targets) if t.name in by_name]
        same = tuple(by_name[found.targets[k].name] for k in columns)
        fit = origin_of_form(doubt.base, found.form, same, doubt=doubt, draws=0)
        for s, stage in enumerate(found.stages):
            there = fit.stages.index(stage)
            least, most = _onto(found, fit, fit.value[there]), _onto(found, fit, fit.high[there])
            low[s][:, columns] = np.minimum(low[s][:, columns], least)
            high[s][:, columns] = np.maximum(high[s][:, columns], most)
    return replace(found, low=low, high=high)


def _onto(found: FormOrigin, fit: FormOrigin, shares: Vector) -> Vector:
    """Return shares by the origins of one trace as shares by those of another."""
    place = {origin: i for i, origin in enumerate(fit.origins)}
    zero = np.zeros(shares.shape[1])
    return np.stack([shares[place[o]] if o in place else zero for o in found.origins])
