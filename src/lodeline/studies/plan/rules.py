"""Rules of the menu that are not about money, ``A x <= b``, and when a measure is in service.

Choices are those of `menu.Menu`: a measure in a year. A rule of a level of security is asked of the
partners whose countries it is about (of all if it is about none of theirs): a partner alone answers
for its own countries. All other rules are asked of everybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lodeline.network import BaseYear
from lodeline.scenarios.measures import Access, ActionPlan, Measure
from lodeline.studies.plan.levels import Condition, conditions_of

__all__ = ["Rules", "rules_of", "service"]

Vector = NDArray[np.float64]
Index = NDArray[np.intp]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Rules:
    """Rules ``matrix @ x <= limit``, and of which partners each is asked.

    Attributes
    ----------
    matrix, limit
        Shapes (rule, choice), (rule,).
    asked
        Shape (rule, partner).
    """

    matrix: sparse.csr_array
    limit: Vector
    asked: Flags


def service(measure: Measure, year: int, months: int) -> Vector:
    """Return the share in service by month, if decided at the start of a year, shape (month,).

    Parameters
    ----------
    measure
        The measure.
    year
        Year of the decision, counted from 0.
    months
        Months from the start of year 0.
    """
    begins = 12.0 * (year + measure.lead_years.value)
    passed = np.arange(months) - begins
    ramp = 12.0 * measure.ramp_years.value
    if ramp == 0.0:
        return np.where(passed >= 0.0, 1.0, 0.0)
    return np.clip((passed + 1.0) / ramp, 0.0, 1.0)


def rules_of(plan: ActionPlan, measure: Index, year: Index, bases: Mapping[str, BaseYear]) -> Rules:
    """Return the rules of a plan.

    Parameters
    ----------
    plan
        The specification.
    measure, year
        Of every choice, shape (choice,).
    bases
        Base year of every chain, all countries by themselves.

    Raises
    ------
    InputError
        If the whole menu does not reach a level of security.
    """
    rows = _modules_and_needs(plan, measure, year)
    everybody = np.ones((len(rows), len(plan.partners)), dtype=np.bool_)
    conditions = conditions_of(plan, bases)
    there = np.array(
        [
            service(plan.measures[k], int(y), plan.months)[-1] > 0.0
            for k, y in zip(measure, year, strict=True)
        ]
    )
    for c in conditions:
        own = c.row[measure]
        rows.append((np.where(there, own, 0.0) if c.is_stock else own, c.bound))
    asked = np.array([_asked(plan, c) for c in conditions], dtype=np.bool_)
    return Rules(
        matrix=sparse.csr_array(np.array([row for row, _ in rows])),
        limit=np.array([bound for _, bound in rows]),
        asked=np.vstack([everybody, asked.reshape(len(conditions), len(plan.partners))]),
    )


def _asked(plan: ActionPlan, condition: Condition) -> list[bool]:
    concerned = [bool({*p.members} & {*condition.members}) for p in plan.partners]
    return concerned if any(concerned) else [True] * len(concerned)


def _modules_and_needs(plan: ActionPlan, measure: Index, year: Index) -> list[tuple[Vector, float]]:
    """Return how often each measure can be built, what needs what, what rules out what."""
    place = {m.id: k for k, m in enumerate(plan.measures)}
    rows: list[tuple[Vector, float]] = []
    for k, m in enumerate(plan.measures):
        own = (measure == k).astype(float)
        rows.append((own, float(m.modules)))
        needed = [place[r] for r in m.requires]
        if isinstance(m, Access):
            needed.append(place[m.stock])
        for r in dict.fromkeys(needed):
            other = (measure == r).astype(float)
            for y in range(len(plan.years)):
                until = (year <= y).astype(float)
                rows.append(((own - m.modules * other) * until, 0.0))
        for name in m.excludes:
            r = place[name]
            rows.append((own / m.modules + (measure == r) / plan.measures[r].modules, 1.0))
    return rows
