"""The futures of a plan: the ensemble's, on a network of fewer countries.

Future i of block b is scenario i of the ensemble drawn with seed `seed + b`, so the futures that a
plan is made for and those that it is judged by never meet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lodeline.errors import InputError
from lodeline.network import BaseYear, Network
from lodeline.network.aggregate import aggregate
from lodeline.network.base_year import base_year
from lodeline.network.catalogue import load_chain
from lodeline.network.chain import Chain
from lodeline.scenarios.ensemble_spec import Ensemble
from lodeline.scenarios.measures import ActionPlan, Offtake
from lodeline.solver.again import Patterns
from lodeline.studies.ensemble.batch import Block, ChainModel
from lodeline.studies.ensemble.factors import Factor, draw, factors_of
from lodeline.studies.plan.columns import Columns, columns_of, extended
from lodeline.studies.plan.menu import Menu, menu_of
from lodeline.studies.plan.recourse import Future, Recourse, recourse_of
from lodeline.units import Month

__all__ = ["Case", "ChainCase", "Values", "case_of", "output_factor", "tax"]

Vector = NDArray[np.float64]
Values = Mapping[str, Vector]


@dataclass(frozen=True)
class ChainCase:
    """One chain of a plan.

    Attributes
    ----------
    model
        The ensemble's model of the chain, on the smaller network.
    columns
        The measures' columns.
    network
        The model's network with these columns at the end.
    period
        Months of a period.
    """

    model: ChainModel
    columns: Columns
    network: Network
    period: int

    def futures(self, values: Values) -> list[Future]:
        """Return what drawn values do to the chain, each of shape (future,)."""
        block = Block.of(self.model, values)
        months = range(len(self.model.months))
        limits = [block.limits(t) for t in months]
        factors = [output_factor(block, t) for t in months]
        taxes = [tax(block, t) for t in months]

        return [
            Future(
                reference=block.reference[i],
                margin=block.margin[i],
                slope=block.slope[i],
                elasticity=block.elasticity[i],
                cap=block.cap[i],
                capacity=block.capacity[i],
                lane_growth=float(block.growth[i]),
                rebuild=float(block.rebuild[i]),
                growth_base=block.growth_base[i],
                limit=np.array([m[i] for m in limits]).reshape(len(months), -1),
                output_factor=np.array([m[i] for m in factors]),
                tax=np.array([m[i] for m in taxes]),
            )
            for i in range(block.count)
        ]

    def recourse(self, future: Future) -> Recourse:
        """Return the planning problem of a future; what equals another's is held once."""
        found = recourse_of(
            self.network, self.columns, future, period=self.period, patterns=self._patterns
        )
        if self._first:
            return found.sharing(self._first[0])
        self._first.append(found)
        return found

    @cached_property
    def _patterns(self) -> Patterns:
        return Patterns()

    @cached_property
    def _first(self) -> list[Recourse]:
        """At most one: the first that was asked for."""
        return []


def output_factor(block: Block, month: int) -> Vector:
    """Return the share of capacity that outages leave, shape (future, activity)."""
    out = np.ones(block.reference.shape)
    out[:, block.model.cut] = block.capacity_left(month)
    return out


def tax(block: Block, month: int) -> Vector:
    """Return what is paid on top of a tonne, USD/t, shape (future, activity)."""
    out = np.zeros(block.reference.shape)
    out[:, block.model.taxed] = block.tax_paid(month)
    return out


@dataclass(frozen=True)
class Case:
    """A plan's question, made ready: menu, chains, and what may be drawn.

    Attributes
    ----------
    plan
        The specification.
    menu
        Choices and money.
    whole, bases
        Base year of every chain, with all countries and on the smaller network.
    factors
        What is drawn.
    ensemble
        The plan's futures on the plan's calendar.
    base_year
        Year of the trade data.
    """

    plan: ActionPlan
    menu: Menu
    whole: dict[str, BaseYear]
    bases: dict[str, BaseYear]
    factors: tuple[Factor, ...]
    ensemble: Ensemble
    base_year: int

    @cached_property
    def chains(self) -> tuple[ChainCase, ...]:
        """The chains, calibrated."""
        out = []
        for name in self.plan.chains:
            model = ChainModel(self.ensemble, self.bases[name], self.factors)
            columns = columns_of(self.plan, self.menu, model.network)
            network = extended(model.network, columns)
            out.append(ChainCase(model, columns, network, self.plan.period_months))
        return tuple(out)

    def values(self, *, seed: int, count: int) -> Values:
        """Return the drawn numbers of `count` futures, each of shape (future,)."""
        return draw(self.factors, seed=seed, first=0, count=count).values

    def central(self) -> Values:
        """Return the future in which every number has its central value, shape (1,).

        An event happens in it if it is at least as likely as not.
        """
        return {
            f.key: np.array([float(f.value >= 0.5) if f.key.endswith(".happens") else round_if(f)])
            for f in self.factors
        }


def round_if(factor: Factor) -> float:
    """Return the central value of a factor, whole where it counts months."""
    return float(round(factor.value)) if factor.is_whole else factor.value


def case_of(
    plan: ActionPlan,
    *,
    year: int | None = None,
    chains: Mapping[str, Chain] | None = None,
    message: Callable[[str], None] | None = None,
) -> Case:
    """Return the case of a plan.

    Parameters
    ----------
    plan
        The specification.
    year
        Year of the trade data; default the futures', else the year before the plan, as far as
        there are data.
    chains
        Chains of the user's own, by identifier.
    message
        Told what is being done.

    Raises
    ------
    InputError
        If a measure stands where nothing can be added, an event comes after the plan, or the whole
        menu does not reach a level of security.
    """
    own = dict(chains or {})
    ensemble = _on_calendar(plan)
    chosen = year or ensemble.base_year or _last_year(plan.first_year - 1)
    whole, bases = {}, {}
    for name in plan.chains:
        if message is not None:
            message(f"base year {chosen} of {name}")
        whole[name] = base_year(own[name] if name in own else load_chain(name), chosen)
        bases[name] = aggregate(
            whole[name], countries=plan.countries, keep=_named(plan, name), small=plan.small_lanes
        )
    return Case(
        plan=plan,
        menu=menu_of(plan, bases, whole),
        whole=whole,
        bases=bases,
        # A plan has one base year: its measures stand in it.
        factors=factors_of(ensemble, bases, lanes=False),
        ensemble=ensemble,
        base_year=chosen,
    )


def _last_year(wanted: int) -> int:
    from lodeline import data

    last = [int(y) for y in data.code_status()["last_year"].to_list() if y is not None]
    return min(wanted, max(last))


def _on_calendar(plan: ActionPlan) -> Ensemble:
    """Return the futures over the plan's months, with the plan's chains alone.

    Raises
    ------
    InputError
        If nothing that may happen falls into these months, or goods take their time.
    """
    if plan.futures.lead_time:
        raise InputError(
            f"plan '{plan.id}': ensemble '{plan.futures.id}' has lead times, which plans do not "
            "know. Set its lead_time to false."
        )
    first = Month(plan.first_year, 1)
    last = first + (plan.months - 1)
    wanted = set(plan.chains)
    events = tuple(
        e
        for e in plan.futures.events
        if any(r.chain in wanted and r.start + e.delay_months.low <= last for r in e.chosen)
    )
    if not events:
        raise InputError(
            f"plan '{plan.id}': nothing in ensemble '{plan.futures.id}' can happen from {first} to "
            f"{last}. Choose other futures or years."
        )
    return plan.futures.model_copy(
        update={"events": events, "chains": plan.chains, "start": first, "months": plan.months}
    )


def _named(plan: ActionPlan, chain: str) -> set[str]:
    """Return the countries that must stay themselves."""
    out = {c for p in plan.partners for c in p.members if len(p.members) <= 5}
    for m in plan.measures:
        if m.chain == chain:
            out |= {m.country} | ({m.origin} if isinstance(m, Offtake) else set())
    for limit in plan.unmet_limits:
        if limit.chain == chain:
            out |= set(limit.members)
    for event in plan.futures.events:
        for r in event.chosen:
            if r.chain == chain:
                targets = r.targets or ()
                out |= {*r.restrictors, *(targets if len(targets) <= 5 else ())}
    return out
