"""What restrictions let through when many scenarios are looked at together.

The equations are those of `lodeline.scenarios.restrictions`, written for arrays over scenarios; a
test compares them with `compile_schedule` for every kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lodeline.errors import InputError
from lodeline.scenarios.restrictions import Ban, Licence, Outage, Quota, Restriction, Sanction, Tax
from lodeline.units import MONTHS_PER_YEAR

__all__ = ["Limiting", "Timing", "allowed_flow", "check_supported", "lost_share"]

Vector = NDArray[np.float64]
Values = Mapping[str, Vector]
Limiting = Ban | Quota | Licence | Sanction
"""Kinds that limit flows and that an ensemble can draw."""


def check_supported(restriction: Restriction) -> None:
    """Refuse what an ensemble cannot draw yet, so that nothing is left out in silence.

    Raises
    ------
    InputError
        For other kinds, and for leakage that changes over time.
    """
    can = isinstance(restriction, Ban | Quota | Licence | Sanction | Tax | Outage)
    what = "" if can else f"the kind '{restriction.type}'"
    if getattr(restriction, "leakage_later", None) is not None:
        what = "leakage that changes over time"
    if getattr(restriction, "approval_by_use", None):
        what = "licences that differ by use"
    if what:
        raise InputError(
            f"restriction '{restriction.id}': ensembles cannot draw {what} yet. Choose other "
            "restrictions of the scenario under 'restrictions' of the event, or run it with "
            "'lodeline stress', which turns its numbers one at a time."
        )


@dataclass(frozen=True)
class Timing:
    """When a restriction is in force, months counted from the first simulated one.

    Attributes
    ----------
    happens
        Whether it comes at all, shape (scenario,).
    start, end
        First and last month in force, shape (scenario,); end may be infinite.
    """

    happens: NDArray[np.bool_]
    start: Vector
    end: Vector

    def in_force(self, month: int) -> NDArray[np.bool_]:
        """Return whether it is in force in a month, shape (scenario,)."""
        return self.happens & (self.start <= month) & (month <= self.end)


def allowed_flow(
    restriction: Limiting, base: float, timing: Timing, month: int, values: Values
) -> Vector:
    """Return what may pass in a month, t, shape (scenario,); infinite where nothing is withheld.

    Parameters
    ----------
    restriction
        Its identifier names its numbers in `values`.
    base
        Reference flow, t/month.
    timing, month
        When it is in force, and the month asked about.
    values
        Drawn numbers by key.
    """
    leak = values[f"{restriction.id}.leakage"]
    if isinstance(restriction, Ban | Sanction):
        severity = values[f"{restriction.id}.severity"]
        lost = severity * (1.0 - leak)
        flow = np.where(lost > 0.0, base * (1.0 - lost), np.inf)
    elif isinstance(restriction, Licence):
        waited = month - timing.start
        delay = values[f"{restriction.id}.delay_months"]
        open_share = np.minimum(np.maximum(waited + 1.0 - delay, 0.0), 1.0)
        approved = values[f"{restriction.id}.approval_share"] * open_share
        lost = (1.0 - approved) * (1.0 - leak)
        flow = np.where(lost > 0.0, base * (1.0 - lost), np.inf)
    else:
        if restriction.tonnes_per_year is not None:
            quota = values[f"{restriction.id}.tonnes_per_year"] / MONTHS_PER_YEAR
        else:
            quota = values[f"{restriction.id}.share_of_base"] * base
        flow = quota + leak * np.maximum(base - quota, 0.0)
    return np.where(timing.in_force(month), flow, np.inf)


def lost_share(restriction: Outage, timing: Timing, month: int, values: Values) -> Vector:
    """Return the share of output lost in a month: s while in force, then falling to 0."""
    severity = values[f"{restriction.id}.severity"]
    recovery = values[f"{restriction.id}.recovery_months"]
    since = month - timing.end
    left = np.maximum(0.0, 1.0 - since / np.maximum(recovery, 1e-300))
    after = timing.happens & (since > 0.0) & (recovery > 0.0)
    return np.where(timing.in_force(month), severity, np.where(after, severity * left, 0.0))
