"""Recorded use that is no more than the remainder of two large figures.

Use is output plus imports less exports less what recipes take. Lanes are reported with a relative
deviation of a tenth (`LANE_DEVIATION`), so a use below a tenth of what a country makes and takes in
of the form is smaller than the error of the figures it is left over from: Germany's use of cobalt,
1 t of the 3,100 t that pass through in 2024. A percentage of such a use, and what its loss costs,
say little.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lodeline.network.base_year import BaseYear, outputs
from lodeline.network.reported import LANE_DEVIATION
from lodeline.scenarios.groups import GROUPS
from lodeline.units import MONTHS_PER_YEAR

__all__ = ["REMAINDER", "intake", "is_remainder", "with_remainders"]

REMAINDER = LANE_DEVIATION["observed"]
"""Share of what a country makes and takes in of a form below which its use is a remainder."""

Vector = NDArray[np.float64]


def intake(base: BaseYear) -> Vector:
    """Return what each country makes and imports of each form, t/year, shape (form, country)."""
    out = outputs(base)
    np.add.at(out, (base.lane_form, base.lane_destination), base.lane_level)
    return out


def is_remainder(base: BaseYear) -> NDArray[np.bool_]:
    """Return where a recorded use is a remainder, shape (form, country); False where none is."""
    return np.asarray((base.used > 0.0) & (base.used < REMAINDER * intake(base)))


def with_remainders(table: pl.DataFrame, base: BaseYear) -> pl.DataFrame:
    """Return a table of countries and forms with ``intake_t`` (t/month) and ``is_remainder``.

    Parameters
    ----------
    table
        Rows with ``country`` (ISO3, or a group) and ``form``; in their order they stay. A group
        takes in what comes from outside.
    base
        Balanced base year of the chain.
    """
    groups = [g for g in table["country"].unique(maintain_order=True) if g in GROUPS]
    marks = pl.concat([_of_countries(base), *(_of_group(base, g) for g in groups)])
    return table.join(marks, on=["country", "form"], how="left", maintain_order="left")


def _of_group(base: BaseYear, group: str) -> pl.DataFrame:
    inside = np.isin(np.array(base.countries), GROUPS[group])
    taken = outputs(base)[:, inside].sum(axis=1)
    enters = inside[base.lane_destination] & ~inside[base.lane_origin]
    np.add.at(taken, base.lane_form[enters], base.lane_level[enters])
    used = base.used[:, inside].sum(axis=1)
    return pl.DataFrame(
        {
            "country": [group] * len(base.forms),
            "form": list(base.forms),
            "intake_t": taken / MONTHS_PER_YEAR,
            "is_remainder": (used > 0.0) & (used < REMAINDER * taken),
        }
    )


def _of_countries(base: BaseYear) -> pl.DataFrame:
    names, forms = np.array(base.countries), np.array(base.forms)
    shape = (forms.size, names.size)
    return pl.DataFrame(
        {
            "country": np.broadcast_to(names, shape).ravel(),
            "form": np.repeat(forms, names.size),
            "intake_t": (intake(base) / MONTHS_PER_YEAR).ravel(),
            "is_remainder": is_remainder(base).ravel(),
        }
    )
