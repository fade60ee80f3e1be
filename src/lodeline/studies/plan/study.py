"""The study: the best plan, its proof, every coalition's, and the market's verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lodeline import data
from lodeline.network.chain import Chain
from lodeline.results.plan import PlanResult
from lodeline.studies.plan.benchmarks import benchmarks_of
from lodeline.studies.plan.bundle import Search
from lodeline.studies.plan.contributions import measure_outcomes
from lodeline.studies.plan.evaluate import Memory, evaluator_of
from lodeline.studies.plan.exchange import improve_for_members, reach_unmet_limits, unmet_outcomes
from lodeline.studies.plan.folder import check_folder, evaluations_folder
from lodeline.studies.plan.futures import Case
from lodeline.studies.plan.market import Judge
from lodeline.studies.plan.master import Master, risk_of
from lodeline.studies.plan.outcomes import (
    cash_by_year,
    coalition_values,
    core_words,
    fresh_comparisons,
    frontier_points,
    level_outcomes,
    market_views,
    partner_shares,
    stock_prices,
)
from lodeline.studies.plan.questions import MIP_GAP, Answers, Settings, Talk, answers_of

__all__ = ["Settings", "run_plan"]

Vector = NDArray[np.float64]


def run_plan(
    case: Case,
    settings: Settings | None = None,
    *,
    folder: Path | None = None,
    resume: bool = False,
    chains: Mapping[str, Chain] | None = None,
    message: Callable[[str], None] = lambda _: None,
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
    talk = Talk(message)
    if folder is not None:
        check_folder(folder, case, settings.seed, resume=resume)
    plan = case.plan
    values = case.values(seed=settings.seed, count=plan.n)
    probability = np.full(plan.n, 1.0 / plan.n)
    master = Master(case.menu, plan.goal, probability, mip_gap=MIP_GAP)
    with evaluator_of(
        case, values, workers=settings.workers, chains=chains, told=talk.future
    ) as raw:
        search = Search(master, Memory(raw, evaluations_folder(folder)))
        answers = answers_of(case, search, settings, talk)
    judge = Judge(case, case.values(seed=settings.seed + 1, count=plan.fresh), told=talk.step)
    chosen_by = Judge(case, values, told=talk.step)
    plans = _plans(case, chosen_by, answers, settings, talk)
    return _result(case, search, answers, judge, chosen_by, plans, settings, talk)


def _plans(
    case: Case, chosen_by: Judge, answers: Answers, settings: Settings, talk: Talk
) -> dict[str, Vector]:
    """Return the plans that the market judges, by name; some are sought in it first."""
    plans = {"joint": answers.joint.plan}
    alone = {m[0]: o.plan for m, o in answers.groups.items() if len(m) == 1}
    if answers.separate is not None:
        plans |= {"separate": answers.separate}
        plans |= {f"alone: {name}": plan for name, plan in alone.items()}
    if settings.own_loss:
        others = case.values(seed=settings.seed + 2, count=case.plan.fresh)
        improved = partial(
            improve_for_members,
            case,
            chosen_by,
            confirmed_by=Judge(case, others, told=talk.step),
            message=talk.step,
        )
        start = answers.joint.plan
        if answers.separate is not None:
            each = [improved(p, partners=(name,)) for name, p in alone.items()]
            together = np.asarray(np.sum(each, axis=0))
            if case.menu.allows(together):
                plans["own loss, separate"] = start = together
        plans["own loss"] = improved(start)
        talk.end("own loss")
    if case.plan.unmet_limits:
        plans["unmet limits"] = reach_unmet_limits(
            case, chosen_by, answers.joint.plan, message=talk.step
        )
        talk.end("limits on unmet use")
    return plans


def _result(
    case: Case,
    search: Search,
    answers: Answers,
    judge: Judge,
    chosen_by: Judge,
    plans: dict[str, Vector],
    settings: Settings,
    talk: Talk,
) -> PlanResult:
    """Judge the plans and gather everything."""
    plan, joint = case.plan, answers.joint
    talk.say("judging plans by the market")
    judged: dict[str, Any] = {
        "market": market_views(case, judge, plans),
        "comparisons": fresh_comparisons(case, judge, plans),
        "unmet_limits": unmet_outcomes(case, judge, chosen_by, plans, plans["unmet limits"])
        if plan.unmet_limits
        else (),
    }
    talk.say("judging what each measure prevents")
    outcomes = measure_outcomes(case, search, judge, joint)
    coalitions = coalition_values(case.menu, answers)
    shares, core = partner_shares(case, judge, joint, coalitions)
    talk.end("market")
    return PlanResult(
        specification=plan.document(),
        seed=settings.seed,
        n=plan.n,
        fresh=plan.fresh,
        base_year=case.base_year,
        years=plan.years,
        cash_by_year=cash_by_year(case, joint.plan),
        tail=plan.goal.tail,
        tail_weight=plan.goal.tail_weight,
        measures=outcomes,
        coalitions=coalitions,
        shares=shares,
        stock_prices=stock_prices(case, search, joint),
        benchmarks=benchmarks_of(case, joint.plan),
        levels=level_outcomes(case, joint.plan),
        core=core_words(case, core),
        evaluations=search.evaluations,
        rounds=joint.rounds,
        seconds=talk.seconds,
        dataset=data.dataset_identity(),
        country_names=data.country_names(),
        **judged,
        **_proven(case, search, answers),
        **_joining(answers),
    )


def _proven(case: Case, search: Search, answers: Answers) -> dict[str, Any]:
    """Return what is known of the joint plan in the futures that it is made for."""
    menu, joint, goal = case.menu, answers.joint, case.plan.goal
    probability = search.master.probability
    before = search.losses(np.zeros(menu.size))
    return {
        "objective": joint.upper,
        "bound": joint.lower,
        "gap": joint.gap,
        "gap_of_saving": _of_saving(answers),
        "without": answers.without,
        "expected_loss": float(probability @ joint.losses),
        "cvar": risk_of(joint.losses, probability, goal.tail),
        "charge_usd": float(menu.charge @ joint.plan),
        "cost_usd": float(menu.cash @ joint.plan),
        "expected_loss_before": float(probability @ before),
        "cvar_before": risk_of(before, probability, goal.tail),
        "frontier": frontier_points(search.master, answers.budgets, before),
    }


def _joining(answers: Answers) -> dict[str, Any]:
    """Return what the joint plan saves against others, USD."""
    joint, parted, least = answers.joint, answers.separate_value, answers.separate_least
    central = answers.central_value
    return {
        "separate_usd": parted,
        "saved_by_joining_usd": None if parted is None else parted - joint.upper,
        "saved_at_least_usd": None if least is None else least - joint.upper,
        "saved_at_most_usd": None if parted is None else parted - joint.lower,
        "value_of_stochastic_solution": None if central is None else central - joint.upper,
    }


def _of_saving(answers: Answers) -> float | None:
    """Return the distance of the bounds over what the plan saves; None if it saves nothing."""
    joint, without = answers.joint, answers.without
    if without is None or without <= joint.upper:
        return None
    return (joint.upper - joint.lower) / (without - joint.upper)
