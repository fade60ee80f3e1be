"""What the search is asked: the joint plan, every coalition's, other budgets, the central future.

All questions share one pool of cuts and one memory of evaluated plans. Every search stops at a gap,
so the best plan met for any question is offered to all at the end (`Search.settled`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lodeline.studies.plan.bundle import SMALL, NoPlanError, Optimum, Search
from lodeline.studies.plan.evaluate import Here
from lodeline.studies.plan.futures import Case
from lodeline.studies.plan.master import Master
from lodeline.studies.plan.menu import Menu

__all__ = ["MIP_GAP", "Answers", "Settings", "Talk", "answers_of"]

Vector = NDArray[np.float64]
Members = tuple[str, ...]

FRONTIER = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 1.0, 1.5)
"""Multiples of the budgets."""
MIP_GAP = 1e-6
"""Relative gap of the masters: well below that of the search, which adds to it."""
_QUIET_SECONDS = 3.0


@dataclass(frozen=True)
class Settings:
    """How hard to look.

    Attributes
    ----------
    seed
        Fixes the futures; those to judge by are drawn with the next one.
    gap
        Relative gap at which a search stops,
    gap_of_saving
        if it is also at most this share of what the plan saves.
    workers
        Worker processes; 0 or 1: this process.
    coalitions, frontier
        Whether to solve for every coalition, and for other budgets.
    own_loss
        Whether to look for plans that are better for the partners' own loss, without a bound.
    """

    seed: int = 0
    gap: float = 0.001
    gap_of_saving: float = 0.01
    workers: int = 0
    coalitions: bool = True
    frontier: bool = True
    own_loss: bool = False


@dataclass
class Talk:
    """Tells what is being done: parts at once, steps every few seconds."""

    tell: Callable[[str], None] = lambda _: None
    seconds: dict[str, float] = field(default_factory=dict)
    _part_began: float = field(default_factory=time.perf_counter)
    _told: float = 0.0
    _futures: int = 0

    def say(self, text: str) -> None:
        """Tell the beginning of a part, or its result."""
        self._told = time.perf_counter()
        self.tell(text)

    def step(self, text: str) -> None:
        """Tell a step, unless something was told a moment ago."""
        if time.perf_counter() - self._told > _QUIET_SECONDS:
            self.say(text)

    def future(self) -> None:
        """Count an evaluated future."""
        self._futures += 1
        self.step(f"{self._futures} futures lived through")

    def rounds(self, what: str) -> Callable[[float, float, int], None]:
        """Return what a search calls after every round."""

        def show(lower: float, upper: float, rounds: int) -> None:
            if np.isfinite(upper):
                gap = (upper - lower) / max(abs(upper), SMALL)
                self.say(f"{what}: round {rounds}, {upper / 1e6:,.1f} m USD, gap {gap:.3%}")

        return show

    def end(self, part: str) -> None:
        """Note the seconds of a part."""
        now = time.perf_counter()
        self.seconds[part] = now - self._part_began
        self._part_began = now


@dataclass(frozen=True)
class Answers:
    """The plans found, USD.

    Attributes
    ----------
    joint
        The best plan of all partners.
    groups
        The best plan of every coalition that has one, all partners last.
    budgets
        By multiple of the budgets, where there is a plan.
    separate
        All standalone plans together; None if not all were found, or if they break rules together.
    separate_value, separate_least
        Its value by the goal, and the least that the cuts allow it.
    central_value
        Value of the plan made for the central future alone, in all futures; None under a limit on
        the CVaR.
    without
        Value without any measure; None if that breaks the limit on the CVaR.
    """

    joint: Optimum
    groups: Mapping[Members, Optimum]
    budgets: Mapping[float, Optimum]
    separate: Vector | None
    separate_value: float | None
    separate_least: float | None
    central_value: float | None
    without: float | None


def answers_of(case: Case, search: Search, settings: Settings, talk: Talk) -> Answers:
    """Ask everything.

    Raises
    ------
    NoPlanError
        If no plan of all partners obeys the rules.
    """
    menu = search.master.menu
    best = partial(search.best, gap=settings.gap, of_saving=settings.gap_of_saving)
    joint = best(progress=talk.rounds("joint plan"))
    talk.end("joint plan")
    groups: dict[Members, Optimum] = {}
    for members in _coalitions(menu.partners) if settings.coalitions else ():
        what = f"plan of {' and '.join(members)}"
        try:
            groups[members] = best(members=members, progress=talk.rounds(what))
        except NoPlanError:
            talk.say(f"{what}: none obeys all rules")
    groups[menu.partners] = joint
    talk.end("coalitions")
    budgets = {}
    for factor in FRONTIER if settings.frontier else ():
        what = f"{factor:g} times the budget"
        try:
            budgets[factor] = best(budget=factor, progress=talk.rounds(what))
        except NoPlanError:
            talk.say(f"{what}: no plan obeys all rules")
    talk.end("frontier")
    central = _central(case, settings, talk)
    central_value = None if central is None else _finite(search.value(central))
    # What partners do alone is settled before it is added up: the sum is of the plans reported.
    # Nothing that is evaluated after that is open to one of them but what it does itself.
    groups |= {m: search.settled(o, members=m) for m, o in groups.items() if len(m) == 1}
    separate = _separate(groups, menu)
    separate_value = None if separate is None else search.value(separate)
    talk.end("plan for the central future")
    groups = {m: search.settled(o, members=m) for m, o in groups.items()}
    return Answers(
        joint=groups[menu.partners],
        groups=groups,
        budgets={b: search.settled(o, budget=b) for b, o in budgets.items()},
        separate=separate,
        separate_value=separate_value,
        separate_least=None if separate is None else search.least(separate),
        central_value=central_value,
        without=_finite(search.value(np.zeros(menu.size))),
    )


def _coalitions(names: Members) -> list[Members]:
    """Return every coalition but that of all."""
    full = (1 << len(names)) - 1
    return [tuple(p for i, p in enumerate(names) if mask >> i & 1) for mask in range(1, full)]


def _separate(groups: Mapping[Members, Optimum], menu: Menu) -> Vector | None:
    """Return all standalone plans carried out together; None if they cannot be, or were not found.

    No partner can take another's measure alone, so that the plans never overlap; but measures of
    two partners may rule each other out.
    """
    names = menu.partners
    single = [groups[(n,)].plan for n in names if (n,) in groups]
    if len(single) < 2 or len(single) < len(names):
        return None
    together = np.asarray(np.sum(single, axis=0))
    return together if menu.allows(together) else None


def _central(case: Case, settings: Settings, talk: Talk) -> Vector | None:
    """Return the plan for the central future alone; None under a limit on the CVaR."""
    if case.plan.goal.cvar_usd_at_most is not None:
        return None
    talk.say("plan for the central future")
    one = Master(case.menu, case.plan.goal, np.ones(1), mip_gap=MIP_GAP)
    search = Search(one, Here(case, case.central(), talk.future))
    return search.best(gap=settings.gap, of_saving=settings.gap_of_saving).plan


def _finite(value: float) -> float | None:
    """Return a value; None if it is infinite: a plan that breaks the limit on the CVaR has none."""
    return value if np.isfinite(value) else None
