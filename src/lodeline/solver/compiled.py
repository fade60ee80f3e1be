"""The compiled solver: many scenarios of one network, eight side by side.

`CompiledMarket` studies the pattern of a problem once; `CompiledMarket.solve_batch` then clears
any number of markets that differ in everything but A. `solve` is the same for a single problem,
behind the interface of `lodeline.solver.newton.solve`.

A scenario's result depends on its own data alone, to the bit: the lanes of a vector do not see
each other. What does not converge here goes to the reference solver and is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from threading import Timer

import numpy as np
from numpy.typing import NDArray

from lodeline.solver import newton
from lodeline.solver.certificate import certify
from lodeline.solver.curves import Vector
from lodeline.solver.kernels.batch import solve_blocks
from lodeline.solver.kernels.workspace import CURVES, Inputs, Outputs, Workspace, workspace
from lodeline.solver.newton import Settings
from lodeline.solver.pattern import Analysis, analyse
from lodeline.solver.problem import Certificate, MarketProblem, Solution, Status

__all__ = ["LIMIT", "TRUST", "BatchResult", "CompiledMarket", "Variation", "announced", "solve"]

LIMIT = 400
"""Evaluations after which a scenario goes to the reference solver.

The hardest months of ensembles that were tried need up to 250; even with seven lanes
idle 400 take less time than the reference solver.
"""
_TOLERANCE = 1e-10
"""Row residual at which a scenario is solved, unless settings say otherwise.

Tighter ones are at times below the rounding of prices where large and small countries meet, and
would send good solutions to the slower solver.
"""
_OF_CURVES = ("margin", "extra", "reference", "slope", "price", "elasticity", "cap")
_PATIENCE = 4.0
"""Seconds that reading the compiled solver from disk may take."""
TRUST = 1.0
"""How far a row may move by itself in the first step, in multiples of its price."""


@dataclass(frozen=True)
class Variation:
    """What scenarios change; None leaves the problem's own.

    Every array has shape (activity,) or (scenario, activity) — `rhs` and `start`: (row,) or
    (scenario, row). Names and units are those of `Curves` and `MarketProblem`; `extra_margin` is
    added to `margin` (a tax or an expected price, USD/t).
    """

    rhs: Vector | None = None
    lower: Vector | None = None
    upper: Vector | None = None
    extra_margin: Vector | None = None
    reference: Vector | None = None
    margin: Vector | None = None
    slope: Vector | None = None
    price: Vector | None = None
    elasticity: Vector | None = None
    cap: Vector | None = None

    def scenarios(self) -> int:
        """Return the number of scenarios that the arrays speak of; 1 where all are shared.

        Raises
        ------
        ValueError
            If two arrays disagree.
        """
        counts = {
            name: value.shape[0]
            for name in self.__dataclass_fields__
            if (value := getattr(self, name)) is not None and value.ndim == 2
        }
        if len(set(counts.values())) > 1:
            raise ValueError(f"arrays differ in their number of scenarios: {counts}")
        return next(iter(counts.values()), 1)

    def of(self, scenario: int) -> Variation:
        """Return one scenario's own values, all arrays of one dimension."""
        return Variation(
            **{
                name: value[scenario] if value is not None and value.ndim == 2 else value
                for name in self.__dataclass_fields__
                for value in [getattr(self, name)]
            }
        )

    def applied(self, problem: MarketProblem) -> MarketProblem:
        """Return the problem that a variation of one scenario describes."""
        given = {
            name: value
            for name in problem.curves.__dataclass_fields__
            if (value := getattr(self, name, None)) is not None
        }
        curves = replace(problem.curves, **given)
        if self.extra_margin is not None:
            curves = curves.with_extra_cost(self.extra_margin)
        rhs = problem.rhs if self.rhs is None else self.rhs
        return replace(problem, rhs=rhs, curves=curves)


@dataclass(frozen=True)
class BatchResult:
    """Solutions of a batch.

    Attributes
    ----------
    levels
        t/month, shape (scenario, activity).
    prices
        USD/t, shape (scenario, row).
    is_solved
        Shape (scenario,); False only where the reference solver failed too.
    iterations
        Newton steps, shape (scenario,); those of the solver that found the solution.
    residual
        Worst row's distance from balance over its throughput, shape (scenario,): the primal and
        complementarity parts of the certificate. The dual part is zero by construction, because
        levels are the responses to the prices.
    gap
        Duality gap over the value of the reference flows, shape (scenario,).
    is_fallback
        Solved by the reference solver, shape (scenario,).
    """

    levels: Vector
    prices: Vector
    is_solved: NDArray[np.bool_]
    iterations: NDArray[np.int32]
    residual: Vector
    gap: Vector
    is_fallback: NDArray[np.bool_]

    @property
    def fallbacks(self) -> int:
        """Number of scenarios that went to the reference solver."""
        return int(self.is_fallback.sum())


@contextmanager
def announced(message: Callable[[str], None] | None) -> Iterator[None]:
    """Say that the solver is being compiled, if that takes longer than reading it from disk."""
    if message is None:
        yield
        return
    text = "Preparing the compiled solver: a minute or two on first use, then kept on disk."
    timer = Timer(_PATIENCE, message, [text])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class CompiledMarket:
    """A market whose pattern has been analysed, for solving again and again.

    Parameters
    ----------
    problem
        Gives A, the kinds of curves, scales, and the default of everything that a batch may vary.
    settings
        Only the tolerance counts here, and the rest where a scenario falls back; default 1e-10.
    message
        Called with a sentence before the first solve of the process, which may have to compile.

    Examples
    --------
    >>> market = CompiledMarket(problem)  # doctest: +SKIP
    >>> result = market.solve_batch(Variation(upper=upper))  # doctest: +SKIP
    """

    def __init__(
        self,
        problem: MarketProblem,
        settings: Settings | None = None,
        *,
        message: Callable[[str], None] | None = None,
    ) -> None:
        self.problem = problem
        self.settings = settings or Settings(tolerance=_TOLERANCE)
        self.analysis: Analysis = analyse(problem)
        self._message = message
        self._is_ready = False
        self._works: dict[tuple[str, ...], Workspace] = {}

    @cached_property
    def value(self) -> float:
        """Value of the reference flows, USD/month."""
        turnover = np.abs(self.problem.incidence).T @ self.problem.row_price
        return max(float(turnover @ self.problem.curves.reference), 1e-300)

    def solve_batch(
        self, variation: Variation | None = None, start: Vector | None = None
    ) -> BatchResult:
        """Clear the markets of all scenarios.

        Parameters
        ----------
        variation
            What differs from the problem.
        start
            Prices to start from, USD/t, shape (row,) or (scenario, row); default `row_price`.
        """
        variation = variation or Variation()
        count = variation.scenarios()
        if start is not None and start.ndim == 2 and count == 1:
            count = start.shape[0]
        inputs = self._inputs(variation, start, count)
        rows, activities = self.problem.incidence.shape
        out = Outputs(
            levels=np.empty((count, activities)),
            prices=np.empty((count, rows)),
            iterations=np.empty(count, dtype=np.int32),
            residual=np.empty(count),
            gap=np.empty(count),
        )
        s = self.settings
        is_ready = self._is_ready or bool(solve_blocks.signatures)
        with announced(None if is_ready else self._message):
            solve_blocks(
                self.analysis.pattern, self._work(inputs), inputs, out, count,
                s.tolerance, TRUST, LIMIT,
            )  # fmt: skip
        self._is_ready = True
        is_solved = out.residual <= s.tolerance
        is_fallback = ~is_solved
        gap = out.gap / self.value
        for i in np.flatnonzero(is_fallback):
            self._fall_back(int(i), variation, out, is_solved, gap)
        return BatchResult(
            out.levels, out.prices, is_solved, out.iterations, out.residual, gap, is_fallback
        )

    def certify(self, result: BatchResult, scenario: int, variation: Variation) -> Certificate:
        """Return the certificate of one scenario, by the independent check."""
        problem = variation.of(scenario).applied(self.problem)
        return certify(problem, result.levels[scenario], result.prices[scenario])

    def _inputs(self, variation: Variation, start: Vector | None, count: int) -> Inputs:
        problem, curves = self.problem, self.problem.curves
        rows, activities = problem.incidence.shape

        def array(name: str, given: Vector | None, default: Vector, size: int) -> Vector:
            value = np.atleast_2d(default if given is None else given)
            if value.shape not in {(1, size), (count, size)}:
                raise ValueError(
                    f"{name} has shape {value.shape}, needs ({size},) or ({count}, {size})"
                )
            return np.ascontiguousarray(value, dtype=np.float64)

        v = variation
        return Inputs(
            rhs=array("rhs", v.rhs, problem.rhs, rows),
            start=array("start", start, problem.row_price, rows),
            lower=array("lower", v.lower, curves.lower, activities),
            upper=array("upper", v.upper, curves.upper, activities),
            margin=array("margin", v.margin, curves.margin, activities),
            extra=array("extra_margin", v.extra_margin, np.zeros(activities), activities),
            reference=array("reference", v.reference, curves.reference, activities),
            slope=array("slope", v.slope, curves.slope, activities),
            price=array("price", v.price, curves.price, activities),
            elasticity=array("elasticity", v.elasticity, curves.elasticity, activities),
            cap=array("cap", v.cap, curves.cap, activities),
        )

    def _work(self, inputs: Inputs) -> Workspace:
        """Return room for a block, in which what all scenarios share is kept once."""
        shared: tuple[str, ...] = () if len(inputs.lower) > 1 else ("lower",)
        if max(len(getattr(inputs, name)) for name in _OF_CURVES) == 1:
            shared += CURVES
        if shared not in self._works:
            self._works[shared] = workspace(self.analysis, shared)
        return self._works[shared]

    def _fall_back(
        self,
        i: int,
        variation: Variation,
        out: Outputs,
        is_solved: NDArray[np.bool_],
        gap: Vector,
    ) -> None:
        """Solve one scenario by the reference solver, from the reference prices."""
        problem = variation.of(i).applied(self.problem)
        solution = newton.solve(problem, None, self.settings)
        out.levels[i], out.prices[i] = solution.levels, solution.prices
        out.iterations[i] = solution.iterations
        out.residual[i] = solution.certificate.residual
        gap[i] = solution.certificate.gap
        is_solved[i] = solution.status == Status.SOLVED


def solve(
    problem: MarketProblem, start: Vector | None = None, settings: Settings | None = None
) -> Solution:
    """Clear one market; as `lodeline.solver.newton.solve`, with the compiled kernels.

    Analysing the pattern costs more than a solve: to solve again and again keep a
    `CompiledMarket`.
    """
    result = CompiledMarket(problem, settings).solve_batch(start=start)
    levels, prices = result.levels[0], result.prices[0]
    status = Status.SOLVED if result.is_solved[0] else Status.NOT_CONVERGED
    certificate = certify(problem, levels, prices)
    return Solution(levels, prices, status, int(result.iterations[0]), certificate)
