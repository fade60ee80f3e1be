"""The master problem: the cheapest plan as far as the cuts know.

    minimise   f·x + Σ pₛ θₛ + λ (ζ + Σ pₛ yₛ / (1 − α))
    subject to θₛ ≥ cₛₖ + gₛₖ·x  for every cut k of future s,   yₛ ≥ θₛ − ζ,  yₛ ≥ 0,
               rules and budgets of the coalition,  0 ≤ x ≤ modules,  some x whole

λ CVaR by Rockafellar and Uryasev (2000, Journal of Risk 2, 21-41); cuts by Van Slyke and Wets
(1969, SIAM J. Appl. Math. 17, 638-663), one set for each future (Birge and Louveaux 1988). As every
cut holds for every plan, one pool serves all coalitions, budgets and prices, and the best bound of
the master is a lower bound of the true optimum. Solved by HiGHS, in millions of dollars.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lodeline.errors import LodelineError
from lodeline.scenarios.levels import Goal
from lodeline.studies.plan.menu import Menu

__all__ = ["CutPool", "Master", "MasterAnswer", "mean_of_worst", "risk_of"]

Vector = NDArray[np.float64]
Flags = NDArray[np.bool_]

UNIT = 1e6
"""USD in which the master counts: HiGHS likes numbers near one."""
_OVER = 1e-6
"""Share of the limit on the CVaR by which rounding may overstep it."""
_TOLERANCES = (1e-7, 1e-6)
"""To which HiGHS keeps rows and whole numbers; the next where it fails on the one before."""
_UNKNOWN = -1e7
"""Lower bound on the loss of a future without a cut, millions of USD."""


def risk_of(losses: Vector, probability: Vector, tail: float) -> float:
    """Return the CVaR of losses at α, in their unit.

    ``min over ζ of ζ + Σ p (loss − ζ)⁺ / (1 − α)``: the mean of the worst 1 − α, an atom at its
    edge counted in part.

    Parameters
    ----------
    losses, probability
        Shape (future,); probabilities sum to 1.
    tail
        α, 0 (the mean) to less than 1.

    Examples
    --------
    >>> risk_of(np.arange(1.0, 101.0), np.full(100, 0.01), 0.95)
    98.0
    """
    order = np.argsort(-losses, kind="stable")
    room = 1.0 - tail
    before = np.concatenate([[0.0], np.cumsum(probability[order])[:-1]])
    taken = np.clip(room - before, 0.0, probability[order])
    return round_off(float(taken @ losses[order]) / float(taken.sum()))


def mean_of_worst(losses: Vector, tail: float) -> float:
    """Return the CVaR of losses that are equally likely, see `risk_of`."""
    return risk_of(losses, np.full(losses.size, 1.0 / losses.size), tail)


def round_off(value: float) -> float:
    """Return a value without the noise of its last digits."""
    return float(f"{value:.14g}")


@dataclass
class CutPool:
    """Cuts of all futures: ``θₛ ≥ level + slope @ x``, in USD.

    Attributes
    ----------
    futures, choices
        Their numbers.
    """

    futures: int
    choices: int
    _future: list[int] = field(default_factory=list)
    _level: list[float] = field(default_factory=list)
    _slope: list[Vector] = field(default_factory=list)

    def __len__(self) -> int:
        """Return the number of cuts."""
        return len(self._level)

    def add(self, future: int, at: Vector, value: float, slope: Vector) -> None:
        """Add the cut ``value + slope @ (x − at)`` of a future."""
        self._future.append(future)
        self._level.append(value - float(slope @ at))
        self._slope.append(slope)

    def arrays(self) -> tuple[NDArray[np.intp], Vector, Vector]:
        """Return future, level (USD) and slope (USD a module) of every cut."""
        slope = np.array(self._slope) if self._slope else np.zeros((0, self.choices))
        return np.array(self._future, dtype=np.intp), np.array(self._level), slope

    def values(self, plan: Vector) -> Vector:
        """Return the lower bound on the loss of every future at a plan, USD, shape (future,)."""
        future, level, slope = self.arrays()
        out = np.full(self.futures, -np.inf)
        np.maximum.at(out, future, level + slope @ plan)
        return out


@dataclass(frozen=True)
class MasterAnswer:
    """What the master says.

    Attributes
    ----------
    plan
        x, shape (choice,).
    bound
        Proven lower bound of the objective over all plans, USD; infinite if no plan is allowed.
    is_possible
        Whether any plan obeys the rules.
    """

    plan: Vector
    bound: float
    is_possible: bool


@dataclass(frozen=True)
class Master:
    """The master problem of a menu.

    Attributes
    ----------
    menu
        Choices and money.
    goal
        What is minimised.
    probability
        Of each future, shape (future,).
    mip_gap
        Relative gap at which HiGHS may stop; its bound counts, so this never spoils a proof.
    """

    menu: Menu
    goal: Goal
    probability: Vector
    mip_gap: float = 5e-4

    def objective(self, plan: Vector, losses: Vector) -> float:
        """Return what a plan with these losses costs by the goal, USD."""
        charge = float(self.menu.charge @ plan)
        limit = self.goal.cvar_usd_at_most
        if limit is not None:
            over = risk_of(losses, self.probability, self.goal.tail) - limit
            return float("inf") if over > _OVER * max(abs(limit), UNIT) else charge
        tail = self.goal.tail_weight
        risk = tail * risk_of(losses, self.probability, self.goal.tail) if tail > 0.0 else 0.0
        return charge + float(self.probability @ losses) + risk

    def solve(
        self,
        pool: CutPool,
        *,
        members: tuple[str, ...] | None = None,
        budget: float = 1.0,
        is_relaxed: bool = False,
        fixed: Vector | None = None,
    ) -> MasterAnswer:
        """Solve the master over a pool of cuts.

        Parameters
        ----------
        pool
            Cuts that hold for every plan.
        members
            Partners that act together; default all.
        budget
            Factor on their budgets.
        is_relaxed
            Whether whole modules may be divided.
        fixed
            A plan to which x is held, shape (choice,).

        Raises
        ------
        LodelineError
            If HiGHS gives up.
        """
        model = self._model(pool, members, budget, is_relaxed=is_relaxed, fixed=fixed)
        for tolerance in _TOLERANCES:
            highs = _quiet(self.mip_gap, tolerance)
            highs.passModel(model)
            highs.run()
            status = highs.getModelStatus()
            if status != highspy.HighsModelStatus.kSolveError:
                break
        none = np.zeros(self.menu.size)
        if status in {
            highspy.HighsModelStatus.kInfeasible,
            highspy.HighsModelStatus.kUnboundedOrInfeasible,
        }:
            return MasterAnswer(none, float("inf"), is_possible=False)
        if status != highspy.HighsModelStatus.kOptimal:
            raise LodelineError(
                f"the master problem was not solved ({highs.modelStatusToString(status)}). "
                "Please report the plan as a defect."
            )
        info = highs.getInfo()
        x = np.array(highs.getSolution().col_value[: self.menu.size])
        whole = self.menu.is_integer & (not is_relaxed)
        plan = np.clip(np.where(whole, np.round(x), x), 0.0, self.menu.modules)
        has_integers = bool(whole.any()) and fixed is None
        bound = info.mip_dual_bound if has_integers else info.objective_function_value
        # What the tolerance lets a row slip, on values of at most thousands of millions.
        slip = tolerance * max(1.0, abs(bound))
        return MasterAnswer(plan, UNIT * (bound - slip), is_possible=True)

    def _model(
        self,
        pool: CutPool,
        members: tuple[str, ...] | None,
        budget: float,
        *,
        is_relaxed: bool,
        fixed: Vector | None,
    ) -> highspy.HighsLp:
        menu, n, p = self.menu, pool.futures, self.probability
        members = menu.partners if members is None else members
        future, level, slope = pool.arrays()
        has_tail = self.goal.tail_weight > 0.0 or self.goal.cvar_usd_at_most is not None
        width = menu.size + n + (n + 1 if has_tail else 0)
        rules, limit = _scaled(*menu.constraints(members, budget))
        blocks = [sparse.hstack([rules, sparse.csr_array((rules.shape[0], width - menu.size))])]
        low, high = [np.full(limit.size, -np.inf)], [limit]
        cut = sparse.csr_array((np.ones(len(pool)), (np.arange(len(pool)), future)), (len(pool), n))
        rest = sparse.csr_array((len(pool), width - menu.size - n))
        blocks.append(sparse.hstack([sparse.csr_array(-slope / UNIT), cut, rest]))
        low.append(level / UNIT)
        high.append(np.full(len(pool), np.inf))
        if has_tail:
            one = sparse.eye_array(n)
            none = sparse.csr_array((n, menu.size))
            blocks.append(sparse.hstack([none, -one, np.ones((n, 1)), one]))
            low.append(np.zeros(n))
            high.append(np.full(n, np.inf))
        tail = np.concatenate([[1.0], p / (1.0 - self.goal.tail)]) if has_tail else np.empty(0)
        limit_usd = self.goal.cvar_usd_at_most
        if limit_usd is not None:
            row = np.concatenate([np.zeros(menu.size + n), tail])
            blocks.append(sparse.csr_array(row[None, :]))
            low.append(np.array([-np.inf]))
            high.append(np.array([limit_usd / UNIT]))
        cost = np.concatenate([menu.charge / UNIT, p, self.goal.tail_weight * tail])
        if limit_usd is not None:
            cost[menu.size :] = 0.0
        top = np.where(menu.open_to(members), menu.modules, 0.0)
        known = np.full(n, _UNKNOWN)
        return _highs_model(
            sparse.csr_array(sparse.vstack(blocks)),
            cost=cost,
            low=np.concatenate(low),
            high=np.concatenate(high),
            lower=np.concatenate(
                [np.zeros(menu.size) if fixed is None else fixed, known]
                + ([[_UNKNOWN], np.zeros(n)] if has_tail else [])
            ),
            upper=np.concatenate(
                [top if fixed is None else fixed, np.full(width - menu.size, np.inf)]
            ),
            is_integer=np.concatenate(
                [menu.is_integer & (not is_relaxed) & (fixed is None),
                 np.zeros(width - menu.size, dtype=np.bool_)]
            ),
        )  # fmt: skip


def _highs_model(
    matrix: sparse.csr_array,
    *,
    cost: Vector,
    low: Vector,
    high: Vector,
    lower: Vector,
    upper: Vector,
    is_integer: Flags,
) -> highspy.HighsLp:
    """Return the problem as HiGHS wants it."""
    model = highspy.HighsLp()
    model.num_row_, model.num_col_ = matrix.shape
    model.col_cost_, model.col_lower_, model.col_upper_ = cost, lower, upper
    model.row_lower_, model.row_upper_ = low, high
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = matrix.indptr
    model.a_matrix_.index_ = matrix.indices
    model.a_matrix_.value_ = matrix.data
    if is_integer.any():
        whole, part = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
        model.integrality_ = [whole if w else part for w in is_integer]
    return model


def _scaled(rules: sparse.csr_array, limit: Vector) -> tuple[sparse.csr_array, Vector]:
    """Return rules with a largest coefficient of 1: dollars, tonnes and modules look alike."""
    largest = np.maximum(abs(rules).max(axis=1).toarray().ravel(), 1e-12) if limit.size else limit
    return sparse.csr_array(sparse.diags_array(1.0 / largest) @ rules), limit / largest


def _quiet(mip_gap: float, tolerance: float) -> highspy.Highs:
    highs = highspy.Highs()  # type: ignore[no-untyped-call]
    for name, value in {
        "output_flag": False,
        "threads": 1,
        "random_seed": 0,
        "mip_rel_gap": mip_gap,
        "primal_feasibility_tolerance": 1e-9,
        "mip_feasibility_tolerance": tolerance,
    }.items():
        highs.setOptionValue(name, value)
    return highs
