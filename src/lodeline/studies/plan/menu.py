"""The menu as arrays: what may be decided, what it costs, what rules it obeys.

A *choice* is a measure in a year; its level x is the number of modules decided (any part of one if
the measure is continuous). Legend: J choices, M measures, Y years, P partners.

Two figures are told apart. The *cash* of a choice is all that is paid for it within the plan's
years: that is what budgets limit. Its *charge* is the part of it that those years have to bear:
what is built or bought outlives them, so only interest and write-off (an annuity over its life,
for a stock the interest alone) count, beside yearly costs. The charge is what the plan weighs
against losses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lodeline.network import BaseYear
from lodeline.scenarios.measures import (
    Access,
    ActionPlan,
    Capacity,
    Measure,
    Offtake,
    Recycling,
    Stock,
    Substitution,
)
from lodeline.studies.plan.rules import rules_of, service

__all__ = ["Menu", "annuity", "menu_of"]

Vector = NDArray[np.float64]
Index = NDArray[np.intp]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Menu:
    """Choices, their money and their rules ``rules @ x <= rule_limit``.

    Attributes
    ----------
    measures, years, partners
        Identifiers of measures and partners, calendar years.
    measure, year
        What each choice is, shape (choice,).
    modules, is_integer
        Largest level; whether it is whole, shape (choice,).
    cash, charge
        USD a module, shape (choice,).
    cash_by_year
        When the cash is paid, USD, shape (year, choice).
    weights
        Share of the cost of each partner, shape (partner, choice).
    budget, budget_by_year
        USD, shapes (partner,), (partner, year); infinite where there is no limit.
    rules, rule_limit
        Modules in all, what needs what, what rules out what, levels of security.
    asked
        Of which partners each rule is asked, shape (rule, partner): a coalition keeps those that
        are asked of any of its members.
    pool_budgets
        Whether partners pay from one purse.
    """

    measures: tuple[str, ...]
    years: tuple[int, ...]
    partners: tuple[str, ...]
    measure: Index
    year: Index
    modules: Vector
    is_integer: Flags
    cash: Vector
    charge: Vector
    cash_by_year: Vector
    weights: Vector
    budget: Vector
    budget_by_year: Vector
    rules: sparse.csr_array
    rule_limit: Vector
    asked: Flags
    pool_budgets: bool

    @property
    def size(self) -> int:
        """J."""
        return int(self.measure.size)

    @property
    def whole(self) -> Vector:
        """Everything at once, as early as it can be decided, money and exclusions aside."""
        first = np.array([self.year[self.measure == k].min() for k in self.measure])
        return np.asarray(np.where(self.year == first, self.modules, 0.0))

    def open_to(self, members: Sequence[str]) -> Flags:
        """Return which choices a coalition can take: those that nobody else pays for."""
        inside = np.array([p in members for p in self.partners])
        return np.asarray(self.weights[~inside].sum(axis=0) <= 0.0)

    def constraints(
        self, members: Sequence[str], scale: float = 1.0
    ) -> tuple[sparse.csr_array, Vector]:
        """Return all rules and budgets of a coalition, ``A x <= b``.

        Parameters
        ----------
        members
            Partners that act together.
        scale
            Factor on the budgets.
        """
        inside = np.flatnonzero([p in members for p in self.partners])
        share, limits = self.weights[inside], scale * self.budget[inside]
        by_year = self.budget_by_year[inside]
        is_limit = np.isfinite(by_year)
        by_year = np.where(is_limit, scale * np.where(is_limit, by_year, 0.0), np.inf)
        if self.pool_budgets:
            share = share.sum(axis=0, keepdims=True)
            limits, by_year = limits.sum(keepdims=True), by_year.sum(axis=0, keepdims=True)
        rows = [share * self.cash]
        bounds = [limits]
        for k in range(len(self.years)):
            rows.append(share * self.cash_by_year[k])
            bounds.append(by_year[:, k])
        matrix, limit = np.vstack(rows), np.concatenate(bounds)
        kept = np.isfinite(limit)
        asked = self.asked[:, inside].any(axis=1)
        return (
            sparse.csr_array(sparse.vstack([self.rules[asked], sparse.csr_array(matrix[kept])])),
            np.concatenate([self.rule_limit[asked], limit[kept]]),
        )

    def allows(self, plan: Vector) -> bool:
        """Return whether a plan, shape (choice,), keeps all rules and budgets of all partners."""
        rules, limit = self.constraints(self.partners)
        return bool(np.all(rules @ plan <= limit + 1e-7 * np.maximum(np.abs(limit), 1.0)))

    def with_cost(self, measure: int, factor: float) -> Menu:
        """Return the menu with the cost of one measure multiplied."""
        f = np.where(self.measure == measure, factor, 1.0)
        return replace(
            self, cash=self.cash * f, charge=self.charge * f, cash_by_year=self.cash_by_year * f
        )


def annuity(interest: float, years: float) -> float:
    """Return the yearly payment that pays back 1 over `years`.

    Examples
    --------
    >>> round(annuity(0.05, 20.0), 4)
    0.0802
    """
    if interest == 0.0:
        return 1.0 / years
    return float(interest / (1.0 - (1.0 + interest) ** -years))


def menu_of(
    plan: ActionPlan, bases: Mapping[str, BaseYear], whole: Mapping[str, BaseYear] | None = None
) -> Menu:
    """Return the menu of a plan.

    Parameters
    ----------
    plan
        The specification.
    bases
        Base year of every chain, for prices.
    whole
        The same with all countries by themselves, for levels of security; default `bases`.
    """
    pairs = [
        (k, plan.years.index(y))
        for k, m in enumerate(plan.measures)
        for y in (m.years or plan.years)
    ]
    measure = np.array([k for k, _ in pairs], dtype=np.intp)
    year = np.array([y for _, y in pairs], dtype=np.intp)
    money = [_money(plan, plan.measures[k], y, bases) for k, y in pairs]
    rules = rules_of(plan, measure, year, whole or bases)
    partners = [p.id for p in plan.partners]
    none = float("inf")
    return Menu(
        measures=tuple(m.id for m in plan.measures),
        years=plan.years,
        partners=tuple(partners),
        measure=measure,
        year=year,
        modules=np.array([float(plan.measures[k].modules) for k in measure]),
        is_integer=np.array([not plan.measures[k].continuous for k in measure]),
        cash=np.array([paid.sum() for paid, _ in money]),
        charge=np.array([charge for _, charge in money]),
        cash_by_year=np.array([paid for paid, _ in money]).T,
        weights=np.array(
            [[plan.measures[k].weights.get(p, 0.0) for k in measure] for p in partners]
        ),
        budget=np.array([p.budget_usd.value for p in plan.partners]),
        budget_by_year=np.array(
            [
                [
                    p.budget_usd_by_year[y].value if y in p.budget_usd_by_year else none
                    for y in plan.years
                ]
                for p in plan.partners
            ]
        ),
        rules=rules.matrix,
        rule_limit=rules.limit,
        asked=rules.asked,
        pool_budgets=plan.pool_budgets,
    )


def _money(
    plan: ActionPlan, measure: Measure, year: int, bases: Mapping[str, BaseYear]
) -> tuple[Vector, float]:
    """Return the cash of a module by year, USD, and its charge."""
    years = len(plan.years)
    paid = np.zeros(years)
    interest = plan.interest.value
    borne = years - year
    running = service(measure, year, plan.months).reshape(years, 12) > 0.0
    served = running.mean(axis=1)
    base = bases[measure.chain]
    price = float(base.prices[base.forms.index(measure.form)])
    if isinstance(measure, Capacity | Recycling | Substitution):
        paid[year] = measure.capex_usd.value
        fixed = measure.fixed_usd_per_year.value * served
        charge = measure.capex_usd.value * annuity(interest, measure.life_years.value) * borne
        return paid + fixed, charge + float(fixed.sum())
    if isinstance(measure, Stock):
        bought = measure.tonnes.value * price * measure.purchase_over_price.value
        paid[year] = bought
        held = bought * measure.holding_share_per_year.value * served
        # What is paid over the reference price is lost, the rest is there at the end.
        lost = measure.tonnes.value * price * (measure.purchase_over_price.value - 1.0)
        return paid + held, float(held.sum()) + lost + interest * bought * borne
    if isinstance(measure, Offtake):
        fee = measure.fee_usd_per_t.value * measure.tonnes_per_year.value * served
        return paid + fee, float(fee.sum())
    assert isinstance(measure, Access)
    paid[year] = measure.cost_usd.value
    return paid, measure.cost_usd.value
