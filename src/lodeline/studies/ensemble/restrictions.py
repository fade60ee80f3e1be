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
from lodeline.scenarios.instruments import Extraterritorial
from lodeline.scenarios.restrictions import Ban, Licence, Outage, Quota, Restriction, Sanction, Tax
from lodeline.units import MONTHS_PER_YEAR

__all__ = ["Limiting", "Months", "Timing", "allowed_flow", "check_side_by_side",
           "goes_side_by_side", "lost_share"]  # fmt: skip

Vector = NDArray[np.float64]
Values = Mapping[str, Vector]
Months = int | NDArray[np.int64]
"""A month, counted from the first simulated one, or several, shape (month, 1)."""
Limiting = Ban | Quota | Licence | Sanction | Extraterritorial
"""Kinds that limit flows."""


def goes_side_by_side(restriction: Restriction) -> bool:
    """Return whether scenarios of a restriction differ in limits, capacities and taxes alone.

    A threshold of content that is drawn moves lanes in and out of a limit: that is another network.
    """
    if isinstance(restriction, Extraterritorial):
        return restriction.de_minimis.low == restriction.de_minimis.high
    return isinstance(restriction, Limiting | Tax | Outage)


def check_side_by_side(restriction: Restriction) -> None:
    """Refuse what must be run one scenario at a time, so that nothing is left out in silence.

    Raises
    ------
    InputError
        For such kinds.
    """
    if not goes_side_by_side(restriction):
        raise InputError(
            f"restriction '{restriction.id}': futures of a plan cannot hold the kind "
            f"'{restriction.type}'. Choose other restrictions of the scenario under "
            "'restrictions' of the event, or draw it with 'lodeline ensemble'."
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

    def in_force(self, month: Months) -> NDArray[np.bool_]:
        """Return whether it is in force in a month, shape (scenario,), or in each of several."""
        return self.happens & (self.start <= month) & (month <= self.end)


def allowed_flow(
    restriction: Limiting,
    base: float,
    timing: Timing,
    month: Months,
    values: Values,
    *,
    by_use: tuple[float, float] = (0.0, 1.0),
) -> Vector:
    """Return what may pass in a month, t, shape (scenario,); infinite where nothing is withheld.

    Of several months shape (month, scenario), here as in all that follows.

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
    by_use
        a of a licence is the first number + the second · `approval_share`: where uses have their
        own approval.
    """
    leak = _leakage(restriction, timing, month, values)
    if isinstance(restriction, Ban | Sanction):
        severity = values[f"{restriction.id}.severity"]
        lost = severity * (1.0 - leak)
        flow = np.where(lost > 0.0, base * (1.0 - lost), np.inf)
    elif isinstance(restriction, Licence | Extraterritorial):
        waited = month - timing.start
        delay = values[f"{restriction.id}.delay_months"]
        open_share = np.minimum(np.maximum(waited + 1.0 - delay, 0.0), 1.0)
        given = by_use[0] + by_use[1] * values[f"{restriction.id}.approval_share"]
        approved = given * open_share
        lost = (1.0 - approved) * (1.0 - leak)
        flow = np.where(lost > 0.0, base * (1.0 - lost), np.inf)
    else:
        if restriction.tonnes_per_year is not None:
            quota = values[f"{restriction.id}.tonnes_per_year"] / MONTHS_PER_YEAR
        else:
            quota = values[f"{restriction.id}.share_of_base"] * base
        flow = quota + leak * np.maximum(base - quota, 0.0)
    return np.where(timing.in_force(month), flow, np.inf)


def _leakage(restriction: Limiting, timing: Timing, month: Months, values: Values) -> Vector:
    """Return λ in a month: from `leakage` in a straight line to `leakage_later`."""
    now = values[f"{restriction.id}.leakage"]
    if restriction.leakage_later is None:
        return now
    months = values[f"{restriction.id}.leakage_months"]
    waited = np.maximum(month - timing.start, 0.0)
    gone = np.where(waited >= months, 1.0, waited / np.maximum(months, 1e-300))
    return np.asarray(now + (values[f"{restriction.id}.leakage_later"] - now) * gone)


def lost_share(restriction: Outage, timing: Timing, month: Months, values: Values) -> Vector:
    """Return the share of output lost in a month: s while in force, then falling to 0."""
    severity = values[f"{restriction.id}.severity"]
    recovery = values[f"{restriction.id}.recovery_months"]
    since = month - timing.end
    left = np.maximum(0.0, 1.0 - since / np.maximum(recovery, 1e-300))
    after = timing.happens & (since > 0.0) & (recovery > 0.0)
    return np.where(timing.in_force(month), severity, np.where(after, severity * left, 0.0))
