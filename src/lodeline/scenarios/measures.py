"""What can be done: measures, who pays, and what an action plan is asked to find.

An action plan is one YAML file. A measure is decided in one of its years, once or in several equal
modules; until its lead time has passed it does nothing. Every number may be a range and says where
it comes from, or is marked ``assumed``.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import Field, Strict, model_validator

from lodeline.errors import suggest
from lodeline.scenarios.ensemble_spec import Ensemble
from lodeline.scenarios.levels import Goal, MinimumCover, MinimumShare, SupplierLimit, UnmetLimit
from lodeline.scenarios.restrictions import (
    Identifier,
    Iso3,
    NonNegative,
    ShareNumber,
    Spec,
    Text,
)
from lodeline.scenarios.spec import Assumption

__all__ = [
    "Access",
    "ActionPlan",
    "Capacity",
    "Measure",
    "MeasureKind",
    "Offtake",
    "Partner",
    "Recycling",
    "Stock",
    "Substitution",
]

Whole = Annotated[int, Strict(), Field(ge=1)]
Year = Annotated[int, Strict(), Field(ge=1990, le=2100)]


class MeasureKind(StrEnum):
    """Kinds of measure."""

    CAPACITY = "capacity"
    RECYCLING = "recycling"
    SUBSTITUTION = "substitution"
    STOCK = "stock"
    OFFTAKE = "offtake"
    ACCESS = "access"


class MeasureBase(Spec):
    """What all kinds share: who pays, when it may be decided, what it needs and rules out."""

    id: Identifier
    """Short name, unique in the plan."""
    title: Text
    """Name for readers."""
    by: tuple[Identifier | Iso3, ...] = Field(min_length=1)
    """Partners who pay, in equal parts unless `shares` says otherwise; it needs all of them."""
    shares: tuple[ShareNumber, ...] = ()
    """Share of the cost of each of `by`; sums to 1."""
    chain: Identifier
    """Chain that it acts on."""
    form: Identifier
    """Form of the chain that it supplies, keeps or replaces."""
    country: Iso3
    """Where it stands, or whose users it serves."""
    years: tuple[Year, ...] = ()
    """Calendar years in which it may be decided; default all years of the plan."""
    modules: Whole = 1
    """How often it can be built in all."""
    continuous: Annotated[bool, Strict()] = False
    """Whether any part of a module will do."""
    lead_years: NonNegative
    """Years from the decision until it works."""
    ramp_years: NonNegative = NonNegative(value=0.0, low=0.0, high=0.0)
    """Years from then until it works in full, rising in a straight line."""
    requires: tuple[Identifier, ...] = ()
    """Measures that must be decided before or in the same year."""
    excludes: tuple[Identifier, ...] = ()
    """Measures that cannot be decided as well."""
    source: str = ""
    """Where the measure and its numbers come from, unless a number says otherwise."""
    note: str = ""
    """Anything the reader should know."""

    @property
    def weights(self) -> dict[str, float]:
        """Share of the cost by partner."""
        shares = self.shares or tuple(1.0 / len(self.by) for _ in self.by)
        return dict(zip(self.by, shares, strict=True))

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        if self.shares and (len(self.shares) != len(self.by) or abs(sum(self.shares) - 1) > 1e-9):
            raise ValueError("'shares' needs one number for each of 'by', with a sum of 1")
        return self


class _Plant(MeasureBase):
    """Something that supplies a form, year after year."""

    tonnes_per_year: NonNegative
    """Output of a module in full service, t/year of the form's unit."""
    capex_usd: NonNegative
    """Money to build a module."""
    fixed_usd_per_year: NonNegative = NonNegative(value=0.0, low=0.0, high=0.0)
    """Money that a module needs a year whether it runs or not, from its first year in service."""
    opex_usd_per_t: NonNegative | None = None
    """Cost of a tonne without the material that goes in; null: `opex_over_price` counts."""
    opex_over_price: NonNegative = NonNegative(
        value=1.0, low=0.8, high=1.3, assumed=True,
        source="At the margin that existing plants earn, unless a figure is known",
    )  # fmt: skip
    """Cost of a tonne over what existing plants earn on it in the base year."""
    life_years: NonNegative = NonNegative(
        value=20.0, low=10.0, high=30.0, assumed=True, source="Usual for chemical plants"
    )
    """Years over which a module is written off."""


class Capacity(_Plant):
    """A mine, refinery or plant: takes what the chain's recipe takes, if the form has one."""

    type: Literal[MeasureKind.CAPACITY]


class Recycling(_Plant):
    """Output from scrap: no recipe input."""

    type: Literal[MeasureKind.RECYCLING]


class Substitution(_Plant):
    """Need for the form that is met otherwise: counts as supply to the country's users."""

    type: Literal[MeasureKind.SUBSTITUTION]


class Stock(MeasureBase):
    """A strategic stock, bought when decided, released in need, replaced afterwards."""

    type: Literal[MeasureKind.STOCK]
    tonnes: NonNegative
    """What a module holds, t of the form's unit."""
    purchase_over_price: NonNegative = NonNegative(value=1.0, low=1.0, high=1.0)
    """Purchase price over the reference price."""
    holding_share_per_year: NonNegative
    """Storage, insurance and rotation a year, as a share of the purchase."""
    release_over_price: NonNegative
    """Price over the reference price above which it is released; it is replaced at that cost."""
    release_share_per_month: NonNegative
    """Most that is released a month, as a share of the stock."""


class Offtake(MeasureBase):
    """A contract on a lane: the right to buy, also when lanes cannot grow that fast."""

    type: Literal[MeasureKind.OFFTAKE]
    origin: Iso3
    """Country that sells to `country`."""
    tonnes_per_year: NonNegative
    """What may be called on, t/year of the form's unit."""
    fee_usd_per_t: NonNegative
    """What the right costs, USD for each t/year and year, called on or not."""
    premium_over_price: NonNegative
    """Extra cost of a tonne that is called on, over the reference price."""


class Access(MeasureBase):
    """A right to draw on a partner's strategic stock."""

    type: Literal[MeasureKind.ACCESS]
    stock: Identifier
    """The stock measure that may be drawn on."""
    share_per_month: NonNegative
    """Most that is drawn a month, as a share of a module of the stock."""
    cost_usd: NonNegative
    """Money to set it up."""


Measure = Annotated[
    Capacity | Recycling | Substitution | Stock | Offtake | Access, Field(discriminator="type")
]
"""One of the six kinds, told apart by `type`."""


class Partner(Spec):
    """A country or group of countries with a budget of its own."""

    id: Identifier | Iso3
    """Name, as measures write it under `by`."""
    title: Text
    """Name for readers."""
    members: tuple[Iso3, ...] = Field(min_length=1)
    """Countries whose loss is the partner's."""
    budget_usd: NonNegative
    """Money for all years."""
    budget_usd_by_year: dict[Year, NonNegative] = Field(default_factory=dict)
    """Money for single years, where there is less than the whole."""


class ActionPlan(Spec):
    """The question that a plan answers: menu, money, futures, goal."""

    id: Identifier
    """Identifier, also the name of the file."""
    title: Text
    """Name for readers."""
    question: Text
    """What the reader wants to know, in one sentence."""
    futures: Ensemble
    """Identifier of a bundled ensemble or scenario, or path of a file from the plan's folder."""
    n: Whole = 100
    """Futures that the plan is made for."""
    fresh: Whole = 256
    """Further futures, with another seed, that it is judged by."""
    first_year: Year
    """First year in which measures are decided; the futures begin with its January."""
    plan_years: Annotated[int, Strict(), Field(ge=1, le=10)] = 3
    """Years of the plan and of its futures."""
    period_months: Literal[1, 2, 3, 4, 6, 12] = 3
    """Months of a period of the planning problem."""
    countries: Annotated[int, Strict(), Field(ge=3, le=250)] = 40
    """Countries shown by themselves, the rest of the world included."""
    small_lanes: ShareNumber = 1e-4
    """Lanes below this share of a form's world trade go through the rest of the world."""
    interest: NonNegative
    """Cost of capital a year, as a share."""
    goal: Goal = Goal()
    """What the plan is chosen by."""
    partners: tuple[Partner, ...] = Field(min_length=1, max_length=8)
    """Who pays."""
    pool_budgets: Annotated[bool, Strict()] = True
    """Whether partners pay from one purse; false: each pays its shares from its own."""
    measures: tuple[Measure, ...] = Field(min_length=1, max_length=200)
    """What can be done."""
    minimum_shares: tuple[MinimumShare, ...] = ()
    """Shares of own output that the plan must reach."""
    minimum_cover: tuple[MinimumCover, ...] = ()
    """Days of use in strategic stocks that the plan must reach."""
    supplier_limits: tuple[SupplierLimit, ...] = ()
    """Shares of the largest supplier that the plan must not exceed."""
    unmet_limits: tuple[UnmetLimit, ...] = ()
    """Unmet use in the market that a second plan is sought for, by simulation, without a bound."""
    assumptions: tuple[Assumption, ...] = ()
    """What is assumed beyond the numbers marked so."""

    @property
    def members(self) -> tuple[str, ...]:
        """Countries of all partners."""
        return tuple(c for p in self.partners for c in p.members)

    @property
    def conditions(self) -> tuple[MinimumShare | MinimumCover | SupplierLimit, ...]:
        """All levels that are linear in the measures and so bind the certified plan."""
        return (*self.minimum_shares, *self.minimum_cover, *self.supplier_limits)

    @property
    def chains(self) -> tuple[str, ...]:
        """Chains that measures act on, in order of first mention."""
        return tuple(dict.fromkeys(m.chain for m in self.measures))

    @property
    def years(self) -> tuple[int, ...]:
        """Years in which measures may be decided."""
        return tuple(range(self.first_year, self.first_year + self.plan_years))

    @property
    def months(self) -> int:
        """Months of the futures."""
        return 12 * self.plan_years

    def document(self) -> dict[str, Any]:
        """Return the specification as plain data, ensembles written out."""
        return self.model_dump(mode="json")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wrong = [*_name_problems(self), *_time_problems(self)]
        if wrong:
            raise ValueError("; ".join(w.rstrip(".") for w in wrong))
        return self


def _name_problems(plan: ActionPlan) -> Iterator[str]:
    """Yield names that are given twice or not known."""
    ids = [m.id for m in plan.measures]
    partners = [p.id for p in plan.partners]
    for kind, names in (("measure", ids), ("partner", partners)):
        for name in sorted({n for n in names if names.count(n) > 1}):
            yield f"{kind} '{name}' appears more than once"
    stocks = [m.id for m in plan.measures if isinstance(m, Stock)]
    for m in plan.measures:
        for partner in m.by:
            if partner not in partners:
                yield f"measure '{m.id}': no partner '{partner}'. {suggest(partner, partners)}"
        for other in (*m.requires, *m.excludes):
            if other not in ids:
                yield f"measure '{m.id}': no measure '{other}'. {suggest(other, ids)}"
        if isinstance(m, Access) and m.stock not in stocks:
            yield f"measure '{m.id}': no stock '{m.stock}'. {suggest(m.stock, stocks)}"
        if isinstance(m, Offtake) and m.origin == m.country:
            yield f"measure '{m.id}': buys from its own country {m.country}"


def _time_problems(plan: ActionPlan) -> Iterator[str]:
    """Yield years outside the plan, and futures that do not fit it."""
    for m in plan.measures:
        for year in m.years:
            if year not in plan.years:
                yield (
                    f"measure '{m.id}': {year} lies outside the plan's years "
                    f"{plan.years[0]} to {plan.years[-1]}"
                )
    for chain in plan.chains:
        if chain not in plan.futures.simulated:
            known = ", ".join(plan.futures.simulated)
            yield f"no future restricts chain '{chain}'; they restrict {known}"
    for level in (*plan.conditions, *plan.unmet_limits):
        if level.chain not in plan.chains:
            known = ", ".join(plan.chains)
            yield f"a level names chain '{level.chain}'; measures act on {known} alone"
