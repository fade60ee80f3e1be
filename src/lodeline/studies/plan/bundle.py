"""The search for the best plan: master, evaluation, cuts, until the bounds meet.

L-shaped method with one set of cuts for each future. A round asks the master for its best plan and
evaluates it; first only on the futures whose cuts were furthest off when last looked at. If these
are off again the master is asked anew, else the rest is evaluated too, which gives an upper bound.
Futures are chosen by numbers that do not depend on workers, and added up in a fixed order, so the
result is the same however many workers there are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lodeline.errors import InputError
from lodeline.studies.plan.master import CutPool, Master

__all__ = ["SMALL", "Evaluation", "Evaluator", "NoPlanError", "Optimum", "Search"]

Vector = NDArray[np.float64]
Index = NDArray[np.intp]
Progress = Callable[[float, float, int], None]

FIRST_LOOK = 0.3
"""Share of the futures that are evaluated before the rest."""
_GOOD = 0.3
"""Share of the present gap by which cuts may be off where the rest of the futures is evaluated."""
FINEST = 1e-7
"""Smallest relative gap that is asked for: that of the futures' own bounds."""
SMALL = 1e6
"""USD to which a gap is relative where the goal's value is smaller."""


class NoPlanError(InputError):
    """No plan obeys all rules."""


@dataclass(frozen=True)
class Evaluation:
    """Bounds and cuts of some futures at a plan, USD.

    Attributes
    ----------
    lower, upper
        Shape (future,).
    slope
        Shape (future, choice).
    """

    lower: Vector
    upper: Vector
    slope: Vector


class Evaluator(Protocol):
    """Whoever can say what a plan costs in given futures."""

    def __call__(self, plan: Vector, futures: Index) -> Evaluation:
        """Return bounds and cuts of the futures (positions) at the plan."""
        ...


@dataclass(frozen=True)
class Optimum:
    """The best plan found, and how good it could be at most.

    Attributes
    ----------
    plan
        x, shape (choice,).
    lower, upper
        Proven bounds of the goal's value over all plans; `upper` is that of `plan`, USD.
    losses
        Upper bounds on the loss of every future under `plan`, USD, shape (future,).
    rounds, evaluations
        Masters solved, futures evaluated.
    """

    plan: Vector
    lower: float
    upper: float
    losses: Vector
    rounds: int
    evaluations: int

    @property
    def gap(self) -> float:
        """Relative distance of the bounds."""
        return max(self.upper - self.lower, 0.0) / max(abs(self.upper), SMALL)


@dataclass
class Search:
    """Cuts and evaluations, shared by all questions about one menu and its futures.

    Attributes
    ----------
    master
        Goal and money.
    evaluator
        Gives bounds and cuts.
    """

    master: Master
    evaluator: Evaluator
    pool: CutPool = field(init=False)
    _losses: dict[bytes, Vector] = field(default_factory=dict)
    _plans: dict[bytes, Vector] = field(default_factory=dict)
    _error: Vector = field(init=False)
    evaluations: int = 0

    def __post_init__(self) -> None:
        count = self.master.probability.size
        self.pool = CutPool(count, self.master.menu.size)
        self._error = np.full(count, np.inf)

    def losses(self, plan: Vector) -> Vector:
        """Return upper bounds on the losses under a plan, evaluating what is missing, USD."""
        known = self._known(plan)
        self._evaluate(plan, np.flatnonzero(np.isnan(known)))
        return self._known(plan)

    def best(
        self,
        *,
        gap: float,
        of_saving: float = 1.0,
        members: tuple[str, ...] | None = None,
        budget: float = 1.0,
        max_rounds: int = 200,
        progress: Progress | None = None,
    ) -> Optimum:
        """Return the best plan of a coalition.

        Parameters
        ----------
        gap
            Relative gap at which to stop.
        of_saving
            Share of what the plan found saves, which the gap must not exceed either: where most of
            the loss cannot be helped a small gap may still hide which measures are worth it. 1: no
            such condition.
        members
            Partners that act together; default all.
        budget
            Factor on their budgets.
        max_rounds
            Masters to solve at most.
        progress
            Called with lower bound, upper bound and rounds.

        Raises
        ------
        NoPlanError
            If the rules leave no plan at all.
        """
        nothing = np.zeros(self.master.menu.size)
        self.losses(nothing)
        lower = -np.inf
        before, rounds = self.evaluations, 0
        while True:
            rounds += 1
            answer = self.master.solve(self.pool, members=members, budget=budget)
            if not answer.is_possible:
                raise NoPlanError(_impossible(members))
            lower = max(lower, answer.bound)
            best = self._incumbent(members, budget)
            upper = np.inf if best is None else self._value(best)
            if progress is not None:
                progress(lower, upper, rounds)
            allowed = self._allowed(gap, of_saving, upper if np.isfinite(upper) else lower)
            close = best is not None and upper - lower <= allowed
            if close or rounds >= max_rounds or self._is_known(answer.plan):
                break
            # Cuts that are good beside the present gap are good enough to look everywhere.
            self._look(answer.plan, max(allowed, _GOOD * (upper - lower)))
        if best is None:
            raise NoPlanError(_impossible(members))
        # Rounding can leave the bounds crossed in their last digits.
        lower = min(lower, upper)
        spent = self.evaluations - before
        return Optimum(best, lower, upper, self._known(best), rounds, spent)

    def settled(
        self, found: Optimum, *, members: tuple[str, ...] | None = None, budget: float = 1.0
    ) -> Optimum:
        """Return the best plan evaluated since, for whatever question, if it beats the one found.

        Every search stops at a gap, so that another may meet a better plan. Afterwards more money
        or more partners are never worse: whatever fewer may do, more may do as well.
        """
        best = self._incumbent(members, budget)
        if best is None or self._value(best) >= found.upper:
            return found
        upper = self._value(best)
        return replace(
            found, plan=best, lower=min(found.lower, upper), upper=upper, losses=self._known(best)
        )

    def least(self, plan: Vector) -> float:
        """Return the least that the cuts allow the goal's value of a plan to be, USD."""
        return self.master.objective(plan, self.pool.values(plan))

    def value(self, plan: Vector) -> float:
        """Return the goal's value of a plan, evaluated if need be, USD."""
        self.losses(plan)
        return self._value(plan)

    def _allowed(self, gap: float, of_saving: float, value: float) -> float:
        """Return the distance of the bounds at which to stop, USD."""
        size = max(abs(value), SMALL)
        saving = abs(self._value(np.zeros(self.master.menu.size)) - value)
        if not np.isfinite(saving) or of_saving >= 1.0:
            return gap * size
        return max(min(gap * size, of_saving * saving), FINEST * size)

    def _look(self, plan: Vector, allowed: float) -> None:
        """Evaluate a plan where cuts were bad; if they are good there now, everywhere."""
        known = self._known(plan)
        missing = np.flatnonzero(np.isnan(known))
        weight = self._weight()[missing] * self._error[missing]
        order = missing[np.argsort(-weight, kind="stable")]
        first = order[: max(1, int(np.ceil(FIRST_LOOK * known.size)))]
        off = self._evaluate(plan, np.sort(first))
        if off <= allowed:
            self._evaluate(plan, np.sort(order[first.size :]))

    def _evaluate(self, plan: Vector, futures: Index) -> float:
        """Evaluate futures, add their cuts, return by how much the old cuts were off, USD."""
        if futures.size == 0:
            return 0.0
        expected = self.pool.values(plan)[futures]
        found = self.evaluator(plan, futures)
        known = self._known(plan)
        known[futures] = found.upper
        self._losses[plan.tobytes()] = known
        self._plans[plan.tobytes()] = plan.copy()
        for k, s in enumerate(futures):
            self.pool.add(int(s), plan, float(found.lower[k]), found.slope[k])
        self.evaluations += futures.size
        off = np.maximum(found.lower - expected, 0.0)
        self._error[futures] = off
        return float(self._weight()[futures] @ off)

    def _weight(self) -> Vector:
        """Return by how much the goal rises with each future's loss, at most."""
        goal, p = self.master.goal, self.master.probability
        if goal.cvar_usd_at_most is not None:
            return p / (1.0 - goal.tail)
        return p * (1.0 + goal.tail_weight / (1.0 - goal.tail))

    def _known(self, plan: Vector) -> Vector:
        none = np.full(self.master.probability.size, np.nan)
        return self._losses.get(plan.tobytes(), none).copy()

    def _is_known(self, plan: Vector) -> bool:
        return not np.isnan(self._known(plan)).any()

    def _value(self, plan: Vector) -> float:
        return self.master.objective(plan, self._known(plan))

    def _incumbent(self, members: tuple[str, ...] | None, budget: float) -> Vector | None:
        """Return the best plan evaluated so far that a coalition may carry out."""
        menu = self.master.menu
        names = menu.partners if members is None else members
        closed = ~menu.open_to(names)
        rules, limit = menu.constraints(names, budget)
        best, least = None, np.inf
        for key, plan in self._plans.items():
            if np.isnan(self._losses[key]).any() or np.any(plan[closed] > 0.0):
                continue
            if np.any(rules @ plan > limit + 1e-7 * np.maximum(np.abs(limit), 1.0)):
                continue
            value = self._value(plan)
            if value < least:
                best, least = plan, value
        return best


def _impossible(members: tuple[str, ...] | None) -> str:
    who = "the partners together" if members is None else " and ".join(members)
    return (
        f"no plan of {who} obeys all rules: budgets, minimum shares, or the limit on the CVaR. "
        "Raise a budget or relax a rule."
    )
