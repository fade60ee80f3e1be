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

from collections.abc import Sequence
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
    MinimumShare,
    Offtake,
    Recycling,
    Stock,
    Substitution,
)

__all__ = ["Menu", "annuity", "menu_of", "service"]

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
        Modules in all, what needs what, what rules out what, minimum shares.
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
    pool_budgets: bool

    @property
    def size(self) -> int:
        """J."""
        return int(self.measure.size)

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
        return (
            sparse.csr_array(sparse.vstack([self.rules, sparse.csr_array(matrix[kept])])),
            np.concatenate([self.rule_limit, limit[kept]]),
        )

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


def menu_of(plan: ActionPlan, bases: dict[str, BaseYear]) -> Menu:
    """Return the menu of a plan.

    Parameters
    ----------
    plan
        The specification.
    bases
        Base year of every chain, for prices and own shares.
    """
    pairs = [
        (k, plan.years.index(y))
        for k, m in enumerate(plan.measures)
        for y in (m.years or plan.years)
    ]
    measure = np.array([k for k, _ in pairs], dtype=np.intp)
    year = np.array([y for _, y in pairs], dtype=np.intp)
    money = [_money(plan, plan.measures[k], y, bases) for k, y in pairs]
    rules, limit = _rules(plan, measure, year, bases)
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
        rules=rules,
        rule_limit=limit,
        pool_budgets=plan.pool_budgets,
    )


def _money(
    plan: ActionPlan, measure: Measure, year: int, bases: dict[str, BaseYear]
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


def _rules(
    plan: ActionPlan, measure: Index, year: Index, bases: dict[str, BaseYear]
) -> tuple[sparse.csr_array, Vector]:
    """Return the rules that are not about money, ``A x <= b``."""
    place = {m.id: k for k, m in enumerate(plan.measures)}
    rows: list[Vector] = []
    limit: list[float] = []

    def add(row: Vector, bound: float) -> None:
        rows.append(row)
        limit.append(bound)

    for k, m in enumerate(plan.measures):
        own = (measure == k).astype(float)
        add(own, float(m.modules))
        needed = [place[r] for r in m.requires]
        if isinstance(m, Access):
            needed.append(place[m.stock])
        for r in dict.fromkeys(needed):
            other = (measure == r).astype(float)
            for y in range(len(plan.years)):
                until = (year <= y).astype(float)
                add((own - m.modules * other) * until, 0.0)
        for name in m.excludes:
            r = place[name]
            add(own / m.modules + (measure == r) / plan.measures[r].modules, 1.0)
    for wanted in plan.minimum_shares:
        row, bound = _minimum(plan, wanted, bases[wanted.chain])
        add(row[measure], bound)
    return sparse.csr_array(np.array(rows)), np.array(limit)


def _minimum(plan: ActionPlan, wanted: MinimumShare, base: BaseYear) -> tuple[Vector, float]:
    """Return ``−Σ output of measures <= own output − share · use``, t/year."""
    f = base.forms.index(wanted.form)
    inside = np.isin(base.countries, wanted.countries)
    output = base.produced[f].copy()
    for r, recipe in enumerate(base.chain.recipes):
        if recipe.makes == wanted.form:
            output += base.processed[r]
    missing = wanted.share * float(base.absorbed()[f, inside].sum()) - float(output[inside].sum())
    row = np.array(
        [
            -m.tonnes_per_year.value
            if isinstance(m, Capacity | Recycling)
            and (m.chain, m.form) == (wanted.chain, wanted.form)
            and m.country in wanted.countries
            else 0.0
            for m in plan.measures
        ]
    )
    return row, min(-missing, 0.0)
