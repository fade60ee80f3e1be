"""Levels of security as linear conditions on the measures, ``row · modules <= bound``.

What is counted, always against the base year:

* own share: output in full service (capacity, recycling) over use and processing;
* cover: strategic stocks that the plan holds at its end, and those that the chain states for the
  country, over a day's use and processing. Commercial stock and rights on stocks elsewhere do not
  count;
* largest supplier: purchases from a country over own output and purchases. Capacity and recycling
  in the countries and contracts with others take its place, substitution lowers the need too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from lodeline.errors import InputError
from lodeline.network import BaseYear
from lodeline.network.base_year import outputs
from lodeline.network.doubt import Doubt, doubt_of
from lodeline.scenarios.levels import MinimumCover, MinimumShare, SupplierLimit
from lodeline.scenarios.measures import (
    Access,
    ActionPlan,
    Measure,
    MeasureKind,
    Offtake,
    Stock,
)
from lodeline.units import DAYS_PER_YEAR

__all__ = ["Condition", "Supply", "conditions_of", "supply_of"]

Vector = NDArray[np.float64]

_PLANTS = (MeasureKind.CAPACITY, MeasureKind.RECYCLING)


@dataclass(frozen=True)
class Condition:
    """A level for one group: ``row @ modules <= bound``.

    Attributes
    ----------
    label
        What it asks for, in words.
    members
        Countries that it is about.
    row
        By measure, shape (measure,).
    bound
        In the unit of the row, t or t/year.
    is_stock
        Whether only what is there at the end of the plan counts; else output in full service
        does, whenever it is decided.
    """

    label: str
    members: tuple[str, ...]
    row: Vector
    bound: float
    is_stock: bool = False


@dataclass(frozen=True)
class Supply:
    """Where a group's supply of a form comes from in the base year, t/year.

    Attributes
    ----------
    used
        Use and processing.
    own
        Own output for which there is a source.
    untraced
        What counts as own output although no source says that they make it; see
        `lodeline.network.doubt`.
    bought
        Purchases by country of origin outside the group, shape (country,).
    """

    used: float
    own: float
    untraced: float
    bought: Vector

    @property
    def total(self) -> float:
        """Own output, traced or not, and purchases."""
        return self.own + self.untraced + float(self.bought.sum())


def supply_of(doubt: Doubt, form: str, members: Sequence[str]) -> Supply:
    """Return where a group's supply of a form comes from in the year that is doubted."""
    base = doubt.base
    f = base.forms.index(form)
    inside = np.isin(base.countries, members)
    output = outputs(base)[f]
    lanes = (base.lane_form == f) & inside[base.lane_destination] & ~inside[base.lane_origin]
    bought = np.zeros(inside.size)
    np.add.at(bought, base.lane_origin[lanes], base.lane_level[lanes])
    used = float(base.absorbed()[f, inside].sum())
    unknown = inside & doubt.is_untraced[f]
    own = float(output[inside & ~unknown].sum())
    return Supply(used, own, float(output[unknown].sum()), bought)


def conditions_of(plan: ActionPlan, bases: Mapping[str, BaseYear]) -> list[Condition]:
    """Return the conditions of a plan.

    Parameters
    ----------
    plan
        The specification.
    bases
        Base year of every chain, all countries by themselves.

    Raises
    ------
    InputError
        If a level names countries that use nothing, or that the whole menu cannot reach.
    """
    found = [c for level in plan.conditions for c in _conditions(plan, level, bases[level.chain])]
    modules = np.array([float(m.modules) for m in plan.measures])
    wrong = [c for c in found if np.minimum(c.row, 0.0) @ modules > c.bound + 1e-9 * abs(c.bound)]
    if wrong:
        worst = "; ".join(
            f"{c.label}: {c.bound / float(np.minimum(c.row, 0.0) @ modules):.1f} times what the "
            "menu holds"
            if np.any(c.row < 0.0)
            else f"{c.label}: nothing on the menu counts for it"
            for c in wrong
        )
        raise InputError(
            f"plan '{plan.id}': the whole menu does not reach {worst}. "
            "Add measures or modules, or ask for less."
        )
    return found


def _conditions(
    plan: ActionPlan, level: MinimumShare | MinimumCover | SupplierLimit, base: BaseYear
) -> Iterator[Condition]:
    supply = supply_of(doubt_of(base), level.form, level.members)
    if supply.used <= 0.0:
        raise InputError(
            f"plan '{plan.id}': {', '.join(level.countries)} used no {level.form} in the base "
            "year, so no level can be stated for them. Leave it out."
        )
    if isinstance(level, MinimumShare):
        yield _own_share(plan, level, supply)
    elif isinstance(level, SupplierLimit):
        yield from _suppliers(plan, level, base, supply)
    else:
        groups = [level.members] if level.pooled else [(c,) for c in level.members]
        yield from (_cover(plan, level, base, group) for group in groups)


def _tonnes(
    plan: ActionPlan,
    level: MinimumShare | MinimumCover | SupplierLimit,
    kinds: tuple[MeasureKind, ...],
    members: Sequence[str],
) -> Vector:
    """Return what a module of each measure of some kinds gives the countries, t or t/year."""
    return np.array(
        [
            _amount(m)
            if m.type in kinds
            and (m.chain, m.form) == (level.chain, level.form)
            and m.country in members
            else 0.0
            for m in plan.measures
        ]
    )


def _amount(measure: Measure) -> float:
    """Return what a module holds, t, or gives, t/year; a right on a stock gives nothing itself."""
    if isinstance(measure, Access):
        return 0.0
    return (measure.tonnes if isinstance(measure, Stock) else measure.tonnes_per_year).value


def _own_share(plan: ActionPlan, level: MinimumShare, supply: Supply) -> Condition:
    made = _tonnes(plan, level, _PLANTS, level.members)
    return Condition(
        label=f"{level.share:.0%} own output of {level.form} in {_who(level.countries)}",
        members=level.members,
        row=-made,
        bound=supply.own - level.share * supply.used,
    )


def _cover(
    plan: ActionPlan, level: MinimumCover, base: BaseYear, group: Sequence[str]
) -> Condition:
    use = base.absorbed()[base.forms.index(level.form)]
    wanted = 0.0
    for country in group:
        if country in base.countries:
            daily = float(use[base.countries.index(country)]) / DAYS_PER_YEAR
            held = sum(
                s.days.value
                for s in base.chain.stocks
                if s.country == country and s.form in (None, level.form)
            )
            wanted += daily * (level.days.value - held)
    who = _who(level.countries if level.pooled else group)
    return Condition(
        label=f"{level.days.value:g} days of {level.form} in stock in {who}",
        members=tuple(group),
        row=-_tonnes(plan, level, (MeasureKind.STOCK,), group),
        bound=-wanted,
        is_stock=True,
    )


def _suppliers(
    plan: ActionPlan, level: SupplierLimit, base: BaseYear, supply: Supply
) -> Iterator[Condition]:
    """Yield a condition for each supplier at stake, and for sets of them that need the same tonnes.

    What plants, substitution and contracts bring can be divided so that nobody is over the limit if
    and only if no set of suppliers needs more than may take their place (Hall 1935).
    """
    limit, made = level.share_at_most, _tonnes(plan, level, _PLANTS, level.members)
    spared = _tonnes(plan, level, (MeasureKind.SUBSTITUTION,), level.members)
    contracts = _tonnes(plan, level, (MeasureKind.OFFTAKE,), level.members)
    sellers = np.array([m.origin if isinstance(m, Offtake) else "" for m in plan.measures])
    contracts = np.where(np.isin(sellers, level.members), 0.0, contracts)
    excess = dict(zip(base.countries, supply.bought - limit * supply.total, strict=True))

    def condition(names: Sequence[str]) -> Condition:
        own = np.isin(sellers, names)
        bought = np.where(own, contracts if len(names) == 1 else 0.0, -contracts)
        return Condition(
            label=f"at most {limit:.0%} of {level.form} in {_who(level.countries)} from "
            f"{' and '.join(names)}",
            members=level.members,
            row=bought - made - (1.0 - len(names) * limit) * spared,
            bound=-sum(excess[n] for n in names),
        )

    modules = np.array([float(m.modules) for m in plan.measures])
    sold = {n: float((contracts * modules)[sellers == n].sum()) for n in excess}
    for name in sorted(n for n in excess if excess[n] > 0.0 or sold[n] > 0.0):
        yield condition([name])
    # Less need lowers what every supplier may sell.
    lowered = limit * float(spared @ modules)
    for names in _sets(excess, sold, lowered):
        if len(names) > 1:
            yield condition(names)


def _sets(
    excess: Mapping[str, float], sold: Mapping[str, float], lowered: float
) -> Iterator[list[str]]:
    """Yield the sets of suppliers that can be the first to need more than there is.

    All that are over the limit are in each; of those that measures can push over it any that may
    sell more, and of the rest the largest.
    """
    over = [n for n in excess if excess[n] > 0.0]
    pushed = [n for n in excess if excess[n] <= 0.0 < excess[n] + sold[n] + lowered]
    selling = [n for n in pushed if sold[n] > 0.0]
    rest = sorted((n for n in pushed if sold[n] == 0.0), key=lambda n: -excess[n])
    for count in range(len(selling) + 1):
        for some in combinations(selling, count):
            for k in range(len(rest) + 1):
                yield sorted([*over, *some, *rest[:k]])


def _who(names: Sequence[str]) -> str:
    return ", ".join(names)
