"""The study: the best plan, its proof, every coalition's, and the market's verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lodeline import data
from lodeline.network.chain import Chain
from lodeline.results.plan import CoalitionValue, FrontierPoint, PlanResult
from lodeline.studies.plan.benchmarks import benchmarks_of
from lodeline.studies.plan.bundle import SMALL, NoPlanError, Optimum, Search
from lodeline.studies.plan.evaluate import Here, Memory, evaluator_of
from lodeline.studies.plan.folder import check_folder, evaluations_folder
from lodeline.studies.plan.futures import Case
from lodeline.studies.plan.market import Judge
from lodeline.studies.plan.master import Master, risk_of
from lodeline.studies.plan.outcomes import (
    core_words,
    decided,
    market_views,
    measure_outcomes,
    partner_shares,
    stock_prices,
)
from lodeline.studies.plan.own import improve_for_members

__all__ = ["Settings", "run_plan"]

Vector = NDArray[np.float64]
Message = Callable[[str], None]

FRONTIER = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5)
"""Multiples of the budgets."""


@dataclass(frozen=True)
class Settings:
    """How hard to look.

    Attributes
    ----------
    seed
        Fixes the futures; those to judge by are drawn with the next one.
    gap
        Relative gap at which a search stops.
    workers
        Worker processes; 0 or 1: this process.
    coalitions, frontier
        Whether to solve for every coalition, and for other budgets.
    own_loss
        Whether to look for a plan that is better for the partners' own loss, without a bound.
    """

    seed: int = 0
    gap: float = 0.001
    workers: int = 0
    coalitions: bool = True
    frontier: bool = True
    own_loss: bool = False


def run_plan(
    case: Case,
    settings: Settings | None = None,
    *,
    folder: Path | None = None,
    resume: bool = False,
    chains: Mapping[str, Chain] | None = None,
    message: Message | None = None,
) -> PlanResult:
    """Find the best plan and judge it.

    Parameters
    ----------
    case
        What to plan, see `futures.case_of`.
    settings
        How hard to look.
    folder
        Where evaluations are kept, so that a run that was killed goes on; None: nowhere.
    resume
        Go on with what the folder holds.
    chains
        Chains of the user's own, for worker processes.
    message
        Told what is being done.

    Raises
    ------
    InputError
        If the folder holds something else, or no plan obeys the rules.
    """
    settings = settings or Settings()
    talk = message or _silent
    clock = _Clock()
    if folder is not None:
        check_folder(folder, case, settings.seed, resume=resume)
    plan = case.plan
    values = case.values(seed=settings.seed, count=plan.n)
    probability = np.full(plan.n, 1.0 / plan.n)
    menu = case.menu
    master = Master(menu, plan.goal, probability, mip_gap=settings.gap / 5.0)
    with evaluator_of(case, values, workers=settings.workers, chains=chains) as raw:
        memory = Memory(raw, evaluations_folder(folder))
        search = Search(master, memory)
        joint = search.best(gap=settings.gap, progress=_progress(talk, "joint plan"))
        clock.stop("joint plan")
        groups = _coalitions(search, settings, joint, talk)
        clock.stop("coalitions")
        budgets = _budgets(search, settings, joint, talk) if settings.frontier else {}
        clock.stop("frontier")
        central = _central(case, search, settings, talk)
        clock.stop("plan for the central future")
        # From here on no plan is evaluated but sums of what is known: see Search.settled.
        groups = {m: search.settled(o, members=m) for m, o in groups.items()}
        separate = _separate(search, groups)
        parted = None if separate is None else search.value(separate)
        joint = groups[menu.partners] = search.settled(joint)
        budgets = {b: search.settled(o, budget=b) for b, o in budgets.items()}
    talk("judging the plan by the market")
    judge = Judge(case, case.values(seed=settings.seed + 1, count=plan.fresh))
    alone = {m[0]: o.plan for m, o in groups.items() if len(m) == 1}
    plans = {"joint": joint.plan}
    if separate is not None:
        plans |= {"separate": separate} | {f"alone: {name}": plan for name, plan in alone.items()}
    if settings.own_loss:
        plans["own loss"] = improve_for_members(case, Judge(case, values), joint.plan, message=talk)
    views = market_views(case, judge, plans)
    outcomes = measure_outcomes(case, search, judge, joint)
    clock.stop("market")
    without = _finite(search.value(np.zeros(menu.size)))
    coalitions = [_coalition(search, m, o, without) for m, o in groups.items()]
    shares, core = partner_shares(case, judge, joint, coalitions)
    parted_lower = (
        None if separate is None else master.objective(separate, search.pool.values(separate))
    )
    return PlanResult(
        specification=plan.document(),
        seed=settings.seed,
        n=plan.n,
        fresh=plan.fresh,
        base_year=case.base_year,
        years=plan.years,
        objective=joint.upper,
        bound=joint.lower,
        gap=joint.gap,
        gap_of_saving=_of_saving(joint, without),
        without=without,
        expected_loss=float(probability @ joint.losses),
        cvar=risk_of(joint.losses, probability, plan.goal.tail),
        charge_usd=float(menu.charge @ joint.plan),
        cost_usd=float(menu.cash @ joint.plan),
        tail=plan.goal.tail,
        tail_weight=plan.goal.tail_weight,
        measures=outcomes,
        coalitions=tuple(coalitions),
        shares=shares,
        frontier=tuple(_point(search, b, o) for b, o in budgets.items()),
        market=views,
        stock_prices=stock_prices(case, search, joint),
        benchmarks=benchmarks_of(case, joint.plan),
        separate_usd=parted,
        saved_by_joining_usd=None if parted is None else parted - joint.upper,
        saved_at_least_usd=None if parted_lower is None else parted_lower - joint.upper,
        core=core_words(case, core),
        value_of_stochastic_solution=(
            None if central is None else _finite(search.value(central) - joint.upper)
        ),
        evaluations=search.evaluations,
        rounds=joint.rounds,
        seconds=clock.laps,
        dataset=data.dataset_identity(),
        country_names=data.country_names(),
    )  # fmt: skip


def _finite(value: float) -> float | None:
    """Return a value; None if it is infinite: a plan that breaks the limit on the CVaR has none."""
    return value if np.isfinite(value) else None


def _of_saving(joint: Optimum, without: float | None) -> float | None:
    """Return the distance of the bounds over what the plan saves; None if it saves nothing."""
    if without is None:
        return None
    saving = without - joint.upper
    return (joint.upper - joint.lower) / saving if saving > 0.0 else None


class _Clock:
    """Seconds of each part."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def stop(self, name: str) -> None:
        """End a part."""
        now = time.perf_counter()
        self.laps[name] = now - self._last
        self._last = now


def _silent(text: str) -> None:
    del text


def _progress(talk: Message, what: str) -> Callable[[float, float, int], None]:
    def show(lower: float, upper: float, rounds: int) -> None:
        if np.isfinite(upper):
            gap = (upper - lower) / max(abs(upper), SMALL)
            talk(f"{what}: round {rounds}, {upper / 1e6:,.1f} m USD, gap {gap:.2%}")

    return show


def _coalitions(
    search: Search, settings: Settings, joint: Optimum, talk: Message
) -> dict[tuple[str, ...], Optimum]:
    """Return the best plan of every coalition, all partners last; without those that have none."""
    names = search.master.menu.partners
    full = (1 << len(names)) - 1
    out = {}
    for mask in range(1, full) if settings.coalitions else ():
        members = tuple(p for i, p in enumerate(names) if mask >> i & 1)
        what = f"plan of {' and '.join(members)}"
        try:
            out[members] = search.best(
                gap=settings.gap, members=members, progress=_progress(talk, what)
            )
        except NoPlanError:
            talk(f"{what}: none obeys all rules")
    return {**out, names: joint}


def _coalition(
    search: Search, members: tuple[str, ...], found: Optimum, without: float | None
) -> CoalitionValue:
    menu = search.master.menu
    return CoalitionValue(
        members=members,
        upper=found.upper,
        lower=found.lower,
        saving=None if without is None else without - found.upper,
        cost_usd=float(menu.cash @ found.plan),
        measures=decided(menu, found.plan),
    )


def _separate(search: Search, groups: Mapping[tuple[str, ...], Optimum]) -> Vector | None:
    """Return all standalone plans carried out together; None if they were not found.

    No partner can take another's measure alone, so that the plans never overlap.
    """
    single = [o.plan for members, o in groups.items() if len(members) == 1]
    if len(single) < 2 or len(single) < len(search.master.menu.partners):
        return None
    return np.asarray(np.sum(single, axis=0))


def _budgets(
    search: Search, settings: Settings, joint: Optimum, talk: Message
) -> dict[float, Optimum]:
    """Return the best plan for several multiples of the budgets, without those that have none."""
    out = {}
    for factor in FRONTIER:
        what = f"{factor:g} times the budget"
        try:
            out[factor] = (
                joint
                if factor == 1.0
                else search.best(gap=settings.gap, budget=factor, progress=_progress(talk, what))
            )
        except NoPlanError:
            talk(f"{what}: no plan obeys all rules")
    return out


def _point(search: Search, factor: float, found: Optimum) -> FrontierPoint:
    master = search.master
    return FrontierPoint(
        budget_factor=factor,
        cost_usd=float(master.menu.cash @ found.plan),
        upper=found.upper,
        lower=found.lower,
        expected_loss=float(master.probability @ found.losses),
        cvar=risk_of(found.losses, master.probability, master.goal.tail),
    )


def _central(case: Case, search: Search, settings: Settings, talk: Message) -> Vector | None:
    """Return the plan for the central future alone, evaluated in all; None under a CVaR limit."""
    if case.plan.goal.cvar_usd_at_most is not None:
        return None
    talk("plan for the central future")
    one = Master(case.menu, case.plan.goal, np.ones(1), mip_gap=settings.gap / 5.0)
    plan = Search(one, Here(case, case.central())).best(gap=settings.gap).plan
    search.losses(plan)
    return plan
